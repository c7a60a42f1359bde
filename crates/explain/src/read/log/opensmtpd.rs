//! OpenSMTPD through syslog. Facts: `mta_session.c`, `mta.c`, `mda.c`, `smtp_session.c`,
//! `log.c`, of versions 6.0 to 7.
//!
//! `SESSION mta delivery evpid=… from=<> to=<> rcpt=<> source="…" relay="address (host)" delay=…
//! result="Ok|TempFail|PermFail|Loop" stat="…"`; before it in the same session `mta connected`,
//! `mta tls ciphers=…` (`mta ciphers=…`, `smtp-out: Started TLS`) and `mta cert-check
//! result="…"`, all at the default level: a session without them is in clear.

use waxseal_model::mail::{Outcome, Protection, Stage};
use waxseal_wire::text::neutralise;

use super::{
    LogFormat,
    line::Line,
    recent::Recent,
    record::{Kind, LogRecord, address, is_loopback},
    stamp::Clock,
};

/// Sessions that are remembered at the least.
const SESSIONS: usize = 8192;

/// What is known from earlier lines.
#[derive(Debug)]
pub(super) struct OpenSmtpd {
    sessions: Recent<Session>,
}

/// One session, of either direction.
#[derive(Debug, Default)]
struct Session {
    /// The beginning was seen, so that silence about TLS means none.
    whole: bool,
    tls: bool,
    verified: bool,
    client: String,
    errors: Vec<String>,
}

impl Session {
    fn protection(&self) -> Option<Protection> {
        match (self.tls, self.verified) {
            (true, true) => Some(Protection::Authenticated),
            (true, false) => Some(Protection::Encrypted),
            (false, _) => self.whole.then_some(Protection::Clear),
        }
    }
}

impl OpenSmtpd {
    /// Nothing is known.
    pub(super) fn new() -> Self {
        Self { sessions: Recent::new(SESSIONS) }
    }

    /// Reads a line. False if it is none of OpenSMTPD's.
    pub(super) fn line(
        &mut self,
        line: Line<'_>,
        raw: &str,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) -> bool {
        let Some((id, rest)) = line.message.split_once(' ') else { return false };
        if id.len() != 16 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return ["smtp-in: ", "smtp-out: ", "warn: smtp", "info: OpenSMTPD"]
                .iter()
                .any(|beginning| line.message.starts_with(beginning));
        }
        let record = LogRecord {
            format: LogFormat::OpenSmtpd,
            stamp: line.stamp,
            reporter: line.host,
            line: raw,
            ..LogRecord::default()
        };
        let key = self.sessions.key((line.host, id));
        if let Some(fields) = rest.strip_prefix("mta delivery ") {
            self.delivery(key, fields, &record, clock, sink);
        } else if let Some(fields) = rest.strip_prefix("mda delivery ") {
            local_delivery(fields, &record, clock, sink);
        } else if let Some(rest) = rest.strip_prefix("mta ") {
            self.client_session(key, rest);
        } else if let Some(rest) = rest.strip_prefix("smtp ") {
            self.server_session(key, rest, &record, clock, sink);
        } else {
            return false;
        }
        true
    }

    fn client_session(&mut self, key: u64, rest: &str) {
        let session = self.sessions.entry(key);
        if rest.starts_with("connecting ") || rest.starts_with("connected") {
            *session = Session { whole: true, ..Session::default() };
        } else if rest.starts_with("tls ") || rest.starts_with("ciphers=") || rest.starts_with("starttls ") {
            session.tls = true;
        } else if rest.contains("cert-check result=") {
            session.verified =
                ["\"valid\"", "\"verified\"", "\"success\""].iter().any(|word| rest.contains(word));
        } else if let Some(reason) =
            rest.strip_prefix("error reason=").or_else(|| rest.strip_prefix("closing reason="))
            && session.errors.len() < 4
            && !reason.starts_with("quit")
        {
            session.errors.push(neutralise(rest.as_bytes(), 400));
        }
    }

    fn delivery(
        &mut self,
        key: u64,
        fields: &str,
        record: &LogRecord<'_>,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let Some(outcome) = result(fields) else { return };
        let relay = quoted(fields, " relay=");
        let (remote, host) = relay.split_once(" (").unwrap_or((relay, ""));
        let host = host.trim_end_matches(')');
        let text = stat(fields);
        let nothing = Session::default();
        let session = self.sessions.get(key).map_or(&nothing, |session| &*session);
        let stays = is_loopback(remote);
        sink(&LogRecord {
            kind: if stays { Kind::Local } else { Kind::Delivery },
            outcome,
            time: clock.seconds(record.stamp),
            recipient: angle(fields, " to="),
            original_recipient: angle(fields, " rcpt="),
            sender: Some(angle_at(fields, "from=")),
            remote_host: host,
            remote_address: if address(remote).is_some() { remote } else { "" },
            client_address: Some(quoted(fields, " source="))
                .filter(|s| address(s).is_some())
                .unwrap_or_default(),
            queue_id: word_after(fields, "evpid="),
            protection: if stays || remote.is_empty() { None } else { session.protection() },
            text,
            context: if outcome == Outcome::Delivered { &[] } else { &session.errors },
            ..*record
        });
    }

    /// `smtp connected address=… host=…`, `smtp tls ciphers=…`, `smtp message msgid=…`,
    /// `smtp failed-command command="…" result="…"`.
    fn server_session(
        &mut self,
        key: u64,
        rest: &str,
        record: &LogRecord<'_>,
        clock: &mut Clock,
        sink: &mut dyn FnMut(&LogRecord<'_>),
    ) {
        let session = self.sessions.entry(key);
        if rest.starts_with("connected ") || rest.starts_with("event=connected ") {
            let client = word_after(rest, "address=");
            *session =
                Session { whole: true, client: neutralise(client.as_bytes(), 64), ..Session::default() };
        } else if rest.starts_with("tls ")
            || rest.starts_with("starttls ")
            || rest.starts_with("event=starttls ")
        {
            session.tls = true;
        } else if rest.starts_with("message ") || rest.starts_with("event=message ") {
            if session.client.is_empty() || address(&session.client).is_none_or(|a| a.is_loopback()) {
                return;
            }
            sink(&LogRecord {
                kind: Kind::Arrival(1),
                outcome: Outcome::Delivered,
                time: clock.seconds(record.stamp),
                client_address: &session.client,
                protection: session.protection(),
                ..*record
            });
        } else if rest.starts_with("failed-command ") || rest.starts_with("event=failed-command ") {
            let command = quoted(rest, " command=");
            sink(&LogRecord {
                kind: Kind::Rejection,
                outcome: Outcome::Rejected,
                time: clock.seconds(record.stamp),
                client_address: &session.client,
                recipient: command_address(command, "RCPT TO:"),
                stage: stage(command),
                text: quoted(rest, " result="),
                ..*record
            });
        }
    }
}

fn local_delivery(
    fields: &str,
    record: &LogRecord<'_>,
    clock: &mut Clock,
    sink: &mut dyn FnMut(&LogRecord<'_>),
) {
    let Some(outcome) = result(fields) else { return };
    sink(&LogRecord {
        kind: Kind::Local,
        outcome,
        time: clock.seconds(record.stamp),
        recipient: angle(fields, " to="),
        sender: Some(angle_at(fields, "from=")),
        queue_id: word_after(fields, "evpid="),
        text: stat(fields),
        ..*record
    });
}

fn result(fields: &str) -> Option<Outcome> {
    let result = fields.rsplit_once(" result=").map(|(_, rest)| rest.trim_start_matches('"'))?;
    Some(match result.split(['"', ' ']).next()? {
        "Ok" => Outcome::Delivered,
        "TempFail" => Outcome::Deferred,
        "PermFail" | "Loop" => Outcome::Failed,
        _ => return None,
    })
}

/// `stat=` is the last field; it holds the reply, with quotes of its own.
fn stat(fields: &str) -> &str {
    let Some((_, text)) = fields.split_once(" stat=") else { return "" };
    let text = text.strip_prefix('"').unwrap_or(text);
    text.strip_suffix('"').unwrap_or(text)
}

/// The value in quotes behind a name.
fn quoted<'a>(fields: &'a str, name: &str) -> &'a str {
    let Some((_, rest)) = fields.split_once(name) else {
        return fields.strip_prefix(name.trim_start()).map_or("", |rest| inside(rest));
    };
    inside(rest)
}

fn inside(rest: &str) -> &str {
    match rest.strip_prefix('"') {
        Some(rest) => rest.split('"').next().unwrap_or_default(),
        None => rest.split(' ').next().unwrap_or_default(),
    }
}

/// The address behind a name; `<->` is none.
fn angle<'a>(fields: &'a str, name: &str) -> &'a str {
    fields.split_once(name).map_or("", |(_, rest)| bracket(rest))
}

/// The same for a field that may be the first.
fn angle_at<'a>(fields: &'a str, name: &str) -> &'a str {
    fields.find(name).and_then(|at| fields.get(at + name.len()..)).map_or("", bracket)
}

fn bracket(rest: &str) -> &str {
    let inner = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).map_or("", |(inner, _)| inner);
    if inner == "-" { "" } else { inner }
}

fn word_after<'a>(fields: &'a str, name: &str) -> &'a str {
    fields
        .find(name)
        .and_then(|at| fields.get(at + name.len()..))
        .and_then(|r| r.split(' ').next())
        .unwrap_or_default()
}

fn command_address<'a>(command: &'a str, name: &str) -> &'a str {
    match command.get(..name.len()) {
        Some(beginning) if beginning.eq_ignore_ascii_case(name) => {
            bracket(command.get(name.len()..).unwrap_or_default().trim_start())
        }
        _ => "",
    }
}

fn stage(command: &str) -> Option<Stage> {
    let word = command.split([' ', ':']).next().unwrap_or_default();
    Some(match word.to_ascii_uppercase().as_str() {
        "HELO" | "EHLO" => Stage::Ehlo,
        "STARTTLS" => Stage::Starttls,
        "AUTH" => Stage::Auth,
        "MAIL" => Stage::Mail,
        "RCPT" => Stage::Rcpt,
        "DATA" => Stage::Data,
        "" => return None,
        _ => Stage::EndOfData,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_wherever_they_stand() {
        let fields = "evpid=1234567890abcdef from=<c@d.example> to=<a@b.example> rcpt=<-> source=\"192.0.2.2\" \
                      relay=\"192.0.2.1 (mx.b.example)\" delay=1s result=\"PermFail\" stat=\"550 5.1.1 \"x\" no\"";
        assert_eq!((angle(fields, " to="), angle(fields, " rcpt=")), ("a@b.example", ""));
        assert_eq!(
            (angle_at(fields, "from="), word_after(fields, "evpid=")),
            ("c@d.example", "1234567890abcdef")
        );
        assert_eq!((result(fields), stat(fields)), (Some(Outcome::Failed), "550 5.1.1 \"x\" no"));
        assert_eq!(quoted(fields, " relay="), "192.0.2.1 (mx.b.example)");
    }

    #[test]
    fn commands_are_stages() {
        assert_eq!(stage("RCPT TO:<a@b.example>"), Some(Stage::Rcpt));
        assert_eq!(command_address("rcpt to:<a@b.example>", "RCPT TO:"), "a@b.example");
        assert_eq!(command_address("é", "RCPT TO:"), "");
        assert_eq!(stage(""), None);
    }
}
