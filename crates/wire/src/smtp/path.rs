//! Addresses in MAIL and RCPT (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
//!
//! Read as the standard has it, and a little wider: dots may stand anywhere in a local part
//! (addresses with two in a row are in use), and a blank may stand before the `<`. Source
//! routes are dropped, as section 4.1.1.3 advises. Anything that could end a header line, a
//! command or a line of a log is refused.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, Ipv6Addr},
};

use crate::{target::name_to_ascii, text::is_harmful};

/// Longest local part in bytes. RFC 5321 section 4.5.3.1.1 has 64; mailing lists and
/// forwarders write return addresses that are longer.
pub const MAX_LOCAL: usize = 256;
/// Longest domain in bytes, as given.
const MAX_DOMAIN: usize = 1024;

/// An address with its domain in the form by which mail is routed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox<'a> {
    /// As given, without brackets and source route: `"a b"@example.com`.
    pub address: &'a str,
    /// What stands before the `@`, with its quotes.
    pub local: &'a str,
    /// Lower case, A-labels; an address in its shortest form and in brackets:
    /// `[192.0.2.1]`, `[ipv6:2001:db8::1]`.
    pub domain: Cow<'a, str>,
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardPath<'a> {
    /// `<Postmaster>` without a domain: the one of this host (RFC 5321 section 4.5.1).
    Postmaster,
    /// An address.
    Mailbox(Mailbox<'a>),
}

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No `<`, or no `>` behind.
    #[error("put the address in angle brackets: <user@example.com>")]
    Brackets,
    /// A recipient of nothing.
    #[error("a recipient is needed: <user@example.com>")]
    Empty,
    /// Something before the `@` that cannot stand there.
    #[error("the part before the @ is malformed")]
    Local,
    /// Longer than [`MAX_LOCAL`].
    #[error("the part before the @ has more than {MAX_LOCAL} bytes")]
    LocalTooLong,
    /// No `@`.
    #[error("the address has no domain")]
    NoDomain,
    /// No name that can stand in the DNS.
    #[error("the domain is malformed")]
    Domain,
    /// `user@192.0.2.1`.
    #[error("an IP address as a domain stands in square brackets: <user@[192.0.2.1]>")]
    Literal,
    /// A source route without its end.
    #[error("the source route is malformed")]
    Route,
}

/// Reads the path of MAIL from the beginning of a text: none for the null sender `<>`.
/// Returns what stands behind it.
///
/// # Errors
/// The text does not begin with a path.
pub(super) fn reverse_path(text: &str) -> Result<(Option<Mailbox<'_>>, &str), PathError> {
    let inner = opened(text)?;
    if let Some(rest) = inner.strip_prefix('>') {
        return Ok((None, rest));
    }
    let (mailbox, rest) = mailbox(inner)?;
    Ok((Some(mailbox), rest.strip_prefix('>').ok_or(PathError::Brackets)?))
}

/// Reads the path of RCPT from the beginning of a text. Returns what stands behind it.
///
/// # Errors
/// The text does not begin with a path, or with the empty one.
pub(super) fn forward_path(text: &str) -> Result<(ForwardPath<'_>, &str), PathError> {
    const POSTMASTER: &str = "postmaster>";
    let inner = opened(text)?;
    if inner.starts_with('>') {
        return Err(PathError::Empty);
    }
    if let Some((name, rest)) = inner.split_at_checked(POSTMASTER.len())
        && name.eq_ignore_ascii_case(POSTMASTER)
    {
        return Ok((ForwardPath::Postmaster, rest));
    }
    let (mailbox, rest) = mailbox(inner)?;
    Ok((ForwardPath::Mailbox(mailbox), rest.strip_prefix('>').ok_or(PathError::Brackets)?))
}

/// Reads an address that is all of a text, without brackets.
///
/// # Errors
/// It is none.
pub fn address(text: &str) -> Result<Mailbox<'_>, PathError> {
    match mailbox(text)? {
        (mailbox, "") => Ok(mailbox),
        _ => Err(PathError::Domain),
    }
}

/// A domain as mail is routed by it: lower case, A-labels, or an address in brackets.
///
/// # Errors
/// It is none.
pub fn domain(text: &str) -> Result<Cow<'_, str>, PathError> {
    match text.strip_prefix('[') {
        Some(inner) => literal(inner.strip_suffix(']').ok_or(PathError::Domain)?).map(Cow::Owned),
        None => named(text),
    }
}

fn opened(text: &str) -> Result<&str, PathError> {
    text.trim_start_matches(' ').strip_prefix('<').ok_or(PathError::Brackets)
}

/// A mailbox at the beginning of a text, its source route left out.
fn mailbox(text: &str) -> Result<(Mailbox<'_>, &str), PathError> {
    let text = match text.strip_prefix('@') {
        Some(route) => {
            let (hosts, behind) = route.split_once(':').ok_or(PathError::Route)?;
            let is_host = |host: &str| domain(host.strip_prefix('@').unwrap_or(host)).is_ok();
            if !hosts.split(',').all(is_host) {
                return Err(PathError::Route);
            }
            behind
        }
        None => text,
    };
    let length = local_length(text)?;
    let (local, behind) = text.split_at_checked(length).ok_or(PathError::Local)?;
    let behind = behind.strip_prefix('@').ok_or(match behind.chars().next() {
        None | Some('>') => PathError::NoDomain,
        Some(_) => PathError::Local,
    })?;
    let end = match behind.strip_prefix('[') {
        Some(inner) => inner.find(']').ok_or(PathError::Domain)? + 2,
        None => behind.find(['>', ' ']).unwrap_or(behind.len()),
    };
    let (host, rest) = behind.split_at_checked(end).ok_or(PathError::Domain)?;
    let address = text.get(..length + 1 + end).ok_or(PathError::Domain)?;
    Ok((Mailbox { address, local, domain: domain(host)? }, rest))
}

/// How many bytes of a text are a local part: at least one.
fn local_length(text: &str) -> Result<usize, PathError> {
    let length = match text.strip_prefix('"') {
        Some(inner) => quoted_length(inner)?,
        None => text.find(|c| !is_atom(c)).unwrap_or(text.len()),
    };
    match length {
        0 => Err(PathError::Local),
        _ if length > MAX_LOCAL => Err(PathError::LocalTooLong),
        _ => Ok(length),
    }
}

/// The length of a quoted string with both quotes, of which the first is taken off already.
fn quoted_length(inner: &str) -> Result<usize, PathError> {
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if c.is_ascii_control() || is_harmful(c) => return Err(PathError::Local),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(at + 2),
            _ => {}
        }
    }
    Err(PathError::Local)
}

/// Characters of a local part without quotes (RFC 5321 section 4.1.2, RFC 6531 section
/// 3.3), and the dot.
fn is_atom(c: char) -> bool {
    match c {
        '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | '\\' | ',' | '"' => false,
        _ if c.is_ascii() => c.is_ascii_graphic(),
        _ => !is_harmful(c) && !c.is_whitespace(),
    }
}

/// The inside of `[…]`.
fn literal(inner: &str) -> Result<String, PathError> {
    if let Some((tag, v6)) = inner.split_at_checked("IPv6:".len())
        && tag.eq_ignore_ascii_case("IPv6:")
    {
        return v6.parse::<Ipv6Addr>().map(|a| format!("[ipv6:{a}]")).map_err(|_| PathError::Domain);
    }
    inner.parse::<Ipv4Addr>().map(|a| format!("[{a}]")).map_err(|_| PathError::Domain)
}

fn named(text: &str) -> Result<Cow<'_, str>, PathError> {
    if text.len() > MAX_DOMAIN {
        return Err(PathError::Domain);
    }
    if !text.is_ascii() {
        // A dot at the end is no part of a domain in mail.
        if text.ends_with(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']) {
            return Err(PathError::Domain);
        }
        return name_to_ascii(text).map(Cow::Owned).map_err(|_| PathError::Domain);
    }
    if text.is_empty() || text.len() > 253 {
        return Err(PathError::Domain);
    }
    let mut last_is_number = false;
    for label in text.split('.') {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if label.is_empty() || label.len() > 63 || !label.bytes().all(fits) {
            return Err(PathError::Domain);
        }
        last_is_number = label.bytes().all(|b| b.is_ascii_digit());
    }
    if last_is_number {
        return Err(PathError::Literal);
    }
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Ok(Cow::Owned(text.to_ascii_lowercase()));
    }
    Ok(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read_and_their_domains_made_ready_for_routing() {
        for (text, address, domain, rest) in [
            ("<bob@Example.COM>", "bob@Example.COM", "example.com", ""),
            (" <bob@example.com> SIZE=1", "bob@example.com", "example.com", " SIZE=1"),
            ("<\"a b>\\\" c\"@example.com>", "\"a b>\\\" c\"@example.com", "example.com", ""),
            ("<@a.example,@b.example:bob@c.example>", "bob@c.example", "c.example", ""),
            ("<a..b.@example.com>", "a..b.@example.com", "example.com", ""),
            ("<bob@[192.0.2.1]>", "bob@[192.0.2.1]", "[192.0.2.1]", ""),
            ("<bob@[IPv6:2001:DB8:0::1]>", "bob@[IPv6:2001:DB8:0::1]", "[ipv6:2001:db8::1]", ""),
            ("<пример@Bücher.example>", "пример@Bücher.example", "xn--bcher-kva.example", ""),
            ("<a+b=c!d%e@x_y.example>", "a+b=c!d%e@x_y.example", "x_y.example", ""),
            ("<bob@example>", "bob@example", "example", ""),
        ] {
            let (found, behind) = reverse_path(text).unwrap();
            let found = found.unwrap();
            assert_eq!((found.address, &*found.domain, behind), (address, domain, rest), "{text}");
            let (forward, _) = forward_path(text).unwrap();
            assert_eq!(forward, ForwardPath::Mailbox(found), "{text}");
        }
        assert_eq!(reverse_path("<>"), Ok((None, "")));
        assert_eq!(forward_path("<PostMaster> X"), Ok((ForwardPath::Postmaster, " X")));
        assert_eq!(address("bob@example.com").unwrap().local, "bob");
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        for (text, why) in [
            ("", PathError::Brackets),
            ("bob@example.com", PathError::Brackets),
            ("<bob@example.com", PathError::Brackets),
            ("<bob@example.com x>", PathError::Brackets),
            ("<>", PathError::Empty),
            ("<@example.com>", PathError::Route),
            ("<@a b:bob@example.com>", PathError::Route),
            ("<bob>", PathError::NoDomain),
            ("<bob", PathError::NoDomain),
            ("<a b@example.com>", PathError::Local),
            ("<a@b@example.com>", PathError::Domain),
            ("<\"a@example.com>", PathError::Local),
            ("<\"a\u{7}\"@example.com>", PathError::Local),
            ("<\"a\"b@example.com>", PathError::Local),
            ("<a\u{202e}b@example.com>", PathError::Local),
            ("<a\u{a0}b@example.com>", PathError::Local),
            ("<bob@example.com.>", PathError::Domain),
            ("<bob@bücher.example.>", PathError::Domain),
            ("<bob@.example.com>", PathError::Domain),
            ("<bob@exa$mple.com>", PathError::Domain),
            ("<bob@>", PathError::Domain),
            ("<bob@192.0.2.1>", PathError::Literal),
            ("<bob@[192.0.2.256]>", PathError::Domain),
            ("<bob@[example.com]>", PathError::Domain),
            ("<bob@[IPv6:::g]>", PathError::Domain),
            ("<bob@[192.0.2.1>", PathError::Domain),
        ] {
            assert_eq!(forward_path(text), Err(why), "{text}");
        }
        let long = format!("<{}@example.com>", "a".repeat(MAX_LOCAL + 1));
        assert_eq!(forward_path(&long), Err(PathError::LocalTooLong));
        let long = format!("<a@{}.example>", "a".repeat(64));
        assert_eq!(forward_path(&long), Err(PathError::Domain));
    }

    proptest! {
        #[test]
        fn no_text_is_read_as_more_than_it_is(text in "[<>@\"\\\\\\[\\]:,. a-cé\u{202e}\r\n]{0,40}|\\PC{0,60}") {
            if let Ok((ForwardPath::Mailbox(mailbox), rest)) = forward_path(&text) {
                prop_assert!(text.contains(mailbox.address));
                prop_assert!(text.ends_with(rest));
                prop_assert!(!mailbox.address.contains(is_harmful));
                prop_assert!(mailbox.domain.is_ascii());
                prop_assert_eq!(&*mailbox.domain, mailbox.domain.to_ascii_lowercase());
                // What was read is read again as the same.
                prop_assert_eq!(address(mailbox.address), Ok(mailbox.clone()));
            }
            let _ = reverse_path(&text);
        }
    }
}
