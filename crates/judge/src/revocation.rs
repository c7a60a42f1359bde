//! What issuers say about a chain, put together from all that was heard: the staple, the
//! responder, the list.

use waxseal_model::{
    Cause, CertificateFacts, Observed, PresentedChain, Why,
    certificate::RsaFacts,
    revocation::{OcspFacts, OcspSigner, RevocationStatus},
};

use crate::text;

/// The issuer's word against a certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Objection<'a> {
    /// Which certificate: its position in the chain.
    pub(crate) position: u32,
    /// What is said: revoked, or unknown.
    pub(crate) status: &'a RevocationStatus,
    /// Who says so, `the issuer's OCSP responder`.
    pub(crate) source: &'static str,
}

/// One statement about a certificate, signed as it must be.
struct Statement<'a> {
    position: u32,
    status: &'a RevocationStatus,
    current: bool,
    source: &'static str,
}

/// What issuers object to in a chain; none if the leaf is good by a statement in force.
///
/// # Errors
/// Nobody objects, and there is no statement in force that the leaf is good: why.
pub(crate) fn objection(chain: &PresentedChain, now: i64) -> Result<Option<Objection<'_>>, Why> {
    let statements = statements(chain, now);
    // A revocation stands, however old the statement is.
    let revoked = statements.iter().find(|s| is_revocation(s.status));
    let good = statements.iter().any(|s| s.position == 0 && s.current && !is_unknown(s.status));
    let unknown = statements.iter().find(|s| is_unknown(s.status) && s.current).filter(|_| !good);
    match revoked.or(unknown) {
        Some(s) => Ok(Some(Objection { position: s.position, status: s.status, source: s.source })),
        None if good => Ok(None),
        None => Err(nothing_known(chain)),
    }
}

/// A certificate that is taken off the list again is not revoked.
fn is_revocation(status: &RevocationStatus) -> bool {
    matches!(status, RevocationStatus::Revoked { reason, .. } if reason.as_deref() != Some("removeFromCRL"))
}

fn is_unknown(status: &RevocationStatus) -> bool {
    *status == RevocationStatus::Unknown
}

fn statements(chain: &PresentedChain, now: i64) -> Vec<Statement<'_>> {
    let ocsp = |facts: &'_ OcspFacts| facts.is_current(now);
    let mut found = Vec::new();
    if let Some(staple) = chain.staple.get().and_then(Option::as_ref)
        && let Some(status) = staple.authentic_status()
    {
        found.push(Statement { position: 0, status, current: ocsp(staple), source: "the stapled response" });
    }
    for facts in chain.revocation.get().into_iter().flatten() {
        let position = facts.certificate;
        if let Some(answer) = facts.ocsp.get()
            && let Some(status) = answer.authentic_status()
        {
            let source = "the issuer's OCSP responder";
            found.push(Statement { position, status, current: ocsp(answer), source });
        }
        if let Some(list) = facts.crl.get()
            && let Some(status) = list.authentic_status()
        {
            let source = "the issuer's revocation list";
            found.push(Statement { position, status, current: list.is_current(now), source });
        }
    }
    found
}

/// Why it is not known whether the leaf is revoked.
fn nothing_known(chain: &PresentedChain) -> Why {
    let asked = match &chain.revocation {
        Observed::Seen { value } => value.iter().find(|r| r.certificate == 0),
        Observed::NotTried { why } if why.cause == Cause::NotAsked => {
            return Why::new(Cause::NotAsked, "issuers are asked only with --online");
        }
        Observed::NotTried { why } | Observed::Failed { why } => return why.clone(),
    };
    let Some(asked) = asked else {
        return Why::new(Cause::Prerequisite, "a self-signed certificate has no issuer to revoke it");
    };
    let whys = [asked.ocsp.why(), asked.crl.why()];
    match whys.into_iter().flatten().find(|why| !why.cause.is_by_design()) {
        Some(why) => why.clone(),
        None if asked.ocsp.is_seen() || asked.crl.is_seen() => Why::new(
            Cause::Protocol,
            "what the issuer answered is out of date, not signed as it must be, or not about this certificate",
        ),
        None => Why::new(
            Cause::Prerequisite,
            "the certificate names neither an OCSP responder nor a revocation list",
        ),
    }
}

/// What is wrong with an OCSP response that a client is to rely on now, as a clause; none if
/// nothing is.
///
/// # Errors
/// Its signature could not be verified: why.
pub(crate) fn flaw(staple: &OcspFacts, now: i64) -> Result<Option<String>, Why> {
    if staple.status.is_none() {
        return Ok(Some(match staple.produced_at {
            Some(_) => "it is about another certificate".to_owned(),
            None => format!("the responder gave no answer ({})", staple.response.label()),
        }));
    }
    if let Some(OcspSigner::Wrong { why }) = staple.signer.get() {
        return Ok(Some(why.clone()));
    }
    match (staple.this_update, staple.next_update) {
        (_, Some(to)) if to < now => return Ok(Some(format!("it was valid until {}", text::date(to)))),
        (Some(from), _) if from > now => {
            return Ok(Some(format!("it is not valid before {}", text::date(from))));
        }
        _ => {}
    }
    match staple.signer.why() {
        Some(why) => Err(why.clone()),
        None => Ok(None),
    }
}

/// Why the private key of a certificate is no secret, as a clause; none if no reason is known.
pub(crate) fn broken_key(certificate: &CertificateFacts) -> Option<&'static str> {
    let RsaFacts { factorable, roca, debian_weak, exponent, .. } = certificate.key.rsa.as_ref()?;
    if factorable.is_some() {
        Some("its modulus is factored with ease")
    } else if *roca {
        Some("it was made by the library with the ROCA flaw")
    } else if debian_weak.get() == Some(&true) {
        Some("it is one of the keys that Debian's OpenSSL of 2006 to 2008 could make")
    } else if exponent == "1" {
        Some("its exponent is 1")
    } else {
        None
    }
}
