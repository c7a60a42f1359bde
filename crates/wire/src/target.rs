//! What the user typed, to a [`Target`].
//!
//! Accepted: `example.com`, `mx.example.com:25`, `192.0.2.25`, `192.0.2.25:587`,
//! `[2001:db8::25]:25`, `2001:db8::25`, `user@example.com`, `user@[192.0.2.25]`;
//! internationalised names in either form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use thiserror::Error;
use waxseal_model::Target;

use crate::text::neutralise;

/// The port of mail between servers (RFC 5321 section 4.5.4.2).
const SMTP_PORT: u16 = 25;

/// Longest target that is looked at, in bytes: an address of mail is at most 254 long
/// (RFC 5321 section 4.5.3.1, erratum 1690), U-labels take more.
const MAX_TARGET: usize = 1024;

/// Why a text is no target: one sentence, with what to type instead. Text of the user is
/// neutralised.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Nothing, or only blanks and dots.
    #[error("the target is empty: type a domain (example.com) or a host and port (mx.example.com:25)")]
    Empty,
    /// Longer than any name can be.
    #[error("the target is {length} bytes long, longer than any name: type a domain such as example.com")]
    TooLong {
        /// Bytes.
        length: usize,
    },
    /// Blanks inside.
    #[error("\"{given}\" contains a space: give each target as an argument of its own")]
    Blank {
        /// What was typed.
        given: String,
    },
    /// An address of the web.
    #[error("\"{given}\" is a URL: type the name alone, {instead}")]
    Url {
        /// What was typed.
        given: String,
        /// The name in it, where one can be read.
        instead: String,
    },
    /// Not a port number.
    #[error("\"{port}\" is no port: type a number from 1 to 65535, as in {host}:25")]
    Port {
        /// What stands for the port.
        port: String,
        /// What stands before it.
        host: String,
    },
    /// `[` without `]`, or the reverse, or something behind.
    #[error("\"{given}\" has unpaired brackets: type an IPv6 address and port as [2001:db8::25]:25")]
    Brackets {
        /// What was typed.
        given: String,
    },
    /// Between brackets there is no address.
    #[error(
        "\"{given}\" is no IP address: type [2001:db8::25]:25 or 192.0.2.25:25, or a name without brackets"
    )]
    NotAnAddress {
        /// What stands between the brackets, or looks like an address.
        given: String,
    },
    /// Several colons, and no IPv6 address.
    #[error(
        "\"{given}\" has more than one colon and is no IPv6 address: type host:port or [2001:db8::25]:25"
    )]
    Colons {
        /// What was typed.
        given: String,
    },
    /// `user@host:port`, or nothing before the `@`.
    #[error("\"{given}\" is no mail address: type user@example.com, or a host and port without @")]
    Mailbox {
        /// What was typed.
        given: String,
    },
    /// A name with an empty label: `a..b`, `.example.com`.
    #[error("\"{given}\" has two dots in a row or begins with one: type a name such as example.com")]
    EmptyLabel {
        /// The name.
        given: String,
    },
    /// A label is longer than 63 bytes (RFC 1035 section 2.3.4).
    #[error("\"{label}\" is {length} bytes long, and DNS allows 63 between two dots: check the name")]
    LongLabel {
        /// The label, shortened.
        label: String,
        /// Bytes in ASCII form.
        length: usize,
    },
    /// A name is longer than 253 bytes (RFC 1035 section 2.3.4).
    #[error("the name is {length} bytes long, and DNS allows 253: check the name")]
    LongName {
        /// Bytes in ASCII form.
        length: usize,
    },
    /// A character that names cannot contain.
    #[error("\"{given}\" contains \"{character}\", which no host name can: type a name such as example.com")]
    Character {
        /// The name.
        given: String,
        /// The character.
        character: String,
    },
    /// The name cannot be written in ASCII (UTS 46).
    #[error("\"{given}\" is no valid internationalised name: check its spelling, or type its xn-- form")]
    Idna {
        /// The name.
        given: String,
    },
}

/// Reads a target.
///
/// With `default_port` a bare name is a host on that port, as if it had been typed with
/// it; without, it is a mail domain. Addresses go to port 25 by default. A mail address
/// is a domain, whatever the port.
///
/// # Errors
/// The text is no target; the error says what to type instead.
pub fn parse(text: &str, default_port: Option<u16>) -> Result<Target, TargetError> {
    let given = text.trim();
    if given.is_empty() {
        return Err(TargetError::Empty);
    }
    if given.len() > MAX_TARGET {
        return Err(TargetError::TooLong { length: given.len() });
    }
    if let Some((_, rest)) = given.split_once("://") {
        return Err(url(given, rest));
    }
    // A quoted local part may contain blanks and "@"; a domain cannot.
    if let Some((local, domain)) = given.rsplit_once('@') {
        return mailbox(given, local, domain, default_port);
    }
    if given.contains(char::is_whitespace) {
        return Err(TargetError::Blank { given: show(given) });
    }
    if given.contains('/') {
        return Err(url(given, given));
    }
    if given.contains(['[', ']']) {
        return bracketed(given, default_port);
    }
    if let Ok(address) = given.parse::<IpAddr>() {
        return Ok(Target::Address { address, port: default_port.unwrap_or(SMTP_PORT) });
    }
    let (host, port) = match given.split_once(':') {
        Some((_, rest)) if rest.contains(':') => return Err(TargetError::Colons { given: show(given) }),
        Some((host, digits)) => (host, Some(port(digits, host)?)),
        None => (given, None),
    };
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(Target::Address {
            address: address.into(),
            port: port.or(default_port).unwrap_or(SMTP_PORT),
        });
    }
    let name = name_to_ascii(host)?;
    let given = host.trim_end_matches('.').to_owned();
    Ok(match port.or(default_port) {
        Some(port) => Target::Host { name, given, port },
        None => Target::Domain { name, given, mailbox: false },
    })
}

/// A domain or host name in A-labels, lower case, without a trailing dot (UTS 46,
/// non-transitional, as browsers do it). Underscores are allowed, as DNS does.
///
/// # Errors
/// The text cannot be a name in the DNS.
pub fn name_to_ascii(name: &str) -> Result<String, TargetError> {
    if name.len() > MAX_TARGET {
        return Err(TargetError::TooLong { length: name.len() });
    }
    // UTS 46 maps these to the full stop as well.
    let bare = name.strip_suffix(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).unwrap_or(name);
    if bare.is_empty() {
        return Err(TargetError::Empty);
    }
    if let Some(c) = bare.chars().find(|c| c.is_ascii() && !is_name_character(*c)) {
        return Err(TargetError::Character {
            given: show(name),
            character: show(c.encode_utf8(&mut [0; 4])),
        });
    }
    let ascii = Uts46::new()
        .to_ascii(bare.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
        .map_err(|_| TargetError::Idna { given: show(name) })?
        .into_owned();
    // Mapping may have made ASCII out of look-alikes: "⑴" becomes "(1)".
    if let Some(c) = ascii.chars().find(|c| !is_name_character(*c)) {
        return Err(TargetError::Character {
            given: show(name),
            character: show(c.encode_utf8(&mut [0; 4])),
        });
    }
    check_lengths(name, &ascii)?;
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        // No top-level domain is a number (RFC 3696 section 2): a mistyped address.
        return Err(TargetError::NotAnAddress { given: show(name) });
    }
    Ok(ascii)
}

fn check_lengths(given: &str, ascii: &str) -> Result<(), TargetError> {
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err(TargetError::EmptyLabel { given: show(given) });
        }
        if label.len() > 63 {
            return Err(TargetError::LongLabel {
                label: neutralise(label.as_bytes(), 24),
                length: label.len(),
            });
        }
    }
    if ascii.len() > 253 {
        return Err(TargetError::LongName { length: ascii.len() });
    }
    Ok(())
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn mailbox(given: &str, local: &str, domain: &str, default_port: Option<u16>) -> Result<Target, TargetError> {
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let bad_local = local.is_empty() || (!quoted && local.contains(['@', ' ', '"']));
    if bad_local || (domain.contains(':') && !domain.starts_with('[')) {
        return Err(TargetError::Mailbox { given: show(given) });
    }
    if domain.starts_with('[') {
        return bracketed(domain, default_port);
    }
    let name = name_to_ascii(domain)?;
    Ok(Target::Domain { name, given: domain.trim_end_matches('.').to_owned(), mailbox: true })
}

/// `[address]` or `[address]:port`, also in the form of mail addresses, `[IPv6:…]`.
fn bracketed(given: &str, default_port: Option<u16>) -> Result<Target, TargetError> {
    let unpaired = || TargetError::Brackets { given: show(given) };
    let inner = given.strip_prefix('[').ok_or_else(unpaired)?;
    let (literal, rest) = inner.split_once(']').ok_or_else(unpaired)?;
    let port = match rest.strip_prefix(':') {
        Some(digits) => port(digits, &format!("[{literal}]"))?,
        None if rest.is_empty() => default_port.unwrap_or(SMTP_PORT),
        None => return Err(unpaired()),
    };
    let tagged = literal.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    let address = match tagged {
        Some(_) => literal.get(5..).unwrap_or_default().parse::<Ipv6Addr>().map(IpAddr::from),
        None => literal.parse::<IpAddr>(),
    };
    let address = address.map_err(|_| TargetError::NotAnAddress { given: show(literal) })?;
    Ok(Target::Address { address, port })
}

fn port(digits: &str, host: &str) -> Result<u16, TargetError> {
    let number = if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None };
    number.filter(|port| *port != 0).ok_or_else(|| TargetError::Port {
        port: show(digits),
        host: if host.is_empty() { "mx.example.com".into() } else { show(host) },
    })
}

/// The error for a pasted URL, with the host in it (RFC 3986 section 3.2).
fn url(given: &str, after_scheme: &str) -> TargetError {
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let usable = !host.is_empty() && !host.contains(char::is_whitespace) && parse(host, None).is_ok();
    let instead = if usable { show(host) } else { "such as example.com".to_owned() };
    TargetError::Url { given: show(given), instead }
}

fn show(text: &str) -> String {
    neutralise(text.as_bytes(), 80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn domain(name: &str, given: &str, mailbox: bool) -> Target {
        Target::Domain { name: name.into(), given: given.into(), mailbox }
    }

    fn host(name: &str, port: u16) -> Target {
        Target::Host { name: name.into(), given: name.into(), port }
    }

    fn address(text: &str, port: u16) -> Target {
        Target::Address { address: text.parse().unwrap(), port }
    }

    #[test]
    fn every_accepted_form_is_read() {
        for (text, target) in [
            ("example.com", domain("example.com", "example.com", false)),
            (" Example.COM. ", domain("example.com", "Example.COM", false)),
            ("localhost", domain("localhost", "localhost", false)),
            ("_dmarc.example.com", domain("_dmarc.example.com", "_dmarc.example.com", false)),
            ("mx.example.com:587", host("mx.example.com", 587)),
            ("192.0.2.25", address("192.0.2.25", 25)),
            ("192.0.2.25:465", address("192.0.2.25", 465)),
            ("2001:db8::25", address("2001:db8::25", 25)),
            ("[2001:db8::25]", address("2001:db8::25", 25)),
            ("[2001:db8::25]:587", address("2001:db8::25", 587)),
            ("[192.0.2.25]:587", address("192.0.2.25", 587)),
            ("user@example.com", domain("example.com", "example.com", true)),
            ("\"a b@c\"@example.com", domain("example.com", "example.com", true)),
            ("user@[192.0.2.25]", address("192.0.2.25", 25)),
            ("user@[IPv6:2001:db8::25]", address("2001:db8::25", 25)),
            ("bücher.example", domain("xn--bcher-kva.example", "bücher.example", false)),
            ("例え。テスト", domain("xn--r8jz45g.xn--zckzah", "例え。テスト", false)),
            ("xn--bcher-kva.example", domain("xn--bcher-kva.example", "xn--bcher-kva.example", false)),
        ] {
            assert_eq!(parse(text, None), Ok(target), "{text}");
        }
    }

    #[test]
    fn a_default_port_makes_names_hosts() {
        assert_eq!(parse("mx.example.com", Some(465)), Ok(host("mx.example.com", 465)));
        assert_eq!(parse("mx.example.com:25", Some(465)), Ok(host("mx.example.com", 25)));
        assert_eq!(parse("192.0.2.25", Some(465)), Ok(address("192.0.2.25", 465)));
        assert_eq!(parse("u@example.com", Some(465)), Ok(domain("example.com", "example.com", true)));
    }

    #[test]
    fn absurd_targets_get_a_sentence_that_says_what_to_type() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = format!("{}com", "abcdefg.".repeat(40));
        for (text, says) in [
            ("", "is empty"),
            (" . ", "is empty"),
            ("exa mple.com", "contains a space"),
            ("https://example.com/mail", "alone, example.com"),
            ("smtp://user@mx.example.com:25", "alone, mx.example.com:25"),
            ("example.com/mail", "alone, example.com"),
            ("https://", "such as example.com"),
            ("mx.example.com:0", "\"0\" is no port"),
            ("mx.example.com:70000", "\"70000\" is no port"),
            ("mx.example.com:smtp", "as in mx.example.com:25"),
            ("mx.example.com:+25", "is no port"),
            ("mx.example.com:", "is no port"),
            (":25", "is empty"),
            ("[2001:db8::25:25", "unpaired brackets"),
            ("2001:db8::25]:25", "unpaired brackets"),
            ("[2001:db8::25]x", "unpaired brackets"),
            ("[example.com]:25", "is no IP address"),
            ("[fe80::1%eth0]", "is no IP address"),
            ("192.0.2.300", "is no IP address"),
            ("a:b:c", "more than one colon"),
            ("@example.com", "is no mail address"),
            ("a@b@example.com", "is no mail address"),
            ("user@example.com:25", "is no mail address"),
            ("a..example", "two dots in a row"),
            (".example.com", "two dots in a row"),
            (&long_label, "64 bytes long"),
            (&long_name, "DNS allows 253"),
            ("exa$mple.com", "contains \"$\""),
            ("⑴.example", "no host name can"),
            ("xn--a.example", "no valid internationalised name"),
            ("\u{1b}2J.example", "contains"),
        ] {
            let error = parse(text, None).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
            assert!(!error.chars().any(crate::text::is_harmful), "{error:?}");
        }
        assert_eq!(parse(&"a".repeat(5000), None), Err(TargetError::TooLong { length: 5000 }));
    }

    proptest! {
        #[test]
        fn what_is_accepted_reads_the_same_again(text in "[a-z0-9.:@\\[\\]_-]{1,40}|\\PC{1,40}") {
            if let Ok(target) = parse(&text, None) {
                let again = parse(&target.argument(), None).unwrap();
                prop_assert_eq!(again.argument(), target.argument());
            }
        }
    }
}
