//! TLSA records as people write them, in zone files and elsewhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::dane::{parse_presentation, parse_zone, unusable};

fuzz_target!(|text: &str| {
    for line in parse_zone(text) {
        if let Ok(record) = line.record {
            // The form that is printed means the same.
            assert_eq!(parse_presentation(&record.to_string()), Ok(record.clone()));
            let _ = unusable(&record);
        }
    }
});
