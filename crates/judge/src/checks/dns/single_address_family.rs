//! Check [`dns.single_address_family`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The mail servers have addresses of one family only.
    ///
    /// # Effect
    /// Without IPv6, nothing is lost today. Without IPv4, most senders cannot deliver.
    /// # Method
    /// The A and AAAA records of all MX hosts are taken together.
    /// # Fix
    /// Add an AAAA (or A) record once the server listens there and has a PTR record.
    /// # Sources
    /// RFC 5321 section 5.2; Internet.nl mail test, IPv6.
    "dns.single_address_family", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    super::routing(domain)?;
    let addresses = || domain.hosts.iter().flat_map(|h| &h.addresses);
    let (v4, v6) = (addresses().any(std::net::IpAddr::is_ipv4), addresses().any(std::net::IpAddr::is_ipv6));
    if v4 && v6 || domain.hosts.is_empty() {
        return CLEAR;
    }
    super::hosts_known(domain)?;
    let host = domain.hosts.first().map_or(domain.name.as_str(), |h| h.name.as_str());
    let (severity, title, detail) = match (v4, v6) {
        (true, false) => (
            Severity::Info,
            "No mail server has an IPv6 address",
            "Senders deliver by IPv4. Nothing is wrong with that as long as both sides have it.",
        ),
        (false, true) => (
            Severity::Medium,
            "No mail server has an IPv4 address",
            "Senders without IPv6, still many, cannot deliver here at all.",
        ),
        // No address at all is what dns.mx_dangling and dns.no_mail_host speak of.
        _ => return CLEAR,
    };
    case.finding(&CHECK, severity, title).detail(detail).fix_for("ipv6", host).found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::mx(e).addresses.retain(std::net::IpAddr::is_ipv4),
    undetermined: |e| sample::no_addresses(e, DnsOutcome::Timeout),
}
