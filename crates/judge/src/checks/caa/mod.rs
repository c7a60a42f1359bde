//! CAA (RFC 8659): who may issue certificates for the mail hosts.

pub mod issuer;
pub mod records;

use waxseal_model::{Cause, DnsAnswer, DomainEvidence, Why, policy::CaaFacts};
use waxseal_wire::caa::{Property, properties};

use crate::{case::known, checks::identity};

/// What was looked up for each mail host.
fn facts<'a>(case: &crate::case::Case<'a>) -> Result<(&'a DomainEvidence, &'a [CaaFacts]), Why> {
    let domain = identity::domain(case)?;
    if domain.hosts.iter().all(|h| h.ip_literal) {
        return Err(Why::new(Cause::NotApplicable, "there is no mail host to have a certificate for"));
    }
    match domain.policies.caa.as_slice() {
        [] => Err(Why::new(Cause::NotAsked, "the CAA records were not looked up")),
        facts => Ok((domain, facts)),
    }
}

/// The answer that holds for a host, and its records.
fn read(facts: &CaaFacts) -> Result<(&DnsAnswer, Vec<Property>), Why> {
    let answer = known(&facts.answer)?;
    Ok((answer, properties(answer.records.iter().map(|r| &r.data))))
}
