//! A server's first flight in clear, in pieces as a network delivers them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::tls::flight::{Answer, FlightReader, Limits};

/// The answer without the bytes that it quotes: of bytes that are no TLS, it quotes those
/// that had come when this became clear.
fn answer(reader: FlightReader) -> Answer {
    match reader.finish() {
        Answer::Malformed(_) => Answer::Malformed(String::new()),
        Answer::NotTls(_) => Answer::NotTls(String::new()),
        other => other,
    }
}

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let mut whole = FlightReader::new(Limits::default());
    whole.push(bytes);
    let mut pieces = FlightReader::new(Limits::default());
    for part in bytes.chunks(usize::from(piece).max(1)) {
        pieces.push(part);
    }
    // How the network cuts the bytes is no part of the answer.
    assert_eq!(answer(whole), answer(pieces));
});
