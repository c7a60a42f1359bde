//! Deliveries, and how they were protected.
//!
//! The SMTP client logs `Untrusted TLS connection established to HOST[ADDRESS]:PORT: …`, with
//! `smtp_tls_loglevel` 1 or more, in the same process as the delivery that follows. One such
//! session serves the recipients of one message; where connections are reused (`conn_use=`),
//! `TLS connection reused` is logged again. Postfix 3.11 and later also say `tls=…` with the
//! delivery itself. Where nothing is said, nothing is known, unless the same Postfix has
//! logged TLS of other deliveries before.

use waxseal_model::mail::{Outcome, Protection};
use waxseal_wire::text::neutralise;

use super::{CONTEXT, Context, LONGEST_RELAY, bracketed, queue_id};
use crate::read::log::record::{
    Kind, LogRecord, beginning, host_address_port, is_loopback, split_at_byte, split_at_byte_space,
};

/// Longest line about TLS that is kept, in characters.
const LONGEST_CONTEXT: usize = 400;

/// Reads a line of a delivery agent.
pub(super) fn line(context: &mut Context<'_, '_>, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let message = context.line.message;
    match queue_id(message) {
        Some((id, rest)) if rest.starts_with("to=<") => {
            if let Some(fields) = Fields::parse(rest) {
                deliver(context, id, &fields, sink);
            }
        }
        Some((_, rest)) => note(context, rest),
        None => note(context, message),
    }
}

/// What `log_adhoc` writes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fields<'a> {
    to: &'a str,
    orig_to: &'a str,
    relay: &'a str,
    delays: &'a str,
    tls: &'a str,
    reused: bool,
    dsn: &'a str,
    status: &'a str,
    text: &'a str,
}

impl<'a> Fields<'a> {
    /// Unknown fields are passed over; `status=` is the last one.
    fn parse(text: &'a str) -> Option<Self> {
        let (to, mut rest) = text.strip_prefix("to=").and_then(bracketed)?;
        let mut fields = Self { to, ..Self::default() };
        loop {
            rest = rest.strip_prefix(", ")?;
            let (name, after) = split_at_byte(rest, b'=')?;
            if name == "status" {
                let (word, text) = split_at_byte(after, b' ').unwrap_or((after, ""));
                fields.status = word;
                fields.text = text.strip_prefix('(').unwrap_or(text);
                fields.text = fields.text.strip_suffix(')').unwrap_or(fields.text);
                return Some(fields);
            }
            let value;
            if after.starts_with('<') {
                (value, rest) = bracketed(after)?;
            } else {
                value = split_at_byte_space(after, b',')?.0;
                rest = after.get(value.len()..)?;
            }
            match name {
                "orig_to" => fields.orig_to = value,
                "relay" => fields.relay = value,
                "delays" => fields.delays = value,
                "conn_use" => fields.reused = true,
                "tls" => fields.tls = value,
                "dsn" => fields.dsn = value,
                _ => {}
            }
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        match self.status {
            "sent" => Some(Outcome::Delivered),
            "deferred" | "SOFTBOUNCE" => Some(Outcome::Deferred),
            "bounced" | "expired" => Some(Outcome::Failed),
            // `deliverable` and `undeliverable` are answers to probes, not of mail.
            _ => None,
        }
    }

    /// How long the connection took, from its first packet, in whole seconds.
    fn session_seconds(&self) -> i64 {
        let last_two = self.delays.split('/').skip(2).filter_map(|n| n.parse::<f64>().ok());
        last_two.sum::<f64>().clamp(0.0, 100_000.0).ceil() as i64
    }
}

fn deliver(
    context: &mut Context<'_, '_>,
    id: &str,
    fields: &Fields<'_>,
    sink: &mut dyn FnMut(&LogRecord<'_>),
) {
    let Some(outcome) = fields.outcome() else { return };
    let (host, remote, port) = match context.daemon {
        "smtp" | "lmtp" if memchr::memchr(b']', fields.relay.as_bytes()).is_some() => {
            host_address_port(fields.relay)
        }
        _ => ("", "", None),
    };
    let kind = match context.daemon {
        "local" | "virtual" | "pipe" | "discard" | "lmtp" => Kind::Local,
        _ if stays_here(remote, port) => Kind::Local,
        _ => Kind::Delivery,
    };
    let record = context.record(kind, outcome);
    let asks = context.daemon == "smtp";
    let sent = kind == Kind::Delivery && !remote.is_empty();
    let process = context.process();
    let protection = if sent { protection(context, process, id, fields, outcome, record.time) } else { None };
    let context_lines = if asks { take_context(context, process) } else { Vec::new() };
    let sender = context.state.senders.as_mut().and_then(|senders| {
        let key = senders.key((context.line.host, context.instance, id));
        senders.get(key).map(|sender| sender.as_str())
    });
    sink(&LogRecord {
        recipient: fields.to,
        original_recipient: fields.orig_to,
        sender,
        remote_host: host,
        remote_address: remote,
        remote_port: port,
        queue_id: id,
        protection,
        status: fields.dsn,
        text: fields.text,
        context: &context_lines,
        ..record
    });
}

/// Mail for a filter on the same machine, which logs again when it comes back.
fn stays_here(remote: &str, port: Option<u16>) -> bool {
    port != Some(25) && is_loopback(remote)
}

/// How the connection of a delivery was protected. What its own line says comes first, then
/// what the process logged before, and silence last.
fn protection(
    context: &mut Context<'_, '_>,
    process: u64,
    id: &str,
    fields: &Fields<'_>,
    outcome: Outcome,
    time: Option<i64>,
) -> Option<Protection> {
    let own = by_feature(fields.tls);
    if own.is_some() {
        return own;
    }
    let id = context.state.processes.key(id);
    if let Some(process) = context.state.processes.get(process)
        && process.protection.is_some()
        && process.relay == beginning(fields.relay, LONGEST_RELAY)
    {
        let serves = *process.queue_id.get_or_insert(id) == id;
        if serves {
            return process.protection;
        }
    }
    // Before MAIL nothing has to be protected yet: a server that turned us away earlier was
    // not asked for TLS.
    let spoke = outcome == Outcome::Delivered || is_past_ehlo(fields.text);
    if !fields.tls.is_empty() || !spoke {
        return None;
    }
    let instance = context.this_instance();
    let since = context.state.instances.get(instance)?.logs_tls_since?;
    let began = time? - fields.session_seconds() - 1;
    (!fields.reused && began >= since).then_some(Protection::Clear)
}

/// Whether the other side refused the message itself: the session had come so far.
fn is_past_ehlo(text: &str) -> bool {
    ["MAIL FROM", "RCPT TO", "DATA", "BDAT", "end of DATA"]
        .iter()
        .any(|command| text.contains(&format!("(in reply to {command}")))
}

/// `tls=LEVEL`, `tls=LEVEL:WHAT-CAME-OF-IT`, with `!` where a demand was not met and `?` where
/// nothing was decided, and `/` before what follows for REQUIRETLS.
fn by_feature(text: &str) -> Option<Protection> {
    let first = text.split('/').next().unwrap_or(text);
    if first.contains('?') || first.contains('!') {
        return None;
    }
    match first.rsplit(':').next().unwrap_or(first) {
        "none" => Some(Protection::Clear),
        "may" | "encrypt" | "half-dane" => Some(Protection::Encrypted),
        "dane" | "dane-only" | "fingerprint" | "verify" | "secure" => Some(Protection::Authenticated),
        _ => None,
    }
}

/// What is no delivery: TLS that came about, or why it did not.
fn note(context: &mut Context<'_, '_>, message: &str) {
    if context.daemon != "smtp" {
        return;
    }
    let message = message.strip_prefix("warning: ").unwrap_or(message);
    if let Some((trust, rest)) = split_at_byte(message, b' ')
        && let Some(rest) = rest.strip_prefix("TLS connection ")
    {
        let session = rest.strip_prefix("established to ").or_else(|| rest.strip_prefix("reused to "));
        if let Some((relay, _)) = session.and_then(|rest| split_at_byte_space(rest, b':')) {
            established(context, trust, relay);
        }
        return;
    }
    if message.starts_with("lost connection with ") || message.starts_with("conversation with ") {
        // What follows is another connection, perhaps to the same host, and perhaps in clear.
        let process = context.process();
        if let Some(process) = context.state.processes.get(process) {
            process.protection = None;
        }
        return;
    }
    if is_tls_error(message) {
        let process = context.process();
        let lines = &mut context.state.processes.entry(process).context;
        if lines.len() < CONTEXT {
            lines.push(neutralise(message.as_bytes(), LONGEST_CONTEXT));
        }
    }
}

/// `Verified` is a certificate that was compared with the name; `Trusted` is one of any name.
fn established(context: &mut Context<'_, '_>, trust: &str, relay: &str) {
    let protection = match trust {
        "Verified" => Protection::Authenticated,
        "Trusted" | "Untrusted" | "Anonymous" => Protection::Encrypted,
        _ => return,
    };
    let instance = context.this_instance();
    if let Some(time) = context.clock.seconds(context.line.stamp) {
        context.state.instances.entry(instance).logs_tls_since.get_or_insert(time);
    }
    let process = context.process();
    let process = context.state.processes.entry(process);
    beginning(relay, LONGEST_RELAY).clone_into(&mut process.relay);
    process.protection = Some(protection);
    process.queue_id = None;
}

fn is_tls_error(message: &str) -> bool {
    const BEGINNINGS: [&str; 8] = [
        "certificate verification failed for ",
        "server certificate verification failed for ",
        "SSL_connect error",
        "SMTPS wrappermode",
        "TLS library problem",
        "Cannot start TLS",
        "TLS is required",
        "Server certificate not ",
    ];
    BEGINNINGS.iter().any(|beginning| message.starts_with(beginning))
}

/// The errors of TLS since the last delivery of this process.
fn take_context(context: &mut Context<'_, '_>, process: u64) -> Vec<String> {
    context.state.processes.get(process).map(|p| std::mem::take(&mut p.context)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_whatever_stands_between_them() {
        let text = "to=<a@b.example>, orig_to=<x@y.example>, relay=mx.b.example[192.0.2.1]:25, conn_use=2, \
                    delay=1.2, delays=0.1/0/0.5/0.6, tls=dane, new=1, dsn=5.1.1, \
                    status=bounced (host mx.b.example[192.0.2.1] said: 550 5.1.1 (x), y=z)";
        let fields = Fields::parse(text).unwrap();
        assert_eq!((fields.to, fields.orig_to, fields.dsn), ("a@b.example", "x@y.example", "5.1.1"));
        assert_eq!((fields.relay, fields.reused, fields.tls), ("mx.b.example[192.0.2.1]:25", true, "dane"));
        assert_eq!(fields.outcome(), Some(Outcome::Failed));
        assert_eq!(fields.text, "host mx.b.example[192.0.2.1] said: 550 5.1.1 (x), y=z");
        assert_eq!(fields.session_seconds(), 2);
    }

    #[test]
    fn an_address_cannot_pretend_to_be_a_field() {
        let text = "to=<\"a>, status=sent (\\\" x)\"@b.example>, relay=none, delay=1, dsn=4.4.1, status=deferred (x)";
        let fields = Fields::parse(text).unwrap();
        assert_eq!(fields.to, "\"a>, status=sent (\\\" x)\"@b.example");
        assert_eq!(fields.status, "deferred");
    }

    #[test]
    fn features_of_tls_say_what_came_of_them() {
        use Protection::{Authenticated, Clear, Encrypted};
        for (text, protection) in [
            ("dane", Some(Authenticated)),
            ("secure", Some(Authenticated)),
            ("may", Some(Encrypted)),
            ("encrypt/requiretls", Some(Encrypted)),
            ("may:none", Some(Clear)),
            ("dane:encrypt", Some(Encrypted)),
            ("none", Some(Clear)),
            ("!dane", None),
            ("encr!", None),
            ("encrypt?", None),
            ("new-level", None),
        ] {
            assert_eq!(by_feature(text), protection, "{text}");
        }
    }

    #[test]
    fn a_filter_on_the_same_machine_is_no_other_host() {
        assert!(stays_here("127.0.0.1", Some(10024)) && stays_here("::1", Some(10025)));
        assert!(!stays_here("127.0.0.1", Some(25)) && !stays_here("192.0.2.1", Some(10024)));
    }
}
