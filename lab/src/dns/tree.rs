//! All zones together: delegations, keys, and the trust anchor.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::base::{Name, iana::Rtype};

use super::{
    sign::{self, LabName, LabRecord, ZoneKey},
    spec::{Signing, ZoneSpec},
    zone::Zone,
};
use crate::error::LabError;

/// The name server that every zone names.
const NAME_SERVER: &str = "ns.lab.test.";

/// The whole DNS of a lab.
#[derive(Debug)]
pub(crate) struct Tree {
    zones: BTreeMap<LabName, Zone>,
    /// DS and DNSKEY record of the root as zone-file lines.
    pub(crate) trust_anchor: String,
}

impl Tree {
    /// Builds and signs the zones. `specs` must hold the root; a zone is delegated from
    /// the longest other apex that encloses it. `now` is in seconds since 1970.
    pub(crate) fn build(specs: &[ZoneSpec], now: i64) -> Result<Self, LabError> {
        let mut drafts = specs.iter().map(Draft::new).collect::<Result<Vec<_>, _>>()?;
        let apexes: Vec<LabName> = drafts.iter().map(|d| d.apex.clone()).collect();
        let delegations = drafts
            .iter()
            .filter_map(|d| Some((parent_of(&d.apex, &apexes)?, d.delegation())))
            .collect::<Vec<_>>();
        for (parent, records) in delegations {
            if let Some(draft) = drafts.iter_mut().find(|d| d.apex == parent) {
                draft.records.extend(records?);
            }
        }
        let trust_anchor = drafts.iter().find(|d| d.apex.is_root()).map(Draft::anchor).unwrap_or_default();
        let mut zones = BTreeMap::new();
        for draft in drafts {
            zones.insert(draft.apex.clone(), draft.finish(now)?);
        }
        Ok(Self { zones, trust_anchor })
    }

    /// The zone that answers for a name: the deepest, but the parent for DS at a cut.
    pub(crate) fn zone_for(&self, name: &LabName, rtype: Rtype) -> Option<&Zone> {
        let mut at = name.clone();
        if rtype == Rtype::DS && self.zones.contains_key(name) {
            at = name.parent()?;
        }
        loop {
            if let Some(zone) = self.zones.get(&at) {
                return Some(zone);
            }
            at = at.parent()?;
        }
    }
}

/// The longest apex that encloses another.
fn parent_of(apex: &LabName, apexes: &[LabName]) -> Option<LabName> {
    apexes.iter().filter(|a| *a != apex && apex.ends_with(a)).max_by_key(|a| a.label_count()).cloned()
}

/// A zone on the way to being signed.
struct Draft<'a> {
    spec: &'a ZoneSpec,
    apex: LabName,
    key: Option<ZoneKey>,
    records: Vec<LabRecord>,
}

impl<'a> Draft<'a> {
    fn new(spec: &'a ZoneSpec) -> Result<Self, LabError> {
        let apex: LabName = Name::<Bytes>::bytes_from_str(&format!("{}.", spec.apex))
            .map_err(|e| LabError::zone(&spec.apex, &e))?;
        let key = sign::key(&apex, spec.signing)?;
        let text = format!(
            "@ SOA {NAME_SERVER} hostmaster.lab.test. 1 3600 600 86400 300\n@ NS {NAME_SERVER}\n{}",
            spec.records
        );
        let records = sign::parse(&apex, &text)?;
        Ok(Self { spec, apex, key, records })
    }

    /// NS, and DS where the zone is signed: the records at the cut, in the parent.
    fn delegation(&self) -> Result<Vec<LabRecord>, LabError> {
        let mut records = sign::parse(&self.apex, &format!("@ NS {NAME_SERVER}"))?;
        if let Some(key) = &self.key {
            records.push(sign::ds(&self.apex, key, self.spec.signing)?);
        }
        Ok(records)
    }

    /// The zone's key as a trust anchor.
    fn anchor(&self) -> String {
        let Some(key) = &self.key else { return String::new() };
        let Ok(ds) = sign::ds(&self.apex, key, self.spec.signing) else { return String::new() };
        let dnskey = key.dnskey();
        format!(". 300 IN DS {}\n. 300 IN DNSKEY {dnskey}\n", ds.data())
    }

    fn finish(self, now: i64) -> Result<Zone, LabError> {
        let records = match &self.key {
            Some(key) if self.spec.signing != Signing::Missing => {
                sign::sign(&self.apex, self.records, key, self.spec.signing, now)?
            }
            _ => self.records,
        };
        Ok(Zone::new(self.apex, self.spec.fault, records))
    }
}
