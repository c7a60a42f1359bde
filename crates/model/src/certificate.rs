//! Certificates as presented, and the path to a root. All text is neutralised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{observed::Observed, tls::TlsVersion};

/// One chain as one kind of handshake got it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresentedChain {
    /// Version of the handshake that got it.
    pub version: TlsVersion,
    /// The name sent in SNI, if one was sent.
    pub sni: Option<String>,
    /// The handshake was completed and the server proved to own the key. In hand-made
    /// hellos up to TLS 1.2 the chain is read and the handshake is left.
    pub possession_proven: bool,
    /// Leaf first, in the order sent.
    pub certificates: Vec<CertificateFacts>,
    /// Whether a path to a root was found, regardless of dates.
    pub path: Observed<PathFacts>,
}

impl PresentedChain {
    /// The server's own certificate.
    pub fn leaf(&self) -> Option<&CertificateFacts> {
        self.certificates.first()
    }
}

/// What one certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateFacts {
    /// The certificate, DER in base64.
    pub der: String,
    /// SHA-256 of the DER, lower-case hex.
    pub sha256: String,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex (TLSA `x 1 1`).
    pub spki_sha256: String,
    /// X.509 version: 1, 2 or 3.
    pub x509_version: u8,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// Distinguished name of the subject, RFC 4514 form.
    pub subject: String,
    /// Distinguished name of the issuer, RFC 4514 form.
    pub issuer: String,
    /// The subject's (last) common name.
    pub common_name: Option<String>,
    /// DNS names in subjectAltName, lower case, A-labels as they stand.
    pub dns_names: Vec<String>,
    /// IP addresses in subjectAltName.
    pub ip_addresses: Vec<String>,
    /// Seconds since 1970-01-01 UTC.
    pub not_before: i64,
    /// Seconds since 1970-01-01 UTC.
    pub not_after: i64,
    /// The public key.
    pub key: KeyFacts,
    /// Signature algorithm, as OpenSSL prints it: `sha256WithRSAEncryption`,
    /// `ecdsa-with-SHA256`; the dotted OID where unknown.
    pub signature_algorithm: String,
    /// Digest of the signature: `MD5`, `SHA-1`, `SHA-256` …; none for Ed25519.
    pub signature_digest: Option<String>,
    /// Subject and issuer are the same name.
    pub self_issued: bool,
    /// It is signed with its own key.
    pub self_signed: bool,
    /// basicConstraints CA; none if the extension is missing.
    pub is_ca: Option<bool>,
    /// Extended key usages by name (`serverAuth`) or OID; none if the extension is missing.
    pub extended_key_usage: Option<Vec<String>>,
    /// The TLS feature extension demands a stapled OCSP response (RFC 7633).
    pub must_staple: bool,
    /// URLs where the issuer's certificate is to be had (caIssuers).
    pub issuer_urls: Vec<String>,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyFacts {
    /// `RSA`, `EC`, `Ed25519`, `Ed448`, `DSA`, or the dotted OID.
    pub algorithm: String,
    /// Length in bits: of the modulus, or of the curve's field. 0 where unknown.
    pub bits: u32,
    /// Curve name (`P-256`), for EC.
    pub curve: Option<String>,
}

/// Result of looking for a path from the leaf to a root, dates left aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathFacts {
    /// Which roots were used, in words: `system (142 roots)`, `file lab-ca.pem (1)`.
    pub roots: String,
    /// How it ended.
    pub outcome: PathOutcome,
    /// The subjects from leaf to the last certificate that was reached.
    pub subjects: Vec<String>,
    /// Which certificate of `subjects` the outcome is about, from 0 (the leaf).
    pub depth: u32,
    /// Position in the presented chain of each certificate used, leaf first; the root
    /// from the store has none.
    pub used: Vec<Option<u32>>,
    /// Presented certificates that no path needed, or that came out of order.
    pub unordered_or_extra: bool,
}

/// How the search for a path ended. Dates play no part: a check compares them with
/// `now`. The numbers and texts of OpenSSL are given by [`PathOutcome::openssl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathOutcome {
    /// A path of valid signatures ends in a root of the store.
    Trusted,
    /// The leaf is signed with its own key and not in the store.
    SelfSignedLeaf,
    /// The chain ends in a self-signed certificate that is not in the store.
    UnknownRoot,
    /// The issuer of a certificate above the leaf is neither presented nor in the store.
    IssuerMissing,
    /// Only the leaf was presented, and its issuer is not in the store: an intermediate
    /// is missing, or the root is unknown.
    LeafIssuerMissing,
    /// A signature does not verify.
    BadSignature,
    /// An issuer is no CA (basicConstraints), or may not sign certificates.
    NotACa,
    /// More CAs in the path than a basicConstraints length allows.
    PathTooLong,
    /// The leaf is not meant for servers (extended key usage).
    WrongPurpose,
    /// A name constraint of a CA excludes the leaf.
    NameConstraint,
    /// A signature or key uses an algorithm that waxseal cannot verify.
    Unsupported,
}

impl PathOutcome {
    /// OpenSSL's verify code and text (`openssl verify`, X509_V_ERR_*), which people
    /// search for.
    pub fn openssl(self) -> (u32, &'static str) {
        match self {
            Self::Trusted => (0, "ok"),
            Self::SelfSignedLeaf => (18, "self-signed certificate"),
            Self::UnknownRoot => (19, "self-signed certificate in certificate chain"),
            Self::IssuerMissing => (20, "unable to get local issuer certificate"),
            Self::LeafIssuerMissing => (21, "unable to verify the first certificate"),
            Self::BadSignature => (7, "certificate signature failure"),
            Self::NotACa => (79, "invalid CA certificate"),
            Self::PathTooLong => (25, "path length constraint exceeded"),
            Self::WrongPurpose => (26, "unsuitable certificate purpose"),
            Self::NameConstraint => (47, "permitted subtree violation"),
            Self::Unsupported => (6, "unable to decode issuer public key"),
        }
    }
}
