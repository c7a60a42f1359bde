//! Google: Gmail's notices of old, and those of Google Groups in all languages.

use waxseal_model::{MailEvent, mail::Outcome};

use super::notice::Notice;
use super::{address, blocks, said};

/// Sentences that announce what the other server said.
const DETAILS: &[&str] =
    &["Technical details of permanent failure:", "Technical details of temporary failure:"];

/// Whether the mail comes from Google's delivery.
pub(super) fn recognise(notice: &Notice) -> bool {
    let daemon = notice.from.contains("mailer-daemon@google") || notice.from.contains("mailer-daemon@gmail");
    daemon || DETAILS.iter().any(|words| notice.says(words))
}

/// The name of the format.
pub(super) fn name(notice: &Notice) -> &'static str {
    if is_group(notice) { "google_groups" } else { "gmail" }
}

fn is_group(notice: &Notice) -> bool {
    notice.says("groups.google.com") || (notice.says("Google Groups") && !notice.says("Technical details"))
}

/// One event for each recipient, all told by the same words.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let failed = notice.failed_recipients();
    let lines: Vec<&str> = notice.lines.iter().copied().filter(|line| !line.trim().is_empty()).collect();
    let mut recipients: Vec<&str> =
        blocks::alone(&notice.lines).iter().map(|block| block.recipient).collect();
    recipients.dedup();
    if recipients.is_empty() {
        recipients = failed;
    }
    if recipients.is_empty() {
        // "Your message wasn't delivered to bob@example.net because …".
        let named = lines.iter().filter(|line| line.contains(" to ")).find_map(|line| address::first(line));
        recipients.extend(named);
    }
    let mut told = notice.empty("");
    if is_group(notice) {
        told.text = said::clean(&said::unfold(&lines));
    } else {
        tell(&lines, &mut told);
    }
    if notice.subject.contains("(delay)") || notice.says("has been delayed") {
        told.outcome = Outcome::Deferred;
    }
    let recipients = recipients.into_iter().take(blocks::MOST);
    recipients
        .map(|recipient| MailEvent { recipient: Some(said::clean(recipient)), ..told.clone() })
        .collect()
}

/// The technical details, else all that is said.
fn tell(lines: &[&str], event: &mut MailEvent) {
    const RESPONSES: &[&str] = &[
        "The response from the remote server was:",
        "The response was:",
        "Die Antwort",
        "La réponse",
        "La respuesta",
    ];
    let marked = |line: &&str| DETAILS.iter().chain(RESPONSES).any(|words| line.contains(words));
    let start = lines.iter().position(marked);
    let lines = start.and_then(|at| lines.get(at..)).unwrap_or(lines);
    let line = said::unfold(lines);
    let line = DETAILS.iter().fold(line.as_str(), |line, words| line.strip_prefix(words).unwrap_or(line));
    said::words(line.trim(), event);
}

#[cfg(test)]
mod tests {
    use waxseal_model::mail::Stage;

    use super::super::tests::events;
    use super::*;

    const HEAD: &str = "Return-Path: <>\nFrom: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nTo: alice@gmail.com\n";

    #[test]
    fn gmail_gives_the_reply_and_its_own_state() {
        let found = events(&format!(
            "{HEAD}X-Failed-Recipients: bob@example.net\nSubject: Delivery Status Notification (Failure)\n\nDelivery to the following recipient failed permanently:\n\n     bob@example.net\n\n\
             Technical details of permanent failure: \nGoogle tried to deliver your message, but it was rejected by the recipient domain. The error that the other server returned was: 550 550 5.1.1 <bob@example.net>... gone (state 14).\n\n----- Original message -----\n\nReceived: by 192.0.2.1\n"
        ));
        let [bob] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (bob.text.as_str(), bob.stage),
            ("550 550 5.1.1 <bob@example.net>... gone", Some(Stage::Rcpt))
        );
        assert_eq!((bob.reply, bob.source.format.as_str()), (Some(550), "gmail"));
        let found = events(&format!(
            "{HEAD}Subject: Delivery Status Notification (Delay)\n\nThis is an automatically generated Delivery Status Notification\n\nTHIS IS A WARNING MESSAGE ONLY.\n\nDelivery to the following recipient has been delayed:\n\n     bob@example.net\n\nMessage will be retried for 2 more day(s)\n\nTechnical details of temporary failure: \nThe recipient server did not accept our requests to connect.\n[mx.example.net 192.0.2.25: socket error]\n"
        ));
        assert_eq!((found[0].outcome, found[0].stage), (Outcome::Deferred, Some(Stage::Connect)));
        assert!(found[0].text.starts_with("The recipient server did not accept"), "{}", found[0].text);
    }

    #[test]
    fn groups_are_known_by_their_address_not_by_their_language() {
        let found = events(&format!(
            "{HEAD}X-Failed-Recipients: knitting@googlegroups.com\nAuto-Submitted: auto-replied\nSubject: Delivery Status Notification (Failure)\n\nHallo alice@gmail.com,\n\ndie Gruppe (knitting) gibt es vielleicht nicht.\n\nHilfe: https://groups.google.com/support/.\n\nGoogle Groups\n"
        ));
        assert_eq!(
            (found[0].recipient.as_deref(), found[0].source.format.as_str()),
            (Some("knitting@googlegroups.com"), "google_groups")
        );
        assert!(found[0].text.contains("gibt es vielleicht nicht"));
    }
}
