//! What `waxseal lint` found in a text that a domain is about to publish.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::StsMode;

/// One text, read as its receivers will read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lint {
    /// What the text was read as.
    pub kind: LintKind,
    /// Where it came from: a file, `-` for standard input, or the text itself, neutralised.
    pub input: String,
    /// Receivers can use it: there are no errors.
    pub valid: bool,
    /// What makes it useless, one sentence each.
    pub errors: Vec<String>,
    /// What is not as it should be, without making it useless.
    pub warnings: Vec<String>,
    /// What it says; none where it is not valid.
    pub parsed: Option<LintParsed>,
}

/// The kinds of text that can be linted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LintKind {
    /// An MTA-STS policy file (RFC 8461 section 3.2).
    Sts,
    /// The TXT record at `_mta-sts.DOMAIN` (RFC 8461 section 3.1).
    StsRecord,
    /// The TXT record at `_smtp._tls.DOMAIN` (RFC 8460 section 3).
    TlsrptRecord,
    /// TLSA records (RFC 6698, RFC 7672).
    Tlsa,
}

impl LintKind {
    /// The kind in words: `MTA-STS policy`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Sts => "MTA-STS policy",
            Self::StsRecord => "MTA-STS record",
            Self::TlsrptRecord => "TLS-RPT record",
            Self::Tlsa => "TLSA records",
        }
    }
}

/// What a text says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LintParsed {
    /// An MTA-STS policy file.
    Sts {
        /// `STSv1`.
        version: String,
        /// `enforce`, `testing` or `none`.
        mode: StsMode,
        /// Patterns in lower case.
        mx: Vec<String>,
        /// Seconds.
        max_age: u32,
    },
    /// An MTA-STS record.
    StsRecord {
        /// `STSv1`.
        version: String,
        /// 1 to 32 letters and digits.
        id: String,
    },
    /// A TLS-RPT record.
    TlsrptRecord {
        /// `TLSRPTv1`.
        version: String,
        /// `mailto:` and `https:` URIs.
        rua: Vec<String>,
    },
    /// TLSA records, in their order.
    Tlsa(Vec<LintTlsa>),
}

/// A TLSA record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LintTlsa {
    /// 0 to 3: PKIX-TA, PKIX-EE, DANE-TA, DANE-EE.
    pub usage: u8,
    /// 0 the certificate, 1 its public key.
    pub selector: u8,
    /// 0 in full, 1 SHA-256, 2 SHA-512.
    pub matching_type: u8,
    /// Association data, lower-case hex.
    pub data: String,
}
