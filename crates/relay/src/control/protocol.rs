//! What goes over the operator's socket: one request in JSON on one line, one answer.

use serde::{Deserialize, Serialize};
use waxseal_model::queue::{QueuedMessage, RelayStatus};
use waxseal_store::spool::{Changed, Selector};

/// Longest request, in bytes.
pub(crate) const LONGEST_REQUEST: usize = 256 * 1024;

/// What an operator asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// The state of the relay as a whole.
    Status,
    /// Messages with recipients that a selector finds, oldest first.
    List {
        /// Which.
        selector: Selector,
        /// How many at the most.
        limit: usize,
    },
    /// The bytes of a message.
    Body {
        /// Which.
        message: u64,
    },
    /// A change to all recipients that a selector finds.
    Change {
        /// Which.
        selector: Selector,
        /// What.
        verb: Verb,
        /// Only say which it would be.
        dry_run: bool,
    },
    /// The decision for a domain, and why.
    Policy {
        /// The recipient domain.
        domain: String,
        /// The sender's address.
        #[serde(default)]
        sender: String,
    },
    /// Asks a watched site now whether it is mended.
    Probe {
        /// A domain, or the name of the site.
        name: String,
    },
    /// Forgets the MTA-STS policy of a domain, which is then fetched anew.
    ForgetSts {
        /// Which.
        domain: String,
    },
    /// Reads the configuration and certificates anew.
    Reload,
}

/// What is to happen to recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Tried now.
    Retry,
    /// Set aside.
    Hold,
    /// Back into the queue.
    Release,
    /// Taken out; nobody is told.
    Cancel,
}

/// What the relay answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Status`].
    Status {
        /// The state.
        status: RelayStatus,
    },
    /// To [`Request::List`].
    Messages {
        /// The messages.
        messages: Vec<QueuedMessage>,
        /// There are more than the limit.
        more: bool,
    },
    /// To [`Request::Body`].
    Body {
        /// The bytes; what is not UTF-8 is replaced.
        text: String,
    },
    /// To [`Request::Change`].
    Changed {
        /// The recipients.
        recipients: Vec<Changed>,
    },
    /// To [`Request::Policy`].
    Policy {
        /// The decision as data.
        policy: serde_json::Value,
        /// And in words.
        text: String,
    },
    /// It was done; in words what.
    Done {
        /// What.
        text: String,
    },
    /// It was not done, or is not possible.
    Refused {
        /// Why, as a sentence.
        text: String,
    },
}
