//! Mails and mailboxes: whatever a bounce may be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_explain::{
    Given, diagnose,
    read::{mbox, read},
};

fuzz_target!(|bytes: &[u8]| {
    let reading = read(bytes, &Given::default());
    assert!(reading.events.len() <= 100_000);
    for event in reading.events.iter().take(3) {
        let _ = diagnose(event);
    }
    // What is split is all that was given, whichever way it is read.
    let whole: Vec<&[u8]> = mbox::split(bytes).collect();
    assert_eq!(whole.concat(), bytes);
    let blank = |mail: &[u8]| mail.iter().all(u8::is_ascii_whitespace);
    let streamed = mbox::Mails::new(bytes, 1 << 22).map(|entry| entry.map(|entry| entry.bytes));
    let streamed: Vec<Vec<u8>> = streamed.collect::<Result<_, _>>().unwrap_or_default();
    assert_eq!(whole.into_iter().filter(|mail| !blank(mail)).collect::<Vec<_>>(), streamed);
});
