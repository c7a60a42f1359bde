//! What becomes of recipients.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{MessageId, NewMessage};

/// Where a recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// To be tried when its time has come: new, or deferred.
    Queued,
    /// Set aside by the operator.
    Held,
    /// Taken by the next host.
    Delivered,
    /// Refused for good; the sender was told if that was owed.
    Failed,
    /// Time was up; likewise.
    Expired,
    /// Taken out by the operator.
    Cancelled,
}

impl State {
    /// True if nothing more will happen.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Held)
    }

    /// All.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Held, Self::Delivered, Self::Failed, Self::Expired, Self::Cancelled];

    /// The word: `queued`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One attempt to deliver to a recipient, as it is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended.
    pub at: i64,
    /// The reason's token (`tls.not_advertised`); none for a delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The reply as it is shown: `451 4.7.6 STARTTLS required but not advertised`.
    pub reply: String,
    /// The reply is ours, not the other server's.
    #[serde(default)]
    pub ours: bool,
    /// The host that answered or was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The MX site: its hosts' names, as one key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// The channel: `clear`, `TLSv1.3 TLS_AES_256_GCM_SHA384, authenticated by DANE`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// What demanded how much: `require (your rule "partner.example")`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// The connection ended between the final dot and its reply: it may have been delivered.
    #[serde(default)]
    pub maybe_delivered: bool,
    /// What was said, of a failed attempt; bounded by who fills it in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transcript: Vec<String>,
    /// What the last real attempt met, where the reply above is about something else: time was
    /// up, or nothing could be tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<Box<Met>>,
}

/// What a real attempt met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// The reason's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The reply as it was shown.
    pub reply: String,
    /// The reply is ours, not the other server's.
    #[serde(default)]
    pub ours: bool,
}

impl Attempt {
    /// What was met: by this attempt, or where it was none, by the last one before.
    pub fn met(&self) -> Met {
        match &self.met {
            Some(met) => (**met).clone(),
            None => Met { reason: self.reason.clone(), reply: self.reply.clone(), ours: self.ours },
        }
    }
}

/// What an attempt comes to for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Final: delivered, failed or expired.
    Final(State),
    /// Tried again. Of a recipient that the operator has set aside meanwhile all is noted, and
    /// it stays [`State::Held`].
    Again {
        /// Not before.
        next_at: i64,
        /// Whether the attempt counts for the schedule.
        counts: bool,
        /// A delay notice goes out with this.
        delay_told: bool,
    },
    /// Set aside for the operator ([`State::Held`]), because it cannot be tried: its body is
    /// gone. Does not count for the schedule.
    Held,
}

/// What became of recipients of one message, with the notices that are owed for it.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Which message.
    pub message: MessageId,
    /// When.
    pub at: i64,
    /// By the numbers of the recipients.
    pub fates: Vec<(u32, Fate, Attempt)>,
    /// Messages to their sender, in the same transaction.
    pub notices: Vec<NewMessage>,
}
