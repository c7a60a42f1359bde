//! Check [`dane.coverage`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::Usage;

check! {
    /// Some MX hosts have TLSA records and others have none.
    ///
    /// # Effect
    /// An attacker lets the protected hosts seem to be down, and strips the TLS of the others.
    /// # Method
    /// Secure TLSA records of each MX host.
    /// # Fix
    /// TLSA records for every MX host.
    /// # Sources
    /// RFC 7672 section 2.2.
    "dane.coverage", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    case.domain()?;
    let (mut with, mut without, mut unknown) = (Vec::new(), Vec::new(), None);
    for e in case.evidence.endpoints.iter().filter(|e| e.endpoint.usage == Usage::Relay) {
        let host = crate::case::host_of(&e.endpoint);
        match known(&e.evidence.dane) {
            Ok(_) if crate::dane::secure_records(&e.evidence).is_some() => with.push(host),
            Ok(_) => without.push(host),
            Err(why) if why.cause == Cause::NotApplicable => {}
            Err(why) => unknown = Some(why),
        }
    }
    if with.is_empty() || without.is_empty() {
        return unknown.map_or(CLEAR, Err);
    }
    without.dedup();
    let title = format!("DANE covers only some MX hosts: not {}", text::short_list(&without, 3));
    case.finding(&CHECK, Severity::Medium, title)
        .detail("An attacker lets the protected hosts seem to be down, and strips the TLS of the others.")
        .fix_for("dane", without.first().map_or("", String::as_str))
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::second_mx(e, |facts| facts.dane = Observed::seen(None)),
    undetermined: |e| sample::facts(e).dane = sample::failed(),
}
