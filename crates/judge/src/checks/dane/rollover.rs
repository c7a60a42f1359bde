//! Check [`dane.rollover`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::TlsaFacts;

check! {
    /// The certificate will be renewed soon, and the next key has no TLSA record yet.
    ///
    /// # Effect
    /// If the renewal brings a new key, every sender that uses DANE stops delivering at that
    /// moment.
    /// # Method
    /// A certificate near its end whose key is the only one with a TLSA record.
    /// # Fix
    /// Publish the next key's record two TTLs before the change, or keep the key.
    /// # Sources
    /// RFC 7671 section 8.1; RFC 7672 section 4.
    "dane.rollover", Relay, judge
}

/// Renewal usually comes this long before the end.
const RENEWAL_DAYS: i64 = 30;

fn judge(case: &Case) -> Outcome {
    let facts = super::secure(case)?;
    let chains = known(crate::dane::chains(case.facts()?, facts))?;
    let Some(leaf) = chains.first().and_then(|c| c.leaf()) else {
        return Err(Why::new(Cause::Prerequisite, "no certificate was presented"));
    };
    let days = text::days_between(case.now, leaf.not_after);
    let usable: Vec<&TlsaFacts> = facts.tlsa.iter().filter(|t| t.unusable.is_none()).collect();
    let in_use = usable.iter().filter(|t| t.matched.iter().any(Option::is_some)).count();
    let all_end_entity = usable.iter().all(|t| t.usage == 3);
    if !(0..RENEWAL_DAYS).contains(&days) || in_use == 0 || usable.len() > in_use || !all_end_entity {
        return CLEAR;
    }
    let host = case.host();
    let title = format!("{host} has a TLSA record for the present key only, and {} left", text::days(days));
    case.finding(&CHECK, Severity::Low, title)
        .detail(
            "If the next certificate brings a new key, senders that use DANE stop delivering at that moment.",
        )
        .confidence(Confidence::Medium)
        .fix("dane_rollover")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).not_after = sample::NOW + 10 * sample::DAY,
    undetermined: |e| sample::facts(e).chains = sample::failed(),
}
