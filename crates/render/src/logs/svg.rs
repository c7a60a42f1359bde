//! A picture of how deliveries were protected over time: shares as stacked areas, and beneath
//! them how many deliveries there were.
//!
//! Colours are of Okabe and Ito's set, which all eyes tell apart; what went in clear is
//! hatched as well. Title and description say in words what the picture shows.

use std::fmt::Write;

use waxseal_model::{
    LogSummary,
    logs::{Times, Traffic},
};

use super::numbers::{count, share, shares};
use crate::when;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 400.0;
/// Where the areas stand.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 840.0;
const TOP: f64 = 72.0;
const BOTTOM: f64 = 268.0;
/// Where the bars of numbers stand.
const BARS_TOP: f64 = 288.0;
const BARS_BOTTOM: f64 = 340.0;
/// Times that are written below.
const LABELS: i64 = 6;

/// A kind of protection: its name, its class, and how to get its number.
type Kind = (&'static str, &'static str, fn(&Traffic) -> u64);

/// From the bottom up.
const KINDS: [Kind; 4] = [
    ("authenticated", "a", |t| t.authenticated),
    ("encrypted", "e", |t| t.encrypted),
    ("not known", "u", |t| t.unknown),
    ("in clear", "c", |t| t.clear),
];

const STYLE: &str = "\
.a{fill:#0072b2}.e{fill:#56b4e9}.u{fill:#bbb}.c{fill:url(#hatch)}.n{fill:#777}\
text{font:13px sans-serif;fill:#222}.t{font-size:16px;font-weight:bold}.g{stroke:#888;stroke-width:.5;fill:none}\
.p{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#ddd}.p{fill:#181818}.n{fill:#999}}";

/// The picture; one that says so where nothing was delivered.
pub fn svg(summary: &LogSummary) -> String {
    let (title, description) = words(summary);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>{STYLE}</style>\n\
         <defs><pattern id=\"hatch\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"8\" height=\"8\" fill=\"#d55e00\"/>\
         <path d=\"M-2 2l4-4M0 8l8-8M6 10l4-4\" stroke=\"#fff\" stroke-width=\"1.5\"/></pattern></defs>\n\
         <rect class=\"p\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
         <text class=\"t\" x=\"{LEFT}\" y=\"26\">{}</text>\n",
        escape(&title),
        escape(&description),
        escape(&title),
    );
    legend(&mut out, summary);
    match Axis::new(&summary.times) {
        Some(axis) => {
            areas(&mut out, &summary.times, &axis);
            bars(&mut out, &summary.times, &axis);
            axis.write(&mut out);
        }
        None => {
            let middle = (TOP + BOTTOM) / 2.0;
            put(
                &mut out,
                &format!(
                    "<text x=\"{LEFT}\" y=\"{middle}\">The log tells of no delivery with a time.</text>"
                ),
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

/// A line of the document. Writing to a text never fails.
fn put(out: &mut String, line: &str) {
    let _ = writeln!(out, "{line}");
}

fn words(summary: &LogSummary) -> (String, String) {
    let to = summary.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
    let title = match (summary.first, summary.last) {
        (Some(first), Some(last)) => {
            format!("How mail{to} was protected, {} to {}", when::date(first), when::date(last))
        }
        _ => format!("How mail{to} was protected"),
    };
    let sent = &summary.delivered;
    if sent.total() == 0 {
        return (title, "No delivery to another server.".into());
    }
    let spans = summary.times.spans.iter().filter(|s| s.delivered.clear > 0);
    let worst = spans.max_by(|a, b| {
        let of = |t: &Traffic| t.clear as f64 / t.total().max(1) as f64;
        of(&a.delivered).total_cmp(&of(&b.delivered))
    });
    let worst = worst.map(|span| {
        let (t, at) = (&span.delivered, when::moment(span.start));
        format!(" Worst in the span from {at}: {} in clear.", share(t.clear, t.total()))
    });
    let all = count(sent.total());
    (title, format!("Of {all} deliveries: {}.{}", shares(sent), worst.unwrap_or_default()))
}

fn legend(out: &mut String, summary: &LogSummary) {
    let mut x = LEFT;
    for (name, class, get) in KINDS.iter().rev() {
        let label = format!("{name} {}", share(get(&summary.delivered), summary.delivered.total()));
        put(
            out,
            &format!(
                "<rect class=\"{class}\" x=\"{x:.0}\" y=\"40\" width=\"14\" height=\"14\"/>\
                 <text x=\"{:.0}\" y=\"52\">{}</text>",
                x + 20.0,
                escape(&label)
            ),
        );
        x += 44.0 + label.chars().count() as f64 * 7.4;
    }
}

/// Times to places.
struct Axis {
    first: i64,
    length: f64,
}

impl Axis {
    fn new(times: &Times) -> Option<Self> {
        let (first, last) = (times.spans.first()?.start, times.spans.last()?.start);
        let length = last.saturating_sub(first).saturating_add(times.span).max(1);
        Some(Self { first, length: length as f64 })
    }

    fn x(&self, time: i64) -> f64 {
        LEFT + (RIGHT - LEFT) * time.saturating_sub(self.first) as f64 / self.length
    }

    /// Shares at the left, times below.
    fn write(&self, out: &mut String) {
        for percent in [0, 25, 50, 75, 100] {
            let y = BOTTOM - (BOTTOM - TOP) * f64::from(percent) / 100.0;
            put(out, &format!("<path class=\"g\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>"));
            put(
                out,
                &format!(
                    "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{percent} %</text>",
                    LEFT - 6.0,
                    y + 4.0
                ),
            );
        }
        for n in 0..=LABELS {
            let time = self.first.saturating_add((self.length * n as f64 / LABELS as f64) as i64);
            let anchor = match n {
                0 => "start",
                LABELS => "end",
                _ => "middle",
            };
            let label = if self.length > 3.0 * 86_400.0 { when::date(time) } else { short(time) };
            put(
                out,
                &format!("<text x=\"{:.1}\" y=\"362\" text-anchor=\"{anchor}\">{label}</text>", self.x(time)),
            );
        }
    }
}

/// `11-21 14:00`
fn short(time: i64) -> String {
    when::iso(time).get(5..16).unwrap_or_default().replace('T', " ")
}

/// One path for each kind: a box for each span, on top of those of the kinds before.
fn areas(out: &mut String, times: &Times, axis: &Axis) {
    for (at, (name, class, get)) in KINDS.iter().enumerate() {
        let mut path = String::new();
        for span in &times.spans {
            let all = span.delivered.total().max(1) as f64;
            let below: u64 = KINDS.iter().take(at).map(|(.., get)| get(&span.delivered)).sum();
            let own = get(&span.delivered);
            if own == 0 {
                continue;
            }
            let scale = (BOTTOM - TOP) / all;
            let (x, width) =
                (axis.x(span.start), axis.x(span.start.saturating_add(times.span)) - axis.x(span.start));
            let (y, height) = (BOTTOM - scale * (below + own) as f64, scale * own as f64);
            let _ = write!(path, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z");
        }
        if !path.is_empty() {
            put(out, &format!("<path class=\"{class}\" d=\"{path}\"><title>{name}</title></path>"));
        }
    }
}

/// How many deliveries there were.
fn bars(out: &mut String, times: &Times, axis: &Axis) {
    let most = times.spans.iter().map(|s| s.delivered.total()).max().unwrap_or(1).max(1);
    let mut path = String::new();
    for span in &times.spans {
        let height = (BARS_BOTTOM - BARS_TOP) * span.delivered.total() as f64 / most as f64;
        let (x, width) =
            (axis.x(span.start), axis.x(span.start.saturating_add(times.span)) - axis.x(span.start));
        let _ = write!(path, "M{x:.1} {:.1}h{width:.1}v{height:.1}h-{width:.1}z", BARS_BOTTOM - height);
    }
    put(out, &format!("<path class=\"n\" d=\"{path}\"><title>deliveries</title></path>"));
    let per = if times.span == 3600 { "an hour" } else { "a day" };
    let per = if times.span > 86_400 { "a span" } else { per };
    let label = format!("deliveries {per}, at most {}", count(most));
    put(out, &format!("<text x=\"{LEFT}\" y=\"388\">{label}; times are UTC</text>"));
}

/// Text in an XML document.
fn escape(text: &str) -> String {
    let text = crate::harmless(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
