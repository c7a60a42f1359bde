//! The signature of a TLS handshake, with a key as it stands in a certificate.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::verify_signature;

fuzz_target!(|input: (u16, &[u8], &[u8], &[u8])| {
    let (scheme, key, message, signature) = input;
    let _ = verify_signature(key, scheme, message, signature);
});
