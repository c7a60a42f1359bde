//! Sendmail through syslog. Facts: `deliver.c` (`logdelivery`), `sfsasl.c`, `tls.c`,
//! `srvrsmtp.c`.
//!
//! `QID: to=<…>, delay=…, mailer=…, relay=host. [address], dsn=…, stat=…`, and before it in the
//! same process `STARTTLS=client, relay=host., version=…, verify=…, cipher=…`, at its default
//! log level. `verify=OK` is a certificate of a known authority whatever its name;
//! `verify=TRUSTED` is one that DANE vouches for.

use waxseal_model::mail::{Outcome, Protection, Stage};

use super::{
    LogFormat,
    line::Line,
    recent::Recent,
    record::{Kind, LogRecord, beginning, is_loopback},
    stamp::Clock,
};

/// Processes and messages that are remembered at the least.
const REMEMBERED: usize = 8192;
/// Longest name of a relay that is remembered, in bytes.
const LONGEST_RELAY: usize = 300;
/// After so many seconds without a delivery, a process of the same number is another one.
const LONGEST_IDLE: i64 = 3600;

/// What is known from earlier lines.
#[derive(Debug)]
pub(super) struct Sendmail {
    /// The last TLS session of each process.
    sessions: Recent<Session>,
    /// The message that arrives in a process.
    senders: Option<Recent<String>>,
    /// Errors of TLS since the last delivery of a process.
    errors: Recent<Vec<String>>,
    /// When the host's first TLS session as a client was logged.
    hosts: Recent<i64>,
}

/// A TLS session of a process.
#[derive(Debug)]
struct Session {
    /// With whom; of longer names the beginning.
    relay: String,
    protection: Protection,
    /// When it was begun or last used.
    last: Option<i64>,
}

impl Session {
    /// Whether it may still be there. The system gives a process's number anew, and an idle
    /// connection is given up long before.
    fn lives(&self, time: Option<i64>) -> bool {
        match (self.last, time) {
            (Some(last), Some(time)) => time - last <= LONGEST_IDLE,
            _ => true,
        }
    }
}

impl Sendmail {
    /// Nothing is known. `senders`: whether the sender of each message is to be remembered.
    pub(super) fn new(senders: bool) -> Self {
        Self {
            sessions: Recent::new(REMEMBERED),
            senders: senders.then(|| Recent::new(REMEMBERED)),
            errors: Recent::new(REMEMBERED),
            hosts: Recent::new(1024),
        }
    }

    /// Reads a line.
    pub(super) fn line(
        &mut self,
        line: Line<'_>,
        raw: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let record = LogRecord {
            format: LogFormat::Sendmail,
            stamp: line.stamp,
            reporter: line.host,
            line: raw,
            ..LogRecord::default()
        };
        if let Some(rest) = line.message.strip_prefix("STARTTLS=client, ") {
            return self.tls(line, rest, clock);
        }
        if line.message.starts_with("STARTTLS") {
            return;
        }
        if line.message.starts_with("ruleset=") {
            return refusal(line.message, &record, clock, sink);
        }
        let Some((id, rest)) = line.message.split_once(": ") else { return };
        if !(8..=24).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return;
        }
        let record = LogRecord { queue_id: id, ..record };
        if rest.starts_with("to=") {
            self.delivery(line, rest, &record, clock, sink);
        } else if rest.starts_with("from=") {
            self.arrival(rest, &record, clock, sink);
        } else if rest.starts_with("ruleset=") {
            refusal(rest, &record, clock, sink);
        } else if let Some((milter, rest)) =
            rest.strip_prefix("Milter: ").and_then(|r| r.split_once(", reject="))
        {
            milter_refusal(milter, rest, &record, clock, sink);
        }
    }

    fn tls(&mut self, line: Line<'_>, rest: &str, clock: &mut Clock) {
        let process = self.sessions.key((line.host, line.pid));
        let mut fields = rest.split(", ");
        let Some(relay) = fields.next().and_then(|f| f.strip_prefix("relay=")) else {
            // `STARTTLS=client, error: connect failed=-1, reason=…`
            let errors = self.errors.entry(process);
            if errors.len() < 4 {
                errors.push(waxseal_wire::text::neutralise(line.message.as_bytes(), 400));
            }
            return;
        };
        let verify = fields.find_map(|f| f.strip_prefix("verify=")).unwrap_or_default();
        let protection = if verify == "TRUSTED" { Protection::Authenticated } else { Protection::Encrypted };
        let relay = beginning(relay.trim_end_matches('.'), LONGEST_RELAY).to_owned();
        let last = clock.seconds(line.stamp);
        self.sessions.insert(process, Session { relay, protection, last });
        let host = self.hosts.key(line.host);
        if let Some(time) = last
            && self.hosts.get(host).is_none()
        {
            self.hosts.insert(host, time);
        }
    }

    fn delivery(
        &mut self,
        line: Line<'_>,
        rest: &str,
        record: &LogRecord<'_>,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let Some((recipients, fields)) = recipients(rest) else { return };
        let stat = field(fields, "stat=").map_or("", |(_, to_end)| to_end);
        let value = |name| field(fields, name).map_or("", |(value, _)| value);
        let Some(outcome) = outcome(stat, value("dsn=")) else { return };
        let (host, remote) = relay(value("relay="));
        let remote_mailer = value("mailer=").contains("smtp") || value("mailer=") == "relay";
        let stays = is_loopback(remote);
        let local = stays || (!remote_mailer && !value("mailer=").is_empty());
        let time = clock.seconds(record.stamp);
        let process = self.sessions.key((line.host, line.pid));
        let began = time.map(|time| time - seconds(value("xdelay=")).unwrap_or(0) - 1);
        let protection =
            if local || remote.is_empty() { None } else { self.protection(line, host, process, time, began) };
        let context = self.errors.remove(process).unwrap_or_default();
        let sender = self.senders.as_mut().and_then(|senders| {
            let key = senders.key(record.queue_id);
            senders.get(key).map(|sender| sender.as_str())
        });
        for recipient in recipients.split(',') {
            let recipient = recipient.trim().trim_start_matches('<').trim_end_matches('>');
            if recipient.is_empty() {
                continue;
            }
            sink(&LogRecord {
                kind: if local { Kind::Local } else { Kind::Delivery },
                outcome,
                time,
                recipient,
                sender,
                remote_host: host,
                remote_address: remote,
                protection,
                status: value("dsn="),
                text: text(stat),
                context: &context,
                ..*record
            });
        }
    }

    /// A session with the same host in the same process; where the host logged TLS before the
    /// connection was begun, silence means none.
    fn protection(
        &mut self,
        line: Line<'_>,
        relay: &str,
        process: u64,
        time: Option<i64>,
        began: Option<i64>,
    ) -> Option<Protection> {
        if let Some(session) = self.sessions.get(process)
            && session.lives(time)
            && session.relay.eq_ignore_ascii_case(beginning(relay, LONGEST_RELAY))
        {
            session.last = time;
            return Some(session.protection);
        }
        let host = self.hosts.key(line.host);
        let since = *self.hosts.get(host)?;
        (began? >= since).then_some(Protection::Clear)
    }

    fn arrival(
        &mut self,
        rest: &str,
        record: &LogRecord<'_>,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let from = rest.get(5..).unwrap_or_default();
        let sender =
            from.split(", ").next().unwrap_or_default().trim_start_matches('<').trim_end_matches('>');
        if let Some(senders) = &mut self.senders {
            let key = senders.key(record.queue_id);
            senders.insert(key, sender.to_owned());
        }
        let (host, remote) = relay(field(rest, "relay=").map_or("", |(value, _)| value));
        if remote.is_empty() || is_loopback(remote) {
            return;
        }
        sink(&LogRecord {
            kind: Kind::Arrival(1),
            outcome: Outcome::Delivered,
            time: clock.seconds(record.stamp),
            sender: Some(sender),
            remote_host: host,
            client_address: remote,
            // Of a server's session only `STARTTLS=server` tells, and not to which message it
            // belongs; `tls_verify=` is there since 8.16.
            protection: match field(rest, "tls_verify=").map(|(value, _)| value) {
                Some("NONE") => Some(Protection::Clear),
                Some("" | "NOT") | None => None,
                Some(_) => Some(Protection::Encrypted),
            },
            ..*record
        });
    }
}

/// The recipients behind `to=`, and the fields behind them.
fn recipients(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.strip_prefix("to=")?;
    let end = [", ctladdr=", ", delay=", ", xdelay=", ", mailer=", ", stat=", ", intvl="]
        .iter()
        .filter_map(|name| rest.find(name))
        .min()?;
    rest.split_at_checked(end)
}

/// The value of a field up to the next comma, and up to the end.
fn field<'a>(fields: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let at =
        fields.match_indices(name).find(|(at, _)| fields.get(..*at).is_some_and(|b| b.ends_with(", ")))?.0;
    let to_end = fields.get(at + name.len()..)?;
    Some((to_end.split(", ").next().unwrap_or(to_end), to_end))
}

/// `00:00:01`, `2+01:02:03`: days, hours, minutes and seconds.
fn seconds(delay: &str) -> Option<i64> {
    let (days, time) = delay.split_once('+').unwrap_or(("0", delay));
    let days: i64 = days.parse().ok().filter(|days| (0..100_000).contains(days))?;
    let parts: Vec<i64> = time.splitn(4, ':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [hours @ 0..=23, minutes @ 0..=59, seconds @ 0..=60] => {
            Some(days * 86_400 + hours * 3600 + minutes * 60 + seconds)
        }
        _ => None,
    }
}

/// `mx.b.example. [192.0.2.1]`, `[192.0.2.1] [192.0.2.1]`, `local`.
fn relay(text: &str) -> (&str, &str) {
    let Some((host, rest)) = text.rsplit_once('[') else { return (text.trim().trim_end_matches('.'), "") };
    let remote = rest.split(']').next().unwrap_or_default();
    let remote = remote.strip_prefix("IPv6:").unwrap_or(remote);
    (host.trim().trim_matches(['[', ']']).trim_end_matches('.'), remote)
}

/// `Sent (…)`, `Deferred: …`, or what went wrong.
fn outcome(stat: &str, dsn: &str) -> Option<Outcome> {
    if stat.is_empty() || stat.starts_with("queued") {
        return None;
    }
    Some(if stat.starts_with("Sent") {
        Outcome::Delivered
    } else if stat.starts_with("Deferred")
        || stat.starts_with("Please try again later")
        || dsn.starts_with('4')
    {
        Outcome::Deferred
    } else {
        Outcome::Failed
    })
}

fn text(stat: &str) -> &str {
    let text = stat.strip_prefix("Sent").or_else(|| stat.strip_prefix("Deferred:")).unwrap_or(stat).trim();
    match text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => inner,
        None => text,
    }
}

/// `ruleset=check_rcpt, arg1=<…>, relay=host [address], reject=550 5.7.1 …`
fn refusal(text: &str, record: &LogRecord<'_>, clock: &mut Clock, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let text = text.strip_prefix("ruleset=").unwrap_or(text);
    let ruleset = text.split(", ").next().unwrap_or_default();
    let Some((_, reply)) = field(text, "reject=") else { return };
    let argument =
        field(text, "arg1=").map_or("", |(value, _)| value).trim_start_matches('<').trim_end_matches('>');
    let (host, client) = relay(field(text, "relay=").map_or("", |(value, _)| value));
    let (stage, recipient) = match ruleset {
        "check_rcpt" => (Stage::Rcpt, argument),
        "check_mail" => (Stage::Mail, ""),
        "check_relay" => (Stage::Connect, ""),
        "check_eoh" | "check_eom" => (Stage::EndOfData, ""),
        "tls_server" | "tls_client" | "tls_rcpt" => (Stage::Tls, ""),
        "check_data" => (Stage::Data, ""),
        _ => (Stage::Ehlo, ""),
    };
    sink(&LogRecord {
        kind: Kind::Rejection,
        outcome: Outcome::Rejected,
        time: clock.seconds(record.stamp),
        recipient,
        sender: (ruleset == "check_mail").then_some(argument),
        remote_host: host,
        client_address: client,
        stage: Some(stage),
        text: reply,
        ..*record
    });
}

/// `Milter: to=<…>, reject=550 5.7.1 …`, `Milter: data, reject=…`.
fn milter_refusal(
    what: &str,
    reply: &str,
    record: &LogRecord<'_>,
    clock: &mut Clock,
    sink: &mut dyn FnMut(&LogRecord<'_>),
) {
    let (stage, recipient) = match what.strip_prefix("to=") {
        Some(to) => (Stage::Rcpt, to.trim_start_matches('<').trim_end_matches('>')),
        None if what.starts_with("from=") => (Stage::Mail, ""),
        None => (Stage::EndOfData, ""),
    };
    sink(&LogRecord {
        kind: Kind::Rejection,
        outcome: Outcome::Rejected,
        time: clock.seconds(record.stamp),
        recipient,
        stage: Some(stage),
        text: reply,
        ..*record
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_have_names_and_addresses() {
        assert_eq!(relay("mx.b.example. [192.0.2.1]"), ("mx.b.example", "192.0.2.1"));
        assert_eq!(relay("[192.0.2.1] [192.0.2.1]"), ("192.0.2.1", "192.0.2.1"));
        assert_eq!(relay("mx.b.example [IPv6:2001:db8::1]"), ("mx.b.example", "2001:db8::1"));
        assert_eq!(relay("local"), ("local", ""));
    }

    #[test]
    fn states_say_what_came_of_it() {
        assert_eq!(outcome("Sent (2.0.0 Ok: queued)", "2.0.0"), Some(Outcome::Delivered));
        assert_eq!(
            outcome("Deferred: Connection timed out with mx.b.example.", "4.0.0"),
            Some(Outcome::Deferred)
        );
        assert_eq!(outcome("User unknown", "5.1.1"), Some(Outcome::Failed));
        assert_eq!(outcome("queued", ""), None);
        assert_eq!(text("Deferred: 450 4.2.0 Greylisted"), "450 4.2.0 Greylisted");
        assert_eq!(text("Sent (ok 1 qp 2)"), "ok 1 qp 2");
    }
}
