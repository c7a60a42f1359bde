//! A message on its way into DATA: dots doubled, the end marked, nothing copied.

use std::{io::IoSlice, slice, sync::LazyLock};

use bytes::Bytes;
use memchr::memmem::Finder;

/// Slices that go into one write.
const SLICES: usize = 16;

/// A dot that begins a line, the first line apart. A line ends in LF whatever stands before
/// it: a server that takes a bare LF for a line end must not see a line of one dot either.
static DOT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n."));

/// The bytes of a message as DATA wants them (RFC 5321 section 4.5.2), as slices of its
/// parts: a dot more before each that begins a line, and after the last line, which gets its
/// end if it has none, a line of one dot.
pub(super) struct Stuffed<'a> {
    parts: slice::Iter<'a, Bytes>,
    rest: &'a [u8],
    /// The next byte begins a line.
    line_start: bool,
    /// The last two bytes that were given.
    tail: [u8; 2],
    ended: bool,
}

impl<'a> Stuffed<'a> {
    pub(super) fn new(parts: &'a [Bytes]) -> Self {
        Self { parts: parts.iter(), rest: &[], line_start: true, tail: *b"\r\n", ended: false }
    }

    /// Line end, as far as it is missing, and the final dot.
    fn ending(&self) -> &'static [u8] {
        match self.tail {
            [b'\r', b'\n'] => b".\r\n",
            [_, b'\r'] => b"\n.\r\n",
            _ => b"\r\n.\r\n",
        }
    }

    fn note(&mut self, piece: &[u8]) {
        match piece {
            [.., a, b] => self.tail = [*a, *b],
            [b] => self.tail = [self.tail[1], *b],
            [] => {}
        }
        self.line_start = self.tail[1] == b'\n';
    }
}

impl<'a> Iterator for Stuffed<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.rest.is_empty() {
            match self.parts.next() {
                Some(part) => self.rest = part,
                None if self.ended => return None,
                None => {
                    self.ended = true;
                    return Some(self.ending());
                }
            }
        }
        if self.line_start && self.rest.first() == Some(&b'.') {
            self.line_start = false;
            return Some(b".");
        }
        let end = DOT.find(self.rest).map_or(self.rest.len(), |at| at + 1);
        let (piece, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.note(piece);
        Some(piece)
    }
}

/// The slices that are to be written next.
pub(super) struct Window<'a, I> {
    source: I,
    slices: Vec<&'a [u8]>,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Window<'a, I> {
    pub(super) fn new(source: I) -> Self {
        let mut window = Self { source, slices: Vec::with_capacity(SLICES) };
        window.fill();
        window
    }

    fn fill(&mut self) {
        let room = SLICES.saturating_sub(self.slices.len());
        self.slices.extend(self.source.by_ref().filter(|slice| !slice.is_empty()).take(room));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Calls `write` with what is to be written.
    pub(super) fn with<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); SLICES];
        for (place, slice) in slices.iter_mut().zip(&self.slices) {
            *place = IoSlice::new(slice);
        }
        write(slices.get(..self.slices.len()).unwrap_or_default())
    }

    /// So many bytes were written.
    pub(super) fn advance(&mut self, mut written: usize) {
        let mut done = 0;
        for slice in &mut self.slices {
            if written < slice.len() {
                *slice = slice.get(written..).unwrap_or_default();
                break;
            }
            written -= slice.len();
            done += 1;
        }
        self.slices.drain(..done);
        self.fill();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stuffed(parts: &[&[u8]]) -> Vec<u8> {
        let parts: Vec<Bytes> = parts.iter().map(|part| Bytes::copy_from_slice(part)).collect();
        Stuffed::new(&parts).flatten().copied().collect()
    }

    #[test]
    fn dots_that_begin_lines_are_doubled_also_across_parts() {
        for (parts, wanted) in [
            (&[&b"a\r\n"[..]][..], &b"a\r\n.\r\n"[..]),
            (&[b".a\r\n"], b"..a\r\n.\r\n"),
            (&[b"."], b"..\r\n.\r\n"),
            (&[b"a\r\n", b".\r\n"], b"a\r\n..\r\n.\r\n"),
            (&[b"a\r", b"\n", b"", b".b.\r\n"], b"a\r\n..b.\r\n.\r\n"),
            (&[b"a.b\r\n..c\r\n"], b"a.b\r\n...c\r\n.\r\n"),
            (&[b"a\r\n.", b".b"], b"a\r\n...b\r\n.\r\n"),
        ] {
            assert_eq!(stuffed(parts), wanted, "{}", stuffed(parts).escape_ascii());
        }
    }

    #[test]
    fn the_last_line_gets_the_end_that_it_lacks() {
        assert_eq!(stuffed(&[]), b".\r\n");
        assert_eq!(stuffed(&[b""]), b".\r\n");
        assert_eq!(stuffed(&[b"a"]), b"a\r\n.\r\n");
        assert_eq!(stuffed(&[b"a\r"]), b"a\r\n.\r\n");
        assert_eq!(stuffed(&[b"a\r", b"\n"]), b"a\r\n.\r\n");
    }

    #[test]
    fn a_bare_line_feed_and_a_dot_end_no_message() {
        let sent = stuffed(&[b"a\n.\r\nMAIL FROM:<x@example>\r\n"]);
        assert_eq!(sent, b"a\n..\r\nMAIL FROM:<x@example>\r\n.\r\n");
    }

    #[test]
    fn parts_without_leading_dots_are_not_cut() {
        let part = Bytes::from_static(b"Subject: a\r\n\r\nb. c\r\n");
        let slices: Vec<_> = Stuffed::new(std::slice::from_ref(&part)).collect();
        assert_eq!(slices.len(), 2);
        assert_eq!(slices[0].as_ptr(), part.as_ptr(), "no copy");
    }

    /// What a server makes of it, line by line: the oracle.
    fn unstuff(sent: &[u8]) -> Option<(Vec<u8>, usize)> {
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let end = at + sent[at..].windows(2).position(|two| two == b"\r\n")? + 2;
            let line = &sent[at..end];
            at = end;
            if line == b".\r\n" {
                return Some((out, at));
            }
            out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
    }

    proptest! {
        #[test]
        fn a_server_reads_what_was_there_and_the_end_is_at_the_end(
            words in proptest::collection::vec("[.a]{0,3}(\r\n)?", 0..12),
            cuts in proptest::collection::vec(0usize..40, 0..6),
        ) {
            let body = words.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < body.len()).collect();
            cuts.sort_unstable();
            cuts.push(body.len());
            let mut from = 0;
            let mut parts = Vec::new();
            for cut in cuts {
                parts.push(&body.as_bytes()[from..cut]);
                from = cut;
            }
            let sent = stuffed(&parts);
            let (read, end) = unstuff(&sent).expect("an end");
            prop_assert_eq!(end, sent.len());
            let complete = body.is_empty() || body.ends_with("\r\n");
            let wanted = if complete { body } else { format!("{body}\r\n") };
            prop_assert_eq!(read, wanted.into_bytes());
        }

        #[test]
        fn a_window_gives_all_bytes_once_however_few_are_written(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5), 0..50),
            steps in proptest::collection::vec(1usize..9, 1..20),
        ) {
            let mut window = Window::new(pieces.iter().map(Vec::as_slice));
            let mut out = Vec::new();
            let mut steps = steps.iter().cycle();
            while !window.is_empty() {
                let there: Vec<u8> = window.with(|io| io.iter().flat_map(|slice| slice.to_vec()).collect());
                let n = there.len().min(*steps.next().unwrap());
                out.extend_from_slice(&there[..n]);
                window.advance(n);
            }
            prop_assert_eq!(out, pieces.concat());
        }
    }
}
