//! Check [`sts.certificate`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::policy::StsStep;

check! {
    /// The policy host's certificate is refused, so that no sender gets the policy.
    ///
    /// # Effect
    /// Senders without a cached policy treat the domain as if it had none. TLS reports call it
    /// `sts-webpki-invalid`.
    /// # Method
    /// The certificate of `mta-sts.DOMAIN`: a path to a trusted root, the dates, and the name
    /// in subjectAltName. The common name does not count.
    /// # Fix
    /// A certificate for `mta-sts.DOMAIN` from a public CA, renewed by itself.
    /// # Sources
    /// RFC 8461 section 3.3; RFC 8460 section 4.3.
    "sts.certificate", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(problem) = super::problem(case, &[StsStep::Certificate])? else { return CLEAR };
    let title = format!("The certificate of the policy host mta-sts.{} is refused", case.host());
    case.finding(&CHECK, Severity::High, title)
        .detail(format!(
            "{}. Senders without a cached policy treat the domain as if it had none (sts-webpki-invalid).",
            text::sentence(&problem.text)
        ))
        .fix("sts_certificate")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::sts_problem(e, StsStep::Certificate, "the certificate has expired"),
    undetermined: |e| sample::domain(e).policies.sts = sample::failed(),
}
