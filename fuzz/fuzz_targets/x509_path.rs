//! A presented chain against roots that may be as broken.
//!
//! The first byte is the number of roots; then each certificate, the roots first, with its
//! length in two bytes before it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::{RootStore, path};

fuzz_target!(|bytes: &[u8]| {
    let Some((roots, mut rest)) = bytes.split_first() else { return };
    let mut certificates = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (certificate, after) = after.split_at(after.len().min(usize::from(u16::from_be_bytes(*length))));
        certificates.push(certificate.to_vec());
        rest = after;
    }
    let chain = certificates.split_off(certificates.len().min(usize::from(*roots)));
    let facts = path(&chain, &RootStore::from_ders("fuzz", certificates));
    assert!(facts.used.iter().flatten().all(|at| (*at as usize) < chain.len()));
});
