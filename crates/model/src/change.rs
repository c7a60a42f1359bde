//! What changed between two scans of one target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{finding::Severity, grade::Letter};

/// A target compared with an earlier scan of it. Both are judged by the same rules, each as
/// of its own time, so that what changed is the target and not the opinion about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// When the earlier scan began, seconds since 1970-01-01 UTC.
    pub since: i64,
    /// The earlier letter; none where there was none.
    pub letter_before: Option<Letter>,
    /// What changed, worse first; empty if nothing did.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// For better or worse.
    pub direction: Direction,
    /// Of what.
    pub kind: ChangeKind,
    /// Host and port, `mx1.example.com:25`; none where it is about the target as a whole.
    /// Addresses may change between scans and are no part of it.
    pub place: Option<String>,
    /// Id of the check, where it is about a finding.
    pub check: Option<String>,
    /// How bad the finding is (or was, if it is gone).
    pub severity: Option<Severity>,
    /// One line; of findings their title.
    pub text: String,
    /// What was, in a word or a list; none where there was nothing.
    pub before: Option<String>,
    /// What is; none where there is nothing any more.
    pub after: Option<String>,
}

/// Whether a change is good. The order carries meaning: worse comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// For the worse.
    Worse,
    /// It can no longer be told.
    Unknown,
    /// Neither: another certificate, another suite. What is bad about it is a finding.
    Neutral,
    /// For the better.
    Better,
}

impl Direction {
    /// All, worse first.
    pub const ALL: [Self; 4] = [Self::Worse, Self::Unknown, Self::Neutral, Self::Better];
}

/// What a change is about. The order carries meaning: of two changes in the same direction
/// the earlier kind comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The letter.
    Letter,
    /// A finding that was not there.
    NewFinding,
    /// A finding that is more severe, or is there more often, than it was.
    WorseFinding,
    /// A finding that is less severe.
    EasedFinding,
    /// A finding that is gone: the check is clear now.
    MendedFinding,
    /// A finding that cannot be looked for any more.
    LostFinding,
    /// Checks that were clear and cannot be answered any more.
    LostCheck,
    /// A mail host came or went.
    Host,
    /// A published policy.
    Policy,
    /// A certificate.
    Certificate,
    /// A version of TLS.
    Version,
    /// A cipher suite.
    Suite,
    /// A key exchange group.
    Group,
    /// A signature algorithm.
    SignatureAlgorithm,
}

impl Comparison {
    /// True if a finding, told by its check, its place and its title, is new or worse than
    /// it was.
    pub fn is_new(&self, check: &str, place: Option<&str>, title: &str) -> bool {
        self.changes.iter().any(|c| {
            matches!(c.kind, ChangeKind::NewFinding | ChangeKind::WorseFinding)
                && c.check.as_deref() == Some(check)
                && c.place.as_deref() == place
                && c.text == title
        })
    }
}
