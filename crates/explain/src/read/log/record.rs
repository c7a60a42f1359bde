//! What a line of a log tells, still in the line's own bytes.

use std::net::IpAddr;

use waxseal_model::{
    MailEvent,
    mail::{EnhancedStatus, Outcome, Protection, Source, Stage},
};
use waxseal_wire::text::neutralise;

use super::{LogFormat, stamp::Stamp};

/// Longest text of an event, in characters.
const LONGEST_TEXT: usize = 4096;
/// Longest name, address or identification of an event, in characters.
const LONGEST_NAME: usize = 512;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// A delivery, or the attempt of one, to another host.
    #[default]
    Delivery,
    /// A delivery to a mailbox or program of the reporting host, or to a filter on it.
    Local,
    /// The reporting host refused a client.
    Rejection,
    /// Messages came in; so many.
    Arrival(u32),
    /// A message left the queue: nothing of it waits any more.
    Removed,
    /// A message stayed too long and was given up, for all who still waited.
    Expired,
}

/// An event of a log. Texts are as the log has them; what it does not say is empty or none.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRecord<'a> {
    /// Whose log.
    pub format: LogFormat,
    /// What kind of thing happened.
    pub kind: Kind,
    /// What became of the message.
    pub outcome: Outcome,
    /// When, in the words of the log.
    pub(crate) stamp: Stamp<'a>,
    /// When, as seconds since 1970-01-01 UTC.
    pub time: Option<i64>,
    /// The mailbox, without angle brackets.
    pub recipient: &'a str,
    /// The one that was written first.
    pub original_recipient: &'a str,
    /// The envelope sender; an empty one is the null sender.
    pub sender: Option<&'a str>,
    /// The host on the other side.
    pub remote_host: &'a str,
    /// Its address.
    pub remote_address: &'a str,
    /// Its port.
    pub remote_port: Option<u16>,
    /// The host that logged it.
    pub reporter: &'a str,
    /// The instance on that host, where it has several.
    pub instance: &'a str,
    /// Our own address on the connection or, in a rejection, the client's.
    pub client_address: &'a str,
    /// The message in the queue.
    pub queue_id: &'a str,
    /// How the connection was protected; none where the log does not say.
    pub protection: Option<Protection>,
    /// The enhanced status code as the log has it.
    pub status: &'a str,
    /// The moment of the session, where the log names it beside the text.
    pub stage: Option<Stage>,
    /// The answer or error.
    pub text: &'a str,
    /// Earlier lines of the same session that tell more.
    pub context: &'a [String],
    /// The whole line, or the last of several that belong together.
    pub line: &'a str,
}

impl LogRecord<'_> {
    /// The same as an event of its own.
    pub fn to_event(&self) -> MailEvent {
        MailEvent {
            source: Source { format: self.format.name().into(), ..Source::default() },
            outcome: self.outcome,
            time: self.time,
            recipient: owned(self.recipient),
            original_recipient: owned(self.original_recipient),
            sender: self.sender.map(|sender| neutralise(sender.as_bytes(), LONGEST_NAME)),
            reply: None,
            status: EnhancedStatus::parse(self.status),
            stage: self.stage,
            text: neutralise(self.text.trim().as_bytes(), LONGEST_TEXT),
            remote_host: owned(self.remote_host),
            remote_address: address(self.remote_address),
            remote_port: self.remote_port,
            reporter: owned(self.reporter),
            client_address: address(self.client_address),
            queue_id: owned(self.queue_id),
            protection: self.protection,
            context: self.context.to_vec(),
            count: None,
        }
    }

    /// The domain of the recipient as it is written; empty where there is none.
    pub fn domain(&self) -> &str {
        domain(self.recipient)
    }
}

/// Before and behind a byte: what `split_once` does, faster on the short texts of logs.
pub(crate) fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(byte, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Before and behind a byte that a space follows: `: `, `, `.
pub(crate) fn split_at_byte_space(text: &str, byte: u8) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let at = memchr::memchr_iter(byte, bytes).find(|at| bytes.get(at + 1) == Some(&b' '))?;
    Some((text.get(..at)?, text.get(at + 2..)?))
}

/// The first so many bytes, or fewer where a character would be cut.
pub(crate) fn beginning(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// Behind the last `@`, without a final dot.
pub(crate) fn domain(address: &str) -> &str {
    match memchr::memrchr(b'@', address.as_bytes()) {
        Some(at) => address.get(at + 1..).unwrap_or_default().trim_end_matches('.'),
        None => "",
    }
}

fn owned(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| neutralise(text.as_bytes(), LONGEST_NAME))
}

/// An address, also with `IPv6:` in front, as SMTP writes it.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    if text.is_empty() {
        return None;
    }
    text.strip_prefix("IPv6:").unwrap_or(text).parse().ok()
}

/// True for an address of the machine itself.
pub(crate) fn is_loopback(text: &str) -> bool {
    let may_be = text.starts_with("127.") || text.ends_with("::1");
    may_be && address(text).is_some_and(|address| address.is_loopback())
}

/// `host[address]:port`, `[address]:port`, `host[address]`, `host`.
pub(crate) fn host_address_port(text: &str) -> (&str, &str, Option<u16>) {
    let Some((host, rest)) = split_at_byte(text, b'[') else { return (text, "", None) };
    let Some((address, rest)) = split_at_byte(rest, b']') else { return (host, "", None) };
    (host, address, rest.strip_prefix(':').and_then(|port| port.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_behind_the_last_at() {
        assert_eq!(domain("a@b.example"), "b.example");
        assert_eq!(domain("\"a@x\"@b.example."), "b.example");
        assert_eq!(domain("postmaster"), "");
    }

    #[test]
    fn hosts_come_with_and_without_address_and_port() {
        assert_eq!(host_address_port("mx.b.example[192.0.2.1]:25"), ("mx.b.example", "192.0.2.1", Some(25)));
        assert_eq!(host_address_port("[2001:db8::1]:25"), ("", "2001:db8::1", Some(25)));
        assert_eq!(host_address_port("mx.b.example[private/lmtp]"), ("mx.b.example", "private/lmtp", None));
        assert_eq!(host_address_port("none"), ("none", "", None));
        assert_eq!(address("IPv6:2001:db8::1").map(|a| a.to_string()).as_deref(), Some("2001:db8::1"));
        assert_eq!(address("private/lmtp"), None);
    }

    #[test]
    fn an_event_has_what_the_record_says_and_no_more() {
        let record = LogRecord {
            recipient: "a@b.example",
            status: "5.1.1",
            text: " 550 5.1.1 no\u{7} ",
            remote_address: "192.0.2.1",
            ..LogRecord::default()
        };
        let event = record.to_event();
        assert_eq!(event.text, r"550 5.1.1 no\x07");
        assert_eq!(event.status.map(|s| s.to_string()).as_deref(), Some("5.1.1"));
        assert_eq!((event.sender, event.remote_host, event.time), (None, None, None));
    }
}
