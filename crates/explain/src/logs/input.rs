//! Files of logs, one after another, line by line, in memory that does not grow with them.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use memchr::{memchr, memrchr};
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};
use waxseal_model::logs::{LogFile, LogSummary, ProgramLines};

use super::{Filter, Summarizer};
use crate::read::log::{LONGEST_LINE, LogFormat, LogReader, first_time};

/// How much is read at a time, in bytes.
const PIECE: usize = 256 * 1024;
/// How much of a file is looked at before it is read, for its first time and for what it is,
/// in bytes.
pub const HEAD: u64 = 64 * 1024;

/// Reads logs and counts them.
#[derive(Debug)]
pub struct LogRun {
    reader: LogReader,
    summarizer: Summarizer,
    files: Vec<LogFile>,
    lines: [u64; LogFormat::ALL.len()],
    cut: u64,
}

impl LogRun {
    /// Nothing is read yet.
    pub fn new(filter: Filter) -> Self {
        Self {
            reader: LogReader::new(0, 0, false),
            summarizer: Summarizer::new(filter),
            files: Vec::new(),
            lines: [0; LogFormat::ALL.len()],
            cut: 0,
        }
    }

    /// Reads a file to its end, plain or packed. Logs without a year end before `until`;
    /// `utc_offset`: seconds east of UTC, for times that name no zone. What cannot be read to
    /// its end is noted with what was read before.
    pub fn file(&mut self, name: &str, input: impl Read, until: i64, utc_offset: i32) -> LogFile {
        self.reader.next_file(until, utc_offset);
        let mut file = LogFile { name: name.to_owned(), ..LogFile::default() };
        let read = unpacked(input).and_then(|mut input| self.read(&mut input, &mut file));
        file.problem = read.err().map(|error| error.to_string());
        self.files.push(file.clone());
        file
    }

    fn read(&mut self, input: &mut dyn Read, file: &mut LogFile) -> io::Result<()> {
        let mut buffer = vec![0; PIECE];
        let mut filled = 0;
        // In the rest of a line that was too long.
        let mut skipping = false;
        loop {
            let room = buffer.get_mut(filled..).unwrap_or_default();
            let read = match input.read(room) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.lines(buffer.get(..filled).unwrap_or_default(), file, skipping);
                    return Err(error);
                }
            };
            file.bytes += read as u64;
            filled += read;
            let all = buffer.get(..filled).unwrap_or_default();
            if read == 0 {
                self.lines(all, file, skipping);
                return Ok(());
            }
            let whole = memrchr(b'\n', all).map_or(0, |at| at + 1);
            if whole > 0 {
                self.lines(all.get(..whole).unwrap_or_default(), file, skipping);
                skipping = false;
            } else if filled > LONGEST_LINE {
                // A line without end: its beginning is read, the rest passed over.
                self.lines(all, file, skipping);
                skipping = true;
                filled = 0;
                continue;
            }
            buffer.copy_within(whole..filled, 0);
            filled -= whole;
        }
    }

    /// Reads lines, of which the last may lack its line feed. With `skipping` the first is the rest
    /// of one that was read before.
    fn lines(&mut self, bytes: &[u8], file: &mut LogFile, skipping: bool) {
        let mut rest = bytes;
        if skipping {
            let Some(end) = memchr(b'\n', rest) else { return };
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            self.line(line, file);
            rest = after.get(1..).unwrap_or_default();
        }
    }

    fn line(&mut self, line: &[u8], file: &mut LogFile) {
        file.lines += 1;
        let short = line.get(..LONGEST_LINE).unwrap_or(line);
        self.cut += u64::from(short.len() < line.len() || line.len() == LONGEST_LINE);
        let summarizer = &mut self.summarizer;
        let Some(format) = self.reader.line(short, &mut |record| summarizer.add(record)) else { return };
        file.recognised += 1;
        if let Some(count) = self.lines.get_mut(format as usize) {
            *count += 1;
        }
    }

    /// The counts of all files.
    pub fn finish(self) -> LogSummary {
        let mut summary = self.summarizer.finish();
        summary.notes.extend(self.reader.notes());
        let read = |format: LogFormat| self.lines.get(format as usize).is_some_and(|lines| *lines > 0);
        if read(LogFormat::ExchangeTracking) && read(LogFormat::ExchangeProtocol) {
            summary.notes.push(
                "Exchange's message tracking and its protocol logs tell of the same deliveries: what stands in both \
                 counts twice here. Read one kind at a time; how mail was protected stands in the protocol logs."
                    .into(),
            );
        }
        summary.lines = self.files.iter().map(|file| file.lines).sum();
        let programs = LogFormat::ALL.iter().zip(self.lines).filter(|(_, lines)| *lines > 0);
        summary.programs = programs
            .map(|(format, lines)| ProgramLines {
                format: format.name().into(),
                program: format.program().into(),
                lines,
            })
            .collect();
        summary.programs.sort_by_key(|program| std::cmp::Reverse(program.lines));
        if self.cut > 0 {
            let kib = LONGEST_LINE / 1024;
            summary
                .notes
                .push(format!("{} lines are longer than {kib} KiB; their ends were not read.", self.cut));
        }
        for file in self.files.iter().filter(|file| file.problem.is_some()) {
            let problem = file.problem.as_deref().unwrap_or_default();
            summary.notes.push(format!("{} was read up to line {}: {problem}.", file.name, file.lines));
        }
        summary.files = self.files;
        summary
    }
}

/// The time of the first line of a file that has one: rotated files are read in its order.
pub fn begins(input: impl Read, until: i64, utc_offset: i32) -> Option<i64> {
    let mut head = Vec::new();
    // What cannot be read has no time; reading it later says why.
    let _ = unpacked(input).map(|input| input.take(HEAD).read_to_end(&mut head));
    first_time(&head, until, utc_offset)
}

/// The bytes, inflated if they are gzip (of any number of members) or Zstandard (of any number
/// of frames).
///
/// # Errors
/// When the first bytes cannot be read.
pub fn unpacked<'a>(input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    // Small: what is not packed is read past it, in large pieces.
    let mut input = BufReader::with_capacity(8 * 1024, input);
    let head = input.fill_buf()?;
    Ok(match head {
        [0x1f, 0x8b, 8, ..] => Box::new(MultiGzDecoder::new(input)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Box::new(Zstd::new(input)),
        _ => Box::new(input),
    })
}

/// Frames of Zstandard, one after another.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    open: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), open: false }
    }

    /// Begins the next frame; false if there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.open && !self.next_frame()? {
                return Ok(0);
            }
            self.open = true;
            if !self.decoder.is_finished() && self.decoder.can_collect() < into.len() {
                let wanted = BlockDecodingStrategy::UptoBytes(into.len());
                self.decoder.decode_blocks(&mut self.source, wanted).map_err(io::Error::other)?;
            }
            let read = self.decoder.read(into)?;
            if read > 0 {
                return Ok(read);
            }
            self.open = !self.decoder.is_finished();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = "Nov 21 23:34:45 mx postfix/smtp[12]: 4XyZ1a2b3c: to=<a@b.example>, relay=none, delay=1, \
                        delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to b.example[192.0.2.1]:25: Connection timed out)\n";

    fn run(bytes: &[u8]) -> LogSummary {
        let mut run = LogRun::new(Filter::default());
        run.file("x", bytes, 1_764_547_200, 0);
        run.finish()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_files_are_read_member_by_member() {
        use ruzstd::encoding::{CompressionLevel::Fastest, compress_to_vec};
        let half = LINE.repeat(500).into_bytes();
        let zstd = compress_to_vec(half.as_slice(), Fastest);
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd].concat();
        for bytes in [
            [half.clone(), half.clone()].concat(),
            [gzip(&half), gzip(&half)].concat(),
            [zstd.clone(), zstd.clone()].concat(),
            [zstd, skippable].concat(),
        ] {
            let summary = run(&bytes);
            assert_eq!((summary.lines, summary.deferred), (1000, 1000), "{:?}", summary.notes);
            assert_eq!(summary.files[0].problem, None);
        }
    }

    #[test]
    fn what_is_damaged_is_read_as_far_as_it_goes() {
        let mut packed = gzip(LINE.repeat(2000).as_bytes());
        packed.truncate(packed.len() - 12);
        let summary = run(&packed);
        assert!(summary.files[0].problem.is_some() && summary.lines > 0, "{:?}", summary.files);
        assert!(
            summary.notes.iter().any(|note| note.starts_with("x was read up to line ")),
            "{:?}",
            summary.notes
        );
    }

    #[test]
    fn two_logs_of_the_same_deliveries_are_told_so() {
        let tracking = "#Fields: date-time,event-id,source,recipient-address,recipient-status\n";
        let protocol = "#Fields: date-time,session-id,sequence-number,event,data,context\n";
        for (text, twice) in
            [([tracking, protocol].concat(), true), (tracking.into(), false), (protocol.into(), false)]
        {
            let notes = run(text.as_bytes()).notes;
            assert_eq!(notes.iter().any(|note| note.contains("counts twice")), twice, "{notes:?}");
        }
    }

    #[test]
    fn lines_of_any_length_are_borne() {
        let long = [b'x'; 3 * PIECE];
        let text =
            [LINE.as_bytes(), &long, b"\n", LINE.as_bytes(), &long, b"\n\n", LINE.trim().as_bytes()].concat();
        let summary = run(&text);
        assert_eq!((summary.deferred, summary.lines), (3, 6));
        assert!(
            summary.notes.iter().any(|note| note.starts_with("2 lines are longer")),
            "{:?}",
            summary.notes
        );
    }

    #[test]
    fn each_file_has_the_offset_of_its_own_time() {
        let mut run = LogRun::new(Filter::default());
        run.file("summer", LINE.as_bytes(), 1_764_547_200, 7200);
        run.file("winter", LINE.as_bytes(), 1_764_547_200, 3600);
        let summary = run.finish();
        assert_eq!(summary.first.zip(summary.last), Some((1_763_760_885, 1_763_764_485)));
    }

    #[test]
    fn the_first_time_is_found_in_packed_files_too() {
        assert_eq!(begins(LINE.as_bytes(), 1_764_547_200, 0), Some(1_763_768_085));
        assert_eq!(begins(gzip(LINE.as_bytes()).as_slice(), 1_764_547_200, 0), Some(1_763_768_085));
        assert_eq!(begins(&b"nothing"[..], 0, 0), None);
    }

    proptest! {
        #[test]
        fn how_bytes_come_makes_no_difference(cuts in prop::collection::vec(1usize..400, 1..40)) {
            struct Drip<'a>(&'a [u8], Vec<usize>, usize);
            impl Read for Drip<'_> {
                fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                    let n = self.1[self.2 % self.1.len()].min(into.len()).min(self.0.len());
                    self.2 += 1;
                    into[..n].copy_from_slice(&self.0[..n]);
                    self.0 = &self.0[n..];
                    Ok(n)
                }
            }
            let text = LINE.repeat(20);
            let mut run = LogRun::new(Filter::default());
            run.file("x", Drip(text.as_bytes(), cuts, 0), 1_764_547_200, 0);
            prop_assert_eq!(run.finish().deferred, 20);
        }

        #[test]
        fn no_bytes_panic(start in 0usize..3, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let magic: &[u8] = [&[0x1f, 0x8b, 8][..], &[0x28, 0xb5, 0x2f, 0xfd], b""][start];
            run(&[magic, &bytes].concat());
        }
    }
}
