//! Check [`sts.form`](CHECK).

use crate::checks::prelude::*;

check! {
    /// MTA-STS record or policy file are not in the form of the standard.
    ///
    /// # Effect
    /// waxseal and most senders forgive it; some refuse the policy.
    /// # Method
    /// Grammar of record and file: a space before the semicolon, duplicate or unknown keys,
    /// blank lines, a byte order mark, a missing Content-Type.
    /// # Fix
    /// Lint both and correct them.
    /// # Sources
    /// RFC 8461 sections 3.1 and 3.2 and their errata.
    "sts.form", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = super::domain(case)?;
    let trail = &domain.policies.sts_discovery;
    if trail.warnings.is_empty() {
        return known(&domain.policies.sts).map(|_| Vec::new());
    }
    case.finding(
        &CHECK,
        Severity::Low,
        format!("The MTA-STS texts of {} are not in the standard's form", domain.name),
    )
    .detail(format!("{}. Most senders forgive it, some refuse the policy.", trail.warnings.join("; ")))
    .fix("sts_form")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::domain(e).policies.sts_discovery.warnings = vec!["line 3: the key mode is there twice".into()];
    },
    undetermined: |e| sample::domain(e).policies.sts = Observed::default(),
}
