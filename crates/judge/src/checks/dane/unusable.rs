//! Check [`dane.unusable`](CHECK).

use crate::checks::prelude::*;
use crate::dane;

check! {
    /// TLSA records are published that SMTP senders cannot use.
    ///
    /// # Effect
    /// If no other is there, senders that use DANE insist on TLS without authenticating the
    /// server: an attacker with any certificate can take the mail.
    /// # Method
    /// Usages 0 and 1 (PKIX), unknown selectors and matching types, digests of a wrong length.
    /// # Fix
    /// Records `3 1 1`.
    /// # Sources
    /// RFC 7672 section 3.1.3; RFC 6698 section 2.1.
    "dane.unusable", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    let facts = super::secure(case)?;
    let bad: Vec<String> = facts
        .tlsa
        .iter()
        .filter_map(|t| t.unusable.as_ref().map(|why| format!("{}: {why}", dane::short(t))))
        .collect();
    if bad.is_empty() {
        return CLEAR;
    }
    let host = case.host();
    let all = bad.len() == facts.tlsa.len();
    let (severity, title, effect) = if all {
        (
            Severity::Medium,
            format!("No TLSA record of {host} can be used by mail servers"),
            "Senders that use DANE insist on TLS, and cannot authenticate the server.",
        )
    } else {
        (
            Severity::Low,
            format!("Some TLSA records of {host} cannot be used by mail servers"),
            "Senders use the others.",
        )
    };
    case.finding(&CHECK, severity, title)
        .detail(format!("{}. {effect}", text::short_list(&bad, 3)))
        .fix("dane_records")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::dane(e).tlsa[0].unusable = Some("usage PKIX-EE means nothing between mail servers".into()),
    undetermined: |e| sample::facts(e).dane = sample::failed(),
}
