//! A list of weak keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::WeakKeys;

fuzz_target!(|text: &str| {
    let _ = WeakKeys::default().add("blacklist.RSA-2048", text);
});
