//! Notices with a paragraph `<addr>: …` for each recipient: qmail and the many programs
//! that write as it does, Postfix, Courier, Yahoo, amavisd-new.

use waxseal_model::MailEvent;

use super::notice::Notice;
use super::{blocks, said};

/// A sentence at the beginning of a notice, and the format it belongs to.
const SIGNS: &[(&str, &str)] = &[
    ("qmail-send program", "qmail"),
    ("Sorry, we were unable to deliver your message to the following address", "yahoo"),
    ("This is the mail system at host", "postfix"),
    ("This is the Postfix program at host", "postfix"),
    ("The mail system <", "postfix"),
    ("running the Courier mail server", "courier"),
    ("WAS NOT relayed to:", "amavis"),
    ("WAS NOT delivered to:", "amavis"),
    ("A message that you have sent could not be delivered to one or more recipients", "mxlogic"),
    ("Unable to deliver message to the following address", "qmail"),
    ("able to deliver your message to the following addresses", "qmail"),
    ("problem with the e-mail address(es) you're trying to send to", "qmail"),
    ("problem with the email address(es) you're trying to send to", "qmail"),
];

/// Subjects that qmail and its descendants use, in lower case.
const SUBJECTS: &[&str] =
    &["failure notice", "failed delivery", "permanent delivery failure", "undelivered mail"];

/// Which of the formats this is.
pub(super) fn recognise(notice: &Notice) -> Option<&'static str> {
    if let Some((_, name)) = SIGNS.iter().find(|(sign, _)| notice.says(sign)) {
        return Some(name);
    }
    let own = SUBJECTS.iter().any(|subject| notice.subject.starts_with(subject));
    (own && notice.opening.contains(">:")).then_some("qmail")
}

/// One event for each paragraph.
pub(super) fn read(notice: &Notice) -> Vec<MailEvent> {
    let blocks = blocks::angled(&notice.lines);
    let events = blocks.into_iter().map(|block| {
        let mut event = notice.event(block.recipient, &block.lines);
        event.original_recipient = block.original.map(said::clean);
        event
    });
    events.collect()
}

#[cfg(test)]
mod tests {
    use waxseal_model::mail::{Outcome, Stage};

    use super::super::tests::events;

    #[test]
    fn qmail_writes_a_paragraph_a_recipient() {
        let found = events(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.com\nTo: alice@example.com\nSubject: failure notice\n\n\
             Hi. This is the qmail-send program at mx.example.com.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\
             This is a permanent error; I've given up. Sorry it didn't work out.\n\n\
             <bob@example.net>:\n192.0.2.25 failed after I sent the message.\nRemote host said: 554 5.6.0 Content not wanted\n\n\
             <carol@example.org>:\nSorry, I couldn't find any host named example.org. (#5.1.2)\n\n\
             --- Below this line is a copy of the message.\n\nReturn-Path: <alice@example.com>\nTo: bob@example.net\n\n<dave@example.com>:\nhi\n",
        );
        assert_eq!(found.len(), 2);
        let [bob, carol] = found.as_slice() else { panic!() };
        assert_eq!(bob.recipient.as_deref(), Some("bob@example.net"));
        assert_eq!((bob.text.as_str(), bob.stage), ("554 5.6.0 Content not wanted", Some(Stage::EndOfData)));
        assert_eq!((bob.remote_address, bob.outcome), ("192.0.2.25".parse().ok(), Outcome::Failed));
        assert_eq!(
            (bob.reporter.as_deref(), bob.sender.as_deref()),
            (Some("mx.example.com"), Some("alice@example.com"))
        );
        assert_eq!(carol.status.map(|s| s.to_string()).as_deref(), Some("5.1.2"));
        assert_eq!(carol.stage, Some(Stage::Dns));
        assert_eq!(bob.source.format, "qmail");
    }

    #[test]
    fn yahoo_writes_codes_with_a_colon() {
        let found = events(
            "From: MAILER-DAEMON@yahoo.com\nTo: alice@yahoo.com\nSubject: Failure Notice\n\n\
             Sorry, we were unable to deliver your message to the following address.\n\n<bob@example.net>:\n550: 5.2.1 <bob@example.net>... off\n\n\
             <carol@example.net>:\nRemote host said:\n552 5.2.2 full\n[RCPT_TO]\n",
        );
        let [bob, carol] = found.as_slice() else { panic!() };
        assert_eq!((bob.reply, bob.status.map(|s| s.detail)), (Some(550), Some(1)));
        assert_eq!((carol.text.as_str(), carol.stage), ("552 5.2.2 full", Some(Stage::Rcpt)));
    }

    #[test]
    fn postfix_wraps_its_lines() {
        let found = events(
            "From: MAILER-DAEMON@mail.example.com (Mail Delivery System)\nTo: alice@example.com\nSubject: Delayed Mail (still being retried)\n\n\
             This is the mail system at host mail.example.com.\n\n####\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n####\n\n\
             <bob@example.net> (expanded from <list@example.com>): host\n    mx.example.net[192.0.2.25] said: 450 4.7.1 try later (in reply to\n    RCPT TO command)\n",
        );
        let [bob] = found.as_slice() else { panic!() };
        assert_eq!((bob.outcome, bob.stage), (Outcome::Deferred, Some(Stage::Rcpt)));
        assert_eq!(
            (bob.text.as_str(), bob.original_recipient.as_deref()),
            ("450 4.7.1 try later", Some("list@example.com"))
        );
        assert_eq!(bob.remote_host.as_deref(), Some("mx.example.net"));
        assert_eq!(bob.source.format, "postfix");
    }

    #[test]
    fn courier_quotes_the_dialogue_and_amavis_the_next_hop() {
        let found = events(
            "From: postmaster@example.com\nSubject: NOTICE: mail delivery status.\nTo: a@example.com\n\nThis is a delivery status notification from mx.example.com,\n\
             running the Courier mail server, version 1.0.\n\nUNDELIVERABLE MAIL\n\n<bob@example.net>:\n    mx.example.net [192.0.2.25]:\n>>> RCPT TO:<bob@example.net>\n<<< 550 5.1.1 unknown\n\n-----\n",
        );
        assert_eq!((found[0].text.as_str(), found[0].stage), ("550 5.1.1 unknown", Some(Stage::Rcpt)));
        assert_eq!(
            (found[0].reporter.as_deref(), found[0].source.format.as_str()),
            (Some("mx.example.com"), "courier")
        );
        let found = events(
            "From: \"Content-filter at mx.example.com\" <postmaster@mx.example.com>\nSubject: Undeliverable mail, MTA-BLOCKED\n\nThe message WAS NOT relayed to:\n  <bob@example.net>: [127.0.0.1] said:\n   550 5.1.1 no such user\n\nThis nondelivery report\n",
        );
        assert_eq!(
            (found[0].text.as_str(), found[0].source.format.as_str()),
            ("550 5.1.1 no such user", "amavis")
        );
    }
}
