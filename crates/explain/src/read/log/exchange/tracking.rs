//! Message tracking logs.
//!
//! `event-id` says what happened; `recipient-address` and `recipient-status` hold a value for
//! each recipient, with `;` between them. Newer servers write a status as
//! `[{LRT=…};{LED=451 4.4.397 … -> 421 …};{FQDN=…};{IP=…}]`, where LED is the last error and
//! what stands behind `->` the reply that led to it. Of TLS they say nothing.

use waxseal_model::mail::Outcome;

use super::{
    super::{
        LogFormat,
        record::{Kind, LogRecord},
        stamp::{Clock, Stamp},
    },
    Row,
};

/// The most recipients of a line that become events.
const MOST_RECIPIENTS: usize = 1000;

/// Reads a line.
pub(super) fn line(row: &Row<'_>, clock: &mut Clock, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let source = row.get("source");
    let (kind, outcome) = match row.get("event-id") {
        "FAIL" | "BADMAIL" | "POISONMESSAGE" => (Kind::Delivery, Outcome::Failed),
        "DEFER" => (Kind::Delivery, Outcome::Deferred),
        "SEND" | "SENDEXTERNAL" => (Kind::Delivery, Outcome::Delivered),
        "DELIVER" => (Kind::Local, Outcome::Delivered),
        "RECEIVE" if source == "SMTP" && row.get("directionality") != "Originating" => {
            return arrival(row, clock, sink);
        }
        _ => return,
    };
    let sends = outcome == Outcome::Delivered && kind == Kind::Delivery;
    let time = clock.seconds(Stamp::Iso(row.get("date-time")));
    let statuses = split(row.get("recipient-status"));
    for (at, recipient) in row.get("recipient-address").split(';').take(MOST_RECIPIENTS).enumerate() {
        // One status may stand for all.
        let status = Status::parse(statuses.get(at).or(statuses.first()).copied().unwrap_or_default());
        let text = if status.text.is_empty() { row.get("source-context") } else { status.text };
        sink(&LogRecord {
            format: LogFormat::ExchangeTracking,
            kind,
            outcome,
            time,
            recipient: recipient.trim(),
            sender: Some(row.get("sender-address"))
                .filter(|s| !s.is_empty())
                .map(|s| if s == "<>" { "" } else { s }),
            remote_host: if sends { row.get("server-hostname") } else { status.host },
            remote_address: if sends { row.get("server-ip") } else { status.address },
            client_address: if sends { row.get("client-ip") } else { "" },
            reporter: if sends { row.get("client-hostname") } else { row.get("server-hostname") },
            queue_id: row.get("internal-message-id"),
            text,
            line: row.raw,
            ..LogRecord::default()
        });
    }
}

fn arrival(row: &Row<'_>, clock: &mut Clock, sink: &mut dyn FnMut(&LogRecord<'_>)) {
    let original = row.get("original-client-ip");
    let client = if original.is_empty() { row.get("client-ip") } else { original };
    sink(&LogRecord {
        format: LogFormat::ExchangeTracking,
        kind: Kind::Arrival(1),
        outcome: Outcome::Delivered,
        time: clock.seconds(Stamp::Iso(row.get("date-time"))),
        sender: Some(row.get("sender-address")),
        client_address: client,
        reporter: row.get("server-hostname"),
        queue_id: row.get("internal-message-id"),
        line: row.raw,
        ..LogRecord::default()
    });
}

/// The status of one recipient.
#[derive(Debug, Default, PartialEq, Eq)]
struct Status<'a> {
    text: &'a str,
    host: &'a str,
    address: &'a str,
}

impl<'a> Status<'a> {
    fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let part = |name: &str| {
            let at = text.find(name)?;
            let rest = text.get(at + name.len()..)?;
            // Errors hold braces of their own.
            let end = rest
                .find("};{")
                .or_else(|| rest.rfind("}]"))
                .or_else(|| rest.rfind('}'))
                .unwrap_or(rest.len());
            rest.get(..end)
        };
        match part("{LED=") {
            Some(error) => Self {
                text: error,
                host: part("{FQDN=").unwrap_or_default(),
                address: part("{IP=").unwrap_or_default(),
            },
            None => Self { text, ..Self::default() },
        }
    }
}

/// The parts between `;` that stand in no bracket or brace.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b';' if depth == 0 && !text.get(at + 1..).is_some_and(|rest| rest.starts_with('{')) => {
                parts.push(text.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
        if parts.len() >= MOST_RECIPIENTS {
            return parts;
        }
    }
    parts.push(text.get(from..).unwrap_or_default());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const LED: &str = "[{LRT=11/21/2025 11:34:45 PM};{LED=451 4.4.397 Error communicating with target host. -> 421 \
                       4.2.1 Unable to connect};{FQDN=mx.b.example};{IP=192.0.2.1}]";

    #[test]
    fn an_error_is_read_with_its_host() {
        let status = Status::parse(LED);
        assert_eq!(
            status.text,
            "451 4.4.397 Error communicating with target host. -> 421 4.2.1 Unable to connect"
        );
        assert_eq!((status.host, status.address), ("mx.b.example", "192.0.2.1"));
        assert_eq!(Status::parse("250 2.1.5 Recipient OK").text, "250 2.1.5 Recipient OK");
        assert_eq!(Status::parse("[{LED=550 5.1.1 x {y}}]").text, "550 5.1.1 x {y}");
    }

    #[test]
    fn statuses_are_parted_outside_of_braces() {
        let two = format!("{LED};550 5.1.1 no");
        assert_eq!(split(&two), [LED, "550 5.1.1 no"]);
        assert_eq!(split("a;b"), ["a", "b"]);
        assert_eq!(split(""), [""]);
    }
}
