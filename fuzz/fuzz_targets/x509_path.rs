//! A presented chain against roots that may be as broken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::{RootStore, path};

fuzz_target!(|input: (Vec<Vec<u8>>, Vec<Vec<u8>>)| {
    let (chain, roots) = input;
    let roots = RootStore::from_ders("fuzz", roots);
    let facts = path(&chain, &roots);
    assert!(facts.used.iter().flatten().all(|at| (*at as usize) < chain.len()));
});
