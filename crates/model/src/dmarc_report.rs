//! DMARC aggregate reports (RFC 7489 appendix C, and its successor): who sent mail as a
//! domain, and how it fared.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One report of one receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DmarcReport {
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
    /// The policy as the receiver saw it.
    pub policy: DmarcReportPolicy,
    /// What went wrong when the report was made.
    pub errors: Vec<String>,
    /// What was seen, by source address, in the order of the report.
    pub rows: Vec<DmarcReportRow>,
}

impl DmarcReport {
    /// Messages in all rows.
    pub fn messages(&self) -> u64 {
        self.rows.iter().fold(0, |sum, row| sum.saturating_add(row.count))
    }

    /// Messages of which neither SPF nor DKIM passed in alignment.
    pub fn failed(&self) -> u64 {
        self.rows.iter().filter(|row| !row.passes()).fold(0, |sum, row| sum.saturating_add(row.count))
    }
}

/// A policy as a receiver saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DmarcReportPolicy {
    /// The domain that publishes it.
    pub domain: Option<String>,
    /// `none`, `quarantine` or `reject`.
    pub policy: Option<String>,
    /// The same for its subdomains.
    pub subdomain_policy: Option<String>,
    /// The same for subdomains that do not exist.
    pub nonexistent_policy: Option<String>,
    /// `r` relaxed or `s` strict, for DKIM.
    pub dkim_alignment: Option<String>,
    /// The same for SPF.
    pub spf_alignment: Option<String>,
    /// To how many of a hundred messages it was to be applied (RFC 7489 alone).
    pub percent: Option<u32>,
}

/// What was seen from one source address under one set of names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DmarcReportRow {
    /// The address that the messages came from.
    pub source: Option<IpAddr>,
    /// How many there were.
    pub count: u64,
    /// What the receiver did: `none`, `quarantine` or `reject`.
    pub disposition: Option<String>,
    /// `pass` or `fail`: DKIM, with alignment.
    pub dkim: Option<String>,
    /// `pass` or `fail`: SPF, with alignment.
    pub spf: Option<String>,
    /// Why the receiver did other than the policy asks: `forwarded`, `mailing_list`, with a
    /// comment after a colon.
    pub overrides: Vec<String>,
    /// The domain of the From field.
    pub header_from: Option<String>,
    /// The domain of the envelope sender.
    pub envelope_from: Option<String>,
    /// The domain of the recipients.
    pub envelope_to: Option<String>,
    /// DKIM of each signature, without regard to alignment.
    pub dkim_results: Vec<DmarcAuthResult>,
    /// SPF of each identity, without regard to alignment.
    pub spf_results: Vec<DmarcAuthResult>,
}

impl DmarcReportRow {
    /// True where SPF or DKIM passed in alignment.
    pub fn passes(&self) -> bool {
        [&self.dkim, &self.spf].into_iter().flatten().any(|result| result == "pass")
    }
}

/// One result of SPF or DKIM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DmarcAuthResult {
    /// The domain that was looked at.
    pub domain: Option<String>,
    /// The selector of a DKIM key, or the scope of SPF: `mfrom`, `helo`.
    pub part: Option<String>,
    /// `pass`, `fail`, `softfail`, `neutral`, `none`, `temperror`, `permerror`, `policy`.
    pub result: String,
    /// The receiver's own words about it.
    pub comment: Option<String>,
}
