//! TXT records at `_smtp._tls.DOMAIN`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::tlsrpt;

fuzz_target!(|texts: Vec<String>| {
    let selection = tlsrpt::select(&texts);
    assert!(selection.record.is_none() || selection.problem.is_none());
    if let Some(found) = selection.record {
        let again = tlsrpt::parse(&format!("v=TLSRPTv1; rua={}", found.rua.join(",")));
        assert_eq!(again.value, Some(found));
    }
});
