//! Bytes from strangers, made safe to print.
//!
//! Servers choose their banners, and certificates their names: escape sequences that
//! recolour a terminal, characters that reverse the reading order and invisible ones
//! must never reach a screen, a log or a report.

/// Text from bytes: UTF-8 where it is valid, and everything that could act on a terminal
/// or deceive a reader written out.
///
/// Control characters (C0, DEL, C1) and bytes that are not UTF-8 become `\xNN`;
/// characters that change direction or are invisible become `\u{NNNN}`. The result has
/// at most `max_chars` characters; where something was cut off, the last one is `…`.
pub fn neutralise(bytes: &[u8], max_chars: usize) -> String {
    let mut out = Bounded { text: String::new(), chars: 0, max: max_chars };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if !out.push_char(c) {
                return out.cut();
            }
        }
        for byte in chunk.invalid() {
            if !out.push_piece(&format!("\\x{byte:02x}")) {
                return out.cut();
            }
        }
    }
    out.text
}

/// A text of several lines, each neutralised, with plain line feeds between them. At most
/// `max_chars` characters.
pub fn neutralise_lines(bytes: &[u8], max_chars: usize) -> String {
    let mut out = String::new();
    let mut left = max_chars;
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        if i > 0 && left > 0 {
            out.push('\n');
            left -= 1;
        }
        if left == 0 {
            break;
        }
        let line = neutralise(line.strip_suffix(b"\r").unwrap_or(line), left);
        left = left.saturating_sub(line.chars().count());
        out.push_str(&line);
    }
    out
}

/// True for characters that [`neutralise`] writes out.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator: invisible.
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Zero-width characters and the marks of direction.
            | '\u{200b}'..='\u{200f}'
            // Line and paragraph separators, embeddings and overrides of direction.
            | '\u{2028}'..='\u{202e}'
            // Word joiner, invisible operators, isolates of direction, deprecated marks.
            | '\u{2060}'..='\u{206f}'
            // Byte order mark, interlinear annotation, object replacement.
            | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
            // Tag characters.
            | '\u{e0000}'..='\u{e007f}')
}

/// Text that never grows beyond a number of characters.
struct Bounded {
    text: String,
    chars: usize,
    max: usize,
}

impl Bounded {
    fn push_char(&mut self, c: char) -> bool {
        if !is_harmful(c) {
            if self.chars >= self.max {
                return false;
            }
            self.text.push(c);
            self.chars += 1;
            return true;
        }
        let code = u32::from(c);
        let piece = if code < 0x100 { format!("\\x{code:02x}") } else { format!("\\u{{{code:04x}}}") };
        self.push_piece(&piece)
    }

    /// An escape goes in whole or not at all.
    fn push_piece(&mut self, ascii: &str) -> bool {
        if self.chars + ascii.len() > self.max {
            return false;
        }
        self.text.push_str(ascii);
        self.chars += ascii.len();
        true
    }

    fn cut(mut self) -> String {
        if self.max == 0 {
            return String::new();
        }
        if self.chars >= self.max {
            self.text.pop();
        }
        self.text.push('…');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_stay_lines_and_nothing_else_gets_through() {
        assert_eq!(neutralise_lines(b"a\r\nb\x1b\n", 100), "a\nb\\x1b\n");
        assert!(neutralise_lines(&b"xy\n".repeat(100), 10).chars().count() <= 10);
    }

    #[test]
    fn terminal_escapes_are_written_out() {
        assert_eq!(neutralise(b"220 \x1b[31mred\x07\x7f", 100), r"220 \x1b[31mred\x07\x7f");
        assert_eq!(neutralise("a\u{9b}b".as_bytes(), 100), r"a\x9bb");
    }

    #[test]
    fn deceiving_characters_are_written_out() {
        assert_eq!(neutralise("a\u{202e}b\u{200b}".as_bytes(), 100), r"a\u{202e}b\u{200b}");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_shown_one_by_one() {
        assert_eq!(neutralise(b"ok \xff\xc3(", 100), r"ok \xff\xc3(");
        assert_eq!(neutralise("grüße 邮件".as_bytes(), 100), "grüße 邮件");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(neutralise(b"abcdef", 6), "abcdef");
        assert_eq!(neutralise(b"abcdefg", 6), "abcde…");
        assert_eq!(neutralise(b"abc\x00d", 6), "abc…");
        assert_eq!(neutralise(b"abc", 0), "");
    }

    proptest! {
        #[test]
        fn the_result_is_harmless_and_bounded(bytes in prop::collection::vec(any::<u8>(), 0..400), max in 0usize..300) {
            let text = neutralise(&bytes, max);
            prop_assert!(text.chars().count() <= max);
            prop_assert!(!text.chars().any(is_harmful));
        }
    }
}
