//! The signature of a TLS handshake, with a key as it stands in a certificate.
//!
//! Two bytes for the scheme, then key and message, each with its length in two bytes
//! before it; what remains is the signature.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::verify_signature;

/// A piece with its length in front, and what follows it.
fn piece(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((scheme, rest)) = bytes.split_first_chunk::<2>() else { return };
    let Some((key, rest)) = piece(rest) else { return };
    let Some((message, signature)) = piece(rest) else { return };
    let _ = verify_signature(key, u16::from_be_bytes(*scheme), message, signature);
});
