//! The first bytes of a service that is not SMTP.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::{smtp::identify, text::is_harmful};

fuzz_target!(|bytes: &[u8]| {
    if let Some(name) = identify(bytes) {
        assert!(!name.chars().any(is_harmful), "{name:?}");
    }
});
