//! The beginning and the end of the page: how mail went out in one sentence, the figures, and
//! what to do first.

use waxseal_model::{
    LogSummary,
    diagnosis::Side,
    logs::{DomainTraffic, LogCause},
};

use super::numbers::{count, plural, share, shares};
use crate::{page::Page, style::Role, when};

/// The column in which figures' words begin.
const COLUMN: usize = 24;
/// The most that are done first.
const MOST_ADVICE: usize = 3;

/// The sentence, and the figures.
pub(super) fn write(page: &mut Page, summary: &LogSummary) {
    let (role, sentence) = verdict(summary);
    page.paragraph(0, role, &sentence);
    page.paragraph(0, Role::Faint, &what_was_read(summary));
    page.blank();
    figure(page, "Sent", summary.delivered.total(), &shares(&summary.delivered));
    if summary.kept > 0 {
        figure(
            page,
            "Local",
            summary.kept,
            "to mailboxes, programs and filters of the servers that wrote the log",
        );
    }
    if summary.deferred > 0 {
        figure(page, "Deferred", summary.deferred, &waiting(summary));
    }
    if summary.failed > 0 {
        figure(page, "Given up", summary.failed, "returned to their senders");
    }
    if summary.received.total() > 0 {
        figure(page, "Received", summary.received.total(), &shares(&summary.received));
    }
    if summary.rejected > 0 {
        let mostly = summary.rejections.first().map(|c| format!("mostly {}", c.cause)).unwrap_or_default();
        figure(page, "Refused", summary.rejected, &mostly);
    }
}

fn figure(page: &mut Page, label: &str, n: u64, words: &str) {
    let head = format!("{label:<10}{:>10}", count(n));
    page.entry(&[(Role::Plain, &head)], COLUMN, Role::Plain, words);
}

/// The worst first: mail in clear, then what is not known.
fn verdict(summary: &LogSummary) -> (Role, String) {
    let sent = &summary.delivered;
    let to = summary.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
    if sent.total() == 0 {
        let tried = summary.deferred + summary.failed;
        let sentence = match tried {
            0 => format!("The log tells of no mail{to} that was sent to another server."),
            n => format!("No mail{to} was delivered: {} failed.", plural(n, "attempt")),
        };
        return (if tried > 0 { Role::Worst } else { Role::Strong }, sentence);
    }
    let unknown = match sent.unknown {
        0 => String::new(),
        n => format!(" Of {} the log does not say how it was protected.", plural(n, "message")),
    };
    if sent.clear > 0 {
        let domains = summary.domains.iter().filter(|d| d.delivered.clear > 0).count() as u64;
        // Those that are counted together may be one or many.
        let folded = u64::from(summary.others.delivered.clear > 0);
        let (domains, at_least) = (domains + folded, if folded > 0 { "at least " } else { "" });
        let sentence = format!(
            "{} of the mail{to} went out in clear: {} of {}, to {at_least}{}.{unknown}",
            share(sent.clear, sent.known()),
            count(sent.clear),
            plural(sent.known(), "message"),
            plural(domains, "domain"),
        );
        return (Role::Worst, sentence);
    }
    if sent.known() == 0 {
        return (Role::Warning, format!("The log does not say whether any mail{to} was encrypted."));
    }
    let authenticated = match sent.authenticated {
        0 => "Of none of it was the other side's certificate compared with its name.".to_owned(),
        n if n == sent.known() => "The other side proved its name each time.".to_owned(),
        n => format!("For {} of it the other side proved its name.", share(n, sent.known())),
    };
    (Role::Good, format!("All mail{to} of which the log tells was encrypted. {authenticated}{unknown}"))
}

fn what_was_read(summary: &LogSummary) -> String {
    let programs: Vec<&str> = summary.programs.iter().map(|p| p.program.as_str()).collect();
    let files = match summary.files.as_slice() {
        [one] if one.name == "-" => "standard input".to_owned(),
        [one] => one.name.clone(),
        many => plural(many.len() as u64, "file"),
    };
    let from_to = match (summary.first, summary.last) {
        (Some(first), Some(last)) => format!(", {} to {}", when::moment(first), when::moment(last)),
        _ => String::new(),
    };
    format!("{files}: {} of {}{from_to}", plural(summary.lines, "line"), programs.join(", "))
}

fn waiting(summary: &LogSummary) -> String {
    const HOUR: i64 = 3600;
    let waiting = &summary.waiting;
    let oldest = match (waiting.oldest, summary.last) {
        (Some(oldest), Some(last)) if last - oldest >= HOUR => {
            format!(", the oldest for {}", when::span(last - oldest))
        }
        (Some(_), Some(_)) => ", none for an hour".into(),
        _ => String::new(),
    };
    match (waiting.recipients, waiting.not_followed) {
        (0, 0) => "attempts; none still waits".into(),
        (0, _) => "attempts; how many still wait is not known".into(),
        (n, not_followed) => {
            let at_least = if not_followed > 0 { "at least " } else { "" };
            let verb = if n == 1 { "waits" } else { "wait" };
            format!("attempts; {at_least}{} still {verb}{oldest}", plural(n, "recipient"))
        }
    }
}

/// What to do first: the domain that gets most in clear, then what is ours to mend.
pub(super) fn advice(page: &mut Page, summary: &LogSummary) {
    let mut advice: Vec<(String, Option<String>)> = Vec::new();
    let in_clear = summary.domains.iter().filter(|d| d.delivered.clear > 0);
    if let Some(worst) = in_clear.max_by_key(|d| d.delivered.clear) {
        advice.push((clear_advice(worst), Some(format!("waxseal check {}", worst.domain))));
    }
    let mut causes: Vec<&LogCause> =
        summary.causes.iter().filter(|c| is_ours(c) && c.fix.is_some()).collect();
    causes.sort_by_key(|c| (c.family != "tls", std::cmp::Reverse(c.total())));
    for cause in causes {
        let fix = cause.fix.as_deref().unwrap_or_default();
        let times = plural(cause.total(), "time");
        advice.push((format!("{} ({}, {times}): {fix}", cause.summary, cause.cause), cause.paste.clone()));
    }
    if advice.is_empty() {
        return;
    }
    page.heading("Do first");
    for (number, (text, paste)) in (1..).zip(advice.iter().take(MOST_ADVICE)) {
        page.entry(&[(Role::Plain, &format!("  {number}."))], 5, Role::Plain, text);
        if let Some(paste) = paste {
            page.verbatim(7, paste);
        }
    }
}

fn clear_advice(domain: &DomainTraffic) -> String {
    let traffic = &domain.delivered;
    let why = match &domain.why_clear {
        Some(why) => format!("after \"{why}\""),
        None => "see whether it offers TLS now".into(),
    };
    format!(
        "{} got {} of {} in clear; {why}.",
        domain.domain,
        count(traffic.clear),
        plural(traffic.total(), "message")
    )
}

/// Whether the sender's side or its network has to act.
fn is_ours(cause: &LogCause) -> bool {
    matches!(cause.side, Side::SenderServer | Side::Network) || cause.family == "tls"
}

/// What has to be known to read the figures, and what else there is.
pub(super) fn footer(page: &mut Page, summary: &LogSummary) {
    if !summary.notes.is_empty() {
        page.heading("To know");
        for note in &summary.notes {
            page.paragraph(2, Role::Plain, note);
        }
    }
    page.blank();
    page.paragraph(
        0,
        Role::Faint,
        "More: --top 0, --to DOMAIN, --since 24h, --json, --baseline EARLIER.json, --domains - | waxseal check -, \
         --policy-maps FILE, --plot FILE.svg",
    );
}
