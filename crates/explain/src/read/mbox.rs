//! Mailboxes in one file (RFC 4155 and its older variants): many mails, each after a line
//! that begins with `From `.
//!
//! The separator is told from the same words in a mail's text by its form (an address or a
//! dash, then a date with a time), by what stands before it (a blank line) and after it (a
//! header field), so that mailboxes whose writers escaped nothing are split rightly too.

use std::io::{self, BufRead};

use memchr::{memchr, memchr2};

/// A longer line is passed on in pieces, in bytes.
const LONGEST_LINE: usize = 64 * 1024;
/// Of a mail beyond the cap so much of its end is kept, in bytes.
const TAIL: usize = 1024 * 1024;

/// True for a text that begins with a separator.
pub fn recognise(head: &[u8]) -> bool {
    let head = head.get(head.iter().take_while(|b| b.is_ascii_whitespace()).count()..).unwrap_or_default();
    let (line, rest) = line(head);
    is_separator(line) && opens_header(rest)
}

/// The mails of a mailbox, each with its separator. A text that is no mailbox is one mail.
pub fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (mail, after) = rest.split_at(end_of_first(rest));
        rest = after;
        Some(mail)
    })
}

/// Where the second mail begins.
fn end_of_first(bytes: &[u8]) -> usize {
    let (mut at, mut blank) = (0, false);
    while at < bytes.len() {
        let here = bytes.get(at..).unwrap_or_default();
        let (now, next) = line(here);
        if at > 0 && blank && is_separator(now) && opens_header(next) {
            return at;
        }
        blank = now.is_empty();
        at = bytes.len() - next.len();
    }
    bytes.len()
}

/// The first line without its end, which may be LF, CR LF or CR, and what follows it.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = memchr2(b'\n', b'\r', bytes) else { return (bytes, &[]) };
    let (now, rest) = bytes.split_at(end);
    let rest = match rest {
        [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
        [] => rest,
    };
    (now, rest)
}

/// `From user@example.com Thu Jan  1 00:00:00 2026`, `From - Thu, 1 Jan 2026 00:00 +0100`,
/// `From MAILER-DAEMON Thu Jan 1 00:00 CET 2026 remote from host`.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    if rest.len() > 400 {
        return false;
    }
    let words = || rest.split(|b| matches!(b, b' ' | b'\t' | b',')).filter(|word| !word.is_empty());
    let month = |word: &[u8]| {
        let months = b"janfebmaraprmayjunjulaugsepoctnovdec";
        word.len() == 3 && months.chunks_exact(3).any(|m| m.eq_ignore_ascii_case(word))
    };
    let time = |word: &[u8]| {
        let colon = |at: usize| word.get(at) == Some(&b':');
        (colon(1) || colon(2)) && word.iter().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))
    };
    let year = |word: &[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    words().skip(1).any(month) && words().any(time) && words().skip(1).any(year)
}

/// True for a text that begins with a header field, or with another separator as some
/// programs leave it.
fn opens_header(text: &[u8]) -> bool {
    let (line, _) = line(text);
    is_field(line) || line.starts_with(b">From ") || is_separator(line)
}

fn is_field(line: &[u8]) -> bool {
    let Some(colon) = memchr(b':', line.get(..line.len().min(80)).unwrap_or_default()) else { return false };
    let name = line.get(..colon).unwrap_or_default();
    !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic())
}

/// A mail out of a mailbox that is read piece by piece.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its bytes with its separator; of a mail beyond the cap the middle is left out.
    pub bytes: Vec<u8>,
    /// The line of the mailbox that it begins on, from 1.
    pub line: u64,
    /// How many bytes it has in the mailbox.
    pub length: u64,
}

/// The mails of a mailbox of any size, one at a time, in bounded memory.
#[derive(Debug)]
pub struct Mails<R> {
    input: R,
    /// The most bytes of one mail that are kept.
    cap: usize,
    current: Entry,
    /// The separator that the next mail begins with, and its line.
    held: Option<(Vec<u8>, u64)>,
    lines: u64,
    blank: bool,
    ended: bool,
}

impl<R: BufRead> Mails<R> {
    /// Reads from `input`, keeping at most `cap` bytes of a mail (at least 64 KB) and 1 MB
    /// more of its end.
    pub fn new(input: R, cap: usize) -> Self {
        Self {
            input,
            cap: cap.max(LONGEST_LINE),
            current: Entry::default(),
            held: None,
            lines: 0,
            blank: true,
            ended: false,
        }
    }

    /// The next line with its end, or a piece of one that is too long; empty at the end.
    fn piece(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut piece = Vec::new();
        while piece.len() < LONGEST_LINE {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok((piece, true));
            }
            let window = buffer.get(..LONGEST_LINE.min(buffer.len())).unwrap_or_default();
            let end = memchr2(b'\n', b'\r', window);
            let taken = end.map_or(window.len(), |end| end + 1);
            piece.extend_from_slice(window.get(..taken).unwrap_or_default());
            self.input.consume(taken);
            if end.is_some() {
                if piece.last() == Some(&b'\r') && self.input.fill_buf()?.first() == Some(&b'\n') {
                    piece.push(b'\n');
                    self.input.consume(1);
                }
                return Ok((piece, true));
            }
        }
        Ok((piece, false))
    }

    fn keep(&mut self, piece: &[u8]) {
        self.current.length += piece.len() as u64;
        let bytes = &mut self.current.bytes;
        bytes.extend_from_slice(piece);
        if bytes.len() > self.cap + 2 * TAIL {
            let end = bytes.len() - TAIL;
            bytes.drain(self.cap..end);
        }
    }

    /// The mail that just ended, and the next one begun.
    fn turn(&mut self, separator: Vec<u8>, line: u64) -> Option<Entry> {
        let next = Entry { line, length: separator.len() as u64, bytes: separator };
        let done = std::mem::replace(&mut self.current, next);
        done.bytes.iter().any(|b| !b.is_ascii_whitespace()).then_some(done)
    }

    fn advance(&mut self) -> io::Result<Option<Entry>> {
        let mut whole = true;
        while !self.ended {
            let (piece, ends) = self.piece()?;
            let begins = std::mem::replace(&mut whole, ends);
            if piece.is_empty() {
                self.ended = true;
            }
            self.lines += u64::from(begins && !piece.is_empty());
            let (text, _) = line(&piece);
            let mut done = None;
            if let Some((separator, at)) = self.held.take() {
                if opens_header(&piece) {
                    done = self.turn(separator, at);
                } else {
                    self.keep(&separator);
                }
            }
            if begins && ends && self.blank && is_separator(text) {
                self.held = Some((piece, self.lines));
                self.blank = false;
            } else {
                self.blank = begins && ends && text.is_empty();
                if self.current.line == 0 {
                    self.current.line = self.lines.max(1);
                }
                self.keep(&piece);
            }
            if done.is_some() {
                return Ok(done);
            }
        }
        Ok(self.turn(Vec::new(), 0))
    }
}

impl<R: BufRead> Iterator for Mails<R> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.advance();
        // Input that failed once is not asked again.
        self.ended |= entry.is_err();
        entry.transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOX: &str = "\
From alice@example.com Thu Jan  1 00:00:00 2026
Subject: one

From here it gets better.

From bob@example.com Thu Jan  1 00:00:01 2026
is quoted, and nothing follows that is a field
.
From - Fri, 2 Jan 2026 10:11:12 +0100
Subject: not preceded by a blank line

From MAILER-DAEMON Fri Jan  2 00:00 CET 2026 remote from uucp
>From x Fri Jan 2 2026
Subject: two

end

From - Sat Jan  3 00:00:00 2026
X-Mozilla-Status: 0001
Subject: three
";

    fn subjects(mails: &[Vec<u8>]) -> Vec<String> {
        let first = |mail: &Vec<u8>| {
            let text = String::from_utf8_lossy(mail).replace("\r\n", "\n").replace('\r', "\n");
            text.lines().find_map(|l| l.strip_prefix("Subject: ").map(ToOwned::to_owned)).unwrap_or_default()
        };
        mails.iter().map(first).collect()
    }

    #[test]
    fn a_mailbox_is_split_at_separators_and_nowhere_else() {
        for end in ["\n", "\r\n", "\r"] {
            let text = BOX.replace('\n', end);
            assert!(recognise(text.as_bytes()), "{end:?}");
            let whole: Vec<_> = split(text.as_bytes()).map(<[u8]>::to_vec).collect();
            assert_eq!(subjects(&whole), ["one", "two", "three"], "{end:?}");
            let mails = Mails::new(io::BufReader::with_capacity(7, text.as_bytes()), 0);
            let entries: Vec<_> = mails.map(Result::unwrap).collect();
            assert_eq!(entries.iter().map(|e| e.line).collect::<Vec<_>>(), [1, 12, 18]);
            assert_eq!(entries.into_iter().map(|e| e.bytes).collect::<Vec<_>>(), whole);
        }
    }

    #[test]
    fn what_is_no_mailbox_is_one_mail() {
        let text = b"Subject: x\n\nFrom me to you\n";
        assert!(!recognise(text));
        assert_eq!(split(text).collect::<Vec<_>>(), [text]);
        assert_eq!(split(b"").count(), 0);
        assert_eq!(Mails::new(&b""[..], 0).count(), 0);
    }

    #[test]
    fn a_huge_mail_keeps_its_head_and_its_end() {
        let mut text = BOX.as_bytes().to_vec();
        text.extend_from_slice(b"\n");
        text.extend(std::iter::repeat_n(b'x', 6 * 1024 * 1024));
        text.extend_from_slice(b"\nend\n\nFrom - Sat Jan  3 00:00:00 2026\nSubject: four\n");
        let entries: Vec<_> = Mails::new(&text[..], 100_000).map(Result::unwrap).collect();
        assert_eq!(entries.len(), 4);
        assert!(entries[2].bytes.len() < 4_000_000);
        assert!(entries[2].length > 6_000_000);
        assert!(entries[2].bytes.starts_with(b"From - Sat") && entries[2].bytes.ends_with(b"end\n\n"));
        assert!(entries[3].bytes.ends_with(b"four\n"));
    }

    proptest! {
        #[test]
        fn both_ways_split_alike(
            lines in proptest::collection::vec("(|From - Sat Jan  3 00:00:00 2026|Subject: x|From x|>From y|text\r?)", 0..30),
            capacity in 1usize..20,
        ) {
            let text = lines.join("\n");
            let whole: Vec<_> = split(text.as_bytes()).filter(|m| !m.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect();
            let mails = Mails::new(io::BufReader::with_capacity(capacity, text.as_bytes()), 0);
            let streamed: Vec<_> = mails.map(|entry| entry.unwrap().bytes).collect();
            prop_assert_eq!(whole.concat(), streamed.concat());
            prop_assert_eq!(whole, streamed);
        }
    }
}
