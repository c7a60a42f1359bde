//! Check [`dns.no_such_domain`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::evidence::MailRouting;

check! {
    /// The domain does not exist.
    ///
    /// # Effect
    /// Every sender refuses mail to it at once (550 5.1.2).
    /// # Method
    /// The MX query is answered with NXDOMAIN.
    /// # Fix
    /// Correct the spelling, renew the registration, or restore the delegation.
    /// # Sources
    /// RFC 5321 section 5.1; RFC 8020.
    "dns.no_such_domain", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    if super::routing(domain)? != MailRouting::NoSuchDomain {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Critical, format!("The domain {} does not exist", domain.name))
        .detail(format!(
            "The name servers answer NXDOMAIN ({}). Mail to any address under this name is refused by the \
             sender's own server.",
            domain.mx_answer.reason
        ))
        .fix("no_such_domain")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).routing = MailRouting::NoSuchDomain,
    undetermined: |e| sample::domain(e).routing = MailRouting::Unknown,
}
