//! Mail servers on loopback, good, broken and hostile, under a DNS tree and a
//! certification authority of their own: what waxseal is shown and tested with.
//!
//! Parts, from the outside in:
//!
//! - [`Lab`]: starts and stops everything; says where it is.
//! - `catalogue`: the mail domains, each with what a right verdict on it is.
//! - `assemble`, `addresses`: addresses of 127.0.0.0/8, ports, certificates, zones.
//! - `servers`: SMTP and what else listens; `dns`: the signed tree and its server;
//!   `pki`: keys and certificates; `tlsa`: records about them; `handmade`: a TLS that
//!   libraries no longer offer, with the flaws that they once had.
//! - `log`: connections counted, events in order.
//!
//! The lab shares no code with the crates that it tests, so that it cannot share their
//! mistakes. It listens on loopback only, needs no root (unless for
//! [`LabOptions::real_ports`]) and keeps nothing on disk, and
//! must never serve anything real: its keys are made at start or printed in its source.

mod addresses;
mod assemble;
mod catalogue;
mod dns;
mod error;
mod handmade;
mod log;
mod pki;
mod servers;
mod tlsa;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    assemble::{PlacedHost, PlacedService, assemble, servable},
    catalogue::Domain,
    dns::server::{serve_tcp, serve_udp},
    log::Log,
    pki::status::Desk,
    servers::listen::{Listening, accept_all},
};

pub use catalogue::{AuditExpect, AuditVerdict, Expect};
pub use error::LabError;
pub use log::LogLine;

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabOptions {
    /// Also the domains that are for tests only; on by default.
    pub extras: bool,
    /// Also the domains that name addresses beyond loopback; off by default. Only who
    /// refuses such addresses may scan them.
    pub outside: bool,
    /// The cases for `waxseal audit` instead of all other domains; off by default.
    pub audit: bool,
    /// First labels of the domains to start, `healthy`; all where it is empty.
    pub only: Vec<String>,
    /// Listen at the ports that the servers stand for, and answer DNS at port 53 of this
    /// address, instead of at ports that are free: for programs that can be told neither.
    /// Needs root and, best, a network namespace of its own; the port map is then one of
    /// ports to themselves.
    pub real_ports: Option<IpAddr>,
    /// More domains, for servers that a test brings along.
    pub vacant: Vec<Vacant>,
}

/// A mail domain with an MX, `mx`, at whose address nothing listens: a test puts a server
/// of its own there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacant {
    /// First label, `own` for `own.lab.test`.
    pub label: &'static str,
    /// More zone-file lines, relative to the domain: `host A {mx}` with the MX's address.
    pub records: Vec<String>,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self {
            extras: true,
            outside: false,
            audit: false,
            only: Vec::new(),
            real_ports: None,
            vacant: Vec::new(),
        }
    }
}

impl LabOptions {
    /// The demonstration's domains only.
    pub fn demo() -> Self {
        Self { extras: false, ..Self::default() }
    }

    /// All domains, with those that name addresses beyond loopback: for tests of what
    /// keeps a scanner from going there.
    pub fn guard() -> Self {
        Self { outside: true, ..Self::default() }
    }

    /// The cases for `waxseal audit`.
    pub fn audit() -> Self {
        Self { audit: true, ..Self::default() }
    }

    /// These domains and no others, by their first labels: quicker to start than all.
    pub fn only<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self { outside: true, only: labels.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// The domains of a lab with these options, without starting one, the demonstration's
    /// first. Where the machine has no `::1`, a lab has a few less.
    pub fn domains(&self) -> Vec<LabDomain> {
        self.catalogue().iter().map(describe).collect()
    }

    fn catalogue(&self) -> Vec<Domain> {
        let all = if self.audit { catalogue::audit::list() } else { catalogue::all() };
        let vacant = self.vacant.iter().map(|v| catalogue::vacant(v.label, &v.records));
        all.into_iter().filter(|d| self.includes(d)).chain(vacant).collect()
    }

    fn includes(&self, domain: &Domain) -> bool {
        let named = self.only.is_empty() || self.only.iter().any(|label| label == domain.label);
        named && (domain.demo || self.extras) && (!domain.outside || self.outside)
    }
}

/// A mail domain of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabDomain {
    /// The domain as people type it, `expired.lab.test`; not always ASCII.
    pub name: String,
    /// What is special about it, in one line.
    pub summary: &'static str,
    /// Part of the demonstration; the others are for tests.
    pub demo: bool,
    /// It names addresses beyond loopback.
    pub outside: bool,
    /// What a right verdict is.
    pub expect: Expect,
    /// What a right audit says, for the cases of [`LabOptions::audit`].
    pub audit: AuditExpect,
}

/// A running lab. It ends when it is dropped, or in an orderly way by [`Lab::stop`].
#[derive(Debug)]
pub struct Lab {
    dns: SocketAddr,
    trust_anchor: String,
    ca_pem: String,
    port_map: BTreeMap<u16, u16>,
    domains: Vec<LabDomain>,
    hosts: BTreeMap<String, IpAddr>,
    log: Log,
    tasks: JoinSet<()>,
}

impl Lab {
    /// Starts all servers; when this returns they accept connections.
    ///
    /// Several labs may run at once. Domains that need IPv6 are left out where the
    /// machine has no `::1`.
    ///
    /// # Errors
    /// [`LabError::Address`] where the system does not have all of 127.0.0.0/8, and
    /// [`LabError::NoFreePort`]; [`LabError::RealPort`] where those were asked for; the
    /// other variants are mistakes in the lab.
    pub async fn start(options: LabOptions) -> Result<Self, LabError> {
        let ipv6 = addresses::has_ipv6().await;
        let catalogue: Vec<Domain> = options.catalogue().into_iter().filter(|d| servable(d, ipv6)).collect();
        let domains = catalogue.iter().map(describe).collect();
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        // Keys and signatures take a moment that other tasks need not wait for.
        let assembly = tokio::task::spawn_blocking(move || assemble(&catalogue, now))
            .await
            .map_err(|e| LabError::zone(&".", &e))??;
        let (dns, udp, tcp) = match options.real_ports {
            Some(address) => addresses::dns_sockets_at(address).await?,
            None => addresses::dns_sockets().await?,
        };
        let tree = Arc::new(assembly.tree);
        let log = Log::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, Arc::clone(&tree), log.clone()));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&tree), log.clone()));
        let hosts = assembly.hosts.iter().map(|h| (h.name.clone(), h.address)).collect();
        let (port_map, servers) =
            open(assembly.hosts, options.real_ports.is_some(), &log, &assembly.desk).await?;
        for (listener, server) in servers {
            tasks.spawn(accept_all(listener, server));
        }
        Ok(Self {
            dns,
            trust_anchor: tree.trust_anchor.clone(),
            ca_pem: assembly.ca_pem,
            port_map,
            domains,
            hosts,
            log,
            tasks,
        })
    }

    /// The DNS server, UDP and TCP. It answers for the whole tree as a recursive resolver
    /// would, without validating.
    pub fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// DS and DNSKEY of the lab's root zone as zone-file lines.
    pub fn trust_anchor(&self) -> &str {
        &self.trust_anchor
    }

    /// The root certificate in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Real port to the lab's port, on the address of each host: 25, 465, 587, 443, 80. The two
    /// are the same in a lab with [`LabOptions::real_ports`].
    pub fn port_map(&self) -> BTreeMap<u16, u16> {
        self.port_map.clone()
    }

    /// All domains, the demonstration's first.
    pub fn domains(&self) -> &[LabDomain] {
        &self.domains
    }

    /// The address of a host, `mx.healthy.lab.test`; none if there is no such host.
    pub fn address(&self, host: &str) -> Option<IpAddr> {
        self.hosts.get(host).copied()
    }

    /// Connections that a host has accepted so far, over all its ports.
    pub fn connections(&self, host: &str) -> u32 {
        self.log.connections(host)
    }

    /// What the servers saw, oldest first; very old events are dropped.
    pub fn log(&self) -> Vec<LogLine> {
        self.log.lines()
    }

    /// Stops all servers and waits until their ports are free.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

fn describe(domain: &Domain) -> LabDomain {
    LabDomain {
        name: domain.unicode.map_or_else(|| domain.name(), |label| format!("{label}.lab.test")),
        summary: domain.summary,
        demo: domain.demo,
        outside: domain.outside,
        expect: domain.expect,
        audit: domain.audit,
    }
}

type Opened = (BTreeMap<u16, u16>, Vec<(TcpListener, Listening)>);

/// Opens all sockets: for each real port this port, or one that is free on all addresses.
async fn open(hosts: Vec<PlacedHost>, real: bool, log: &Log, desk: &Desk) -> Result<Opened, LabError> {
    let mut by_port: BTreeMap<u16, Vec<(String, IpAddr, PlacedService)>> = BTreeMap::new();
    for host in hosts {
        for service in host.services {
            by_port.entry(service.port).or_default().push((host.name.clone(), host.address, service));
        }
    }
    let mut map = BTreeMap::new();
    let mut servers = Vec::new();
    for (port, services) in by_port {
        let addresses: Vec<IpAddr> = services.iter().map(|(_, address, _)| *address).collect();
        let (lab_port, listeners) = match real {
            true => (port, addresses::listen_at(port, &addresses).await?),
            false => addresses::listen(&addresses).await?,
        };
        map.insert(port, lab_port);
        for (listener, (host, _, placed)) in listeners.into_iter().zip(services) {
            let PlacedService { service, engine, .. } = placed;
            let (log, desk) = (log.clone(), desk.clone());
            servers.push((listener, Listening { host, port, service, engine, desk, log }));
        }
    }
    Ok((map, servers))
}
