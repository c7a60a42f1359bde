//! Check [`tls.extended_master_secret`](CHECK).

use crate::checks::prelude::*;

check! {
    /// TLS 1.2 goes without the extended master secret.
    ///
    /// # Effect
    /// Sessions of different peers can be given the same keys (triple handshake). It matters
    /// for channel binding and client certificates.
    /// # Method
    /// The extension is offered in a TLS 1.2 hello and not returned.
    /// # Fix
    /// Update the TLS library (OpenSSL 1.1.0, GnuTLS 3.4, Windows Server 2016).
    /// # Sources
    /// RFC 7627; RFC 9325 section 3.5.
    "tls.extended_master_secret", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if known_if_applicable(&case.tls()?.extended_master_secret)? != Some(&false) {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Low, format!("{} has no extended master secret", case.host()))
        .detail("Its TLS library predates 2016 or has it switched off; a session's keys are not bound to its peers.")
        .fix("library")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).extended_master_secret = Observed::seen(false),
    undetermined: |e| sample::tls(e).extended_master_secret = sample::failed(),
}
