//! What a domain published: MTA-STS, DANE, TLS-RPT, CAA; and how it was found.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    certificate::PresentedChain,
    dns::{DnsAnswer, DnsOutcome, DnssecStatus},
    observed::Observed,
};

/// Everything published for one domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyEvidence {
    /// The MTA-STS policy (RFC 8461) that a sender without a cached one gets by the rules.
    /// `Seen(None)`: it gets none, because none is published or because what is published
    /// cannot be used; `sts_discovery` tells which. `Failed`: this could not be found out.
    pub sts: Observed<Option<StsPolicy>>,
    /// TLS-RPT (RFC 8460); `Seen(None)` means that no usable record is published.
    pub tlsrpt: Observed<Option<TlsRptRecord>>,
    /// How the MTA-STS policy was looked for.
    #[serde(default)]
    pub sts_discovery: StsDiscovery,
    /// How the TLS-RPT record was looked for.
    #[serde(default)]
    pub tlsrpt_discovery: TlsRptDiscovery,
    /// The CAA records (RFC 8659) that hold for each MX host and for the policy host.
    #[serde(default)]
    pub caa: Vec<CaaFacts>,
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

impl StsMode {
    /// The word as RFC 8461 spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

/// The steps by which a sender comes to an MTA-STS policy (RFC 8461 section 3.3), as far
/// as they went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StsDiscovery {
    /// The answer for TXT at `_mta-sts.DOMAIN`.
    pub record_answer: Observed<DnsAnswer>,
    /// The `id` of the one valid record.
    pub record_id: Option<String>,
    /// The request for the policy file; not tried where there is no valid record.
    pub fetch: Observed<PolicyFetch>,
    /// What ended the discovery, where no policy came of it and something is published.
    pub problem: Option<StsProblem>,
    /// A valid policy is served although no record announces it, so that senders never look
    /// for it.
    #[serde(default)]
    pub unannounced: bool,
    /// What is not as it should be in record and file, without making them useless.
    pub warnings: Vec<String>,
    /// What an earlier scan saw, where its evidence was handed in.
    #[serde(default)]
    pub earlier: Option<EarlierPolicy>,
}

/// The policy of an earlier scan: what senders may still have in their caches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierPolicy {
    /// When it was fetched, seconds since 1970-01-01 UTC.
    pub seen_at: i64,
    /// The policy.
    pub policy: StsPolicy,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
}

/// What ended the discovery of an MTA-STS policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StsProblem {
    /// At which step.
    pub step: StsStep,
    /// One sentence, safe to print.
    pub text: String,
}

/// The steps of discovery, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StsStep {
    /// The TXT record: none valid, or several.
    Record,
    /// The address of `mta-sts.DOMAIN`.
    Host,
    /// The TCP connection to port 443.
    Connection,
    /// The TLS handshake.
    Tls,
    /// The certificate of the policy host.
    Certificate,
    /// The HTTP answer: no 200, a redirect, malformed.
    Http,
    /// The media type is not text/plain.
    MediaType,
    /// More than 64 KiB, or too slow.
    Size,
    /// The file is no valid policy.
    Policy,
}

/// One request for a policy file over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyFetch {
    /// `https://mta-sts.DOMAIN/.well-known/mta-sts.txt`.
    pub url: String,
    /// The A and AAAA answers of the host.
    pub answers: Vec<DnsAnswer>,
    /// The address that answered, or the last that was tried.
    pub address: Option<IpAddr>,
    /// What the policy host presented, if TLS came that far.
    pub chain: Option<PresentedChain>,
    /// HTTP status code, if an answer came.
    pub status: Option<u16>,
    /// Content-Type as sent.
    pub content_type: Option<String>,
    /// Where a redirect would have led.
    pub location: Option<String>,
    /// The file, at most 64 KiB, neutralised line by line.
    pub body: Option<String>,
    /// SHA-256 of the file as it came, lower-case hex.
    pub sha256: Option<String>,
    /// From the first connection to the end.
    pub milliseconds: u64,
}

/// A TLS-RPT record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsRptRecord {
    /// Where reports go: `mailto:` and `https:` URIs.
    pub rua: Vec<String>,
}

/// How the TLS-RPT record was looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsRptDiscovery {
    /// The answer for TXT at `_smtp._tls.DOMAIN`.
    pub record_answer: Observed<DnsAnswer>,
    /// Why a published record cannot be used: none valid, or several.
    pub problem: Option<String>,
    /// What is not as it should be, without making the record useless.
    pub warnings: Vec<String>,
    /// Domains of `mailto:` addresses in the record that take no mail, with the reason.
    pub dead_addresses: Vec<String>,
}

/// The TLSA records that apply to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaneFacts {
    /// `_25._tcp.mx.example.com`.
    pub name: String,
    /// DNSSEC status of the answer; the address answers count (RFC 7672 section 2.2.2),
    /// so that a host with insecure addresses has no secure TLSA records.
    pub status: DnssecStatus,
    /// The records in presentation form, `3 1 1 0123…`.
    pub records: Vec<String>,
    /// Whether every presented chain matches a usable record, names and dates left aside;
    /// none where no chain was presented or no record is usable.
    pub matches: Option<bool>,
    /// How the query ended; `Records` unless it failed.
    #[serde(default = "records")]
    pub outcome: DnsOutcome,
    /// Why the status is what it is, or how the query failed: one sentence.
    #[serde(default)]
    pub reason: String,
    /// The TLSA base domain (RFC 7672 section 2.2.3): the name for SNI and for DANE-TA.
    #[serde(default)]
    pub base: String,
    /// Names of which a DANE-TA certificate must bear one (RFC 7672 section 3.2.2): the
    /// base domain, and with secure MX records the next-hop domain.
    #[serde(default)]
    pub reference_names: Vec<String>,
    /// The records one by one.
    #[serde(default)]
    pub tlsa: Vec<TlsaFacts>,
    /// What the server presents to clients that name the base domain in SNI, where that is
    /// another name than the MX host's; else the endpoint's own chains count.
    #[serde(default)]
    pub chains: Option<Observed<Vec<PresentedChain>>>,
}

fn records() -> DnsOutcome {
    DnsOutcome::Records
}

/// One TLSA record, and what of the presented chains it matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsaFacts {
    /// 0 to 3: PKIX-TA, PKIX-EE, DANE-TA, DANE-EE.
    pub usage: u8,
    /// 0 the certificate, 1 its public key.
    pub selector: u8,
    /// 0 in full, 1 SHA-256, 2 SHA-512.
    pub matching_type: u8,
    /// Association data, lower-case hex.
    pub data: String,
    /// Seconds.
    pub ttl: u32,
    /// Why SMTP senders do not use the record (RFC 7672 section 3.1), if they do not.
    pub unusable: Option<String>,
    /// For each presented chain (in their order) the depth of the certificate that the
    /// record matches, 0 being the leaf; none where it matches nothing.
    pub matched: Vec<Option<u32>>,
}

/// The CAA records that hold for a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaaFacts {
    /// The name that certificates are issued for.
    pub name: String,
    /// The answer that holds: the nearest ancestor with CAA records (RFC 8659 section 3);
    /// where there are none, the last answer of the climb.
    pub answer: Observed<DnsAnswer>,
}
