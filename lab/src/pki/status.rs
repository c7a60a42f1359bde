//! What the lab's issuer says about a certificate when asked: OCSP responses (RFC 6960) and
//! revocation lists (RFC 5280 section 5), sound ones and others.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, PublicKeyData, RevocationReason,
    RevokedCertParams, SerialNumber, SigningKey,
};
use time::{Duration, OffsetDateTime};

use super::{der, weak::common_name};

/// What the issuer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// The certificate is good.
    Good,
    /// It is revoked since yesterday: keyCompromise.
    Revoked,
    /// It was good, by a statement that ended a week ago.
    Expired,
    /// It is good, by a statement that somebody else signed.
    Forged,
    /// OCSP is refused (`unauthorized`); the list is sound.
    Unauthorized,
}

/// The issuer at its desk.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

struct Inner {
    /// Common name of the issuer.
    name: &'static str,
    issuer: Issuer<'static, KeyPair>,
    /// Signs forgeries: the same name, another key.
    impostor: Issuer<'static, KeyPair>,
    now: OffsetDateTime,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Desk").field(&self.0.name).finish()
    }
}

/// The serial number of a host's certificate: 16 bytes, so that everybody here knows it.
pub(crate) fn serial_of(host: &str) -> [u8; 16] {
    let hash = digest(&SHA256, host.as_bytes());
    let mut serial = [0; 16];
    serial.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    // Positive, and as long as it looks.
    if let Some(first) = serial.first_mut() {
        *first = 0x40 | (*first & 0x3f);
    }
    serial
}

impl Desk {
    pub(crate) fn new(
        name: &'static str,
        issuer: Issuer<'static, KeyPair>,
        impostor: Issuer<'static, KeyPair>,
        now: OffsetDateTime,
    ) -> Self {
        Self(Arc::new(Inner { name, issuer, impostor, now }))
    }

    fn signer(&self, says: Says) -> &Issuer<'static, KeyPair> {
        if says == Says::Forged { &self.0.impostor } else { &self.0.issuer }
    }

    /// From when to when a statement holds.
    fn dates(&self, says: Says) -> (OffsetDateTime, OffsetDateTime) {
        let at = |days| self.0.now + Duration::days(days);
        if says == Says::Expired { (at(-14), at(-7)) } else { (at(-1), at(6)) }
    }

    /// The list that a host's certificate refers to.
    pub(crate) fn list(&self, host: &str, says: Says) -> Result<Vec<u8>, rcgen::Error> {
        let (this_update, next_update) = self.dates(says);
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from_slice(&serial_of(host)),
            revocation_time: this_update,
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: if says == Says::Revoked { vec![revoked] } else { Vec::new() },
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(self.signer(says))?.der().to_vec())
    }

    /// A response about a host's certificate without a request, for stapling.
    pub(crate) fn staple(&self, host: &str, says: Says) -> Result<Vec<u8>, rcgen::Error> {
        let sha1 = |bytes: &[u8]| digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec();
        let key = self.0.issuer.key().der_bytes().to_vec();
        let id = der::group(
            der::SEQUENCE,
            &[
                // SHA-1.
                der::group(der::SEQUENCE, &[der::value(der::OBJECT_IDENTIFIER, &[0x2b, 0x0e, 3, 2, 0x1a])]),
                der::value(der::OCTET_STRING, &sha1(&common_name(self.0.name))),
                der::value(der::OCTET_STRING, &sha1(&key)),
                der::unsigned(&serial_of(host)),
            ],
        );
        self.response(says, &id, &[])
    }

    /// The response to a request; `malformedRequest` where it cannot be read.
    pub(crate) fn answer(&self, request: &[u8], says: Says) -> Result<Vec<u8>, rcgen::Error> {
        match question(request) {
            Some((id, extensions)) => self.response(says, id, extensions),
            None => Ok(refusal(1)),
        }
    }

    /// A response about a CertID, with these extensions (an encoded list, or nothing).
    fn response(&self, says: Says, id: &[u8], extensions: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        if says == Says::Unauthorized {
            return Ok(refusal(6));
        }
        let (this_update, next_update) = self.dates(says);
        let status = match says {
            // revocationTime, and the reason keyCompromise (1).
            Says::Revoked => {
                let reason = der::value(0xa0, &der::value(der::ENUMERATED, &[1]));
                der::group(0xa1, &[der::moment(this_update), reason])
            }
            _ => der::value(0x80, &[]),
        };
        let next = der::value(0xa0, &der::moment(next_update));
        let single = der::group(der::SEQUENCE, &[id.to_vec(), status, der::moment(this_update), next]);
        let mut data = vec![
            der::value(0xa1, &common_name(self.0.name)),
            der::moment(this_update),
            der::group(der::SEQUENCE, &[single]),
        ];
        if !extensions.is_empty() {
            data.push(der::value(0xa1, extensions));
        }
        let data = der::group(der::SEQUENCE, &data);
        let signature = self.signer(says).key().sign(&data)?;
        // ecdsa-with-SHA256, 1.2.840.10045.4.3.2
        let algorithm = der::value(der::OBJECT_IDENTIFIER, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
        let algorithm = der::group(der::SEQUENCE, &[algorithm]);
        let basic = der::group(der::SEQUENCE, &[data, algorithm, der::bits(&signature)]);
        // id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1
        let kind = der::value(der::OBJECT_IDENTIFIER, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]);
        let bytes = der::group(der::SEQUENCE, &[kind, der::value(der::OCTET_STRING, &basic)]);
        Ok(der::group(der::SEQUENCE, &[der::value(der::ENUMERATED, &[0]), der::value(0xa0, &bytes)]))
    }
}

/// A response that is no answer.
fn refusal(status: u8) -> Vec<u8> {
    der::group(der::SEQUENCE, &[der::value(der::ENUMERATED, &[status])])
}

/// The first CertID of a request, and its extensions as an encoded list.
fn question(request: &[u8]) -> Option<(&[u8], &[u8])> {
    let outer = der::read(request)?;
    let body = der::read(outer.content)?;
    let list = der::read(body.content)?;
    let first = der::read(list.content)?;
    let id = der::read(first.content)?;
    let extensions = der::read(list.rest).filter(|e| e.tag == 0xa2).map(|e| e.content).unwrap_or_default();
    Some((id.whole, extensions))
}
