//! Check [`tlsrpt.addresses`](CHECK).

use crate::checks::prelude::*;

check! {
    /// TLS reports are to go to an address that takes no mail.
    ///
    /// # Effect
    /// The reports are lost, and with them the news that TLS fails.
    /// # Method
    /// The MX records of the domains of the `mailto:` addresses.
    /// # Fix
    /// An address in a domain that takes mail; not one of the servers that are reported on.
    /// # Sources
    /// RFC 8460 section 3.
    "tlsrpt.addresses", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    if known(&domain.policies.tlsrpt)?.is_none() {
        return CLEAR;
    }
    let dead = &domain.policies.tlsrpt_discovery.dead_addresses;
    if dead.is_empty() {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Medium, format!("TLS reports about {} go to a dead address", domain.name))
        .detail(format!("{}. The reports are lost.", text::sentence(&text::short_list(dead, 3))))
        .fix("tlsrpt_record")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::domain(e).policies.tlsrpt_discovery.dead_addresses = vec!["gone.example does not exist".into()];
    },
    undetermined: |e| sample::domain(e).policies.tlsrpt = Observed::default(),
}
