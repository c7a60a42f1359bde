//! CAA records, and the issuers of certificates.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::caa::{Property, climb, issuer_domains, permission, property};

fuzz_target!(|input: (Vec<(u8, &str, &str)>, &str, &str, bool)| {
    let (records, issuer, name, wildcard) = input;
    let properties: Vec<Property> = records.iter().map(|(f, t, v)| property(*f, t, v)).collect();
    let _ = permission(&properties, issuer_domains(issuer).unwrap_or(&["ca.example"]), wildcard);
    assert!(climb(name).len() <= name.len());
});
