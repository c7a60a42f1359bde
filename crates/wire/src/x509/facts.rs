//! What one certificate says.

use std::net::IpAddr;

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_STANDARD};
use thiserror::Error;
use waxseal_model::{
    Cause, Observed,
    certificate::{CertificateFacts, KeyFacts, RsaFacts},
};
use x509_parser::{extensions::GeneralName, oid_registry::Oid, x509::SubjectPublicKeyInfo};

use super::{
    algorithms::{KeyKind, RSASSA_PSS, named_curve, signature_algorithm},
    der, dn, extensions, modulus,
    parsed::{ANY_USAGE, MS_SGC, NS_SGC, Parsed, SERVER_AUTH},
    rsa,
};
use crate::text::neutralise;

/// Largest certificate that is read, in bytes. Real ones have a few thousand; this leaves
/// room for some ten thousand names.
pub const MAX_CERTIFICATE: usize = 128 * 1024;

/// Longest DNS name, common name or URL that is kept, in characters; a longer DNS name
/// cannot match anything.
pub(super) const MAX_TEXT: usize = 300;

/// Longest RSA exponent that is kept, in characters.
const MAX_EXPONENT: usize = 80;

/// Why a certificate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum X509Error {
    /// More than [`MAX_CERTIFICATE`] bytes.
    #[error(
        "the certificate is {size} bytes large; waxseal reads up to {} (real ones have a few thousand)",
        MAX_CERTIFICATE
    )]
    TooLarge {
        /// Bytes.
        size: usize,
    },
    /// Not a certificate in DER.
    #[error("the certificate cannot be read: {what}")]
    Malformed {
        /// What is wrong with it.
        what: String,
    },
}

/// Reads one certificate in DER: X.509 v1 to v3, any key, any signature.
///
/// All names are kept, their number being bounded by [`MAX_CERTIFICATE`]: with a part of
/// them it could not be said that a name is missing. Text is neutralised.
///
/// # Errors
/// It is too large, or no certificate.
pub fn facts(der: &[u8]) -> Result<CertificateFacts, X509Error> {
    let parsed = Parsed::new(der)?;
    let certificate = &parsed.certificate;
    let algorithm = signature_algorithm(&certificate.signature_algorithm);
    let version = certificate.version.0.saturating_add(1);
    let policies = extensions::policies(&parsed);
    Ok(CertificateFacts {
        der: BASE64_STANDARD.encode(der),
        sha256: sha256_hex(der),
        spki_sha256: sha256_hex(certificate.subject_pki.raw),
        x509_version: u8::try_from(version).unwrap_or(u8::MAX),
        serial: serial(certificate.raw_serial()),
        subject: dn::rfc4514(&certificate.subject),
        issuer: dn::rfc4514(&certificate.issuer),
        common_name: dn::common_name(&certificate.subject).map(|cn| neutralise(cn.as_bytes(), MAX_TEXT)),
        dns_names: dns_names(&parsed),
        ip_addresses: ip_addresses(&parsed),
        not_before: certificate.validity.not_before.timestamp(),
        not_after: certificate.validity.not_after.timestamp(),
        key: key_facts(&certificate.subject_pki),
        signature_algorithm: algorithm.name,
        signature_digest: algorithm.digest.map(|d| d.label().to_owned()),
        self_issued: parsed.is_self_issued(),
        self_signed: parsed.is_self_signed(),
        is_ca: parsed.basic_constraints().present().map(|found| found.ca),
        extended_key_usage: parsed
            .extended_key_usage()
            .map(|oids| oids.into_iter().map(usage_name).collect()),
        must_staple: must_staple(&parsed),
        issuer_urls: extensions::access_urls(&parsed, extensions::CA_ISSUERS),
        ocsp_urls: extensions::access_urls(&parsed, extensions::OCSP),
        crl_urls: extensions::crl_urls(&parsed),
        key_usage: extensions::key_usage(&parsed),
        subject_key_id: extensions::subject_key_id(&parsed),
        authority_key_id: extensions::authority_key_id(&parsed),
        validation: extensions::validation(&policies),
        policies,
        scts: extensions::scts(&parsed),
    })
}

/// The certificate itself, as DER: evidence keeps it in base64. None where evidence of
/// another origin holds something else.
pub fn der_of(facts: &CertificateFacts) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(&facts.der).ok().filter(|der| !der.is_empty())
}

/// SHA-256 of bytes, lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The serial number without the byte that only keeps it positive; negative ones, which
/// RFC 5280 forbids, with a minus sign.
fn serial(raw: &[u8]) -> String {
    match raw {
        [0, rest @ ..] if !rest.is_empty() => hex(rest),
        [0x80..=0xff, ..] => {
            // Two's complement: invert and add one.
            let mut carry = true;
            let mut magnitude: Vec<u8> = raw
                .iter()
                .rev()
                .map(|byte| {
                    let (value, overflow) = (!byte).overflowing_add(u8::from(carry));
                    carry = overflow;
                    value
                })
                .collect();
            magnitude.reverse();
            format!("-{}", hex(&magnitude))
        }
        _ => hex(raw),
    }
}

fn dns_names(parsed: &Parsed<'_>) -> Vec<String> {
    let bytes = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(neutralise(name.as_bytes(), MAX_TEXT)),
        // Bytes that are not UTF-8 cannot match, but must be seen.
        GeneralName::Invalid(tag, data) if tag.0 == 2 => Some(neutralise(data, MAX_TEXT)),
        _ => None,
    };
    parsed.alternative_names().iter().filter_map(bytes).map(|name| name.to_lowercase()).collect()
}

fn ip_addresses(parsed: &Parsed<'_>) -> Vec<String> {
    let address = |name: &GeneralName<'_>| match name {
        GeneralName::IPAddress(bytes) => ip_address(bytes).map(|ip| ip.to_string()),
        _ => None,
    };
    parsed.alternative_names().iter().filter_map(address).collect()
}

/// An address from 4 or 16 bytes.
pub(super) fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn key_facts(spki: &SubjectPublicKeyInfo<'_>) -> KeyFacts {
    let oid = spki.algorithm.algorithm.to_id_string();
    let key = spki.subject_public_key.data.as_ref();
    let Some(kind) = KeyKind::from_oid(&oid) else {
        return KeyFacts { algorithm: oid, bits: 0, curve: None, rsa: None };
    };
    let mut rsa = None;
    let (bits, curve) = match kind {
        KeyKind::Rsa => {
            let key = rsa::PublicKey::from_der(key);
            rsa = key.as_ref().map(|key| rsa_facts(key, oid == RSASSA_PSS));
            (key.map_or(0, |key| key.bits()), None)
        }
        KeyKind::Ec => match named_curve(spki) {
            Some((name, bits)) => (u64::from(bits), Some(name)),
            None => (0, Some(CertificateFacts::EXPLICIT_CURVE.to_owned())),
        },
        KeyKind::Ed25519 => (256, None),
        KeyKind::Ed448 => (456, None),
        KeyKind::Dsa => (dsa_bits(spki), None),
    };
    KeyFacts { algorithm: kind.label().to_owned(), bits: u32::try_from(bits).unwrap_or(u32::MAX), curve, rsa }
}

/// More about an RSA key. A modulus that is too long to compute with is left alone.
fn rsa_facts(key: &rsa::PublicKey, pss_only: bool) -> RsaFacts {
    let computable = key.bits() <= rsa::MAX_MODULUS_BITS;
    RsaFacts {
        exponent: key.exponent_text().chars().take(MAX_EXPONENT).collect(),
        pss_only,
        factorable: computable.then(|| modulus::flaw(key.modulus())).flatten(),
        roca: computable && modulus::is_roca(key.modulus()),
        debian_weak: Observed::not_tried(
            Cause::NotAsked,
            "keys are compared with a list of weak ones in an audit only",
        ),
    }
}

/// Length of the prime p, the first of the parameters (RFC 3279 section 2.3.2).
fn dsa_bits(spki: &SubjectPublicKeyInfo<'_>) -> u64 {
    let parameters = spki.algorithm.parameters.as_ref().map(|any| any.data).unwrap_or_default();
    match der::take(parameters) {
        Some((prime, _)) if prime.tag == der::INTEGER => bit_length(prime.content),
        _ => 0,
    }
}

fn bit_length(number: &[u8]) -> u64 {
    let significant = number.iter().skip_while(|b| **b == 0);
    let mut bits = 0u64;
    for (at, byte) in significant.enumerate() {
        bits += if at == 0 { u64::from(8 - byte.leading_zeros()) } else { 8 };
    }
    bits
}

/// The name that OpenSSL and RFC 5280 section 4.2.1.12 give to a usage, or its OID.
fn usage_name(oid: String) -> String {
    let name = match oid.as_str() {
        SERVER_AUTH => "serverAuth",
        ANY_USAGE => "anyExtendedKeyUsage",
        MS_SGC => "msSGC",
        NS_SGC => "nsSGC",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        "1.3.6.1.5.5.7.3.3" => "codeSigning",
        "1.3.6.1.5.5.7.3.4" => "emailProtection",
        "1.3.6.1.5.5.7.3.8" => "timeStamping",
        "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
        _ => return oid,
    };
    name.to_owned()
}

/// The TLS feature extension (RFC 7633) with status_request (5) in it.
fn must_staple(parsed: &Parsed<'_>) -> bool {
    // 1.3.6.1.5.5.7.1.24
    let oid = Oid::new([0x2b, 6, 1, 5, 5, 7, 1, 24].as_slice().into());
    let Some(extension) = parsed.extension(&oid) else { return false };
    let features = der::whole(extension.value, der::SEQUENCE).and_then(der::elements).unwrap_or_default();
    features.iter().any(|f| f.tag == der::INTEGER && der::small_integer(f.content) == Some(5))
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
    fn a_plain_certificate_is_read() {
        let der = certificate();
        let facts = facts(&der).unwrap();
        assert_eq!(facts.dns_names, ["mx.example.com"]);
        assert_eq!((facts.key.algorithm.as_str(), facts.key.curve.as_deref()), ("EC", Some("P-256")));
        assert_eq!(facts.sha256.len(), 64);
        assert!(facts.self_signed);
        assert_eq!(BASE64_STANDARD.decode(&facts.der).unwrap(), der);
    }

    #[test]
    fn what_is_no_certificate_gets_one_sentence() {
        let huge = facts(&vec![0x30; 1 << 20]).unwrap_err();
        assert_eq!(huge, X509Error::TooLarge { size: 1 << 20 });
        assert!(huge.to_string().contains("1048576 bytes large"));
        let mut trailing = certificate();
        trailing.push(0);
        assert!(facts(&trailing).unwrap_err().to_string().contains("1 bytes follow its end"));
        for bytes in [&b""[..], b"0", b"hello", &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 0x80, 0, 0]] {
            assert!(matches!(facts(bytes), Err(X509Error::Malformed { .. })), "{bytes:?}");
        }
    }

    #[test]
    fn serial_numbers_keep_their_sign() {
        for (raw, text) in [
            (&[0x12, 0x34][..], "1234"),
            (&[0, 0xff], "ff"),
            (&[0], "00"),
            (&[0xfb], "-05"),
            (&[0x80, 0], "-8000"),
            (&[], ""),
        ] {
            assert_eq!(serial(raw), text, "{raw:?}");
        }
    }

    #[test]
    fn lengths_are_counted_in_bits() {
        assert_eq!(bit_length(&[0, 0x80, 0]), 16);
        assert_eq!(bit_length(&[1, 0]), 9);
        assert_eq!(bit_length(&[]), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn damaged_certificates_do_no_harm(at in 0usize..400, with: u8, cut in 1usize..1000) {
            let mut der = CERTIFICATE.with(Clone::clone);
            let length = der.len();
            der[at % length] = with;
            der.truncate(cut);
            if let Ok(facts) = facts(&der) {
                let text = format!("{}{}{:?}", facts.subject, facts.issuer, facts.dns_names);
                prop_assert!(!text.chars().any(crate::text::is_harmful));
            }
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(facts(&bytes).is_err());
        }
    }

    thread_local! {
        static CERTIFICATE: Vec<u8> = certificate();
    }
}
