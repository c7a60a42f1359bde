//! A list of signed certificate timestamps.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::sct_list;

fuzz_target!(|bytes: &[u8]| {
    let _ = sct_list(bytes);
});
