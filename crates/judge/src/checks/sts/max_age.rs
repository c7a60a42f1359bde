//! Check [`sts.max_age`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::StsMode;

check! {
    /// Senders forget the MTA-STS policy soon.
    ///
    /// # Effect
    /// An attacker who keeps senders from the policy host for that long can then strip the TLS.
    /// # Method
    /// `max_age` of an enforced policy: under a week is short, under a day is nearly nothing.
    /// # Fix
    /// Two weeks or more once the policy is enforced.
    /// # Sources
    /// RFC 8461 sections 3.2 and 10.2.
    "sts.max_age", Domain, judge
}

const DAY: u32 = 86_400;
const WEEK: u32 = 7 * DAY;

fn judge(case: &Case) -> Outcome {
    let (domain, policy) = super::policy(case)?;
    if policy.mode != StsMode::Enforce || policy.max_age >= WEEK {
        return CLEAR;
    }
    let severity = if policy.max_age < DAY { Severity::Medium } else { Severity::Low };
    let title =
        format!("Senders forget the MTA-STS policy of {} after {}", domain.name, span(policy.max_age));
    case.finding(&CHECK, severity, title)
        .detail(
            "An attacker who keeps them from the policy host for that long can strip the TLS. Weeks are usual.",
        )
        .fix("sts_max_age")
        .found()
}

fn span(seconds: u32) -> String {
    match seconds {
        0 => "no time at all (max_age 0)".into(),
        s if s < 3600 => format!("{s} seconds"),
        s if s < DAY => format!("{} hours", s / 3600),
        s => text::days(i64::from(s / DAY)),
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::sts(e).max_age = 3600,
    undetermined: |e| sample::domain(e).policies.sts = Observed::default(),
}
