//! Check [`tlsrpt.record`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::evidence::MailRouting;

check! {
    /// No usable TLS-RPT record asks senders for reports.
    ///
    /// # Effect
    /// Failures of TLS go unnoticed: senders that could report them each day have no address
    /// to report to.
    /// # Method
    /// The TXT record at `_smtp._tls.DOMAIN`: exactly one that begins with `v=TLSRPTv1;`, with
    /// `mailto:` or `https:` addresses.
    /// # Fix
    /// Publish `v=TLSRPTv1; rua=mailto:...`.
    /// # Sources
    /// RFC 8460 section 3.
    "tlsrpt.record", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    let found = known(&domain.policies.tlsrpt)?;
    let trail = &domain.policies.tlsrpt_discovery;
    if let Some(problem) = &trail.problem {
        return case
            .finding(
                &CHECK,
                Severity::Medium,
                format!("The TLS-RPT record of {} cannot be used", domain.name),
            )
            .detail(format!("{}. Senders send no reports.", text::sentence(problem)))
            .fix("tlsrpt_record")
            .found();
    }
    if found.is_none() {
        if !matches!(domain.routing, MailRouting::Mx | MailRouting::ImplicitMx) {
            return CLEAR;
        }
        return case
            .finding(&CHECK, Severity::Low, format!("{} asks for no TLS reports (TLS-RPT)", domain.name))
            .detail("Senders cannot tell you when TLS to your servers fails; you learn of it by complaints.")
            .fix("tlsrpt")
            .found();
    }
    if trail.warnings.is_empty() {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        Severity::Low,
        format!("The TLS-RPT record of {} is not in the standard's form", domain.name),
    )
    .detail(format!("{}. Some senders may not understand it.", text::sentence(&trail.warnings.join("; "))))
    .fix("tlsrpt_record")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).policies.tlsrpt = Observed::seen(None),
    undetermined: |e| sample::domain(e).policies.tlsrpt = Observed::default(),
}
