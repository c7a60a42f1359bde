//! Rejections in the form of a receipt: a Sieve script or a local delivery agent refuses a
//! message that was already taken, and says so by a disposition notification (RFC 8098, as
//! RFC 5429 section 2.2 allows). All other receipts tell of delivered messages.

use waxseal_model::{MailEvent, mail::Outcome};

use super::super::view::Mail;
use super::{fields, words};

/// The words before the reason, in lower case.
const ANNOUNCED: &[&str] = &["was automatically rejected:", "was automatically rejected"];

/// An event for a message that was refused by itself; none for what people read or deleted.
pub(super) fn decode(mail: &Mail<'_>) -> Vec<MailEvent> {
    let Some(report) = mail.part("message/disposition-notification").map(fields::parse) else {
        return Vec::new();
    };
    let Some(group) = report.recipients.first() else { return Vec::new() };
    let disposition = group.get("disposition").to_ascii_lowercase();
    let by_itself = disposition.contains("automatic-action") && disposition.contains("deleted");
    let said = mail.notice();
    let lower = said.to_ascii_lowercase();
    let reason = ANNOUNCED.iter().find_map(|words| said.get(lower.find(words)? + words.len()..));
    let Some(reason) = reason.filter(|_| by_itself) else { return Vec::new() };
    let recipient =
        ["final-recipient", "original-recipient"].iter().find_map(|name| words::mailbox(group.get(name)));
    let text = words::one_line(reason.trim_start_matches(['.', ':', ' ', '\n']));
    vec![MailEvent {
        outcome: Outcome::Failed,
        recipient,
        sender: super::address_of(mail.header("to")),
        reporter: words::host(report.message.get("reporting-ua")).0.filter(|host| host.contains('.')),
        time: words::time(mail.header("date")),
        status: words::status_in(&text),
        text,
        ..MailEvent::default()
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(disposition: &str, said: &str) -> Vec<MailEvent> {
        let text = format!(
            "From: Mail Delivery Subsystem <postmaster@mx.example.net>\nTo: <alice@example.com>\nSubject: Rejected: hello\n\
             Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\n{said}\n--b\n\
             Content-Type: message/disposition-notification\n\nReporting-UA: mx.example.net; Dovecot Mail Delivery Agent\n\
             Final-Recipient: rfc822; bob@example.net\nDisposition: {disposition}\n\n--b--\n"
        );
        decode(&Mail::parse(text.as_bytes()))
    }

    #[test]
    fn a_rejection_is_told_from_a_receipt() {
        let said = "Your message to <bob@example.net> was automatically rejected:\nQuota exceeded\n";
        let events = read("automatic-action/MDN-sent-automatically; deleted", said);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].text, "Quota exceeded");
        assert_eq!(events[0].recipient.as_deref(), Some("bob@example.net"));
        assert_eq!(events[0].reporter.as_deref(), Some("mx.example.net"));
        assert_eq!(read("manual-action/MDN-sent-manually; displayed", said), []);
        assert_eq!(read("automatic-action/MDN-sent-automatically; deleted", "It was deleted unread."), []);
    }
}
