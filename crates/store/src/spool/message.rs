//! Messages as they come in and lie there.

use std::{fmt, net::IpAddr, str::FromStr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Attempt, State};

/// Identifies a message. Never given twice; of two messages, that which was handed over after
/// the other's id was returned has the larger one. Shown in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub u64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for MessageId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// What is said about a message beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Without angle brackets; empty for the null sender (RFC 5321 section 4.5.5).
    pub sender: String,
    /// ENVID, as it was given: in xtext (RFC 3461 section 4.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envid: Option<String>,
    /// RET (RFC 3461 section 4.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ret: Option<Ret>,
    /// BODY (RFC 6152): what the bytes are.
    #[serde(default)]
    pub body: BodyKind,
    /// SMTPUTF8 was given (RFC 6531): the message needs it.
    #[serde(default)]
    pub smtputf8: bool,
    /// REQUIRETLS was given (RFC 8689).
    #[serde(default)]
    pub require_tls: bool,
    /// The header has `TLS-Required: No` (RFC 8689 section 5).
    #[serde(default)]
    pub tls_required_no: bool,
    /// Where it came from.
    #[serde(default)]
    pub arrival: Arrival,
}

/// Where a message came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The client's address; none for messages of our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// The name that it gave in EHLO.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub helo: String,
    /// The user that logged in, or the name in the client's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The protocol as `Received` says it: `ESMTPSA` (RFC 3848).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The id in our `Received` line, which is written before the message has its own: by
    /// it a message is found from what its recipient holds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace: String,
}

/// What comes back with a notice (RFC 3461 section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ret {
    /// The whole message.
    Full,
    /// Its header.
    Hdrs,
}

/// What the bytes of a message are (RFC 6152, RFC 3030).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyKind {
    /// 7BIT, or nothing said and nothing above 127 found.
    #[default]
    SevenBit,
    /// 8BITMIME: bytes above 127, in lines.
    EightBitMime,
}

/// A message to be kept.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// What is said about it.
    pub envelope: Envelope,
    /// For whom; at least one.
    pub recipients: Vec<NewRecipient>,
    /// Its bytes, trace header included, lines ending in CRLF. Parts, to be joined: a
    /// backend writes them one after the other.
    pub body: Vec<Bytes>,
    /// When it came.
    pub received_at: i64,
    /// When trying ends.
    pub expires_at: i64,
}

/// A recipient of a message to be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecipient {
    /// Without angle brackets.
    pub address: String,
    /// The domain, lower case, in A-labels.
    pub domain: String,
    /// NOTIFY; none where nothing was said, which means failures and delays.
    pub notify: Option<Notify>,
    /// ORCPT as it was given, `rfc822;bob@example.com` in xtext.
    pub orcpt: Option<String>,
}

/// When a recipient's sender wants to hear (RFC 3461 section 4.1). All false: NEVER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// SUCCESS.
    pub success: bool,
    /// FAILURE.
    pub failure: bool,
    /// DELAY.
    pub delay: bool,
}

/// A recipient as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its number within the message, from 0.
    pub number: u32,
    /// Without angle brackets.
    pub address: String,
    /// The domain, lower case, in A-labels.
    pub domain: String,
    /// NOTIFY.
    pub notify: Option<Notify>,
    /// ORCPT.
    pub orcpt: Option<String>,
    /// Where it stands.
    pub state: State,
    /// When it is tried next; of no meaning where the state is final or held.
    pub next_at: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// How many delay notices were sent.
    pub delays_told: u32,
    /// Since when it is final.
    pub final_at: Option<i64>,
    /// The last attempt, if there was one.
    pub last: Option<Attempt>,
}

/// A message as it lies there, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Which.
    pub id: MessageId,
    /// What is said about it.
    pub envelope: Envelope,
    /// For whom, in the order of their numbers.
    pub recipients: Vec<Recipient>,
    /// Bytes of its body.
    pub size: u64,
    /// When it came.
    pub received_at: i64,
    /// When trying ends.
    pub expires_at: i64,
}

/// A recipient that is not final, as little of it as a scheduler needs: there may be
/// hundreds of thousands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Of which message.
    pub message: MessageId,
    /// Its number there.
    pub number: u32,
    /// The domain.
    pub domain: String,
    /// When it is due.
    pub next_at: i64,
    /// Set aside by the operator.
    pub held: bool,
    /// The reason of the last attempt, if there was one: `tls.not_advertised`.
    pub reason: Option<String>,
}
