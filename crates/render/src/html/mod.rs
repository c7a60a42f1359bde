//! One HTML file for one or several reports: for a browser, for paper, for a screen reader.
//!
//! - `parts`: tables, words with their colour, fixes; every table is made there.
//! - `target`: the parts of one report, in the order in which they are read.
//! - `findings`: what was found, with manuals, and what could not be determined.
//! - `depth`: what is known of TLS, certificates and clients.
//! - `manual`: the manual of a check.
//!
//! The file needs nothing else: no script, no image, no font. Its own policy (CSP) forbids
//! all of these and allows the one style sheet by its hash, so that markup which slipped
//! through could do nothing. All text is escaped by the templates, which are checked when
//! they are compiled; what is invisible or turns the direction of writing is made visible
//! in the finished page.

mod depth;
mod findings;
mod manual;
mod parts;
mod target;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use waxseal_model::{Report, Severity};

use self::parts::{Grid, shown};
use crate::{guard::harmless, manual::Manual, style::Style, summary, when, words};

/// What the page depends on beside the reports.
#[derive(Debug, Clone, Copy, Default)]
pub struct HtmlOptions<'a> {
    /// Seconds since 1970-01-01 UTC, for the days that certificates have left.
    pub now: i64,
    /// The manuals of the checks, shown with findings.
    pub manuals: &'a [Manual<'a>],
    /// What was said with the servers, line by line.
    pub transcripts: bool,
}

/// The style sheet.
const CSS: &str = include_str!("style.css");

/// SHA-256 of the style sheet in base64, for the policy; a test compares it.
const CSS_SHA256: &str = "cYp/VigEaLStkPp+bh98ztjLJHCr1xEFAq16m4YY0Pg=";

/// How words look: symbols beyond ASCII.
const STYLE: Style = Style::plain();

/// The page, worst target first where there are several.
pub fn html(reports: &[Report], options: &HtmlOptions<'_>) -> String {
    let sorted = summary::worst_first(reports);
    let page = document(&sorted, options).into_string();
    let mut out = String::with_capacity(page.len());
    for line in page.lines() {
        out.push_str(&harmless(line));
        out.push('\n');
    }
    out
}

fn document(reports: &[&Report], options: &HtmlOptions<'_>) -> Markup {
    let title = match reports {
        [one] => format!("Mail transport security: {}", one.target),
        many => format!("Mail transport security of {}", when::count(many.len(), "target")),
    };
    let policy =
        format!("default-src 'none'; style-src 'sha256-{CSS_SHA256}'; base-uri 'none'; form-action 'none'");
    markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(CSS)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                header { h1 { (title) } }
                main #main tabindex="-1" {
                    @if reports.len() > 1 { (overview(reports)) }
                    @for (i, report) in reports.iter().enumerate() { (target::section(report, i + 1, options)) }
                }
                (footer(reports))
            }
        }
    }
}

/// One line for each target.
fn overview(reports: &[&Report]) -> Markup {
    let mut grid = Grid::new("overview", "All targets, worst first", &["Target", "Grade", "The worst of it"]);
    for (i, report) in reports.iter().enumerate() {
        let letter = target::letter_words(report);
        let worst = report.findings.iter().filter(|f| f.severity > Severity::Info);
        let worst = worst.max_by_key(|f| (f.severity, f.importance));
        grid.row(vec![
            markup! { a href={ "#t" (i + 1) } { (report.target) } },
            shown(words::letter_role(report.grade.letter), &letter),
            markup! {
                @match worst {
                    Some(finding) => {
                        (parts::look(words::severity(finding.severity, &STYLE))) " " (finding.title)
                    }
                    None => { (report.grade.summary) }
                }
            },
        ]);
    }
    grid.markup()
}

fn footer(reports: &[&Report]) -> Markup {
    let version = reports.first().map_or("", |r| r.waxseal_version.as_str());
    markup! {
        footer {
            p {
                "Made by waxseal " (version) ". The same as data: " code { "--json" }
                ". The manual of a check: " code { "waxseal checks ID" } "."
            }
        }
    }
}
