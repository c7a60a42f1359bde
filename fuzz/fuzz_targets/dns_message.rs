//! A DNS message as it came from the network.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_net::resolver::records_from_message;

fuzz_target!(|bytes: &[u8]| {
    let _ = records_from_message(bytes);
});
