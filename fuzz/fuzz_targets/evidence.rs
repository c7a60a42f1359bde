//! A file of evidence that somebody else has written.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    let _ = waxseal_judge::fuzz_judge(json);
});
