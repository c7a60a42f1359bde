//! TLSA records against a presented chain, both hostile.
//!
//! The records come first, each in four bytes and its data; then the certificates, each with
//! its length in two bytes before it. A record whose fourth byte has the highest bit set takes
//! its data from the certificates instead, so that matches are found too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::dane::{TlsaRecord, Verdict, in_use, matches, records_for, verify};

fuzz_target!(|input: (Vec<[u8; 4]>, &[u8])| {
    let (heads, mut rest) = input;
    let mut chain: Vec<Vec<u8>> = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (certificate, after) = after.split_at(after.len().min(usize::from(u16::from_be_bytes(*length))));
        chain.push(certificate.to_vec());
        rest = after;
    }
    let mut records: Vec<TlsaRecord> = records_for(&chain).into_iter().map(|found| found.record).collect();
    for [usage, selector, matching_type, last] in heads.into_iter().take(100) {
        let data = match chain.get(usize::from(last & 0x7f)) {
            Some(der) if last & 0x80 != 0 => der.clone(),
            _ => vec![last; usize::from(last)],
        };
        records.push(TlsaRecord {
            usage: usage % 5,
            selector: selector % 3,
            matching_type: matching_type % 4,
            data,
        });
    }
    let names = ["mx.example.com".to_owned()];
    match verify(&records, &chain, &names, 1_767_225_600) {
        Verdict::AllUnusable => assert!(in_use(&records).is_empty()),
        Verdict::Match { record, presented, .. } => {
            assert!(in_use(&records).contains(&record));
            assert!(!presented || matches(&records[record], &chain).is_some());
        }
        Verdict::Mismatch { why, .. } => assert!(!why.is_empty()),
    }
});
