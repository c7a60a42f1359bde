//! What a domain published: MTA-STS, DANE, TLS-RPT.
//!
//! Their place in the evidence; scans leave them `NotTried` until they are fetched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{dns::DnssecStatus, observed::Observed};

/// Everything published for one domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyEvidence {
    /// MTA-STS (RFC 8461); `Seen(None)` means that none is published.
    pub sts: Observed<Option<StsPolicy>>,
    /// TLS-RPT (RFC 8460); `Seen(None)` means that none is published.
    pub tlsrpt: Observed<Option<TlsRptRecord>>,
}

/// What a domain published by MTA-STS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StsPolicy {
    /// The `id` of the TXT record.
    pub id: String,
    /// `enforce`, `testing` or `none`.
    pub mode: StsMode,
    /// MX patterns in A-labels.
    pub mx: Vec<String>,
    /// Seconds.
    pub max_age: u32,
}

/// The mode of an MTA-STS policy (RFC 8461 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StsMode {
    /// Senders must not deliver where validation fails.
    Enforce,
    /// Senders only report failures.
    Testing,
    /// No policy is in force.
    None,
}

/// A TLS-RPT record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsRptRecord {
    /// Where reports go: `mailto:` and `https:` URIs.
    pub rua: Vec<String>,
}

/// The TLSA records that apply to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaneFacts {
    /// `_25._tcp.mx.example.com`.
    pub name: String,
    /// DNSSEC status of the answer.
    pub status: DnssecStatus,
    /// The records in presentation form, `3 1 1 0123…`.
    pub records: Vec<String>,
    /// Whether the presented chain matches a usable record.
    pub matches: Option<bool>,
}
