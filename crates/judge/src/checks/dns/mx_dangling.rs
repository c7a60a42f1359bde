//! Check [`dns.mx_dangling`](CHECK).

use crate::checks::prelude::*;

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
    let dangling = |h: &&waxseal_model::evidence::MxHost| {
        !h.ip_literal && !h.answers.is_empty() && h.addresses.is_empty() && super::answers_known(h).is_ok()
    };
    let severity =
        if domain.hosts.iter().all(|h| dangling(&h)) { Severity::Critical } else { Severity::High };
    let mut found = Vec::new();
    for host in domain.hosts.iter().filter(dangling) {
        let nothing = host.answers.iter().any(|a| a.outcome == DnsOutcome::NxDomain);
        let what = if nothing { "does not exist" } else { "has no address" };
        let draft = case
            .finding(&CHECK, severity, format!("The MX host {} {what}", host.name))
            .detail(format!(
                "{} is named in the MX records of {}, and {what} in DNS. Senders cannot deliver to it; whoever \
                 can register or claim the name can receive the mail.",
                host.name, domain.name
            ))
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
