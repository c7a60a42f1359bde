//! What a check concluded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observed::Why;

/// How bad a finding is, worst last (the order carries meaning: exit codes compare it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Info,
    /// Should be mended when convenient.
    Low,
    /// Should be mended soon.
    Medium,
    /// Mail is refused by some senders, or exposed.
    High,
    /// Mail does not flow, or anyone can read or take it.
    Critical,
}

impl Severity {
    /// All, worst first.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The word in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess from appearance.
    Low,
    /// Likely; another cause is possible.
    Medium,
    /// Observed directly.
    High,
}

impl Confidence {
    /// The word in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Id of the check, `certificate.expired`.
    pub check: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// [`crate::Endpoint::id`]; none where it is about the domain.
    pub endpoint: Option<String>,
    /// One line: what is wrong.
    pub title: String,
    /// Cause and effect, on which evidence: a few sentences.
    pub detail: String,
    /// What to do, with the setting or record to paste: lines of text; empty only where
    /// nothing needs doing.
    pub fix: String,
    /// The command that tests it again.
    pub retest: String,
    /// 0 to 100: how much mending this gains, for choosing the first three fixes.
    pub importance: u8,
}

/// A check's answer for one endpoint or for the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing wrong; the facts were there.
    Clear,
    /// Something is wrong (or worth knowing, by severity).
    Found(Vec<Finding>),
    /// The facts were not there.
    Undetermined(Why),
}

/// A verdict as reports carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictEntry {
    /// Id of the check.
    pub check: String,
    /// [`crate::Endpoint::id`]; none for the domain.
    pub endpoint: Option<String>,
    /// Which of the three.
    pub verdict: VerdictKind,
    /// Why it is undetermined, or the title of the first finding; empty when clear.
    pub why: String,
}

/// Which of the three verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictKind {
    /// Nothing wrong.
    Clear,
    /// See the findings.
    Found,
    /// Could not be determined.
    Undetermined,
}

impl VerdictKind {
    /// The word in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Found => "found",
            Self::Undetermined => "undetermined",
        }
    }
}
