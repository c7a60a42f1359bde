//! The mail data behind DATA (RFC 5321 section 4.5.2): dots taken off, and an end that
//! nobody can forge.
//!
//! The data ends at CR LF `.` CR LF and nowhere else. A server that takes `LF . LF` or
//! `LF . CR LF` for an end lets a sender smuggle a second message through a server that
//! does not (CVE-2023-51764, CVE-2023-51765, CVE-2023-51766). Nothing of the kind is
//! repaired here: a message with a bare CR or LF is read to its true end and refused.

use memchr::memchr3;

use super::content::{Content, ContentError};

/// Reads the data of one message.
///
/// ```
/// use waxseal_wire::smtp::{Content, ContentLimits, DataReader};
///
/// let limits = ContentLimits { size: 1000, line: 0 };
/// let mut reader = DataReader::new(Content::new(limits, None));
/// assert_eq!(reader.feed(b"a\r\n..b\r\n.\r\nQUIT\r\n"), (11, true));
/// assert_eq!(reader.finish().unwrap().parts.concat(), b"a\r\n.b\r\n");
/// ```
#[derive(Debug)]
pub struct DataReader {
    content: Content,
    /// The next byte is the first of a line.
    at_start: bool,
}

impl DataReader {
    /// One that puts a message into `content`, which is empty.
    pub fn new(content: Content) -> Self {
        Self { content, at_start: true }
    }

    /// Takes what can be taken of `input`, which is all that came and was not consumed:
    /// how many bytes, and whether they are the end. Up to two bytes that could be the
    /// beginning of the end are left until more have come.
    pub fn feed(&mut self, input: &[u8]) -> (usize, bool) {
        // Bytes from `run` up to `at` are kept.
        let (mut run, mut at) = (0, 0);
        loop {
            if self.at_start {
                match input.get(at..).unwrap_or_default() {
                    [] | [b'.'] | [b'.', b'\r'] => break,
                    [b'.', b'\r', b'\n', ..] => {
                        self.keep(input, run, at);
                        return (at + 3, true);
                    }
                    [b'.', ..] => {
                        self.keep(input, run, at);
                        at += 1;
                        run = at;
                    }
                    _ => {}
                }
                self.at_start = false;
            }
            let rest = input.get(at..).unwrap_or_default();
            let Some(found) = memchr3(b'\r', b'\n', 0, rest) else {
                self.content.in_line(rest.len());
                at = input.len();
                break;
            };
            match rest.get(found..).unwrap_or_default() {
                [b'\r', b'\n', ..] => {
                    self.content.end_line(found);
                    self.at_start = true;
                    at += found + 2;
                    continue;
                }
                // What follows decides.
                [b'\r'] => {
                    self.content.in_line(found);
                    at += found;
                    break;
                }
                [b'\r', ..] => self.content.fail(ContentError::BareCr),
                [b'\n', ..] => self.content.fail(ContentError::BareLf),
                _ => self.content.fail(ContentError::Nul),
            }
            at += found + 1;
        }
        self.keep(input, run, at);
        (at, false)
    }

    fn keep(&mut self, input: &[u8], from: usize, to: usize) {
        self.content.append(input.get(from..to).unwrap_or_default());
    }

    /// What was kept of the message so far.
    pub fn content(&mut self) -> &mut Content {
        &mut self.content
    }

    /// The message, after its end.
    ///
    /// # Errors
    /// It cannot be taken.
    pub fn finish(self) -> Result<super::Received, ContentError> {
        self.content.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::smtp::ContentLimits;

    const ROOMY: ContentLimits = ContentLimits { size: 10_000_000, line: 0 };

    /// The message and what stands behind its end; none if it does not end.
    type Outcome<E> = Option<(Result<Vec<u8>, E>, Vec<u8>)>;

    fn read(limits: ContentLimits, bytes: &[u8], piece: usize) -> Outcome<ContentError> {
        let mut reader = DataReader::new(Content::new(limits, None));
        let (mut buffer, mut parts) = (Vec::new(), bytes.chunks(piece.max(1)));
        loop {
            buffer.extend_from_slice(parts.next()?);
            let (consumed, ended) = reader.feed(&buffer);
            buffer.drain(..consumed);
            if ended {
                let behind = [buffer, parts.collect::<Vec<_>>().concat()].concat();
                return Some((reader.finish().map(|message| message.parts.concat()), behind));
            }
            assert!(buffer.len() <= 2, "what is left is bounded");
        }
    }

    /// The same, as plainly as it can be written.
    fn plainly(bytes: &[u8]) -> Outcome<()> {
        let text = [b"\r\n", bytes].concat();
        let end = text.windows(5).position(|w| w == b"\r\n.\r\n")?;
        let data = &text[..end + 2];
        let bare = |line: &[u8]| line.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
        let mut lines = Vec::new();
        let mut rest = &data[2..];
        while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
            lines.push(&rest[..at]);
            rest = &rest[at + 2..];
        }
        let message = if lines.iter().any(|line| bare(line)) {
            Err(())
        } else {
            Ok(lines
                .iter()
                .flat_map(|line| [line.strip_prefix(b".").unwrap_or(line), b"\r\n"].concat())
                .collect())
        };
        Some((message, text[end + 5..].to_vec()))
    }

    #[test]
    fn dots_are_taken_off_and_the_end_is_found() {
        for piece in 1..12 {
            for (bytes, message) in [
                (&b".\r\n"[..], &b""[..]),
                (b"..\r\n.\r\n", b".\r\n"),
                (b".a\r\n...b\r\n.\r\n", b"a\r\n..b\r\n"),
                (b"a.\r\n.\r\n", b"a.\r\n"),
                (b"\r\n\r\n.\r\n", b"\r\n\r\n"),
            ] {
                let all = [bytes, b"QUIT\r\n"].concat();
                assert_eq!(read(ROOMY, &all, piece), Some((Ok(message.to_vec()), b"QUIT\r\n".to_vec())));
            }
        }
    }

    #[test]
    fn forged_ends_are_no_end() {
        const AFTER: &[u8] = b"MAIL FROM:<evil@example.com>\r\n";
        for forged in [
            &b"\n.\n"[..],
            b"\n.\r\n",
            b"\r.\r",
            b"\r.\r\n",
            b"\r.\n",
            b"\n.\r",
            b"\r\n.\n",
            b"\r\n.\r",
            b"\r\n.\r\r\n",
            b"\r\n\0.\r\n",
            b"\r\n.\0\r\n",
            b"\r\r\n.\n",
            b"\n\r.\n\r",
        ] {
            for piece in 1..12 {
                let all = [b"a", forged, AFTER, b".\r\nQUIT\r\n"].concat();
                let (message, behind) = read(ROOMY, &all, piece).unwrap();
                assert!(message.is_err(), "{forged:?}");
                assert_eq!(behind, b"QUIT\r\n", "{forged:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_message_that_is_too_large_is_read_to_its_end() {
        let limits = ContentLimits { size: 10, line: 4 };
        for piece in 1..30 {
            let read = |bytes: &[u8]| read(limits, bytes, piece).unwrap();
            assert_eq!(read(b"1234\r\n12\r\n.\r\n").0.map(|m| m.len()), Ok(10));
            assert_eq!(
                read(b"1234\r\n123\r\n.\r\nX"),
                (Err(ContentError::TooLarge { limit: 10 }), b"X".to_vec())
            );
            assert_eq!(read(b"12345\r\n.\r\n").0, Err(ContentError::LongLine { limit: 4 }));
            assert_eq!(read(b".1234\r\n.\r\n").0, Ok(b"1234\r\n".to_vec()), "a stuffed dot is no part of it");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_mean_the_same(
            bytes in prop::collection::vec(prop::sample::select(b"a..\r\n\r\n\0\xe9".to_vec()), 0..60),
            piece in 1usize..8,
        ) {
            let found = read(ROOMY, &bytes, piece);
            let found = found.map(|(message, behind)| (message.map_err(|_| ()), behind));
            prop_assert_eq!(found, plainly(&bytes));
        }
    }
}
