//! A URL in a certificate.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_net::http::HttpUrl;

fuzz_target!(|url: &str| {
    let _ = HttpUrl::parse(url);
});
