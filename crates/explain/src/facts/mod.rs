//! What follows from an event's own words: codes, stage, hosts.
//!
//! - `codes`: reply and enhanced status codes, told apart from addresses and versions.
//! - `stage`: the command or moment that was answered.
//! - `hosts`: the other side, our own address, the recipient.
//! - `names`: what is a host's name and what an address, and whose.

mod codes;
mod hosts;
mod names;
mod stage;

use waxseal_model::MailEvent;

pub(crate) use codes::status;
pub(crate) use names::{is_host, recipient, sender};

/// Fills what the reader left open and the event's text says: reply code, enhanced status,
/// stage (`in reply to RCPT TO command`, `after RCPT TO`), hosts and addresses, the
/// recipient. What is there already stays. Where replies are nested, the innermost counts.
pub fn complete(event: &mut MailEvent) {
    if event.reply.is_none() || event.status.is_none() {
        let (reply, status) = codes::codes(&event.text, event.reply);
        event.reply = event.reply.or(reply);
        event.status = event.status.or(status);
    }
    if event.stage.is_none() {
        event.stage = stage::stage(&event.text);
    }
    hosts::complete(event);
}

/// Words after which the reply of another server is quoted.
const QUOTES: [&str; 16] = [
    " said: ",
    " -> ",
    "smtp; ",
    "refused to talk to me: ",
    "remote host said: ",
    "error from remote server: ",
    "server responded: ",
    "responded with: ",
    "last error: ",
    "last reply: ",
    "returned '",
    "other server returned was: ",
    "remote server was: ",
    "the response was: ",
    "failed with: ",
    "smtp;",
];

/// Where the innermost quoted reply begins in a text in lower case; 0 where none is quoted.
pub(crate) fn innermost(lower: &str) -> usize {
    let quoted = QUOTES.iter().filter_map(|quote| lower.rfind(quote).map(|at| at + quote.len())).max();
    let exim = lower.rfind("remote mail server after ").or_else(|| lower.rfind("remote mailer after "));
    let exim = exim.and_then(|at| lower.get(at..)?.find(": ").map(|colon| at + colon + 2));
    let dashed = lower
        .rfind("-'")
        .filter(|at| lower.get(at.saturating_sub(3)..*at).is_some_and(is_code))
        .map(|at| at + 2);
    quoted.max(exim).max(dashed).unwrap_or(0)
}

/// Three digits, as before `-'` where IronPort quotes a reply.
fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waxseal_model::mail::{EnhancedStatus, Stage};

    use super::*;

    fn facts(text: &str) -> MailEvent {
        let mut event = MailEvent { text: text.into(), ..MailEvent::default() };
        complete(&mut event);
        event
    }

    #[test]
    fn what_is_there_stays() {
        let mut event = MailEvent {
            text: "host mx.example.com[192.0.2.1] said: 550 5.1.1 no such user (in reply to RCPT TO command)"
                .into(),
            reply: Some(450),
            status: EnhancedStatus::parse("4.2.2"),
            stage: Some(Stage::Data),
            remote_host: Some("mx.example.net".into()),
            ..MailEvent::default()
        };
        let before = event.clone();
        complete(&mut event);
        assert_eq!(event, before);
    }

    #[test]
    fn a_reply_that_postfix_quotes_gives_all_its_facts() {
        let event = facts(
            "host mx1.example.com[192.0.2.1] said: 550 5.1.1 <a@example.com>: Recipient address rejected: \
             User unknown in virtual mailbox table (in reply to RCPT TO command)",
        );
        assert_eq!(event.reply, Some(550));
        assert_eq!(event.status, EnhancedStatus::parse("5.1.1"));
        assert_eq!(event.stage, Some(Stage::Rcpt));
        assert_eq!(event.remote_host.as_deref(), Some("mx1.example.com"));
        assert_eq!(event.remote_address, "192.0.2.1".parse().ok());
        assert_eq!(event.recipient.as_deref(), Some("a@example.com"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*", code in "(550|4\\.7\\.1|\\[192\\.0\\.2\\.1\\]|after RCPT TO:<|ü| )*") {
            facts(&format!("{text}{code}{text}"));
            facts(&code);
        }
    }
}
