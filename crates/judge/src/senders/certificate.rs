//! What a sender finds of the certificate at an endpoint: by PKIX, and by TLSA records.

use waxseal_model::{
    Cause, CertificateFacts, PresentedChain, Why,
    certificate::PathOutcome,
    evidence::EndpointFacts,
    policy::{DaneFacts, TlsaFacts},
};
use waxseal_wire::x509::{self, NameMatch};

use crate::{
    case::known,
    dane,
    delivery::{Certificate, Tlsa},
    state,
};

/// The certificate by PKIX: what holds of every chain that was presented, since a sender
/// may get any of them. Where no domain is known, no certificate is for it.
pub(super) fn by_pkix(facts: &EndpointFacts, names: &Names<'_>, now: i64) -> Result<Certificate, Why> {
    if state::only_anonymous(facts) {
        return Ok(Certificate { trusted: false, for_mx: false, for_operator: false, ..Certificate::VALID });
    }
    let chains = known(&facts.chains)?;
    if chains.is_empty() {
        return Err(Why::new(Cause::Prerequisite, "no certificate was presented"));
    }
    let mut seen = Certificate { for_operator: true, ..Certificate::VALID };
    for chain in chains.iter().filter(|c| state::is_for_named(c, chains)) {
        let path = known(&chain.path)?;
        seen.trusted &= path.outcome == PathOutcome::Trusted;
        seen.in_date &= in_date(chain, now);
        let Some(host) = facts.reference_name.as_deref() else {
            return Err(Why::new(
                Cause::Prerequisite,
                "the name to compare the certificate with is not known",
            ));
        };
        let leaf = chain.leaf();
        seen.for_mx &= leaf.is_some_and(|l| names.take(x509::matches_host(l, host)));
        seen.for_operator &=
            leaf.zip(names.domain).is_some_and(|(l, domain)| is_for_domain(l, domain, names));
    }
    Ok(seen)
}

/// What a sender compares the names of a certificate with, and how.
pub(super) struct Names<'a> {
    /// The mail domain, where one is known.
    pub(super) domain: Option<&'a str>,
    /// The common name counts where there is no DNS name.
    pub(super) common_name: bool,
}

impl Names<'_> {
    fn take(&self, found: NameMatch) -> bool {
        found == NameMatch::San || (self.common_name && found == NameMatch::CommonNameOnly)
    }
}

/// A name of the certificate is the domain, or lies below it: what Postfix compares at its
/// level `secure` (postconf(5), `smtp_tls_secure_cert_match`).
fn is_for_domain(leaf: &CertificateFacts, domain: &str, names: &Names<'_>) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let below = |name: &String| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        name.strip_suffix(&domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    };
    let common = leaf.common_name.iter().filter(|_| names.common_name && leaf.dns_names.is_empty());
    names.take(x509::matches_host(leaf, &domain)) || leaf.dns_names.iter().chain(common).any(below)
}

/// The certificate by TLSA records, the worst over the presented chains.
pub(super) fn by_tlsa(facts: &EndpointFacts, dane: &DaneFacts, now: i64) -> Result<Tlsa, Why> {
    let chains = known(dane::chains(facts, dane))?;
    if chains.is_empty() {
        return Err(Why::new(Cause::Prerequisite, "no chain was presented to compare the TLSA records with"));
    }
    let usable: Vec<&TlsaFacts> = dane.tlsa.iter().filter(|r| r.unusable.is_none()).collect();
    let named = chains.iter().enumerate().filter(|(_, c)| state::is_for_named(c, chains));
    let verdicts = named.map(|(i, chain)| one_chain(&usable, i, chain, dane, now));
    // The order of badness among what fails does not matter: none of it is delivered to.
    let rank = |t: &Tlsa| match t {
        Tlsa::Ee => 0,
        Tlsa::Ta => 1,
        Tlsa::TaOutOfDate => 2,
        Tlsa::TaWrongName => 3,
        Tlsa::Mismatch | Tlsa::NotApplicable => 4,
    };
    Ok(verdicts.max_by_key(rank).unwrap_or(Tlsa::NotApplicable))
}

fn one_chain(usable: &[&TlsaFacts], i: usize, chain: &PresentedChain, dane: &DaneFacts, now: i64) -> Tlsa {
    let depth = |r: &TlsaFacts| r.matched.get(i).copied().flatten();
    if dane::verify(dane, chain, now).is_ok() {
        let own = usable.iter().any(|r| r.usage == 3 && depth(r) == Some(0));
        return if own { Tlsa::Ee } else { Tlsa::Ta };
    }
    // Why it fails: what matches may be out of date, or bear another name.
    if !usable.iter().any(|r| r.usage == 2 && depth(r).is_some()) {
        return Tlsa::Mismatch;
    }
    let named = chain.leaf().is_some_and(|leaf| dane.reference_names.iter().any(|n| bears(leaf, n)));
    match (named, in_date(chain, now)) {
        (false, _) => Tlsa::TaWrongName,
        (_, false) => Tlsa::TaOutOfDate,
        (true, true) => Tlsa::Mismatch,
    }
}

/// The common name counts where there is no other (RFC 7672 section 3.2.3).
fn bears(leaf: &CertificateFacts, name: &str) -> bool {
    matches!(x509::matches_host(leaf, name), NameMatch::San | NameMatch::CommonNameOnly)
}

fn in_date(chain: &PresentedChain, now: i64) -> bool {
    !chain.certificates.is_empty()
        && state::path_certificates(chain).iter().all(|c| c.not_before <= now && now <= c.not_after)
}
