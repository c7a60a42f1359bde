//! What happens to a text on its way through editors, mails, tickets and terminals, undone:
//! encodings, byte order marks, colours, quote marks, code fences, indents, typographic
//! quotes, HTML.

use std::borrow::Cow;

/// Marks that Windows' encoding 1252 has in the place of control characters, from 0x80.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text as UTF-8 without a byte order mark and without blank lines in front. Bytes that
/// are neither UTF-16 nor marked stay as they are.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    let decoded = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        _ => match unmarked_utf16(bytes) {
            Some(order) => Cow::Owned(utf16(bytes, order)),
            None => Cow::Borrowed(bytes),
        },
    };
    match decoded {
        Cow::Borrowed(bytes) => Cow::Borrowed(from_first_line(bytes)),
        Cow::Owned(bytes) => Cow::Owned(from_first_line(&bytes).to_vec()),
    }
}

/// How two bytes make a number.
type Order = fn([u8; 2]) -> u16;

/// A text in which every other byte is zero is UTF-16 of a European language.
fn unmarked_utf16(bytes: &[u8]) -> Option<Order> {
    let head = bytes.get(..bytes.len().min(256))?;
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let enough = head.len() / 2 * 7 / 10;
    match (even, odd) {
        _ if head.len() < 8 => None,
        (0, odd) if odd >= enough => Some(u16::from_le_bytes),
        (even, 0) if even >= enough => Some(u16::from_be_bytes),
        _ => None,
    }
}

fn utf16(bytes: &[u8], order: Order) -> Vec<u8> {
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [a, b] => order([*a, *b]),
        _ => 0xfffd,
    });
    char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect::<String>().into_bytes()
}

/// Without the blank lines in front; a first line that is indented stays so.
fn from_first_line(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|b| *b == b'\n') {
        let (line, more) = rest.split_at(end + 1);
        if !line.trim_ascii().is_empty() {
            break;
        }
        rest = more;
    }
    rest
}

/// True for bytes that no editor would show.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let odd = head.iter().filter(|b| **b < 0x20 && !b"\t\n\r\x0c\x1b\x08".contains(b)).count();
    odd * 20 > head.len() || head.iter().filter(|b| **b == 0).count() * 50 > head.len()
}

/// The lines of a pasted text, each without what belongs to its way and not to its words:
/// line ends, colours, quote marks, the common indent, typographic quotes, HTML. Reads at
/// most `most` bytes.
pub(super) fn lines(bytes: &[u8], most: usize) -> Vec<String> {
    let bytes = bytes.get(..bytes.len().min(most)).unwrap_or_default();
    let text = plain(bytes);
    let text = if has_html(&text) { from_html(&text) } else { text };
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let lines = without_fences(&lines);
    let lines = without_quote_marks(lines);
    without_indent(&lines)
}

/// The whole as bytes again, for readers that want them; none where nothing was to be
/// taken away.
pub(super) fn unwrapped(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = bytes;
    let marked = head.contains(&0x1b)
        || head.starts_with(b"```")
        || head.starts_with(b">")
        || head.starts_with(b" ")
        || head.starts_with(b"\t")
        || head.starts_with(b"|");
    if !marked {
        return None;
    }
    let text = plain(bytes);
    let lines: Vec<&str> = text.lines().collect();
    let lines = without_fences(&lines);
    let mut whole = without_indent(&without_quote_marks(lines)).join("\n");
    whole.push('\n');
    (whole.as_bytes() != bytes).then(|| whole.into_bytes())
}

/// UTF-8, line feeds alone, no colours, plain quotes and spaces.
fn plain(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let windows = byte.checked_sub(0x80).and_then(|i| WINDOWS_1252.get(usize::from(i)));
            text.push(windows.copied().unwrap_or_else(|| char::from(*byte)));
        }
    }
    let text = without_colours(&text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() == Some(&'\r') || chars.peek() == Some(&'\n') {
                    continue;
                }
                out.push('\n');
            }
            '\u{2028}' | '\u{2029}' | '\u{85}' => out.push('\n'),
            '\u{a0}' | '\u{202f}' | '\u{2007}' | '\u{3000}' | '\u{2002}'..='\u{2006}' | '\u{2009}' => {
                out.push(' ')
            }
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' | '\u{2060}' | '\u{202a}'..='\u{202e}' => {}
            '‘' | '’' | '‚' | '‛' | '′' => out.push('\''),
            '“' | '”' | '„' | '‟' | '«' | '»' => out.push('"'),
            '‐' | '‑' | '–' | '—' | '−' => out.push('-'),
            _ => out.push(c),
        }
    }
    out
}

/// Without the escape sequences of terminals (ECMA-48): CSI to its final byte, OSC to its end.
fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            out.push(c);
            continue;
        }
        match chars.peek() {
            Some('[') => {
                chars.next();
                while let Some(c) = chars.next_if(|c| *c != '\n') {
                    if ('@'..='~').contains(&c) {
                        break;
                    }
                }
            }
            Some(']') => {
                while let Some(c) = chars.next_if(|c| *c != '\n' && *c != '\u{1b}') {
                    if c == '\u{7}' {
                        break;
                    }
                }
            }
            _ => {
                chars.next_if(|c| *c != '\n');
            }
        }
    }
    Cow::Owned(out)
}

/// Without the lines that fence code in, and what is outside of a first fence that holds
/// enough to be the thing itself.
fn without_fences<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let fence = |line: &&str| line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
    if !lines.iter().any(&fence) {
        return lines.to_vec();
    }
    lines.iter().filter(|line| !fence(line)).copied().collect()
}

/// Without `> ` in front where nearly all lines have it, as often as they have it.
fn without_quote_marks(mut lines: Vec<&str>) -> Vec<&str> {
    for _ in 0..4 {
        let filled = lines.iter().filter(|line| !line.trim().is_empty()).count();
        let mark = |line: &&&str| {
            let line = line.trim_start();
            // `> 220` and `>>> RCPT` are directions of a transcript, where others have `<`.
            line.starts_with('>') || line.starts_with("| ") || line == "|"
        };
        let marked = lines.iter().filter(mark).count();
        if marked == 0 || marked * 10 < filled * 9 {
            break;
        }
        lines = lines
            .into_iter()
            .map(|line| {
                let rest = line.trim_start();
                let rest = rest.strip_prefix('>').or_else(|| rest.strip_prefix('|')).unwrap_or(line);
                rest.strip_prefix(' ').unwrap_or(rest)
            })
            .collect();
    }
    lines
}

/// Without the spaces that all lines begin with.
fn without_indent(lines: &[&str]) -> Vec<String> {
    let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(common..).unwrap_or_default().to_owned()).collect()
}

/// True where entities or tags show that a text was copied out of a page's source.
fn has_html(text: &str) -> bool {
    const MARKS: [&str; 14] = [
        "&lt;", "&gt;", "&quot;", "&amp;", "&#39;", "&#039;", "&nbsp;", "&#x27;", "<br", "<BR", "<p>",
        "</p>", "<pre", "</",
    ];
    MARKS.iter().any(|mark| text.contains(mark))
}

/// Tags that pages put around error texts. Everything else in angle brackets is an address.
const TAGS: [&str; 34] = [
    "a",
    "b",
    "blockquote",
    "body",
    "br",
    "code",
    "div",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "hr",
    "html",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "samp",
    "small",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "title",
    "tr",
    "tt",
    "ul",
];

fn from_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        if let Some((c, length)) = entity(found) {
            out.push(c);
            rest = found.get(length..).unwrap_or_default();
        } else if let Some((name, length)) = tag(found) {
            match name.as_str() {
                "br" | "p" | "div" | "tr" | "li" | "pre" | "hr" => out.push('\n'),
                "td" | "th" => out.push(' '),
                _ => {}
            }
            rest = found.get(length..).unwrap_or_default();
        } else {
            let mut chars = found.chars();
            out.extend(chars.next());
            rest = chars.as_str();
        }
    }
    out.push_str(rest);
    out
}

/// The character that a text begins with as an entity, and the entity's length in bytes.
fn entity(text: &str) -> Option<(char, usize)> {
    let inner = text.strip_prefix('&')?;
    let end = inner.bytes().take(10).position(|b| b == b';')?;
    let name = inner.get(..end)?;
    let c = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" | "ldquo" | "rdquo" => '"',
        "apos" | "lsquo" | "rsquo" => '\'',
        "nbsp" => ' ',
        "ndash" | "mdash" => '-',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())?
        }
    };
    Some((c, end + 2))
}

/// The name and the length in bytes of the tag that a text begins with.
fn tag(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('<')?;
    let end = inner.bytes().take(200).position(|b| b == b'>')?;
    let content = inner.get(..end)?.trim_start_matches('/').trim_end_matches('/');
    let name: String = content.chars().take_while(char::is_ascii_alphanumeric).collect();
    let after = content.get(name.len()..)?;
    let known = TAGS.contains(&name.to_ascii_lowercase().as_str());
    let closed = after.is_empty() || after.starts_with(char::is_whitespace);
    (known && closed).then(|| (name.to_ascii_lowercase(), end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tidy(text: &str) -> String {
        lines(text.as_bytes(), 1 << 20).join("\n")
    }

    #[test]
    fn utf16_is_read_with_and_without_its_mark() {
        let le: Vec<u8> = "550 5.7.1 Nö".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "550 5.7.1 Nö".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&le, &be, &[&[0xff, 0xfe][..], &le].concat(), &[&[0xfe, 0xff][..], &be].concat()] {
            assert_eq!(decode(bytes), "550 5.7.1 Nö".as_bytes());
        }
        assert_eq!(decode(b"\xef\xbb\xbf\r\n \n  550 no"), &b"  550 no"[..]);
    }

    #[test]
    fn what_a_paste_adds_is_taken_away() {
        assert_eq!(tidy("> 550-a\r\n> 550 b\r\n"), "550-a\n550 b");
        assert_eq!(tidy(">> 550 a\n>> b"), "550 a\nb");
        assert_eq!(tidy("```text\n550 a\n```\n"), "550 a");
        assert_eq!(tidy("\t550-a\n\t550 b"), "550-a\n550 b");
        assert_eq!(tidy("\u{1b}[1;31m550\u{1b}[0m no\u{1b}]0;x\u{7}"), "550 no");
        assert_eq!(tidy("“550\u{a0}5.1.1 user’s”"), "\"550 5.1.1 user's\"");
        assert_eq!(String::from_utf8_lossy(b"x"), "x");
        assert_eq!(lines(b"\x93550 no\x94 caf\xe9", 100), ["\"550 no\" café"]);
    }

    #[test]
    fn html_is_read_and_addresses_are_no_tags() {
        assert_eq!(tidy("550 &lt;a@example.com&gt;: user&#39;s<br/>box"), "550 <a@example.com>: user's\nbox");
        assert_eq!(tidy("<p>550 5.1.1 <b>no</b></p>"), "\n550 5.1.1 no\n".trim_end());
        assert_eq!(tidy("550 <a@example.com> </b>"), "550 <a@example.com>");
        assert_eq!(tidy("550 <x> &bogus; &#99999999; </"), "550 <x> &bogus; &#99999999; </");
    }

    #[test]
    fn the_arrows_of_a_transcript_are_no_quote_marks() {
        let text = "< 220 hi\n> EHLO x\n< 250 ok";
        assert_eq!(tidy(text), text);
    }

    #[test]
    fn binary_is_told_from_text() {
        assert!(is_binary(&[0, 1, 2, 3, 0xff, 4, 5]));
        assert!(!is_binary("550 grüße\r\n\tx".as_bytes()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let decoded = decode(&bytes);
            let _ = (lines(&decoded, 300), unwrapped(&decoded), is_binary(&bytes));
        }

        #[test]
        fn no_text_panics(text in "[<>&;#|`> \\n\\tA-c0-9\u{1b}é]{0,200}") {
            let _ = (lines(text.as_bytes(), 150), unwrapped(text.as_bytes()));
        }
    }
}
