//! Check [`sts.removed`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::StsMode;

check! {
    /// An enforced MTA-STS policy vanished while senders still keep to it.
    ///
    /// # Effect
    /// Senders that have it in their caches go on enforcing it until it expires, whatever the
    /// servers are now; new senders are not protected.
    /// # Method
    /// The policy of an earlier check (`--earlier FILE`) that has not expired, and none now.
    /// Without an earlier check the question makes no sense.
    /// # Fix
    /// Publish it again, or take it back by mode none with a new id, and wait for max_age.
    /// # Sources
    /// RFC 8461 sections 5.1 and 8.3.
    "sts.removed", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = super::domain(case)?;
    let Some(earlier) = &domain.policies.sts_discovery.earlier else {
        return Err(Why::new(Cause::NotApplicable, "no earlier check was handed in"));
    };
    let until = earlier.seen_at.saturating_add(i64::from(earlier.policy.max_age));
    let gone = known(&domain.policies.sts)?.is_none();
    if !gone || earlier.policy.mode == StsMode::None || until <= case.now {
        return CLEAR;
    }
    let title = format!("The MTA-STS policy of {} is gone, and senders still keep to it", domain.name);
    case.finding(&CHECK, Severity::Medium, title)
        .detail(format!(
            "On {} there was one in mode {} for {}. Senders that fetched it then keep to it until {}; new ones are \
             not protected.",
            text::date(earlier.seen_at),
            earlier.policy.mode.word(),
            text::short_list(&earlier.policy.mx, 3),
            text::date(until)
        ))
        .fix("sts_removed")
        .found()
}

fixtures! {
    clear: |e| sample::earlier_policy(e, "same"),
    found: |e| {
        sample::earlier_policy(e, "same");
        sample::domain(e).policies.sts = Observed::seen(None);
    },
    undetermined: |e| {
        sample::earlier_policy(e, "same");
        sample::domain(e).policies.sts = sample::failed();
    },
}
