//! A server's first flight in clear, in pieces as a network delivers them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::tls::flight::{FlightReader, Limits};

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let mut whole = FlightReader::new(Limits::default());
    whole.push(bytes);
    let mut pieces = FlightReader::new(Limits::default());
    for part in bytes.chunks(usize::from(piece).max(1)) {
        pieces.push(part);
    }
    // How the network cuts the bytes is no part of the answer.
    assert_eq!(whole.finish(), pieces.finish());
});
