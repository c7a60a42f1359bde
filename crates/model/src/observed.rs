//! Every fact is seen, not tried, or failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fact about a server or a name: observed, never asked for, or asked for in vain.
///
/// "Could not test" is kept apart from both good and bad by this type: there is no
/// default value to fall back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Observed<T> {
    /// The question was put and answered.
    Seen {
        /// The answer.
        value: T,
    },
    /// The question was not put.
    NotTried {
        /// Why not.
        why: Why,
    },
    /// The question was put, and no usable answer came.
    Failed {
        /// What happened instead.
        why: Why,
    },
}

impl<T> Observed<T> {
    /// An observed fact.
    pub fn seen(value: T) -> Self {
        Self::Seen { value }
    }

    /// A question that was not put.
    pub fn not_tried(cause: Cause, text: impl Into<String>) -> Self {
        Self::NotTried { why: Why::new(cause, text) }
    }

    /// A question without a usable answer.
    pub fn failed(cause: Cause, text: impl Into<String>) -> Self {
        Self::Failed { why: Why::new(cause, text) }
    }

    /// The fact, if it was observed.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Seen { value } => Some(value),
            Self::NotTried { .. } | Self::Failed { .. } => None,
        }
    }

    /// Why there is no fact, if there is none.
    pub fn why(&self) -> Option<&Why> {
        match self {
            Self::Seen { .. } => None,
            Self::NotTried { why } | Self::Failed { why } => Some(why),
        }
    }

    /// True if the fact was observed.
    pub fn is_seen(&self) -> bool {
        self.get().is_some()
    }

    /// The same observation of something that follows from the fact.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Observed<U> {
        match self {
            Self::Seen { value } => Observed::Seen { value: f(value) },
            Self::NotTried { why } => Observed::NotTried { why },
            Self::Failed { why } => Observed::Failed { why },
        }
    }

    /// The same observation with the fact borrowed.
    pub fn as_ref(&self) -> Observed<&T> {
        match self {
            Self::Seen { value } => Observed::Seen { value },
            Self::NotTried { why } => Observed::NotTried { why: why.clone() },
            Self::Failed { why } => Observed::Failed { why: why.clone() },
        }
    }
}

impl<T> Default for Observed<T> {
    /// Not asked: the state of every fact before a probe has run.
    fn default() -> Self {
        Self::not_tried(Cause::NotAsked, "this question was not part of the scan")
    }
}

/// Why a fact is missing: the kind for programs, the sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    /// What kind of obstacle it was.
    pub cause: Cause,
    /// One sentence, safe to print.
    pub text: String,
}

impl Why {
    /// A reason from its kind and its sentence.
    pub fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self { cause, text: text.into() }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The kind of obstacle that kept a fact from being observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The scan did not include the question.
    NotAsked,
    /// The question makes no sense here (fallback SCSV with a single version).
    NotApplicable,
    /// An earlier step that this one needs did not succeed.
    Prerequisite,
    /// The budget of connections or time for this endpoint was spent.
    Budget,
    /// The server asked us to slow down or go away (421, 454, reset) and we did.
    RateLimited,
    /// No answer in time.
    Timeout,
    /// The port is closed: the connection was refused.
    Refused,
    /// No route to the address.
    Unreachable,
    /// The connection was reset or closed before the answer.
    Closed,
    /// The peer broke the protocol, or answered something else.
    Protocol,
    /// The peer sent more than the limit for this answer.
    TooLarge,
    /// The peer answered that it will not or cannot (an SMTP 4xx/5xx, a TLS alert).
    Declined,
    /// The name does not exist or has no such record.
    Name,
    /// The name service failed or could not be trusted (SERVFAIL, bogus).
    Resolver,
    /// waxseal does not have the means (an algorithm it does not implement).
    Unsupported,
    /// The rules of this run forbid it (a private address with `--public`).
    Forbidden,
    /// A defect or lack of resources on our side.
    Internal,
}

/// Who has to act on a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// This program, or the way it was called.
    Us,
    /// The network in between.
    Network,
    /// The server at the other end.
    Peer,
    /// The name, its zone or its name servers.
    Name,
}

impl Cause {
    /// Who erred, as far as the kind alone tells.
    pub fn party(self) -> Party {
        match self {
            Self::Timeout | Self::Unreachable => Party::Network,
            Self::RateLimited
            | Self::Refused
            | Self::Closed
            | Self::Protocol
            | Self::TooLarge
            | Self::Declined => Party::Peer,
            Self::Name | Self::Resolver => Party::Name,
            Self::NotAsked
            | Self::NotApplicable
            | Self::Prerequisite
            | Self::Budget
            | Self::Unsupported
            | Self::Forbidden
            | Self::Internal => Party::Us,
        }
    }

    /// True if the question was left out on purpose, so that its absence says nothing
    /// about the server.
    pub fn is_by_design(self) -> bool {
        matches!(self, Self::NotAsked | Self::NotApplicable)
    }
}
