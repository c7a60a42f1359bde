//! Check [`tls.encrypt_then_mac`](CHECK).

use crate::checks::prelude::*;

check! {
    /// CBC suites are used without encrypt-then-MAC.
    ///
    /// # Effect
    /// Old sessions in CBC mode rely on the library's care against timing attacks alone.
    /// # Method
    /// The extension is offered with CBC suites and not returned.
    /// # Fix
    /// Nothing, where AEAD suites are preferred; a newer TLS library supports it.
    /// # Sources
    /// RFC 7366; CVE-2013-0169 (Lucky 13).
    "tls.encrypt_then_mac", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if known_if_applicable(&case.tls()?.encrypt_then_mac)? != Some(&false) {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Info, format!("{} uses CBC suites without encrypt-then-MAC", case.host()))
        .detail("It matters only for senders that still choose CBC; current ones choose AEAD suites.")
        .fix("library")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).encrypt_then_mac = Observed::seen(false),
    undetermined: |e| sample::tls(e).encrypt_then_mac = sample::failed(),
}
