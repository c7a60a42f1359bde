//! The header of a message that somebody saved.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::{message::facts, text::is_harmful};

fuzz_target!(|bytes: &[u8]| {
    let facts = facts(bytes);
    assert!(facts.signatures.len() <= 64);
    for text in facts.problems.iter().chain(&facts.from).chain(&facts.return_path) {
        assert!(!text.chars().any(is_harmful), "{text:?}");
    }
});
