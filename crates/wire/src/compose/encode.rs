//! Bodies of parts: which lines they have, and the two encodings of MIME.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The longest line of a message, in bytes, its end not counted (RFC 5321 section
/// 4.5.3.1.6).
const LONGEST_LINE: usize = 998;
/// The longest line that encoded text has (RFC 2045 section 6.7).
const ENCODED_LINE: usize = 76;

/// How bytes may travel as they are (RFC 2045 section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyLines {
    /// `7bit`: ASCII without NUL, in lines of at most 998 bytes that end in CRLF.
    SevenBit,
    /// `8bit`: the same with bytes above 127.
    EightBit,
    /// `binary`: longer lines, bare CR or LF, NUL.
    Binary,
}

/// What lines a body has. It may come in parts.
pub fn lines_of(parts: &[&[u8]]) -> BodyLines {
    let mut kind = BodyLines::SevenBit;
    let mut length = 0usize;
    let mut after_cr = false;
    for byte in parts.iter().copied().flatten() {
        match byte {
            b'\n' if after_cr => length = 0,
            _ if after_cr || *byte == b'\n' || *byte == 0 => return BodyLines::Binary,
            b'\r' => {}
            _ => length += 1,
        }
        if length > LONGEST_LINE {
            return BodyLines::Binary;
        }
        if *byte > 127 {
            kind = BodyLines::EightBit;
        }
        after_cr = *byte == b'\r';
    }
    if after_cr { BodyLines::Binary } else { kind }
}

/// Base64 in lines of 76 characters, each ending in CRLF.
pub fn base64_lines(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() / 3 * 4 + bytes.len() / 28 + 8);
    for chunk in bytes.chunks(ENCODED_LINE / 4 * 3) {
        STANDARD.encode_string(chunk, &mut out);
        out.push_str("\r\n");
    }
    out
}

/// Quoted-printable (RFC 2045 section 6.7) of text in lines that end in LF or CRLF. The
/// result's lines end in CRLF.
pub fn quoted_printable(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    for line in text.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut column = 0;
        for (i, byte) in line.iter().enumerate() {
            let last = i + 1 == line.len();
            let blank = matches!(byte, b' ' | b'\t') && !last;
            let plain = blank || (byte.is_ascii_graphic() && *byte != b'=');
            let width = if plain { 1 } else { 3 };
            // Room for the "=" of a soft line break, unless the line ends here anyway.
            if column + width > ENCODED_LINE - usize::from(!last) {
                out.push_str("=\r\n");
                column = 0;
            }
            if plain {
                out.push(char::from(*byte));
            } else {
                out.push_str(&format!("={byte:02X}"));
            }
            column += width;
        }
        out.push_str("\r\n");
    }
    out
}

/// A sentence or several in lines of at most `width` characters; each line after the first
/// begins with `indent`. Words that are longer stand by themselves.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 20);
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(indent);
            column = indent.chars().count();
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// The line between the parts of a multipart body (RFC 2046 section 5.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// One that occurs in none of the parts. `token` makes it different from those of other
    /// messages; of it only letters and digits are used.
    pub fn outside_of(token: &str, parts: &[&[u8]]) -> Self {
        let token: String = token.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        let mut number = 0u32;
        loop {
            // "=_" stands neither in base64 nor in quoted-printable.
            let boundary = format!("=_{number}_{token}");
            if !parts.iter().any(|part| contains(part, boundary.as_bytes())) {
                return Self(boundary);
            }
            number = number.wrapping_add(1);
        }
    }

    /// The text, to be written into quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_told_apart() {
        for (body, kind) in [
            ("", BodyLines::SevenBit),
            ("a\r\nb\r\n", BodyLines::SevenBit),
            ("a\r\nb", BodyLines::SevenBit),
            ("\u{e9}\r\n", BodyLines::EightBit),
            ("a\nb\r\n", BodyLines::Binary),
            ("a\rb\r\n", BodyLines::Binary),
            ("a\r", BodyLines::Binary),
            ("a\0b\r\n", BodyLines::Binary),
        ] {
            assert_eq!(lines_of(&[body.as_bytes()]), kind, "{body:?}");
        }
        assert_eq!(lines_of(&[b"a\r", b"\nb"]), BodyLines::SevenBit);
        assert_eq!(lines_of(&[&[b'a'; 998], b"\r\n"]), BodyLines::SevenBit);
        assert_eq!(lines_of(&[&[b'a'; 999], b"\r\n"]), BodyLines::Binary);
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(wrap("a bb ccc", 4, "  "), "a bb\n  ccc");
        assert_eq!(wrap("  one\n two ", 80, ""), "one two");
        assert_eq!(wrap("abcdef gh", 3, ""), "abcdef\ngh");
    }

    #[test]
    fn a_boundary_keeps_out_of_the_way() {
        let first = Boundary::outside_of("4f1c9a", &[]);
        let second = Boundary::outside_of("4f1c9a", &[first.as_str().as_bytes()]);
        assert_eq!((first.as_str(), second.as_str()), ("=_0_4f1c9a", "=_1_4f1c9a"));
    }

    /// Quoted-printable undone, by the letter of RFC 2045.
    fn decode(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for line in text.split_terminator("\r\n") {
            let (line, soft) = match line.strip_suffix('=') {
                Some(line) => (line, true),
                None => (line, false),
            };
            let mut bytes = line.bytes();
            while let Some(byte) = bytes.next() {
                if byte == b'=' {
                    let hex: String = bytes.by_ref().take(2).map(char::from).collect();
                    out.push(u8::from_str_radix(&hex, 16).unwrap());
                } else {
                    out.push(byte);
                }
            }
            if !soft {
                out.push(b'\n');
            }
        }
        out
    }

    proptest! {
        #[test]
        fn quoted_printable_comes_back_whole(text in "([ -~]|é|\t|=){0,300}(\n([ -~]|ü){0,90}){0,3}") {
            let encoded = quoted_printable(text.as_bytes());
            for line in encoded.split_terminator("\r\n") {
                prop_assert!(line.len() <= 76 && line.is_ascii() && !line.ends_with([' ', '\t']), "{}", line);
            }
            let text = text.strip_suffix('\n').unwrap_or(&text);
            prop_assert_eq!(decode(&encoded), format!("{text}\n").into_bytes());
        }

        #[test]
        fn base64_comes_back_whole(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let encoded = base64_lines(&bytes);
            prop_assert!(encoded.split_terminator("\r\n").all(|line| line.len() <= 76));
            prop_assert_eq!(STANDARD.decode(encoded.replace("\r\n", "")).unwrap(), bytes);
        }
    }
}
