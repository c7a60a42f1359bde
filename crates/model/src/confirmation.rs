//! What tests said of a [`Diagnosis`](crate::Diagnosis): the last step of `waxseal diagnose`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnosis::Fix;

/// How the tests of a diagnosis ended, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmation {
    /// How it ended.
    pub verdict: Ending,
    /// Why, as the rest of the sentence that [`Confirmation::says`] gives.
    pub because: String,
    /// What it is instead, where the tests found that.
    pub rather: Option<Rather>,
    /// What was asked and what came, in the order of asking.
    pub observations: Vec<Tested>,
    /// Changes that follow from what was seen, most promising first; what the diagnosis
    /// proposes stands there.
    pub fix: Vec<Fix>,
    /// Commands that find out more, ready to be pasted.
    pub next: Vec<String>,
    /// TCP connections that were made for it.
    pub connections: u32,
}

impl Confirmation {
    /// The verdict as one sentence.
    pub fn says(&self) -> String {
        let because = self.because.trim_end_matches('.');
        match (self.verdict, &self.rather) {
            (Ending::Confirmed, _) => format!("Confirmed: {because}."),
            (Ending::Refuted, Some(_)) => format!("Refuted: rather {because}."),
            (Ending::Refuted, None) => format!("Refuted: {because}."),
            (Ending::Untested, _) => format!("Could not be tested because {because}."),
        }
    }

    /// True if something is wrong now: what the diagnosis says, or something else.
    pub fn is_wrong_now(&self) -> bool {
        self.verdict == Ending::Confirmed || self.rather.is_some()
    }
}

/// How tests of a diagnosis end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The tests show what the diagnosis says.
    Confirmed,
    /// The tests show that it is not so, or not any more.
    Refuted,
    /// Nothing follows from what could be asked.
    Untested,
}

impl Ending {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
            Self::Untested => "could not be tested",
        }
    }
}

/// What tests found instead of the cause that was diagnosed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rather {
    /// The cause's name, `cert_expired`.
    pub cause: String,
    /// What happens, in one sentence.
    pub summary: String,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tested {
    /// What was asked: `mx.example.com[192.0.2.25]:25`, `MX of example.com`.
    pub what: String,
    /// What came, in one sentence.
    pub said: String,
    /// What it says of the diagnosis.
    pub bearing: Bearing,
}

/// What an answer says of a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// It speaks for it.
    Supports,
    /// It speaks against it.
    Contradicts,
    /// It is worth knowing, and says neither.
    Aside,
    /// No usable answer came.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_is_one_sentence() {
        let mut confirmation = Confirmation {
            verdict: Ending::Confirmed,
            because: "mx.example.com offers no STARTTLS".into(),
            rather: None,
            observations: Vec::new(),
            fix: Vec::new(),
            next: Vec::new(),
            connections: 1,
        };
        assert_eq!(confirmation.says(), "Confirmed: mx.example.com offers no STARTTLS.");
        assert!(confirmation.is_wrong_now());
        confirmation.verdict = Ending::Untested;
        assert!(confirmation.says().starts_with("Could not be tested because mx"));
        assert!(!confirmation.is_wrong_now());
        confirmation.verdict = Ending::Refuted;
        assert!(confirmation.says().starts_with("Refuted: mx"));
        confirmation.rather = Some(Rather { cause: "cert_expired".into(), summary: String::new() });
        assert!(confirmation.says().starts_with("Refuted: rather mx"));
        assert!(confirmation.is_wrong_now());
    }
}
