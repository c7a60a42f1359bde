//! Command lines from a stream of bytes, split anywhere (RFC 5321 section 2.3.8).
//!
//! Only CR LF ends a line. A line feed by itself ends nothing and is an error: after it,
//! two programs that look at the same bytes no longer agree where a command begins, which
//! is what SMTP smuggling lives on (CVE-2023-51764). The caller says so once and closes the
//! connection.

use memchr::memchr;

/// Longest line in bytes, its CR LF included: AUTH needs it (RFC 4954 section 4). Other
/// commands are shorter, see [`MAX_COMMAND`](super::MAX_COMMAND).
pub const MAX_LINE: usize = 12_288;

/// What a look at the bytes gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStep {
    /// More bytes are needed.
    More,
    /// A line, in the buffer that was handed in, without its CR LF.
    Line,
    /// A line longer than [`MAX_LINE`] has ended; it was thrown away.
    TooLong,
    /// A line feed without a carriage return before it. Nothing that follows can be trusted.
    BareLf,
}

/// Finds command lines.
///
/// ```
/// use waxseal_wire::smtp::{LineReader, LineStep};
///
/// let (mut reader, mut line) = (LineReader::default(), Vec::new());
/// assert_eq!(reader.next(b"NOOP\r\nQUIT", &mut line), (6, LineStep::Line));
/// assert_eq!(line, b"NOOP");
/// assert_eq!(reader.next(b"QUIT", &mut line), (0, LineStep::More));
/// ```
#[derive(Debug, Default)]
pub struct LineReader {
    /// Bytes of the input in which there is no line feed.
    searched: usize,
    /// The line is too long: its bytes are thrown away up to its end.
    skipping: bool,
    /// The last byte that was thrown away is a carriage return.
    after_cr: bool,
}

impl LineReader {
    /// Looks for a line at the beginning of `input`, which is all that came and was not
    /// consumed. Returns how many bytes are consumed; `line` holds the line where there is
    /// one.
    pub fn next(&mut self, input: &[u8], line: &mut Vec<u8>) -> (usize, LineStep) {
        let unseen = input.get(self.searched..).unwrap_or_default();
        let Some(at) = memchr(b'\n', unseen).map(|at| at + self.searched) else {
            return (self.without_end(input), LineStep::More);
        };
        self.searched = 0;
        let found = input.get(..at).unwrap_or_default();
        let (text, ended) = match found.split_last() {
            Some((b'\r', text)) => (text, true),
            Some(_) => (found, false),
            None => (found, self.skipping && self.after_cr),
        };
        let skipped = std::mem::take(&mut self.skipping);
        let step = if !ended {
            LineStep::BareLf
        } else if skipped || at + 1 > MAX_LINE {
            LineStep::TooLong
        } else {
            line.clear();
            line.extend_from_slice(text);
            LineStep::Line
        };
        (at + 1, step)
    }

    /// Forgets what it has seen, as when the bytes after it are none of its business.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// No line feed in all of the input. Returns how much of it is thrown away.
    fn without_end(&mut self, input: &[u8]) -> usize {
        if !self.skipping && input.len() < MAX_LINE {
            self.searched = input.len();
            return 0;
        }
        self.searched = 0;
        self.skipping = true;
        if let Some(last) = input.last() {
            self.after_cr = *last == b'\r';
        }
        input.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All steps over bytes that come in pieces, up to a bare line feed.
    fn steps(bytes: &[u8], piece: usize) -> Vec<(LineStep, Vec<u8>)> {
        let (mut reader, mut line) = (LineReader::default(), Vec::new());
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        for part in bytes.chunks(piece.max(1)) {
            buffer.extend_from_slice(part);
            loop {
                let (consumed, step) = reader.next(&buffer, &mut line);
                buffer.drain(..consumed);
                match step {
                    LineStep::More => break,
                    LineStep::Line => found.push((step, line.clone())),
                    LineStep::TooLong => found.push((step, Vec::new())),
                    LineStep::BareLf => {
                        found.push((step, Vec::new()));
                        return found;
                    }
                }
            }
            assert!(buffer.len() < MAX_LINE, "what is kept is bounded");
        }
        found
    }

    #[test]
    fn only_cr_lf_ends_a_line() {
        let found = steps(b"EHLO a\r\nMAIL\rX\r\r\nNOOP\nQUIT\r\n", 1);
        assert_eq!(
            found,
            [
                (LineStep::Line, b"EHLO a".to_vec()),
                (LineStep::Line, b"MAIL\rX\r".to_vec()),
                (LineStep::BareLf, vec![])
            ]
        );
        assert_eq!(steps(b"\n", 1), [(LineStep::BareLf, vec![])]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_whole() {
        let longest = [vec![b'a'; MAX_LINE - 2], b"\r\nNOOP\r\n".to_vec()].concat();
        let over = [vec![b'a'; MAX_LINE - 1], b"\r\nNOOP\r\n".to_vec()].concat();
        let far = [vec![b'a'; 5 * MAX_LINE], b"\r\nNOOP\r\n".to_vec()].concat();
        for piece in [1, 7, MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 100_000] {
            assert_eq!(steps(&longest, piece)[0].0, LineStep::Line, "{piece}");
            for bytes in [&over, &far] {
                let found = steps(bytes, piece);
                assert_eq!(found[0].0, LineStep::TooLong, "{piece}");
                assert_eq!(found[1], (LineStep::Line, b"NOOP".to_vec()), "{piece}");
            }
        }
        let bare = [vec![b'a'; 2 * MAX_LINE], b"\nNOOP\r\n".to_vec()].concat();
        assert_eq!(steps(&bare, 100), [(LineStep::BareLf, vec![])]);
    }

    proptest! {
        #[test]
        fn how_the_network_cuts_the_bytes_does_not_matter(
            bytes in prop::collection::vec(prop::sample::select(b"ab\r\n".to_vec()), 0..200),
            piece in 1usize..20,
        ) {
            prop_assert_eq!(steps(&bytes, piece), steps(&bytes, bytes.len()));
        }
    }
}
