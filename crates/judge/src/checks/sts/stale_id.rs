//! Check [`sts.stale_id`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The MTA-STS policy changed, and its id did not.
    ///
    /// # Effect
    /// Senders look at the id to see whether the policy is new: they keep the former one until
    /// it expires, and may refuse a new MX host for that long.
    /// # Method
    /// Policy file and id of an earlier check (`--earlier FILE`) beside those of now. Without
    /// an earlier check the question makes no sense.
    /// # Fix
    /// A new id with every change of the file.
    /// # Sources
    /// RFC 8461 sections 3.1 and 8.1.
    "sts.stale_id", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = super::domain(case)?;
    let trail = &domain.policies.sts_discovery;
    let Some(earlier) = &trail.earlier else {
        return Err(Why::new(Cause::NotApplicable, "no earlier check was handed in"));
    };
    let sha256 = known(&trail.fetch)?.sha256.as_ref();
    let (Some(id), Some(sha256)) = (&trail.record_id, sha256) else {
        return Err(Why::new(Cause::Prerequisite, "there is no policy file now to compare with"));
    };
    if *id != earlier.policy.id || *sha256 == earlier.sha256 {
        return CLEAR;
    }
    let title = format!("The MTA-STS policy of {} changed without a new id", domain.name);
    let until = earlier.seen_at.saturating_add(i64::from(earlier.policy.max_age));
    case.finding(&CHECK, Severity::Medium, title)
        .detail(format!(
            "Since {} the file is another, and the id is {id} as before: senders keep the former policy, until {} \
             where they fetched it then.",
            text::date(earlier.seen_at),
            text::date(until)
        ))
        .fix("sts_id")
        .found()
}

fixtures! {
    clear: |e| sample::earlier_policy(e, "same"),
    found: |e| sample::earlier_policy(e, "another"),
    undetermined: |e| {
        sample::earlier_policy(e, "same");
        sample::domain(e).policies.sts_discovery.fetch = sample::failed();
    },
}
