//! Check [`spf.all`](CHECK).

use crate::checks::{identity, prelude::*};
use waxseal_model::identity::SpfResult;

check! {
    /// The SPF record does not say what to make of hosts that it does not name.
    ///
    /// # Effect
    /// `+all` lets every host of the world send as the domain. With `?all`, or without any
    /// `all`, the record says nothing about strangers, and so protects from none.
    /// # Method
    /// The qualifier of `all`, or the `redirect` in its place.
    /// # Fix
    /// End the record in `-all`, or in `~all` while you look for forgotten senders.
    /// # Sources
    /// RFC 7208 sections 4.7, 5.1 and 8.2.
    "spf.all", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (_, record) = identity::spf_record(case)?;
    let name = &identity::domain(case)?.name;
    let (severity, title, detail) = match (record.all, &record.redirect) {
        (Some(SpfResult::Fail | SpfResult::Softfail), _) | (None, Some(_)) => return CLEAR,
        (Some(SpfResult::Pass), _) => (
            Severity::Medium,
            format!("The SPF record of {name} allows every host (+all)"),
            "Whoever sends with this domain passes SPF, and with it DMARC.",
        ),
        (Some(_), _) => (
            Severity::Low,
            format!("The SPF record of {name} is neutral to strangers (?all)"),
            "Hosts that are not named get no verdict, as if there were no record.",
        ),
        (None, None) => (
            Severity::Low,
            format!("The SPF record of {name} has no end (neither all nor redirect)"),
            "Hosts that are not named get no verdict, as if there were no record.",
        ),
    };
    identity::finding(case, &CHECK, severity, title).detail(detail).fix("spf_all").found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::spf_facts(e).all = Some(SpfResult::Pass),
    undetermined: |e| sample::domain(e).identity.spf = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn only_fail_and_softfail_keep_strangers_out() {
        for (all, found) in [
            (Some(SpfResult::Fail), None),
            (Some(SpfResult::Softfail), None),
            (Some(SpfResult::Neutral), Some(Severity::Low)),
            (Some(SpfResult::Pass), Some(Severity::Medium)),
            (None, Some(Severity::Low)),
        ] {
            let mut evidence = sample::healthy();
            sample::spf_facts(&mut evidence).all = all;
            let case = crate::checks::tests::judged_evidence(&evidence);
            let severity = case.findings.iter().find(|f| f.check == "spf.all").map(|f| f.severity);
            assert_eq!(severity, found, "{all:?}");
        }
        let redirected = findings("spf.all", |e| {
            sample::spf_facts(e).all = None;
            sample::spf_facts(e).redirect = Some("_spf.example.net".into());
        });
        assert!(redirected.is_empty());
    }
}
