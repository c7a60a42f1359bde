//! An OCSP response about a certificate, verified with its issuer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::ocsp_facts;

static LEAF: &[u8] = include_bytes!("../fixtures/leaf.der");
static ISSUER: &[u8] = include_bytes!("../fixtures/issuer.der");

fuzz_target!(|response: &[u8]| {
    let _ = ocsp_facts(response, LEAF, Some(ISSUER), None);
    let _ = ocsp_facts(response, LEAF, None, Some(&[7; 16]));
});
