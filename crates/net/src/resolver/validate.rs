//! From an answer to its status: every record set under the keys of its zone, every
//! denial with its proof.

use domain::base::iana::Rtype;
use domain::base::name::ToName;
use tokio::time::Instant;

use super::chain::{Chain, now};
use super::denial::{Denial, Proof};
use super::message::{DomainName, RecordSet, Response};
use super::record::{name_text, type_text};
use super::rrset::{Fault, Zone, check};
use super::status::Status;

/// Zones by which one record set claims to be signed that are followed.
const MAX_SIGNERS: usize = 3;

/// What a missing answer claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    NoName,
    NoData,
}

impl Chain {
    /// The status of one record set of an answer.
    pub(crate) async fn record_set(&self, set: &RecordSet, response: &Response, deadline: Instant) -> Status {
        let mut doubt = None;
        for signer in self.signers(set) {
            match self.zone_of(&signer, deadline).await {
                Err(status) => return status,
                Ok(zone) if zone.apex == signer => match check(set, &zone, now()) {
                    Ok(signed) => {
                        let Some(closest) = signed.expanded_from else { return Status::secure(&zone) };
                        return expanded(set, &closest, response, &zone);
                    }
                    Err(fault) => {
                        doubt.get_or_insert(Status::broken(&fault, &zone.apex, &set.owner, set.rtype));
                    }
                },
                // Signed in the name of something that is not a zone.
                Ok(_) => {}
            }
        }
        // No signature counts. That is as it should be in an unsigned zone only.
        match self.zone_of(&home(set.rtype, &set.owner), deadline).await {
            Err(status) => status,
            Ok(zone) => {
                doubt.unwrap_or_else(|| Status::broken(&Fault::Missing, &zone.apex, &set.owner, set.rtype))
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
            let zone = match self.zone_of(&signer, deadline).await {
                Err(status) => return (claim, status),
                Ok(zone) if zone.apex == signer => zone,
                Ok(_) => continue,
            };
            let denial = Denial::new(&response.authority, &zone, now());
            let (proven, proof) = prove(&denial, claim, name, rtype);
            match proof {
                Proof::Proven => return (proven, Status::secure_absence(&zone)),
                Proof::OptOut => {
                    let text = format!(
                        "zone {} leaves unsigned delegations out of its proofs (NSEC3 opt-out), \
                         so an unsigned {} may exist",
                        name_text(&zone.apex),
                        name_text(name)
                    );
                    return (proven, Status::insecure(text));
                }
                Proof::Iterations(count) => {
                    return (proven, Status::too_many_iterations(&zone.apex, count));
                }
                Proof::Unproven => {
                    let fault = denial.fault.as_ref();
                    doubt = doubt
                        .or(fault
                            .map(|(fault, owner, rtype)| Status::broken(fault, &zone.apex, owner, *rtype)));
                }
            }
        }
        let status = match self.zone_of(&home(rtype, name), deadline).await {
            Err(status) => status,
            Ok(zone) => doubt.unwrap_or_else(|| unproven(claim, name, rtype, &zone)),
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

fn unproven(claim: Absence, name: &DomainName, rtype: Rtype, zone: &Zone) -> Status {
    let what = match claim {
        Absence::NoName => format!("{} does not exist", name_text(name)),
        Absence::NoData => format!("{} has no {} record", name_text(name), type_text(rtype)),
    };
    Status::bogus(format!(
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
        Proof::OptOut => Status::insecure(format!(
            "made from a wildcard of zone {zone_name}, whose proofs leave out unsigned delegations \
             (NSEC3 opt-out)"
        )),
        Proof::Iterations(count) => Status::too_many_iterations(&zone.apex, count),
        Proof::Unproven => Status::bogus(format!(
            "{} {} was made from a wildcard of zone {zone_name}, without proof that no such name exists",
            name_text(&set.owner),
            type_text(set.rtype)
        )),
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
