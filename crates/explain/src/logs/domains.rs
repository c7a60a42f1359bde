//! The domains that mail went to, with the hosts that took it.

use std::hash::BuildHasher;

use waxseal_model::{
    logs::{DomainTraffic, HostTraffic, Others, SiteTraffic, SourceTraffic, Traffic},
    mail::{Outcome, Protection},
};
use waxseal_wire::text::neutralise;

use super::site::site;
use crate::read::log::{ByHash, Keyed};

/// Hosts of one domain that are kept.
const MOST_HOSTS: usize = 6;
/// Longest name, in characters.
const LONGEST_NAME: usize = 255;

/// Names with their counts, at most so many. When there are more, the half with fewer
/// deliveries is folded into one count.
#[derive(Debug)]
pub(crate) struct Domains {
    most: usize,
    domains: ByHash<Domain>,
    sites: Sites,
    others: Others,
    /// How often was folded: a domain that appears after that may have been there before.
    folds: u32,
    state: Keyed,
    /// Names in lower case, where they are not.
    buffer: String,
}

#[derive(Debug)]
struct Domain {
    name: Box<str>,
    delivered: Traffic,
    deferred: u64,
    failed: u64,
    hosts: Vec<Host>,
    tried_in_clear: u64,
    why_clear: Option<Box<str>>,
    complete: bool,
}

#[derive(Debug)]
struct Host {
    key: u64,
    name: Box<str>,
    site: u64,
    delivered: Traffic,
}

/// What happened to one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened<'a> {
    pub(crate) domain: &'a str,
    pub(crate) host: &'a str,
    pub(crate) outcome: Outcome,
    pub(crate) protection: Option<Protection>,
    /// The error that was logged just before.
    pub(crate) before: Option<&'a str>,
}

impl Domains {
    /// Of at most so many domains.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(2),
            domains: ByHash::default(),
            sites: Sites { most: most.max(2), sites: ByHash::default() },
            others: Others::default(),
            folds: 0,
            state: Keyed::new(),
            buffer: String::new(),
        }
    }

    /// Whether anything was folded.
    pub(crate) fn folded(&self) -> bool {
        self.folds > 0
    }

    /// The key of a domain's name.
    pub(crate) fn key(&mut self, name: &str) -> u64 {
        self.state.hash_one(lower(name, &mut self.buffer))
    }

    /// The name behind a key, if it was not folded.
    pub(crate) fn name(&self, key: u64) -> Option<&str> {
        self.domains.get(&key).map(|domain| &*domain.name)
    }

    /// Counts. Returns the key of the domain.
    pub(crate) fn add(&mut self, what: &Happened<'_>) -> u64 {
        let domain = self.key(what.domain);
        if !self.domains.contains_key(&domain) {
            self.make_room();
            let name = neutralise(lower(what.domain, &mut self.buffer).as_bytes(), LONGEST_NAME);
            self.domains.insert(
                domain,
                Domain {
                    name: name.into(),
                    delivered: Traffic::default(),
                    deferred: 0,
                    failed: 0,
                    hosts: Vec::new(),
                    tried_in_clear: 0,
                    why_clear: None,
                    complete: self.folds == 0,
                },
            );
        }
        let site = self.host(domain, what);
        let Some(entry) = self.domains.get_mut(&domain) else { return domain };
        match what.outcome {
            Outcome::Delivered => entry.delivered.add(what.protection, 1),
            Outcome::Deferred => entry.deferred += 1,
            _ => entry.failed += 1,
        }
        match (what.protection, what.outcome, what.before) {
            (Some(Protection::Clear), Outcome::Delivered, Some(before)) => {
                entry.why_clear.get_or_insert_with(|| before.into());
            }
            (Some(Protection::Clear), Outcome::Delivered, None) => {}
            (Some(Protection::Clear), ..) => entry.tried_in_clear += 1,
            _ => {}
        }
        if let Some(site) = site.and_then(|site| self.sites.sites.get_mut(&site)) {
            match what.outcome {
                Outcome::Delivered => site.delivered.add(what.protection, 1),
                _ => site.undelivered += 1,
            }
        }
        domain
    }

    /// Counts a failure whose only trace is the domain.
    pub(crate) fn fail(&mut self, domain: u64) {
        match self.domains.get_mut(&domain) {
            Some(entry) => entry.failed += 1,
            None => self.others.undelivered += 1,
        }
    }

    /// Counts for the host, and says whose it is.
    fn host(&mut self, domain: u64, what: &Happened<'_>) -> Option<u64> {
        if what.host.is_empty() {
            return None;
        }
        let key = self.state.hash_one(lower(what.host.trim_end_matches('.'), &mut self.buffer));
        let entry = self.domains.get_mut(&domain)?;
        let delivered = what.outcome == Outcome::Delivered;
        if let Some(host) = entry.hosts.iter_mut().find(|host| host.key == key) {
            if delivered {
                host.delivered.add(what.protection, 1);
            }
            return Some(host.site);
        }
        let name = neutralise(self.buffer_or(what.host).as_bytes(), LONGEST_NAME);
        let site = self.sites.add(&self.state, site(&name));
        let entry = self.domains.get_mut(&domain)?;
        if entry.hosts.len() < MOST_HOSTS {
            let mut traffic = Traffic::default();
            if delivered {
                traffic.add(what.protection, 1);
            }
            entry.hosts.push(Host { key, name: name.into(), site, delivered: traffic });
        }
        Some(site)
    }

    fn buffer_or(&mut self, name: &str) -> String {
        lower(name.trim_end_matches('.'), &mut self.buffer).to_owned()
    }

    /// Folds the half with fewer deliveries, if it is full.
    fn make_room(&mut self) {
        if self.domains.len() < self.most {
            return;
        }
        let weight = |d: &Domain| d.delivered.total() + d.deferred + d.failed;
        let mut order: Vec<(u64, Box<str>, u64)> =
            self.domains.iter().map(|(key, d)| (weight(d), d.name.clone(), *key)).collect();
        order.sort();
        for (_, _, key) in order.iter().take(self.most / 2) {
            if let Some(domain) = self.domains.remove(key) {
                self.others.count += 1;
                self.others.delivered.merge(&domain.delivered);
                self.others.undelivered += domain.deferred + domain.failed;
            }
        }
        self.folds += 1;
    }

    /// All domains and sites, most deliveries first, and what was folded.
    pub(crate) fn finish(self) -> (Vec<DomainTraffic>, Vec<SiteTraffic>, Others) {
        let mut domains: Vec<DomainTraffic> = self.domains.into_values().map(Domain::tell).collect();
        domains.sort_by(|a, b| {
            let weight = |d: &DomainTraffic| (d.delivered.total(), d.deferred + d.failed);
            weight(b).cmp(&weight(a)).then_with(|| a.domain.cmp(&b.domain))
        });
        let mut sites: Vec<SiteTraffic> = self.sites.sites.into_values().collect();
        sites.sort_by(|a, b| {
            let weight = |s: &SiteTraffic| (s.delivered.total(), s.undelivered);
            weight(b).cmp(&weight(a)).then_with(|| a.site.cmp(&b.site))
        });
        (domains, sites, self.others)
    }
}

impl Domain {
    fn tell(mut self) -> DomainTraffic {
        self.hosts
            .sort_by(|a, b| b.delivered.total().cmp(&a.delivered.total()).then_with(|| a.name.cmp(&b.name)));
        let hosts =
            self.hosts.into_iter().map(|h| HostTraffic { host: h.name.into(), delivered: h.delivered });
        DomainTraffic {
            domain: self.name.into(),
            delivered: self.delivered,
            deferred: self.deferred,
            failed: self.failed,
            hosts: hosts.collect(),
            tried_in_clear: self.tried_in_clear,
            why_clear: self.why_clear.map(Into::into),
            complete: self.complete,
        }
    }
}

/// Operators of hosts. When there are too many, new ones are counted together.
#[derive(Debug)]
struct Sites {
    most: usize,
    sites: ByHash<SiteTraffic>,
}

impl Sites {
    fn add(&mut self, state: &Keyed, name: &str) -> u64 {
        let key = state.hash_one(name);
        if self.sites.contains_key(&key) {
            return key;
        }
        let (key, name) = if self.sites.len() < self.most { (key, name) } else { (0, "(others)") };
        self.sites.entry(key).or_insert_with(|| SiteTraffic { site: name.into(), ..SiteTraffic::default() });
        key
    }
}

/// Our own addresses, or the hosts and instances that logged. When there are too many, new
/// ones are counted together.
#[derive(Debug)]
pub(crate) struct Sources {
    sources: ByHash<SourceTraffic>,
    state: Keyed,
}

impl Sources {
    /// The most that are kept.
    const MOST: usize = 1000;

    pub(crate) fn new() -> Self {
        Self { sources: ByHash::default(), state: Keyed::new() }
    }

    /// Counts a delivery from an address or, where there is none, by a host and instance.
    pub(crate) fn add(
        &mut self,
        address: &str,
        reporter: &str,
        instance: &str,
        protection: Option<Protection>,
    ) {
        let mut key = if address.is_empty() {
            self.state.hash_one((reporter, instance))
        } else {
            self.state.hash_one(address)
        };
        if self.sources.len() >= Self::MOST && !self.sources.contains_key(&key) {
            key = 0;
        }
        let source = self.sources.entry(key).or_insert_with(|| {
            let name = match (key, address, instance) {
                (0, ..) => "(others)".to_owned(),
                (_, "", "") => reporter.to_owned(),
                (_, "", instance) if reporter.is_empty() => instance.to_owned(),
                (_, "", instance) => format!("{reporter}/{instance}"),
                (_, address, _) => address.to_owned(),
            };
            SourceTraffic { source: neutralise(name.as_bytes(), LONGEST_NAME), ..SourceTraffic::default() }
        });
        source.delivered.add(protection, 1);
    }

    pub(crate) fn finish(self) -> Vec<SourceTraffic> {
        let mut sources: Vec<SourceTraffic> = self.sources.into_values().collect();
        sources.sort_by(|a, b| {
            b.delivered.total().cmp(&a.delivered.total()).then_with(|| a.source.cmp(&b.source))
        });
        sources
    }
}

/// The name in lower case: itself, if it is so already.
fn lower<'a>(name: &'a str, buffer: &'a mut String) -> &'a str {
    if !name.bytes().any(|b| b.is_ascii_uppercase()) {
        return name;
    }
    buffer.clear();
    buffer.push_str(name);
    buffer.make_ascii_lowercase();
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happened<'a>(domain: &'a str, host: &'a str) -> Happened<'a> {
        Happened {
            domain,
            host,
            outcome: Outcome::Delivered,
            protection: Some(Protection::Encrypted),
            before: None,
        }
    }

    #[test]
    fn names_are_counted_without_regard_to_case() {
        let mut domains = Domains::new(10);
        domains.add(&happened("B.Example", "MX.b.example."));
        domains.add(&happened("b.example", "mx.b.example"));
        let clear = Happened {
            protection: Some(Protection::Clear),
            before: Some("Cannot start TLS"),
            ..happened("b.example", "mx2.b.example")
        };
        let tried = Happened { outcome: Outcome::Deferred, before: Some("of another"), ..clear };
        domains.add(&tried);
        domains.add(&clear);
        let failed = Happened { outcome: Outcome::Failed, protection: None, ..happened("b.example", "") };
        let key = domains.add(&failed);
        domains.fail(key);
        assert_eq!(domains.name(key), Some("b.example"));
        let (all, sites, others) = domains.finish();
        assert_eq!((all.len(), others.count), (1, 0));
        assert_eq!((all[0].domain.as_str(), all[0].delivered.total(), all[0].failed), ("b.example", 3, 2));
        assert_eq!((all[0].hosts[0].host.as_str(), all[0].hosts[0].delivered.encrypted), ("mx.b.example", 2));
        assert_eq!((all[0].why_clear.as_deref(), all[0].tried_in_clear), (Some("Cannot start TLS"), 1));
        assert_eq!((sites.len(), sites[0].site.as_str(), sites[0].delivered.total()), (1, "b.example", 3));
    }

    #[test]
    fn memory_is_bounded_and_what_is_big_stays() {
        let mut domains = Domains::new(100);
        for n in 0..10_000 {
            domains.add(&happened(&format!("d{n}.example"), &format!("mx.d{n}.example")));
            domains.add(&happened("big.example", "mx.big.example"));
            assert!(domains.domains.len() <= 100 && domains.sites.sites.len() <= 101);
        }
        assert!(domains.folded());
        let (all, _, others) = domains.finish();
        assert_eq!((all[0].domain.as_str(), all[0].delivered.total()), ("big.example", 10_000));
        assert!(all[0].complete && all.iter().filter(|d| d.complete).count() < 100);
        let listed: u64 = all.iter().map(|d| d.delivered.total()).sum();
        assert_eq!(listed + others.delivered.total(), 20_000);
    }

    #[test]
    fn sources_are_addresses_or_whoever_logged() {
        let mut sources = Sources::new();
        sources.add("192.0.2.2", "mx", "", None);
        sources.add("", "mx", "postfix-out", None);
        sources.add("", "mx", "", Some(Protection::Clear));
        sources.add("", "mx", "", Some(Protection::Clear));
        let names: Vec<String> = sources.finish().into_iter().map(|s| s.source).collect();
        assert_eq!(names, ["mx", "192.0.2.2", "mx/postfix-out"]);
        let mut many = Sources::new();
        (0..5000).for_each(|n| many.add(&format!("s{n}"), "", "", None));
        assert_eq!(many.finish().len(), Sources::MOST + 1);
    }
}
