//! Non-existence by hashed names (RFC 5155 section 8).

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;
use domain::base::iana::Rtype;
use domain::base::name::ToName;
use domain::rdata::dnssec::RtypeBitmap;
use domain::rdata::nsec3::Nsec3;
use domain::utils::base32;

use super::algorithm::nsec3_hash;
use super::denial::{Delegation, Proof, delegation_of, is_cut_or_dname, lacks, next_closer, wildcard};
use super::message::DomainName;
use super::rrset::canonical;

/// Iterations above which a zone counts as unsigned (RFC 9276 section 3.2 leaves the
/// number to validators; 100 is the value of its appendix A).
const MAX_ITERATIONS: u16 = 100;
/// The one hash algorithm that is defined: SHA-1 (RFC 5155 section 11).
const SHA1: u8 = 1;

/// The NSEC3 records of one zone that share hash parameters.
#[derive(Debug, Default)]
pub(crate) struct Nsec3Set {
    salt: Bytes,
    iterations: u16,
    apex: Option<DomainName>,
    records: Vec<HashedRange>,
    hashes: RefCell<HashMap<DomainName, Vec<u8>>>,
}

/// One NSEC3 record.
#[derive(Debug)]
struct HashedRange {
    owner: Vec<u8>,
    next: Vec<u8>,
    opt_out: bool,
    types: RtypeBitmap<Bytes>,
}

/// The proof that an ancestor of a name exists and the next longer name does not.
struct ClosestEncloser<'a> {
    name: DomainName,
    cover: &'a HashedRange,
}

impl Nsec3Set {
    /// Adds a verified record. Records of another zone, of an unknown hash or flag, or
    /// with other parameters than the first are left out (RFC 5155 section 8.1, 8.2).
    pub(crate) fn add(&mut self, owner: &DomainName, nsec3: &Nsec3<Bytes>, apex: &DomainName) {
        let Some(parent) = owner.parent() else { return };
        let known = nsec3.hash_algorithm().to_int() == SHA1 && nsec3.flags() & !1 == 0;
        if !known || parent != *apex {
            return;
        }
        let Ok(hash) = base32::decode_hex::<Vec<u8>>(&owner.first().to_string()) else { return };
        let salt = Bytes::copy_from_slice(nsec3.salt().as_slice());
        if self.records.is_empty() {
            (self.salt, self.iterations) = (salt, nsec3.iterations());
            self.apex = Some(apex.clone());
        } else if self.salt != salt || self.iterations != nsec3.iterations() {
            return;
        }
        self.records.push(HashedRange {
            owner: hash,
            next: nsec3.next_owner().as_slice().to_vec(),
            opt_out: nsec3.opt_out(),
            types: nsec3.types().clone(),
        });
    }

    /// The name exists, without this type.
    pub(crate) fn no_data(&self, name: &DomainName, rtype: Rtype) -> Proof {
        self.within_limit(|| {
            if let Some(range) = self.matching(name) {
                return if lacks(&range.types, name, rtype) { Proof::Proven } else { Proof::Unproven };
            }
            let Some(closest) = self.closest_encloser(name) else { return Proof::Unproven };
            let by_wildcard = wildcard(&closest.name).is_some_and(|wildcard| {
                self.matching(&wildcard).is_some_and(|range| lacks(&range.types, &wildcard, rtype))
            });
            match (closest.cover.opt_out, by_wildcard) {
                (false, true) => Proof::Proven,
                (true, true) => Proof::OptOut,
                (true, false) if rtype == Rtype::DS => Proof::OptOut,
                _ => Proof::Unproven,
            }
        })
    }

    /// The name does not exist, nor a wildcard in its place.
    pub(crate) fn no_name(&self, name: &DomainName) -> Proof {
        self.within_limit(|| {
            let Some(closest) = self.closest_encloser(name) else { return Proof::Unproven };
            let no_wildcard =
                wildcard(&closest.name).is_none_or(|wildcard| self.covering(&wildcard).is_some());
            match (no_wildcard, closest.cover.opt_out) {
                (false, _) => Proof::Unproven,
                (true, true) => Proof::OptOut,
                (true, false) => Proof::Proven,
            }
        })
    }

    /// Nothing nearer to the name than the wildcard below `closest` exists.
    pub(crate) fn no_closer(&self, name: &DomainName, closest: &DomainName) -> Proof {
        self.within_limit(|| match self.covering(&next_closer(name, closest)) {
            None => Proof::Unproven,
            Some(range) if range.opt_out => Proof::OptOut,
            Some(_) => Proof::Proven,
        })
    }

    /// What is proven of a name for which the parent zone gave no DS record.
    pub(crate) fn delegation(&self, name: &DomainName) -> Delegation {
        if self.records.is_empty() {
            return Delegation::Unproven;
        }
        if self.iterations > MAX_ITERATIONS {
            return Delegation::Iterations(self.iterations);
        }
        if let Some(range) = self.matching(name) {
            return delegation_of(&range.types);
        }
        match self.closest_encloser(name) {
            None => Delegation::Unproven,
            Some(closest) if closest.cover.opt_out => Delegation::OptOut,
            Some(_) => Delegation::NoName,
        }
    }

    fn within_limit(&self, prove: impl FnOnce() -> Proof) -> Proof {
        if self.records.is_empty() {
            Proof::Unproven
        } else if self.iterations > MAX_ITERATIONS {
            Proof::Iterations(self.iterations)
        } else {
            prove()
        }
    }

    /// The closest encloser proof of RFC 5155 section 8.3, for a name that has no
    /// record of its own.
    fn closest_encloser(&self, name: &DomainName) -> Option<ClosestEncloser<'_>> {
        let apex = self.apex.as_ref()?;
        let mut next_closer: Option<DomainName> = None;
        for suffix in name.iter_suffixes() {
            let candidate = suffix.to_bytes();
            if !candidate.ends_with(apex) {
                return None;
            }
            if let Some(range) = self.matching(&candidate) {
                if is_cut_or_dname(&range.types) {
                    return None;
                }
                let cover = self.covering(&next_closer?)?;
                return Some(ClosestEncloser { name: candidate, cover });
            }
            next_closer = Some(candidate);
        }
        None
    }

    /// The record at a name.
    fn matching(&self, name: &DomainName) -> Option<&HashedRange> {
        let hash = self.hash(name);
        self.records.iter().find(|range| range.owner == hash)
    }

    /// The record whose range holds a name, which therefore does not exist.
    fn covering(&self, name: &DomainName) -> Option<&HashedRange> {
        let hash = self.hash(name);
        self.records.iter().find(|range| {
            let (after, before) = (range.owner < hash, hash < range.next);
            if range.owner < range.next { after && before } else { after || before }
        })
    }

    fn hash(&self, name: &DomainName) -> Vec<u8> {
        self.hashes
            .borrow_mut()
            .entry(name.clone())
            .or_insert_with(|| nsec3_hash(&canonical(name), &self.salt, self.iterations))
            .clone()
    }
}
