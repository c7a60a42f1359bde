//! The whole answer for one target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    client::ClientView,
    dns::DnsAnswer,
    evidence::{Cost, DomainEvidence, EndpointEvidence, Evidence},
    finding::{Finding, VerdictEntry},
    grade::Grade,
    observed::Why,
    sender::SenderView,
    target::Target,
};

/// What `--json` prints for one target; several targets are an array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// See [`crate::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the program.
    pub waxseal_version: String,
    /// The target as typed.
    pub target: String,
    /// The target, parsed.
    pub target_parsed: Target,
    /// When the scan began, seconds since 1970-01-01 UTC.
    pub started_at: i64,
    /// Letter and marks.
    pub grade: Grade,
    /// Names and policies, for domains.
    pub domain: Option<DomainEvidence>,
    /// How the addresses were found, for hosts.
    #[serde(default)]
    pub host_addresses: Vec<DnsAnswer>,
    /// Every address and port with its evidence.
    pub endpoints: Vec<EndpointEvidence>,
    /// Why there is no endpoint, where there is none.
    pub no_endpoint: Option<Why>,
    /// Each check's answer for each endpoint.
    pub verdicts: Vec<VerdictEntry>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// How each kind of sender delivers, now and with an attacker on the path; empty for
    /// targets that other mail servers do not deliver to.
    #[serde(default)]
    pub senders: Vec<SenderView>,
    /// How real clients would negotiate TLS; only an audit tells.
    #[serde(default)]
    pub clients: Vec<ClientView>,
    /// What it cost.
    pub cost: Cost,
}

impl Report {
    /// A report from evidence and its judgement.
    pub fn new(
        evidence: Evidence,
        grade: Grade,
        verdicts: Vec<VerdictEntry>,
        findings: Vec<Finding>,
        senders: Vec<SenderView>,
        clients: Vec<ClientView>,
    ) -> Self {
        Self {
            schema_version: crate::SCHEMA_VERSION,
            waxseal_version: evidence.waxseal_version,
            target: evidence.target.label(),
            target_parsed: evidence.target,
            started_at: evidence.started_at,
            grade,
            domain: evidence.domain,
            host_addresses: evidence.host_addresses,
            endpoints: evidence.endpoints,
            no_endpoint: evidence.no_endpoint,
            verdicts,
            findings,
            senders,
            clients,
            cost: evidence.cost,
        }
    }

    /// The evidence that the report rests on, for judging it again.
    pub fn to_evidence(&self) -> Evidence {
        Evidence {
            schema_version: self.schema_version,
            waxseal_version: self.waxseal_version.clone(),
            target: self.target_parsed.clone(),
            started_at: self.started_at,
            domain: self.domain.clone(),
            host_addresses: self.host_addresses.clone(),
            endpoints: self.endpoints.clone(),
            no_endpoint: self.no_endpoint.clone(),
            cost: self.cost,
        }
    }
}
