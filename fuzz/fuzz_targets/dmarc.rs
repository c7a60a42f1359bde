//! DMARC records, and walks up a tree of hostile ones.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::{
    dmarc::{Discovery, aligned, discover, parse, policy_for},
    query::{Answer, Data, Question},
    text::is_harmful,
};

fuzz_target!(|input: (&str, &str, Vec<&str>)| {
    let (domain, other, texts) = input;
    for text in &texts {
        if let Ok(record) = parse(text) {
            let _ = policy_for(domain, other, false, &record);
            for text in record.warnings.iter().chain(&record.rua).chain([&record.text]) {
                assert!(!text.chars().any(is_harmful), "{text:?}");
            }
        }
    }
    let answers = |q: &Question| {
        let text = texts.get(q.name.len() % 8)?;
        Some(Answer::Records(vec![Data::Txt((*text).to_owned())]))
    };
    match discover(domain, &answers) {
        Discovery::Done(place) => {
            assert!(place.walk.len() <= 8);
            let _ = aligned(domain, &place.organizational_domain, other, false, &answers);
        }
        Discovery::Needs(missing) => assert!((1..=8).contains(&missing.len())),
        Discovery::Failed(why) => panic!("{why}"),
    }
});
