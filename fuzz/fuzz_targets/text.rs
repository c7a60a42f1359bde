//! Bytes that are going to be printed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::text::{is_harmful, neutralise};

fuzz_target!(|input: (u16, &[u8])| {
    let (most, bytes) = input;
    let text = neutralise(bytes, usize::from(most));
    assert!(text.chars().count() <= usize::from(most));
    assert!(!text.chars().any(is_harmful), "{text:?}");
});
