//! What became of one message for one recipient, whoever told it: a reply, a bounce, a log
//! line, our own relay.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One outcome of one delivery to one recipient, as a reader found it. It holds facts and
/// no opinion; what was not said is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MailEvent {
    /// Where it was read.
    pub source: Source,
    /// What became of the message.
    pub outcome: Outcome,
    /// When, as seconds since 1970-01-01 UTC. Logs without a year or a zone are read with
    /// the year and the offset that the caller gave.
    pub time: Option<i64>,
    /// The mailbox that the message was for, without angle brackets. `@example.com` stands for
    /// a whole domain, where a report speaks of that.
    pub recipient: Option<String>,
    /// The address that was written first, where an alias or a forward changed it.
    pub original_recipient: Option<String>,
    /// The envelope sender; an empty text is the null sender of bounces (RFC 5321 section 4.5.5).
    /// `@example.com` stands for a whole domain, where a report speaks of that.
    pub sender: Option<String>,
    /// The reply code, 200 to 599.
    pub reply: Option<u16>,
    /// The enhanced status code (RFC 3463).
    pub status: Option<EnhancedStatus>,
    /// The command or moment that was answered.
    pub stage: Option<Stage>,
    /// The words of the answer or error, whole, on one line, control characters neutralised.
    pub text: String,
    /// Host that answered or was tried.
    pub remote_host: Option<String>,
    /// Its address.
    pub remote_address: Option<std::net::IpAddr>,
    /// Its port.
    pub remote_port: Option<u16>,
    /// The host that reports: the one that wrote the bounce or the log.
    pub reporter: Option<String>,
    /// Our own address that the connection came from or, in a rejection that our server
    /// logged, the client's.
    pub client_address: Option<std::net::IpAddr>,
    /// The message's identification in the reporter's queue.
    pub queue_id: Option<String>,
    /// How the connection was protected, where that is known.
    pub protection: Option<Protection>,
    /// Earlier words on the same connection that tell more than `text`: TLS errors that are
    /// logged on lines of their own, replies to earlier commands. Oldest first.
    pub context: Vec<String>,
    /// How many messages or sessions ended this way, where a report counts them.
    pub count: Option<u64>,
}

/// Where an event was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Source {
    /// The format's name: `reply`, `postfix_log`, `rfc3464`, `exim_bounce`.
    pub format: String,
    /// The file it stood in; none for an argument or standard input.
    pub file: Option<String>,
    /// Its first line there, from 1.
    pub line: Option<u64>,
}

/// What became of a message.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is not known, or was not said.
    #[default]
    Unknown,
    /// It was taken by the next host, or put into the mailbox.
    Delivered,
    /// It was handed on to a system that gives no reports.
    Relayed,
    /// It stays in the queue and is tried again.
    Deferred,
    /// It was given up and returned to its sender.
    Failed,
    /// The reporting server itself refused it from a client.
    Rejected,
    /// The recipient complained about it (ARF, RFC 5965).
    Complaint,
    /// It was answered by a program: an absence notice, a challenge (RFC 3834).
    AutoReply,
}

/// A moment of an SMTP session, in the order of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A name was looked up.
    Dns,
    /// The TCP connection.
    Connect,
    /// The server's first reply.
    Greeting,
    /// `EHLO` or `HELO`.
    Ehlo,
    /// The `STARTTLS` command.
    Starttls,
    /// The TLS handshake, certificates included.
    Tls,
    /// `AUTH` and its dialogue.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// The `DATA` or `BDAT` command.
    Data,
    /// The answer to the message itself, after its last line.
    EndOfData,
    /// `QUIT`, `RSET` and `NOOP`.
    Quit,
}

impl Stage {
    /// The stage in a reader's words: `RCPT TO`, `the end of the message`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Dns => "the look-up of names",
            Self::Connect => "the connection",
            Self::Greeting => "the greeting",
            Self::Ehlo => "EHLO",
            Self::Starttls => "STARTTLS",
            Self::Tls => "the TLS handshake",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::EndOfData => "the end of the message",
            Self::Quit => "QUIT",
        }
    }
}

/// How a connection was protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// In clear.
    Clear,
    /// Encrypted; nobody checked with whom.
    Encrypted,
    /// Encrypted, with the other side's certificate checked.
    Authenticated,
}

/// An enhanced status code (RFC 3463): `4.7.29`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnhancedStatus {
    /// 2 success, 4 for now, 5 for good.
    pub class: u8,
    /// What it is about, 0 to 999.
    pub subject: u16,
    /// The detail, 0 to 999.
    pub detail: u16,
}

impl EnhancedStatus {
    /// Reads `4.7.29` and nothing else: class 2, 4 or 5, numbers of one to three digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let class = match parts.next()? {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let mut number = || {
            let part = parts.next()?;
            let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        let (subject, detail) = (number()?, number()?);
        parts.next().is_none().then_some(Self { class, subject, detail })
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl Serialize for EnhancedStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EnhancedStatus {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("'{text}' is no enhanced status code")))
    }
}

impl JsonSchema for EnhancedStatus {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EnhancedStatus".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": r"^[245]\.\d{1,3}\.\d{1,3}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_status_code_is_three_numbers_of_a_known_class() {
        let status = EnhancedStatus::parse("4.7.29").unwrap();
        assert_eq!((status.class, status.subject, status.detail), (4, 7, 29));
        assert_eq!(status.to_string(), "4.7.29");
        for wrong in ["", "4.7", "4.7.29.1", "3.0.0", "4.7.2x", "4..1", "5.1.1000", " 4.7.1", "192.0.2"] {
            assert_eq!(EnhancedStatus::parse(wrong), None, "{wrong}");
        }
    }
}
