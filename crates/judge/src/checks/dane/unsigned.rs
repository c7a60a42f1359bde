//! Check [`dane.unsigned`](CHECK).

use crate::checks::prelude::*;

check! {
    /// TLSA records are published without DNSSEC.
    ///
    /// # Effect
    /// Senders ignore them: anyone who can forge an answer could forge such records too.
    /// # Method
    /// The DNSSEC status of the TLSA answer and of the host's addresses.
    /// # Fix
    /// Sign the zone of the host.
    /// # Sources
    /// RFC 7672 sections 2.1.1 and 2.2.2.
    "dane.unsigned", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    let facts = super::facts(case)?;
    if facts.status != DnssecStatus::Insecure || facts.tlsa.is_empty() {
        return CLEAR;
    }
    let host = case.host();
    case.finding(
        &CHECK,
        Severity::Medium,
        format!("The TLSA records of {host} are not signed, so senders ignore them"),
    )
    .detail(format!("{}.", text::sentence(&facts.reason)))
    .fix("dane_unsigned")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::dane(e).status = DnssecStatus::Insecure;
        sample::dane(e).reason = "the zone example.com is not signed".into();
    },
    undetermined: |e| sample::facts(e).dane = sample::failed(),
}
