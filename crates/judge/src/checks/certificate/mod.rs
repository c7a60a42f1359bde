//! Certificates: can a sender that verifies use them?

use waxseal_model::{
    Cause, CertificateFacts, PresentedChain, Usage, Why,
    certificate::{PathOutcome, RsaFacts},
};

use crate::{
    case::{Case, known},
    check::{CLEAR, Outcome},
    state,
};

pub mod chain_order;
pub mod chains_differ;
pub mod debian_weak_key;
pub mod expired;
pub mod expires_soon;
pub mod explicit_curve;
pub mod factorable;
pub mod key_usage;
pub mod lifetime;
pub mod missing_intermediate;
pub mod must_staple;
pub mod name_mismatch;
pub mod not_yet_valid;
pub mod ocsp_staple;
pub mod revoked;
pub mod roca;
pub mod sct;
pub mod self_signed;
pub mod serial;
pub mod untrusted;
pub mod weak_exponent;
pub mod weak_key;
pub mod weak_signature;
pub mod without_sni;
pub mod x509_v1;

/// Judges every presented chain. The label names the certificate in titles. What one
/// chain lacks makes the whole undetermined only if no other gives a finding.
fn each_chain(case: &Case, judge: impl Fn(&PresentedChain, &str) -> Outcome) -> Outcome {
    let chains = chains(case)?;
    let mut found = Vec::new();
    let mut unknown = None;
    let several = chains.len() > 1;
    for chain in chains {
        let label =
            if several { format!("The {} certificate", kind(chain)) } else { "The certificate".to_owned() };
        match judge(chain, &label) {
            // The same certificate in two chains is one finding.
            Ok(more) => {
                for finding in more {
                    if !found.contains(&finding) {
                        found.push(finding);
                    }
                }
            }
            Err(why) => unknown = Some(why),
        }
    }
    match unknown {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

/// Judges every RSA key of every presented chain. The label names the certificate in titles.
fn each_rsa_key(case: &Case, judge: impl Fn(&str, &CertificateFacts, &RsaFacts) -> Outcome) -> Outcome {
    each_chain(case, |chain, label| {
        for certificate in chain.certificates.iter().filter(|c| c.key.algorithm == "RSA") {
            let Some(rsa) = &certificate.key.rsa else {
                return Err(Why::new(Cause::NotAsked, "the evidence says nothing more about the RSA key"));
            };
            let found = judge(bearer(chain, certificate, label), certificate, rsa)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        CLEAR
    })
}

/// What a certificate of a chain is called in titles: the chain's label for the leaf.
fn bearer<'a>(chain: &PresentedChain, certificate: &CertificateFacts, label: &'a str) -> &'a str {
    if chain.leaf() == Some(certificate) { label } else { "An issuer in the chain" }
}

/// True if the path ends in a root of the system, so that the rules for public CAs hold.
fn is_publicly_trusted(chain: &PresentedChain) -> Result<bool, Why> {
    let path = known(&chain.path)?;
    Ok(path.outcome == PathOutcome::Trusted && path.roots.starts_with("system "))
}

/// The presented chains; without any (anonymous suites only) nothing can be said.
fn chains<'a>(case: &Case<'a>) -> Result<Vec<&'a PresentedChain>, Why> {
    match known(&case.facts()?.chains)?.as_slice() {
        [] => Err(Why::new(Cause::Prerequisite, "no certificate was presented")),
        chains => Ok(chains.iter().filter(|c| state::is_for_named(c, chains)).collect()),
    }
}

/// The kind of a chain's key, `RSA` or `ECDSA`.
fn kind(chain: &PresentedChain) -> String {
    match chain.leaf().map(|c| c.key.algorithm.as_str()) {
        Some("EC") => "ECDSA".to_owned(),
        Some(other) => other.to_owned(),
        None => "empty".to_owned(),
    }
}

/// Who does not deliver to a server whose certificate cannot be verified.
fn who_refuses(case: &Case) -> &'static str {
    match case.usage() {
        Usage::Relay => {
            "Opportunistic senders do not look at it; senders that verify (MTA-STS in enforce mode, gateways with \
             a certificate rule) will not deliver here."
        }
        Usage::Submission => {
            "Mail programs and applications refuse to connect, or ask the user to accept it."
        }
    }
}
