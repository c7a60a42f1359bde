//! The file that a policy host serves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::sts::{pattern, policy};

fuzz_target!(|bytes: &[u8]| {
    let reading = policy::parse(bytes, "1");
    assert_eq!(reading.value.is_some(), reading.errors.is_empty());
    let Some(policy) = reading.value else { return };
    assert!(policy.max_age <= policy::MAX_AGE);
    for mx in &policy.mx {
        assert_eq!(pattern::validate(mx), Ok(()));
        // A star covers one label: never itself, unless it is no star.
        assert!(pattern::covers(mx, &mx.replace('*', "a")));
    }
});
