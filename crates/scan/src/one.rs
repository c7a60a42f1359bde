//! One target to one report.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use futures_util::{
    StreamExt,
    future::{join, join3},
    stream,
};
use tokio::sync::OnceCell;
use waxseal_judge::{Judgement, Profile, judge};
use waxseal_model::{
    Cause, DnsAnswer, DnssecStatus, DomainEvidence, Endpoint, EndpointEvidence, Evidence, Observed, Report,
    Target, TlsStart, Usage, Why,
    dns::DnsOutcome,
    evidence::{Cost, EndpointFacts, MailRouting},
    policy::{DaneFacts, EarlierPolicy, PolicyEvidence},
};
use waxseal_net::resolver::Resolver;
use waxseal_probe::{Prober, chains_for_name, probe_endpoint};

use crate::{
    CertificateLookups, CertificateOptions, caa, clients,
    clock::now,
    event::{Events, ScanEvent},
    identity::{self, IdentityOptions},
    names, ports,
    published::{self, dane},
};

/// Endpoints of one target that are questioned at a time; one address is always
/// questioned by one connection at a time, whatever this says.
const ENDPOINTS_AT_A_TIME: usize = 8;
/// More endpoints of one target than this are not questioned.
const MOST_ENDPOINTS: usize = 64;
/// Endpoints whose evidence is kept for targets to come: many times those under way.
const MOST_SHARED: usize = 2048;

/// How a target is scanned, apart from the limits of probing.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// The port on MX hosts, instead of 25.
    pub port: Option<u16>,
    /// How TLS starts, instead of what the port says.
    pub tls: Option<TlsStart>,
    /// What the port is for, instead of what it says.
    pub usage: Option<Usage>,
    /// What beside the domain is to be looked at for SPF, DKIM and DMARC.
    pub identity: IdentityOptions,
    /// The version that reports carry.
    pub version: String,
    /// MTA-STS policies of earlier scans by domain: what senders may have in their caches.
    pub earlier: BTreeMap<String, EarlierPolicy>,
    /// What an audit finds out beside probing; none for a check.
    pub audit: Option<AuditLookups>,
}

/// What an audit finds out beside probing.
#[derive(Debug, Clone)]
pub struct AuditLookups {
    /// About certificates.
    pub certificates: CertificateOptions,
    /// The hellos of real clients are put to the servers, one connection each.
    pub replay_clients: bool,
}

/// What is the same for all targets of a run.
#[derive(Debug)]
pub struct Scanner {
    resolver: Resolver,
    prober: Prober,
    options: ScanOptions,
    profile: &'static Profile,
    certificates: Option<CertificateLookups>,
    /// Endpoints that several targets share are questioned once.
    cache: Mutex<Shared>,
}

/// Evidence of endpoints that another target may share. The oldest goes where there is
/// too much, so that memory does not grow with the number of targets.
#[derive(Debug, Default)]
struct Shared {
    cells: HashMap<CacheKey, Arc<OnceCell<EndpointEvidence>>>,
    order: VecDeque<CacheKey>,
}

impl Shared {
    fn cell(&mut self, key: CacheKey) -> Arc<OnceCell<EndpointEvidence>> {
        if !self.cells.contains_key(&key) {
            self.order.push_back(key.clone());
        }
        let cell = Arc::clone(self.cells.entry(key).or_default());
        while self.order.len() > MOST_SHARED {
            if let Some(oldest) = self.order.pop_front() {
                self.cells.remove(&oldest);
            }
        }
        cell
    }
}

type CacheKey = (IpAddr, u16, TlsStart, Option<String>);

/// An endpoint that is to be questioned.
#[derive(Debug, Clone)]
struct Planned {
    endpoint: Endpoint,
    mx_preference: Option<u16>,
    reference_name: Option<String>,
}

/// The names of a target and what follows from them.
struct Found {
    domain: Option<DomainEvidence>,
    host_addresses: Vec<DnsAnswer>,
    planned: Vec<Planned>,
    no_endpoint: Option<Why>,
}

impl Scanner {
    /// A scanner over these means.
    pub fn new(resolver: Resolver, prober: Prober, options: ScanOptions, profile: &'static Profile) -> Self {
        let certificates = options.audit.as_ref().map(|a| CertificateLookups::new(a.certificates.clone()));
        Self { resolver, prober, options, profile, certificates, cache: Mutex::default() }
    }

    /// The resolver that the scans use.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Scans a target and judges what was seen.
    pub async fn report(&self, target: Target, events: &Events) -> Report {
        let label = target.label();
        let evidence = self.evidence(target, events).await;
        let judgement = judge(&evidence, self.profile, now());
        events.send(ScanEvent::Finished { target: label });
        let Judgement { grade, verdicts, findings, senders, clients } = judgement;
        Report::new(evidence, grade, verdicts, findings, senders, clients)
    }

    /// Observes a target, without an opinion.
    pub async fn evidence(&self, target: Target, events: &Events) -> Evidence {
        // Identity and CAA are asked beside names and probing, which wait for neither.
        // On the heap, each: side by side within one future they are too large for a stack.
        let identity = Box::pin(identity::of_target(&self.resolver, &target, &self.options.identity));
        let caa = Box::pin(caa::of_target(&self.resolver, &target));
        let transport = Box::pin(self.transport(target.clone(), events));
        let (mut evidence, identity, caa) = join3(transport, identity, caa).await;
        if let Some(domain) = &mut evidence.domain {
            domain.identity = identity.unwrap_or_default();
            // No name was found at all: one reason for everything, given with the MX records.
            if domain.routing == MailRouting::Unknown && domain.mx_answer.outcome == DnsOutcome::Timeout {
                let why = Why::new(Cause::Prerequisite, names::NO_MX);
                domain.identity.spf = Observed::NotTried { why: why.clone() };
                domain.identity.dmarc = Observed::NotTried { why: why.clone() };
                domain.identity.domainkey = Observed::NotTried { why };
            }
            domain.policies.caa = caa;
        }
        evidence
    }

    /// Names and endpoints.
    async fn transport(&self, target: Target, events: &Events) -> Evidence {
        let started = Instant::now();
        let started_at = now();
        let label = target.label();
        events.send(ScanEvent::Started { target: label.clone() });
        let mut found = self.names(&target).await;
        events.send(ScanEvent::Endpoints { target: label.clone(), count: found.planned.len() });
        let planned = std::mem::take(&mut found.planned);
        // What is published is looked up while the servers are questioned.
        let (policies, endpoints) = join(
            Box::pin(self.policies(found.domain.as_ref())),
            stream::iter(planned)
                .map(|planned| Box::pin(self.endpoint(planned, &found, &label, events)))
                .buffered(ENDPOINTS_AT_A_TIME)
                .collect::<Vec<(EndpointEvidence, u32)>>(),
        )
        .await;
        if let Some(domain) = &mut found.domain {
            domain.policies = policies;
        }
        let connections = endpoints.iter().map(|(_, connections)| *connections).sum();
        let endpoints = endpoints.into_iter().map(|(e, _)| e).collect();
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Evidence {
            schema_version: waxseal_model::SCHEMA_VERSION,
            waxseal_version: self.options.version.clone(),
            target,
            started_at,
            domain: found.domain,
            host_addresses: found.host_addresses,
            endpoints,
            no_endpoint: found.no_endpoint,
            cost: Cost { connections, milliseconds },
        }
    }

    /// The policies of a domain that mail is delivered to; nothing is asked for others.
    async fn policies(&self, domain: Option<&DomainEvidence>) -> PolicyEvidence {
        let Some(domain) = domain else { return PolicyEvidence::default() };
        let obstacle = match domain.routing {
            MailRouting::NullMx | MailRouting::NoSuchDomain => {
                Some(Why::new(Cause::NotApplicable, "no mail is delivered to this domain"))
            }
            MailRouting::Unknown => Some(Why::new(Cause::Prerequisite, names::NO_MX)),
            _ => None,
        };
        if let Some(why) = obstacle {
            let (sts, tlsrpt) =
                (Observed::NotTried { why: why.clone() }, Observed::NotTried { why: why.clone() });
            return PolicyEvidence { sts, tlsrpt, ..PolicyEvidence::default() };
        }
        let mut sts = PolicyEvidence::default();
        let mut tlsrpt = PolicyEvidence::default();
        sts.sts_discovery.earlier = self.options.earlier.get(&domain.name).cloned();
        join(
            published::sts::discover(&self.resolver, &self.prober, &domain.name, &mut sts),
            published::tlsrpt::discover(&self.resolver, &domain.name, &mut tlsrpt),
        )
        .await;
        PolicyEvidence { tlsrpt: tlsrpt.tlsrpt, tlsrpt_discovery: tlsrpt.tlsrpt_discovery, ..sts }
    }

    /// The evidence of an endpoint with its TLSA records, and the connections that were
    /// made for it now.
    async fn endpoint(
        &self,
        planned: Planned,
        found: &Found,
        label: &str,
        events: &Events,
    ) -> (EndpointEvidence, u32) {
        let endpoint = planned.endpoint.clone();
        let ((mut evidence, fresh), dane) = join(self.question(planned), self.dane(&endpoint, found)).await;
        let mut connections = if fresh { evidence.evidence.cost.connections } else { 0 };
        evidence.evidence.dane = dane;
        connections += self.compare(&endpoint, &mut evidence.evidence).await;
        events.send(ScanEvent::EndpointDone { target: label.to_owned(), endpoint: endpoint.id() });
        (evidence, connections)
    }

    /// The TLSA records of an endpoint.
    async fn dane(&self, endpoint: &Endpoint, found: &Found) -> Observed<Option<DaneFacts>> {
        let Some(host) = &endpoint.host else {
            return Observed::not_tried(
                Cause::NotApplicable,
                "TLSA records belong to names, and this is an address",
            );
        };
        let mx = found.domain.as_ref().and_then(|d| Some((d, d.hosts.iter().find(|h| &h.name == host)?)));
        let subject = match mx {
            Some((domain, mx)) => dane::subject(domain, mx, endpoint.port),
            None => dane::Subject { host, answers: &found.host_addresses, port: endpoint.port, domain: None },
        };
        dane::lookup(&self.resolver, &subject).await
    }

    /// Notes which of the presented certificates the TLSA records match; asks for the
    /// certificates again where DANE senders name the server otherwise. The number of
    /// connections that took.
    async fn compare(&self, endpoint: &Endpoint, facts: &mut EndpointFacts) -> u32 {
        let Observed::Seen { value: Some(dane_facts) } = &mut facts.dane else { return 0 };
        let mut connections = 0;
        let named_otherwise = facts.reference_name.as_ref() != Some(&dane_facts.base);
        if named_otherwise && !dane_facts.tlsa.is_empty() && facts.chains.is_seen() {
            let spent = facts.cost.connections;
            let named = chains_for_name(&self.prober, endpoint, &dane_facts.base, spent).await;
            connections = named.connections;
            facts.cost.connections += connections;
            dane_facts.chains = Some(named.chains);
        }
        let chains = dane_facts.chains.clone();
        let chains = chains.as_ref().unwrap_or(&facts.chains).get().map_or(&[][..], Vec::as_slice);
        dane::compare(dane_facts, chains);
        connections
    }

    /// Questions an endpoint, and what an audit finds out beside.
    async fn probe(
        &self,
        endpoint: Endpoint,
        mx_preference: Option<u16>,
        reference_name: Option<String>,
    ) -> EndpointEvidence {
        let mut found = probe_endpoint(&self.prober, endpoint, mx_preference, reference_name).await;
        if let Some(lookups) = &self.certificates {
            // Issuers are no mail servers: their connections do not count.
            lookups.complete(&self.resolver, &self.prober, &mut found.evidence).await;
        }
        if self.options.audit.as_ref().is_some_and(|audit| audit.replay_clients) {
            clients::put(&self.prober, &mut found).await;
        }
        found
    }

    /// The evidence of an endpoint, and whether it was questioned now, for this target.
    async fn question(&self, planned: Planned) -> (EndpointEvidence, bool) {
        let Planned { endpoint, mx_preference, reference_name } = planned;
        let key = (endpoint.address, endpoint.port, endpoint.tls, reference_name.clone());
        let cell = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.cell(key)
        };
        let fresh = AtomicBool::new(false);
        let probe = || {
            fresh.store(true, Ordering::Relaxed);
            Box::pin(self.probe(endpoint, mx_preference, reference_name))
        };
        let mut evidence = cell.get_or_init(probe).await.clone();
        evidence.evidence.mx_preference = mx_preference;
        (evidence, fresh.into_inner())
    }

    async fn names(&self, target: &Target) -> Found {
        match target {
            Target::Address { address, port } => Found {
                domain: None,
                host_addresses: Vec::new(),
                planned: vec![self.plan(*address, None, *port, None)],
                no_endpoint: None,
            },
            Target::Host { name, port, .. } => {
                let answers = names::addresses(&self.resolver, name).await;
                let addresses = names::usable(&answers);
                let no_endpoint = addresses.is_empty().then(|| names::no_address(name, &answers));
                let planned = addresses.iter().map(|ip| self.plan(*ip, Some(name), *port, None)).collect();
                Found { domain: None, host_addresses: answers, planned, no_endpoint }
            }
            Target::Domain { name, .. } => self.domain(name).await,
        }
    }

    async fn domain(&self, name: &str) -> Found {
        let domain = names::domain(&self.resolver, name).await;
        let port = self.options.port.unwrap_or(ports::SMTP);
        let mut planned = Vec::new();
        for host in &domain.hosts {
            for address in &host.addresses {
                let host_name = (!host.ip_literal).then_some(&host.name);
                planned.push(self.plan(*address, host_name, port, host.preference));
            }
        }
        planned.truncate(MOST_ENDPOINTS);
        let no_endpoint = planned.is_empty().then(|| no_endpoint(&domain));
        Found { domain: Some(domain), host_addresses: Vec::new(), planned, no_endpoint }
    }

    fn plan(&self, address: IpAddr, host: Option<&String>, port: u16, preference: Option<u16>) -> Planned {
        let endpoint = Endpoint {
            host: host.cloned(),
            address,
            port,
            tls: self.options.tls.unwrap_or_else(|| ports::tls_start(port)),
            usage: self.options.usage.unwrap_or_else(|| ports::usage(port)),
            connected_to: None,
        };
        Planned { endpoint, mx_preference: preference, reference_name: host.cloned() }
    }
}

/// Why a domain has no endpoint.
pub(crate) fn no_endpoint(domain: &DomainEvidence) -> Why {
    let name = &domain.name;
    match domain.routing {
        MailRouting::NoSuchDomain => Why::new(Cause::Name, format!("the domain {name} does not exist")),
        MailRouting::NullMx => Why::new(
            Cause::NotApplicable,
            format!("{name} accepts no mail: it publishes a null MX (RFC 7505)"),
        ),
        MailRouting::NoMailHost => Why::new(
            Cause::Name,
            format!("{name} has neither MX nor address records, so mail to it cannot be delivered"),
        ),
        MailRouting::Unknown if domain.mx_answer.status == DnssecStatus::Bogus => Why::new(
            Cause::Resolver,
            format!("the MX records of {name} are bogus: {}", domain.mx_answer.reason),
        ),
        MailRouting::Unknown => Why::new(
            Cause::Resolver,
            format!("the MX records of {name} could not be looked up: {}", domain.mx_answer.reason),
        ),
        MailRouting::Mx | MailRouting::ImplicitMx | MailRouting::NullMxWithOthers => {
            let reasons: Vec<String> =
                domain.hosts.iter().map(|h| names::no_address(&h.name, &h.answers).text).collect();
            Why::new(Cause::Name, format!("no mail host of {name} has an address: {}", reasons.join("; ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_other_targets_is_bounded_and_the_newest_stays() {
        let key = |port: u16| (IpAddr::from([127, 0, 0, 1]), port, TlsStart::Starttls, None);
        let mut shared = Shared::default();
        for port in 0..=u16::try_from(MOST_SHARED).unwrap() {
            shared.cell(key(port));
        }
        assert_eq!((shared.cells.len(), shared.order.len()), (MOST_SHARED, MOST_SHARED));
        let newest = shared.cell(key(1));
        assert!(Arc::ptr_eq(&newest, &shared.cell(key(1))));
        assert!(!shared.cells.contains_key(&key(0)));
    }
}
