//! Check [`tls.fallback_scsv`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::FallbackScsv;

check! {
    /// The warning signal of a fallback (TLS_FALLBACK_SCSV) is ignored.
    ///
    /// # Effect
    /// A client that retries with an older version cannot tell an attacker from an old
    /// server. Mail servers rarely retry so.
    /// # Method
    /// A hello one version below the best, with the signal, is accepted instead of refused
    /// with alert 86. With a single version there is nothing to fall back to.
    /// # Fix
    /// Update the TLS library, or accept only TLS 1.2 and 1.3.
    /// # Sources
    /// RFC 7507; RFC 8446 section 4.1.3.
    "tls.fallback_scsv", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if known_if_applicable(&case.tls()?.fallback_scsv)? != Some(&FallbackScsv::Ignored) {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        Severity::Low,
        format!("{} ignores the warning signal of a version fallback", case.host()),
    )
    .detail("A downgrade by an attacker would pass unnoticed with clients that retry with older versions.")
    .fix("library")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).fallback_scsv = Observed::seen(FallbackScsv::Ignored),
    undetermined: |e| sample::tls(e).fallback_scsv = sample::failed(),
}
