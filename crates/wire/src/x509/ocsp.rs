//! OCSP (RFC 6960): the question about a certificate, and what a response says.
//!
//! Times play no part here: whether a response is current is for a check to say.

use thiserror::Error;
use waxseal_model::{
    Cause, Observed,
    revocation::{OcspFacts, OcspResponseStatus, OcspSigner, RevocationStatus, SctFacts},
};
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use super::{
    algorithms::{Digest, algorithm_oid},
    der, dn,
    facts::hex,
    parsed::Parsed,
    sct::sct_list,
    signature::SignatureError,
    signed::{self, Signed},
};

/// Largest response that is read, in bytes. Real ones have up to some thousand.
pub const MAX_OCSP: usize = 128 * 1024;

/// Most answers of one response that are looked at.
const MAX_ANSWERS: usize = 100;

/// Most certificates of a response that are looked at.
const MAX_DELEGATES: usize = 5;

/// id-pkix-ocsp-basic, id-pkix-ocsp-nonce and the extension with timestamps.
const BASIC: &str = "1.3.6.1.5.5.7.48.1.1";
const NONCE: &str = "1.3.6.1.5.5.7.48.1.2";
const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.5";
/// id-kp-OCSPSigning (RFC 6960 section 4.2.2.2).
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

/// Why a response cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OcspError {
    /// More than [`MAX_OCSP`] bytes.
    #[error("the OCSP response is larger than any real one")]
    TooLarge,
    /// Not an OCSP response.
    #[error("it is no OCSP response: {0} cannot be read")]
    Malformed(&'static str),
    /// A response of a kind that RFC 6960 does not define.
    #[error("the OCSP response is of an unknown kind")]
    UnknownKind,
    /// The certificate in question cannot be read.
    #[error("the certificate that it is about cannot be read")]
    Certificate,
}

/// Asks for the status of one certificate of an issuer (RFC 6960 section 4.1), both DER, with
/// a nonce if one is given (RFC 9654). None if a certificate cannot be read.
///
/// The certificate is named by SHA-1, which every responder knows (RFC 5019 section 2.1.1);
/// nothing depends on the strength of that digest.
pub fn ocsp_request(certificate: &[u8], issuer: &[u8], nonce: Option<&[u8; 16]>) -> Option<Vec<u8>> {
    let (certificate, issuer) = (Parsed::new(certificate).ok()?, Parsed::new(issuer).ok()?);
    // sha1 with the NULL that RFC 3370 section 2.1 has everyone expect.
    let algorithm = [0x30, 9, 0x06, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
    let name = Digest::Sha1.of(certificate.certificate.issuer.as_raw());
    let key = Digest::Sha1.of(issuer.certificate.subject_pki.subject_public_key.data.as_ref());
    let id = element(
        der::SEQUENCE,
        &[
            algorithm.to_vec(),
            element(der::OCTET_STRING, &[name]),
            element(der::OCTET_STRING, &[key]),
            element(der::INTEGER, &[certificate.certificate.raw_serial().to_vec()]),
        ],
    );
    let list = element(der::SEQUENCE, &[element(der::SEQUENCE, &[id])]);
    let extensions = nonce.map(|nonce| {
        let oid = [0x06, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2].to_vec();
        let value = element(der::OCTET_STRING, &[element(der::OCTET_STRING, &[nonce.to_vec()])]);
        element(0xa2, &[element(der::SEQUENCE, &[element(der::SEQUENCE, &[oid, value])])])
    });
    let request = element(der::SEQUENCE, &[list, extensions.unwrap_or_default()]);
    Some(element(der::SEQUENCE, &[request]))
}

/// An element of these parts, up to 64 KiB long.
fn element(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match (u8::try_from(content.len()), u16::try_from(content.len())) {
        (Ok(short @ 0..0x80), _) => out.push(short),
        (Ok(long), _) => out.extend([0x81, long]),
        (_, Ok(longer)) => {
            out.push(0x82);
            out.extend(longer.to_be_bytes());
        }
        // Serial numbers are bounded by the size of certificates, above which nothing is read.
        _ => return Vec::new(),
    }
    out.extend(content);
    out
}

/// Reads a response about a certificate, and verifies it with the certificate's issuer where
/// that is known; all in DER. `nonce` is what was sent, if one was.
///
/// # Errors
/// It is no such response, or the certificate cannot be read.
pub fn ocsp_facts(
    response: &[u8],
    certificate: &[u8],
    issuer: Option<&[u8]>,
    nonce: Option<&[u8; 16]>,
) -> Result<OcspFacts, OcspError> {
    if response.len() > MAX_OCSP {
        return Err(OcspError::TooLarge);
    }
    let certificate = Parsed::new(certificate).map_err(|_| OcspError::Certificate)?;
    let issuer = issuer.and_then(|der| Parsed::new(der).ok());
    let (status, basic) = envelope(response)?;
    let mut facts = OcspFacts {
        response: status,
        status: None,
        produced_at: None,
        this_update: None,
        next_update: None,
        responder: None,
        signer: Observed::not_tried(Cause::Prerequisite, "the responder gave no answer"),
        nonce: None,
        scts: Vec::new(),
    };
    let Some(basic) = basic else { return Ok(facts) };
    let signed = Signed::new(basic).ok_or(OcspError::Malformed("its signed part"))?;
    let data = Data::new(signed.message).ok_or(OcspError::Malformed("its signed part"))?;
    if let Some(answer) = data.about(&certificate, issuer.as_ref())? {
        facts.status = Some(answer.status);
        facts.this_update = Some(answer.this_update);
        facts.next_update = answer.next_update;
        facts.scts = answer.scts;
    }
    facts.produced_at = Some(data.produced_at);
    facts.responder = Some(data.responder.to_string());
    facts.nonce = nonce.map(|sent| data.nonce == Some(sent.as_slice()));
    facts.signer = match &issuer {
        Some(issuer) => signer(&signed, &data, issuer),
        None => Observed::not_tried(
            Cause::Prerequisite,
            "the issuer's certificate is not known, so that the response cannot be verified",
        ),
    };
    Ok(facts)
}

/// Status and basic response of an OCSPResponse (RFC 6960 section 4.2.1).
fn envelope(bytes: &[u8]) -> Result<(OcspResponseStatus, Option<&[u8]>), OcspError> {
    let malformed = || OcspError::Malformed("its envelope");
    let mut content = der::whole(bytes, der::SEQUENCE).ok_or_else(malformed)?;
    let status =
        der::expect(&mut content, der::ENUMERATED).and_then(der::small_integer).ok_or_else(malformed)?;
    let status = match status {
        0 => OcspResponseStatus::Successful,
        1 => OcspResponseStatus::MalformedRequest,
        2 => OcspResponseStatus::InternalError,
        3 => OcspResponseStatus::TryLater,
        5 => OcspResponseStatus::SigRequired,
        6 => OcspResponseStatus::Unauthorized,
        _ => return Err(OcspError::Malformed("its status")),
    };
    let explicit = der::optional(&mut content, 0xa0).ok_or_else(malformed)?;
    if status != OcspResponseStatus::Successful {
        return Ok((status, None));
    }
    let mut inner = explicit.and_then(|e| der::whole(e, der::SEQUENCE)).ok_or_else(malformed)?;
    let kind = der::expect(&mut inner, der::OBJECT_IDENTIFIER).ok_or_else(malformed)?;
    if signed::oid(kind) != BASIC {
        return Err(OcspError::UnknownKind);
    }
    let basic = der::expect(&mut inner, der::OCTET_STRING).ok_or_else(malformed)?;
    Ok((status, Some(basic)))
}

/// Who signed, as the response has it.
enum Responder<'a> {
    /// A name: encoded, and as text.
    Name(&'a [u8], String),
    /// SHA-1 of the key.
    Key(&'a [u8]),
}

impl Responder<'_> {
    fn is(&self, candidate: &Parsed<'_>) -> bool {
        match self {
            Self::Name(raw, _) => X509Name::from_der(raw)
                .is_ok_and(|(_, name)| dn::CanonicalName::new(&name) == candidate.subject),
            Self::Key(hash) => {
                let key = candidate.certificate.subject_pki.subject_public_key.data.as_ref();
                Digest::Sha1.of(key) == *hash
            }
        }
    }
}

impl std::fmt::Display for Responder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(_, text) => f.write_str(text),
            Self::Key(hash) => write!(f, "key {}", hex(hash.get(..20).unwrap_or(hash))),
        }
    }
}

/// ResponseData (RFC 6960 section 4.2.1).
struct Data<'a> {
    responder: Responder<'a>,
    produced_at: i64,
    answers: &'a [u8],
    nonce: Option<&'a [u8]>,
}

impl<'a> Data<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut content = der::whole(bytes, der::SEQUENCE)?;
        der::optional(&mut content, 0xa0)?;
        let responder = match der::take(content)? {
            (name, rest) if name.tag == 0xa1 => {
                content = rest;
                let (_, parsed) = X509Name::from_der(name.content).ok()?;
                Responder::Name(name.content, dn::rfc4514(&parsed))
            }
            (key, rest) if key.tag == 0xa2 => {
                content = rest;
                Responder::Key(der::whole(key.content, der::OCTET_STRING)?)
            }
            _ => return None,
        };
        let produced_at = der::time(&mut content)?;
        let answers = der::expect(&mut content, der::SEQUENCE)?;
        let nonce = match der::optional(&mut content, 0xa1)? {
            Some(list) => signed::extensions(list)?
                .into_iter()
                .find(|e| e.oid == NONCE)
                // Some responders leave out the inner OCTET STRING.
                .map(|e| der::whole(e.value, der::OCTET_STRING).unwrap_or(e.value)),
            None => None,
        };
        Some(Self { responder, produced_at, answers, nonce })
    }

    /// The answer about a certificate, if there is one.
    fn about(
        &self,
        certificate: &Parsed<'_>,
        issuer: Option<&Parsed<'_>>,
    ) -> Result<Option<Answer>, OcspError> {
        let malformed = OcspError::Malformed("an answer in it");
        let mut rest = self.answers;
        for _ in 0..MAX_ANSWERS {
            if rest.is_empty() {
                break;
            }
            let mut content = der::expect(&mut rest, der::SEQUENCE).ok_or(malformed)?;
            let id = der::expect(&mut content, der::SEQUENCE).ok_or(malformed)?;
            if is_about(id, certificate, issuer).ok_or(malformed)? {
                return Answer::new(content).map(Some).ok_or(malformed);
            }
        }
        Ok(None)
    }
}

/// Whether a CertID names the certificate: by its serial number, the digest of its issuer's
/// name, and that of the issuer's key where the issuer is known.
fn is_about(mut id: &[u8], certificate: &Parsed<'_>, issuer: Option<&Parsed<'_>>) -> Option<bool> {
    let algorithm = der::expect_raw(&mut id, der::SEQUENCE)?;
    let name = der::expect(&mut id, der::OCTET_STRING)?;
    let key = der::expect(&mut id, der::OCTET_STRING)?;
    let serial = der::expect(&mut id, der::INTEGER)?;
    // A digest that nobody knows names nobody.
    let Some(digest) = algorithm_oid(algorithm).and_then(|(oid, _)| Digest::from_oid(&oid)) else {
        return Some(false);
    };
    let key_is_right = issuer.is_none_or(|issuer| {
        digest.of(issuer.certificate.subject_pki.subject_public_key.data.as_ref()) == key
    });
    Some(
        serial == certificate.certificate.raw_serial()
            && digest.of(certificate.certificate.issuer.as_raw()) == name
            && key_is_right,
    )
}

/// SingleResponse without its CertID.
struct Answer {
    status: RevocationStatus,
    this_update: i64,
    next_update: Option<i64>,
    scts: Vec<SctFacts>,
}

impl Answer {
    fn new(mut content: &[u8]) -> Option<Self> {
        let (status, rest) = der::take(content)?;
        content = rest;
        let status = match status.tag {
            0x80 => RevocationStatus::Good,
            0x82 => RevocationStatus::Unknown,
            0xa1 => {
                let mut revoked = status.content;
                let at = der::time(&mut revoked)?;
                let reason = der::optional(&mut revoked, 0xa0)?.and_then(signed::reason_in);
                RevocationStatus::Revoked { at, reason }
            }
            _ => return None,
        };
        let this_update = der::time(&mut content)?;
        let next_update = match der::optional(&mut content, 0xa0)? {
            Some(mut explicit) => Some(der::time(&mut explicit)?),
            None => None,
        };
        let extensions = match der::optional(&mut content, 0xa1)? {
            Some(list) => signed::extensions(list)?,
            None => Vec::new(),
        };
        let scts = extensions.iter().find(|e| e.oid == SCT_LIST);
        let scts = scts
            .and_then(|e| der::whole(e.value, der::OCTET_STRING))
            .and_then(|list| sct_list(list).ok())
            .unwrap_or_default();
        Some(Self { status, this_update, next_update, scts })
    }
}

/// Whose signature the response bears (RFC 6960 section 4.2.2.2).
fn signer(signed: &Signed<'_>, data: &Data<'_>, issuer: &Parsed<'_>) -> Observed<OcspSigner> {
    let wrong = |why: &str| Observed::seen(OcspSigner::Wrong { why: why.to_owned() });
    if data.responder.is(issuer) {
        return verified(signed, issuer, OcspSigner::Issuer);
    }
    let mut rest = signed.rest;
    let list = der::optional(&mut rest, 0xa0).flatten().and_then(|list| der::whole(list, der::SEQUENCE));
    let mut list = list.unwrap_or_default();
    for _ in 0..MAX_DELEGATES {
        let Some(raw) = der::expect_raw(&mut list, der::SEQUENCE) else { break };
        let Ok(delegate) = Parsed::new(raw) else { continue };
        if !data.responder.is(&delegate) {
            continue;
        }
        if !delegate.may_be_issued_by(issuer) {
            return wrong("its signer was not charged with it by the certificate's issuer");
        }
        match delegate.verify_signed_by(issuer) {
            Ok(()) => {}
            Err(SignatureError::Unsupported { what }) => return Observed::failed(Cause::Unsupported, what),
            Err(_) => {
                return wrong("the certificate of its signer is not signed by the certificate's issuer");
            }
        }
        let may_sign = delegate.extended_key_usage().is_some_and(|u| u.iter().any(|u| u == OCSP_SIGNING));
        if !may_sign {
            return wrong("its signer may not sign OCSP responses (no OCSPSigning among its usages)");
        }
        let validity = &delegate.certificate.validity;
        let dates = validity.not_before.timestamp()..=validity.not_after.timestamp();
        if !dates.contains(&data.produced_at) {
            return wrong("the certificate of its signer was not valid when it was signed");
        }
        return verified(signed, &delegate, OcspSigner::Delegate);
    }
    wrong("it is signed by somebody else than the certificate's issuer")
}

fn verified(signed: &Signed<'_>, by: &Parsed<'_>, signer: OcspSigner) -> Observed<OcspSigner> {
    match signed.verify(&by.certificate.subject_pki) {
        Ok(()) => Observed::seen(signer),
        Err(error @ SignatureError::Unsupported { .. }) => {
            Observed::failed(Cause::Unsupported, error.to_string())
        }
        Err(_) => Observed::seen(OcspSigner::Wrong { why: "its signature does not verify".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair};

    fn certificate() -> Vec<u8> {
        let params = CertificateParams::new(vec!["mx.example.com".to_owned()]).unwrap();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_refusal_is_no_answer() {
        let der = certificate();
        let facts = ocsp_facts(&[0x30, 3, 0x0a, 1, 6], &der, None, None).unwrap();
        assert_eq!((facts.response, facts.status.clone()), (OcspResponseStatus::Unauthorized, None));
        assert!(facts.authentic_status().is_none());
        assert_eq!(
            ocsp_facts(&[0x30, 3, 0x0a, 1, 4], &der, None, None),
            Err(OcspError::Malformed("its status"))
        );
        assert_eq!(ocsp_facts(b"<html>", &der, None, None), Err(OcspError::Malformed("its envelope")));
        assert_eq!(ocsp_facts(&vec![0; MAX_OCSP + 1], &der, None, None), Err(OcspError::TooLarge));
        assert_eq!(ocsp_facts(&[0x30, 3, 0x0a, 1, 6], b"", None, None), Err(OcspError::Certificate));
    }

    #[test]
    fn lengths_are_written_in_their_shortest_form() {
        assert_eq!(element(4, &[vec![1; 127]])[..2], [4, 127]);
        assert_eq!(element(4, &[vec![1; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[vec![1; 300]])[..4], [4, 0x82, 1, 44]);
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let der = CERTIFICATE.with(Clone::clone);
            let _ = ocsp_facts(&bytes, &der, Some(&der), None);
        }
    }

    thread_local! {
        static CERTIFICATE: Vec<u8> = certificate();
    }
}
