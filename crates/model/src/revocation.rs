//! What issuers say about certificates: OCSP, CRLs, and the logs that have seen them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observed::Observed;

/// Whether a certificate is revoked, by its issuer's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum RevocationStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// Since when, seconds since 1970-01-01 UTC.
        at: i64,
        /// Why, in the spelling of RFC 5280 section 5.3.1 (`keyCompromise`), if it is said.
        reason: Option<String>,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// An OCSP response (RFC 6960), as it was stapled or fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OcspFacts {
    /// Whether the responder answers at all.
    pub response: OcspResponseStatus,
    /// What it says about this certificate; none if it says nothing about it.
    pub status: Option<RevocationStatus>,
    /// When it was signed, seconds since 1970-01-01 UTC.
    pub produced_at: Option<i64>,
    /// From when it is known to be right, seconds since 1970-01-01 UTC.
    pub this_update: Option<i64>,
    /// Until when newer information will be there; none means that there always is.
    pub next_update: Option<i64>,
    /// Who signed it: a distinguished name, or `key` and the SHA-1 of it in hex.
    pub responder: Option<String>,
    /// Whose signature it bears.
    pub signer: Observed<OcspSigner>,
    /// It repeats the nonce of the request (RFC 9654); none where none was sent.
    pub nonce: Option<bool>,
    /// Signed certificate timestamps in it.
    pub scts: Vec<SctFacts>,
}

impl OcspFacts {
    /// The word of the issuer: signed as it must be. None where that is wrong or not known.
    pub fn authentic_status(&self) -> Option<&RevocationStatus> {
        match self.signer.get()? {
            OcspSigner::Issuer | OcspSigner::Delegate => self.status.as_ref(),
            OcspSigner::Wrong { .. } => None,
        }
    }

    /// True if the response is valid at this time (seconds since 1970-01-01 UTC).
    pub fn is_current(&self, now: i64) -> bool {
        self.this_update.is_some_and(|from| from <= now) && self.next_update.is_none_or(|to| now <= to)
    }
}

/// responseStatus of RFC 6960 section 4.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OcspResponseStatus {
    /// It answers.
    Successful,
    /// It could not read the request.
    MalformedRequest,
    /// It failed.
    InternalError,
    /// It asks to be asked later.
    TryLater,
    /// It answers signed requests only.
    SigRequired,
    /// It does not answer for this certificate.
    Unauthorized,
}

impl OcspResponseStatus {
    /// The spelling of RFC 6960.
    pub fn label(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => "internalError",
            Self::TryLater => "tryLater",
            Self::SigRequired => "sigRequired",
            Self::Unauthorized => "unauthorized",
        }
    }
}

/// Whose signature an OCSP response bears (RFC 6960 section 4.2.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum OcspSigner {
    /// The certificate's issuer.
    Issuer,
    /// Someone whom the issuer charged with it (id-kp-OCSPSigning).
    Delegate,
    /// Nobody who may: the response proves nothing.
    Wrong {
        /// What is wrong.
        why: String,
    },
}

/// A signed certificate timestamp (RFC 6962 section 3.2): a log's promise to publish the
/// certificate. Signatures are not verified: waxseal has no keys of logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct SctFacts {
    /// Version as on the wire: 0 is version 1.
    pub version: u8,
    /// Id of the log: SHA-256 of its key, lower-case hex.
    pub log_id: String,
    /// When the log saw it, milliseconds since 1970-01-01 UTC.
    pub timestamp: u64,
    /// Algorithm of the log's signature, `ecdsa_secp256r1_sha256`.
    pub signature_algorithm: String,
}

/// What was found out about one certificate by asking its issuer (`--online`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevocationFacts {
    /// Position of the certificate in the presented chain, from 0.
    pub certificate: u32,
    /// The responder's answer.
    pub ocsp: Observed<OcspFacts>,
    /// The issuer's list.
    pub crl: Observed<CrlFacts>,
}

/// What a certificate revocation list says about a certificate (RFC 5280 section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CrlFacts {
    /// Where it was fetched.
    pub url: String,
    /// When it was made, seconds since 1970-01-01 UTC.
    pub this_update: i64,
    /// When the next one is due, seconds since 1970-01-01 UTC.
    pub next_update: Option<i64>,
    /// Number of certificates on it.
    pub entries: u32,
    /// Whether this certificate is on it.
    pub status: RevocationStatus,
    /// It is signed by the certificate's issuer.
    pub signed_by_issuer: Observed<bool>,
    /// It covers all certificates of the issuer, or this one by what it says of itself; what
    /// is not on a list that leaves it out is not known to be good.
    pub covers: bool,
}

impl CrlFacts {
    /// The issuer's word about the certificate; none where the list is not the issuer's, or
    /// does not cover it.
    pub fn authentic_status(&self) -> Option<&RevocationStatus> {
        let is_known = self.signed_by_issuer.get() == Some(&true)
            && (self.covers || matches!(self.status, RevocationStatus::Revoked { .. }));
        is_known.then_some(&self.status)
    }

    /// True if the list is valid at this time (seconds since 1970-01-01 UTC).
    pub fn is_current(&self, now: i64) -> bool {
        self.this_update <= now && self.next_update.is_none_or(|to| now <= to)
    }
}
