//! DNS answers with their DNSSEC status.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The four answers of DNSSEC validation (RFC 4033 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DnssecStatus {
    /// A chain of signatures leads from a trust anchor to the answer.
    Secure,
    /// A secure proof says that the zone is not signed.
    Insecure,
    /// The zone should be signed, and the answer does not verify.
    Bogus,
    /// It could not be determined: no answer, no trust anchor, or an algorithm that
    /// waxseal cannot check.
    Indeterminate,
}

impl DnssecStatus {
    /// The word as RFC 4033 spells it, lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Bogus => "bogus",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// How a query ended, apart from DNSSEC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DnsOutcome {
    /// At least one record of the type asked for.
    Records,
    /// The name exists, without a record of this type.
    NoData,
    /// The name does not exist (NXDOMAIN).
    NxDomain,
    /// SERVFAIL, REFUSED, FORMERR or another error code; `reason` names it.
    ServerError,
    /// No name server answered in time.
    Timeout,
    /// The answer could not be used (malformed, a loop of CNAMEs); `reason` says why.
    Unusable,
}

/// One answer: what was asked, what came, and how far it can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DnsAnswer {
    /// The name asked for, in A-labels, without a trailing dot (the root is `.`).
    pub name: String,
    /// The type asked for, as IANA spells it.
    #[serde(rename = "type")]
    pub rtype: String,
    /// How the query ended.
    pub outcome: DnsOutcome,
    /// DNSSEC status, validated by us.
    pub status: DnssecStatus,
    /// Why the status is what it is: one sentence.
    pub reason: String,
    /// The name at the end of the CNAME chain, if there was one.
    pub canonical_name: Option<String>,
    /// The records of the type asked for, and before them any CNAMEs that led there.
    pub records: Vec<DnsRecord>,
}

impl DnsAnswer {
    /// True if the answer says for certain what exists: records, no data or no name.
    pub fn is_conclusive(&self) -> bool {
        matches!(self.outcome, DnsOutcome::Records | DnsOutcome::NoData | DnsOutcome::NxDomain)
            && self.status != DnssecStatus::Bogus
    }

    /// The addresses in the answer.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.records.iter().filter_map(|r| match &r.data {
            RecordData::A { address } => Some(IpAddr::V4(*address)),
            RecordData::Aaaa { address } => Some(IpAddr::V6(*address)),
            _ => None,
        })
    }
}

/// One resource record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DnsRecord {
    /// Owner name, without a trailing dot.
    pub name: String,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// Type and content.
    #[serde(flatten)]
    pub data: RecordData,
}

/// The content of a record. Names are A-labels without a trailing dot; text from the
/// wire is neutralised (no control characters).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type")]
pub enum RecordData {
    /// IPv4 address.
    A {
        /// The address.
        address: Ipv4Addr,
    },
    /// IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa {
        /// The address.
        address: Ipv6Addr,
    },
    /// Mail exchanger (RFC 5321 section 5.1).
    #[serde(rename = "MX")]
    Mx {
        /// Lower is tried first.
        preference: u16,
        /// Host name; empty for the null MX `0 .` (RFC 7505).
        exchange: String,
    },
    /// Alias.
    #[serde(rename = "CNAME")]
    Cname {
        /// What the name is an alias of.
        target: String,
    },
    /// Reverse name.
    #[serde(rename = "PTR")]
    Ptr {
        /// The host name.
        target: String,
    },
    /// Text.
    #[serde(rename = "TXT")]
    Txt {
        /// The strings joined, as MTA-STS, SPF and the others read them.
        text: String,
    },
    /// DANE association (RFC 6698).
    #[serde(rename = "TLSA")]
    Tlsa {
        /// 0 to 3: PKIX-TA, PKIX-EE, DANE-TA, DANE-EE.
        usage: u8,
        /// 0 the certificate, 1 its public key.
        selector: u8,
        /// 0 in full, 1 SHA-256, 2 SHA-512.
        matching_type: u8,
        /// The association data in lower-case hex.
        data: String,
    },
    /// Certification authority authorisation (RFC 8659).
    #[serde(rename = "CAA")]
    Caa {
        /// Flags; 128 is critical.
        flags: u8,
        /// `issue`, `issuewild`, `iodef`, …
        tag: String,
        /// The value.
        value: String,
    },
    /// Any other type in presentation form.
    #[serde(untagged)]
    Other {
        /// The type as IANA spells it.
        #[serde(rename = "type")]
        rtype: String,
        /// The data in presentation form.
        data: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_any_type_survives_json() {
        for data in [
            RecordData::Mx { preference: 10, exchange: "mx.example.com".into() },
            RecordData::Aaaa { address: Ipv6Addr::LOCALHOST },
            RecordData::Other { rtype: "SOA".into(), data: "a. b. 1 2 3 4 5".into() },
        ] {
            let record = DnsRecord { name: "example.com".into(), ttl: 300, data };
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<DnsRecord>(&json).unwrap(), record, "{json}");
        }
    }
}
