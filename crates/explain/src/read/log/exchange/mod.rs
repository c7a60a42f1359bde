//! Exchange's logs: lines of comma-separated values whose names stand in a line `#Fields:`.
//!
//! - `csv`: a line to its values.
//! - `tracking`: message tracking, one line an event of a message.
//! - `protocol`: SMTP send and receive logs, one line a line of a session.

mod csv;
mod protocol;
mod tracking;

use super::{LogFormat, record::LogRecord, stamp::Clock};

/// Longest list of names.
const MOST_FIELDS: usize = 64;

/// What is known from earlier lines.
#[derive(Debug)]
pub(super) struct Exchange {
    kind: Option<LogFormat>,
    /// The server receives: SMTP receive log.
    receives: bool,
    names: Vec<String>,
    protocol: protocol::Protocol,
}

impl Exchange {
    /// Nothing is known.
    pub(super) fn new() -> Self {
        Self { kind: None, receives: false, names: Vec::new(), protocol: protocol::Protocol::new() }
    }

    /// Reads a line that begins with `#`, and says which log it announces.
    pub(super) fn header(&mut self, text: &str) -> Option<LogFormat> {
        if let Some(kind) = text.strip_prefix("#Log-type: ") {
            let kind = kind.trim();
            self.receives = kind.eq_ignore_ascii_case("SMTP Receive Protocol Log");
            return match kind {
                "Message Tracking Log" => Some(LogFormat::ExchangeTracking),
                _ => kind.ends_with("Protocol Log").then_some(LogFormat::ExchangeProtocol),
            };
        }
        let names = text.strip_prefix("#Fields: ")?.split(',').take(MOST_FIELDS);
        self.names = names.map(|name| name.trim().to_ascii_lowercase()).collect();
        self.kind = format(&self.names);
        self.kind
    }

    /// Reads a line of values; none if no names were seen, or it is no such line.
    pub(super) fn line(
        &mut self,
        text: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) -> Option<LogFormat> {
        let kind = self.kind?;
        if !is_values(text) {
            return None;
        }
        let values = csv::values(text);
        let row = Row { names: &self.names, values: &values, raw: text };
        match kind {
            LogFormat::ExchangeTracking => tracking::line(&row, clock, sink),
            _ => self.protocol.line(&row, self.receives, clock, sink),
        }
        Some(kind)
    }
}

/// Which log has these names.
fn format(names: &[String]) -> Option<LogFormat> {
    let has = |name: &str| names.iter().any(|known| known == name);
    if has("event-id") && has("recipient-address") {
        Some(LogFormat::ExchangeTracking)
    } else if has("session-id") && has("sequence-number") && has("data") {
        Some(LogFormat::ExchangeProtocol)
    } else {
        None
    }
}

/// True for `2025-11-21T23:34:45.123Z,…`
fn is_values(text: &str) -> bool {
    let bytes = text.as_bytes();
    let comma = text.find(',').unwrap_or(0);
    (19..=29).contains(&comma)
        && bytes.get(10) == Some(&b'T')
        && bytes.first().is_some_and(u8::is_ascii_digit)
}

/// A line of values with their names.
struct Row<'a> {
    names: &'a [String],
    values: &'a [std::borrow::Cow<'a, str>],
    raw: &'a str,
}

impl Row<'_> {
    /// The value of that name; empty if there is none.
    fn get(&self, name: &str) -> &str {
        let at = self.names.iter().position(|known| known == name);
        at.and_then(|at| self.values.get(at)).map_or("", |value| value)
    }
}
