//! What log lines say beside deliveries and refusals: that a connection failed, that a session
//! broke, that a message was given up. Where lines of a log tell of no recipient at all, as
//! when one of them was picked out, these are all that there is to explain.

use std::{collections::HashMap, net::IpAddr};

use waxseal_model::MailEvent;

use super::{LogFormat, line, lines};
use crate::read::{
    Reading,
    reply::{self, Doubt},
};

/// Different remarks that are taken of one text.
const MOST: usize = 20;
/// Sessions whose host is remembered.
const SESSIONS: usize = 1000;

/// The remarks of a text, each once, with those that have no reply code marked as doubtful.
pub(crate) fn read(format: LogFormat, bytes: &[u8]) -> (Reading, Vec<(usize, Doubt)>) {
    let mut reading = Reading::default();
    let mut doubted = Vec::new();
    let mut hosts: HashMap<String, Host> = HashMap::new();
    for (number, raw) in (1..).zip(lines(bytes)) {
        if reading.events.len() == MOST {
            break;
        }
        let text = String::from_utf8_lossy(raw);
        let Some((host, words)) = remark(text.trim(), &mut hosts) else { continue };
        let (said, doubts) = reply::read(words.as_bytes());
        let Some(mut event) = said.events.into_iter().next() else { continue };
        if reading.events.iter().any(|other| other.text == event.text) {
            continue;
        }
        event.source.format = format.name().into();
        event.source.line = Some(number);
        place(&mut event, host);
        if let Some((_, doubt)) = doubts.first() {
            doubted.push((reading.events.len(), *doubt));
        }
        reading.events.push(event);
    }
    (reading, doubted)
}

/// Where a session went to.
#[derive(Debug, Clone, Default)]
struct Host {
    name: Option<String>,
    address: Option<IpAddr>,
    port: Option<u16>,
}

fn place(event: &mut MailEvent, host: Option<Host>) {
    let Some(host) = host else { return };
    event.remote_host = event.remote_host.take().or(host.name);
    event.remote_address = event.remote_address.or(host.address);
    event.remote_port = event.remote_port.or(host.port);
}

/// The words of a line without time, host, program and identification; the host, where
/// another line names it. None for lines that tell of nothing but progress.
fn remark<'a>(line: &'a str, hosts: &mut HashMap<String, Host>) -> Option<(Option<Host>, &'a str)> {
    let message = match line::split(line) {
        Some(parts) if !parts.tag.is_empty() && !parts.tag.contains(' ') => parts.message,
        _ => line::stamp(line).1,
    };
    let (id, rest) = message.split_once(' ')?;
    if id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return opensmtpd(id, rest, hosts);
    }
    let own = id.trim_end_matches(':');
    let exim = own.len() >= 16 && own.split('-').count() == 3;
    let postfix = id.ends_with(':') && own.len() >= 5 && own.bytes().all(|b| b.is_ascii_alphanumeric());
    let numbered = own.bytes().any(|b| b.is_ascii_digit());
    Some((None, if numbered && (exim || postfix) { rest } else { message }))
}

/// `mta connecting address=smtp://192.0.2.1:25 host=mx.example.com`, then `mta error reason=…`.
fn opensmtpd<'a>(
    id: &str,
    rest: &'a str,
    hosts: &mut HashMap<String, Host>,
) -> Option<(Option<Host>, &'a str)> {
    if let Some(fields) = rest.strip_prefix("mta connecting ") {
        let field = |name: &str| fields.split(' ').find_map(|word| word.strip_prefix(name));
        let place = field("address=").and_then(|url| Some(url.split_once("://")?.1)).unwrap_or_default();
        let (address, port) = place.rsplit_once(':').unwrap_or((place, ""));
        let host = Host {
            name: field("host=").filter(|name| !name.is_empty()).map(str::to_owned),
            address: address.trim_matches(['[', ']']).parse().ok(),
            port: port.parse().ok(),
        };
        if hosts.len() < SESSIONS {
            hosts.insert(id.to_owned(), host);
        }
        return None;
    }
    let words =
        rest.strip_prefix("mta error reason=").or_else(|| rest.strip_prefix("mta closing reason="))?;
    Some((hosts.get(id).cloned(), words))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::read::{Given, read};

    fn one(text: &str) -> crate::MailEvent {
        let reading = read(text.as_bytes(), &Given::default());
        let [event] = reading.events.as_slice() else { panic!("{text}: {reading:#?}") };
        event.clone()
    }

    #[test]
    fn a_session_that_failed_is_told_with_its_host() {
        let session = "Jan  2 03:04:05 mail smtpd[42]: fc929e4ffee1f57e mta";
        let event = one(&format!(
            "{session} connecting address=smtp+tls://192.0.2.1:25 host=mx.example.com\n{session} connected\n\
             {session} error reason=TLS required but not supported by remote host\n"
        ));
        assert_eq!(event.text, "TLS required but not supported by remote host");
        assert_eq!((event.remote_host.as_deref(), event.remote_port), (Some("mx.example.com"), Some(25)));
        assert_eq!(crate::diagnose(&event).cause, "starttls_missing");
        let login = format!("{session} error reason=AUTH rejected: 535 Incorrect authentication data");
        assert_eq!(
            (one(&login).reply, crate::diagnose(&one(&login)).cause.as_str()),
            (Some(535), "auth_failed")
        );
    }

    #[test]
    fn a_line_about_a_connection_alone_is_explained() {
        let event = one(
            "Mar 03 10:13:00 mail postfix/smtp[2820]: connect to mx1.example.net[192.0.2.4]:25: Connection refused",
        );
        assert_eq!(event.text, "connect to mx1.example.net[192.0.2.4]:25: Connection refused");
        assert_eq!(event.source.format, "postfix_log");
        assert_eq!(crate::diagnose(&event).cause, "connection_refused");
        let exim =
            one("2026-11-27 12:12:12 1xWuQc-0002jp-0S H=mx1.example.net [192.0.2.4] Connection refused");
        assert_eq!(crate::diagnose(&exim).cause, "connection_refused");
    }

    #[test]
    fn a_message_that_was_given_up_is_explained() {
        let event = one(
            "Nov 27 12:44:03 mail postfix/qmgr[16211]: C918799C0F0: from=<app@example.com>, status=expired, returned to sender",
        );
        assert_eq!(crate::diagnose(&event).cause, "expired");
    }

    #[test]
    fn progress_is_no_error() {
        let lines = "Nov 27 12:44:03 mail postfix/smtpd[1]: connect from mx.example.com[192.0.2.1]\n\
                     Nov 27 12:44:03 mail postfix/smtpd[1]: disconnect from mx.example.com[192.0.2.1] ehlo=1 quit=1 commands=2\n\
                     Nov 27 12:44:03 mail postfix/qmgr[2]: C918799C0F0: removed\n";
        assert_eq!(read(lines.as_bytes(), &Given::default()).events, []);
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(
            head in "(Nov 27 12:44:03 mail (postfix/smtp|smtpd)\\[1\\]: |2026-11-27 12:12:12 )",
            rest in "(fc929e4ffee1f57e mta (connecting|error) )?\\PC{0,60}",
        ) {
            let _ = read(format!("{head}{rest}").as_bytes(), &Given::default());
        }
    }
}
