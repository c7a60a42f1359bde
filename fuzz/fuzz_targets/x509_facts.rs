//! One certificate, and whose name it bears.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::{facts, matches_host};

fuzz_target!(|der: &[u8]| {
    if let Ok(facts) = facts(der) {
        let _ = matches_host(&facts, "mx.example.com");
    }
});
