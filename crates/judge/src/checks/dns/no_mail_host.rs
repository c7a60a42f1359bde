//! Check [`dns.no_mail_host`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::evidence::MailRouting;

check! {
    /// The domain has neither MX records nor an address.
    ///
    /// # Effect
    /// Senders have nowhere to deliver to and return the mail.
    /// # Method
    /// No MX records exist, and the domain itself has no A or AAAA record.
    /// # Fix
    /// Publish an MX record; if the domain is not meant to receive mail, publish `MX 0 .`.
    /// # Sources
    /// RFC 5321 section 5.1; RFC 7505.
    "dns.no_mail_host", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    if super::routing(domain)? != MailRouting::NoMailHost {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        Severity::Critical,
        format!("{} has no mail server: no MX and no address", domain.name),
    )
    .detail(
        "The domain exists without MX records, and it has no address of its own that would stand in for \
             one. Mail to it bounces. If it is not meant to receive mail, the null MX says so at once.",
    )
    .fix("mx")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).routing = MailRouting::NoMailHost,
    undetermined: |e| sample::domain(e).routing = MailRouting::Unknown,
}
