//! A file of root certificates.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::x509::RootStore;

fuzz_target!(|bytes: &[u8]| {
    let _ = RootStore::from_pem("fuzz", bytes);
});
