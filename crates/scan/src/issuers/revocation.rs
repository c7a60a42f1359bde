//! Questions to issuers: OCSP (RFC 6960) and revocation lists (RFC 5280 section 5).

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use waxseal_model::{
    Cause, CertificateFacts, Observed, PresentedChain, Why,
    revocation::{CrlFacts, OcspFacts, RevocationFacts},
};
use waxseal_net::{http::nonce, resolver::Resolver};
use waxseal_probe::Prober;
use waxseal_wire::x509;

use super::{
    cache::Cache,
    fetch::{Wanted, Way},
};
use crate::published::ders;

/// Certificates of a chain that are asked about: the leaf and its intermediates.
const MOST_CERTIFICATES: usize = 4;
/// URLs of one certificate that are tried, until one answers.
const MOST_URLS: usize = 2;
/// The longest time for one list.
const LIST_TIME: Duration = Duration::from_secs(60);
/// The longest time for all questions about one chain.
const CHAIN_TIME: Duration = Duration::from_secs(180);
/// Answers of responders that are kept.
const MOST_ANSWERS: usize = 4096;
/// Lists that are kept: each may have [`x509::MAX_CRL`] bytes.
const MOST_LISTS: usize = 4;

/// Issuers, and what they have answered.
#[derive(Debug)]
pub(super) struct Issuers {
    user_agent: String,
    /// They may have addresses inside.
    inside: bool,
    answers: Cache<Observed<OcspFacts>>,
    lists: Cache<Result<Arc<Vec<u8>>, Why>>,
}

impl Issuers {
    pub(super) fn new(inside: bool) -> Self {
        let user_agent = format!("waxseal/{}", env!("CARGO_PKG_VERSION"));
        Self { user_agent, inside, answers: Cache::new(MOST_ANSWERS), lists: Cache::new(MOST_LISTS) }
    }

    /// Asks about the certificates of a chain. The number of connections that took; where
    /// several endpoints ask at a time, some of theirs may be among them.
    pub(super) async fn ask_about(
        &self,
        resolver: &Resolver,
        prober: &Prober,
        chain: &mut PresentedChain,
    ) -> u32 {
        let egress = if self.inside { prober.egress.clone() } else { prober.egress.to_public_only() };
        let before = egress.connections();
        let way = Way {
            resolver,
            egress: &egress,
            user_agent: &self.user_agent,
            deadline: Instant::now() + CHAIN_TIME,
        };
        let ders = ders(chain);
        let roots = prober.roots.as_deref().ok();
        let step = prober.options.step_timeout;
        let mut found = Vec::new();
        for (at, (facts, der)) in (0u32..).zip(chain.certificates.iter().zip(&ders)).take(MOST_CERTIFICATES) {
            // A root is trusted or not; nobody above it could revoke it.
            if facts.self_signed {
                continue;
            }
            let (ocsp, crl) = match x509::issuer_of(der, &ders, roots) {
                Some(issuer) => {
                    let subject = Subject { facts, der, issuer };
                    let ocsp = self.answers.get(&facts.sha256, || ocsp(&way, &subject, step)).await;
                    (ocsp, self.crl(&way, &subject).await)
                }
                None => (Observed::NotTried { why: no_issuer() }, Observed::NotTried { why: no_issuer() }),
            };
            found.push(RevocationFacts { certificate: at, ocsp, crl });
        }
        chain.revocation = Observed::seen(found);
        egress.connections().saturating_sub(before)
    }

    /// What the issuer's list says.
    async fn crl(&self, way: &Way<'_>, subject: &Subject<'_>) -> Observed<CrlFacts> {
        let mut result =
            Observed::not_tried(Cause::NotApplicable, "the certificate names no revocation list");
        for url in subject.facts.crl_urls.iter().take(MOST_URLS) {
            let wanted =
                Wanted { body: None, accept: "application/pkix-crl", bytes: x509::MAX_CRL, total: LIST_TIME };
            let list = self.lists.get(url, || async { way.content(url, &wanted).await.map(Arc::new) }).await;
            result = match list {
                Ok(list) => match x509::crl_facts(&list, url, subject.der, &subject.issuer) {
                    Ok(facts) => return Observed::seen(facts),
                    Err(error) => Observed::failed(Cause::Protocol, format!("{url}: {error}")),
                },
                Err(why) => Observed::Failed { why },
            };
        }
        result
    }
}

/// A certificate that is asked about.
struct Subject<'a> {
    facts: &'a CertificateFacts,
    der: &'a [u8],
    issuer: Vec<u8>,
}

fn no_issuer() -> Why {
    let text = "the issuer's certificate is neither presented nor among the roots, so that its word could not be verified";
    Why::new(Cause::Prerequisite, text)
}

/// What a responder says.
async fn ocsp(way: &Way<'_>, subject: &Subject<'_>, step: Duration) -> Observed<OcspFacts> {
    let mut result = Observed::not_tried(Cause::NotApplicable, "the certificate names no OCSP responder");
    let nonce = nonce();
    let Some(request) = x509::ocsp_request(subject.der, &subject.issuer, nonce.as_ref()) else {
        return Observed::failed(Cause::Internal, "the certificates cannot be read");
    };
    for url in subject.facts.ocsp_urls.iter().take(MOST_URLS) {
        let wanted = Wanted {
            body: Some(("application/ocsp-request", request.clone())),
            accept: "application/ocsp-response",
            bytes: x509::MAX_OCSP,
            total: step,
        };
        result = match way.content(url, &wanted).await {
            Ok(response) => {
                match x509::ocsp_facts(&response, subject.der, Some(&subject.issuer), nonce.as_ref()) {
                    Ok(facts) => return Observed::seen(facts),
                    Err(error) => Observed::failed(Cause::Protocol, format!("{url}: {error}")),
                }
            }
            Err(why) => Observed::Failed { why },
        };
    }
    result
}
