//! Why a message was not delivered, who must act, whether a retry helps, and what to change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{dmarc_report::DmarcReport, mail::MailEvent, tls_report::TlsReport};

/// The verdict on one [`MailEvent`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// The cause's name, `starttls_missing`.
    pub cause: String,
    /// The family it belongs to, `tls`.
    pub family: String,
    /// What happened, in one sentence.
    pub summary: String,
    /// What this very text means, where its rule knows more than the cause does.
    pub meaning: Option<String>,
    /// Who must act.
    pub side: Side,
    /// Who exactly, within that side.
    pub who: Who,
    /// Whether a retry helps, and when.
    pub retry: Retry,
    /// What it strikes.
    pub scope: Scope,
    /// How sure this is, 0 to 1: the share of right answers of the rule's kind, as measured.
    /// Below 0.5 the runner-up has to be shown beside it.
    pub confidence: f64,
    /// What it rests on: words and codes of the input.
    pub evidence: Vec<EvidenceSpan>,
    /// What to change, most promising first.
    pub fix: Vec<Fix>,
    /// Commands that find out more, ready to be pasted.
    pub next: Vec<String>,
    /// The second best answer.
    pub runner_up: Option<RunnerUp>,
    /// The rule that decided, `google.tls-required`.
    pub rule: String,
    /// Where the knowledge comes from.
    pub source: String,
    /// The provider or program whose rule decided; none where the text alone did.
    pub provider: Option<String>,
    /// The class by Sisimai's names, for comparison alone.
    pub sisimai: String,
    /// What it is about.
    pub event: MailEvent,
}

/// One of the things that a diagnosis rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceSpan {
    /// What it is.
    pub kind: EvidenceKind,
    /// The words, as they stand in the event's text or context, or the code or name.
    pub text: String,
    /// Where it begins in `event.text`, in bytes; none for what stands elsewhere.
    pub start: Option<usize>,
    /// Where it ends there.
    pub end: Option<usize>,
}

/// What a piece of evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// Words of the text.
    Words,
    /// The reply code.
    ReplyCode,
    /// The enhanced status code.
    Status,
    /// The moment of the session.
    Stage,
    /// The remote host, or a mark of its software or provider.
    Provider,
    /// Words on an earlier line.
    Context,
}

/// A change that mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// Who makes it, and where: `recipient's server`, `Postfix`.
    pub at: String,
    /// The change, in one or two sentences.
    pub text: String,
    /// A setting or command to paste; none where there is none.
    pub paste: Option<String>,
}

/// The second best answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunnerUp {
    /// The cause.
    pub cause: String,
    /// What would have happened.
    pub summary: String,
    /// How sure.
    pub confidence: f64,
    /// The rule.
    pub rule: String,
}

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The sender's mail program, application or person.
    SenderClient,
    /// The sender's server, its DNS or its provider.
    SenderServer,
    /// Whoever runs the network between.
    Network,
    /// The recipient's server, its DNS or the recipient.
    RecipientServer,
    /// A filter that stands in front of a server, or a program that breaks TLS open.
    SecurityFilter,
    /// Nobody.
    Nobody,
}

/// Who exactly must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The person who sends.
    SenderUser,
    /// The settings of the mail program or application.
    SenderClient,
    /// The admin of the sending server.
    SenderServer,
    /// Whoever keeps the sender's DNS.
    SenderDns,
    /// Whoever runs the network.
    Network,
    /// The admin of the recipient's server.
    RecipientServer,
    /// The recipient.
    RecipientUser,
    /// Whoever runs the filter.
    SecurityFilter,
    /// Nobody.
    Nobody,
}

impl Who {
    /// The side that this one is on.
    pub fn side(self) -> Side {
        match self {
            Self::SenderUser | Self::SenderClient => Side::SenderClient,
            Self::SenderServer | Self::SenderDns => Side::SenderServer,
            Self::Network => Side::Network,
            Self::RecipientServer | Self::RecipientUser => Side::RecipientServer,
            Self::SecurityFilter => Side::SecurityFilter,
            Self::Nobody => Side::Nobody,
        }
    }
}

/// Whether trying again helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// No: it ends the same way.
    No,
    /// Yes, later: the other side mends itself or is being mended.
    Later,
    /// Yes, with fewer messages, connections or recipients at a time.
    Slower,
    /// Once something was changed.
    AfterFix,
    /// By another address, port or server.
    OtherRoute,
    /// There is nothing to retry.
    NotApplicable,
}

/// What an error strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Mail to this recipient.
    Recipient,
    /// Mail to everyone at the recipient's domain or server.
    RecipientDomain,
    /// Mail from this sender or account.
    Sender,
    /// Mail from the sender's domain.
    SenderDomain,
    /// All mail from the sender's IP address.
    SenderAddress,
    /// This message.
    Message,
    /// This one connection or moment.
    Session,
}

/// One text that was given, and what was found in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Version of this form; it changes only by addition.
    pub schema_version: u32,
    /// The file; none for an argument or standard input.
    pub file: Option<String>,
    /// What it was taken for, in words: `a bounce mail`.
    pub input: String,
    /// What a person should know about the reading.
    pub notes: Vec<String>,
    /// One for each recipient, or for what was said about the session as a whole.
    pub diagnoses: Vec<Diagnosis>,
    /// The TLS reports in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tls_reports: Vec<TlsReport>,
    /// The DMARC aggregate reports in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dmarc_reports: Vec<DmarcReport>,
}

/// A cause with how often it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CauseCount {
    /// How many events.
    pub count: u64,
    /// How many files they were in.
    pub files: u64,
    /// The surest of them.
    pub example: Diagnosis,
}
