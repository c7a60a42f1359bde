//! The whole answer for one target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    change::Comparison,
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
    /// What changed since an earlier scan; none where no earlier one was handed in, or it
    /// holds nothing of this target.
    #[serde(default)]
    pub comparison: Option<Comparison>,
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
            comparison: None,
            cost: evidence.cost,
        }
    }

    /// Host and port of a finding, without the address: what it is about from one scan to
    /// the next. None for the domain.
    pub fn place(&self, finding: &Finding) -> Option<String> {
        let id = finding.endpoint.as_deref()?;
        let known = self.endpoints.iter().find(|e| e.endpoint.id() == id);
        Some(known.map_or_else(|| id.to_owned(), |e| e.endpoint.argument()))
    }

    /// Whether a finding is new, or worse, since the scan that it was compared with. Where
    /// there is nothing to compare with, none is known from before.
    pub fn is_new(&self, finding: &Finding) -> bool {
        let place = self.place(finding);
        self.comparison.as_ref().is_none_or(|c| c.is_new(&finding.check, place.as_deref(), &finding.title))
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
