//! What people paste: replies, transcripts, the errors of programs, lines of logs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_explain::{Given, diagnose, read};
use waxseal_wire::text::is_harmful;

fuzz_target!(|bytes: &[u8]| {
    let reading = read(bytes, &Given::default());
    // There is an answer, or the reason for none.
    assert!(!reading.events.is_empty() || !reading.notes.is_empty(), "{:?}", reading.kind);
    for event in reading.events.iter().take(5) {
        let shown =
            [Some(&event.text), event.recipient.as_ref(), event.sender.as_ref(), event.remote_host.as_ref()];
        for text in shown.into_iter().flatten().chain(&event.context) {
            assert!(!text.chars().any(is_harmful), "{text:?}");
        }
        let diagnosis = diagnose(event);
        assert!((0.0..=1.0).contains(&diagnosis.confidence));
        for evidence in &diagnosis.evidence {
            if let (Some(start), Some(end)) = (evidence.start, evidence.end) {
                assert_eq!(event.text.get(start..end), Some(evidence.text.as_str()));
            }
        }
    }
});
