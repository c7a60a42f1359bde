//! Check [`tls.sslv3`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::TlsVersion;

check! {
    /// SSLv3 is accepted.
    ///
    /// # Effect
    /// SSLv3 can be deciphered by an attacker who may try often (POODLE).
    /// # Method
    /// A hello with SSLv3 as its newest version is accepted.
    /// # Fix
    /// Accept TLS 1.2 and 1.3 only; on port 25 look at the log first.
    /// # Sources
    /// RFC 7568; CVE-2014-3566 (POODLE).
    "tls.sslv3", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if !state::accepts(case.tls()?, TlsVersion::Ssl3)? {
        return CLEAR;
    }
    let severity = case.by_usage(Severity::Medium, Severity::High);
    case.finding(&CHECK, severity, format!("{} accepts SSLv3", case.host()))
        .detail("No sender of the last fifteen years needs it, and its encryption is broken (POODLE).")
        .fix("protocols")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::version(e, TlsVersion::Ssl3, true),
    undetermined: |e| sample::version_unknown(e, TlsVersion::Ssl3),
}
