//! TLS and DMARC reports, plain and packed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_explain::{Given, read};
use waxseal_wire::text::is_harmful;

fuzz_target!(|bytes: &[u8]| {
    let reading = read(bytes, &Given::default());
    for report in &reading.tls_reports {
        let _ = (report.successful(), report.failed());
        for policy in &report.policies {
            let failures =
                policy.failures.iter().flat_map(|f| [Some(&f.result), f.reason.as_ref()]).flatten();
            for text in [Some(&policy.kind), policy.domain.as_ref()].into_iter().flatten().chain(failures) {
                assert!(!text.chars().any(is_harmful), "{text:?}");
            }
        }
    }
    for report in &reading.dmarc_reports {
        assert!(report.failed() <= report.messages());
        let texts = report.rows.iter().flat_map(|row| [row.header_from.as_ref(), row.envelope_to.as_ref()]);
        for text in texts.flatten().chain(&report.errors) {
            assert!(!text.chars().any(is_harmful), "{text:?}");
        }
    }
    for event in reading.events.iter().take(5) {
        assert!(!event.text.chars().any(is_harmful), "{:?}", event.text);
    }
});
