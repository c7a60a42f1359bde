//! SMTP send and receive logs: one line a line of a session.
//!
//! `event` is `+` for the connection, `-` for its end, `>` for what the server sent, `<` for
//! what it received and `*` for its own remarks. Sessions are told apart by `session-id`.

use std::collections::VecDeque;

use waxseal_model::mail::{Outcome, Protection, Stage};
use waxseal_wire::text::neutralise;

use super::{
    super::{
        LogFormat,
        recent::Recent,
        record::{Kind, LogRecord, beginning, host_address_port},
        stamp::{Clock, Stamp},
    },
    Row,
};

/// Sessions that are remembered at the least.
const SESSIONS: usize = 4096;
/// Commands that may wait for their replies, recipients of a message, earlier lines that are
/// kept: of each so many.
const MOST_COMMANDS: usize = MOST_RECIPIENTS + 16;
const MOST_RECIPIENTS: usize = 1000;
const MOST_LINES: usize = 6;
/// Longest text that is kept, in bytes.
const LONGEST: usize = 1024;

/// What is known of the sessions.
#[derive(Debug)]
pub(super) struct Protocol {
    sessions: Recent<Session>,
}

/// One session.
#[derive(Debug, Default)]
struct Session {
    encrypted: bool,
    /// The connection was seen, so that silence about TLS means none.
    whole: bool,
    /// Commands without a reply yet; the greeting waits for none.
    commands: VecDeque<(Stage, String)>,
    sender: Option<String>,
    recipients: Vec<String>,
    /// Lines of a reply so far.
    reply: String,
    lines: Vec<String>,
}

impl Protocol {
    /// Nothing is known.
    pub(super) fn new() -> Self {
        Self { sessions: Recent::new(SESSIONS) }
    }

    /// Reads a line.
    pub(super) fn line(
        &mut self,
        row: &Row<'_>,
        receives: bool,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let key = self.sessions.key(row.get("session-id"));
        let (event, data) = (row.get("event"), row.get("data"));
        if event == "-" {
            self.sessions.remove(key);
            return;
        }
        let session = self.sessions.entry(key);
        let (local, remote) = (row.get("local-endpoint"), row.get("remote-endpoint"));
        let told =
            Told { row, receives, local, remote, time: clock.seconds(Stamp::Iso(row.get("date-time"))) };
        match event {
            "+" => *session = Session { whole: true, ..Session::default() },
            "*" => session.remark(data, row.get("context"), &told, sink),
            "<" | ">" => {
                let command = (event == "<") == receives;
                if command {
                    session.command(data);
                } else {
                    session.reply(data, &told, sink);
                }
                session.keep(event, data);
            }
            _ => {}
        }
    }
}

/// What the line itself says.
struct Told<'a> {
    row: &'a Row<'a>,
    receives: bool,
    local: &'a str,
    remote: &'a str,
    time: Option<i64>,
}

impl Told<'_> {
    fn record(&self) -> LogRecord<'_> {
        let (host, address, port) = endpoint(self.remote);
        let (_, own, _) = endpoint(self.local);
        LogRecord {
            format: LogFormat::ExchangeProtocol,
            kind: if self.receives { Kind::Rejection } else { Kind::Delivery },
            time: self.time,
            remote_host: if self.receives { "" } else { host },
            remote_address: if self.receives { "" } else { address },
            remote_port: if self.receives { None } else { port },
            client_address: if self.receives { address } else { own },
            line: self.row.raw,
            ..LogRecord::default()
        }
    }
}

/// `192.0.2.1:25`, `[2001:db8::1]:25`, `host:25`.
fn endpoint(text: &str) -> (&str, &str, Option<u16>) {
    if text.starts_with('[') {
        return host_address_port(text);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let port = port.parse().ok();
    if super::super::record::address(host).is_some() { ("", host, port) } else { (host, "", port) }
}

impl Session {
    fn protection(&self) -> Option<Protection> {
        if self.encrypted { Some(Protection::Encrypted) } else { self.whole.then_some(Protection::Clear) }
    }

    fn keep(&mut self, event: &str, data: &str) {
        if self.lines.len() >= MOST_LINES {
            self.lines.remove(0);
        }
        self.lines.push(neutralise(format!("{event} {data}").as_bytes(), 300));
    }

    fn command(&mut self, data: &str) {
        if self.commands.len() < MOST_COMMANDS
            && let Some(stage) = stage(data)
        {
            self.commands.push_back((stage, beginning(data, LONGEST).to_owned()));
        }
    }

    /// Remarks tell of TLS and of connections that failed.
    fn remark(&mut self, data: &str, context: &str, told: &Told<'_>, sink: &mut dyn FnMut(&LogRecord<'_>)) {
        for text in [data, context] {
            if text.starts_with("TLS protocol ") && text.contains("negotiation succeeded") {
                self.encrypted = true;
                return;
            }
            let stage = if text.contains("TLS negotiation failed") {
                self.encrypted = false;
                Stage::Tls
            } else if text.starts_with("Failed to connect") {
                Stage::Connect
            } else {
                continue;
            };
            let outcome = if told.receives { Outcome::Rejected } else { Outcome::Deferred };
            sink(&LogRecord { outcome, stage: Some(stage), text, context: &self.lines, ..told.record() });
            return;
        }
    }

    /// A line of a reply; with the last one it is whole.
    fn reply(&mut self, data: &str, told: &Told<'_>, sink: &mut dyn FnMut(&LogRecord<'_>)) {
        let continues = data.as_bytes().get(3) == Some(&b'-');
        if !self.reply.is_empty() {
            self.reply.push(' ');
        }
        if self.reply.len() + data.len() <= LONGEST {
            self.reply.push_str(data);
        }
        if continues {
            return;
        }
        let reply = std::mem::take(&mut self.reply);
        let (stage, command) = self.commands.pop_front().unwrap_or((Stage::Greeting, String::new()));
        let Some(code) = reply.get(..3).and_then(|code| code.parse::<u16>().ok()) else { return };
        match (stage, code / 100) {
            (Stage::Mail, 2) => {
                self.sender = Some(path(&command).to_owned());
                self.recipients.clear();
            }
            (Stage::Rcpt, 2) if self.recipients.len() < MOST_RECIPIENTS => {
                self.recipients.push(path(&command).to_owned());
            }
            (Stage::Data, 3) => self.commands.push_front((Stage::EndOfData, String::new())),
            (Stage::EndOfData, 2) => self.delivered(&reply, told, sink),
            // From here on nothing is said but over TLS; a remark tells if that fails.
            (Stage::Starttls, 2) => {
                self.encrypted = true;
                self.commands.clear();
            }
            (_, 4 | 5) => self.refused(stage, &command, &reply, code, told, sink),
            _ => {}
        }
    }

    fn delivered(&mut self, reply: &str, told: &Told<'_>, sink: &mut dyn FnMut(&LogRecord<'_>)) {
        let record = LogRecord {
            outcome: Outcome::Delivered,
            sender: self.sender.as_deref(),
            protection: self.protection(),
            stage: Some(Stage::EndOfData),
            text: reply,
            ..told.record()
        };
        if told.receives {
            sink(&LogRecord { kind: Kind::Arrival(1), ..record });
        } else {
            for recipient in &self.recipients {
                sink(&LogRecord { recipient, ..record });
            }
        }
        self.recipients.clear();
    }

    fn refused(
        &mut self,
        stage: Stage,
        command: &str,
        reply: &str,
        code: u16,
        told: &Told<'_>,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let outcome = match code / 100 {
            _ if told.receives => Outcome::Rejected,
            4 => Outcome::Deferred,
            _ => Outcome::Failed,
        };
        let record = LogRecord {
            outcome,
            sender: if stage == Stage::Mail { Some(path(command)) } else { self.sender.as_deref() },
            protection: self.protection(),
            stage: Some(stage),
            text: reply,
            context: &self.lines,
            ..told.record()
        };
        match stage {
            Stage::Rcpt => sink(&LogRecord { recipient: path(command), ..record }),
            Stage::Data | Stage::EndOfData if !self.recipients.is_empty() && !told.receives => {
                for recipient in &self.recipients {
                    sink(&LogRecord { recipient, ..record });
                }
                self.recipients.clear();
            }
            // A command that only asks: the session goes on without it.
            Stage::Ehlo | Stage::Quit => {}
            _ => sink(&record),
        }
    }
}

fn stage(command: &str) -> Option<Stage> {
    let mut words = command.split([' ', ':']);
    Some(match words.next()?.to_ascii_uppercase().as_str() {
        "EHLO" | "HELO" => Stage::Ehlo,
        "STARTTLS" | "X-ANONYMOUSTLS" => Stage::Starttls,
        "AUTH" | "X-EXPS" => Stage::Auth,
        "MAIL" => Stage::Mail,
        "RCPT" => Stage::Rcpt,
        "DATA" => Stage::Data,
        "BDAT" if command.to_ascii_uppercase().ends_with("LAST") => Stage::EndOfData,
        "QUIT" | "RSET" | "NOOP" | "XPROXYTO" | "XPROXYFROM" | "XPROXY" | "BDAT" => Stage::Quit,
        _ => return None,
    })
}

/// The address in angle brackets.
fn path(command: &str) -> &str {
    command.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_addresses_with_ports() {
        assert_eq!(endpoint("192.0.2.1:25"), ("", "192.0.2.1", Some(25)));
        assert_eq!(endpoint("[2001:db8::1]:25"), ("", "2001:db8::1", Some(25)));
        assert_eq!(endpoint("mx.b.example:25"), ("mx.b.example", "", Some(25)));
        assert_eq!(endpoint(""), ("", "", None));
    }

    #[test]
    fn commands_have_stages_and_paths() {
        assert_eq!(stage("RCPT TO:<a@b.example> NOTIFY=NEVER"), Some(Stage::Rcpt));
        assert_eq!(stage("BDAT 1234 LAST"), Some(Stage::EndOfData));
        assert_eq!(stage("BDAT 1234"), Some(Stage::Quit));
        assert_eq!(stage("dXNlcg=="), None);
        assert_eq!(path("MAIL FROM:<> SIZE=1"), "");
    }
}
