//! A revocation list, in which a certificate is looked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::crl_facts;

static LEAF: &[u8] = include_bytes!("../fixtures/leaf.der");
static ISSUER: &[u8] = include_bytes!("../fixtures/issuer.der");

fuzz_target!(|list: &[u8]| {
    let _ = crl_facts(list, "http://crl.example/1.crl", LEAF, ISSUER);
});
