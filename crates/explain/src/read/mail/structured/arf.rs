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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Vec<MailEvent> {
        let text = format!(
            "From: <fbl@example.net>\nSubject: FW: offer\nDate: Mon, 05 Jan 2026 10:11:12 +0000\n\
             Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\n\
             This is an abuse report.\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\
             User-Agent: Loop/1\nVersion: 1\n{fields}\n--b\nContent-Type: message/rfc822\n\n\
             From: News <news@example.com>\nTo: bob@example.net\n\nbuy\n--b--\n"
        );
        decode(&Mail::parse(text.as_bytes()))
    }

    #[test]
    fn each_recipient_complains() {
        let events = read(
            "Original-Rcpt-To: <a@example.net>\nOriginal-Rcpt-To: b@example.net\nSource-IP: 192.0.2.7\nOriginal-Mail-From: <bounce@example.com>\n",
        );
        assert_eq!(
            events.iter().filter_map(|e| e.recipient.as_deref()).collect::<Vec<_>>(),
            ["a@example.net", "b@example.net"]
        );
        let first = &events[0];
        assert_eq!((first.outcome, first.client_address), (Outcome::Complaint, Some([192, 0, 2, 7].into())));
        assert_eq!(
            (first.sender.as_deref(), first.reporter.as_deref()),
            (Some("bounce@example.com"), Some("example.net"))
        );
        assert_eq!(first.time, Some(1_767_607_872));
        assert_eq!(first.text, "This is an abuse report.");
    }

    #[test]
    fn who_is_not_named_is_taken_from_the_message() {
        let events = read("");
        assert_eq!(events[0].recipient.as_deref(), Some("bob@example.net"));
        assert_eq!(
            read("Removal-Recipient: rfc822; c@example.net\n")[0].recipient.as_deref(),
            Some("c@example.net")
        );
    }

    #[test]
    fn complaints_without_structure_are_known_by_their_fields() {
        let microsoft = "From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.7\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\
             X-HmXmrOriginalRecipient: <bob@example.net>\nFrom: news@example.com\n\nbuy\n--b--\n";
        assert_eq!(
            decode(&Mail::parse(microsoft.as_bytes()))[0].recipient.as_deref(),
            Some("bob@example.net")
        );
        let apple = "From: bob@example.net\nTo: leave@example.com\nAuto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n\nApple Mail sent this.\n";
        assert_eq!(decode(&Mail::parse(apple.as_bytes()))[0].recipient.as_deref(), Some("bob@example.net"));
        let person = "From: bob@example.net\nSubject: complaint about message from you\n\nStop it.\n";
        assert_eq!(decode(&Mail::parse(person.as_bytes())), []);
    }
}
