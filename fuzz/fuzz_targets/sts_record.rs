//! TXT records at `_mta-sts.DOMAIN`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::sts::record;

fuzz_target!(|texts: Vec<String>| {
    let selection = record::select(&texts);
    assert!(selection.record.is_none() || selection.problem.is_none());
    if let Some(found) = selection.record {
        let again = record::parse(&format!("v=STSv1; id={};", found.id));
        assert_eq!(again.value, Some(found));
    }
});
