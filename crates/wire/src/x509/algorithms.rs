//! Names of keys, curves, digests and signature algorithms, as OpenSSL prints them.

use aws_lc_rs::digest;
use x509_parser::{
    asn1_rs::Tag,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

use super::der;

/// Digests of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// For people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The digest of a message.
    pub(super) fn of(self, message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Md5 => return <md5::Md5 as md5::Digest>::digest(message).to_vec(),
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &digest::SHA224,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, message).as_ref().to_vec()
    }

    pub(super) fn from_oid(oid: &str) -> Option<Self> {
        Some(match oid {
            "1.2.840.113549.2.5" => Self::Md5,
            "1.3.14.3.2.26" => Self::Sha1,
            "2.16.840.1.101.3.4.2.4" => Self::Sha224,
            "2.16.840.1.101.3.4.2.1" => Self::Sha256,
            "2.16.840.1.101.3.4.2.2" => Self::Sha384,
            "2.16.840.1.101.3.4.2.3" => Self::Sha512,
            _ => return None,
        })
    }
}

/// Kinds of public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// Also keys bound to RSA-PSS.
    Rsa,
    Ec,
    Ed25519,
    Ed448,
    Dsa,
}

impl KeyKind {
    /// For people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ec => "EC",
            Self::Ed25519 => "Ed25519",
            Self::Ed448 => "Ed448",
            Self::Dsa => "DSA",
        }
    }

    pub(super) fn from_oid(oid: &str) -> Option<Self> {
        Some(match oid {
            "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => Self::Rsa,
            "1.2.840.10045.2.1" => Self::Ec,
            "1.3.101.112" => Self::Ed25519,
            "1.3.101.113" => Self::Ed448,
            "1.2.840.10040.4.1" => Self::Dsa,
            _ => return None,
        })
    }
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1(Digest),
    /// RSASSA-PSS with MGF1 over the same digest (RFC 8017 section 8.1).
    RsaPss {
        digest: Digest,
        /// Length in bytes.
        salt: usize,
    },
    Ecdsa(Digest),
    Ed25519,
}

/// What is known of a signature algorithm.
pub(super) struct Algorithm {
    /// As OpenSSL prints it, or the dotted OID.
    pub(super) name: String,
    pub(super) digest: Option<Digest>,
    /// The kind of key that makes such signatures.
    pub(super) key: Option<KeyKind>,
    /// None where waxseal cannot verify it.
    pub(super) scheme: Option<Scheme>,
}

/// OID, OpenSSL's name, digest and kind of key of signature algorithms (RFC 3279,
/// RFC 4055, RFC 5758, RFC 8410). PSS is not here: its digest is in the parameters.
const ALGORITHMS: [(&str, &str, Option<Digest>, KeyKind); 18] = [
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption", Some(Digest::Md5), KeyKind::Rsa),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption", Some(Digest::Sha1), KeyKind::Rsa),
    ("1.3.14.3.2.29", "sha1WithRSA", Some(Digest::Sha1), KeyKind::Rsa),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption", Some(Digest::Sha224), KeyKind::Rsa),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption", Some(Digest::Sha256), KeyKind::Rsa),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption", Some(Digest::Sha384), KeyKind::Rsa),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption", Some(Digest::Sha512), KeyKind::Rsa),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1", Some(Digest::Sha1), KeyKind::Ec),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224", Some(Digest::Sha224), KeyKind::Ec),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256", Some(Digest::Sha256), KeyKind::Ec),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384", Some(Digest::Sha384), KeyKind::Ec),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512", Some(Digest::Sha512), KeyKind::Ec),
    ("1.3.101.112", "ED25519", None, KeyKind::Ed25519),
    ("1.3.101.113", "ED448", None, KeyKind::Ed448),
    ("1.2.840.10040.4.3", "dsaWithSHA1", Some(Digest::Sha1), KeyKind::Dsa),
    ("2.16.840.1.101.3.4.3.1", "dsa_with_SHA224", Some(Digest::Sha224), KeyKind::Dsa),
    ("2.16.840.1.101.3.4.3.2", "dsa_with_SHA256", Some(Digest::Sha256), KeyKind::Dsa),
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption", None, KeyKind::Rsa),
];

pub(super) const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";

/// What an AlgorithmIdentifier of a signature says.
pub(super) fn signature_algorithm(identifier: &AlgorithmIdentifier<'_>) -> Algorithm {
    let oid = identifier.algorithm.to_id_string();
    if oid == RSASSA_PSS {
        let parameters = identifier.parameters.as_ref().map(|any| any.data);
        let (digest, scheme) = pss(parameters.unwrap_or_default());
        return Algorithm { name: "rsassaPss".into(), digest, key: Some(KeyKind::Rsa), scheme };
    }
    let Some((_, name, digest, key)) = ALGORITHMS.iter().find(|(known, ..)| *known == oid) else {
        return Algorithm { name: oid, digest: None, key: None, scheme: None };
    };
    let scheme = match (key, digest) {
        (KeyKind::Rsa, Some(digest)) => Some(Scheme::RsaPkcs1(*digest)),
        (KeyKind::Ec, Some(digest)) => Some(Scheme::Ecdsa(*digest)),
        (KeyKind::Ed25519, _) => Some(Scheme::Ed25519),
        _ => None,
    };
    Algorithm { name: (*name).into(), digest: *digest, key: Some(*key), scheme }
}

/// RSASSA-PSS-params (RFC 4055 section 3.1): SHA-1, MGF1 with SHA-1 and a salt of 20
/// bytes where nothing else is said.
fn pss(content: &[u8]) -> (Option<Digest>, Option<Scheme>) {
    let Some(fields) = der::elements(content) else { return (None, None) };
    let field = |number: u8| fields.iter().find(|f| f.tag == 0xa0 | number).map(|f| f.content);
    let digest = match field(0) {
        Some(identifier) => algorithm_oid(identifier).and_then(|(oid, _)| Digest::from_oid(&oid)),
        None => Some(Digest::Sha1),
    };
    let mask = match field(1) {
        // The parameters of MGF1 are the AlgorithmIdentifier of its digest.
        Some(identifier) => algorithm_oid(identifier)
            .filter(|(oid, _)| oid == "1.2.840.113549.1.1.8")
            .and_then(|(_, inner)| algorithm_oid(inner))
            .and_then(|(oid, _)| Digest::from_oid(&oid)),
        None => Some(Digest::Sha1),
    };
    let salt = match field(2) {
        Some(integer) => der::whole(integer, der::INTEGER).and_then(der::small_integer),
        None => Some(20),
    };
    let scheme = match (digest, salt.and_then(|s| usize::try_from(s).ok())) {
        (Some(digest), Some(salt)) if mask == Some(digest) => Some(Scheme::RsaPss { digest, salt }),
        _ => None,
    };
    (digest, scheme)
}

/// The dotted OID of an encoded AlgorithmIdentifier, and its encoded parameters.
pub(super) fn algorithm_oid(identifier: &[u8]) -> Option<(String, &[u8])> {
    let content = der::whole(identifier, der::SEQUENCE)?;
    let (oid, parameters) = der::take(content)?;
    (oid.tag == 6)
        .then(|| (x509_parser::oid_registry::Oid::new(oid.content.into()).to_id_string(), parameters))
}

/// Curves by OID: the name that people know and the bits of the field (SEC 2, RFC 5639).
const CURVES: [(&str, &str, u32); 11] = [
    ("1.2.840.10045.3.1.7", "P-256", 256),
    ("1.3.132.0.34", "P-384", 384),
    ("1.3.132.0.35", "P-521", 521),
    ("1.3.132.0.33", "P-224", 224),
    ("1.2.840.10045.3.1.1", "P-192", 192),
    ("1.3.132.0.10", "secp256k1", 256),
    ("1.3.132.0.8", "secp160r1", 160),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", 256),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", 384),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", 512),
    ("1.2.156.10197.1.301", "SM2", 256),
];

/// Name and bits of the curve of an EC key; none where its parameters are spelled out instead
/// of named, which RFC 5480 section 2.1.1 forbids in certificates.
pub(super) fn named_curve(spki: &SubjectPublicKeyInfo<'_>) -> Option<(String, u32)> {
    let parameters = spki.algorithm.parameters.as_ref().filter(|any| any.tag() == Tag::Oid)?;
    Some(curve(&parameters.as_oid().ok()?.to_id_string()))
}

/// Name and bits of a curve; the OID itself and 0 where it is not known.
fn curve(oid: &str) -> (String, u32) {
    match CURVES.iter().find(|(known, ..)| *known == oid) {
        Some((_, name, bits)) => ((*name).to_owned(), *bits),
        None => (oid.to_owned(), 0),
    }
}
