//! The chain of trust: from an anchor down to the zone that holds a name, label by
//! label (RFC 4035 section 5.2).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use domain::base::iana::Rtype;
use domain::rdata::{Dnskey, Ds};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::algorithm;
use super::anchor::{Anchor, TrustAnchors};
use super::denial::{Delegation, Denial};
use super::fetch::{FetchError, Fetched, Fetcher};
use super::message::{Data, DomainName, RecordSet};
use super::rcode;
use super::record::name_text;
use super::rrset::{Fault, Zone, ancestor, check, ds_names};

/// How long a link of the chain is believed without asking again.
const KEPT: Duration = Duration::from_secs(300);
/// Links kept in memory; then all are forgotten.
const MAX_NODES: usize = 20_000;
/// DS records of one zone that are looked at.
const MAX_DS: usize = 16;

/// What is known of the zone that holds a name. The text is the reason, one sentence.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// The zone and its proven keys.
    Secure(Arc<Zone>),
    /// Proven to be unsigned.
    Insecure(String),
    /// The chain is broken.
    Bogus(String),
    /// The chain could not be followed.
    Indeterminate(String),
}

/// One link: the trust at a name, and whether anything can exist below it.
#[derive(Debug, Clone)]
struct Node {
    trust: Trust,
    is_end: bool,
}

impl Node {
    fn new(trust: Trust) -> Self {
        Self { trust, is_end: false }
    }
}

type Cell = (Instant, Arc<OnceCell<Node>>);

/// Follows chains and remembers their links.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) fetcher: Fetcher,
    anchors: TrustAnchors,
    nodes: Mutex<HashMap<DomainName, Cell>>,
}

impl Chain {
    pub(crate) fn new(fetcher: Fetcher, anchors: TrustAnchors) -> Self {
        Self { fetcher, anchors, nodes: Mutex::default() }
    }

    /// The zone that holds a name (for a zone's own name: that zone).
    pub(crate) async fn zone_of(&self, name: &DomainName, deadline: Instant) -> Trust {
        let Some((top, anchor)) = self.anchors.closest(name) else {
            return Trust::Indeterminate(format!("no trust anchor covers {}", name_text(name)));
        };
        let cell = self.cell(&top);
        let mut node = remembered(&cell, self.start_at(&top, anchor, deadline)).await;
        for labels in top.label_count()..name.label_count() {
            let Trust::Secure(zone) = node.trust.clone() else { break };
            if node.is_end {
                break;
            }
            let below = ancestor(name, labels);
            let cell = self.cell(&below);
            node = remembered(&cell, self.descend(zone, &below, deadline)).await;
        }
        node.trust
    }

    /// True if a zone can speak for a name: it lies above it, and not above the trust
    /// anchor of the name.
    pub(crate) fn is_above(&self, zone: &DomainName, name: &DomainName) -> bool {
        let below_anchor = self.anchors.closest(name).is_none_or(|(anchor, _)| zone.ends_with(&anchor));
        name.ends_with(zone) && below_anchor
    }

    fn cell(&self, name: &DomainName) -> Arc<OnceCell<Node>> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if nodes.len() >= MAX_NODES {
            nodes.clear();
        }
        let new = || (Instant::now(), Arc::default());
        let cell = nodes.entry(name.clone()).or_insert_with(new);
        if cell.0.elapsed() >= KEPT {
            *cell = new();
        }
        Arc::clone(&cell.1)
    }

    async fn start_at(&self, name: &DomainName, anchor: &Anchor, deadline: Instant) -> Node {
        let zone = name_text(name);
        let fetched = match self.answer(name, Rtype::DNSKEY, deadline).await {
            Ok(fetched) => fetched,
            Err(trust) => return Node::new(trust),
        };
        let Some(set) = fetched.response.answer_set(name, Rtype::DNSKEY) else {
            return Node::new(Trust::Indeterminate(format!(
                "the DNS server {} gives no DNSKEY record for {zone}, where the trust anchor is; \
                 it may not support DNSSEC: try another one with --dns",
                fetched.server
            )));
        };
        if set.signatures.is_empty() {
            return Node::new(Trust::Indeterminate(format!(
                "the DNS server {} passes on no DNSSEC signatures; try another one with --dns",
                fetched.server
            )));
        }
        let usable = usable_ds(&anchor.ds);
        let trusted = |key: &Dnskey<Bytes>| {
            anchor.keys.contains(key) || usable.iter().any(|ds| ds_names(ds, name, key))
        };
        let none = format!("no DNSKEY of {zone} matches the trust anchor");
        Node::new(zone_from_keys(name, set, trusted, none))
    }

    /// From a proven zone to a name one label below the last link.
    async fn descend(&self, parent: Arc<Zone>, name: &DomainName, deadline: Instant) -> Node {
        let fetched = match self.answer(name, Rtype::DS, deadline).await {
            Ok(fetched) => fetched,
            Err(trust) => return Node::new(trust),
        };
        let response = &fetched.response;
        if let Some(set) = response.answer_set(name, Rtype::DS) {
            return Node::new(self.enter(&parent, name, set, deadline).await);
        }
        // A name that is an alias, or lies below one, is no zone.
        let alias = response.answer.iter().find(|set| {
            (set.rtype == Rtype::CNAME && set.owner == *name)
                || (set.rtype == Rtype::DNAME && set.owner != *name && name.ends_with(&set.owner))
        });
        if let Some(set) = alias
            && check(set, &parent, now()).is_ok()
        {
            return Node { trust: Trust::Secure(parent), is_end: set.rtype == Rtype::DNAME };
        }
        let denial = Denial::new(&response.authority, &parent, now());
        unsigned(parent, name, &denial)
    }

    /// Into a zone by its DS records.
    async fn enter(&self, parent: &Zone, name: &DomainName, set: &RecordSet, deadline: Instant) -> Trust {
        if let Err(fault) = check_as_it_stands(set, parent) {
            return broken(&fault, &parent.apex, name, Rtype::DS);
        }
        let all: Vec<Ds<Bytes>> = set.data.iter().filter_map(ds_of).take(MAX_DS).cloned().collect();
        let usable = usable_ds(&all);
        if usable.is_empty() {
            return Trust::Indeterminate(unsupported(name, &all));
        }
        let zone = name_text(name);
        let fetched = match self.answer(name, Rtype::DNSKEY, deadline).await {
            Ok(fetched) => fetched,
            Err(trust) => return trust,
        };
        let Some(keys) = fetched.response.answer_set(name, Rtype::DNSKEY) else {
            let parent = name_text(&parent.apex);
            return Trust::Bogus(format!(
                "zone {zone} has no DNSKEY record, although its parent {parent} publishes DS records for it"
            ));
        };
        let none = format!(
            "no DNSKEY of zone {zone} matches the DS records in its parent {}",
            name_text(&parent.apex)
        );
        zone_from_keys(name, keys, |key| usable.iter().any(|ds| ds_names(ds, name, key)), none)
    }

    /// A usable answer, or why the chain cannot be followed.
    async fn answer(
        &self,
        name: &DomainName,
        rtype: Rtype,
        deadline: Instant,
    ) -> Result<Arc<Fetched>, Trust> {
        let what = format!("the {rtype} records of {}", name_text(name));
        match self.fetcher.fetch(name, rtype, deadline).await {
            Err(FetchError::NoAnswer { text, .. }) => {
                Err(Trust::Indeterminate(format!("{what}, needed for validation, did not come: {text}")))
            }
            Err(FetchError::Malformed(text)) => {
                Err(Trust::Indeterminate(format!("{what}, needed for validation, are unusable: {text}")))
            }
            Ok(fetched) => match rcode::failure(&fetched) {
                None => Ok(fetched),
                Some(text) => Err(Trust::Indeterminate(format!(
                    "{what}, needed for validation, could not be fetched: {text}"
                ))),
            },
        }
    }
}

/// A link from memory, or made now. What could not be determined is not remembered: the
/// next caller may have more time.
async fn remembered(cell: &OnceCell<Node>, make: impl Future<Output = Node>) -> Node {
    let conclusive = async {
        let node = make.await;
        if matches!(node.trust, Trust::Indeterminate(_)) { Err(node) } else { Ok(node) }
    };
    match cell.get_or_try_init(|| conclusive).await {
        Ok(node) => node.clone(),
        Err(node) => node,
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

/// What follows from a signature that does not hold.
pub(crate) fn broken(fault: &Fault, zone: &DomainName, owner: &DomainName, rtype: Rtype) -> Trust {
    let sentence = fault.sentence(zone, owner, rtype);
    match fault {
        Fault::Unsupported(_) => Trust::Indeterminate(sentence),
        _ => Trust::Bogus(sentence),
    }
}

/// As [`check`], for records that are never made from a wildcard.
fn check_as_it_stands(set: &RecordSet, zone: &Zone) -> Result<(), Fault> {
    match check(set, zone, now())?.expanded_from {
        Some(_) => Err(Fault::Malformed),
        None => Ok(()),
    }
}

/// Proves the keys of a zone: the set must be signed by one of those that are trusted.
fn zone_from_keys(
    name: &DomainName,
    set: &RecordSet,
    trusted: impl Fn(&Dnskey<Bytes>) -> bool,
    none: String,
) -> Trust {
    let keys: Vec<Dnskey<Bytes>> = set.data.iter().filter_map(key_of).cloned().collect();
    let entry: Vec<Dnskey<Bytes>> = keys.iter().filter(|key| trusted(key)).cloned().collect();
    if entry.is_empty() {
        return Trust::Bogus(none);
    }
    match check_as_it_stands(set, &Zone { apex: name.clone(), keys: entry }) {
        Ok(()) => Trust::Secure(Arc::new(Zone { apex: name.clone(), keys })),
        Err(fault) => broken(&fault, name, name, Rtype::DNSKEY),
    }
}

/// What a parent zone proves of a name without DS records.
fn unsigned(parent: Arc<Zone>, name: &DomainName, denial: &Denial) -> Node {
    let (zone, above) = (name_text(name), name_text(&parent.apex));
    let trust = match denial.delegation(name) {
        Delegation::NoCut => Trust::Secure(parent),
        Delegation::NoName => return Node { trust: Trust::Secure(parent), is_end: true },
        Delegation::Unsigned => Trust::Insecure(format!(
            "zone {zone} has no DS record, as its parent {above} proves: it is not signed, or its DS was never published"
        )),
        Delegation::OptOut => Trust::Insecure(format!(
            "{zone} has no DS record: its parent {above} leaves unsigned delegations out of its proofs (NSEC3 opt-out)"
        )),
        Delegation::Iterations(count) => Trust::Insecure(too_many_iterations(&above, count)),
        Delegation::Unproven => match &denial.fault {
            Some((fault, owner, rtype)) => broken(fault, &parent.apex, owner, *rtype),
            None => Trust::Bogus(format!(
                "zone {above} is signed, but the answer does not prove that {zone} has no DS record"
            )),
        },
    };
    Node::new(trust)
}

/// Why a zone with many NSEC3 iterations counts as unsigned.
pub(crate) fn too_many_iterations(zone: &str, count: u16) -> String {
    format!(
        "zone {zone} hashes names with {count} NSEC3 iterations, which validators treat as unsigned (RFC 9276)"
    )
}

/// The DS records that can be checked; SHA-1 digests only where there is nothing better
/// (RFC 4509 section 3).
fn usable_ds(all: &[Ds<Bytes>]) -> Vec<Ds<Bytes>> {
    let mut usable: Vec<Ds<Bytes>> = all
        .iter()
        .filter(|ds| {
            algorithm::is_supported(ds.algorithm().to_int())
                && algorithm::is_supported_digest(ds.digest_type().to_int())
        })
        .cloned()
        .collect();
    if usable.iter().any(|ds| ds.digest_type().to_int() != 1) {
        usable.retain(|ds| ds.digest_type().to_int() != 1);
    }
    usable
}

fn unsupported(name: &DomainName, all: &[Ds<Bytes>]) -> String {
    let mut what: Vec<String> = all
        .iter()
        .map(|ds| {
            let (number, digest) = (ds.algorithm().to_int(), ds.digest_type().to_int());
            if algorithm::is_supported(number) {
                format!("digest type {}", algorithm::digest_name(digest))
            } else {
                format!("algorithm {}", algorithm::name(number))
            }
        })
        .collect();
    what.sort_unstable();
    what.dedup();
    format!("zone {} is signed only with {}, which waxseal cannot check", name_text(name), what.join(" and "))
}

fn ds_of(data: &Data) -> Option<&Ds<Bytes>> {
    match data {
        Data::Ds(ds) => Some(ds),
        _ => None,
    }
}

fn key_of(data: &Data) -> Option<&Dnskey<Bytes>> {
    match data {
        Data::Dnskey(key) => Some(key),
        _ => None,
    }
}
