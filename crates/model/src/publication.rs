//! What a domain or host should publish, ready to be copied.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{dns::DnssecStatus, policy::TlsaFacts};

/// What to publish for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Publication {
    /// Records for DNS, in the order in which to publish them.
    pub records: Vec<ZoneRecord>,
    /// Files to serve.
    pub files: Vec<PolicyFile>,
    /// What to see to, one sentence each.
    pub notes: Vec<String>,
}

/// One record for a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneRecord {
    /// Owner, with a trailing dot.
    pub name: String,
    /// Type as IANA spells it.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Data in presentation form.
    pub data: String,
}

/// A file to serve over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyFile {
    /// Where senders look for it.
    pub url: String,
    /// Media type to serve it with.
    pub content_type: String,
    /// Its content, with the line ends of RFC 8461 (CRLF).
    pub content: String,
}

impl std::fmt::Display for ZoneRecord {
    /// As a line of a zone file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}  {}  {}", self.name, self.rtype, self.data)
    }
}

/// DANE at a host: what is published, whether it fits, and what would fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaneView {
    /// Each address.
    pub servers: Vec<DaneServer>,
    /// Records that fit what the host presents now, the best first.
    pub fit_now: Vec<ZoneRecord>,
    /// Records of the next keys that were handed in.
    pub fit_next: Vec<ZoneRecord>,
}

/// DANE at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaneServer {
    /// [`crate::Endpoint::id`].
    pub endpoint: String,
    /// Where the records lie, where an answer came.
    pub name: Option<String>,
    /// DNSSEC status of the records.
    pub status: Option<DnssecStatus>,
    /// `valid`, `none`, `ignored`, `unusable`, `mismatch`, `lookup failed`, `undetermined`.
    pub verdict: String,
    /// Why, in a clause.
    pub why: String,
    /// The records, and which certificates each matches.
    pub records: Vec<TlsaFacts>,
}
