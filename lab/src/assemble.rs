//! From the catalogue to hosts with addresses and certificates, and to signed zones.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

use crate::{
    addresses::Addresses,
    catalogue::{Domain, Family, Host, Place, Ptr},
    dns::{spec::ZoneSpec, tree::Tree},
    error::LabError,
    pki::{
        Leaf,
        authority::{Authority, Identity},
        status::Desk,
    },
    servers::{Service, tls::Engine, tls::Tls},
};

/// A domain that is not the lab's: names in it that are not here do not exist. It takes
/// reports about one domain of the lab (RFC 9990 section 4).
const ELSEWHERE: &str = "@ MX 10 mx\nmx A 127.0.0.1\n\
                         dmarc-external-authorised.lab.test._report._dmarc TXT \"v=DMARC1;\"";

/// Everything of a lab but its sockets.
pub(crate) struct Assembly {
    pub(crate) tree: Tree,
    pub(crate) hosts: Vec<PlacedHost>,
    pub(crate) ca_pem: String,
    /// Where issuers answer from.
    pub(crate) desk: Desk,
}

/// A host with its address.
pub(crate) struct PlacedHost {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    /// The reverse name of the address, if it has one.
    pub(crate) reverse: Option<String>,
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
        ZoneSpec::signed("elsewhere.test", ELSEWHERE),
    ];
    for domain in domains {
        zones.extend(builder.domain(domain)?);
    }
    zones.push(ZoneSpec::signed("arpa", &reverse(&builder.hosts)));
    let hosts = builder.hosts;
    Ok(Assembly {
        tree: Tree::build(&zones, now)?,
        hosts,
        ca_pem: authority.root_pem(),
        desk: authority.desk().clone(),
    })
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
        if let Some(target) = &host.reverse {
            lines.entry(name).or_insert_with(|| format!("PTR {target}.\n"));
        }
    }
    lines.into_iter().map(|(name, data)| format!("{name} {data}")).collect()
}

struct Builder<'a> {
    authority: &'a Authority,
    addresses: Addresses,
    hosts: Vec<PlacedHost>,
}

impl Builder<'_> {
    /// Places a domain's hosts; its zone, and the one beside it.
    fn domain(&mut self, domain: &Domain) -> Result<Vec<ZoneSpec>, LabError> {
        let mut lines: Vec<String> = Vec::new();
        let mut beside: Vec<String> = Vec::new();
        let mut hosts = domain.hosts.clone();
        if let Some(sts) = &domain.sts {
            lines.extend(sts.record.iter().cloned());
            let services = vec![(443, Service::Policy(sts.policy.clone()))];
            match sts.place {
                Place::Here => hosts.push(Host::new("mta-sts", services)),
                Place::Closed => hosts.push(Host::new("mta-sts", Vec::new())),
                Place::Nowhere => {}
                Place::At(address) => lines.push(format!("mta-sts {address}")),
            }
        }
        lines.extend(domain.mx.iter().map(|l| (*l).to_owned()));
        lines.extend(domain.records.iter().cloned());
        for host in &hosts {
            let (address, own, elsewhere) = self.host(domain, host)?;
            lines = lines
                .into_iter()
                .map(|l| l.replace(&format!("{{{}}}", host.label), &address.to_string()))
                .collect();
            if host.aside { &mut beside } else { &mut lines }.extend(own);
            lines.extend(elsewhere);
        }
        let mut zones = vec![ZoneSpec {
            apex: domain.name(),
            records: lines.join("\n"),
            signing: domain.signing,
            fault: domain.fault,
        }];
        if let Some(signing) = domain.aside {
            let spec = ZoneSpec::signed(&domain.name_aside(), &beside.join("\n"));
            zones.push(ZoneSpec { signing, ..spec });
        }
        Ok(zones)
    }

    /// Places one host; its address, the lines of its zone, and lines of the domain's.
    fn host(&mut self, domain: &Domain, host: &Host) -> Result<(IpAddr, Vec<String>, Vec<String>), LabError> {
        let zone = if host.aside { domain.name_aside() } else { domain.name() };
        let name = match host.label {
            "" => zone,
            label => format!("{label}.{zone}"),
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
        let mut elsewhere = Vec::new();
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
                    if *port == 25 {
                        let root = self.authority.root_bearer();
                        for tlsa in &host.tlsa {
                            let place = if tlsa.owner.is_some() { &mut elsewhere } else { &mut lines };
                            place.extend(tlsa.lines(owner, &identity, &root));
                        }
                    }
                    Some(Engine::new(tls, &name, identity, self.authority)?)
                }
                None => None,
            };
            services.push(PlacedService { port: *port, service: service.clone(), engine });
        }
        let reverse = match host.ptr {
            Ptr::Own => Some(name.clone()),
            Ptr::Missing => None,
            Ptr::Other(other) => Some(other.to_owned()),
        };
        self.hosts.push(PlacedHost { name, address, reverse, services });
        Ok((address, lines, elsewhere))
    }
}

fn tls_of(service: &Service) -> Option<Tls> {
    match service {
        Service::Smtp(smtp) | Service::ImplicitTls(smtp) => Some(smtp.tls),
        Service::Policy(policy) => Some(policy.tls),
        Service::Issuer(_) | Service::Raw(_) => None,
    }
}

/// True if the domain can be served on this machine.
pub(crate) fn servable(domain: &Domain, ipv6: bool) -> bool {
    ipv6 || domain.hosts.iter().all(|h| h.family == Family::V4)
}
