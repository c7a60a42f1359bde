//! Check [`dns.mx_private_address`](CHECK).

use crate::checks::prelude::*;

check! {
    /// An MX host has an address that the Internet cannot reach.
    ///
    /// # Effect
    /// Senders that try this host deliver to themselves, into their own network, or wait
    /// for nothing.
    /// # Method
    /// An A or AAAA record of an MX host lies in a private, loopback, link-local, shared
    /// (CGNAT), documentation, multicast or reserved range.
    /// # Fix
    /// Publish the public address, or remove the host from the MX records.
    /// # Sources
    /// RFC 6890 and the IANA special-purpose address registries; RFC 5321 section 5.1.
    "dns.mx_private_address", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    super::routing(domain)?;
    let mut found = Vec::new();
    for host in &domain.hosts {
        let Some(address) = host.addresses.iter().find(|a| !super::is_global(**a)) else { continue };
        // Who maps ports tests a network of his own: its names say nothing about the Internet.
        let mapped = |e: &&waxseal_model::EndpointEvidence| e.endpoint.address == *address;
        if case.evidence.endpoints.iter().filter(mapped).any(|e| e.endpoint.connected_to.is_some()) {
            let text = format!("connections to {address} were led elsewhere by this run's port map");
            return Err(Why::new(Cause::NotApplicable, text));
        }
        let title = format!("The MX host {} has the address {address}, which is not public", host.name);
        let draft = case.finding(&CHECK, Severity::High, title).detail(format!(
            "{address} is not reachable from the Internet: senders connect into their own network or not at \
             all. Mail to {} arrives late, by another MX, or never.",
            domain.name
        ));
        found.push(draft.fix_for("mx_address", &host.name).build());
    }
    if found.is_empty() {
        super::hosts_known(domain)?;
    }
    Ok(found)
}

fixtures! {
    clear: |_| {},
    found: |e| sample::mx(e).addresses[0] = std::net::Ipv4Addr::new(192, 168, 1, 25).into(),
    undetermined: |e| sample::no_addresses(e, DnsOutcome::Timeout),
}
