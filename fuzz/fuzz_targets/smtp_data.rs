//! The end of mail data, by two readers: ours, and one as plain as can be. And chunks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::smtp::{Content, ContentLimits, DataReader, header_facts};

const LIMITS: ContentLimits = ContentLimits { size: 1 << 20, line: 0 };

/// The message, or that it is refused, and what stands behind its end; none if it does not
/// end.
type Outcome = Option<(Result<Vec<u8>, ()>, Vec<u8>)>;

fn ours(bytes: &[u8], piece: usize) -> Outcome {
    let mut reader = DataReader::new(Content::new(LIMITS, None));
    let (mut buffer, mut parts) = (Vec::new(), bytes.chunks(piece));
    loop {
        buffer.extend_from_slice(parts.next()?);
        let (consumed, ended) = reader.feed(&buffer);
        buffer.drain(..consumed);
        if ended {
            let behind = [buffer, parts.collect::<Vec<_>>().concat()].concat();
            return Some((reader.finish().map(|message| message.parts.concat()).map_err(|_| ()), behind));
        }
        assert!(buffer.len() <= 2);
    }
}

fn plainly(bytes: &[u8]) -> Outcome {
    let text = [b"\r\n", bytes].concat();
    let end = text.windows(5).position(|five| five == b"\r\n.\r\n")?;
    let (mut message, mut rest, mut bad) = (Vec::new(), &text[2..end + 2], false);
    while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
        let line = &rest[..at];
        bad |= line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        message.extend_from_slice(b"\r\n");
        rest = &rest[at + 2..];
    }
    Some((if bad { Err(()) } else { Ok(message) }, text[end + 5..].to_vec()))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let piece = usize::from(piece).max(1);
    assert_eq!(ours(bytes, piece), plainly(bytes));
    let mut content = Content::new(LIMITS, None);
    for part in bytes.chunks(piece) {
        content.chunk(part);
    }
    if let Ok(received) = content.finish() {
        let whole = received.parts.concat();
        assert!(whole.is_empty() || whole.ends_with(b"\r\n"));
        let _ = header_facts(&whole);
    }
});
