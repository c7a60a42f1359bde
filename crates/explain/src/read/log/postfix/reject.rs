//! What Postfix refused, and how sessions of clients ended.
//!
//! `NOQUEUE: reject: RCPT from host[address]: reply; from=<> to=<> proto=ESMTP helo=<h>`, the
//! same with `milter-reject:` and from `postscreen` with a port, and of `cleanup` with the
//! reply last. `disconnect from host[address] ehlo=2 starttls=1 mail=1 …` ends a session.

use waxseal_model::mail::{Outcome, Protection, Stage};
use waxseal_wire::text::neutralise;

use super::{Context, bracketed, queue_id};
use crate::read::log::record::{
    Kind, LogRecord, host_address_port, is_loopback, split_at_byte, split_at_byte_space,
};

/// Reads a line of `smtpd`, `postscreen` or `cleanup`.
pub(super) fn line(context: &mut Context<'_, '_>, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let message = context.line.message;
    if context.daemon == "smtpd" && session(context, message, sink) {
        return;
    }
    if context.daemon == "postscreen" && message.starts_with("PREGREET ") {
        return pregreet(context, message, sink);
    }
    let Some((id, rest)) = queue_id(message) else { return };
    // Most lines tell of no refusal.
    if !matches!(rest.as_bytes(), [b'r', b'e', ..] | [b'm', b'i', ..] | [b'p', b'r', ..] | [b'd', b'i', ..]) {
        return;
    }
    let Some((action, rest)) = split_at_byte_space(rest, b':') else { return };
    if !matches!(action, "reject" | "milter-reject" | "proxy-reject" | "discard" | "milter-discard") {
        return;
    }
    if let Some(refused) = Refused::parse(rest) {
        refused.tell(context, id, sink);
    }
}

/// What was refused to whom, and how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Refused<'a> {
    stage: Option<Stage>,
    client: &'a str,
    address: &'a str,
    text: &'a str,
    from: Option<&'a str>,
    to: &'a str,
}

impl<'a> Refused<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (before, envelope) = match text.rfind("; from=<") {
            Some(at) => (text.get(..at)?, text.get(at + 2..)?),
            None => (text, ""),
        };
        let mut refused = Self { text: before, ..Self::default() };
        let mut after = "";
        if let Some((from, rest)) = envelope.strip_prefix("from=").and_then(bracketed) {
            refused.from = Some(from);
            after = rest;
        }
        // `postscreen` puts commas between them.
        if let Some((to, rest)) = after.trim_start_matches(',').strip_prefix(" to=").and_then(bracketed) {
            (refused.to, after) = (to, rest);
        }
        refused.client(before, after);
        Some(refused)
    }

    /// `RCPT from host[address]:port: reply`, of header checks `header Subject: x from
    /// host[address]` with the reply behind the envelope.
    fn client(&mut self, before: &'a str, behind: &'a str) {
        let (command, rest) = before.split_once(" from ").unwrap_or((before, ""));
        self.stage = stage(command);
        if self.stage.is_none() {
            // The header's own text may hold anything: the client is what stands last.
            let client = before.rsplit_once(" from ").map_or("", |(_, client)| client);
            self.name(client);
            if let Some((_, reply)) = behind.rsplit_once(">: ") {
                self.text = reply;
            }
            self.stage = Some(Stage::EndOfData);
            return;
        }
        let Some(bracket) = rest.find(']') else {
            self.text = rest.strip_prefix(": ").unwrap_or(rest);
            return;
        };
        let (client, reply) = rest.split_at_checked(bracket + 1).unwrap_or((rest, ""));
        self.name(client);
        self.text = reply.split_once(": ").map_or(reply, |(_port, reply)| reply);
    }

    fn name(&mut self, client: &'a str) {
        let (host, address, _) = host_address_port(client);
        (self.client, self.address) = (if host == "unknown" { "" } else { host }, address);
    }

    fn tell(&self, context: &mut Context<'_, '_>, id: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) {
        let record = context.record(Kind::Rejection, Outcome::Rejected);
        sink(&LogRecord {
            recipient: self.to,
            sender: self.from,
            remote_host: self.client,
            client_address: self.address,
            queue_id: if id == "NOQUEUE" { "" } else { id },
            stage: self.stage,
            text: self.text,
            ..record
        });
    }
}

/// The command as Postfix names it.
fn stage(command: &str) -> Option<Stage> {
    Some(match command {
        "CONNECT" => Stage::Connect,
        "HELO" | "EHLO" => Stage::Ehlo,
        "STARTTLS" => Stage::Starttls,
        "AUTH" => Stage::Auth,
        "MAIL" => Stage::Mail,
        "RCPT" | "VRFY" | "ETRN" => Stage::Rcpt,
        "DATA" | "BDAT" => Stage::Data,
        "END-OF-MESSAGE" | "END-OF-DATA" | "DATA content" | "XFORWARD" => Stage::EndOfData,
        _ => return command.starts_with("END-OF-MESSAGE").then_some(Stage::EndOfData),
    })
}

/// What is said of a client without a queue's identification. True if that was it.
fn session(context: &mut Context<'_, '_>, message: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) -> bool {
    match message.as_bytes().first() {
        Some(b'c') => message.starts_with("connect from "),
        Some(b'd') => match message.strip_prefix("disconnect from ") {
            Some(rest) => {
                disconnect(context, rest, sink);
                true
            }
            None => false,
        },
        Some(b'A' | b'U' | b'T' | b'V') if is_tls(message) => {
            // Where the session begins with STARTTLS, its end says so.
            let process = context.process();
            context.state.processes.entry(process).protection = Some(Protection::Encrypted);
            true
        }
        Some(b'S') if message.starts_with("SSL_accept error") => {
            let process = context.process();
            let lines = &mut context.state.processes.entry(process).context;
            lines.clear();
            lines.push(neutralise(message.as_bytes(), 400));
            true
        }
        Some(b'w') => match message.strip_prefix("warning: ") {
            Some(rest) => {
                warning(context, rest, sink);
                true
            }
            None => false,
        },
        Some(b'l') if message.starts_with("lost connection after STARTTLS from ") => {
            handshake_failed(context, message, sink);
            true
        }
        _ => false,
    }
}

/// `Anonymous TLS connection established from …`
fn is_tls(message: &str) -> bool {
    split_at_byte(message, b' ').is_some_and(|(_, rest)| rest.starts_with("TLS connection established from "))
}

/// The first number of `2` and `1/2`: how many commands were accepted.
fn accepted(count: &[u8]) -> u32 {
    let digits = count.iter().take_while(|b| b.is_ascii_digit());
    digits.fold(0u32, |sum, digit| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
}

/// How many messages a session brought, and whether they were encrypted on their way.
fn disconnect(context: &mut Context<'_, '_>, rest: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    // Of a handshake that failed nothing more is going to be said.
    handshake_failed(context, "", sink);
    let (client, commands) = split_at_byte(rest, b' ').unwrap_or((rest, ""));
    let (host, client, _) = host_address_port(client);
    let (mut mail, mut data, mut chunks, mut encrypted, mut greeted) = (0, 0, 0, false, false);
    for word in commands.as_bytes().split(|b| *b == b' ') {
        let Some(sign) = word.iter().position(|b| *b == b'=') else { continue };
        let (name, count) = word.split_at_checked(sign).unwrap_or((word, &[]));
        let count = accepted(count.get(1..).unwrap_or_default());
        match name {
            b"mail" => mail = count,
            b"data" => data = count,
            b"bdat" => chunks = count,
            b"starttls" => encrypted = count > 0,
            b"ehlo" | b"helo" => greeted = true,
            _ => {}
        }
    }
    // TLS ends with the session, whatever that brought: the process serves the next client.
    let process = context.process();
    let tls = context.state.processes.get(process).and_then(|p| p.protection.take()).is_some();
    let messages = if chunks > 0 { data.max(mail) } else { data };
    // Mail that comes back from a filter on the same machine came in before.
    if messages == 0 || is_loopback(client) {
        return;
    }
    let protection = match context.service {
        _ if encrypted || tls => Some(Protection::Encrypted),
        // TLS from the first byte, which no command tells of.
        "smtps" | "submissions" => None,
        _ => greeted.then_some(Protection::Clear),
    };
    let record = context.record(Kind::Arrival(messages), Outcome::Delivered);
    sink(&LogRecord { remote_host: host, client_address: client, protection, ..record });
}

/// `warning: host[address]: SASL LOGIN authentication failed: …`, and what OpenSSL has to say.
fn warning(context: &mut Context<'_, '_>, text: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    if text.starts_with("TLS library problem: ") {
        return handshake_failed(context, text, sink);
    }
    let Some((client, reason)) = text.split_once(": ") else { return };
    if reason.starts_with("SASL ") && reason.contains(" authentication failed") {
        let (host, client, _) = host_address_port(client);
        let record = context.record(Kind::Rejection, Outcome::Rejected);
        sink(&LogRecord {
            remote_host: if host == "unknown" { "" } else { host },
            client_address: client,
            stage: Some(Stage::Auth),
            text: reason,
            ..record
        });
    }
}

/// The end of a handshake that `SSL_accept error from host[address]: …` began to tell of.
fn handshake_failed(context: &mut Context<'_, '_>, text: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let process = context.process();
    let Some(lines) = context.state.processes.get(process).map(|p| std::mem::take(&mut p.context)) else {
        return;
    };
    let Some(first) = lines.first() else { return };
    let client = first.split_once(" from ").map_or("", |(_, rest)| rest);
    let (host, client, _) = host_address_port(client);
    let record = context.record(Kind::Rejection, Outcome::Rejected);
    sink(&LogRecord {
        remote_host: if host == "unknown" { "" } else { host },
        client_address: client,
        stage: Some(Stage::Tls),
        text: if text.starts_with("TLS library") { text } else { first },
        context: &lines,
        ..record
    });
}

/// `PREGREET 11 after 0.1 from [address]:port: EHLO x\r\n`
fn pregreet(context: &mut Context<'_, '_>, message: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let client = message.split_once(" from ").map_or("", |(_, client)| client);
    let (_, client, _) = host_address_port(client);
    let record = context.record(Kind::Rejection, Outcome::Rejected);
    sink(&LogRecord { client_address: client, stage: Some(Stage::Greeting), text: message, ..record });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_with_its_envelope() {
        let text = "RCPT from unknown[192.0.2.9]: 450 4.7.25 Client host rejected: cannot find your hostname, \
                    [192.0.2.9]; from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<h>";
        let refused = Refused::parse(text).unwrap();
        assert_eq!((refused.stage, refused.client, refused.address), (Some(Stage::Rcpt), "", "192.0.2.9"));
        assert_eq!((refused.from, refused.to), (Some("a@b.example"), "c@d.example"));
        assert_eq!(refused.text, "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.9]");
    }

    #[test]
    fn ports_milters_and_missing_envelopes_are_no_hindrance() {
        let refused = Refused::parse(
            "RCPT from [2001:db8::9]:4711: 550 5.7.1 Service unavailable; client [2001:db8::9] blocked using \
             bl.example; from=<>, to=<c@d.example>, proto=ESMTP, helo=<h>",
        )
        .unwrap();
        assert_eq!((refused.address, refused.from), ("2001:db8::9", Some("")));
        assert!(refused.text.starts_with("550 5.7.1") && refused.text.ends_with("bl.example"));
        let refused = Refused::parse("CONNECT from [192.0.2.9]:25: all screening ports busy").unwrap();
        assert_eq!((refused.stage, refused.text), (Some(Stage::Connect), "all screening ports busy"));
        let refused = Refused::parse(
            "END-OF-MESSAGE from mx.b.example[192.0.2.9]: 5.7.1 rejected by DMARC policy; from=<a@b.example> \
             to=<c@d.example> proto=ESMTP helo=<h>",
        )
        .unwrap();
        assert_eq!((refused.client, refused.text), ("mx.b.example", "5.7.1 rejected by DMARC policy"));
    }

    #[test]
    fn of_a_header_check_the_reply_stands_last() {
        let refused = Refused::parse(
            "header Subject: hello from me[1] from mx.b.example[192.0.2.9]; from=<a@b.example> to=<c@d.example> \
             proto=ESMTP helo=<h>: 5.7.1 No such subjects",
        )
        .unwrap();
        assert_eq!((refused.client, refused.address), ("mx.b.example", "192.0.2.9"));
        assert_eq!((refused.text, refused.to), ("5.7.1 No such subjects", "c@d.example"));
    }
}
