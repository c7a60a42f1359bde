//! The chain of trust: from an anchor down to the zone that holds a name, label by
//! label (RFC 4035 section 5.2).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use domain::base::iana::Rtype;
use domain::base::name::ToName;
use domain::rdata::{Dnskey, Ds};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use waxseal_model::dns::DnssecStatus;

use super::algorithm;
use super::anchor::{Anchor, TrustAnchors};
use super::denial::{Delegation, Denial, Proof};
use super::fetch::{FetchError, Fetched, Fetcher};
use super::message::{Data, DomainName, RecordSet};
use super::rcode;
use super::record::name_text;
use super::rrset::{Fault, Zone, ancestor, check, ds_names};
use super::status::Status;
use crate::memory::{Bounds, Memory};

/// How long a link of the chain is believed without asking again.
const KEPT: Duration = Duration::from_secs(300);
/// Links kept in memory, and the bytes of their keys.
const BOUNDS: Bounds = Bounds { entries: 20_000, weight: 32 << 20 };
/// What a link weighs beside the keys of its zone, in bytes.
const OVERHEAD: usize = 300;
/// DS records of one zone that are looked at.
const MAX_DS: usize = 16;

/// One link: the zone that holds a name, and whether anything can exist below the name.
#[derive(Debug, Clone)]
struct Link {
    zone: Arc<Zone>,
    is_end: bool,
}

impl Link {
    fn to(zone: Arc<Zone>) -> Self {
        Self { zone, is_end: false }
    }
}

/// A link, or why the chain ends there without one.
type LinkResult = Result<Link, Status>;

/// A link in memory, once it is there.
type Cell = Arc<OnceCell<LinkResult>>;

/// Follows chains and remembers their links.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) fetcher: Fetcher,
    anchors: TrustAnchors,
    links: Mutex<Memory<DomainName, Cell>>,
}

impl Chain {
    pub(crate) fn new(fetcher: Fetcher, anchors: TrustAnchors) -> Self {
        Self { fetcher, anchors, links: Mutex::new(Memory::new(BOUNDS)) }
    }

    /// The zone that holds a name (for a zone's own name: that zone) with proven keys,
    /// or why there is none to rely on.
    pub(crate) async fn zone_of(&self, name: &DomainName, deadline: Instant) -> Result<Arc<Zone>, Status> {
        let Some((top, anchor)) = self.anchors.closest(name) else {
            return Err(Status::unsupported(format!("no trust anchor covers {}", name_text(name))));
        };
        let mut link = self.remembered(&top, self.start_at(&top, anchor, deadline)).await?;
        for labels in top.label_count()..name.label_count() {
            if link.is_end {
                break;
            }
            let below = ancestor(name, labels);
            link = self.remembered(&below, self.descend(link.zone, &below, deadline)).await?;
        }
        Ok(link.zone)
    }

    /// True if a zone can speak for a name: it lies above it, and not above the trust
    /// anchor of the name.
    pub(crate) fn is_above(&self, zone: &DomainName, name: &DomainName) -> bool {
        let below_anchor = self.anchors.closest(name).is_none_or(|(anchor, _)| zone.ends_with(&anchor));
        name.ends_with(zone) && below_anchor
    }

    fn cell(&self, name: &DomainName) -> Cell {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = links.get(name) {
            return Arc::clone(cell);
        }
        let cell = Cell::default();
        links.insert(name.clone(), Arc::clone(&cell), Instant::now() + KEPT, OVERHEAD);
        cell
    }

    /// A link from memory, or made now. What could not be determined is not remembered: the
    /// next caller may have more time.
    async fn remembered(&self, name: &DomainName, make: impl Future<Output = LinkResult>) -> LinkResult {
        let cell = self.cell(name);
        let conclusive = async {
            match make.await {
                Err(status) if status.status == DnssecStatus::Indeterminate => Err(status),
                conclusive => {
                    self.settle(name, &cell, &conclusive);
                    Ok(conclusive)
                }
            }
        };
        cell.get_or_try_init(|| conclusive).await?.clone()
    }

    fn settle(&self, name: &DomainName, cell: &Cell, link: &LinkResult) {
        // Links within a zone share its keys.
        let keys = match link {
            Ok(link) if link.zone.apex == *name => {
                link.zone.keys.iter().map(|key| OVERHEAD + key.public_key().len()).sum()
            }
            _ => 0,
        };
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.settle(name, Instant::now() + KEPT, OVERHEAD + keys, |held| Arc::ptr_eq(held, cell));
    }

    /// What does not verify is not to be believed for as long as its time to live says, which
    /// nobody signed: the answer itself, and the keys on the way to it, are asked for again
    /// after this time. So whoever mends a zone is not held up by what was wrong with it.
    pub(crate) fn doubt(&self, name: &DomainName, rtype: Rtype, until: Instant) {
        self.fetcher.shorten(name, rtype, until);
        for zone in name.iter_suffixes() {
            let zone = zone.to_bytes();
            self.fetcher.shorten(&zone, Rtype::DS, until);
            self.fetcher.shorten(&zone, Rtype::DNSKEY, until);
            let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
            links.shorten(&zone, until);
        }
    }

    /// Forgets all answers and links of the names that are meant.
    pub(crate) fn forget(&self, is_meant: impl Fn(&DomainName) -> bool) {
        self.fetcher.forget(&is_meant);
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|owner, _| !is_meant(owner));
    }

    /// How many links are in memory, and about how many bytes they take.
    pub(crate) fn links(&self) -> (usize, usize) {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        (links.len(), links.weight())
    }

    /// The zones of the trust anchors.
    pub(crate) fn anchored(&self) -> Vec<DomainName> {
        self.anchors.zones()
    }

    async fn start_at(&self, name: &DomainName, anchor: &Anchor, deadline: Instant) -> LinkResult {
        let zone = name_text(name);
        let fetched = self.answer(name, Rtype::DNSKEY, deadline).await?;
        let Some(set) = fetched.response.answer_set(name, Rtype::DNSKEY) else {
            return Err(Status::indeterminate(format!(
                "the DNS server {} gives no DNSKEY record for {zone}, where the trust anchor is; \
                 it may not support DNSSEC: try another one with --dns",
                fetched.server
            )));
        };
        if set.signatures.is_empty() {
            return Err(Status::indeterminate(format!(
                "the DNS server {} passes on no DNSSEC signatures; try another one with --dns",
                fetched.server
            )));
        }
        let usable = usable_ds(&anchor.ds);
        let trusted = |key: &Dnskey<Bytes>| {
            anchor.keys.contains(key) || usable.iter().any(|ds| ds_names(ds, name, key))
        };
        let none = format!("no DNSKEY of {zone} matches the trust anchor");
        Ok(Link::to(zone_from_keys(name, set, trusted, none)?))
    }

    /// From a proven zone to a name one label below the last link.
    async fn descend(&self, parent: Arc<Zone>, name: &DomainName, deadline: Instant) -> LinkResult {
        let fetched = self.answer(name, Rtype::DS, deadline).await?;
        let response = &fetched.response;
        if let Some(set) = response.answer_set(name, Rtype::DS) {
            return Ok(Link::to(self.enter(&parent, name, set, deadline).await?));
        }
        let denial = Denial::new(&response.authority, &parent, now());
        // A name that is an alias, or lies below one, is no zone.
        let alias = response.answer.iter().find(|set| {
            (set.rtype == Rtype::CNAME && set.owner == *name)
                || (set.rtype == Rtype::DNAME && set.owner != *name && name.ends_with(&set.owner))
        });
        if let Some(set) = alias
            && let Ok(signed) = check(set, &parent, now())
        {
            return match signed.expanded_from {
                None => Ok(Link { zone: parent, is_end: set.rtype == Rtype::DNAME }),
                Some(closest) => {
                    let proof = denial.no_closer(&set.owner, &closest);
                    without_ds(parent, name, by_wildcard(proof), &denial)
                }
            };
        }
        let delegation = denial.delegation(name);
        without_ds(parent, name, delegation, &denial)
    }

    /// Into a zone by its DS records.
    async fn enter(
        &self,
        parent: &Zone,
        name: &DomainName,
        set: &RecordSet,
        deadline: Instant,
    ) -> Result<Arc<Zone>, Status> {
        check_as_it_stands(set, parent)
            .map_err(|fault| Status::broken(&fault, &parent.apex, name, Rtype::DS))?;
        let all: Vec<Ds<Bytes>> = set.data.iter().filter_map(ds_of).take(MAX_DS).cloned().collect();
        let usable = usable_ds(&all);
        if usable.is_empty() {
            return Err(Status::unsupported(unsupported(name, &all)));
        }
        let (zone, above) = (name_text(name), name_text(&parent.apex));
        let fetched = self.answer(name, Rtype::DNSKEY, deadline).await?;
        let Some(keys) = fetched.response.answer_set(name, Rtype::DNSKEY) else {
            return Err(Status::bogus(format!(
                "zone {zone} has no DNSKEY record, although its parent {above} publishes DS records for it"
            )));
        };
        let none = format!("no DNSKEY of zone {zone} matches the DS records in its parent {above}");
        zone_from_keys(name, keys, |key| usable.iter().any(|ds| ds_names(ds, name, key)), none)
    }

    /// A usable answer, or why the chain cannot be followed.
    async fn answer(
        &self,
        name: &DomainName,
        rtype: Rtype,
        deadline: Instant,
    ) -> Result<Arc<Fetched>, Status> {
        let failure = match self.fetcher.fetch(name, rtype, deadline).await {
            Err(FetchError::NoAnswer { text, .. } | FetchError::Malformed(text)) => text,
            Ok(fetched) => match rcode::failure(&fetched) {
                None => return Ok(fetched),
                Some(text) => text,
            },
        };
        Err(Status::indeterminate(format!(
            "the {rtype} records of {}, needed for validation, did not come: {failure}",
            name_text(name)
        )))
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
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
) -> Result<Arc<Zone>, Status> {
    let keys: Vec<Dnskey<Bytes>> = set.data.iter().filter_map(key_of).map(by_itself).collect();
    let entry: Vec<Dnskey<Bytes>> = keys.iter().filter(|key| trusted(key)).cloned().collect();
    if entry.is_empty() {
        return Err(Status::bogus(none));
    }
    check_as_it_stands(set, &Zone { apex: name.clone(), keys: entry })
        .map_err(|fault| Status::broken(&fault, name, name, Rtype::DNSKEY))?;
    Ok(Arc::new(Zone { apex: name.clone(), keys }))
}

/// What an alias made from a wildcard says of a name: there is no zone at it only if the
/// name is proven not to exist. Otherwise anyone could hide a delegation behind the wildcard
/// of its parent (RFC 4035 section 5.3.4).
fn by_wildcard(no_closer: Proof) -> Delegation {
    match no_closer {
        Proof::Proven => Delegation::NoName,
        Proof::OptOut => Delegation::OptOut,
        Proof::Iterations(count) => Delegation::Iterations(count),
        Proof::Unproven => Delegation::Unproven,
    }
}

/// What a parent zone proves of a name without DS records.
fn without_ds(parent: Arc<Zone>, name: &DomainName, delegation: Delegation, denial: &Denial) -> LinkResult {
    let (zone, above) = (name_text(name), name_text(&parent.apex));
    match delegation {
        Delegation::NoCut => Ok(Link::to(parent)),
        Delegation::NoName => Ok(Link { zone: parent, is_end: true }),
        Delegation::Unsigned => Err(Status::insecure(format!(
            "zone {zone} has no DS record, as its parent {above} proves: \
             it is not signed, or its DS was never published"
        ))),
        Delegation::OptOut => Err(Status::insecure(format!(
            "{zone} has no DS record: its parent {above} leaves unsigned delegations \
             out of its proofs (NSEC3 opt-out)"
        ))),
        Delegation::Iterations(count) => Err(Status::too_many_iterations(&parent.apex, count)),
        Delegation::Unproven => Err(match &denial.fault {
            Some((fault, owner, rtype)) => Status::broken(fault, &parent.apex, owner, *rtype),
            None => Status::bogus(format!(
                "zone {above} is signed, but the answer does not prove that {zone} has no DS record"
            )),
        }),
    }
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

/// A key that does not keep the message alive that brought it.
fn by_itself(key: &Dnskey<Bytes>) -> Dnskey<Bytes> {
    let octets = Bytes::copy_from_slice(key.public_key());
    Dnskey::new(key.flags(), key.protocol(), key.algorithm(), octets).unwrap_or_else(|_| key.clone())
}

fn key_of(data: &Data) -> Option<&Dnskey<Bytes>> {
    match data {
        Data::Dnskey(key) => Some(key),
        _ => None,
    }
}
