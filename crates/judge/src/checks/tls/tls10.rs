//! Check [`tls.tls10`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::TlsVersion;

check! {
    /// TLS 1.0 is accepted.
    ///
    /// # Effect
    /// On port 25 little: senders use the newest version both know, and TLS 1.0 beats
    /// cleartext. Where users log in, RFC 8997 asks for TLS 1.2.
    /// # Method
    /// A hello with TLS 1.0 as its newest version is accepted.
    /// # Fix
    /// Accept TLS 1.2 and 1.3 only; on port 25 look at the log first.
    /// # Sources
    /// RFC 8996; RFC 8997; RFC 9325 section 5.2 on opportunistic use.
    "tls.tls10", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if !state::accepts(case.tls()?, TlsVersion::Tls10)? {
        return CLEAR;
    }
    let severity = case.by_usage(Severity::Low, Severity::Medium);
    case.finding(&CHECK, severity, format!("{} accepts TLS 1.0", case.host()))
        .detail(case.by_usage(
            "RFC 8996 withdrew it. On port 25 keep it only as long as the log shows senders that need it.",
            "RFC 8996 withdrew it, and RFC 8997 asks for TLS 1.2 where passwords travel.",
        ))
        .fix("protocols")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::version(e, TlsVersion::Tls10, true),
    undetermined: |e| sample::version_unknown(e, TlsVersion::Tls10),
}
