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
    let mut private = Vec::new();
    for host in &domain.hosts {
        let Some(address) = host.addresses.iter().find(|a| !super::is_global(**a)) else { continue };
        // Who maps ports tests a network of his own: its names say nothing about the Internet.
        let mapped = |e: &&waxseal_model::EndpointEvidence| e.endpoint.address == *address;
        if case.evidence.endpoints.iter().filter(mapped).any(|e| e.endpoint.connected_to.is_some()) {
            let text = format!("connections to {address} were led elsewhere by this run's port map");
            return Err(Why::new(Cause::NotApplicable, text));
        }
        private.push((host.name.as_str(), address));
    }
    let title = match private.as_slice() {
        [] => {
            super::hosts_known(domain)?;
            return CLEAR;
        }
        [(host, address)] => format!("The MX host {host} has the address {address}, which is not public"),
        several => format!("{} of {} MX hosts have no public address", several.len(), domain.hosts.len()),
    };
    let list: Vec<String> = private.iter().map(|(host, address)| format!("{host} ({address})")).collect();
    let hosts: Vec<&str> = private.iter().map(|(host, _)| *host).collect();
    case.finding(&CHECK, Severity::High, title)
        .detail(format!(
            "{}: not reachable from the Internet. Senders connect into their own network or not at all; mail to {} \
             arrives late, by another MX, or never.",
            text::short_list(&list, 4),
            domain.name
        ))
        .fix_for("mx_address", &text::short_list(&hosts, 4))
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::mx(e).addresses[0] = std::net::Ipv4Addr::new(192, 168, 1, 25).into(),
    undetermined: |e| sample::no_addresses(e, DnsOutcome::Timeout),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_hosts_are_one_finding() {
        let mut e = sample::healthy();
        sample::mx(&mut e).addresses[0] = std::net::Ipv4Addr::new(10, 0, 0, 1).into();
        let mut other = sample::mx(&mut e).clone();
        other.name = "mx9.example.com".into();
        sample::domain(&mut e).hosts.push(other);
        let judgement = crate::judge(&e, crate::profile("mail").unwrap(), sample::NOW);
        let found: Vec<_> = judgement.findings.iter().filter(|f| f.check == CHECK.id).collect();
        assert_eq!(found.len(), 1);
        assert!(
            found[0].title.starts_with("2 of ") && found[0].detail.contains("mx9.example.com"),
            "{found:?}"
        );
    }
}
