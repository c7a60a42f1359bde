//! Exim's main and reject log, in files of its own or through syslog. Facts: chapter 52 of its
//! specification, and `deliver.c`, `log.c`, `acl.c`, `smtp_in.c`.
//!
//! `date time[.ms][ zone][ [pid]] ID FLAG address …`: `=>` and `->` delivered, `>>` delivered
//! while it came in, `**` failed, `==` deferred, `<=` arrived, `Completed` left the queue.
//! `X=` tells of TLS and `CV=` of its certificate; both are logged by default. Where mail came
//! in by TLS (`P=esmtps`) and its line has no `X=`, `log_selector` leaves it out, and a delivery
//! without it tells nothing.

use waxseal_model::mail::{Outcome, Protection, Stage};

use super::{
    LogFormat,
    line::{self, Line},
    recent::Recent,
    record::{Kind, LogRecord, is_loopback},
    stamp::{Clock, Stamp},
};

/// Lines that syslog took apart and that are not whole yet.
const SPLIT_LINES: usize = 256;
/// Longest line that is put together, in bytes.
const LONGEST_LINE: usize = 32_768;
/// Messages whose sender is remembered at the least.
const MESSAGES: usize = 16_384;
/// Hosts that are remembered at the least.
const HOSTS: usize = 1024;

/// What is known from earlier lines.
#[derive(Debug)]
pub(super) struct Exim {
    split: Recent<String>,
    senders: Option<Recent<String>>,
    /// Hosts whose log leaves TLS out.
    silent: Recent<()>,
    /// One of them was met.
    met_silent: bool,
}

impl Exim {
    /// Nothing is known. `senders`: whether the sender of each message is to be remembered.
    pub(super) fn new(senders: bool) -> Self {
        Self {
            split: Recent::new(SPLIT_LINES),
            senders: senders.then(|| Recent::new(MESSAGES)),
            silent: Recent::new(HOSTS),
            met_silent: false,
        }
    }

    /// True if a log leaves out whether sessions were encrypted.
    pub(super) fn leaves_out_tls(&self) -> bool {
        self.met_silent
    }

    /// How a session was protected. With `X=` it was encrypted, and the log says so of every
    /// session; without it, it was not, unless the log leaves that out.
    fn protection(&mut self, reporter: &str, fields: &Fields<'_>) -> Option<Protection> {
        let host = self.silent.key(reporter);
        if !fields.cipher.is_empty() {
            self.silent.remove(host);
            let authenticated = matches!(fields.verified, "yes" | "dane");
            return Some(if authenticated { Protection::Authenticated } else { Protection::Encrypted });
        }
        if by_tls(fields.protocol) {
            self.silent.insert(host, ());
            self.met_silent = true;
            return Some(Protection::Encrypted);
        }
        // A protocol that is named tells of itself.
        let told = !fields.protocol.is_empty() || self.silent.get(host).is_none();
        told.then_some(Protection::Clear)
    }

    /// Reads a line of a file of Exim's own. False if it is none.
    pub(super) fn own_file(
        &mut self,
        text: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) -> bool {
        let (stamp, rest) = line::stamp(text);
        if !matches!(stamp, Stamp::Iso(_)) || !is_exim(rest) {
            return false;
        }
        self.read(stamp, "", rest, text, clock, sink);
        true
    }

    /// Reads a line that came by syslog; Exim may have put its own time before it, and long
    /// lines come in parts: `[1/2]`, `[2\2]`.
    pub(super) fn syslog(
        &mut self,
        line: Line<'_>,
        raw: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let Some((number, of, part)) = part(line.message) else {
            return self.whole(line, line.message, raw, clock, sink);
        };
        let key = self.split.key((line.host, line.pid));
        let text = self.split.entry(key);
        if number == 1 {
            text.clear();
        }
        if text.len() + part.len() <= LONGEST_LINE {
            text.push_str(part);
        }
        if number == of
            && let Some(text) = self.split.remove(key)
        {
            self.whole(line, &text, &text, clock, sink);
        }
    }

    fn whole(
        &mut self,
        line: Line<'_>,
        message: &str,
        raw: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let (own, rest) = line::stamp(message);
        let stamp = if own == Stamp::None { line.stamp } else { own };
        self.read(stamp, line.host, rest, raw, clock, sink);
    }

    fn read(
        &mut self,
        stamp: Stamp<'_>,
        reporter: &str,
        text: &str,
        raw: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let text = without_pid(text);
        let record =
            LogRecord { format: LogFormat::Exim, stamp, reporter, line: raw, ..LogRecord::default() };
        let Some((id, rest)) = message_id(text) else {
            return refusal(text, &record, clock, sink);
        };
        let record = LogRecord { queue_id: id, ..record };
        let Some((flag, rest)) = rest.split_once(' ') else {
            if rest == "Completed" {
                sink(&LogRecord { kind: Kind::Removed, time: clock.seconds(stamp), ..record });
            }
            return;
        };
        match flag {
            "=>" | "->" | ">>" | "**" | "==" => self.delivery(flag, rest, &record, clock, sink),
            "<=" => self.arrival(rest, &record, clock, sink),
            _ => refusal(text.get(id.len()..).unwrap_or_default().trim_start(), &record, clock, sink),
        }
    }

    fn delivery(
        &mut self,
        flag: &str,
        rest: &str,
        record: &LogRecord<'_>,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let fields = Fields::parse(rest);
        let outcome = match flag {
            "**" => Outcome::Failed,
            "==" => Outcome::Deferred,
            _ => Outcome::Delivered,
        };
        // A retry time that is not yet reached is no attempt.
        if outcome == Outcome::Deferred && is_no_attempt(fields.text) {
            return;
        }
        let remote = !fields.host.is_empty() || !fields.address.is_empty();
        let stays = is_loopback(fields.address) && fields.port != Some(25);
        let by_smtp = fields.transport.contains("smtp") || fields.transport.is_empty();
        let local = stays || (!remote && (outcome == Outcome::Delivered || !by_smtp));
        let protection = if remote && !local { self.protection(record.reporter, &fields) } else { None };
        let sender = self.senders.as_mut().and_then(|senders| {
            let key = senders.key(record.queue_id);
            senders.get(key).map(|sender| sender.as_str())
        });
        sink(&LogRecord {
            kind: if local { Kind::Local } else { Kind::Delivery },
            outcome,
            time: clock.seconds(record.stamp),
            recipient: fields.recipient,
            original_recipient: fields.original,
            sender: fields.from.or(sender),
            remote_host: fields.host,
            remote_address: fields.address,
            remote_port: fields.port,
            client_address: fields.own_address,
            protection,
            text: if fields.text.is_empty() { fields.confirmation } else { fields.text },
            ..*record
        });
    }

    fn arrival(
        &mut self,
        rest: &str,
        record: &LogRecord<'_>,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let fields = Fields::parse(rest);
        let sender = if fields.recipient == "<>" { "" } else { fields.recipient };
        if let Some(senders) = &mut self.senders {
            let key = senders.key(record.queue_id);
            senders.insert(key, sender.to_owned());
        }
        let protection = self.protection(record.reporter, &fields);
        if fields.address.is_empty() || is_loopback(fields.address) {
            return;
        }
        sink(&LogRecord {
            kind: Kind::Arrival(1),
            outcome: Outcome::Delivered,
            time: clock.seconds(record.stamp),
            sender: Some(sender),
            remote_host: fields.host,
            client_address: fields.address,
            protection,
            ..*record
        });
    }
}

/// True for what Exim writes behind its stamp.
fn is_exim(rest: &str) -> bool {
    let rest = without_pid(rest);
    message_id(rest).is_some()
        || ["H=", "exim ", "Start queue run", "End queue run", "TLS error", "no host name found", "SMTP "]
            .iter()
            .any(|beginning| rest.starts_with(beginning))
        || looks_exim(rest)
}

/// The other lines that are its alone.
fn looks_exim(rest: &str) -> bool {
    [
        "unexpected disconnection while reading SMTP command",
        "SMTP protocol synchronization error",
        "SMTP command timeout on",
        "SMTP connection from",
        "VRFY failed for",
        "rejected RCPT",
        "authenticator failed for",
        "refused connection from",
        "TLS error on connection",
    ]
    .iter()
    .any(|words| rest.contains(words))
}

/// `[123] ` in front, with `log_selector = +pid`.
fn without_pid(text: &str) -> &str {
    match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((pid, rest)) if pid.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => text,
    }
}

/// `1tEabc-0000Ab-3C`, and since 4.97 `1tEabc-000000012Ab-3CdE`.
fn message_id(text: &str) -> Option<(&str, &str)> {
    let (id, rest) = text.split_once(' ')?;
    let mut parts = id.split('-');
    let lengths = (parts.next()?.len(), parts.next()?.len(), parts.next()?.len());
    let known = matches!(lengths, (6, 6, 2) | (6, 11, 4)) && parts.next().is_none();
    (known && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then_some((id, rest))
}

/// `[1/2] text`, `[2\2] text`.
fn part(message: &str) -> Option<(u32, u32, &str)> {
    let (numbers, text) = message.strip_prefix('[')?.split_once("] ")?;
    let (number, of) = numbers.split_once(['/', '\\'])?;
    let (number, of) = (number.parse().ok()?, of.parse().ok()?);
    (number >= 1 && number <= of && of <= 100).then_some((number, of, text))
}

fn is_no_attempt(text: &str) -> bool {
    text.contains("retry time not reached")
}

/// What stands behind the flag: an address, then `NAME=value` of any order, then the text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fields<'a> {
    recipient: &'a str,
    original: &'a str,
    from: Option<&'a str>,
    transport: &'a str,
    protocol: &'a str,
    host: &'a str,
    address: &'a str,
    port: Option<u16>,
    own_address: &'a str,
    cipher: &'a str,
    verified: &'a str,
    confirmation: &'a str,
    text: &'a str,
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Self {
        let mut fields = Self::default();
        let (recipient, mut rest) = word(text);
        // `**` and `==` may be followed by the colon at once.
        fields.recipient = recipient.trim_end_matches(':');
        if recipient.ends_with(':') && !rest.starts_with(['<', '(']) && !starts_field(rest) {
            fields.text = rest;
        }
        loop {
            rest = rest.trim_start();
            if let Some(more) = rest.strip_prefix(": ") {
                fields.text = more;
                break;
            }
            if let Some(inner) = rest.strip_prefix('<') {
                let (original, more) = inner.split_once('>').unwrap_or((inner, ""));
                fields.original = original;
                rest = more.strip_prefix(':').map_or(more, |text| {
                    fields.text = text.trim_start();
                    ""
                });
            } else if starts_field(rest) {
                rest = fields.field(rest);
            } else if let Some(deferred) = rest.strip_prefix("defer (") {
                // The reason, or first the host, whose colon goes before it.
                rest = deferred.split_once(')').map_or("", |(_, more)| more);
            } else if rest.starts_with("(helo") || rest.starts_with('(') {
                rest = rest.split_once(')').map_or("", |(_, more)| more);
            } else {
                if fields.text.is_empty() {
                    fields.text = rest.trim_start_matches(": ");
                }
                break;
            }
            if rest.is_empty() {
                break;
            }
        }
        if fields.original == fields.recipient {
            fields.original = "";
        }
        fields
    }

    /// One `NAME=value`; returns what follows it.
    fn field(&mut self, text: &'a str) -> &'a str {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        if matches!(name, "C" | "DN" | "A" | "SNI" | "T") && value.starts_with('"') {
            let (quoted, rest) = quoted(value);
            if name == "C" {
                self.confirmation = quoted;
            }
            return rest;
        }
        let (value, rest) = word(value);
        // The text follows the last field, which then ends in a colon.
        let ends = value.ends_with(':') && !value.ends_with("::");
        let value = if ends { value.trim_end_matches(':') } else { value };
        match name {
            "T" => self.transport = value,
            "F" => self.from = Some(value.trim_start_matches('<').trim_end_matches('>')),
            "P" => self.protocol = value,
            "X" => self.cipher = value,
            "CV" => self.verified = value,
            "I" => self.own_address = bracket(value).0,
            "H" if ends => self.host = value,
            "H" => return self.host(value, rest),
            _ => {}
        }
        if ends {
            self.text = rest;
            return "";
        }
        rest
    }

    /// `H=name (helo) [address]:port`, `H=[address]`, also with a colon behind it.
    fn host(&mut self, value: &'a str, rest: &'a str) -> &'a str {
        let mut rest = rest;
        let place = if value.starts_with('[') {
            value
        } else {
            self.host = if value.starts_with('(') { "" } else { value };
            // What a client calls itself may hold spaces.
            if rest.starts_with('(') || (value.starts_with('(') && !value.ends_with(')')) {
                rest = rest.split_once(") ").map_or("", |(_, more)| more);
            }
            if !rest.starts_with('[') {
                return rest;
            }
            let (place, more) = word(rest);
            rest = more;
            place
        };
        (self.address, self.port) = bracket(place);
        if place.ends_with(':') {
            self.text = rest;
            return "";
        }
        rest
    }
}

/// The protocols of RFC 3848 and 6531 that stand for TLS, and Exim's older word for it.
fn by_tls(protocol: &str) -> bool {
    let protocol = protocol.strip_prefix("utf8").unwrap_or(protocol);
    matches!(protocol, "smtps" | "ssmtp" | "smtpsa" | "esmtps" | "esmtpsa")
}

/// True for `NAME=`, letters before the sign.
fn starts_field(text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default();
    (1..=16).contains(&name.len()) && name.len() < text.len() && name.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Up to the next space, and what is behind it.
fn word(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

/// `"text with \"escapes\""`: the inside, and what is behind it.
fn quoted(text: &str) -> (&str, &str) {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => {
                let inside = text.get(1..at).unwrap_or_default();
                return (inside, text.get(at + 1..).unwrap_or_default().trim_start());
            }
            _ => {}
        }
    }
    (text.get(1..).unwrap_or_default(), "")
}

/// `[address]:port`
fn bracket(text: &str) -> (&str, Option<u16>) {
    let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return ("", None);
    };
    (address, rest.trim_matches(':').parse().ok())
}

/// `H=name (helo) [address] F=<sender> rejected RCPT <recipient>: text`, and other ends of
/// sessions.
fn refusal(text: &str, record: &LogRecord<'_>, clock: &mut Clock, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let (head, what) = match text.find("rejected ") {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 9..).unwrap_or_default()),
        None => return session_end(text, record, clock, sink),
    };
    let Some((command, reason)) = what.split_once(": ") else { return };
    let stage = match word(command).0 {
        "connection" => Stage::Connect,
        "EHLO" | "HELO" => Stage::Ehlo,
        "MAIL" | "sender" => Stage::Mail,
        "RCPT" | "VRFY" | "ETRN" => Stage::Rcpt,
        "AUTH" => Stage::Auth,
        "STARTTLS" => Stage::Starttls,
        "DATA" => Stage::Data,
        "after" | "during" | "from" | "by" => Stage::EndOfData,
        _ => return,
    };
    let head = head.trim_end().trim_end_matches("temporarily").trim_end();
    // What another server said may tell of a rejection too, of our mail.
    let Some(fields) = client(head) else { return };
    let recipient =
        command.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).map_or("", |(inner, _)| inner);
    sink(&LogRecord {
        kind: Kind::Rejection,
        outcome: Outcome::Rejected,
        time: clock.seconds(record.stamp),
        recipient: if stage == Stage::Rcpt { recipient } else { "" },
        sender: fields.from,
        remote_host: fields.host,
        client_address: fields.address,
        protection: (!fields.cipher.is_empty()).then_some(Protection::Encrypted),
        stage: Some(stage),
        text: reason,
        ..*record
    });
}

/// The fields of a client, `H=` first. None where a text has begun: then it is not a client
/// that was refused.
fn client(head: &str) -> Option<Fields<'_>> {
    let mut fields = Fields::default();
    let (before, mut rest) = head.split_at_checked(head.find("H=").unwrap_or(head.len()))?;
    while starts_field(rest) {
        rest = fields.field(rest).trim_start();
    }
    let said = !fields.text.is_empty() || [before, rest].iter().any(|text| text.contains(": "));
    (!said).then_some(fields)
}

/// `TLS error on connection from host [address] (SSL_accept): text`, failed logins.
fn session_end(text: &str, record: &LogRecord<'_>, clock: &mut Clock, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let (stage, client) = if let Some(rest) = text.strip_prefix("TLS error on connection from ") {
        (Stage::Tls, rest)
    } else if let Some((_, rest)) = text.split_once(" authenticator failed for ") {
        (Stage::Auth, rest)
    } else {
        return;
    };
    let (client, reason) = client.split_once(": ").unwrap_or((client, ""));
    let inside =
        client.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(inner, _)| inner);
    sink(&LogRecord {
        kind: Kind::Rejection,
        outcome: Outcome::Rejected,
        time: clock.seconds(record.stamp),
        client_address: inside,
        stage: Some(stage),
        text: if reason.is_empty() { text } else { reason },
        ..*record
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields<'_> {
        Fields::parse(text)
    }

    #[test]
    fn a_delivery_is_read_field_by_field() {
        let f = fields(
            "a@b.example <x@y.example> F=<s@own.example> R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1]:25 \
             I=[192.0.2.2]:40000 X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes DN=\"CN=mx.b.example, O=\\\"x\\\"\" \
             C=\"250 2.0.0 Ok: queued as 1\" QT=2s DT=1s",
        );
        assert_eq!((f.recipient, f.original, f.from), ("a@b.example", "x@y.example", Some("s@own.example")));
        assert_eq!((f.host, f.address, f.port), ("mx.b.example", "192.0.2.1", Some(25)));
        assert_eq!((f.own_address, f.transport), ("192.0.2.2", "remote_smtp"));
        assert_eq!(
            (f.cipher, f.verified, f.confirmation),
            ("TLS1.3:TLS_AES_256_GCM_SHA384:256", "yes", "250 2.0.0 Ok: queued as 1")
        );
    }

    #[test]
    fn the_text_is_what_follows_the_fields() {
        let text = "SMTP error from remote mail server after RCPT TO:<a@b.example>: 550 5.1.1 no such user";
        for line in [
            format!("a@b.example R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1]: {text}"),
            format!(
                "a@b.example R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1] X=TLS1.3:A:256 CV=no: {text}"
            ),
            format!("a@b.example R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1] DN=\"x: y\" : {text}"),
            format!("a@b.example R=dnslookup T=remote_smtp defer (-44) H=mx.b.example [192.0.2.1]: {text}"),
            format!("a@b.example R=dnslookup T=remote_smtp defer (-44): {text}"),
            format!("a@b.example: {text}"),
            format!("a@b.example <a@b.example>: {text}"),
        ] {
            let f = fields(&line);
            assert_eq!((f.recipient, f.text), ("a@b.example", text), "{line}");
        }
    }

    #[test]
    fn identifications_are_old_and_new() {
        assert_eq!(message_id("1tEabc-0000Ab-3C => x"), Some(("1tEabc-0000Ab-3C", "=> x")));
        assert_eq!(message_id("1tEabc-000000012Ab-3CdE Completed").map(|m| m.1), Some("Completed"));
        assert_eq!(message_id("2025-11-21 23:34:45"), None);
    }

    #[test]
    fn parts_are_numbered() {
        assert_eq!(part("[1/2] abc"), Some((1, 2, "abc")));
        assert_eq!(part(r"[2\2] abc"), Some((2, 2, "abc")));
        assert_eq!(part("[192.0.2.1] abc"), None);
        assert_eq!(part("[3/2] abc"), None);
    }
}
