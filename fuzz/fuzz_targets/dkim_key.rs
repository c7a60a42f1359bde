//! DKIM key records, and the tags of signatures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::{
    dkim::{key, signature},
    text::is_harmful,
};

fuzz_target!(|text: &str| {
    match key(text) {
        Ok(key) => {
            let words = key.hashes.iter().chain(&key.services).chain(&key.notes).chain([&key.algorithm]);
            for word in words {
                assert!(!word.chars().any(is_harmful), "{word:?}");
            }
        }
        Err(e) => assert!(!e.to_string().chars().any(is_harmful), "{e}"),
    }
    if let Err(e) = signature(text) {
        assert!(!e.to_string().chars().any(is_harmful), "{e}");
    }
});
