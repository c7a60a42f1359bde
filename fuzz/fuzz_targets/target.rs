//! What users and lists of targets contain.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::target::{name_to_ascii, parse};

fuzz_target!(|input: (Option<u16>, &str)| {
    let (port, text) = input;
    // No command line lets a default of 0 pass.
    if let Ok(target) = parse(text, port.filter(|port| *port != 0)) {
        // The form for the command line names the same target again.
        let again = parse(&target.argument(), None).map(|again| again.argument());
        assert_eq!(again.as_deref(), Ok(target.argument().as_str()));
    }
    if let Ok(name) = name_to_ascii(text) {
        assert!(name.is_ascii() && name.len() <= 253, "{name}");
    }
});
