//! Names: does DNS lead senders to a mail server?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use waxseal_model::{
    Cause, DomainEvidence, Why,
    evidence::{MailRouting, MxHost},
};

pub mod bogus;
pub mod implicit_mx;
pub mod mx_dangling;
pub mod mx_is_cname;
pub mod mx_is_ip_literal;
pub mod mx_private_address;
pub mod no_mail_host;
pub mod no_such_domain;
pub mod null_mx;
pub mod null_mx_with_others;
pub mod resolver_failure;
pub mod reverse;
pub mod single_address_family;

/// Where mail goes, if that is known.
fn routing(domain: &DomainEvidence) -> Result<MailRouting, Why> {
    if domain.routing == MailRouting::Unknown {
        return Err(Why::new(Cause::Resolver, format!("{} MX: {}", domain.name, domain.mx_answer.reason)));
    }
    Ok(domain.routing)
}

/// Ok if the address answers of every MX host can be relied on.
fn hosts_known(domain: &DomainEvidence) -> Result<(), Why> {
    domain.hosts.iter().try_for_each(answers_known)
}

/// Ok if a host's address answers can be relied on.
fn answers_known(host: &MxHost) -> Result<(), Why> {
    match host.answers.iter().find(|a| !a.is_conclusive()) {
        Some(a) => Err(Why::new(Cause::Resolver, format!("{} {}: {}", a.name, a.rtype, a.reason))),
        None => Ok(()),
    }
}

/// True for addresses that the whole Internet can reach, by the IANA special-purpose
/// address registries (RFC 6890).
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_global_v4(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| is_global_v6(v6), is_global_v4),
    }
}

fn is_global_v4(a: Ipv4Addr) -> bool {
    let [o1, o2, o3, _] = a.octets();
    let shared = o1 == 100 && (64..128).contains(&o2); // RFC 6598
    let protocol = (o1, o2, o3) == (192, 0, 0); // RFC 6890
    let benchmark = o1 == 198 && (18..20).contains(&o2); // RFC 2544
    !(a.is_private()
        || a.is_loopback()
        || a.is_link_local()
        || a.is_documentation()
        || a.is_multicast()
        || a.is_broadcast()
        || shared
        || protocol
        || benchmark
        || o1 == 0
        || o1 >= 240)
}

fn is_global_v6(a: Ipv6Addr) -> bool {
    let s = a.segments();
    let documentation = s[0] == 0x2001 && s[1] == 0x0db8;
    // Global unicast is 2000::/3 (RFC 4291), less the documentation prefix (RFC 3849).
    (s[0] & 0xe000) == 0x2000 && !documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_purpose_addresses_are_not_global() {
        for (address, global) in [
            ("8.8.8.8", true),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("192.0.2.1", false),
            ("198.18.0.1", false),
            ("255.255.255.255", false),
            ("0.0.0.0", false),
            ("2a00:1450::1", true),
            ("::1", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("2001:db8::1", false),
            ("::ffff:127.0.0.1", false),
        ] {
            assert_eq!(is_global(address.parse().unwrap()), global, "{address}");
        }
    }
}
