//! From the catalogue to hosts with addresses and certificates, and to signed zones.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

use aws_lc_rs::digest::{SHA256, digest};

use crate::{
    addresses::Addresses,
    catalogue::{Domain, Family, Host, Mark},
    dns::{spec::ZoneSpec, tree::Tree},
    error::LabError,
    pki::{Leaf, authority::Authority, authority::Identity},
    servers::{Service, https::Policy, tls::Engine, tls::Tls},
};

/// Everything of a lab but its sockets.
pub(crate) struct Assembly {
    pub(crate) tree: Tree,
    pub(crate) hosts: Vec<PlacedHost>,
    pub(crate) ca_pem: String,
}

/// A host with its address.
pub(crate) struct PlacedHost {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) services: Vec<PlacedService>,
}

/// A service ready to listen.
pub(crate) struct PlacedService {
    /// The port that it stands for.
    pub(crate) port: u16,
    pub(crate) service: Service,
    pub(crate) engine: Option<Engine>,
}

/// Makes certificates, hosts and zones. `now` is in seconds since 1970.
pub(crate) fn assemble(domains: &[Domain], now: i64) -> Result<Assembly, LabError> {
    let authority = Authority::new(now)?;
    let mut builder = Builder { authority: &authority, addresses: Addresses::choose(), hosts: Vec::new() };
    let mut zones = vec![
        ZoneSpec::signed("", ""),
        ZoneSpec::signed("test", ""),
        ZoneSpec::signed("lab.test", "ns A 127.0.0.1"),
    ];
    for domain in domains {
        zones.push(builder.domain(domain)?);
    }
    zones.push(ZoneSpec::signed("arpa", &reverse(&builder.hosts)));
    let hosts = builder.hosts;
    Ok(Assembly { tree: Tree::build(&zones, now)?, hosts, ca_pem: authority.root_pem() })
}

/// PTR lines, relative to `arpa`. An address that several hosts share gets the first.
fn reverse(hosts: &[PlacedHost]) -> String {
    let mut lines = BTreeMap::new();
    for host in hosts {
        let name = match host.address {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                format!("{d}.{c}.{b}.{a}.in-addr")
            }
            IpAddr::V6(v6) => {
                let nibbles = format!("{:032x}", u128::from(v6));
                nibbles.chars().rev().map(|n| format!("{n}.")).collect::<String>() + "ip6"
            }
        };
        lines.entry(name).or_insert_with(|| format!("PTR {}.\n", host.name));
    }
    lines.into_iter().map(|(name, data)| format!("{name} {data}")).collect()
}

struct Builder<'a> {
    authority: &'a Authority,
    addresses: Addresses,
    hosts: Vec<PlacedHost>,
}

impl Builder<'_> {
    /// Places a domain's hosts; its zone.
    fn domain(&mut self, domain: &Domain) -> Result<ZoneSpec, LabError> {
        let mut lines: Vec<String> = Vec::new();
        let mut hosts = domain.hosts.clone();
        if let Some(text) = &domain.policy {
            hosts.push(Host::new("mta-sts", vec![(443, Service::Policy(Policy { text: text.clone() }))]));
            lines.push("_mta-sts TXT \"v=STSv1; id=20260101T000000\"".into());
        }
        lines.extend(domain.mx.iter().map(|l| (*l).to_owned()));
        lines.extend(domain.records.iter().cloned());
        for host in &hosts {
            let (address, own) = self.host(domain, host)?;
            lines = lines
                .into_iter()
                .map(|l| l.replace(&format!("{{{}}}", host.label), &address.to_string()))
                .collect();
            lines.extend(own);
        }
        Ok(ZoneSpec {
            apex: domain.name(),
            records: lines.join("\n"),
            signing: domain.signing,
            fault: domain.fault,
        })
    }

    /// Places one host; its address and zone lines.
    fn host(&mut self, domain: &Domain, host: &Host) -> Result<(IpAddr, Vec<String>), LabError> {
        let name = match host.label {
            "" => domain.name(),
            label => format!("{label}.{}", domain.name()),
        };
        let address: IpAddr = match host.family {
            Family::V6 => Ipv6Addr::LOCALHOST.into(),
            Family::V4 => self
                .addresses
                .next()
                .ok_or_else(|| LabError::zone(&name, &"more hosts than addresses"))?
                .into(),
        };
        let owner = if host.label.is_empty() { "@" } else { host.label };
        let rtype = if address.is_ipv4() { "A" } else { "AAAA" };
        let mut lines = vec![format!("{owner} {rtype} {address}")];
        let mut services = Vec::new();
        // One certificate for all ports of a host that want the same one.
        let mut identities: Vec<(Leaf, Identity)> = Vec::new();
        for (port, service) in &host.services {
            let engine = match tls_of(service) {
                Some(tls) => {
                    let identity = match identities.iter().find(|(leaf, _)| *leaf == tls.leaf) {
                        Some((_, identity)) => identity.clone(),
                        None => {
                            let identity = self.authority.issue(&name, tls.leaf)?;
                            identities.push((tls.leaf, identity.clone()));
                            identity
                        }
                    };
                    Some(Engine::new(tls, identity, self.authority)?)
                }
                None => None,
            };
            services.push(PlacedService { port: *port, service: service.clone(), engine });
        }
        for (_, identity) in &identities {
            lines.extend(tlsa(owner, host.tlsa, identity));
        }
        self.hosts.push(PlacedHost { name, address, services });
        Ok((address, lines))
    }
}

fn tls_of(service: &Service) -> Option<Tls> {
    match service {
        Service::Smtp(smtp) | Service::ImplicitTls(smtp) => Some(smtp.tls),
        Service::Policy(_) => Some(Tls::default()),
        Service::Raw(_) => None,
    }
}

/// TLSA records `3 1 1` for port 25 of a host.
fn tlsa(owner: &str, mark: Mark, identity: &Identity) -> Vec<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let record = |hash: &[u8]| format!("_25._tcp.{owner} TLSA 3 1 1 {}", hex(hash));
    match mark {
        Mark::None => Vec::new(),
        Mark::Matching => {
            identity.leaf_keys().iter().map(|key| record(digest(&SHA256, key).as_ref())).collect()
        }
        Mark::Mismatching => vec![record(digest(&SHA256, b"another key").as_ref())],
    }
}

/// True if the domain can be served on this machine.
pub(crate) fn servable(domain: &Domain, ipv6: bool) -> bool {
    ipv6 || domain.hosts.iter().all(|h| h.family == Family::V4)
}
