//! Lines of mail logs, one at a time, in bounded memory. One file a format.
//!
//! - `stamp`, `line`: times, and what stands before a message in syslog and the journal.
//! - `record`: what a line tells, still in the line's own bytes.
//! - `remarks`: what lines say beside deliveries and refusals.
//! - `recent`: a map that forgets; what is known from earlier lines stands in such maps.
//! - `postfix`, `exim`, `sendmail`, `opensmtpd`, `qmail`, `exchange`: the programs.
//!
//! [`LogReader`] takes lines of any of them in any order: whose line it is can be seen from the
//! line, but for Exchange, whose files begin with the names of their fields.

mod exchange;
mod exim;
mod line;
mod opensmtpd;
mod postfix;
mod qmail;
mod recent;
mod record;
pub(super) mod remarks;
mod sendmail;
mod stamp;

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};
use waxseal_model::mail::Outcome;

use super::{Given, Reading};

pub(crate) use recent::{ByHash, Keyed, Recent};
pub use record::{Kind, LogRecord};
use stamp::{Clock, Stamp};
pub(crate) use stamp::{days, offset, year_of};

/// Whose log it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogFormat {
    /// Postfix, through syslog or its own log file.
    #[default]
    Postfix,
    /// Exim's main log.
    Exim,
    /// Sendmail, through syslog.
    Sendmail,
    /// OpenSMTPD, through syslog.
    OpenSmtpd,
    /// qmail-send, through multilog or syslog.
    Qmail,
    /// Exchange message tracking (CSV).
    ExchangeTracking,
    /// Exchange SMTP protocol log (CSV).
    ExchangeProtocol,
}

impl LogFormat {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Postfix,
        Self::Exim,
        Self::Sendmail,
        Self::OpenSmtpd,
        Self::Qmail,
        Self::ExchangeTracking,
        Self::ExchangeProtocol,
    ];

    /// The name that events carry in their source.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postfix => "postfix_log",
            Self::Exim => "exim_log",
            Self::Sendmail => "sendmail_log",
            Self::OpenSmtpd => "opensmtpd_log",
            Self::Qmail => "qmail_log",
            Self::ExchangeTracking => "exchange_tracking_log",
            Self::ExchangeProtocol => "exchange_protocol_log",
        }
    }

    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Postfix => "Postfix",
            Self::Exim => "Exim",
            Self::Sendmail => "Sendmail",
            Self::OpenSmtpd => "OpenSMTPD",
            Self::Qmail => "qmail",
            Self::ExchangeTracking => "Exchange message tracking",
            Self::ExchangeProtocol => "Exchange protocol log",
        }
    }
}

/// Reads lines, one by one, and remembers of them what later lines need.
#[derive(Debug)]
pub struct LogReader {
    senders: bool,
    clock: Clock,
    postfix: postfix::Postfix,
    exim: exim::Exim,
    sendmail: sendmail::Sendmail,
    opensmtpd: opensmtpd::OpenSmtpd,
    qmail: qmail::Qmail,
    exchange: exchange::Exchange,
}

impl LogReader {
    /// A reader for logs that end before `now`. With `senders`, events of Postfix, Exim and
    /// Sendmail carry the sender that an earlier line named.
    pub fn new(now: i64, utc_offset: i32, senders: bool) -> Self {
        Self {
            senders,
            clock: Clock::new(now, utc_offset),
            postfix: postfix::Postfix::new(senders),
            exim: exim::Exim::new(senders),
            sendmail: sendmail::Sendmail::new(senders),
            opensmtpd: opensmtpd::OpenSmtpd::new(),
            qmail: qmail::Qmail::new(),
            exchange: exchange::Exchange::new(),
        }
    }

    /// Another file begins, which was written until `now`: what is known of sessions stays,
    /// for logs are rotated in the midst of them.
    pub fn next_file(&mut self, now: i64, utc_offset: i32) {
        self.clock = Clock::new(now, utc_offset);
        self.exchange = exchange::Exchange::new();
    }

    /// What has to be known about the lines that were read, one sentence each.
    pub fn notes(&self) -> Vec<String> {
        let silent = self.exim.leaves_out_tls().then(|| {
            "Exim's log leaves out whether mail was encrypted (P=esmtps without X=): from that line on it is \
             unknown of deliveries without X=, and those before it count as in clear. It is logged with: \
             log_selector = +tls_cipher +tls_certificate_verified"
                .to_owned()
        });
        silent.into_iter().collect()
    }

    /// Reads a line without its line feed, tells `sink` of its events and says whose line it
    /// was; none for a line of nobody who is known.
    pub fn line(&mut self, line: &[u8], sink: &mut dyn FnMut(&LogRecord<'_>)) -> Option<LogFormat> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let layout = line::Layout::of(line);
        if let Some(layout) = layout
            && !self.senders
            && postfix::says_nothing(layout.tag(line), layout.message(line))
        {
            return Some(LogFormat::Postfix);
        }
        let text = match std::str::from_utf8(line) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(line),
        };
        match layout.and_then(|layout| layout.split(&text)) {
            Some(parts) => self.syslog(parts, &text, sink),
            None => self.text(&text, sink),
        }
    }

    fn text(&mut self, text: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) -> Option<LogFormat> {
        match text.as_bytes() {
            [] => return None,
            [b'#', ..] | [0xef, 0xbb, 0xbf, b'#', ..] => {
                return self.exchange.header(text.trim_start_matches('\u{feff}'));
            }
            [b'@', b'4', ..] => return self.multilog(text, sink),
            [b'0'..=b'9', ..] => {
                if let Some(format) = self.exchange.line(text, &mut self.clock, sink) {
                    return Some(format);
                }
                // Syslog puts a T between date and time, Exim a space.
                let spaced = text.as_bytes().get(10) == Some(&b' ');
                if spaced && self.exim.own_file(text, &mut self.clock, sink) {
                    return Some(LogFormat::Exim);
                }
            }
            _ => {}
        }
        match line::split(text) {
            Some(line) => self.syslog(line, text, sink),
            None => self.bare(text, sink),
        }
    }

    /// By the program that sent the line to syslog.
    fn syslog(
        &mut self,
        line: line::Line<'_>,
        raw: &str,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) -> Option<LogFormat> {
        let clock = &mut self.clock;
        match line.tag {
            tag if memchr(b'/', tag.as_bytes()).is_some() => {
                self.postfix.line(line, raw, clock, sink).then_some(LogFormat::Postfix)
            }
            "exim" | "exim4" => {
                self.exim.syslog(line, raw, clock, sink);
                Some(LogFormat::Exim)
            }
            "sendmail" | "sm-mta" | "sm-msp-queue" | "sm-msp" | "sendmail-client" | "sm-client" => {
                self.sendmail.line(line, raw, clock, sink);
                Some(LogFormat::Sendmail)
            }
            "smtpd" | "opensmtpd" => {
                self.opensmtpd.line(line, raw, clock, sink).then_some(LogFormat::OpenSmtpd)
            }
            "qmail" | "qmail-send" => {
                // splogger puts the time of its own before the message.
                let message = match line::stamp(line.message) {
                    (Stamp::Unix(_), rest) => rest,
                    _ => line.message,
                };
                let read = self.qmail.line(line.stamp, line.host, message, raw, clock, sink);
                read.then_some(LogFormat::Qmail)
            }
            // qmail's own lines have a colon where syslog puts one behind the tag.
            _ if line.host.is_empty() || line.tag.parse::<u64>().is_ok() => self.bare(raw, sink),
            _ => None,
        }
    }

    /// `@40000000…` of multilog.
    fn multilog(&mut self, text: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) -> Option<LogFormat> {
        let (stamp, message) = text.get(1..)?.split_once(' ')?;
        let clock = &mut self.clock;
        if self.qmail.line(Stamp::Tai64n(stamp), "", message, text, clock, sink) {
            return Some(LogFormat::Qmail);
        }
        let line = line::split(message)?;
        self.syslog(line::Line { stamp: Stamp::Tai64n(stamp), ..line }, text, sink)
    }

    /// A message without anything before it, or with a time alone: qmail, or OpenSMTPD in the
    /// foreground.
    fn bare(&mut self, text: &str, sink: &mut dyn FnMut(&LogRecord<'_>)) -> Option<LogFormat> {
        let (stamp, message) = line::stamp(text);
        if self.qmail.line(stamp, "", message, text, &mut self.clock, sink) {
            return Some(LogFormat::Qmail);
        }
        let line = line::Line { stamp, message, ..line::Line::default() };
        let read = message.as_bytes().get(16) == Some(&b' ')
            && self.opensmtpd.line(line, text, &mut self.clock, sink);
        read.then_some(LogFormat::OpenSmtpd)
    }
}

/// Longest line of a log that is read, in bytes; of longer ones the beginning.
pub const LONGEST_LINE: usize = 65_536;

/// The lines of a text, without their line feeds.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len())).filter_map(move |end| {
        let line = bytes.get(from..end)?;
        from = end + 1;
        Some(line.get(..line.len().min(LONGEST_LINE)).unwrap_or(line))
    })
}

/// All events of a log: deliveries, refusals, and messages that came in.
pub(super) fn read(format: LogFormat, bytes: &[u8], given: &Given) -> Reading {
    let mut reader = LogReader::new(given.now, given.utc_offset, true);
    let mut reading = Reading::default();
    let mut cut = 0u64;
    for (number, line) in (1..).zip(lines(bytes)) {
        cut += u64::from(line.len() == LONGEST_LINE);
        let mut sink = |record: &LogRecord<'_>| {
            if matches!(record.kind, Kind::Delivery | Kind::Local | Kind::Rejection)
                && record.outcome != Outcome::Unknown
            {
                let mut event = record.to_event();
                event.source.line = Some(number);
                reading.events.push(event);
            }
        };
        reader.line(line, &mut sink);
    }
    reading.notes.extend(reader.notes());
    if cut > 0 {
        reading
            .notes
            .push(format!("{cut} lines are longer than {LONGEST_LINE} bytes; their ends were not read"));
    }
    if reading.events.is_empty() {
        let program = format.program();
        reading.notes.push(format!(
            "these are log lines of {program}, and none of them tells of a delivery or refusal"
        ));
    }
    reading
}

/// The time of the first line that has one.
pub(crate) fn first_time(head: &[u8], now: i64, utc_offset: i32) -> Option<i64> {
    let mut clock = Clock::new(now, utc_offset);
    lines(head).find_map(|line| {
        let text = String::from_utf8_lossy(line);
        match text.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((stamp, _)) => clock.seconds(Stamp::Tai64n(stamp)),
            None => match text.split_once(',') {
                // Exchange's values begin with the time.
                Some((stamp, _)) if stamp.len() < 30 && stamp.contains('T') => {
                    clock.seconds(Stamp::Iso(stamp))
                }
                _ => clock.seconds(line::time(&text)),
            },
        }
    })
}

/// The time that `2026-01-31 14:30:00` is, with or without a zone.
pub(crate) fn seconds(text: &str, utc_offset: i32) -> Option<i64> {
    Clock::new(0, utc_offset).seconds(Stamp::Iso(text))
}

/// Whose log begins so.
pub(super) fn recognise(head: &[u8]) -> Option<LogFormat> {
    let mut reader = LogReader::new(0, 0, false);
    let mut found: [u32; LogFormat::ALL.len()] = [0; LogFormat::ALL.len()];
    let mut other = 0u32;
    for line in lines(head).filter(|line| !line.trim_ascii().is_empty()) {
        match reader.line(line, &mut |_| {}) {
            Some(format) => {
                if let Some(count) = LogFormat::ALL.iter().zip(&mut found).find(|(f, _)| **f == format) {
                    *count.1 += 1;
                }
            }
            None => other += 1,
        }
    }
    let (format, count) = LogFormat::ALL.iter().zip(found).max_by_key(|(_, count)| *count)?;
    // Logs of a whole machine have lines of other programs between them; mails that quote a
    // line of a log have far more of their own.
    (count > 0 && (u32::min(other, 1_000) <= count * 8 || is_syslog(head)) && !is_mail(head))
        .then_some(*format)
}

/// True if the first line has a time of syslog in front.
fn is_syslog(head: &[u8]) -> bool {
    let first = lines(head).next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    line::time(first) != Stamp::None
}

/// True if the first line is a field of a mail's header.
fn is_mail(head: &[u8]) -> bool {
    const FIELDS: [&str; 9] = [
        "From ",
        "Return-Path:",
        "Received:",
        "Delivered-To:",
        "X-",
        "From:",
        "Date:",
        "Message-ID:",
        "MIME-Version:",
    ];
    let first = lines(head).find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    FIELDS.iter().any(|field| {
        first.get(..field.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(field.as_bytes()))
    })
}

#[cfg(test)]
mod tests;
