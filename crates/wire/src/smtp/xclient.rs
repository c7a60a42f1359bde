//! XCLIENT: a proxy in front of the server tells whom it speaks for (as documented by
//! Postfix, XCLIENT_README).

use std::net::IpAddr;

use super::{command::CommandError, xtext::decode_xtext};
use crate::text::is_harmful;

/// The attributes that are understood, as EHLO lists them.
pub const XCLIENT_ATTRIBUTES: &str = "NAME ADDR PORT PROTO HELO LOGIN";
/// Longest value in bytes, decoded.
const MAX_VALUE: usize = 255;

/// One attribute of XCLIENT. None is `[UNAVAILABLE]` or `[TEMPUNAVAIL]`: the proxy does not
/// know, or there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XclientAttribute {
    /// The client's host name, as the DNS has it.
    Name(Option<String>),
    /// Its address.
    Address(Option<IpAddr>),
    /// Its port.
    Port(Option<u16>),
    /// SMTP or ESMTP: how it said hello.
    Protocol {
        /// ESMTP.
        extended: bool,
    },
    /// The name in its hello.
    Helo(Option<String>),
    /// The user that logged in at the proxy.
    Login(Option<String>),
}

/// Reads what stands behind XCLIENT: at least one attribute.
pub(super) fn attributes(text: &str) -> Result<Vec<XclientAttribute>, CommandError> {
    const USAGE: CommandError = CommandError::Syntax("XCLIENT takes attributes: ADDR=192.0.2.1");
    let words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    let found: Option<Vec<_>> = words.map(attribute).collect();
    found.filter(|attributes| !attributes.is_empty()).ok_or(USAGE)
}

fn attribute(word: &str) -> Option<XclientAttribute> {
    let (name, value) = word.split_once('=')?;
    let is = |keyword: &str| name.eq_ignore_ascii_case(keyword);
    let given = !["[UNAVAILABLE]", "[TEMPUNAVAIL]"].iter().any(|word| value.eq_ignore_ascii_case(word));
    let text = || {
        let text = decode_xtext(value)?;
        let fits = !text.is_empty() && text.len() <= MAX_VALUE;
        (fits && !text.contains(|c: char| is_harmful(c) || c.is_whitespace())).then_some(text)
    };
    let optional = || if given { text().map(Some) } else { Some(None) };
    if is("NAME") {
        optional().map(XclientAttribute::Name)
    } else if is("HELO") {
        optional().map(XclientAttribute::Helo)
    } else if is("LOGIN") {
        optional().map(XclientAttribute::Login)
    } else if is("ADDR") {
        read(optional()?, address).map(XclientAttribute::Address)
    } else if is("PORT") {
        read(optional()?, |text| text.parse().ok()).map(XclientAttribute::Port)
    } else if is("PROTO") {
        let extended = value.eq_ignore_ascii_case("ESMTP");
        (extended || value.eq_ignore_ascii_case("SMTP")).then_some(XclientAttribute::Protocol { extended })
    } else {
        None
    }
}

/// None where a text is there and cannot be read.
fn read<T>(text: Option<String>, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        Some(text) => read(&text).map(Some),
        None => Some(None),
    }
}

/// An address, that of IPv6 with or without its prefix.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.split_at_checked("IPV6:".len()) {
        Some((tag, rest)) if tag.eq_ignore_ascii_case("IPV6:") => rest,
        _ => text,
    };
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_typed() {
        let found = attributes(
            "NAME=spike.example.com ADDR=IPV6:2001:db8::1 PORT=4711 PROTO=ESMTP HELO=[UNAVAILABLE] LOGIN=a+2Bb",
        )
        .unwrap();
        assert_eq!(
            found,
            [
                XclientAttribute::Name(Some("spike.example.com".into())),
                XclientAttribute::Address(Some("2001:db8::1".parse().unwrap())),
                XclientAttribute::Port(Some(4711)),
                XclientAttribute::Protocol { extended: true },
                XclientAttribute::Helo(None),
                XclientAttribute::Login(Some("a+b".into())),
            ]
        );
        assert_eq!(
            attributes("addr=192.0.2.1 addr=[tempunavail]").unwrap(),
            [XclientAttribute::Address(Some("192.0.2.1".parse().unwrap())), XclientAttribute::Address(None)]
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "ADDR",
            "ADDR=",
            "ADDR=example.com",
            "PORT=65536",
            "PROTO=LMTP",
            "DESTADDR=192.0.2.1",
            "NAME=a+0Ab",
            "LOGIN=a+20b",
            "LOGIN=",
        ] {
            assert!(attributes(text).is_err(), "{text}");
        }
    }
}
