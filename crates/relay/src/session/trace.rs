//! What a relay writes on top of a message: `Received` (RFC 5321 section 4.4), and on
//! submission what a message must have (RFC 6409 section 8).

use std::{fmt::Write as _, net::IpAddr};

use waxseal_net::tls::server::ServerTlsFacts;
use waxseal_wire::{compose::date, smtp::HeaderFacts};

/// Longest recipient that is named, in bytes: with it the line stays within 998.
const MAX_FOR: usize = 400;

/// What the trace lines say.
#[derive(Debug)]
pub(super) struct Trace<'a> {
    /// Our name.
    pub(super) hostname: &'a str,
    /// The name in EHLO.
    pub(super) helo: &'a str,
    /// The name that a proxy told.
    pub(super) name: Option<&'a str>,
    /// The client's address.
    pub(super) client: Option<IpAddr>,
    /// `ESMTPSA`.
    pub(super) protocol: &'static str,
    /// What identifies the message in our log.
    pub(super) id: &'a str,
    /// The channel.
    pub(super) tls: Option<&'a ServerTlsFacts>,
    /// The only recipient; none where there are several, who are not told of each other.
    pub(super) recipient: Option<&'a str>,
    /// When: seconds since 1970-01-01 UTC.
    pub(super) now: i64,
}

/// The lines on top. `complete`: add a date and an identification where there is none.
pub(super) fn lines(trace: &Trace<'_>, header: &HeaderFacts, complete: bool) -> String {
    let mut text = String::with_capacity(320);
    let date = date(trace.now);
    // Writing into a string cannot fail.
    let _ = write_received(&mut text, trace, &date);
    if complete && !header.date {
        let _ = write!(text, "Date: {date}\r\n");
    }
    if complete && !header.message_id {
        let _ = write!(text, "Message-ID: <{}@{}>\r\n", trace.id, trace.hostname);
    }
    if !header.begins_with_field {
        text.push_str("\r\n");
    }
    text
}

fn write_received(text: &mut String, trace: &Trace<'_>, date: &str) -> std::fmt::Result {
    text.push_str("Received: from ");
    push_name(text, trace.helo);
    text.push_str(" (");
    if let Some(name) = trace.name {
        push_name(text, name);
        text.push(' ');
    }
    match trace.client {
        Some(IpAddr::V4(v4)) => write!(text, "[{v4}]")?,
        Some(IpAddr::V6(v6)) => write!(text, "[IPv6:{v6}]")?,
        None => text.push_str("unknown"),
    }
    write!(text, ")\r\n\tby {} with {} id {}", trace.hostname, trace.protocol, trace.id)?;
    if let Some(tls) = trace.tls {
        // In the words of other mail servers, which readers of headers look for.
        let version = tls.version.label().replace(' ', "v");
        write!(text, "\r\n\t(using {version} with cipher {})", tls.suite.name)?;
    }
    if let Some(recipient) = trace.recipient.filter(|recipient| recipient.len() <= MAX_FOR) {
        write!(text, "\r\n\tfor <{recipient}>")?;
    }
    write!(text, ";\r\n\t{date}\r\n")
}

/// A name that somebody gave: what could be read as anything else becomes a question mark.
fn push_name(text: &mut String, name: &str) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    text.extend(name.chars().map(|c| if fits(c) { c } else { '?' }));
}

/// The protocol as `Received` names it (RFC 3848, RFC 6531 section 4.3).
pub(super) fn protocol(extended: bool, utf8: bool, tls: bool, login: bool) -> &'static str {
    match (extended, utf8, tls, login) {
        (false, ..) => "SMTP",
        (true, false, false, false) => "ESMTP",
        (true, false, false, true) => "ESMTPA",
        (true, false, true, false) => "ESMTPS",
        (true, false, true, true) => "ESMTPSA",
        (true, true, false, false) => "UTF8SMTP",
        (true, true, false, true) => "UTF8SMTPA",
        (true, true, true, false) => "UTF8SMTPS",
        (true, true, true, true) => "UTF8SMTPSA",
    }
}

#[cfg(test)]
mod tests {
    use waxseal_model::tls::{Suite, TlsVersion};

    use super::*;

    fn trace() -> Trace<'static> {
        Trace {
            hostname: "relay.example.com",
            helo: "client.example.com",
            name: None,
            client: Some("192.0.2.1".parse().unwrap()),
            protocol: "ESMTP",
            id: "1a2b",
            tls: None,
            recipient: None,
            now: 1_795_811_577,
        }
    }

    const WHOLE: HeaderFacts = HeaderFacts {
        received: 0,
        date: true,
        message_id: true,
        tls_required_no: false,
        begins_with_field: true,
        ended: true,
    };

    #[test]
    fn the_line_says_who_sent_how_and_when() {
        let facts = ServerTlsFacts {
            version: TlsVersion::Tls13,
            suite: Suite { code: 0x1302, name: "TLS_AES_256_GCM_SHA384".into() },
            client: None,
            binding: None,
        };
        let full = Trace {
            name: Some("host.example.net"),
            client: Some("2001:db8::1".parse().unwrap()),
            protocol: "ESMTPSA",
            tls: Some(&facts),
            recipient: Some("bob@example.org"),
            ..trace()
        };
        assert_eq!(
            lines(&full, &WHOLE, false),
            "Received: from client.example.com (host.example.net [IPv6:2001:db8::1])\r\n\
             \tby relay.example.com with ESMTPSA id 1a2b\r\n\
             \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n\
             \tfor <bob@example.org>;\r\n\
             \tFri, 27 Nov 2026 20:32:57 +0000\r\n"
        );
        assert_eq!(
            lines(&trace(), &WHOLE, true),
            "Received: from client.example.com ([192.0.2.1])\r\n\
             \tby relay.example.com with ESMTP id 1a2b;\r\n\tFri, 27 Nov 2026 20:32:57 +0000\r\n"
        );
    }

    #[test]
    fn what_is_missing_is_added_and_a_body_stays_a_body() {
        let bare = HeaderFacts { date: false, message_id: false, begins_with_field: false, ..WHOLE };
        let text = lines(&trace(), &bare, true);
        assert!(text.contains("\r\nDate: Fri, 27 Nov 2026 20:32:57 +0000\r\n"), "{text}");
        assert!(text.ends_with("\r\nMessage-ID: <1a2b@relay.example.com>\r\n\r\n"), "{text}");
        assert!(!lines(&trace(), &bare, false).contains("Date:"));
    }

    #[test]
    fn a_name_cannot_pretend_to_be_more() {
        let evil = Trace { helo: "a)(;<b>\"x", client: None, ..trace() };
        let text = lines(&evil, &WHOLE, false);
        assert!(text.starts_with("Received: from a????b??x (unknown)\r\n"), "{text}");
        let long = "x".repeat(MAX_FOR + 1);
        assert!(!lines(&Trace { recipient: Some(&long), ..trace() }, &WHOLE, false).contains("for <"));
    }

    #[test]
    fn protocols_have_their_registered_names() {
        assert_eq!(protocol(false, true, true, true), "SMTP");
        assert_eq!(protocol(true, false, true, true), "ESMTPSA");
        assert_eq!(protocol(true, true, true, false), "UTF8SMTPS");
    }
}
