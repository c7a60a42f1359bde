//! What an SMTP server said. All text is neutralised and bounded by the reader.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{observed::Observed, software::Mta};

/// One reply (RFC 5321 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// Enhanced status code of the first line that has one (RFC 3463), `4.7.0`.
    pub enhanced: Option<String>,
    /// The text of each line without code and separator.
    pub lines: Vec<String>,
}

impl Reply {
    /// True for 2yz.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The reply on one line, `451 4.7.6 STARTTLS required`.
    pub fn one_line(&self) -> String {
        let mut out = self.code.to_string();
        for line in &self.lines {
            out.push(' ');
            out.push_str(line.trim());
        }
        out
    }
}

/// The answer to EHLO, or to HELO where EHLO was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EhloFacts {
    /// The reply as it came.
    pub reply: Reply,
    /// The name that the server calls itself.
    pub server_name: Option<String>,
    /// Keywords in the order given, upper case, with their parameters.
    pub keywords: Vec<EhloKeyword>,
    /// EHLO was refused and HELO accepted: no extension can be offered.
    pub by_helo: bool,
}

impl EhloFacts {
    /// The parameters of a keyword if it is offered. `AUTH=` (an old form) counts as
    /// `AUTH`.
    pub fn keyword(&self, name: &str) -> Option<&[String]> {
        self.keywords.iter().find(|k| k.name == name).map(|k| k.parameters.as_slice())
    }
}

/// One line of an EHLO reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EhloKeyword {
    /// Upper case.
    pub name: String,
    /// As given.
    pub parameters: Vec<String>,
}

/// Whether STARTTLS is offered before TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "offer", rename_all = "snake_case")]
pub enum StarttlsOffer {
    /// The keyword is in the EHLO reply.
    Advertised,
    /// It is not.
    Absent,
    /// A keyword in its place looks overwritten by a device on the path (`XXXXXXXA`).
    Mangled {
        /// The keyword that was found.
        keyword: String,
    },
    /// EHLO itself is refused, so nothing can be offered.
    EhloRefused,
}

/// The server speaks the other kind of TLS start than the one that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WrongMode {
    /// STARTTLS was tried; the server expects TLS from the first byte (implicit TLS).
    SpeaksImplicitTls,
    /// Implicit TLS was tried; the server greets in clear (STARTTLS).
    SpeaksPlaintextFirst,
}

/// The part of the conversation around STARTTLS, from the first connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// TCP connection: milliseconds until it stood.
    pub connected: Observed<u32>,
    /// The greeting, and how long it took.
    pub greeting: Observed<Greeting>,
    /// The first EHLO (in clear on STARTTLS ports; not tried with implicit TLS).
    pub ehlo_plain: Observed<EhloFacts>,
    /// Whether STARTTLS is offered.
    pub starttls_offer: Observed<StarttlsOffer>,
    /// The reply to the STARTTLS command.
    pub starttls_reply: Observed<Reply>,
    /// Bytes came in clear after the 220 to STARTTLS and before the TLS handshake: what
    /// they said. Their absence is `Seen(None)`.
    pub plaintext_after_220: Observed<Option<String>>,
    /// EHLO within TLS (the only one with implicit TLS).
    pub ehlo_tls: Observed<EhloFacts>,
    /// The reply that ends the probing of a server without STARTTLS: does it accept
    /// `MAIL FROM` in clear? Not tried where TLS works.
    pub mail_in_clear: Observed<Reply>,
    /// How often STARTTLS was looked for and how often it was there, over all
    /// connections to this endpoint.
    pub starttls_seen: Tally,
    /// The server speaks the other kind of TLS start.
    pub wrong_mode: Option<WrongMode>,
    /// Where this service is not SMTP: what its first bytes look like, in words
    /// (`an IMAP server`, `an SSH server`, `not SMTP: "…"`).
    pub not_smtp: Option<String>,
    /// The server's software, where its greeting or EHLO reply names it; none means that
    /// it does not say.
    pub software: Option<Mta>,
    /// The first reply with 421 or 454, or the first reset, and where it came.
    pub back_off: Option<BackOff>,
}

/// The greeting of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Greeting {
    /// The reply, normally 220.
    pub reply: Reply,
    /// Milliseconds from the connection to its end.
    pub milliseconds: u32,
}

/// How often something was looked for, and found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Times looked for.
    pub asked: u32,
    /// Times found.
    pub found: u32,
}

/// A sign that we are unwelcome, after which the scan slowed down or stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackOff {
    /// The reply, or `connection reset`.
    pub what: String,
    /// The stage at which it came (`greeting`, `EHLO`, `STARTTLS`, …).
    pub stage: String,
    /// How many connections had been made before.
    pub after_connections: u32,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptLine {
    /// Which connection of the endpoint, from 1.
    pub connection: u32,
    /// Microseconds since the scan of this endpoint began.
    pub at_us: u64,
    /// Who speaks.
    pub from: Speaker,
    /// True inside TLS.
    pub tls: bool,
    /// One line of text without line end, neutralised, secrets replaced.
    pub text: String,
}

/// Who speaks in a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// waxseal.
    Client,
    /// The server.
    Server,
    /// A remark of waxseal's: connected, TLS 1.3 established, closed, timed out.
    Note,
}
