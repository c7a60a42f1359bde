//! Certificates as presented, and the path to a root. All text is neutralised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    observed::Observed,
    revocation::{OcspFacts, RevocationFacts, SctFacts},
    tls::TlsVersion,
};

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
    /// The OCSP response about the leaf that came along in the handshake; `Seen(None)` means
    /// that none came.
    #[serde(default)]
    pub staple: Observed<Option<OcspFacts>>,
    /// Signed certificate timestamps that came in a TLS extension (RFC 6962 section 3.3.1).
    /// Only handshakes up to TLS 1.2 show them.
    #[serde(default)]
    pub handshake_scts: Observed<Vec<SctFacts>>,
    /// What the issuers say, leaf first; asked on request only.
    #[serde(default)]
    pub revocation: Observed<Vec<RevocationFacts>>,
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
    /// URLs of OCSP responders.
    #[serde(default)]
    pub ocsp_urls: Vec<String>,
    /// URLs of revocation lists.
    #[serde(default)]
    pub crl_urls: Vec<String>,
    /// Key usages in the spelling of RFC 5280 section 4.2.1.3; none if the extension is
    /// missing.
    #[serde(default)]
    pub key_usage: Option<Vec<String>>,
    /// subjectKeyIdentifier, lower-case hex.
    #[serde(default)]
    pub subject_key_id: Option<String>,
    /// keyIdentifier of authorityKeyIdentifier, lower-case hex.
    #[serde(default)]
    pub authority_key_id: Option<String>,
    /// OIDs of the certificate policies.
    #[serde(default)]
    pub policies: Vec<String>,
    /// How the subject was validated, by the policies of the CA/Browser Forum.
    #[serde(default)]
    pub validation: Option<Validation>,
    /// Signed certificate timestamps within the certificate; `Failed` if they cannot be read.
    #[serde(default)]
    pub scts: Observed<Vec<SctFacts>>,
}

impl CertificateFacts {
    /// Stands for the name of a curve that is spelled out.
    pub const EXPLICIT_CURVE: &str = "explicit parameters";

    /// How long it is valid, in seconds, both ends included (RFC 5280 section 4.1.2.5).
    pub fn lifetime(&self) -> i64 {
        self.not_after.saturating_sub(self.not_before).saturating_add(1)
    }

    /// The common name, if it looks like a host's and no DNS name of subjectAltName says
    /// the same.
    pub fn common_name_beside_san(&self) -> Option<&str> {
        let name = self.common_name.as_deref()?;
        let is_host = name.contains('.') && !name.contains(' ');
        let in_san = self.dns_names.iter().any(|n| n.eq_ignore_ascii_case(name));
        (is_host && !in_san && !self.dns_names.is_empty()).then_some(name)
    }

    /// The DNS names with a wildcard.
    pub fn wildcards(&self) -> impl Iterator<Item = &str> {
        self.dns_names.iter().map(String::as_str).filter(|n| n.contains('*'))
    }

    /// The kind of certificate by its key: `RSA`, `RSA-PSS`, `ECDSA P-256`, `Ed25519`.
    pub fn kind(&self) -> String {
        match (self.key.algorithm.as_str(), &self.key.curve) {
            ("RSA", _) if self.key.rsa.as_ref().is_some_and(|rsa| rsa.pss_only) => "RSA-PSS".to_owned(),
            ("EC", Some(curve)) => format!("ECDSA {curve}"),
            ("EC", None) => "ECDSA".to_owned(),
            (other, _) => other.to_owned(),
        }
    }
}

/// How far the CA looked into who the subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Validation {
    /// Control of the domain only.
    #[serde(rename = "DV")]
    Domain,
    /// An organisation.
    #[serde(rename = "OV")]
    Organization,
    /// A person.
    #[serde(rename = "IV")]
    Individual,
    /// An organisation, by the EV guidelines.
    #[serde(rename = "EV")]
    Extended,
    /// For mail addresses (S/MIME), not for servers.
    #[serde(rename = "S/MIME")]
    Smime,
}

impl Validation {
    /// `DV`, `OV` …
    pub fn label(self) -> &'static str {
        match self {
            Self::Domain => "DV",
            Self::Organization => "OV",
            Self::Individual => "IV",
            Self::Extended => "EV",
            Self::Smime => "S/MIME",
        }
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyFacts {
    /// `RSA`, `EC`, `Ed25519`, `Ed448`, `DSA`, or the dotted OID.
    pub algorithm: String,
    /// Length in bits: of the modulus, or of the curve's field. 0 where unknown.
    pub bits: u32,
    /// Curve name (`P-256`), for EC; `explicit parameters` where the curve is spelled out,
    /// which RFC 5480 section 2.1.1 forbids.
    pub curve: Option<String>,
    /// For RSA: more about the key.
    #[serde(default)]
    pub rsa: Option<RsaFacts>,
}

/// What an RSA public key shows about how it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RsaFacts {
    /// The public exponent, in decimal up to 64 bits, `0x…` above.
    pub exponent: String,
    /// Bound to RSASSA-PSS (RFC 4055).
    pub pss_only: bool,
    /// A property by which the modulus is factored with ease; none means that none of those
    /// which waxseal tries is there.
    pub factorable: Option<ModulusFlaw>,
    /// The modulus has the form that the Infineon library of 2012 to 2017 gave it
    /// (CVE-2017-15361).
    pub roca: bool,
    /// It is among the keys that Debian's OpenSSL of 2006 to 2008 could make
    /// (CVE-2008-0166); known only where a list is there.
    pub debian_weak: Observed<bool>,
}

/// Why a modulus is no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum ModulusFlaw {
    /// It has a small prime factor, 2 included.
    SmallFactor {
        /// Which.
        factor: u32,
    },
    /// Its two primes lie so close together that Fermat's method finds them
    /// (CVE-2022-26320).
    ClosePrimes,
    /// It has a prime in common with another key of the same server.
    SharedPrime,
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
