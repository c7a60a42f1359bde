//! Replies from a stream of bytes, split anywhere (RFC 5321 section 4.2).

use thiserror::Error;
use waxseal_model::smtp::Reply;

use super::identify::identify;
use crate::text::neutralise;

/// How much a server may say in one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line with its line end. RFC 5321 section 4.5.3.1.5 allows 512; real
    /// servers exceed it.
    pub line: usize,
    /// Lines of one reply.
    pub lines: usize,
    /// Bytes of one reply.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 4096, lines: 128, total: 64 * 1024 }
    }
}

/// Why what came is no usable reply. Each names what was seen; all text is neutralised.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// The bytes do not begin like an SMTP reply.
    #[error("the server does not speak SMTP: {}", describe(looks_like.as_deref(), shown))]
    NotSmtp {
        /// What it looks like (`an IMAP server`), where that is known.
        looks_like: Option<String>,
        /// The first bytes that came.
        shown: String,
    },
    /// A later line of a reply does not begin with a reply code.
    #[error("the server broke off its {code} reply with a line that has no reply code: \"{shown}\"")]
    Malformed {
        /// Code of the reply so far.
        code: u16,
        /// The line.
        shown: String,
    },
    /// The lines of one reply carry different codes, which RFC 5321 section 4.2.1
    /// forbids.
    #[error("the server mixed the codes {first} and {second} in one reply: \"{shown}\"")]
    MixedCodes {
        /// Code of the first line.
        first: u16,
        /// The other code. A 421 means that the server closes the connection.
        second: u16,
        /// The text of the line with the other code.
        shown: String,
    },
    /// One line exceeds the limit.
    #[error("the server sent a line of more than {limit} bytes")]
    TooLong {
        /// Bytes.
        limit: usize,
    },
    /// A reply with more lines than the limit.
    #[error("the server sent a reply of more than {limit} lines")]
    TooManyLines {
        /// Lines.
        limit: usize,
    },
    /// A reply larger than the limit.
    #[error("the server sent a reply of more than {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: usize,
    },
    /// The connection ended, or time ran out, in the middle of a reply.
    #[error("the server stopped in the middle of a reply, after \"{shown}\"")]
    Unfinished {
        /// What had come of it.
        shown: String,
    },
}

fn describe(looks_like: Option<&str>, shown: &str) -> String {
    match looks_like {
        Some(what) => format!("it looks like {what} (it sent \"{shown}\")"),
        None => format!("it sent \"{shown}\""),
    }
}

/// Characters of a server's words in an error.
const SHOWN: usize = 60;

/// Bytes after which a beginning that is no reply is reported without waiting for the end
/// of the line: the size of a TLS alert record, the shortest thing worth recognising.
const ENOUGH_TO_TELL: usize = 7;

/// Reads replies from bytes as they come.
///
/// Lines may end in a bare LF, which is noted ([`ReplyReader::bare_lf`]). After an error
/// the reader stays in error: the conversation has lost its step.
///
/// ```
/// use waxseal_wire::smtp::ReplyReader;
///
/// let mut reader = ReplyReader::default();
/// reader.push(b"250-mx.example.com\r\n250 STAR");
/// assert_eq!(reader.next(), Ok(None));
/// reader.push(b"TTLS\r\n");
/// assert_eq!(reader.next().unwrap().unwrap().lines, ["mx.example.com", "STARTTLS"]);
/// ```
#[derive(Debug, Default)]
pub struct ReplyReader {
    limits: Limits,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are done with.
    consumed: usize,
    /// Bytes of `buffer` in which no line end was found.
    searched: usize,
    partial: Option<Partial>,
    bare_lf: bool,
    failed: Option<ReplyError>,
}

/// The lines of a reply that has not ended.
#[derive(Debug)]
struct Partial {
    reply: Reply,
    bytes: usize,
}

/// One line of a reply, taken apart.
struct Line<'a> {
    code: u16,
    last: bool,
    text: &'a [u8],
}

impl ReplyReader {
    /// A reader with limits of its own.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Adds bytes as they came from the network.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.consumed);
        self.searched -= self.consumed.min(self.searched);
        self.consumed = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete reply, or none if more bytes are needed.
    ///
    /// # Errors
    /// What came is not a reply, or larger than the limits.
    #[expect(clippy::should_implement_trait, reason = "an iterator would end at the first None")]
    pub fn next(&mut self) -> Result<Option<Reply>, ReplyError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.advance();
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// Bytes that came after the last complete reply. More than none after the 220 to
    /// STARTTLS is plaintext that must be thrown away (CVE-2011-0411).
    pub fn buffered(&self) -> usize {
        self.rest().len() + self.partial.as_ref().map_or(0, |p| p.bytes)
    }

    /// Takes the bytes of which no complete line was made; the reader is then empty.
    pub fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.rest().to_vec();
        self.buffer.clear();
        (self.consumed, self.searched, self.partial) = (0, 0, None);
        rest
    }

    /// True if any line so far ended in LF without CR.
    pub fn bare_lf(&self) -> bool {
        self.bare_lf
    }

    /// What to say when no more bytes will come: none if the last reply was complete.
    pub fn unfinished(&self) -> Option<ReplyError> {
        if self.failed.is_some() {
            return self.failed.clone();
        }
        let rest = self.rest();
        match &self.partial {
            None if rest.is_empty() => None,
            None if !may_be_reply(rest) => Some(not_smtp(rest)),
            None => Some(ReplyError::Unfinished { shown: neutralise(rest, SHOWN) }),
            Some(partial) => {
                Some(ReplyError::Unfinished { shown: neutralise(partial.reply.one_line().as_bytes(), SHOWN) })
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }

    fn advance(&mut self) -> Result<Option<Reply>, ReplyError> {
        loop {
            let from = self.searched.max(self.consumed);
            let found = self.buffer.get(from..).and_then(|b| b.iter().position(|&c| c == b'\n'));
            let Some(found) = found else {
                self.searched = self.buffer.len();
                self.check_unended()?;
                return Ok(None);
            };
            let end = from + found;
            let start = self.consumed;
            (self.consumed, self.searched) = (end + 1, end + 1);
            let line = self.buffer.get(start..end).unwrap_or_default().to_vec();
            if let Some(reply) = self.take_line(&line)? {
                return Ok(Some(reply));
            }
        }
    }

    /// A line without its end so far: too long already, or clearly no reply?
    fn check_unended(&self) -> Result<(), ReplyError> {
        let rest = self.rest();
        if rest.len() >= self.limits.line {
            return Err(if self.partial.is_none() && !may_be_reply(rest) {
                not_smtp(rest)
            } else {
                ReplyError::TooLong { limit: self.limits.line }
            });
        }
        if self.partial.is_none() && rest.len() >= ENOUGH_TO_TELL && !may_be_reply(rest) {
            return Err(not_smtp(rest));
        }
        Ok(())
    }

    /// Adds a line (without LF) to the reply that is being read.
    fn take_line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let size = line.len() + 1;
        let line = match line.strip_suffix(b"\r") {
            Some(stripped) => stripped,
            None => {
                self.bare_lf = true;
                line
            }
        };
        let parsed = parse_line(line);
        if size > self.limits.line && (self.partial.is_some() || parsed.is_some()) {
            return Err(ReplyError::TooLong { limit: self.limits.line });
        }
        let mut partial = match (self.partial.take(), &parsed) {
            (Some(partial), Some(line)) if line.code != partial.reply.code => {
                return Err(ReplyError::MixedCodes {
                    first: partial.reply.code,
                    second: line.code,
                    shown: neutralise(line.text, SHOWN),
                });
            }
            (Some(partial), Some(_)) => partial,
            (Some(partial), None) => {
                return Err(ReplyError::Malformed {
                    code: partial.reply.code,
                    shown: neutralise(line, SHOWN),
                });
            }
            (None, Some(line)) => {
                Partial { reply: Reply { code: line.code, enhanced: None, lines: Vec::new() }, bytes: 0 }
            }
            (None, None) => return Err(not_smtp(line)),
        };
        let Some(parsed) = parsed else { return Ok(None) };
        partial.bytes += size;
        if partial.bytes > self.limits.total {
            return Err(ReplyError::TooLarge { limit: self.limits.total });
        }
        if partial.reply.lines.len() >= self.limits.lines {
            return Err(ReplyError::TooManyLines { limit: self.limits.lines });
        }
        let text = neutralise(parsed.text, self.limits.line);
        if partial.reply.enhanced.is_none() {
            partial.reply.enhanced = enhanced_status(parsed.code, &text);
        }
        partial.reply.lines.push(text);
        if parsed.last {
            return Ok(Some(partial.reply));
        }
        self.partial = Some(partial);
        Ok(None)
    }
}

fn not_smtp(bytes: &[u8]) -> ReplyError {
    ReplyError::NotSmtp { looks_like: identify(bytes), shown: neutralise(bytes, SHOWN) }
}

/// True if the bytes can still become a line of a reply.
fn may_be_reply(bytes: &[u8]) -> bool {
    bytes.iter().take(4).enumerate().all(|(at, byte)| match at {
        0 => matches!(byte, b'2'..=b'5'),
        1 | 2 => byte.is_ascii_digit(),
        _ => matches!(byte, b' ' | b'-' | b'\r' | b'\n'),
    })
}

/// Takes a line without its end apart. The code alone is a complete last line
/// (RFC 5321 section 4.2 asks clients to accept it).
fn parse_line(line: &[u8]) -> Option<Line<'_>> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !may_be_reply(line) {
        return None;
    }
    let code = digits.iter().fold(0u16, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest {
        [] => Some(Line { code, last: true, text: rest }),
        [b' ', text @ ..] => Some(Line { code, last: true, text }),
        [b'-', text @ ..] => Some(Line { code, last: false, text }),
        _ => None,
    }
}

/// The enhanced status code that a line begins with (RFC 3463 section 2), if its class
/// is that of the reply; another class would be a mistake or something else.
fn enhanced_status(code: u16, text: &str) -> Option<String> {
    let word = text.split([' ', '\t']).next()?;
    let mut parts = word.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |s: &str| (1..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    let class_fits = matches!(code / 100, 2 | 4 | 5) && class == (code / 100).to_string();
    (class_fits && parts.next().is_none() && number(subject) && number(detail)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Reply>, ReplyError> {
        let mut reader = ReplyReader::default();
        reader.push(bytes);
        let mut replies = Vec::new();
        while let Some(reply) = reader.next()? {
            replies.push(reply);
        }
        Ok(replies)
    }

    fn one(bytes: &[u8]) -> Reply {
        let mut replies = read(bytes).unwrap();
        assert_eq!(replies.len(), 1, "{replies:?}");
        replies.remove(0)
    }

    #[test]
    fn replies_of_every_form_are_read() {
        assert_eq!(one(b"220 mx ESMTP\r\n").lines, ["mx ESMTP"]);
        assert_eq!(one(b"220-first\r\n220-\r\n220 last\r\n").lines, ["first", "", "last"]);
        assert_eq!(one(b"250\r\n").lines, [""], "code alone");
        assert_eq!(one(b"250-a\r\n250\r\n").lines, ["a", ""]);
        let two = read(b"220 a\r\n250 b\r\n").unwrap();
        assert_eq!((two[0].code, two[1].code), (220, 250));
    }

    #[test]
    fn bare_line_feeds_are_tolerated_and_noted() {
        let mut reader = ReplyReader::default();
        reader.push(b"220 a\r\n");
        assert_eq!(reader.next().unwrap().unwrap().lines, ["a"]);
        assert!(!reader.bare_lf());
        reader.push(b"250-a\n250 b\n");
        assert_eq!(reader.next().unwrap().unwrap().lines, ["a", "b"]);
        assert!(reader.bare_lf());
    }

    #[test]
    fn enhanced_codes_count_only_in_their_class() {
        for (line, enhanced) in [
            ("454 4.7.0 TLS not available", Some("4.7.0")),
            ("454 4.7.0", Some("4.7.0")),
            ("550 5.7.509 no", Some("5.7.509")),
            ("550 4.7.1 no", None),
            ("250 1.2.3.4 hello", None),
            ("250 2.0 hello", None),
            ("354 3.0.0 go", None),
            ("550 5.7.1no", None),
            ("550 5.1234.1 no", None),
        ] {
            assert_eq!(one(format!("{line}\r\n").as_bytes()).enhanced.as_deref(), enhanced, "{line}");
        }
        assert_eq!(one(b"550-no\r\n550 5.7.1 no\r\n").enhanced.as_deref(), Some("5.7.1"));
    }

    #[test]
    fn hostile_text_is_neutralised() {
        assert_eq!(one(b"220 \x1b[2Jmx\r\r\n").lines, [r"\x1b[2Jmx\x0d"]);
    }

    #[test]
    fn mixed_codes_are_an_error_that_keeps_both() {
        let error = read(b"250-mx\r\n421 4.4.2 too slow\r\n").unwrap_err();
        assert_eq!(error, ReplyError::MixedCodes { first: 250, second: 421, shown: "4.4.2 too slow".into() });
        let error = read(b"250-mx\r\nhello\r\n").unwrap_err();
        assert_eq!(error, ReplyError::Malformed { code: 250, shown: "hello".into() });
    }

    #[test]
    fn other_protocols_are_named_without_waiting_for_a_line() {
        for (bytes, what) in [
            (&b"SSH-2.0-x"[..], Some("an SSH server")),
            (b"\x15\x03\x01\x00\x02\x02\x28", Some("TLS from the first byte")),
            (b"* OK ready\r\n", Some("an IMAP server")),
            (b"2500 apples\r\n", None),
            (b"120 wait\r\n", None),
            (b"\r\n", None),
        ] {
            match read(bytes) {
                Err(ReplyError::NotSmtp { looks_like, .. }) => assert_eq!(looks_like.as_deref(), what),
                other => panic!("{bytes:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn endless_servers_meet_the_limits() {
        let limits = Limits { line: 20, lines: 3, total: 40 };
        let read = |bytes: &[u8]| {
            let mut reader = ReplyReader::new(limits);
            reader.push(bytes);
            let first = reader.next();
            assert_eq!(first, reader.next(), "errors stay");
            first.unwrap_err()
        };
        assert_eq!(read(b"220 aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), ReplyError::TooLong { limit: 20 });
        assert_eq!(read(b"220 aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"), ReplyError::TooLong { limit: 20 });
        assert_eq!(read(b"220-a\r\n220-a\r\n220-a\r\n220-a\r\n"), ReplyError::TooManyLines { limit: 3 });
        assert_eq!(
            read(b"220-aaaaaaaaaaaa\r\n220-aaaaaaaaaaaa\r\n220-aaaaaaa\r\n"),
            ReplyError::TooLarge { limit: 40 }
        );
    }

    #[test]
    fn bytes_after_a_reply_are_kept_and_counted() {
        let mut reader = ReplyReader::default();
        reader.push(b"220 go ahead\r\n250 injected\r\nmore");
        assert_eq!(reader.next().unwrap().unwrap().code, 220);
        assert_eq!(reader.buffered(), 18);
        assert_eq!(reader.take_rest(), b"250 injected\r\nmore");
        assert_eq!(reader.buffered(), 0);
        assert_eq!(reader.unfinished(), None);
    }

    #[test]
    fn an_early_end_is_described() {
        let mut reader = ReplyReader::default();
        reader.push(b"220-mx\r\n220-be");
        assert_eq!(reader.next(), Ok(None));
        assert_eq!(reader.unfinished(), Some(ReplyError::Unfinished { shown: "220 mx".into() }));
        let mut reader = ReplyReader::default();
        reader.push(b"\x15\x03\x03");
        assert_eq!(reader.next(), Ok(None));
        assert!(matches!(reader.unfinished(), Some(ReplyError::NotSmtp { looks_like: Some(_), .. })));
    }

    proptest! {
        #[test]
        fn where_bytes_are_split_makes_no_difference(
            lines in prop::collection::vec("(220[- ][a-z ]{0,9}|[ -~]{0,12})(\r\n|\n)", 0..8),
            cuts in prop::collection::vec(1usize..9, 1..40),
        ) {
            let bytes = lines.concat().into_bytes();
            let mut whole = ReplyReader::default();
            whole.push(&bytes);
            let mut expected = Vec::new();
            while let Ok(Some(reply)) = whole.next() { expected.push(reply); }
            let mut split = ReplyReader::default();
            let mut found = Vec::new();
            let (mut rest, mut cuts) = (bytes.as_slice(), cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                split.push(piece);
                while let Ok(Some(reply)) = split.next() { found.push(reply); }
                rest = after;
            }
            prop_assert_eq!(expected, found);
            prop_assert_eq!(whole.next().is_err(), split.next().is_err());
        }

        #[test]
        fn any_bytes_end_in_replies_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut reader = ReplyReader::default();
            reader.push(&bytes);
            for _ in 0..=bytes.len() {
                match reader.next() {
                    Ok(Some(reply)) => prop_assert!((200..600).contains(&reply.code)),
                    Ok(None) | Err(_) => break,
                }
            }
            prop_assert!(reader.buffered() <= bytes.len());
        }
    }
}
