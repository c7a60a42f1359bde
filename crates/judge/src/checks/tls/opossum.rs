//! Check [`tls.opossum`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::{TlsStart, audit::Sibling, evidence::EndpointFacts};

check! {
    /// The same certificate is used with STARTTLS and with TLS from the first byte (Opossum).
    ///
    /// # Effect
    /// An attacker on the path can connect a client of one kind to the port of the other
    /// kind, by speaking the clear beginning himself. Both then believe in the same TLS
    /// session and are out of step by one reply. In SMTP that ends badly for the session, not
    /// for the mail: without STARTTLS both sides wait for the greeting, and with it the
    /// greeting comes as the answer to EHLO. No way to read or change mail is known.
    /// # Method
    /// The certificates of the other ports of mail at the same address are compared with this
    /// one.
    /// # Fix
    /// Nothing: RFC 8314 recommends to offer both kinds under one name. Mail programs should
    /// refuse a 220 as the answer to EHLO.
    /// # Sources
    /// Opossum attack (opossum-attack.com, 2025); RFC 8314 section 3; RFC 3207 section 4.2.
    "tls.opossum", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let endpoint = case.endpoint()?;
    let Some(siblings) = known_if_applicable(&case.audit()?.siblings)? else { return CLEAR };
    let mut unknown = None;
    let mut ports = Vec::new();
    for sibling in siblings.iter().filter(|s| s.tls != endpoint.endpoint.tls) {
        match is_same(&endpoint.evidence, sibling) {
            Ok(true) => ports.push(format!("port {}", sibling.port)),
            Ok(false) => {}
            Err(why) => unknown = Some(why),
        }
    }
    if ports.is_empty() {
        return unknown.map_or(CLEAR, Err);
    }
    let kind = match endpoint.endpoint.tls {
        TlsStart::Starttls => "TLS from the first byte",
        TlsStart::Implicit => "STARTTLS",
    };
    let title = format!("{} has one certificate for both kinds of TLS (Opossum)", case.host());
    case.finding(&CHECK, Severity::Info, title)
        .detail(format!(
            "At {} it is used with {kind}. An attacker can cross the two, which puts client and server out of step; \
             in SMTP the session then fails. RFC 8314 recommends this very setup: it is worth knowing, not mending.",
            text::list(&ports)
        ))
        .found()
}

/// The other port shows a certificate of this one.
fn is_same(facts: &EndpointFacts, sibling: &Sibling) -> Result<bool, Why> {
    let Some(certificate) = known(&sibling.certificate)? else { return Ok(false) };
    let leaves = known(&facts.chains)?.iter().filter_map(|c| c.leaf());
    Ok(leaves.into_iter().any(|l| l.sha256 == certificate.leaf_sha256))
}

fixtures! {
    clear: |e| sample::audit(e).siblings = Observed::seen(vec![sample::sibling(587, TlsStart::Starttls)]),
    found: |e| sample::audit(e).siblings = Observed::seen(vec![sample::sibling(465, TlsStart::Implicit)]),
    undetermined: |e| {
        let mut other = sample::sibling(465, TlsStart::Implicit);
        other.certificate = sample::failed();
        sample::audit(e).siblings = Observed::seen(vec![other]);
    },
}
