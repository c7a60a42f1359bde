//! Certificate revocation lists (RFC 5280 section 5), read for one certificate at a time.

use thiserror::Error;
use waxseal_model::{
    Cause, Observed,
    revocation::{CrlFacts, RevocationStatus},
};
use x509_parser::{prelude::FromDer, x509::X509Name};

use super::{
    der,
    dn::CanonicalName,
    extensions,
    parsed::Parsed,
    signature::SignatureError,
    signed::{self, Signed},
};
use crate::text::neutralise;

/// Largest list that is read, in bytes. The largest of public CAs have some ten million.
pub const MAX_CRL: usize = 32 * 1024 * 1024;

/// Longest URL that is kept, in characters.
const MAX_URL: usize = 300;

/// Extensions of lists (RFC 5280 section 5.2) and of entries (section 5.3).
const ISSUING_DISTRIBUTION_POINT: &str = "2.5.29.28";
const DELTA_INDICATOR: &str = "2.5.29.27";
const REASON_CODE: &str = "2.5.29.21";

/// Why a list cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CrlError {
    /// More than [`MAX_CRL`] bytes.
    #[error("the revocation list is larger than {} MiB", MAX_CRL / (1024 * 1024))]
    TooLarge,
    /// Not a revocation list in DER.
    #[error("it is no revocation list in DER")]
    Malformed,
    /// The certificate in question cannot be read.
    #[error("the certificate that is looked for cannot be read")]
    Certificate,
    /// A list of another issuer.
    #[error("the list is of another issuer than the certificate")]
    OtherIssuer,
}

/// Looks for a certificate in the list of its issuer; all in DER. `url` is where the list was
/// fetched.
///
/// # Errors
/// It is no list, or one of another issuer.
pub fn crl_facts(list: &[u8], url: &str, certificate: &[u8], issuer: &[u8]) -> Result<CrlFacts, CrlError> {
    if list.len() > MAX_CRL {
        return Err(CrlError::TooLarge);
    }
    let parsed = Parsed::new(certificate).map_err(|_| CrlError::Certificate)?;
    let issuer = Parsed::new(issuer).map_err(|_| CrlError::Certificate)?;
    let signed = Signed::new(list).ok_or(CrlError::Malformed)?;
    let list = List::new(signed.message).ok_or(CrlError::Malformed)?;
    if list.issuer != parsed.issuer {
        return Err(CrlError::OtherIssuer);
    }
    let (status, entries) = list.look_for(parsed.certificate.raw_serial()).ok_or(CrlError::Malformed)?;
    let is_ca = parsed.basic_constraints().present().is_some_and(|found| found.ca);
    // RFC 5280 section 5.1.1.2: the algorithm without and within must be the same.
    let verdict = if list.algorithm == signed.algorithm {
        signed.verify(&issuer.certificate.subject_pki)
    } else {
        Err(SignatureError::Wrong)
    };
    let signed_by_issuer = match verdict {
        Ok(()) => Observed::seen(true),
        Err(error @ SignatureError::Unsupported { .. }) => {
            Observed::failed(Cause::Unsupported, error.to_string())
        }
        Err(_) => Observed::seen(false),
    };
    Ok(CrlFacts {
        url: neutralise(url.as_bytes(), MAX_URL),
        this_update: list.this_update,
        next_update: list.next_update,
        entries,
        status,
        signed_by_issuer,
        covers: list.covers(&extensions::crl_urls(&parsed), is_ca),
    })
}

/// TBSCertList.
struct List<'a> {
    algorithm: &'a [u8],
    issuer: CanonicalName,
    this_update: i64,
    next_update: Option<i64>,
    entries: &'a [u8],
    extensions: Vec<signed::Extension<'a>>,
}

impl<'a> List<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut content = der::whole(bytes, der::SEQUENCE)?;
        der::optional(&mut content, der::INTEGER)?;
        let algorithm = der::expect_raw(&mut content, der::SEQUENCE)?;
        let name = der::expect_raw(&mut content, der::SEQUENCE)?;
        let (_, name) = X509Name::from_der(name).ok()?;
        let this_update = der::time(&mut content)?;
        let next_update = match content.first() {
            Some(&(der::UTC_TIME | der::GENERALIZED_TIME)) => Some(der::time(&mut content)?),
            _ => None,
        };
        let entries = der::optional(&mut content, der::SEQUENCE)?.unwrap_or_default();
        let extensions = match der::optional(&mut content, 0xa0)? {
            Some(list) => signed::extensions(list)?,
            None => Vec::new(),
        };
        let issuer = CanonicalName::new(&name);
        content.is_empty().then_some(Self {
            algorithm,
            issuer,
            this_update,
            next_update,
            entries,
            extensions,
        })
    }

    /// The status of a serial number, and the number of entries.
    fn look_for(&self, wanted: &[u8]) -> Option<(RevocationStatus, u32)> {
        let mut rest = self.entries;
        let mut count = 0u32;
        let mut found = RevocationStatus::Good;
        while !rest.is_empty() {
            let mut entry = der::expect(&mut rest, der::SEQUENCE)?;
            let serial = der::expect(&mut entry, der::INTEGER)?;
            count = count.saturating_add(1);
            if serial == wanted {
                let at = der::time(&mut entry)?;
                let reason = entry_reason(entry);
                found = RevocationStatus::Revoked { at, reason };
            }
        }
        Some((found, count))
    }

    /// True if the list is about all certificates of its issuer, or about those of one of
    /// these distribution points, for all reasons (RFC 5280 section 5.2.5).
    fn covers(&self, urls: &[String], is_ca: bool) -> bool {
        self.extensions.iter().all(|extension| match extension.oid.as_str() {
            DELTA_INDICATOR => false,
            ISSUING_DISTRIBUTION_POINT => point_covers(extension.value, urls, is_ca).unwrap_or(false),
            _ => !extension.critical,
        })
    }
}

/// The reason of an entry, from what follows its date.
fn entry_reason(mut rest: &[u8]) -> Option<String> {
    let list = der::expect_raw(&mut rest, der::SEQUENCE)?;
    let extension = signed::extensions(list)?.into_iter().find(|e| e.oid == REASON_CODE)?;
    signed::reason_in(extension.value)
}

/// Whether an IssuingDistributionPoint takes in a certificate with these distribution points.
fn point_covers(value: &[u8], urls: &[String], is_ca: bool) -> Option<bool> {
    let fields = der::elements(der::whole(value, der::SEQUENCE)?)?;
    let mut covers = true;
    for field in fields {
        let is_set = field.content.iter().any(|b| *b != 0);
        covers &= match field.tag {
            // distributionPoint, and in it fullName with URIs.
            0xa0 => match der::take(field.content)? {
                (names, []) if names.tag == 0xa0 => der::elements(names.content)?
                    .iter()
                    .any(|n| n.tag == 0x86 && urls.iter().any(|u| u.as_bytes() == n.content)),
                _ => false,
            },
            // onlyContainsUserCerts, onlyContainsCACerts.
            0x81 => !is_set || !is_ca,
            0x82 => !is_set || is_ca,
            // onlySomeReasons, indirectCRL, onlyContainsAttributeCerts.
            0x83 => false,
            0x84 | 0x85 => !is_set,
            _ => false,
        };
    }
    Some(covers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
        CrlIssuingDistributionPoint, CrlScope, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
        RevocationReason, RevokedCertParams, SerialNumber,
    };

    const URL: &str = "http://crl.example/1.crl";

    struct Ca {
        der: Vec<u8>,
        issuer: Issuer<'static, KeyPair>,
    }

    fn ca() -> Ca {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Ca { der, issuer: Issuer::new(params, key) }
    }

    fn leaf(ca: &Ca, serial: u8) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["mx.example.com".to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from_slice(&[serial]));
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![URL.into()] }];
        params.signed_by(&KeyPair::generate().unwrap(), &ca.issuer).unwrap().der().to_vec()
    }

    fn list(ca: &Ca, serial: u8, point: Option<&str>) -> Vec<u8> {
        let date = rcgen::date_time_ymd;
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[serial]),
            revocation_time: date(2026, 1, 2),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date(2026, 1, 3),
            next_update: date(2026, 1, 10),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: point.map(|url| CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint { uris: vec![url.into()] },
                scope: Some(CrlScope::UserCertsOnly),
            }),
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&ca.issuer).unwrap().der().to_vec()
    }

    #[test]
    fn a_listed_certificate_is_revoked_and_another_is_not() {
        let ca = ca();
        let list = list(&ca, 7, None);
        let facts = crl_facts(&list, URL, &leaf(&ca, 7), &ca.der).unwrap();
        let reason = Some("keyCompromise".to_owned());
        assert_eq!(facts.status, RevocationStatus::Revoked { at: 1_767_312_000, reason });
        assert_eq!(
            (facts.entries, facts.covers, facts.signed_by_issuer.clone()),
            (1, true, Observed::seen(true))
        );
        assert_eq!(facts.authentic_status(), Some(&facts.status));
        assert!(facts.is_current(1_767_400_000) && !facts.is_current(1_769_000_000));
        let other = crl_facts(&list, URL, &leaf(&ca, 8), &ca.der).unwrap();
        assert_eq!(other.authentic_status(), Some(&RevocationStatus::Good));
    }

    #[test]
    fn a_list_for_other_certificates_says_nothing_good() {
        let ca = ca();
        let facts =
            crl_facts(&list(&ca, 7, Some("http://crl.example/2.crl")), URL, &leaf(&ca, 8), &ca.der).unwrap();
        assert!(!facts.covers);
        assert_eq!(facts.authentic_status(), None);
        let own = crl_facts(&list(&ca, 7, Some(URL)), URL, &leaf(&ca, 8), &ca.der).unwrap();
        assert_eq!(own.authentic_status(), Some(&RevocationStatus::Good));
        let revoked =
            crl_facts(&list(&ca, 7, Some("http://crl.example/2.crl")), URL, &leaf(&ca, 7), &ca.der).unwrap();
        assert!(revoked.authentic_status().is_some(), "what is on it is revoked all the same");
    }

    #[test]
    fn a_list_that_the_issuer_did_not_sign_proves_nothing() {
        let (ca, impostor) = (ca(), ca());
        let facts = crl_facts(&list(&impostor, 7, None), URL, &leaf(&ca, 7), &ca.der).unwrap();
        assert_eq!(facts.signed_by_issuer, Observed::seen(false));
        assert_eq!(facts.authentic_status(), None);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let ca = ca();
        let leaf = leaf(&ca, 7);
        assert_eq!(crl_facts(b"-----BEGIN X509 CRL-----", URL, &leaf, &ca.der), Err(CrlError::Malformed));
        assert_eq!(crl_facts(&leaf, URL, &leaf, &ca.der), Err(CrlError::Malformed));
        assert_eq!(crl_facts(&[], URL, b"", &ca.der), Err(CrlError::Certificate));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn damaged_lists_do_no_harm_and_prove_nothing(at in 0usize..400, with: u8) {
            LIST.with(|(ca, leaf, list)| {
                let mut damaged = list.clone();
                let length = damaged.len();
                damaged[at % length] = with;
                if let Ok(facts) = crl_facts(&damaged, URL, leaf, &ca.der) {
                    prop_assert!(facts.authentic_status().is_none() || damaged == *list);
                }
                Ok(())
            })?;
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let found = LIST.with(|(ca, leaf, _)| crl_facts(&bytes, URL, leaf, &ca.der));
            prop_assert_eq!(found, Err(CrlError::Malformed));
        }
    }

    thread_local! {
        static LIST: (Ca, Vec<u8>, Vec<u8>) = {
            let ca = ca();
            let leaf = leaf(&ca, 7);
            let list = list(&ca, 7, None);
            (ca, leaf, list)
        };
    }
}
