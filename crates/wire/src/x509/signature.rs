//! Verifying signatures: of certificates, and of TLS handshakes.

use aws_lc_rs::signature::{self as aws, UnparsedPublicKey, VerificationAlgorithm};
use thiserror::Error;
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

use super::{
    algorithms::{Digest, KeyKind, Scheme, named_curve},
    rsa,
};

/// Why a signature could not be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The signature is wrong: made with another key, or over another message.
    #[error("the signature does not verify with the key of the certificate")]
    Wrong,
    /// The scheme does not belong to this kind of key.
    #[error("a signature of this kind cannot be made with {key} key")]
    KeyMismatch {
        /// The kind of key, with its article.
        key: String,
    },
    /// waxseal cannot verify such signatures, so nothing is known.
    #[error("waxseal cannot verify this signature: {what}")]
    Unsupported {
        /// What is not supported.
        what: String,
    },
    /// The key cannot be read.
    #[error("the public key in the certificate cannot be read")]
    BadKey,
}

/// Verifies the signature of a TLS handshake (CertificateVerify, ServerKeyExchange) with
/// the key in a DER SubjectPublicKeyInfo. `scheme` is a TLS SignatureScheme code
/// (RFC 8446 section 4.2.3), legacy ones included; `message` is what was signed.
///
/// It takes what TLS libraries refuse to look at: RSA under 2048 bits, SHA-1, MD5. In
/// TLS 1.2 an ECDSA scheme does not bind the curve, and here it never does: whether the
/// curve suits the version is for others to say.
///
/// # Errors
/// The signature is wrong, or could not be checked; the two are kept apart.
pub fn verify_signature(
    spki_der: &[u8],
    scheme: u16,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let (_, spki) = SubjectPublicKeyInfo::from_der(spki_der).map_err(|_| SignatureError::BadKey)?;
    let scheme = scheme_of_code(scheme)
        .ok_or_else(|| SignatureError::Unsupported { what: format!("signature scheme 0x{scheme:04x}") })?;
    verify(&spki, scheme, message, signature)
}

/// Signature schemes by their TLS codes. RSA-PSS in TLS has a salt as long as the digest.
fn scheme_of_code(code: u16) -> Option<Scheme> {
    let pss = |digest, salt| Scheme::RsaPss { digest, salt };
    Some(match code {
        0x0101 => Scheme::RsaPkcs1(Digest::Md5),
        0x0201 => Scheme::RsaPkcs1(Digest::Sha1),
        0x0301 => Scheme::RsaPkcs1(Digest::Sha224),
        0x0401 => Scheme::RsaPkcs1(Digest::Sha256),
        0x0501 => Scheme::RsaPkcs1(Digest::Sha384),
        0x0601 => Scheme::RsaPkcs1(Digest::Sha512),
        0x0203 => Scheme::Ecdsa(Digest::Sha1),
        0x0303 => Scheme::Ecdsa(Digest::Sha224),
        0x0403 => Scheme::Ecdsa(Digest::Sha256),
        0x0503 => Scheme::Ecdsa(Digest::Sha384),
        0x0603 => Scheme::Ecdsa(Digest::Sha512),
        0x0804 | 0x0809 => pss(Digest::Sha256, 32),
        0x0805 | 0x080a => pss(Digest::Sha384, 48),
        0x0806 | 0x080b => pss(Digest::Sha512, 64),
        0x0807 => Scheme::Ed25519,
        _ => return None,
    })
}

/// Verifies a signature of any kind that waxseal knows.
pub(super) fn verify(
    spki: &SubjectPublicKeyInfo<'_>,
    scheme: Scheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let oid = spki.algorithm.algorithm.to_id_string();
    let kind = KeyKind::from_oid(&oid);
    let needed = match scheme {
        Scheme::RsaPkcs1(_) | Scheme::RsaPss { .. } => KeyKind::Rsa,
        Scheme::Ecdsa(_) => KeyKind::Ec,
        Scheme::Ed25519 => KeyKind::Ed25519,
    };
    if kind != Some(needed) {
        let key = kind.map_or(oid, |k| k.label().to_owned());
        let article = if key.starts_with(['R', 'E']) { "an" } else { "a" };
        return Err(SignatureError::KeyMismatch { key: format!("{article} {key}") });
    }
    let key = spki.subject_public_key.data.as_ref();
    match scheme {
        Scheme::RsaPkcs1(_) | Scheme::RsaPss { .. } => verify_rsa(key, scheme, message, signature),
        Scheme::Ecdsa(digest) => verify_ecdsa(spki, digest, message, signature),
        Scheme::Ed25519 => with_library(&aws::ED25519, key, message, signature),
    }
}

fn verify_rsa(key: &[u8], scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let parsed = rsa::PublicKey::from_der(key).ok_or(SignatureError::BadKey)?;
    if !parsed.is_usable() {
        let what = format!("an RSA key of {} bits, or with an unusual exponent", parsed.bits());
        return Err(SignatureError::Unsupported { what });
    }
    let algorithm: Option<&'static dyn VerificationAlgorithm> = match scheme {
        _ if !(2048..=8192).contains(&parsed.bits()) => None,
        Scheme::RsaPkcs1(Digest::Sha1) => Some(&aws::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
        Scheme::RsaPkcs1(Digest::Sha256) => Some(&aws::RSA_PKCS1_2048_8192_SHA256),
        Scheme::RsaPkcs1(Digest::Sha384) => Some(&aws::RSA_PKCS1_2048_8192_SHA384),
        Scheme::RsaPkcs1(Digest::Sha512) => Some(&aws::RSA_PKCS1_2048_8192_SHA512),
        Scheme::RsaPss { digest: Digest::Sha256, salt: 32 } => Some(&aws::RSA_PSS_2048_8192_SHA256),
        Scheme::RsaPss { digest: Digest::Sha384, salt: 48 } => Some(&aws::RSA_PSS_2048_8192_SHA384),
        Scheme::RsaPss { digest: Digest::Sha512, salt: 64 } => Some(&aws::RSA_PSS_2048_8192_SHA512),
        _ => None,
    };
    match algorithm {
        Some(algorithm) if with_library(algorithm, key, message, signature).is_ok() => Ok(()),
        // The library also refuses keys for their form (a large exponent), so its "no" is
        // not final.
        _ if rsa::verify(&parsed, scheme, message, signature) => Ok(()),
        _ => Err(SignatureError::Wrong),
    }
}

fn verify_ecdsa(
    spki: &SubjectPublicKeyInfo<'_>,
    digest: Digest,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let Some((curve, _)) = named_curve(spki) else {
        let what = "ECDSA on a curve that is spelled out instead of named".to_owned();
        return Err(SignatureError::Unsupported { what });
    };
    let algorithm: &'static dyn VerificationAlgorithm = match (curve.as_str(), digest) {
        ("P-256", Digest::Sha1) => &aws::ECDSA_P256_SHA1_ASN1,
        ("P-256", Digest::Sha256) => &aws::ECDSA_P256_SHA256_ASN1,
        ("P-256", Digest::Sha384) => &aws::ECDSA_P256_SHA384_ASN1,
        ("P-256", Digest::Sha512) => &aws::ECDSA_P256_SHA512_ASN1,
        ("P-384", Digest::Sha256) => &aws::ECDSA_P384_SHA256_ASN1,
        ("P-384", Digest::Sha384) => &aws::ECDSA_P384_SHA384_ASN1,
        ("P-384", Digest::Sha512) => &aws::ECDSA_P384_SHA512_ASN1,
        ("P-521", Digest::Sha1) => &aws::ECDSA_P521_SHA1_ASN1,
        ("P-521", Digest::Sha224) => &aws::ECDSA_P521_SHA224_ASN1,
        ("P-521", Digest::Sha256) => &aws::ECDSA_P521_SHA256_ASN1,
        ("P-521", Digest::Sha384) => &aws::ECDSA_P521_SHA384_ASN1,
        ("P-521", Digest::Sha512) => &aws::ECDSA_P521_SHA512_ASN1,
        ("secp256k1", Digest::Sha256) => &aws::ECDSA_P256K1_SHA256_ASN1,
        _ => {
            return Err(SignatureError::Unsupported {
                what: format!("ECDSA on {curve} with {}", digest.label()),
            });
        }
    };
    with_library(algorithm, spki.subject_public_key.data.as_ref(), message, signature)
}

fn with_library(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| SignatureError::Wrong)
}
