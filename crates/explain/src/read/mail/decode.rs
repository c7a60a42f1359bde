//! Bytes of a mail as text: transfer encodings, charsets, encoded words, HTML.

use std::borrow::Cow;

use mail_parser::{
    HeaderValue,
    decoders::{base64::base64_decode, charsets::map::charset_decoder},
    parsers::MessageStream,
};
use memchr::{memchr, memmem};

/// Of one part so much is decoded, in bytes.
const MOST: usize = 1024 * 1024;
/// A `<` without a `>` within so many bytes begins no tag.
const LONGEST_TAG: usize = 1024;

/// The value of a header field on one line, with its encoded words decoded (RFC 2047).
pub(super) fn field_value(raw: &[u8]) -> Cow<'_, str> {
    let raw = raw.trim_ascii();
    if memmem::find(raw, b"=?").is_some() {
        let mut whole = raw.get(..raw.len().min(MOST)).unwrap_or_default().to_vec();
        whole.push(b'\n');
        if let HeaderValue::Text(text) = MessageStream::new(&whole).parse_unstructured() {
            return Cow::Owned(text.trim().to_owned());
        }
    }
    let text = in_charset(raw, "");
    if memchr(b'\n', text.as_bytes()).is_some() { Cow::Owned(unfold(&text)) } else { text }
}

/// One line out of folded ones (RFC 5322 section 2.2.3).
pub(super) fn unfold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = if out.is_empty() { line } else { line.trim_start() };
        if !out.is_empty() && !out.ends_with(' ') && !line.is_empty() {
            out.push(' ');
        }
        out.push_str(line);
    }
    out
}

/// The text of a body, its transfer encoding and charset undone. A label that the bytes
/// belie is not believed.
pub(super) fn body<'a>(raw: &'a [u8], encoding: &str, charset: &str) -> Cow<'a, str> {
    let raw = raw.get(..raw.len().min(MOST)).unwrap_or_default();
    let encoding = encoding.trim();
    let decoded = if encoding.eq_ignore_ascii_case("quoted-printable") {
        Some(quoted_printable(raw))
    } else if encoding.eq_ignore_ascii_case("base64") || looks_base64(raw) {
        base64(raw)
    } else {
        None
    };
    match decoded {
        Some(bytes) => {
            let text = in_charset(&bytes, charset);
            // The decoded text has line ends of its own.
            if text.contains('\r') {
                return Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
            }
            Cow::Owned(text.into_owned())
        }
        None => in_charset(raw, charset),
    }
}

/// Base64 that nobody announced: nothing but its alphabet, in long lines.
fn looks_base64(raw: &[u8]) -> bool {
    let raw = raw.trim_ascii();
    let first = raw.get(..memchr(b'\n', raw).unwrap_or(raw.len())).unwrap_or_default();
    let letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n');
    first.len() >= 60 && first.len() <= 80 && raw.iter().all(letter)
}

/// None where it is no base64. What follows the encoded lines, such as an advertisement
/// that a list added, is dropped.
fn base64(raw: &[u8]) -> Option<Vec<u8>> {
    let letter =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=') || b.is_ascii_whitespace();
    let end = raw.iter().position(|b| !letter(b)).unwrap_or(raw.len());
    let clean = raw.get(..end)?;
    if clean.trim_ascii().len() < 4 || end < raw.len() / 2 {
        return None;
    }
    base64_decode(clean).filter(|bytes| !bytes.is_empty())
}

/// Takes what is no valid escape as it is.
fn quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr(b'=', rest) {
        let (before, escape) = rest.split_at(at);
        out.extend_from_slice(before);
        let after = escape.get(1..).unwrap_or_default();
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        rest = match after {
            [b'\n', rest @ ..] => rest,
            [a, b, rest @ ..] if hex(*a).is_some() && hex(*b).is_some() => {
                out.push(hex(*a).unwrap_or_default() << 4 | hex(*b).unwrap_or_default());
                rest
            }
            _ => {
                let blank = after.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                match after.get(blank) {
                    Some(b'\n') if blank > 0 => after.get(blank + 1..).unwrap_or_default(),
                    _ => {
                        out.push(b'=');
                        after
                    }
                }
            }
        };
    }
    out.extend_from_slice(rest);
    out
}

/// Text out of bytes of that charset; valid UTF-8 is UTF-8 whatever its label says.
fn in_charset<'a>(bytes: &'a [u8], charset: &str) -> Cow<'a, str> {
    let escapes = memmem::find(bytes, b"\x1b$").is_some() || memmem::find(bytes, b"\x1b(").is_some();
    let label = charset.trim().as_bytes();
    // The few charsets beside ISO-2022 whose bytes are valid UTF-8 and yet mean other letters.
    let label_is = |names: &[&[u8]]| names.iter().any(|n| label.eq_ignore_ascii_case(n));
    let stateful = (label_is(&[b"utf-7", b"unicode-1-1-utf-7"]) && memchr(b'+', bytes).is_some())
        || (label_is(&[b"utf-16", b"utf-16le", b"utf-16be"]) && memchr(0, bytes).is_some())
        || (label_is(&[b"hz-gb-2312"]) && memchr(b'~', bytes).is_some());
    match std::str::from_utf8(bytes) {
        Ok(text) if !escapes && !stateful => Cow::Borrowed(text),
        Ok(_) | Err(_) => {
            let label = if escapes { b"iso-2022-jp" } else { label };
            let utf8 = label.eq_ignore_ascii_case(b"utf-8") || label.eq_ignore_ascii_case(b"utf8");
            match charset_decoder(label).filter(|_| !label.is_empty() && !utf8) {
                Some(decode) => Cow::Owned(decode(bytes)),
                None => String::from_utf8_lossy(bytes),
            }
        }
    }
}

/// What a reader sees of an HTML page: blocks on lines of their own, no tags, entities
/// resolved.
pub(super) fn html(source: &str) -> String {
    let mut out = String::with_capacity(source.len() / 2);
    let mut rest = source;
    let mut page = Page { skip: true, pre: false };
    while let Some(at) = memchr(b'<', rest.as_bytes()) {
        let (text, tagged) = rest.split_at(at);
        push_text(&mut out, text, page.pre);
        rest = tag(&mut out, tagged, &mut page);
    }
    push_text(&mut out, rest, page.pre);
    out.push('\n');
    out
}

/// How a page is read from here on.
struct Page {
    /// Invisible elements are passed over. Taken back once one never ends: its end is not
    /// looked for again and again.
    skip: bool,
    /// Line ends are such.
    pre: bool,
}

/// Passes the tag that `source` begins with; returns what follows it.
fn tag<'a>(out: &mut String, source: &'a str, page: &mut Page) -> &'a str {
    if let Some(comment) = source.strip_prefix("<!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let inner = source.get(1..).unwrap_or_default();
    let name = inner.trim_start_matches('/');
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let name = name.get(..end).unwrap_or_default();
    let close = memchr(b'>', inner.as_bytes().get(..LONGEST_TAG.min(inner.len())).unwrap_or_default());
    let Some(close) = close.filter(|_| !name.is_empty() || inner.starts_with('!')) else {
        out.push('<');
        return inner;
    };
    let (tag, after) = inner.split_at(close);
    let after = after.get(1..).unwrap_or_default();
    // `<user@example.com>` in a page that forgot to escape it.
    if tag.contains('@') && !tag.contains([' ', '=']) {
        out.push('<');
        out.push_str(tag);
        out.push('>');
        return after;
    }
    let is = |names: &[&str]| names.iter().any(|n| name.eq_ignore_ascii_case(n));
    if is(&["script", "style", "head", "title", "template"]) && !inner.starts_with('/') && page.skip {
        let end = skip_element(after, name);
        page.skip = end.is_some();
        return end.unwrap_or(after);
    }
    if is(&["pre"]) {
        page.pre = !inner.starts_with('/');
    }
    if is(&[
        "br",
        "p",
        "div",
        "tr",
        "li",
        "ul",
        "ol",
        "table",
        "pre",
        "h1",
        "h2",
        "h3",
        "h4",
        "blockquote",
        "hr",
    ]) {
        let blanks = out.len() - out.trim_end_matches([' ', '\t']).len();
        out.truncate(out.len() - blanks);
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
    } else if is(&["td", "th"]) && !out.ends_with([' ', '\n']) {
        out.push(' ');
    }
    after
}

/// What follows the element's end; none where it never ends.
fn skip_element<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(at) = memmem::find(source.as_bytes().get(from..).unwrap_or_default(), b"</") {
        let begin = from + at + 2;
        let after = source.get(begin..).unwrap_or_default();
        if after.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name)) {
            return Some(after.split_once('>').map_or("", |(_, rest)| rest));
        }
        from = begin;
    }
    None
}

fn push_text(out: &mut String, text: &str, pre: bool) {
    let mut blank = out.is_empty() || out.ends_with([' ', '\n']);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut next = rest.get(c.len_utf8()..).unwrap_or_default();
        let c = if c == '&' {
            let (c, after) = entity(rest);
            next = after;
            c
        } else {
            c
        };
        if pre && c == '\n' {
            out.push('\n');
            blank = true;
        } else if c.is_whitespace() {
            if !blank {
                out.push(' ');
            }
            blank = true;
        } else {
            out.push(c);
            blank = false;
        }
        rest = next;
    }
}

/// The character that `source`, which begins with `&`, stands for.
fn entity(source: &str) -> (char, &str) {
    let plain = ('&', source.get(1..).unwrap_or_default());
    let Some(end) = source.bytes().take(10).position(|b| b == b';') else { return plain };
    let name = source.get(1..end).unwrap_or_default();
    let numbered = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let found = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "shy" => Some('\u{ad}'),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        "rsquo" => Some('’'),
        "lsquo" => Some('‘'),
        "ldquo" => Some('“'),
        "rdquo" => Some('”'),
        "auml" => Some('ä'),
        "ouml" => Some('ö'),
        "uuml" => Some('ü'),
        "szlig" => Some('ß'),
        "eacute" => Some('é'),
        "egrave" => Some('è'),
        "agrave" => Some('à'),
        "ccedil" => Some('ç'),
        _ => match name.strip_prefix('#') {
            Some(hex) if hex.starts_with(['x', 'X']) => numbered(hex.get(1..).unwrap_or_default(), 16),
            Some(digits) => numbered(digits, 10),
            None => None,
        },
    };
    found.map_or(plain, |c| (c, source.get(end + 1..).unwrap_or_default()))
}
