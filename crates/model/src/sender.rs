//! How a kind of sender delivers to the target, now and with an attacker on the path.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a delivery ends, safest first (the order carries meaning: `worst` compares it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Delivered over TLS to a server that was authenticated.
    Authenticated,
    /// Kept in the sender's queue and tried again; returned when it expires.
    Deferred,
    /// Returned to its author at once.
    Bounced,
    /// Delivered over TLS to a server that was not authenticated.
    Encrypted,
    /// Delivered in clear.
    Clear,
    /// Could not be determined.
    Undetermined,
}

impl Outcome {
    /// The word in JSON and text.
    pub fn word(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
            Self::Encrypted => "encrypted",
            Self::Clear => "clear",
            Self::Undetermined => "undetermined",
        }
    }
}

/// One kind of sender and its view of the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SenderView {
    /// Id, `gmail`.
    pub sender: String,
    /// For people, `Gmail`.
    pub title: String,
    /// What happens to mail from there now.
    pub outcome: Outcome,
    /// The worst for its secrecy that an active attacker on the path can make of it.
    pub under_attack: Outcome,
    /// An attacker on the path can get to read the mail, in clear or by having it delivered
    /// to a server of its own.
    pub read_under_attack: bool,
    /// The reply or log line that the sender gives: now, if it does not deliver now,
    /// otherwise under attack. None where nothing is refused, and where it is not known.
    pub reply: Option<String>,
    /// Why mail fares so now, in a sentence.
    pub why: String,
    /// Each attack by itself; none where no mail is delivered that could be attacked.
    pub attacks: Vec<AttackView>,
}

/// What an active attacker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attack {
    /// Removes STARTTLS from the answer to EHLO, or answers it with 454.
    StripStarttls,
    /// Answers the MX query with a host of its own, which has a valid
    /// certificate for its own name.
    SwapMx,
    /// Leads the connection to a server of its own, which presents a valid certificate of
    /// another name.
    OtherCertificate,
}

impl Attack {
    /// What the attacker does, as a clause.
    pub fn words(self) -> &'static str {
        match self {
            Self::StripStarttls => "removes or refuses STARTTLS",
            Self::SwapMx => "answers the MX query with a host of its own",
            Self::OtherCertificate => "leads the connection to a server with a certificate of another name",
        }
    }
}

/// One attack and how a delivery ends under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttackView {
    /// Which.
    pub attack: Attack,
    /// How the delivery ends.
    pub outcome: Outcome,
    /// The attacker gets to read the mail.
    pub read_by_attacker: bool,
    /// The sender's reply or log line where it does not deliver.
    pub reply: Option<String>,
    /// Why, in a clause.
    pub why: String,
}
