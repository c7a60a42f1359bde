//! Check [`tlsrpt.record`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::evidence::MailRouting;

check! {
    /// No TLS-RPT record asks senders for reports.
    ///
    /// # Effect
    /// Failures of TLS go unnoticed: senders that could report them each day have no address
    /// to report to.
    /// # Method
    /// The TXT record at `_smtp._tls.DOMAIN`. Until it is looked up the verdict is
    /// undetermined.
    /// # Fix
    /// Publish `v=TLSRPTv1; rua=mailto:...`.
    /// # Sources
    /// RFC 8460 section 3.
    "tlsrpt.record", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    match known(&domain.policies.tlsrpt)? {
        Some(record) if !record.rua.is_empty() => return CLEAR,
        None if !matches!(domain.routing, MailRouting::Mx | MailRouting::ImplicitMx) => return CLEAR,
        _ => {}
    }
    case.finding(&CHECK, Severity::Low, format!("{} asks for no TLS reports (TLS-RPT)", domain.name))
        .detail("Senders cannot tell you when TLS to your servers fails; you learn of it by complaints.")
        .fix("tlsrpt")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).policies.tlsrpt = Observed::seen(None),
    undetermined: |e| sample::domain(e).policies.tlsrpt = Observed::default(),
}
