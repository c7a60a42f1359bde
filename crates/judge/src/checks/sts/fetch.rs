//! Check [`sts.fetch`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::StsStep;

check! {
    /// An MTA-STS record is published, and senders cannot fetch the policy.
    ///
    /// # Effect
    /// Senders without a cached policy treat the domain as if it had none; those with one keep
    /// to it until it expires. TLS reports call it `sts-policy-fetch-error`.
    /// # Method
    /// `https://mta-sts.DOMAIN/.well-known/mta-sts.txt` as a sender fetches it: HTTP 200, no
    /// redirect, text/plain, at most 64 KiB, within a minute.
    /// # Fix
    /// Serve the file itself at this URL.
    /// # Sources
    /// RFC 8461 sections 3.2 and 3.3; RFC 8460 section 4.3.
    "sts.fetch", Domain, judge
}

const STEPS: [StsStep; 6] =
    [StsStep::Host, StsStep::Connection, StsStep::Tls, StsStep::Http, StsStep::MediaType, StsStep::Size];

fn judge(case: &Case) -> Outcome {
    let Some(problem) = super::problem(case, &STEPS)? else { return CLEAR };
    let fix = match problem.step {
        StsStep::Host | StsStep::Connection => "sts_host",
        StsStep::Tls => "sts_certificate",
        _ => "sts_http",
    };
    case.finding(
        &CHECK,
        Severity::High,
        format!("Senders cannot fetch the MTA-STS policy of {}", case.host()),
    )
    .detail(format!(
        "{}. Senders without a cached policy treat the domain as if it had none (sts-policy-fetch-error).",
        text::sentence(&problem.text)
    ))
    .fix(fix)
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::sts_problem(e, StsStep::Http, "it answers with HTTP 404 instead of 200"),
    undetermined: |e| sample::domain(e).policies.sts = sample::failed(),
}
