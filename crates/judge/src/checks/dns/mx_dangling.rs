//! Check [`dns.mx_dangling`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::{DnsAnswer, evidence::MxHost};

check! {
    /// An MX record names a host that has no address.
    ///
    /// # Effect
    /// Senders lose time on it, or return the mail if it is the only one. Who registers the
    /// abandoned name receives the mail.
    /// # Method
    /// A and AAAA queries for the MX host end with "no such name" or without data.
    /// # Fix
    /// Give the host an address, or remove the MX record.
    /// # Sources
    /// RFC 5321 section 5.1; RFC 1912 section 2.5.
    "dns.mx_dangling", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    super::routing(domain)?;
    // An alias that leads in a circle is a fault of the zone too, not of the resolver.
    let leads_nowhere = |a: &DnsAnswer| a.is_conclusive() || a.outcome == DnsOutcome::Unusable;
    let dangling = |h: &&MxHost| {
        !h.ip_literal
            && !h.answers.is_empty()
            && h.addresses.is_empty()
            && h.answers.iter().all(leads_nowhere)
    };
    let severity =
        if domain.hosts.iter().all(|h| dangling(&h)) { Severity::Critical } else { Severity::High };
    let mut found = Vec::new();
    for host in domain.hosts.iter().filter(dangling) {
        let any = |outcome| host.answers.iter().find(|a| a.outcome == outcome);
        let (what, confidence, reason) = match (any(DnsOutcome::Unusable), any(DnsOutcome::NxDomain)) {
            (Some(answer), _) => (
                "cannot be resolved".to_owned(),
                Confidence::Medium,
                format!(": {}", answer.reason.trim_end_matches('.')),
            ),
            (None, Some(_)) => ("does not exist".to_owned(), Confidence::High, String::new()),
            (None, None) => ("has no address".to_owned(), Confidence::High, String::new()),
        };
        let draft = case
            .finding(&CHECK, severity, format!("The MX host {} {what}", host.name))
            .detail(format!(
                "{} is named in the MX records of {}, and {what}{reason}. Senders cannot deliver to it.{}",
                host.name,
                domain.name,
                if reason.is_empty() {
                    " Whoever can register or claim the name receives the mail."
                } else {
                    ""
                }
            ))
            .confidence(confidence)
            .weight(5);
        found.push(draft.fix_for("mx_dangling", &host.name).build());
    }
    if found.is_empty() {
        super::hosts_known(domain)?;
    }
    Ok(found)
}

fixtures! {
    clear: |_| {},
    found: |e| sample::no_addresses(e, DnsOutcome::NxDomain),
    undetermined: |e| sample::no_addresses(e, DnsOutcome::ServerError),
}
