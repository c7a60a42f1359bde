//! Check [`tls.insecure_renegotiation`](CHECK).

use crate::checks::prelude::*;

check! {
    /// Secure renegotiation is not supported.
    ///
    /// # Effect
    /// If the server renegotiates at all, an attacker can put commands before a client's own
    /// (2009), and some clients refuse to connect.
    /// # Method
    /// renegotiation_info is offered up to TLS 1.2 and not returned.
    /// # Fix
    /// Update the TLS library: all have it since 2010.
    /// # Sources
    /// RFC 5746; CVE-2009-3555; RFC 9325 section 3.4.
    "tls.insecure_renegotiation", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if known_if_applicable(&case.tls()?.secure_renegotiation)? != Some(&false) {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Medium, format!("{} does not signal secure renegotiation", case.host()))
        .detail(
            "OpenSSL 3 and other current clients refuse such a server if they have to renegotiate; the library \
             is older than 2010 or misconfigured.",
        )
        .fix("library")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).secure_renegotiation = Observed::seen(false),
    undetermined: |e| sample::tls(e).secure_renegotiation = sample::failed(),
}
