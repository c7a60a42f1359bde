//! What issuers and logs say about certificates: OCSP, revocation lists, timestamps.

use waxseal_model::{
    CertificateFacts, Observed, PresentedChain,
    certificate::{ModulusFlaw, RsaFacts},
    revocation::{
        CrlFacts, OcspFacts, OcspResponseStatus, OcspSigner, RevocationFacts, RevocationStatus, SctFacts,
    },
};

use crate::when;

/// A label and what stands behind it.
pub(crate) type Line = (&'static str, String);

/// What came along with a chain in the handshake.
pub(crate) fn of_handshake(chain: &PresentedChain, now: i64) -> Vec<Line> {
    let mut lines = Vec::new();
    said("OCSP staple", &chain.staple, &mut lines, |staple| match staple {
        Some(facts) => ocsp(facts, now),
        None => "none".into(),
    });
    said("Timestamps in the handshake", &chain.handshake_scts, &mut lines, |scts| logs(scts));
    if let Observed::Failed { why } = &chain.revocation {
        lines.push(("Revocation", format!("not known: {}", why.text)));
    }
    lines
}

/// What was found out about one certificate of a chain by asking its issuer.
pub(crate) fn of_certificate(chain: &PresentedChain, at: usize, now: i64) -> Vec<Line> {
    let its = |r: &&RevocationFacts| usize::try_from(r.certificate) == Ok(at);
    let mut lines = Vec::new();
    if let Some(facts) = chain.revocation.get().and_then(|all| all.iter().find(its)) {
        said("OCSP", &facts.ocsp, &mut lines, |facts| ocsp(facts, now));
        said("Revocation list", &facts.crl, &mut lines, |facts| crl(facts, now));
    }
    lines
}

/// How far the issuer looked into the subject, for how long it vouches, and which logs know.
pub(crate) fn of_leaf(c: &CertificateFacts) -> Vec<Line> {
    let mut lines = Vec::new();
    let validated = c.validation.map(|v| format!("{}, ", v.label())).unwrap_or_default();
    lines.push(("Issued", format!("{validated}for {}", when::span(c.lifetime()))));
    said("Timestamps", &c.scts, &mut lines, |scts| logs(scts));
    lines
}

/// What is wrong with an RSA key beyond its length; empty where nothing is.
pub(crate) fn of_key(rsa: &RsaFacts) -> String {
    let mut flaws: Vec<String> = Vec::new();
    if let Some(flaw) = &rsa.factorable {
        flaws.push(match flaw {
            ModulusFlaw::SmallFactor { factor } => format!("FACTORED: divisible by {factor}"),
            ModulusFlaw::ClosePrimes => "FACTORED: its primes are close together".into(),
            ModulusFlaw::SharedPrime => "FACTORED: a prime in common with another key".into(),
        });
    }
    if rsa.roca {
        flaws.push("made by a library with ROCA".into());
    }
    if rsa.debian_weak.get() == Some(&true) {
        flaws.push("among Debian's weak keys of 2006 to 2008".into());
    }
    if rsa.pss_only {
        flaws.push("for PSS alone".into());
    }
    if rsa.exponent != "65537" {
        flaws.push(format!("exponent {}", rsa.exponent));
    }
    flaws.join(", ")
}

fn said<T>(label: &'static str, observed: &Observed<T>, lines: &mut Vec<Line>, words: impl Fn(&T) -> String) {
    match observed {
        Observed::Seen { value } => lines.push((label, words(value))),
        Observed::NotTried { why } | Observed::Failed { why } if !why.cause.is_by_design() => {
            lines.push((label, format!("not known: {}", why.text)));
        }
        Observed::NotTried { .. } | Observed::Failed { .. } => {}
    }
}

/// `2, the newest of 2026-10-24`.
fn logs(scts: &[SctFacts]) -> String {
    let newest = scts.iter().map(|s| s.timestamp / 1000).max().and_then(|s| i64::try_from(s).ok());
    match newest {
        Some(newest) => format!("{}, the newest of {}", scts.len(), when::date(newest)),
        None => "none".into(),
    }
}

fn status(status: &RevocationStatus) -> String {
    match status {
        RevocationStatus::Good => "good".into(),
        RevocationStatus::Revoked { at, reason: Some(reason) } => {
            format!("REVOKED on {} ({reason})", when::date(*at))
        }
        RevocationStatus::Revoked { at, reason: None } => format!("REVOKED on {}", when::date(*at)),
        RevocationStatus::Unknown => "the issuer does not know it".into(),
    }
}

fn ocsp(facts: &OcspFacts, now: i64) -> String {
    if facts.response != OcspResponseStatus::Successful {
        return format!("no answer: {}", facts.response.label());
    }
    let mut words =
        vec![facts.status.as_ref().map_or_else(|| "says nothing about this certificate".into(), status)];
    match &facts.signer {
        Observed::Seen { value: OcspSigner::Wrong { why } } => {
            words.push(format!("NOT SIGNED BY THE ISSUER: {why}"));
        }
        Observed::Seen { value: OcspSigner::Issuer | OcspSigner::Delegate } => {}
        Observed::NotTried { why } | Observed::Failed { why } => {
            words.push(format!("signature not checked: {}", why.text));
        }
    }
    words.extend(term(facts.is_current(now), facts.next_update));
    words.join(", ")
}

fn crl(facts: &CrlFacts, now: i64) -> String {
    let mut words = vec![status(&facts.status)];
    if facts.signed_by_issuer.get() == Some(&false) {
        words.push("NOT SIGNED BY THE ISSUER".into());
    } else if let Some(why) = facts.signed_by_issuer.why() {
        words.push(format!("signature not checked: {}", why.text));
    }
    if !facts.covers {
        words.push("does not cover this certificate".into());
    }
    words.extend(term(facts.is_current(now), facts.next_update));
    words.push(when::count(facts.entries, "certificate") + " on it");
    words.join(", ")
}

/// Until when an answer holds.
fn term(current: bool, next_update: Option<i64>) -> Option<String> {
    match (current, next_update) {
        (true, Some(at)) => Some(format!("valid to {}", when::date(at))),
        (true, None) => None,
        (false, Some(at)) => Some(format!("NOT CURRENT, was valid to {}", when::date(at))),
        (false, None) => Some("NOT CURRENT".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> OcspFacts {
        OcspFacts {
            response: OcspResponseStatus::Successful,
            status: Some(RevocationStatus::Good),
            produced_at: Some(0),
            this_update: Some(0),
            next_update: Some(86_400),
            responder: None,
            signer: Observed::seen(OcspSigner::Issuer),
            nonce: None,
            scts: Vec::new(),
        }
    }

    #[test]
    fn an_answer_is_only_called_good_with_what_speaks_against_it() {
        assert_eq!(ocsp(&answer(), 5), "good, valid to 1970-01-02");
        assert_eq!(ocsp(&answer(), 90_000), "good, NOT CURRENT, was valid to 1970-01-02");
        let wrong = OcspSigner::Wrong { why: "it is signed by the leaf".into() };
        let forged = OcspFacts { signer: Observed::seen(wrong), ..answer() };
        assert!(ocsp(&forged, 5).contains("NOT SIGNED BY THE ISSUER: it is signed by the leaf"));
        let late = OcspFacts { response: OcspResponseStatus::TryLater, ..answer() };
        assert_eq!(ocsp(&late, 5), "no answer: tryLater");
    }

    #[test]
    fn a_revoked_certificate_says_since_when_and_why() {
        let revoked = RevocationStatus::Revoked { at: 0, reason: Some("keyCompromise".into()) };
        assert_eq!(status(&revoked), "REVOKED on 1970-01-01 (keyCompromise)");
    }

    #[test]
    fn what_is_wrong_with_a_key_is_named() {
        let mut rsa = RsaFacts {
            exponent: "65537".into(),
            pss_only: false,
            factorable: None,
            roca: false,
            debian_weak: Observed::seen(false),
        };
        assert_eq!(of_key(&rsa), "");
        rsa.factorable = Some(ModulusFlaw::SmallFactor { factor: 3 });
        (rsa.roca, rsa.exponent) = (true, "3".into());
        assert_eq!(of_key(&rsa), "FACTORED: divisible by 3, made by a library with ROCA, exponent 3");
    }
}
