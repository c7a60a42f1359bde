//! qmail-send, through multilog (`@40000000…`), syslog or splogger. Facts: `qmail-send.c`,
//! `qmail-remote.c`, `qmail-log.5`.
//!
//! `starting delivery N: msg M to remote a@b.example`, `delivery N: success|failure|deferral:
//! text_with_underscores/`, `info msg M: bytes B from <sender> qp P uid U`, `end msg M`. Of TLS
//! it says nothing.

use waxseal_model::mail::Outcome;

use super::{
    LogFormat,
    recent::Recent,
    record::{Kind, LogRecord, address},
    stamp::{Clock, Stamp},
};

/// Deliveries and messages that are remembered at the least.
const REMEMBERED: usize = 8192;
/// Longest name that is remembered, in bytes.
const LONGEST_NAME: usize = 512;

/// What is known from earlier lines.
#[derive(Debug)]
pub(super) struct Qmail {
    /// By the number of the delivery: the message, the recipient, and whether it is local.
    deliveries: Recent<(String, String, bool)>,
    senders: Recent<String>,
}

impl Qmail {
    /// Nothing is known.
    pub(super) fn new() -> Self {
        Self { deliveries: Recent::new(REMEMBERED), senders: Recent::new(REMEMBERED) }
    }

    /// Reads a message of qmail-send. False if it is none.
    pub(super) fn line(
        &mut self,
        stamp: Stamp<'_>,
        host: &str,
        message: &str,
        raw: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) -> bool {
        let record =
            LogRecord { format: LogFormat::Qmail, stamp, reporter: host, line: raw, ..LogRecord::default() };
        if let Some(rest) = message.strip_prefix("delivery ") {
            return self.result(rest, &record, clock, sink);
        }
        if let Some(rest) = message.strip_prefix("starting delivery ") {
            return self.start(host, rest);
        }
        if let Some(rest) = message.strip_prefix("info msg ") {
            return self.info(host, rest);
        }
        if let Some(id) = message.strip_prefix("end msg ") {
            sink(&LogRecord { kind: Kind::Removed, queue_id: id, time: clock.seconds(stamp), ..record });
            return true;
        }
        is_status(message)
    }

    /// `12: msg 3456 to remote a@b.example`
    fn start(&mut self, host: &str, rest: &str) -> bool {
        let parts = || {
            let (number, rest) = rest.split_once(": msg ")?;
            let (message, rest) = rest.split_once(" to ")?;
            let (how, recipient) = rest.split_once(' ')?;
            Some((number, message, how == "local", recipient))
        };
        let Some((number, message, local, recipient)) = parts() else { return false };
        let key = self.deliveries.key((host, number));
        self.deliveries.insert(key, (short(message), short(recipient), local));
        true
    }

    /// `3456: bytes 1234 from <c@d.example> qp 789 uid 1000`
    fn info(&mut self, host: &str, rest: &str) -> bool {
        let Some((message, rest)) = rest.split_once(": bytes ") else { return false };
        let sender =
            rest.split_once(" from <").and_then(|(_, rest)| rest.rsplit_once("> qp ")).map(|(s, _)| s);
        if let Some(sender) = sender {
            let key = self.senders.key((host, message));
            self.senders.insert(key, short(sender));
        }
        true
    }

    /// `12: success: 192.0.2.1_accepted_message./Remote_host_said:_250_ok/`
    fn result(
        &mut self,
        rest: &str,
        record: &LogRecord<'_>,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) -> bool {
        let parts = || {
            let (number, rest) = rest.split_once(": ")?;
            let (word, text) = rest.split_once(':')?;
            Some((number, word, text.trim()))
        };
        let Some((number, word, text)) = parts() else { return false };
        let outcome = match word {
            "success" => Outcome::Delivered,
            "deferral" => Outcome::Deferred,
            "failure" => Outcome::Failed,
            _ => return false,
        };
        let key = self.deliveries.key((record.reporter, number));
        let (message, recipient, local) = self.deliveries.remove(key).unwrap_or_default();
        let text = readable(text);
        let (host, remote) = remote(&text);
        let key = self.senders.key((record.reporter, message.as_str()));
        sink(&LogRecord {
            kind: if local { Kind::Local } else { Kind::Delivery },
            outcome,
            time: clock.seconds(record.stamp),
            recipient: &recipient,
            sender: self.senders.get(key).map(|sender| sender.as_str()),
            remote_host: host,
            remote_address: remote,
            queue_id: &message,
            text: &text,
            ..*record
        });
        true
    }
}

/// Underscores stand for spaces, and strokes for line feeds, of which those behind a
/// sentence can be told from others.
fn readable(text: &str) -> String {
    text.trim_end_matches('/').replace("./", ". ").replace('_', " ")
}

/// The other side: `192.0.2.1 accepted message`, `Connected to 192.0.2.1 but …`; some patches
/// write names.
fn remote(text: &str) -> (&str, &str) {
    let word = text.strip_prefix("Connected to ").unwrap_or(text).split(' ').next().unwrap_or_default();
    if address(word).is_some() { ("", word) } else { ("", "") }
}

fn short(text: &str) -> String {
    let end =
        text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST_NAME).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

/// The lines that tell of no delivery.
fn is_status(message: &str) -> bool {
    [
        "status: local ",
        "status: exiting",
        "new msg ",
        "bounce msg ",
        "double bounce",
        "triple bounce",
        "running",
    ]
    .iter()
    .any(|beginning| message.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_readable() {
        assert_eq!(
            readable("192.0.2.1_accepted_message./Remote_host_said:_250_2.0.0_Ok/"),
            "192.0.2.1 accepted message. Remote host said: 250 2.0.0 Ok"
        );
        assert_eq!(readable("see_https://a.example/b"), "see https://a.example/b");
        assert_eq!(remote("Connected to 2001:db8::1 but sender was rejected."), ("", "2001:db8::1"));
        assert_eq!(remote("Sorry, no mailbox here"), ("", ""));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(short(&"é".repeat(400)).len(), 512);
        assert_eq!(short("a@b.example"), "a@b.example");
    }
}
