//! The relay's queue for an operator: a list, one message, what was changed, the whole.

use serde::Serialize;
use waxseal_model::queue::{QueueWatch, QueuedMessage, QueuedRecipient, RelayStatus};

use crate::{
    json::pretty,
    page::{Page, width},
    style::{Role, Style},
    table::{Row, Table},
    when::{count, moment},
};

/// Where the text of a recipient begins.
const INDENT: usize = 2;
/// Where its details begin.
const DETAIL: usize = 6;
/// Recipients of a message that a list names; the others are counted.
const NAMED: usize = 5;

/// Any of the answers as JSON, as they came.
///
/// # Errors
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    pretty(value)
}

/// Messages, one block each; `more` says that there are others.
pub fn list(messages: &[QueuedMessage], more: bool, now: i64, style: &Style) -> String {
    let mut page = Page::new(*style);
    for message in messages {
        let came = format!("{} old", span(now - message.received_at));
        head(&mut page, message, &came, now);
        let mut before: Option<&QueuedRecipient> = None;
        for recipient in message.recipients.iter().take(NAMED) {
            if before.is_some_and(|b| alike(b, recipient)) {
                again(&mut page, recipient);
            } else {
                short(&mut page, recipient, now);
            }
            before = Some(recipient);
        }
        if let Some(others) = message.recipients.len().checked_sub(NAMED).filter(|n| *n > 0) {
            page.paragraph(INDENT, Role::Faint, &format!("and {}", count(others as u64, "more recipient")));
        }
    }
    let end = match (messages.len(), more) {
        (0, _) => "No message is found.".to_owned(),
        (n, false) => format!("{}.", count(n as u64, "message")),
        (1, true) => "The oldest message; there are more: --limit N, or narrow it down.".to_owned(),
        (n, true) => format!("The oldest {n} messages; there are more: --limit N, or narrow it down."),
    };
    page.blank();
    page.paragraph(0, Role::Plain, &end);
    page.finish()
}

/// One message with all that is known of it.
pub fn show(message: &QueuedMessage, now: i64, transcripts: bool, style: &Style) -> String {
    let mut page = Page::new(*style);
    head(&mut page, message, &format!("accepted {}", moment(message.received_at)), now);
    let mut before: Option<&QueuedRecipient> = None;
    for recipient in &message.recipients {
        if before.is_some_and(|b| same(b, recipient)) {
            again(&mut page, recipient);
            continue;
        }
        whole(&mut page, recipient, now);
        if transcripts && !recipient.transcript.is_empty() {
            page.paragraph(DETAIL, Role::Faint, "what was said:");
            for line in &recipient.transcript {
                page.verbatim(DETAIL + 2, line);
            }
        }
        before = Some(recipient);
    }
    page.finish()
}

/// The relay as a whole.
pub fn status(status: &RelayStatus, now: i64, style: &Style) -> String {
    let mut page = Page::new(*style);
    match (status.process, status.since) {
        (Some(process), Some(since)) => {
            let text = format!(
                "{} runs (process {process}, waxseal {}) since {}.",
                status.hostname,
                status.version,
                moment(since)
            );
            page.paragraph(0, Role::Plain, &text);
        }
        _ => page.paragraph(0, Role::Warning, "The relay does not run: this is what its queue holds."),
    }
    if let Some(refusal) = &status.refusal {
        page.paragraph(0, Role::Bad, &format!("No message is accepted: {refusal}"));
    }
    let mut sentence = format!(
        "{} in the queue, {} held, {} under way",
        count(status.queued, "recipient"),
        status.held,
        status.active
    );
    if let Some(oldest) = status.oldest_at {
        sentence.push_str(&format!("; the oldest message came {} ago", span(now - oldest)));
    }
    page.paragraph(0, Role::Plain, &format!("{sentence}."));
    if let Some(dnssec) = &status.dnssec {
        page.paragraph(0, Role::Plain, dnssec);
    }
    sites(&mut page, status, now);
    watched(&mut page, &status.watched, now);
    page.finish()
}

fn sites(page: &mut Page, status: &RelayStatus, now: i64) {
    if status.sites.is_empty() {
        return;
    }
    page.blank();
    let mut table = Table {
        titles: vec!["site", "waiting", "running", "most", "why"],
        wraps: vec![true, false, false, false, true],
        ..Table::default()
    };
    for site in &status.sites {
        let mut why = site.reason.clone().unwrap_or_default();
        if let Some(until) = site.paused_until.filter(|until| *until > now) {
            why.push_str(&format!(" paused for {}", span(until - now)));
        }
        table.rows.push(Row::Cells(vec![
            (Role::Strong, site.site.clone()),
            (Role::Plain, site.waiting.to_string()),
            (Role::Plain, site.active.to_string()),
            (Role::Plain, site.limit.to_string()),
            (Role::Plain, why.trim().to_owned()),
        ]));
    }
    table.write(page);
}

fn watched(page: &mut Page, watched: &[QueueWatch], now: i64) {
    if watched.is_empty() {
        return;
    }
    page.heading("Watched until they are mended");
    for watch in watched {
        let mut text = format!("{} since {}", watch.reason, span(now - watch.since));
        if watch.waiting > 0 {
            text.push_str(&format!(", {} waiting", count(watch.waiting, "recipient")));
        }
        if let Some(last) = watch.last_at {
            text.push_str(&format!(", asked {} ago", span(now - last)));
        }
        if let Some(next) = watch.next_at {
            text.push_str(&format!(", asked again in {}", span(next - now)));
        }
        page.entry(&[(Role::Plain, "  "), (Role::Strong, &watch.domain)], 30, Role::Plain, &text);
    }
}

fn head(page: &mut Page, message: &QueuedMessage, came: &str, now: i64) {
    let sender = if message.sender.is_empty() { "<> (a notice)" } else { &message.sender };
    let mut text = format!("from {sender}, {}, {came}", size(message.size));
    let waits = message.recipients.iter().any(|r| matches!(r.state.as_str(), "queued" | "held"));
    if waits {
        text.push_str(&match message.expires_at - now {
            left if left > 0 => format!(", expires in {}", span(left)),
            _ => ", its time is up".to_owned(),
        });
    }
    if message.require_tls {
        text.push_str(", REQUIRETLS");
    }
    if message.tls_required_no {
        text.push_str(", TLS-Required: No");
    }
    let id = message.id.as_str();
    page.entry(&[(Role::Strong, id)], width(id) + 2, Role::Plain, &text);
}

/// What happened and what comes, in one line.
fn standing(recipient: &QueuedRecipient, now: i64) -> String {
    match recipient.state.as_str() {
        "queued" if recipient.attempts == 0 && recipient.last_at.is_none() => "new".to_owned(),
        "queued" => {
            let next = recipient.next_at.unwrap_or(now);
            let when = if next <= now {
                "next try now".to_owned()
            } else {
                format!("next try in {}", span(next - now))
            };
            format!("deferred   {when} (tried {})", count(u64::from(recipient.attempts), "time"))
        }
        other => other.to_owned(),
    }
}

fn role(recipient: &QueuedRecipient) -> Role {
    match recipient.state.as_str() {
        "delivered" => Role::Good,
        "failed" | "expired" => Role::Bad,
        "held" | "cancelled" => Role::Warning,
        _ => Role::Plain,
    }
}

fn short(page: &mut Page, recipient: &QueuedRecipient, now: i64) {
    let pieces = [(Role::Plain, "  "), (Role::Strong, recipient.address.as_str()), (Role::Plain, "  ")];
    page.entry(&pieces, DETAIL, role(recipient), &standing(recipient, now));
    if let (Some(reply), true) = (&recipient.reply, recipient.state != "delivered") {
        page.paragraph(DETAIL, Role::Plain, reply);
    }
}

/// A recipient of which the one above tells all.
fn again(page: &mut Page, recipient: &QueuedRecipient) {
    let name = format!("{}  ", recipient.address);
    page.line(&[(Role::Plain, "  "), (Role::Strong, name.as_str()), (Role::Faint, "the same")]);
}

fn whole(page: &mut Page, recipient: &QueuedRecipient, now: i64) {
    let pieces = [(Role::Plain, "  "), (Role::Strong, recipient.address.as_str()), (Role::Plain, "  ")];
    page.entry(&pieces, DETAIL, role(recipient), &standing(recipient, now));
    if let Some(reply) = &recipient.reply {
        page.paragraph(DETAIL, Role::Plain, reply);
    }
    if let Some(host) = &recipient.host {
        let address = recipient.host_address.map_or_else(String::new, |a| format!(" [{a}]"));
        let channel =
            if recipient.channel.is_empty() { String::new() } else { format!(", {}", recipient.channel) };
        page.paragraph(DETAIL, Role::Plain, &format!("at {host}{address}{channel}"));
    }
    if !recipient.policy.is_empty() {
        page.paragraph(DETAIL, Role::Plain, &format!("policy: {}", recipient.policy));
    }
    if recipient.maybe_delivered {
        let text = "may have been delivered: the connection ended before the reply to the message";
        page.paragraph(DETAIL, Role::Warning, text);
    }
    if let Some(watch) = &recipient.watch {
        let text = format!(
            "watched since {}: asked again{}, delivered at once when it is mended",
            moment(watch.since),
            watch.next_at.map_or_else(String::new, |next| format!(" in {}", span(next - now)))
        );
        page.paragraph(DETAIL, Role::Plain, &text);
    }
}

/// True if a list shows the same of two recipients but for the address.
fn alike(one: &QueuedRecipient, other: &QueuedRecipient) -> bool {
    let of = |r: &QueuedRecipient| (r.state.clone(), r.next_at, r.attempts, r.reply.clone());
    of(one) == of(other)
}

/// True if all that is shown of two recipients is the same but for the address. What was said
/// is kept with the first of those that it is about.
fn same(one: &QueuedRecipient, other: &QueuedRecipient) -> bool {
    let bare = |r: &QueuedRecipient| QueuedRecipient {
        number: 0,
        address: String::new(),
        transcript: Vec::new(),
        ..r.clone()
    };
    bare(one) == bare(other) && (other.transcript.is_empty() || one.transcript == other.transcript)
}

/// `14 KB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// `40 seconds`, `12 minutes`, `5 hours`, `3 days`.
fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..=99 => count(s, "second"),
        s @ 100..=5_999 => count((s + 30) / 60, "minute"),
        s @ 6_000..=172_799 => count((s + 1_800) / 3_600, "hour"),
        s => count(s.saturating_add(43_200) / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000;

    fn message() -> QueuedMessage {
        let waiting = |number, address: &str| QueuedRecipient {
            number,
            address: address.into(),
            state: "queued".into(),
            next_at: Some(NOW + 1800),
            attempts: 2,
            last_at: Some(NOW - 60),
            reason: Some("tls.not_advertised".into()),
            reply: Some("451 4.7.6 STARTTLS required but not advertised".into()),
            ours: true,
            host: Some("mx.partner.example".into()),
            host_address: Some("192.0.2.7".parse().unwrap()),
            site: "mx.partner.example".into(),
            channel: "clear".into(),
            policy: "require TLS (your rule \"partner.example\")".into(),
            transcript: vec!["C: EHLO relay.example.com".into(), "S: 250 mx.partner.example".into()],
            watch: Some(QueueWatch { since: NOW - 3600, next_at: Some(NOW + 45), ..QueueWatch::default() }),
            ..QueuedRecipient::default()
        };
        QueuedMessage {
            id: "4f1c9a".into(),
            sender: "alice@example.com".into(),
            size: 14_000,
            received_at: NOW - 3700,
            expires_at: NOW + 600_000,
            recipients: vec![waiting(0, "bob@partner.example"), waiting(1, "carol@partner.example")],
            ..QueuedMessage::default()
        }
    }

    #[test]
    fn a_message_is_shown_with_reason_policy_and_what_is_done_about_it() {
        insta::assert_snapshot!(show(&message(), NOW, true, &Style::plain()));
    }

    #[test]
    fn a_list_has_a_line_for_each_recipient_and_an_end() {
        let mut other = message();
        other.id = "4f1c9b".into();
        other.sender = String::new();
        other.recipients.truncate(1);
        other.recipients[0].state = "delivered".into();
        insta::assert_snapshot!(list(&[message(), other], true, NOW, &Style::plain()));
        assert_eq!(list(&[], false, NOW, &Style::plain()), "No message is found.\n");
    }

    #[test]
    fn the_whole_says_first_whether_mail_is_accepted() {
        let all = RelayStatus {
            version: "0.1.0".into(),
            hostname: "relay.example.com".into(),
            process: Some(4711),
            since: Some(NOW - 86_400),
            refusal: Some("no room in the queue: 12 MB are free, 256 MB are to stay free".into()),
            queued: 120,
            held: 1,
            active: 3,
            oldest_at: Some(NOW - 7200),
            watched: vec![QueueWatch {
                domain: "partner.example".into(),
                reason: "tls.not_advertised".into(),
                since: NOW - 3600,
                waiting: 2,
                last_at: Some(NOW - 250),
                next_at: Some(NOW + 45),
                ..QueueWatch::default()
            }],
            dnssec: Some("DNSSEC is validated, and DANE counts.".into()),
            ..RelayStatus::default()
        };
        insta::assert_snapshot!(status(&all, NOW, &Style::plain()));
    }

    #[test]
    fn spans_and_sizes_are_rounded_for_people() {
        for (seconds, text) in [
            (1, "1 second"),
            (99, "99 seconds"),
            (100, "2 minutes"),
            (7200, "2 hours"),
            (604_799, "7 days"),
            (864_000, "10 days"),
            (-5, "0 seconds"),
        ] {
            assert_eq!(span(seconds), text);
        }
        for (bytes, text) in [(900, "900 B"), (14_000, "14 KB"), (52_428_800, "50.0 MB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
