//! Check [`sts.host_certificate`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The certificate of the policy host expires soon.
    ///
    /// # Effect
    /// Once it has expired no sender can fetch the policy (sts-webpki-invalid).
    /// # Method
    /// The days that the certificate of `mta-sts.DOMAIN` has left.
    /// # Fix
    /// Renew it, by itself if possible.
    /// # Sources
    /// RFC 8461 section 3.3.
    "sts.host_certificate", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let (domain, _) = super::policy(case)?;
    let fetch = known(&domain.policies.sts_discovery.fetch)?;
    let Some(leaf) = fetch.chain.as_ref().and_then(|c| c.leaf()) else {
        return Err(Why::new(Cause::Prerequisite, "the certificate of the policy host was not seen"));
    };
    let days = text::days_between(case.now, leaf.not_after);
    let limits = &case.profile.thresholds;
    if days >= limits.certificate_warn_days {
        return CLEAR;
    }
    let severity = if days < limits.certificate_critical_days { Severity::Medium } else { Severity::Low };
    let title = format!("The certificate of mta-sts.{} ends in {}", domain.name, text::days(days.max(0)));
    case.finding(&CHECK, severity, title)
        .detail(format!(
            "It is valid until {}. After that no sender can fetch the policy.",
            text::date(leaf.not_after)
        ))
        .fix("sts_certificate")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::policy_host(e).not_after = sample::NOW + 10 * sample::DAY,
    undetermined: |e| sample::domain(e).policies.sts_discovery.fetch = sample::failed(),
}
