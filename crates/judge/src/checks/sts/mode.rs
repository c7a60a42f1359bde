//! Check [`sts.mode`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::StsMode;

check! {
    /// The MTA-STS policy is not enforced.
    ///
    /// # Effect
    /// In mode testing senders report failures and deliver all the same, in mode none they do
    /// not even report: an attacker on the path can strip the TLS.
    /// # Method
    /// The policy's mode.
    /// # Fix
    /// Mode enforce, once the TLS reports show no failures; a new id with it.
    /// # Sources
    /// RFC 8461 sections 5 and 8.3.
    "sts.mode", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (domain, policy) = super::policy(case)?;
    let name = &domain.name;
    match policy.mode {
        StsMode::Enforce => CLEAR,
        StsMode::Testing => case
            .finding(&CHECK, Severity::Low, format!("The MTA-STS policy of {name} is in testing mode"))
            .detail("Senders report failures and deliver all the same. Enforce it once the reports are clean.")
            .fix("sts_enforce")
            .weight(10)
            .found(),
        StsMode::None => case
            .finding(&CHECK, Severity::Info, format!("The MTA-STS policy of {name} is switched off (mode none)"))
            .detail(
                "Senders treat the domain as if it had no policy. That is right only while a policy is being removed.",
            )
            .fix("sts_enforce")
            .found(),
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::sts(e).mode = StsMode::Testing,
    undetermined: |e| sample::domain(e).policies.sts = Observed::default(),
}
