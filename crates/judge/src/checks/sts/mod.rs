//! MTA-STS: record, policy file, and the servers that it names.

pub mod certificate;
pub mod fetch;
pub mod form;
pub mod host_certificate;
pub mod max_age;
pub mod mode;
pub mod mx;
pub mod mx_tls;
pub mod policy;
pub mod record;
pub mod removed;
pub mod stale_id;

use waxseal_model::{
    Cause, DomainEvidence, Why,
    evidence::MailRouting,
    policy::{StsPolicy, StsProblem, StsStep},
};

use crate::case::{Case, known};

/// The domain, if mail is delivered to it by other servers.
fn domain<'a>(case: &Case<'a>) -> Result<&'a DomainEvidence, Why> {
    let domain = case.domain()?;
    match domain.routing {
        MailRouting::NullMx | MailRouting::NoSuchDomain => {
            Err(Why::new(Cause::NotApplicable, "no mail is delivered to this domain"))
        }
        _ => Ok(domain),
    }
}

/// The policy that a sender gets; not applicable where it gets none.
fn policy<'a>(case: &Case<'a>) -> Result<(&'a DomainEvidence, &'a StsPolicy), Why> {
    let domain = domain(case)?;
    match known(&domain.policies.sts)? {
        Some(policy) => Ok((domain, policy)),
        None => Err(Why::new(Cause::NotApplicable, "no MTA-STS policy is in force")),
    }
}

/// The problem that ended the discovery at one of these steps. Where discovery could not
/// be completed for another reason, that reason.
fn problem<'a>(case: &Case<'a>, steps: &[StsStep]) -> Result<Option<&'a StsProblem>, Why> {
    let domain = domain(case)?;
    let found = domain.policies.sts_discovery.problem.as_ref().filter(|p| steps.contains(&p.step));
    if found.is_some() {
        return Ok(found);
    }
    known(&domain.policies.sts).map(|_| None)
}
