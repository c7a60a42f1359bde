//! Check [`spf.ptr`](CHECK).

use crate::checks::{identity, prelude::*};

check! {
    /// The SPF policy uses reverse names (ptr).
    ///
    /// # Effect
    /// Each evaluation costs many lookups in zones that the sender's provider controls; some
    /// receivers skip the mechanism, and an error there counts as no match.
    /// # Method
    /// `ptr` or the macro `%{p}` in the record or in one that it includes.
    /// # Fix
    /// Name addresses (`ip4`, `ip6`) or host names (`a`) instead.
    /// # Sources
    /// RFC 7208 sections 5.5 and 7.2: neither should be published.
    "spf.ptr", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (facts, _) = identity::spf_record(case)?;
    let cost = known(&facts.cost)?;
    if cost.ptr.is_empty() {
        return CLEAR;
    }
    let name = &identity::domain(case)?.name;
    identity::finding(
        case,
        &CHECK,
        Severity::Low,
        format!("The SPF policy of {name} uses reverse names (ptr)"),
    )
    .detail(format!(
        "It stands in the record of {}. RFC 7208 asks not to publish it: it is slow, and unreliable where \
             reverse zones are.",
        text::short_list(&cost.ptr, 3)
    ))
    .fix("spf_ptr")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::spf_cost(e).ptr.push("example.com".into()),
    undetermined: |e| sample::spf(e).cost = sample::failed(),
}
