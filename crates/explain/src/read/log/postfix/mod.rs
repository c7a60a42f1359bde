//! Postfix, by the daemon that wrote the line. Facts: the programs' own sources, `log_adhoc.c`,
//! `smtp_proto.c`, `tls_client.c`, `smtpd_check.c`, `postscreen.c`, `cleanup_milter.c`.
//!
//! - `delivery`: `to=<…>, relay=…, dsn=…, status=…`, and the lines about TLS that stand
//!   before it in the same process.
//! - `reject`: what `smtpd`, `postscreen` and `cleanup` refused, and how sessions ended.

mod delivery;
mod reject;

use super::{
    LogFormat,
    line::Line,
    recent::Recent,
    record::{Kind, LogRecord, split_at_byte},
    stamp::Clock,
};
use waxseal_model::mail::{Outcome, Protection};

/// Processes that are remembered at the least.
const PROCESSES: usize = 8192;
/// Hosts and instances that are remembered at the least.
const INSTANCES: usize = 1024;
/// Messages whose sender is remembered at the least.
const MESSAGES: usize = 16_384;
/// Lines about TLS that are kept for a delivery.
const CONTEXT: usize = 4;
/// Longest name of a relay that is remembered, in bytes.
const LONGEST_RELAY: usize = 300;

/// What is known from earlier lines.
#[derive(Debug)]
pub(super) struct Postfix {
    processes: Recent<Process>,
    instances: Recent<Instance>,
    senders: Option<Recent<String>>,
}

/// What one process said last.
#[derive(Debug, Default)]
struct Process {
    /// The host with which TLS came about, `mx.b.example[192.0.2.1]:25`; of longer ones the
    /// beginning.
    relay: String,
    protection: Option<Protection>,
    /// The message that it was used for: without reuse, a TLS session serves one.
    queue_id: Option<u64>,
    /// Errors of TLS since the last delivery.
    context: Vec<String>,
}

/// What one Postfix is known to log.
#[derive(Debug, Default)]
struct Instance {
    /// When its SMTP client first logged TLS: from then on, silence means none.
    logs_tls_since: Option<i64>,
}

/// Everything about one line that the daemons' readers need.
struct Context<'s, 'a> {
    state: &'s mut Postfix,
    clock: &'s mut Clock,
    line: Line<'a>,
    raw: &'a str,
    /// `postfix-out` of `postfix-out/submission/smtpd`.
    instance: &'a str,
    /// What stands between: `submission`.
    service: &'a str,
    daemon: &'a str,
}

impl Postfix {
    /// Nothing is known. `senders`: whether the sender of each message is to be remembered.
    pub(super) fn new(senders: bool) -> Self {
        Self {
            processes: Recent::new(PROCESSES),
            instances: Recent::new(INSTANCES),
            senders: senders.then(|| Recent::new(MESSAGES)),
        }
    }

    /// Reads a line. False if it is none of Postfix.
    pub(super) fn line(
        &mut self,
        line: Line<'_>,
        raw: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) -> bool {
        let Some(slash) = memchr::memrchr(b'/', line.tag.as_bytes()) else { return false };
        let (before, daemon) = line.tag.split_at_checked(slash).unwrap_or((line.tag, ""));
        let daemon = daemon.get(1..).unwrap_or_default();
        let (instance, service) = split_at_byte(before, b'/').unwrap_or((before, ""));
        let mut context = Context { state: self, clock, line, raw, instance, service, daemon };
        match daemon {
            "smtpd" | "postscreen" | "cleanup" => reject::line(&mut context, sink),
            "qmgr" | "oqmgr" | "nqmgr" | "postsuper" => queue_manager(&mut context, sink),
            "smtp" | "lmtp" | "local" | "virtual" | "pipe" | "error" | "retry" | "discard" => {
                delivery::line(&mut context, sink);
            }
            _ => return is_daemon(daemon),
        }
        true
    }
}

/// True for the lines of Postfix that tell of nothing that is counted, which are about half of
/// them: cheap enough to be asked of each.
pub(super) fn says_nothing(tag: &[u8], message: &[u8]) -> bool {
    let behind_id = || {
        let colon = message.iter().take(25).position(|b| *b == b':')?;
        message.get(colon + 1..)?.strip_prefix(b" ")
    };
    match tag {
        [.., b'/', b's', b'm', b't', b'p', b'd'] => {
            message.starts_with(b"connect from ")
                || behind_id().is_some_and(|rest| rest.starts_with(b"client="))
        }
        [.., b'/', b'c', b'l', b'e', b'a', b'n', b'u', b'p'] => {
            behind_id().is_some_and(|rest| rest.starts_with(b"message-id="))
        }
        [.., b'/', b'q', b'm', b'g', b'r'] => message.ends_with(b"(queue active)"),
        _ => false,
    }
}

/// The daemons that say nothing of what is asked here.
fn is_daemon(name: &str) -> bool {
    matches!(
        name,
        "anvil"
            | "bounce"
            | "defer"
            | "dnsblog"
            | "flush"
            | "local_login_sender"
            | "master"
            | "pickup"
            | "policyd-spf"
            | "postalias"
            | "postdrop"
            | "postfix-script"
            | "postlogd"
            | "postmap"
            | "postqueue"
            | "proxymap"
            | "proxywrite"
            | "qmqpd"
            | "rewrite"
            | "scache"
            | "sendmail"
            | "showq"
            | "smtp-sink"
            | "tlsmgr"
            | "tlsproxy"
            | "trace"
            | "trivial-rewrite"
            | "verify"
    )
}

impl<'a> Context<'_, 'a> {
    /// A record of this line with what every one has.
    fn record(&mut self, kind: Kind, outcome: Outcome) -> LogRecord<'a> {
        LogRecord {
            format: LogFormat::Postfix,
            kind,
            outcome,
            stamp: self.line.stamp,
            time: self.clock.seconds(self.line.stamp),
            reporter: self.line.host,
            instance: if self.instance == "postfix" { "" } else { self.instance },
            line: self.raw,
            ..LogRecord::default()
        }
    }

    /// With its daemon: the system gives a number anew once its process has ended.
    fn process(&self) -> u64 {
        self.state.processes.key((self.line.host, self.instance, self.daemon, self.line.pid))
    }

    fn this_instance(&self) -> u64 {
        self.state.instances.key((self.line.host, self.instance))
    }
}

/// `ABCDEF0123: rest`, old and new identifications, `NOQUEUE` too.
fn queue_id(message: &str) -> Option<(&str, &str)> {
    // Identifications are short: what has no colon soon is none.
    let at = memchr::memchr(b':', message.as_bytes().get(..message.len().min(25))?)?;
    let (id, rest) = (message.get(..at)?, message.get(at + 1..)?.strip_prefix(' ')?);
    let plain = (5..=24).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then_some((id, rest))
}

/// An address in angle brackets at the beginning: its text, and what stands behind the
/// bracket. A quoted local part may hold brackets of its own.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let mut from = 0;
    if inner.starts_with('"') {
        let mut bytes = inner.bytes().enumerate().skip(1);
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' => {
                    bytes.next();
                }
                b'"' => {
                    from = at;
                    break;
                }
                _ => {}
            }
        }
    }
    let end = from + memchr::memchr(b'>', inner.as_bytes().get(from..)?)?;
    Some((inner.get(..end)?, inner.get(end + 1..)?))
}

/// `removed`, `from=<…>, status=expired, returned to sender`, and senders on request.
fn queue_manager(context: &mut Context<'_, '_>, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let Some((id, rest)) = queue_id(context.line.message) else { return };
    if rest == "removed" {
        let record = context.record(Kind::Removed, Outcome::Unknown);
        return sink(&LogRecord { queue_id: id, ..record });
    }
    if context.state.senders.is_none() && rest.ends_with("(queue active)") {
        return;
    }
    let Some((sender, rest)) = rest.strip_prefix("from=").and_then(bracketed) else { return };
    if let Some(text) = rest.strip_prefix(", ").filter(|rest| is_expiry(rest)) {
        let record = context.record(Kind::Expired, Outcome::Failed);
        return sink(&LogRecord { queue_id: id, sender: Some(sender), text, ..record });
    }
    if let Some(senders) = &mut context.state.senders {
        let key = senders.key((context.line.host, context.instance, id));
        senders.insert(key, sender.to_owned());
    }
}

fn is_expiry(text: &str) -> bool {
    text.starts_with("status=expired") || text.starts_with("status=force-expired")
}
