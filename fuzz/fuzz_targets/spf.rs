//! SPF records, and evaluations whose every answer is hostile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::{
    query::{Answer, Data, Question, RecordType},
    spf::{CostStep, Evaluation, SpfQuery, cost, evaluate, facts, parse},
    text::is_harmful,
};

fuzz_target!(|input: (Vec<&str>, &str, [u8; 4])| {
    let (texts, sender, ip) = input;
    for text in &texts {
        if let Ok(record) = parse(text) {
            let _ = facts(&record, text);
        }
    }
    // Which answer a question gets hangs on its name alone, so that a question that is
    // put twice is answered alike.
    let answers = |q: &Question| {
        let pick = q.name.bytes().fold(0usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(b)));
        Some(match q.rtype {
            RecordType::Txt if texts.is_empty() => Answer::NoName,
            RecordType::Txt => Answer::Records(vec![Data::Txt(texts[pick % texts.len()].to_owned())]),
            RecordType::Mx => Answer::Records(
                (0..(pick % 13) as u16).map(|n| Data::Mx(n, format!("{n}.example"))).collect(),
            ),
            RecordType::Ptr => {
                Answer::Records((0..pick % 13).map(|n| Data::Ptr(format!("{n}.example.com"))).collect())
            }
            RecordType::A if pick % 2 == 0 => Answer::Records(vec![Data::A(ip.into())]),
            _ => Answer::NoName,
        })
    };
    let query = SpfQuery::of_mail(ip.into(), sender, "mx.example.com");
    let Evaluation::Done(outcome) = evaluate(&query, &answers) else { panic!("every answer was given") };
    assert!(outcome.lookups <= 10 && outcome.void_lookups <= 2);
    let said = outcome.trail.iter().flat_map(|s| [&s.domain, &s.term, &s.says]).chain([&outcome.reason]);
    for text in said.chain(&outcome.explanation) {
        assert!(!text.chars().any(is_harmful), "{text:?}");
    }
    assert!(matches!(cost(&query.domain, &answers), CostStep::Done(_)));
});
