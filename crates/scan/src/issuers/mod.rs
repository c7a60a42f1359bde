//! What is known about presented certificates beside what they say: whether their issuers
//! have revoked them, and whether their keys are on a list of weak ones.
//!
//! Issuers are asked only on request (`--online`), since that tells them who is looked at.
//! Who gets asked stands in the certificates, so strangers choose it: `fetch` goes to
//! public addresses and port 80 alone.

mod cache;
mod fetch;
mod revocation;

use std::sync::Arc;

use waxseal_model::{Observed, Why, certificate::CertificateFacts, evidence::EndpointFacts};
use waxseal_net::resolver::Resolver;
use waxseal_probe::Prober;
use waxseal_wire::x509::{WeakKeys, der_of};

use self::revocation::Issuers;

/// What is to be found out about certificates.
#[derive(Debug, Clone)]
pub struct CertificateOptions {
    /// Ask the issuers whether the certificates are revoked.
    pub online: bool,
    /// Issuers may have addresses inside: only where the certificates are our own, in the lab.
    pub inside: bool,
    /// Keys that everybody can have, or why no list of them is there.
    pub weak_keys: Result<Arc<WeakKeys>, Why>,
}

/// Completes the certificates of endpoints. What issuers answered is kept for the run, so
/// that each is asked once about each certificate.
#[derive(Debug)]
pub struct CertificateLookups {
    weak_keys: Result<Arc<WeakKeys>, Why>,
    issuers: Option<Issuers>,
}

impl CertificateLookups {
    /// Lookups for one run.
    pub fn new(options: CertificateOptions) -> Self {
        let issuers = options.online.then(|| Issuers::new(options.inside));
        Self { weak_keys: options.weak_keys, issuers }
    }

    /// Completes the presented chains of an endpoint. The number of connections that took.
    pub async fn complete(&self, resolver: &Resolver, prober: &Prober, facts: &mut EndpointFacts) -> u32 {
        let Observed::Seen { value: chains } = &mut facts.chains else { return 0 };
        let mut connections = 0;
        for chain in chains {
            for certificate in &mut chain.certificates {
                self.note_weak_key(certificate);
            }
            if let Some(issuers) = &self.issuers {
                connections += issuers.ask_about(resolver, prober, chain).await;
            }
        }
        connections
    }

    fn note_weak_key(&self, certificate: &mut CertificateFacts) {
        let der = der_of(certificate);
        let (Some(rsa), Some(der)) = (certificate.key.rsa.as_mut(), der) else { return };
        rsa.debian_weak = match &self.weak_keys {
            Ok(keys) => keys.contains(&der),
            Err(why) => Observed::NotTried { why: why.clone() },
        };
    }
}
