//! Check [`dns.implicit_mx`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::evidence::MailRouting;

check! {
    /// There is no MX record: mail goes to the domain's own address.
    ///
    /// # Effect
    /// Mail arrives as long as a mail server runs on that address, which is often the web
    /// server's. A typing error in DNS can make the mail go astray unnoticed.
    /// # Method
    /// No MX records, but an A or AAAA record of the domain itself.
    /// # Fix
    /// Publish an MX record, or the null MX if the domain has no mailboxes.
    /// # Sources
    /// RFC 5321 section 5.1.
    "dns.implicit_mx", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    if super::routing(domain)? != MailRouting::ImplicitMx {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        Severity::Low,
        format!("{} has no MX record; its own address stands in", domain.name),
    )
    .detail(
        "Senders fall back to the A and AAAA records of the domain (implicit MX). It works, but it ties \
             mail to the web server's address and leaves senders in doubt whether mail is wanted.",
    )
    .fix("mx")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).routing = MailRouting::ImplicitMx,
    undetermined: |e| sample::domain(e).routing = MailRouting::Unknown,
}
