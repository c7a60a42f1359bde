//! Check [`sts.record`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::StsStep;

check! {
    /// An MTA-STS record is published that senders cannot use.
    ///
    /// # Effect
    /// Senders treat the domain as if it had no policy: whoever sits on the path can strip
    /// the TLS.
    /// # Method
    /// The TXT records at `_mta-sts.DOMAIN`: of those that begin with `v=STSv1;` there must be
    /// exactly one, with an `id` of 1 to 32 letters and digits.
    /// # Fix
    /// Publish one valid record, and remove the others.
    /// # Sources
    /// RFC 8461 section 3.1 and its erratum 6285.
    "sts.record", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let trail = &super::domain(case)?.policies.sts_discovery;
    if trail.record_answer.get().is_some_and(|a| a.status == DnssecStatus::Bogus) {
        return case
            .finding(
                &CHECK,
                Severity::High,
                format!("The MTA-STS record of {} does not verify (bogus)", case.host()),
            )
            .detail("Senders that validate DNSSEC get no record, and so no policy.")
            .fix("dnssec")
            .found();
    }
    if trail.unannounced {
        return case
            .finding(
                &CHECK,
                Severity::Medium,
                format!("{} serves an MTA-STS policy that no record announces", case.host()),
            )
            .detail("Senders look for the TXT record first: without it they never ask for the policy.")
            .fix("sts_record")
            .found();
    }
    let Some(problem) = super::problem(case, &[StsStep::Record])? else { return CLEAR };
    case.finding(&CHECK, Severity::High, format!("The MTA-STS record of {} cannot be used", case.host()))
        .detail(format!(
            "{}. Senders treat the domain as if it had no policy, and whoever sits on the path can strip the TLS.",
            text::sentence(&problem.text)
        ))
        .fix("sts_record")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::sts_problem(e, StsStep::Record, "there are 2 records that begin with v=STSv1"),
    undetermined: |e| sample::domain(e).policies.sts = Observed::default(),
}
