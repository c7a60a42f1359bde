//! Check [`tls.sni_required`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server refuses clients that do not name it (no SNI).
    ///
    /// # Effect
    /// Many mail servers send no SNI when they deliver: they fall back to cleartext.
    /// # Method
    /// A hello without SNI is refused where the same one with SNI is accepted.
    /// # Fix
    /// Set a default certificate.
    /// # Sources
    /// RFC 8461 section 7.1 (servers must not enforce it); RFC 6066 section 3.
    "tls.sni_required", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if known_if_applicable(&case.tls()?.sni_required)? != Some(&true) {
        return CLEAR;
    }
    let severity = case.by_usage(Severity::Medium, Severity::Low);
    case.finding(&CHECK, severity, format!("{} refuses clients without SNI", case.host()))
        .detail("Senders that do not name the server in TLS get no handshake, and deliver in clear or not at all.")
        .fix("sni")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).sni_required = Observed::seen(true),
    undetermined: |e| sample::tls(e).sni_required = sample::failed(),
}
