//! TLS reports (RFC 8460): what other people's servers met when they delivered to a domain.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One report of one sender.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TlsReport {
    /// The organisation that reports.
    pub organization: Option<String>,
    /// How to reach it.
    pub contact: Option<String>,
    /// Its name for this report.
    pub report_id: Option<String>,
    /// Beginning of what it covers, seconds since 1970-01-01 UTC.
    pub start: Option<i64>,
    /// Its end.
    pub end: Option<i64>,
    /// What was met under each policy, in the order of the report.
    pub policies: Vec<TlsReportPolicy>,
}

impl TlsReport {
    /// Sessions that succeeded, under all policies.
    pub fn successful(&self) -> u64 {
        self.policies.iter().fold(0, |sum, policy| sum.saturating_add(policy.successful))
    }

    /// Sessions that failed, under all policies.
    pub fn failed(&self) -> u64 {
        self.policies.iter().fold(0, |sum, policy| sum.saturating_add(policy.failed))
    }
}

/// What a sender met under one policy of one domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TlsReportPolicy {
    /// `sts`, `tlsa` or `no-policy-found`.
    pub kind: String,
    /// The domain that it is the policy of.
    pub domain: Option<String>,
    /// The policy's lines as the sender saw them.
    pub lines: Vec<String>,
    /// The MX names or patterns that it allows.
    pub mx_hosts: Vec<String>,
    /// Sessions that succeeded.
    pub successful: u64,
    /// Sessions that failed.
    pub failed: u64,
    /// The failures, by kind.
    pub failures: Vec<TlsReportFailure>,
}

/// One kind of failure (RFC 8460 section 4.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TlsReportFailure {
    /// `certificate-expired`, `starttls-not-supported`.
    pub result: String,
    /// The address that the sender delivered from.
    pub sending_address: Option<IpAddr>,
    /// The MX that it wanted.
    pub receiving_host: Option<String>,
    /// The name that this MX gave itself.
    pub receiving_helo: Option<String>,
    /// The address that answered.
    pub receiving_address: Option<IpAddr>,
    /// Sessions that failed this way.
    pub sessions: u64,
    /// A text or address with more about it.
    pub additional: Option<String>,
    /// The error's name or text as the sender's software puts it.
    pub reason: Option<String>,
}
