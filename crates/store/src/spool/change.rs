//! What an operator asks of the queue.

use serde::{Deserialize, Serialize};

use super::{MessageId, State};

/// Which recipients. What is empty or none does not narrow; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selector {
    /// One of these messages.
    pub messages: Vec<u64>,
    /// The recipient's address, or its domain with or without a leading `@`; `*.example.com`
    /// for all below.
    pub recipient: Option<String>,
    /// The sender's address, or `@` and its domain; `<>` for the null sender.
    pub sender: Option<String>,
    /// The last attempt's MX site or host contains this.
    pub site: Option<String>,
    /// The last attempt's reason is this token, or begins with it and a dot: `tls`.
    pub reason: Option<String>,
    /// Only these states; empty: those that are not final.
    pub states: Vec<State>,
    /// Received before this time.
    pub received_before: Option<i64>,
    /// Received at this time or later.
    pub received_since: Option<i64>,
}

/// What is to happen to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Due at this time: of those that are queued.
    Retry {
        /// When.
        at: i64,
    },
    /// Set aside: of those that are queued.
    Hold,
    /// Back into the queue, due at this time: of those that are held.
    Release {
        /// When.
        at: i64,
    },
    /// Taken out without a notice: of those that are queued or held.
    Cancel {
        /// When.
        at: i64,
    },
}

/// A recipient that a change found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Of which message.
    pub message: u64,
    /// Its number there.
    pub number: u32,
    /// Its address.
    pub address: String,
    /// Its domain.
    pub domain: String,
    /// Its state before.
    pub from: State,
}

impl Changed {
    /// Of which message.
    pub fn id(&self) -> MessageId {
        MessageId(self.message)
    }
}
