//! Complaints: feedback reports (RFC 5965, RFC 6591), and the mails by which Microsoft and
//! Apple tell the same without that structure.

use waxseal_model::{MailEvent, mail::Outcome};

use super::super::{MOST_EVENTS, view::Mail};
use super::words;

/// One event for each recipient who complained, or one without a recipient where the
/// provider hides who it was.
pub(super) fn decode(mail: &Mail<'_>) -> Vec<MailEvent> {
    let report = mail.part("message/feedback-report").or_else(|| misnamed(mail));
    let Some(report) = report.or_else(|| known_by_header(mail).then_some("")) else { return Vec::new() };
    let event = complaint(mail, report);
    let recipients = recipients(mail, report);
    if recipients.is_empty() {
        return vec![event];
    }
    let with = |recipient| MailEvent { recipient: Some(recipient), ..event.clone() };
    recipients.into_iter().take(MOST_EVENTS).map(with).collect()
}

/// The fields of a feedback report in a part that calls itself something else.
fn misnamed<'a>(mail: &'a Mail<'_>) -> Option<&'a str> {
    let kind = mail.header("content-type").to_ascii_lowercase();
    if mail.kind != "multipart/report" || !kind.contains("feedback-report") {
        return None;
    }
    let parts = mail.parts.iter().filter(|part| !part.returned).map(|part| part.text());
    parts.into_iter().find(|text| !value(text, "feedback-type").is_empty())
}

/// Microsoft's JMRP sends the message alone, with a field for the one who complained;
/// Apple Mail writes an unsubscription in its user's name.
fn known_by_header(mail: &Mail<'_>) -> bool {
    let subject = mail.header("subject").trim().to_ascii_lowercase();
    let microsoft = subject.starts_with("complaint about message from")
        || !mail.returned_header("x-hmxmroriginalrecipient").is_empty();
    let attached = mail.parts.iter().any(|part| part.returned);
    let apple = mail.header("x-apple-unsubscribe").eq_ignore_ascii_case("true");
    (microsoft && attached) || apple
}

fn complaint(mail: &Mail<'_>, report: &str) -> MailEvent {
    let kind = value(report, "feedback-type");
    let said = words::one_line(mail.body().get(..).unwrap_or_default());
    let said: String = said.chars().take(500).collect();
    let text = match (kind, said.is_empty()) {
        ("", true) => words::one_line(mail.header("subject")),
        (kind, true) => format!("Feedback-Type: {}", words::one_line(kind)),
        _ => said,
    };
    let date = [value(report, "arrival-date"), value(report, "received-date"), mail.header("date")];
    let sender = words::mailbox(value(report, "original-mail-from"));
    let reporter = match words::host(value(report, "reporting-mta")).0 {
        Some(host) => Some(host),
        None => super::address_of(mail.header("from")).and_then(|a| Some(a.rsplit_once('@')?.1.to_owned())),
    };
    let mut event = MailEvent {
        outcome: Outcome::Complaint,
        time: date.iter().find_map(|date| words::time(date)),
        sender: sender.or_else(|| super::address_of(mail.returned_header("from"))),
        client_address: value(report, "source-ip").parse().ok(),
        reporter,
        text,
        ..MailEvent::default()
    };
    if !kind.is_empty() {
        let agent = value(report, "user-agent");
        event.context.push(words::one_line(&format!("Feedback-Type: {kind}; User-Agent: {agent}")));
    }
    event
}

/// Those whom the report names, else whom the message itself was for.
fn recipients(mail: &Mail<'_>, report: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let named = ["original-rcpt-to", "original-recipient", "removal-recipient", "final-recipient"];
    for (name, value) in fields(report) {
        let Some(address) =
            named.iter().any(|n| name.eq_ignore_ascii_case(n)).then(|| words::mailbox(value)).flatten()
        else {
            continue;
        };
        if found.len() > 50 || !found.contains(&address) {
            found.push(address);
        }
        if found.len() >= MOST_EVENTS {
            return found;
        }
    }
    if !found.is_empty() {
        return found;
    }
    let returned = ["x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "x-rcpt-to", "to"];
    let returned = returned.iter().find_map(|name| super::address_of(mail.returned_header(name)));
    // Without a message it is the user himself who writes.
    let author = || super::address_of(mail.header("from")).filter(|_| report.is_empty());
    returned.or_else(author).into_iter().collect()
}

fn value<'a>(report: &'a str, name: &str) -> &'a str {
    fields(report).find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

fn fields(report: &str) -> impl Iterator<Item = (&str, &str)> {
    let fields =
        report.lines().filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split_once(':'));
    fields.map(|(name, value)| (name.trim(), value.trim()))
}
