//! One zone ready to answer from: record sets by name, and proofs of absence.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{
    base::{
        RelativeName,
        iana::Rtype,
        name::{ToLabelIter, ToName},
    },
    dnssec::common::nsec3_hash,
    rdata::{
        Nsec3param, ZoneRecordData,
        nsec3::{Nsec3Salt, OwnerHash},
    },
};

use super::{
    sign::{LabName, LabRecord, covered},
    spec::Fault,
};

/// All records of one type at one name, with the signatures over them.
#[derive(Debug, Default, Clone)]
pub(crate) struct RecordSet {
    pub(crate) records: Vec<LabRecord>,
    pub(crate) signatures: Vec<LabRecord>,
}

/// What a zone knows about a name and type.
#[derive(Debug)]
pub(crate) enum Lookup<'a> {
    /// The set that was asked for.
    Found(&'a RecordSet),
    /// The name is an alias.
    Alias(&'a RecordSet, LabName),
    /// The name exists without this type; the proof.
    NoData(Vec<&'a RecordSet>),
    /// The name does not exist; the proof.
    NxDomain(Vec<&'a RecordSet>),
}

/// One zone.
#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) apex: LabName,
    pub(crate) fault: Option<Fault>,
    /// Names in canonical order (RFC 4034 section 6.1), which NSEC proofs rely on.
    nodes: BTreeMap<LabName, BTreeMap<Rtype, RecordSet>>,
    /// Owners of NSEC3 records by hash; empty in other zones.
    hashed: BTreeMap<Vec<u8>, LabName>,
}

impl Zone {
    pub(crate) fn new(apex: LabName, fault: Option<Fault>, records: Vec<LabRecord>) -> Self {
        let mut zone = Self { apex, fault, nodes: BTreeMap::new(), hashed: BTreeMap::new() };
        for record in records {
            if record.rtype() == Rtype::NSEC3
                && let Some(hash) =
                    record.owner().iter_labels().next().and_then(|l| decode_hash(l.as_slice()))
            {
                zone.hashed.insert(hash, record.owner().clone());
            }
            let node = zone.nodes.entry(record.owner().clone()).or_default();
            match covered(&record) {
                Some(rtype) => node.entry(rtype).or_default().signatures.push(record),
                None => node.entry(record.rtype()).or_default().records.push(record),
            }
        }
        zone
    }

    /// Looks a name of this zone up.
    pub(crate) fn lookup(&self, name: &LabName, rtype: Rtype) -> Lookup<'_> {
        let Some(node) = self.nodes.get(name) else {
            // An empty non-terminal exists although it owns nothing (RFC 8020).
            return if self.has_names_below(name) {
                Lookup::NoData(self.prove_no_data(name))
            } else {
                Lookup::NxDomain(self.prove_no_name(name))
            };
        };
        if let Some(set) = node.get(&rtype).filter(|s| !s.records.is_empty()) {
            return Lookup::Found(set);
        }
        if let Some(set) = node.get(&Rtype::CNAME)
            && let Some(ZoneRecordData::Cname(cname)) = set.records.first().map(LabRecord::data)
        {
            return Lookup::Alias(set, cname.cname().clone());
        }
        Lookup::NoData(self.prove_no_data(name))
    }

    /// The SOA set, which goes with every negative answer.
    pub(crate) fn soa(&self) -> Option<&RecordSet> {
        self.set(&self.apex, Rtype::SOA)
    }

    fn set(&self, name: &LabName, rtype: Rtype) -> Option<&RecordSet> {
        self.nodes.get(name).and_then(|n| n.get(&rtype)).filter(|s| !s.records.is_empty())
    }

    fn has_names_below(&self, name: &LabName) -> bool {
        self.nodes.range::<LabName, _>(name..).next().is_some_and(|(next, _)| next.ends_with(name))
    }

    fn prove_no_data(&self, name: &LabName) -> Vec<&RecordSet> {
        if self.hashed.is_empty() {
            // The NSEC at the name, or for an empty non-terminal the one that spans it.
            self.nsec_at_or_before(name).into_iter().collect()
        } else {
            self.nsec3_matching(name).into_iter().collect()
        }
    }

    /// That neither the name nor a wildcard in its place exists (RFC 4035 section
    /// 3.1.3.2, RFC 5155 section 7.2.2).
    fn prove_no_name(&self, name: &LabName) -> Vec<&RecordSet> {
        let (encloser, next_closer) = self.closest_encloser(name);
        let Ok(wildcard) = RelativeName::wildcard_bytes().chain(encloser.clone()) else { return Vec::new() };
        let wildcard: LabName = wildcard.to_bytes();
        let mut proofs: Vec<&RecordSet> = Vec::new();
        let found = if self.hashed.is_empty() {
            vec![self.nsec_at_or_before(name), self.nsec_at_or_before(&wildcard)]
        } else {
            vec![
                self.nsec3_matching(&encloser),
                self.nsec3_covering(&next_closer),
                self.nsec3_covering(&wildcard),
            ]
        };
        for set in found.into_iter().flatten() {
            if !proofs.iter().any(|p| std::ptr::eq(*p, set)) {
                proofs.push(set);
            }
        }
        proofs
    }

    /// The longest existing ancestor of a name, and the name one label longer.
    fn closest_encloser(&self, name: &LabName) -> (LabName, LabName) {
        let mut next_closer = name.clone();
        while let Some(parent) = next_closer.parent() {
            if parent == self.apex || self.nodes.contains_key(&parent) || self.has_names_below(&parent) {
                return (parent, next_closer);
            }
            next_closer = parent;
        }
        (self.apex.clone(), next_closer)
    }

    fn nsec_at_or_before(&self, name: &LabName) -> Option<&RecordSet> {
        self.nodes.range::<LabName, _>(..=name).rev().find_map(|(_, node)| node.get(&Rtype::NSEC))
    }

    fn nsec3_matching(&self, name: &LabName) -> Option<&RecordSet> {
        self.set(self.hashed.get(&self.hash(name)?)?, Rtype::NSEC3)
    }

    fn nsec3_covering(&self, name: &LabName) -> Option<&RecordSet> {
        let hash = self.hash(name)?;
        // Before the first hash the last record spans round the end of the circle.
        let (_, owner) = self.hashed.range(..hash).next_back().or_else(|| self.hashed.last_key_value())?;
        self.set(owner, Rtype::NSEC3)
    }

    fn hash(&self, name: &LabName) -> Option<Vec<u8>> {
        let params: Nsec3param<Bytes> = self
            .set(&self.apex, Rtype::NSEC3PARAM)
            .and_then(|s| s.records.first())
            .and_then(|r| match r.data() {
                ZoneRecordData::Nsec3param(p) => Some(p.clone()),
                _ => None,
            })?;
        let salt: &Nsec3Salt<Bytes> = params.salt();
        let hash: OwnerHash<Vec<u8>> =
            nsec3_hash(name, params.hash_algorithm(), params.iterations(), salt).ok()?;
        Some(hash.into_octets())
    }
}

fn decode_hash(label: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(label).ok()?;
    domain::utils::base32::decode_hex::<Vec<u8>>(text).ok()
}
