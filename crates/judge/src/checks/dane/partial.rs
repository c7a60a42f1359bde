//! Check [`dane.partial`](CHECK).

use crate::checks::prelude::*;
use crate::dane::{self, DaneState};
use waxseal_model::policy::TlsaFacts;

check! {
    /// Of the kinds of TLSA record that are published, one does not match the server.
    ///
    /// # Effect
    /// Senders need not know every kind: one that knows only the kind without a match does not
    /// deliver.
    /// # Method
    /// For each combination of usage, selector and matching type at least one record must match
    /// every presented chain.
    /// # Fix
    /// For each kind the records of the keys in use; or one kind alone, `3 1 1`.
    /// # Sources
    /// RFC 7671 section 8.
    "dane.partial", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    let facts = super::secure(case)?;
    match dane::state(case.facts()?, case.now) {
        DaneState::Valid => {}
        DaneState::Unknown(why) => return Err(why),
        _ => return CLEAR,
    }
    let usable: Vec<&TlsaFacts> = facts.tlsa.iter().filter(|t| t.unusable.is_none()).collect();
    let kind = |t: &TlsaFacts| (t.usage, t.selector, t.matching_type);
    let mut kinds: Vec<(u8, u8, u8)> = usable.iter().map(|t| kind(t)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let chains = known(dane::chains(case.facts()?, facts))?;
    let named: Vec<usize> = (0..chains.len())
        .filter(|i| chains.get(*i).is_some_and(|c| state::is_for_named(c, chains)))
        .collect();
    let fits = |of: &(u8, u8, u8)| {
        named
            .iter()
            .all(|i| usable.iter().any(|t| kind(t) == *of && t.matched.get(*i).is_some_and(Option::is_some)))
    };
    let missing: Vec<String> =
        kinds.iter().filter(|k| !fits(k)).map(|(u, s, m)| format!("{u} {s} {m}")).collect();
    if missing.is_empty() {
        return CLEAR;
    }
    let host = case.host();
    case.finding(
        &CHECK,
        Severity::Medium,
        format!("TLSA records {} of {host} match nothing that it presents", text::list(&missing)),
    )
    .detail("Others match, and most senders use those. One that knows only this kind does not deliver.")
    .fix("dane_mismatch")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::stray_tlsa(e, 2),
    undetermined: |e| sample::facts(e).chains = sample::failed(),
}
