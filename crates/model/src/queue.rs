//! The relay's queue as an operator sees it.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message in the queue, or one that was there a while ago.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QueuedMessage {
    /// Its id, as `Received` and the logs have it.
    pub id: String,
    /// The envelope sender; empty for the null sender.
    pub sender: String,
    /// Bytes.
    pub size: u64,
    /// When it came, seconds since 1970-01-01 UTC.
    pub received_at: i64,
    /// When trying ends, likewise.
    pub expires_at: i64,
    /// The client that brought it; none for messages of the relay's own.
    pub client: Option<IpAddr>,
    /// The user that had logged in.
    pub user: Option<String>,
    /// It came with REQUIRETLS (RFC 8689).
    pub require_tls: bool,
    /// Its header has `TLS-Required: No`.
    pub tls_required_no: bool,
    /// For whom.
    pub recipients: Vec<QueuedRecipient>,
}

/// A recipient of a message in the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QueuedRecipient {
    /// Its number within the message, from 0.
    pub number: u32,
    /// Its address.
    pub address: String,
    /// `queued`, `held`, `delivered`, `failed`, `expired` or `cancelled`.
    pub state: String,
    /// When it is tried next, where it is queued.
    pub next_at: Option<i64>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried last.
    pub last_at: Option<i64>,
    /// The reason's token, `tls.not_advertised`.
    pub reason: Option<String>,
    /// The last reply.
    pub reply: Option<String>,
    /// The reply is the relay's own, not the other server's.
    pub ours: bool,
    /// The reason's token of the last real attempt, where `reason` is about something else: time
    /// was up (`expired`), or nothing could be tried (`site.busy`).
    pub last_reason: Option<String>,
    /// The reply that it got, likewise.
    pub last_reply: Option<String>,
    /// The host that was tried last.
    pub host: Option<String>,
    /// Its address.
    pub host_address: Option<IpAddr>,
    /// The hosts' names as one key.
    pub site: String,
    /// How the connection was protected, in words.
    pub channel: String,
    /// What demanded how much, in words.
    pub policy: String,
    /// It may have been delivered: the connection ended before the reply to the message.
    pub maybe_delivered: bool,
    /// What was said in the last attempt that failed.
    pub transcript: Vec<String>,
    /// The site is asked again and again whether it is mended.
    pub watch: Option<QueueWatch>,
}

/// A site that is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QueueWatch {
    /// The hosts' names as one key.
    pub site: String,
    /// The domain that stands for it.
    pub domain: String,
    /// What is missing: `tls.not_advertised`.
    pub reason: String,
    /// Since when.
    pub since: i64,
    /// When it was asked last.
    pub last_at: Option<i64>,
    /// When it is asked next.
    pub next_at: Option<i64>,
    /// How many recipients wait for it.
    pub waiting: u64,
}

/// The state of the relay as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RelayStatus {
    /// Its version.
    pub version: String,
    /// Its name.
    pub hostname: String,
    /// The process; none where the relay does not run.
    pub process: Option<u32>,
    /// Since when it runs.
    pub since: Option<i64>,
    /// Why nothing is accepted, if that is so.
    pub refusal: Option<String>,
    /// Recipients that wait.
    pub queued: u64,
    /// Recipients that are held.
    pub held: u64,
    /// Attempts that run.
    pub active: u64,
    /// When the oldest that waits came.
    pub oldest_at: Option<i64>,
    /// Whether DNSSEC, and with it DANE, is relied on; why not otherwise.
    pub dnssec: Option<String>,
    /// Sites with the most recipients that wait.
    pub sites: Vec<QueueSite>,
    /// Sites that are watched.
    pub watched: Vec<QueueWatch>,
}

/// What waits for a site.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QueueSite {
    /// The hosts' names as one key; the domain where no host was found.
    pub site: String,
    /// Recipients that wait.
    pub waiting: u64,
    /// Attempts that run.
    pub active: u64,
    /// Attempts that may run.
    pub limit: u64,
    /// The commonest reason.
    pub reason: Option<String>,
    /// No connection is made for now, until then.
    pub paused_until: Option<i64>,
}
