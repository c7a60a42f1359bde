//! From an answer to its status: every record set under the keys of its zone, every
//! denial with its proof.

use domain::base::iana::Rtype;
use domain::base::name::ToName;
use tokio::time::Instant;
use waxseal_model::dns::DnssecStatus;

use super::chain::{Chain, Trust, broken, now, too_many_iterations};
use super::denial::{Denial, Proof};
use super::message::{DomainName, RecordSet, Response};
use super::record::{name_text, type_text};
use super::rrset::{Zone, check};

/// Zones by which one record set claims to be signed that are followed.
const MAX_SIGNERS: usize = 3;

/// A status and the sentence that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) status: DnssecStatus,
    pub(crate) reason: String,
}

impl Status {
    fn new(status: DnssecStatus, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    pub(crate) fn indeterminate(reason: impl Into<String>) -> Self {
        Self::new(DnssecStatus::Indeterminate, reason)
    }

    fn secure(zone: &Zone) -> Self {
        Self::new(DnssecStatus::Secure, format!("signed by {}", zone_text(zone)))
    }

    fn secure_absence(zone: &Zone) -> Self {
        Self::new(DnssecStatus::Secure, format!("absence proven by {}", zone_text(zone)))
    }

    /// Of two parts of an answer the weaker one decides; of equals the first. Of secure
    /// parts all zones are named.
    pub(crate) fn and(mut self, other: Self) -> Self {
        if rank(other.status) > rank(self.status) {
            return other;
        }
        let both_secure = rank(self.status) == 0 && rank(other.status) == 0;
        if both_secure && !self.reason.split(", ").any(|part| part == other.reason) {
            self.reason = format!("{}, {}", self.reason, other.reason);
        }
        self
    }

    /// The reason as a whole sentence.
    pub(crate) fn sentence(self) -> String {
        match self.status {
            DnssecStatus::Secure => {
                format!("{}; the signatures verify from the trust anchor down", self.reason)
            }
            _ => self.reason,
        }
    }
}

fn zone_text(zone: &Zone) -> String {
    if zone.apex.is_root() { "the root zone".to_owned() } else { format!("zone {}", name_text(&zone.apex)) }
}

fn rank(status: DnssecStatus) -> u8 {
    match status {
        DnssecStatus::Secure => 0,
        DnssecStatus::Insecure => 1,
        DnssecStatus::Indeterminate => 2,
        DnssecStatus::Bogus => 3,
    }
}

/// What a missing answer claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    NoName,
    NoData,
}

impl Trust {
    /// The status of something that needs a secure zone and has none.
    fn without_zone(self) -> Result<std::sync::Arc<Zone>, Status> {
        match self {
            Self::Secure(zone) => Ok(zone),
            Self::Insecure(reason) => Err(Status::new(DnssecStatus::Insecure, reason)),
            Self::Bogus(reason) => Err(Status::new(DnssecStatus::Bogus, reason)),
            Self::Indeterminate(reason) => Err(Status::indeterminate(reason)),
        }
    }
}

impl Chain {
    /// The status of one record set of an answer.
    pub(crate) async fn record_set(&self, set: &RecordSet, response: &Response, deadline: Instant) -> Status {
        let mut doubt = None;
        for signer in self.signers(set) {
            match self.zone_of(&signer, deadline).await.without_zone() {
                Err(status) => return status,
                Ok(zone) if zone.apex == signer => match check(set, &zone, now()) {
                    Ok(signed) => {
                        let Some(closest) = signed.expanded_from else { return Status::secure(&zone) };
                        return expanded(set, &closest, response, &zone);
                    }
                    Err(fault) => doubt = Some(broken(&fault, &zone.apex, &set.owner, set.rtype)),
                },
                Ok(zone) => {
                    let text = format!(
                        "{} {} is signed in the name of {}, which is not a zone below {}",
                        name_text(&set.owner),
                        type_text(set.rtype),
                        name_text(&signer),
                        name_text(&zone.apex)
                    );
                    doubt.get_or_insert(Trust::Bogus(text));
                }
            }
        }
        // No signature counts. That is as it should be in an unsigned zone only.
        match self.zone_of(&home(set.rtype, &set.owner), deadline).await.without_zone() {
            Err(status) => status,
            Ok(zone) => {
                let missing = super::rrset::Fault::Missing;
                let trust = doubt.unwrap_or_else(|| broken(&missing, &zone.apex, &set.owner, set.rtype));
                trust.without_zone().err().unwrap_or_else(|| Status::indeterminate("no signature counts"))
            }
        }
    }

    /// The status of an answer without records, and what it proves: a zone may claim
    /// that a name does not exist and prove that only the type is missing.
    pub(crate) async fn absence(
        &self,
        claim: Absence,
        name: &DomainName,
        rtype: Rtype,
        response: &Response,
        deadline: Instant,
    ) -> (Absence, Status) {
        let mut doubt = None;
        for signer in self.denial_signers(response, name, rtype) {
            let zone = match self.zone_of(&signer, deadline).await.without_zone() {
                Err(status) => return (claim, status),
                Ok(zone) if zone.apex == signer => zone,
                Ok(_) => continue,
            };
            let denial = Denial::new(&response.authority, &zone, now());
            let (proven, proof) = prove(&denial, claim, name, rtype);
            let zone_name = name_text(&zone.apex);
            match proof {
                Proof::Proven => return (proven, Status::secure_absence(&zone)),
                Proof::OptOut => {
                    let text = format!(
                        "zone {zone_name} leaves unsigned delegations out of its proofs (NSEC3 opt-out), so an unsigned {} may exist",
                        name_text(name)
                    );
                    return (proven, Status::new(DnssecStatus::Insecure, text));
                }
                Proof::Iterations(count) => {
                    let text = too_many_iterations(&zone_name, count);
                    return (proven, Status::new(DnssecStatus::Insecure, text));
                }
                Proof::Unproven => {
                    let fault = denial.fault.as_ref();
                    let reason = fault.map(|(fault, owner, rtype)| broken(fault, &zone.apex, owner, *rtype));
                    doubt = doubt.or(reason);
                }
            }
        }
        let status = match self.zone_of(&home(rtype, name), deadline).await.without_zone() {
            Err(status) => status,
            Ok(zone) => doubt
                .unwrap_or_else(|| unproven(claim, name, rtype, &zone))
                .without_zone()
                .err()
                .unwrap_or_else(|| Status::indeterminate("the denial could not be checked")),
        };
        (claim, status)
    }

    /// The zones that sign a record set by its own word, the longest name first. Only a
    /// zone at or above the owner can; for DS only one above it.
    fn signers(&self, set: &RecordSet) -> Vec<DomainName> {
        let home = home(set.rtype, &set.owner);
        let names = set.signatures.iter().map(|signature| signature.signer_name());
        longest_first(names.filter(|signer| self.is_above(signer, &home)).cloned().collect())
    }

    /// The zones that sign the denial records of an answer by their own word.
    fn denial_signers(&self, response: &Response, name: &DomainName, rtype: Rtype) -> Vec<DomainName> {
        let home = home(rtype, name);
        let denials = response.authority.iter().filter(|set| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3));
        let names = denials.flat_map(|set| &set.signatures).map(|signature| signature.signer_name());
        longest_first(names.filter(|signer| self.is_above(signer, &home)).cloned().collect())
    }
}

/// The proof of a claim, or of the weaker claim that only the type is missing.
fn prove(denial: &Denial, claim: Absence, name: &DomainName, rtype: Rtype) -> (Absence, Proof) {
    if claim == Absence::NoName {
        let proof = denial.no_name(name);
        if proof != Proof::Unproven {
            return (Absence::NoName, proof);
        }
    }
    match denial.no_data(name, rtype) {
        Proof::Unproven => (claim, Proof::Unproven),
        proof => (Absence::NoData, proof),
    }
}

fn unproven(claim: Absence, name: &DomainName, rtype: Rtype, zone: &Zone) -> Trust {
    let what = match claim {
        Absence::NoName => format!("{} does not exist", name_text(name)),
        Absence::NoData => format!("{} has no {} record", name_text(name), type_text(rtype)),
    };
    Trust::Bogus(format!(
        "zone {} is signed, but the answer does not prove that {what}",
        name_text(&zone.apex)
    ))
}

/// The status of records made from a wildcard: secure if nothing nearer exists.
fn expanded(set: &RecordSet, closest: &DomainName, response: &Response, zone: &Zone) -> Status {
    let denial = Denial::new(&response.authority, zone, now());
    let zone_name = name_text(&zone.apex);
    match denial.no_closer(&set.owner, closest) {
        Proof::Proven => Status::secure(zone),
        Proof::OptOut => Status::new(
            DnssecStatus::Insecure,
            format!(
                "made from a wildcard of zone {zone_name}, whose proofs leave out unsigned delegations (NSEC3 opt-out)"
            ),
        ),
        Proof::Iterations(count) => {
            Status::new(DnssecStatus::Insecure, too_many_iterations(&zone_name, count))
        }
        Proof::Unproven => Status::new(
            DnssecStatus::Bogus,
            format!(
                "{} {} was made from a wildcard of zone {zone_name}, without proof that no such name exists",
                name_text(&set.owner),
                type_text(set.rtype)
            ),
        ),
    }
}

fn longest_first(mut names: Vec<DomainName>) -> Vec<DomainName> {
    names.sort_by_key(|name| std::cmp::Reverse(name.label_count()));
    names.dedup();
    names.truncate(MAX_SIGNERS);
    names
}

/// The name whose zone is responsible for a type at a name: DS belongs to the parent.
fn home(rtype: Rtype, name: &DomainName) -> DomainName {
    match name.parent() {
        Some(parent) if rtype == Rtype::DS => parent.to_bytes(),
        _ => name.clone(),
    }
}
