//! Values of machine-readable fields: replies, hosts, addresses, times.

use std::net::IpAddr;

use mail_parser::DateTime;
use waxseal_model::mail::EnhancedStatus;
use waxseal_wire::{dsn::from_unitext, text::neutralise};

/// The longest text of an event, in characters.
const LONGEST: usize = 4000;
/// The longest address, in characters (RFC 5321 section 4.5.3.1, with room for old X.400 ones).
const LONGEST_ADDRESS: usize = 400;

/// On one line, with single spaces, control characters neutralised.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for word in text.split_whitespace() {
        if line.len() > LONGEST * 4 {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    neutralise(line.as_bytes(), LONGEST)
}

/// What follows the type in `smtp; 550 …`, `rfc822;user@example.com`. A value without a type
/// is given whole.
pub(super) fn typed(value: &str) -> (&str, &str) {
    let value = value.trim();
    let Some((kind, rest)) = value.split_once(';') else { return ("", value) };
    let kind = kind.trim();
    let known = [
        "smtp", "esmtp", "lmtp", "dns", "dsn", "rfc822", "utf-8", "unknown", "x400", "x500", "local", "mail",
        "uucp", "ip",
    ];
    let is_type = known.iter().any(|k| kind.eq_ignore_ascii_case(k))
        || kind.get(..2).is_some_and(|x| x.eq_ignore_ascii_case("x-")) && !kind.contains(char::is_whitespace);
    if is_type { (kind, rest.trim()) } else { ("", value) }
}

/// A reply of several lines that was folded into one: the code stands once, before its text.
pub(super) fn joined_reply(text: &str) -> String {
    let line = one_line(text);
    let Some(code) = line.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit())) else {
        return line;
    };
    if line.as_bytes().get(3) != Some(&b'-') {
        return line;
    }
    let mut out = vec![code];
    let mut words = line.split(' ').peekable();
    let mut first = true;
    while let Some(word) = words.next() {
        match word.strip_prefix(code) {
            Some("") => {
                // The last line: its code and status repeat those of the first.
                words.next_if(|next| EnhancedStatus::parse(next).is_some());
                out.extend(words);
                break;
            }
            Some(rest) if rest.starts_with('-') => {
                let rest = rest.trim_start_matches('-');
                let repeated = rest.is_empty() || (!first && EnhancedStatus::parse(rest).is_some());
                out.extend((!repeated).then_some(rest));
            }
            _ => out.push(word),
        }
        first = false;
    }
    out.join(" ")
}

/// The enhanced code that a text states: one that follows a reply code counts more than
/// others, the last more than those before it (inner replies are quoted after their
/// wrapper), one that says something (`5.1.1`) more than one that does not (`5.0.0`).
pub(super) fn status_in(text: &str) -> Option<EnhancedStatus> {
    let mut best: Option<(u8, EnhancedStatus)> = None;
    let mut after_code = false;
    for word in text.split([' ', '<', '>', '(', ')', '[', ']', ',', ';']).take(600) {
        let (code, rest) = leading_code(word);
        let follows = after_code || code;
        let rest = rest.trim_matches(['\'', '"', '#', ':', '-', '=']);
        let found = EnhancedStatus::parse(rest.trim_end_matches('.')).filter(|s| s.subject <= 7);
        if let Some(status) = found {
            let rank = u8::from(follows) + 2 * u8::from(says_something(status));
            if best.is_none_or(|(best, _)| rank > best || (rank == best && follows)) {
                best = Some((rank, status));
            }
        }
        after_code = code && rest.is_empty();
    }
    best.map(|(_, status)| status)
}

/// Whether the word begins with a reply code (`550`, `550-5.1.1`, `550-'5.7.1`), and what
/// follows the code.
fn leading_code(word: &str) -> (bool, &str) {
    let word = word.trim_start_matches(['\'', '"', '#']);
    let code =
        word.get(..3).is_some_and(|c| c.starts_with(['4', '5']) && c.bytes().all(|b| b.is_ascii_digit()));
    let rest = word.get(3..).unwrap_or_default();
    if code && (rest.is_empty() || rest.starts_with(['-', ':'])) { (true, rest) } else { (false, word) }
}

/// False for `5.0.0` and the like.
pub(super) fn says_something(status: EnhancedStatus) -> bool {
    status.subject != 0 || status.detail != 0
}

/// The status that a field gives: `5.1.1 (bad address)`.
pub(super) fn status_field(field: &str) -> Option<EnhancedStatus> {
    let mut words = field.split([' ', '\t', '(', ';']).filter(|word| !word.is_empty()).take(3);
    words.find_map(|word| EnhancedStatus::parse(word.trim_end_matches('.')))
}

/// The status of a recipient: what the other side's own words state beats the field, which
/// the reporting program may have made up; one that says nothing beats nothing.
pub(in super::super) fn status(field: Option<EnhancedStatus>, text: &str) -> Option<EnhancedStatus> {
    match (status_in(text), field) {
        (Some(text), Some(field)) if !says_something(text) => {
            Some(if says_something(field) { field } else { text })
        }
        (Some(text), _) => Some(text),
        (None, field) => field,
    }
}

/// Words that stand for "it failed", and say no more.
const EMPTY: &str = "smtp esmtp error status the message mail delivery failed failure service unavailable undefined \
    unknown unspecified permanent temporary transaction null none not delivered undeliverable deferred reason to \
    deliver could be will continue trying this action delayed your other or was is sorry has have been following these \
    recipient recipients group groups couldn address addresses it sent returned see below";

/// True for a text that names no reason: codes and phrases that stand for "it failed".
pub(in super::super) fn says_nothing(text: &str) -> bool {
    let named = text.split_whitespace().filter(|word| !word.contains('@'));
    let words = named.flat_map(|word| word.split(|c: char| !c.is_alphabetic())).filter(|word| word.len() > 1);
    let empty = |word: &str| EMPTY.split_whitespace().any(|e| e.eq_ignore_ascii_case(word));
    words.take(12).all(empty)
}

/// The text's letters alone: line breaks, folds and repeated codes do not matter.
pub(super) fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).take(2000).collect()
}

/// True where one text says what the other does.
pub(in super::super) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (letters(one), letters(other));
    one.contains(&other) || other.contains(&one)
}

/// A host and its address out of `dns; mx.example.net (192.0.2.1)`, `dns; [192.0.2.1]`,
/// `dns;mx.example.net (TCP|192.0.2.9|4711|192.0.2.1|25)`, `mx.example.net[192.0.2.1]:25`.
pub(super) fn host(value: &str) -> (Option<String>, Option<IpAddr>) {
    let (_, value) = typed(value);
    let end = value
        .find(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '|' | ';' | ','))
        .unwrap_or(value.len());
    let name = value.get(..end).unwrap_or_default().trim_matches(['<', '>', '.', '"']);
    let rest = value.get(end..).unwrap_or_default();
    let address = match name.parse() {
        Ok(address) => Some(address),
        Err(_) => address_in(rest),
    };
    let good = name.parse::<IpAddr>().is_err()
        && name.len() <= 255
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'));
    (good.then(|| neutralise(name.as_bytes(), 255)), address)
}

/// The last IP address in brackets, parentheses or bars: what comes before it is our side.
fn address_in(text: &str) -> Option<IpAddr> {
    let words =
        text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '|' | ',' | ';'));
    words.take(60).filter_map(|word| word.trim_start_matches("IPv6:").parse().ok()).last()
}

/// A mailbox out of `rfc822; <user@example.com>`; none for pipes, files and routes.
pub(super) fn mailbox(value: &str) -> Option<String> {
    let (kind, value) = typed(value);
    // `user@example.com (a comment)`
    let value = value.split(" (").next().unwrap_or_default();
    let value = value.trim().trim_matches(['<', '>']).trim();
    let value = value.strip_prefix("mailto:").unwrap_or(value);
    let wrong = value.is_empty()
        || value.starts_with(['|', '/', '@', ':'])
        || value.contains('<')
        || (value.contains(char::is_whitespace) && !value.starts_with('"'));
    if wrong || kind.eq_ignore_ascii_case("x400") || kind.eq_ignore_ascii_case("x-unix") {
        return None;
    }
    let address = if kind.eq_ignore_ascii_case("utf-8") { from_unitext(value) } else { unxtext(value) };
    Some(neutralise(address.as_bytes(), LONGEST_ADDRESS))
}

/// Undoes xtext (RFC 3461 section 4) where it is certain: `+2B` and `+3D`, the two
/// characters that must be written so.
fn unxtext(value: &str) -> String {
    value.replace("+2B", "+").replace("+3D", "=")
}

/// Seconds since 1970 of a date as mails have them.
pub(in super::super) fn time(value: &str) -> Option<i64> {
    let date = DateTime::parse_rfc822(value.trim()).filter(DateTime::is_valid)?;
    (date.year > 1970).then(|| date.to_timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status_of(text: &str) -> String {
        status_in(text).map(|s| s.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_reply_of_several_lines_has_its_code_once() {
        for (folded, joined) in [
            (
                "550-5.1.1 The account\n 550-5.1.1 does not\n 550 5.1.1 exist. x1 - gsmtp",
                "550 5.1.1 The account does not exist. x1 - gsmtp",
            ),
            ("550-No\n 550 such user 550", "550 No such user 550"),
            ("550 5.1.1 <a@example.com>: unknown", "550 5.1.1 <a@example.com>: unknown"),
            ("421-4.7.0", "421 4.7.0"),
            ("no code", "no code"),
            ("", ""),
        ] {
            assert_eq!(joined_reply(folded), joined);
        }
    }

    #[test]
    fn the_inner_code_that_says_something_counts() {
        for (text, status) in [
            ("550 5.1.1 no such user", "5.1.1"),
            (
                "554 4.4.7 Message expired: unable to deliver in 60 minutes.<421 4.4.2 Connection timed out>",
                "4.4.2",
            ),
            ("5.1.0 - Unknown address error 550-'5.7.1 <x@example.com>... Access denied'", "5.7.1"),
            ("501 validation failed: not accepted: 5.7.1 no relay", "5.7.1"),
            ("550 #5.1.0 Address rejected.", "5.1.0"),
            ("554 5.0.0 Service unavailable", "5.0.0"),
            ("550 5.7.1 rejected by Exim 4.94.2 at 5.0.0", "5.7.1"),
            ("552 mailbox full (10.0.0.1)", ""),
        ] {
            assert_eq!(status_of(text), status, "{text}");
        }
        let field = status_field("5.2.1 (mailbox disabled)");
        assert_eq!(status(field, "550 no").unwrap().to_string(), "5.2.1");
        assert_eq!(status(field, "550 5.0.0 no").unwrap().to_string(), "5.2.1");
        assert_eq!(status(field, "550 5.7.1 no").unwrap().to_string(), "5.7.1");
    }

    #[test]
    fn hosts_and_addresses_are_told_apart() {
        let of = |value| {
            let (name, address) = host(value);
            (name.unwrap_or_default(), address.map(|a| a.to_string()).unwrap_or_default())
        };
        for (value, name, address) in [
            ("dns; mx.example.net (192.0.2.1)", "mx.example.net", "192.0.2.1"),
            ("dns; [192.0.2.1]", "", "192.0.2.1"),
            ("192.0.2.1", "", "192.0.2.1"),
            (
                "dns;mx.example.net (TCP|192.0.2.9|4711|192.0.2.1|25) (mx ESMTP)",
                "mx.example.net",
                "192.0.2.1",
            ),
            (
                "dns; mx.example.net. (2001:db8::1, the server for the domain example.net.)",
                "mx.example.net",
                "2001:db8::1",
            ),
            ("smtp;mx", "mx", ""),
            ("dns; ", "", ""),
        ] {
            assert_eq!(of(value), (name.to_owned(), address.to_owned()), "{value}");
        }
    }

    #[test]
    fn only_mailboxes_are_recipients() {
        for (value, wanted) in [
            ("rfc822; bob@example.net", Some("bob@example.net")),
            ("RFC822;<bob@example.net>", Some("bob@example.net")),
            ("rfc822; \"b o b\"@example.net", Some("\"b o b\"@example.net")),
            ("rfc822;bob+2Btag@example.net", Some("bob+tag@example.net")),
            ("utf-8; bücher@example.net", Some("bücher@example.net")),
            (r"utf-8; b\x{FC}cher+h@example.net", Some("bücher+h@example.net")),
            ("rfc822;|/usr/bin/procmail", None),
            ("rfc822;@relay.example:bob@example.net", None),
            ("X-Unix; |/bin/x", None),
            ("", None),
        ] {
            assert_eq!(mailbox(value).as_deref(), wanted, "{value}");
        }
    }

    #[test]
    fn empty_phrases_say_nothing() {
        for text in [
            "",
            "smtp; 550",
            "554 5.0.0 Service unavailable",
            "delivery failed; will not continue trying",
            "71",
        ] {
            assert!(says_nothing(text), "{text}");
        }
        for text in ["550 User unknown", "554 Host unknown", "550 Rejected", "Over quota"] {
            assert!(!says_nothing(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(550|5\\.1\\.1|-|<|>|\\(| |;|é|\\n|[a-z]|@|\\[|\\|){0,40}") {
            joined_reply(&text);
            status_in(&text);
            host(&text);
            mailbox(&text);
            says_nothing(&text);
            time(&text);
        }
    }
}
