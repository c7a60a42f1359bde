//! Header fields: folded, and safe against values that would end them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::text::neutralise;

/// Lines are folded here where they can be, in bytes (RFC 5322 section 2.1.1).
const WIDTH: usize = 76;
/// No line is longer, in bytes; RFC 5322 allows 998.
const LONGEST: usize = 960;
/// Characters of a value that are written.
const MOST_CHARS: usize = 8_000;

/// A header that is being written.
#[derive(Debug, Clone)]
pub struct Header {
    text: String,
    international: bool,
}

impl Header {
    /// A header of ASCII alone. What is not ASCII is written out as `\x{E9}`, in
    /// [`Header::unstructured`] as an encoded word.
    pub fn ascii() -> Self {
        Self { text: String::new(), international: false }
    }

    /// A header with UTF-8 in it (RFC 6532), for messages that go by SMTPUTF8.
    pub fn international() -> Self {
        Self { text: String::new(), international: true }
    }

    /// Adds a field. Control characters are written out, runs of blanks become one, long
    /// values are folded between words.
    pub fn field(&mut self, name: &str, value: &str) -> &mut Self {
        let value = self.safe(value);
        self.push(name, value.split(' '))
    }

    /// Adds a field whose parts are never folded nor changed inside: an address may hold
    /// blanks that count.
    pub fn whole<'a>(&mut self, name: &str, parts: impl IntoIterator<Item = &'a str>) -> &mut Self {
        let parts: Vec<String> = parts.into_iter().map(|part| self.safe(part)).collect();
        self.push(name, parts.iter().map(String::as_str))
    }

    /// Adds a field of free text, as `Subject`: what is not ASCII becomes encoded words
    /// (RFC 2047).
    pub fn unstructured(&mut self, name: &str, value: &str) -> &mut Self {
        let value = neutralise(value.as_bytes(), MOST_CHARS);
        if self.international || value.is_ascii() {
            return self.push(name, value.split(' '));
        }
        let words = encoded_words(&value);
        self.push(name, words.iter().map(String::as_str))
    }

    /// Adds a field with one mailbox: `Name <address>`. The name is of ASCII.
    pub fn mailbox(&mut self, name: &str, display: &str, address: &str) -> &mut Self {
        let address = format!("<{}>", addr_spec(address, self.international));
        if display.is_empty() {
            return self.whole(name, [address.as_str()]);
        }
        let quoted = display.chars().filter(|c| (*c == ' ' || c.is_ascii_graphic()) && !"\"\\".contains(*c));
        let display = format!("\"{}\"", quoted.collect::<String>());
        self.whole(name, [display.as_str(), address.as_str()])
    }

    /// The fields, each line ending in CRLF, without the empty line behind them.
    pub fn finish(&self) -> &str {
        &self.text
    }

    fn safe(&self, value: &str) -> String {
        let value = neutralise(value.as_bytes(), MOST_CHARS);
        if self.international || value.is_ascii() { value } else { escaped(&value) }
    }

    fn push<'a>(&mut self, name: &str, words: impl Iterator<Item = &'a str>) -> &mut Self {
        self.text.push_str(name);
        self.text.push(':');
        let mut column = name.len() + 1;
        let mut first = true;
        for word in words.flat_map(pieces) {
            if !first && column + 1 + word.len() > WIDTH || column + 1 + word.len() > LONGEST {
                self.text.push_str("\r\n");
                column = 0;
            }
            self.text.push(' ');
            self.text.push_str(word);
            column += 1 + word.len();
            first = false;
        }
        self.text.push_str("\r\n");
        self
    }
}

/// A word, or the parts of one that no line could hold. A word without anything visible is
/// none: a line that looks empty must not come of it.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = if word.chars().all(char::is_whitespace) { "" } else { word };
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, left) = rest.split_at(rest.floor_char_boundary(LONGEST / 2).min(rest.len()));
        rest = left;
        Some(piece)
    })
}

/// What is not ASCII in the form that RFC 6533 section 3 has for addresses: `\x{E9}`.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
        }
    }
    out
}

/// Encoded words of at most 75 characters (RFC 2047 section 2).
fn encoded_words(text: &str) -> Vec<String> {
    // 45 bytes become 60 characters, and the frame has 12.
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(rest.floor_char_boundary(45));
        words.push(format!("=?UTF-8?B?{}?=", STANDARD.encode(piece)));
        rest = left;
    }
    words
}

/// An address as it stands between `<` and `>` (RFC 5322 section 3.4.1): a local part that
/// is neither a dot-atom nor quoted is quoted, and what no address can hold is left out.
fn addr_spec(address: &str, international: bool) -> String {
    let fits = |c: &char| !c.is_control() && (international || c.is_ascii());
    let (local, domain) = match address.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (address, None),
    };
    let local: String = local.chars().filter(fits).collect();
    let local = if is_dot_atom(&local) || is_quoted(&local) {
        local
    } else {
        format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\""))
    };
    let Some(domain) = domain else { return local };
    let in_domain = |c: &char| c.is_ascii_alphanumeric() || "-.[]:_".contains(*c) || !c.is_ascii();
    format!("{local}@{}", domain.chars().filter(fits).filter(in_domain).collect::<String>())
}

fn is_dot_atom(text: &str) -> bool {
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii();
    !text.is_empty() && text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext))
}

fn is_quoted(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        if c == '"' || (c == '\\' && chars.next().is_none()) {
            return false;
        }
    }
    true
}

/// A moment as messages have it: `Fri, 27 Nov 2026 20:32:57 +0000`. Seconds since
/// 1970-01-01 UTC; what lies outside of the years 1 to 9999 is written as 1970.
pub fn date(at: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc2822).or_else(|_| OffsetDateTime::UNIX_EPOCH.format(&Rfc2822)).unwrap_or_default()
}

/// The identification of a message, `<…@…>`, where its header has one that may be quoted in
/// another (RFC 5322 section 3.6.4).
pub fn message_id_of(header: &[u8]) -> Option<String> {
    let fields = crate::message::fields(header);
    let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case("Message-ID"))?;
    let id = field.value.trim();
    let inside = id.strip_prefix('<')?.strip_suffix('>')?;
    let fits = inside.len() <= 250 && inside.contains('@') && inside.bytes().all(|b| b.is_ascii_graphic());
    (fits && !inside.contains(['<', '>'])).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_folded_between_words_and_never_end_the_field() {
        let mut header = Header::ascii();
        header.field("X-Text", &"word ".repeat(40)).field("X-Evil", "a\r\nBcc: eve@example.com\x1b");
        for line in header.finish().split_terminator("\r\n") {
            assert!(line.len() <= WIDTH + 1, "{line}");
            assert!(line.starts_with("X-") || line.starts_with(" word"), "{line}");
        }
        assert!(header.finish().ends_with("X-Evil: a\\x0d\\x0aBcc: eve@example.com\\x1b\r\n"));
    }

    #[test]
    fn addresses_are_quoted_where_they_must_be() {
        for (address, written) in [
            ("bob@example.com", "bob@example.com"),
            ("\"b  b\"@example.com", "\"b  b\"@example.com"),
            ("b b@example.com", "\"b b\"@example.com"),
            ("a>,<eve@example.com", "\"a>,<eve\"@example.com"),
            ("a\"b@example.com", "\"a\\\"b\"@example.com"),
            ("a..b@exa>mple.com", "\"a..b\"@example.com"),
            ("a@[192.0.2.1]", "a@[192.0.2.1]"),
            ("postmaster", "postmaster"),
            ("a\r\nX: y@example.com", "\"aX: y\"@example.com"),
        ] {
            assert_eq!(addr_spec(address, false), written);
        }
        assert_eq!(addr_spec("bücher@bücher.example", true), "bücher@bücher.example");
    }

    #[test]
    fn moments_and_subjects_are_written_as_the_standards_say() {
        assert_eq!(date(1_795_811_577), "Fri, 27 Nov 2026 20:32:57 +0000");
        assert_eq!(date(i64::MAX), "Thu, 01 Jan 1970 00:00:00 +0000");
        let mut header = Header::ascii();
        header.unstructured("Subject", "für bücher@example.com");
        assert_eq!(header.finish(), "Subject: =?UTF-8?B?ZsO8ciBiw7xjaGVyQGV4YW1wbGUuY29t?=\r\n");
    }

    #[test]
    fn only_a_plain_message_id_is_quoted() {
        let of = |header: &str| message_id_of(header.as_bytes());
        assert_eq!(of("From: a\r\nMessage-Id: <1@example.com>\r\n\r\n"), Some("<1@example.com>".into()));
        for bad in [
            "Message-Id: 1@example.com\r\n",
            "Message-Id: <1@b> <2@c>\r\n",
            "Message-Id: <é@b>\r\n",
            "X: y\r\n",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_gets_out_of_its_field(value in "(\\PC|\r|\n|\u{1b}| |é|aaaaaaaaaaaaaaaaaaaaaaaa){0,400}", utf8: bool) {
            let mut header = if utf8 { Header::international() } else { Header::ascii() };
            header.field("A", &value).whole("B", [value.as_str(), "x"]).unstructured("C", &value);
            header.mailbox("D", &value, &value);
            let mut starts = String::new();
            for line in header.finish().split_terminator("\r\n") {
                prop_assert!(line.len() <= 998 && !line.contains(['\r', '\n']));
                prop_assert!(utf8 || line.is_ascii());
                prop_assert!(line.chars().any(|c| !c.is_whitespace()), "a line that looks empty");
                if !line.starts_with(' ') {
                    starts.extend(line.chars().next());
                }
            }
            prop_assert_eq!(starts, "ABCD");
        }
    }
}
