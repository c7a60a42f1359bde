//! The bytes of a message as they come in: kept in few pieces, bounded, and free of what
//! two programs could read differently.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr3;

/// A piece is at most this large: a large message is not copied again and again while it
/// grows. The first piece holds the header, see [`Content::finish`].
pub const PIECE: usize = 256 * 1024;
/// Room made for a message of which nothing is known.
const FIRST_ROOM: usize = 8 * 1024;
/// No more room than this is made for a size that was only announced.
const MOST_ROOM: usize = 64 * 1024;

/// How much a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentLimits {
    /// Bytes in all.
    pub size: u64,
    /// Bytes of one line without its CR LF; 0 for no limit. RFC 5321 section 4.5.3.1.6 asks
    /// for 998.
    pub line: usize,
}

/// Why a message cannot be taken. The words are for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// A carriage return without a line feed behind it (RFC 5321 section 2.3.8).
    #[error("message refused: it has a carriage return (CR) without a line feed (LF); lines end in CR LF")]
    BareCr,
    /// A line feed without a carriage return before it.
    #[error("message refused: it has a line feed (LF) without a carriage return (CR); lines end in CR LF")]
    BareLf,
    /// A zero byte, which no message may contain (RFC 5322 section 4, RFC 2045 section 2.8).
    #[error("message refused: it has a NUL byte")]
    Nul,
    /// Larger than the limit.
    #[error("message refused: it has more than {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// The caller has no room for it at the moment.
    #[error("too much mail is coming in at the moment, try again later")]
    NoRoom,
    /// A line longer than the limit.
    #[error("message refused: it has a line of more than {limit} bytes")]
    LongLine {
        /// Bytes.
        limit: usize,
    },
}

impl ContentError {
    /// The reply code and the enhanced one (RFC 3463) to say it with.
    pub fn codes(self) -> (u16, &'static str) {
        match self {
            Self::BareCr | Self::BareLf | Self::Nul => (550, "5.6.0"),
            Self::TooLarge { .. } => (552, "5.3.4"),
            Self::NoRoom => (452, "4.3.1"),
            Self::LongLine { .. } => (554, "5.6.0"),
        }
    }
}

/// A message that came in whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Its bytes, every line ending in CR LF.
    pub parts: Vec<Bytes>,
    /// How many.
    pub size: u64,
    /// Some are above 127.
    pub eight_bit: bool,
}

/// Takes the bytes of one message. After the first error it keeps nothing, and goes on
/// taking.
#[derive(Debug)]
pub struct Content {
    limits: ContentLimits,
    full: Vec<Bytes>,
    piece: BytesMut,
    size: u64,
    /// Bytes of the line that has begun.
    line: usize,
    /// The last byte is a carriage return: what follows has to be a line feed.
    after_cr: bool,
    eight_bit: bool,
    error: Option<ContentError>,
}

impl Content {
    /// An empty one. `announced` is how large the client says the message is, if it does.
    pub fn new(limits: ContentLimits, announced: Option<u64>) -> Self {
        // A little more than announced: stuffed dots are not counted, a line end may be added.
        let room = announced.and_then(|bytes| usize::try_from(bytes).ok());
        let room = room.map_or(FIRST_ROOM, |bytes| bytes.saturating_add(64).min(MOST_ROOM));
        Self {
            limits,
            full: Vec::new(),
            piece: BytesMut::with_capacity(room),
            size: 0,
            line: 0,
            after_cr: false,
            eight_bit: false,
            error: None,
        }
    }

    /// Bytes so far; of no meaning after an error.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What is wrong with it, if it is.
    pub fn error(&self) -> Option<ContentError> {
        self.error
    }

    /// Gives the message up; the first reason counts. Its bytes are forgotten.
    pub fn fail(&mut self, error: ContentError) {
        if self.error.is_none() {
            self.error = Some(error);
            self.full = Vec::new();
            self.piece = BytesMut::new();
        }
    }

    /// Takes bytes as they are, those of a chunk (RFC 3030), and looks at their line ends.
    pub fn chunk(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.check(bytes);
            self.append(bytes);
        }
    }

    fn check(&mut self, bytes: &[u8]) {
        let mut at = 0;
        if std::mem::take(&mut self.after_cr) {
            match bytes.first() {
                None => self.after_cr = true,
                Some(b'\n') => {
                    self.end_line(0);
                    at = 1;
                }
                Some(_) => self.fail(ContentError::BareCr),
            }
        }
        while let Some(found) = bytes.get(at..).and_then(|rest| memchr3(b'\r', b'\n', 0, rest)) {
            let here = at + found;
            match (bytes.get(here), bytes.get(here + 1)) {
                (Some(b'\r'), Some(b'\n')) => {
                    self.end_line(found);
                    at = here + 2;
                    continue;
                }
                (Some(b'\r'), None) => {
                    self.line += found;
                    self.after_cr = true;
                    return;
                }
                (Some(b'\r'), Some(_)) => self.fail(ContentError::BareCr),
                (Some(b'\n'), _) => self.fail(ContentError::BareLf),
                _ => self.fail(ContentError::Nul),
            }
            return;
        }
        self.line += bytes.len().saturating_sub(at);
    }

    /// A line has ended, with so many more bytes in it.
    pub(super) fn end_line(&mut self, bytes: usize) {
        let length = std::mem::take(&mut self.line) + bytes;
        if self.limits.line != 0 && length > self.limits.line {
            self.fail(ContentError::LongLine { limit: self.limits.line });
        }
    }

    /// A line goes on with so many bytes.
    pub(super) fn in_line(&mut self, bytes: usize) {
        self.line += bytes;
    }

    /// Keeps bytes, without a look at their line ends.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.size += bytes.len() as u64;
        if self.size > self.limits.size {
            return self.fail(ContentError::TooLarge { limit: self.limits.size });
        }
        self.eight_bit = self.eight_bit || !bytes.is_ascii();
        let mut rest = bytes;
        while self.piece.len() + rest.len() > PIECE {
            let (fits, more) = rest.split_at_checked(PIECE - self.piece.len()).unwrap_or((rest, &[]));
            self.piece.put_slice(fits);
            self.full.push(std::mem::replace(&mut self.piece, BytesMut::with_capacity(PIECE)).freeze());
            rest = more;
        }
        self.piece.put_slice(rest);
    }

    /// The message, which ends here. A last line without an end gets one. The first part
    /// holds its first [`PIECE`] bytes, or all of it.
    ///
    /// # Errors
    /// It cannot be taken.
    pub fn finish(mut self) -> Result<Received, ContentError> {
        if self.after_cr {
            self.fail(ContentError::BareCr);
        }
        if self.line > 0 {
            self.end_line(0);
            self.append(b"\r\n");
        }
        match self.error {
            Some(error) => Err(error),
            None => {
                let mut parts = self.full;
                if !self.piece.is_empty() {
                    parts.push(self.piece.freeze());
                }
                Ok(Received { parts, size: self.size, eight_bit: self.eight_bit })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOMY: ContentLimits = ContentLimits { size: 10_000_000, line: 0 };

    fn chunks(limits: ContentLimits, bytes: &[u8], piece: usize) -> Result<Vec<u8>, ContentError> {
        let mut content = Content::new(limits, None);
        for part in bytes.chunks(piece.max(1)) {
            content.chunk(part);
        }
        let received = content.finish()?;
        assert!(received.parts.iter().all(|part| part.len() <= PIECE && !part.is_empty()));
        let whole = received.parts.concat();
        assert_eq!(whole.len() as u64, received.size);
        assert_eq!(received.eight_bit, !whole.is_ascii());
        Ok(whole)
    }

    #[test]
    fn line_ends_may_be_cut_between_chunks_and_nothing_else() {
        for piece in 1..5 {
            assert_eq!(chunks(ROOMY, b"a\r\n.\r\n\r\nb\r\n", piece), Ok(b"a\r\n.\r\n\r\nb\r\n".to_vec()));
            assert_eq!(chunks(ROOMY, b"a\r\nb", piece), Ok(b"a\r\nb\r\n".to_vec()));
            assert_eq!(chunks(ROOMY, b"", piece), Ok(vec![]));
            assert_eq!(chunks(ROOMY, b"a\rb", piece), Err(ContentError::BareCr));
            assert_eq!(chunks(ROOMY, b"a\r", piece), Err(ContentError::BareCr));
            assert_eq!(chunks(ROOMY, b"a\r\r\n", piece), Err(ContentError::BareCr));
            assert_eq!(chunks(ROOMY, b"a\nb\r\n", piece), Err(ContentError::BareLf));
            assert_eq!(chunks(ROOMY, b"\n", piece), Err(ContentError::BareLf));
            assert_eq!(chunks(ROOMY, b"a\0\r\n", piece), Err(ContentError::Nul));
        }
    }

    #[test]
    fn limits_hold_to_the_byte() {
        let limits = ContentLimits { size: 12, line: 5 };
        for piece in 1..14 {
            assert_eq!(chunks(limits, b"12345\r\n123\r\n", piece).map(|m| m.len()), Ok(12), "{piece}");
            assert_eq!(
                chunks(limits, b"12345\r\n1234\r\n", piece),
                Err(ContentError::TooLarge { limit: 12 })
            );
            assert_eq!(chunks(limits, b"123456\r\n", piece), Err(ContentError::LongLine { limit: 5 }));
            assert_eq!(chunks(limits, b"123456", piece), Err(ContentError::LongLine { limit: 5 }));
        }
    }

    #[test]
    fn a_large_message_comes_in_pieces_and_the_first_error_frees_them() {
        let line = [vec![b'x'; 998], b"\r\n".to_vec()].concat();
        let large = line.repeat(700);
        assert_eq!(chunks(ROOMY, &large, 1460).map(|m| m == large), Ok(true));
        let mut content = Content::new(ROOMY, Some(u64::MAX));
        assert!(content.piece.capacity() <= 2 * MOST_ROOM, "an announced size is not believed");
        content.chunk(&large);
        content.chunk(b"\0");
        assert_eq!((content.full.len(), content.piece.capacity()), (0, 0));
        content.chunk(b"\n");
        assert_eq!(content.finish(), Err(ContentError::Nul), "the first error counts");
    }

    proptest! {
        #[test]
        fn what_is_taken_has_no_line_end_but_cr_lf(
            bytes in prop::collection::vec(prop::sample::select(b"ab.\r\n\0\xe9".to_vec()), 0..60),
            piece in 1usize..8,
        ) {
            let limits = ContentLimits { size: 50, line: 8 };
            let found = chunks(limits, &bytes, piece);
            // The first error may differ where a chunk has several; whether there is one may not.
            prop_assert_eq!(found.is_ok(), chunks(limits, &bytes, bytes.len()).is_ok());
            if let Ok(whole) = found {
                let bare = String::from_utf8_lossy(&whole).replace("\r\n", "");
                prop_assert!(!bare.contains(['\r', '\n', '\0']));
                prop_assert!(whole.is_empty() || whole.ends_with(b"\r\n"));
            }
        }
    }
}
