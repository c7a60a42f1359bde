//! A client as its file describes it.

use serde::{Deserialize, Serialize};
use waxseal_model::{client::ClientKind, tls::TlsVersion};

/// A program that sends mail, in one version, with one TLS library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// `postfix-3.7-openssl-3.0`.
    pub id: String,
    /// For people: `Postfix 3.7 (OpenSSL 3.0)`.
    pub name: String,
    /// What it does.
    pub kind: ClientKind,
    /// Which settings are meant, in a sentence or two.
    pub about: String,
    /// What it sends first.
    pub hello: Hello,
    /// What it refuses although its hello offers it.
    #[serde(default)]
    pub limits: Limits,
    /// What it does with the mail when the handshake fails; none is not known.
    pub after_failure: Option<AfterFailure>,
    /// Where this is from.
    pub source: Source,
}

/// A ClientHello, names as IANA spells them. A list that is empty is not sent; one that is
/// missing is not known. Reserved values (RFC 8701) and the two signals among the suites are
/// left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The versions on offer, newest first.
    pub versions: Vec<TlsVersion>,
    /// The version in the fixed part.
    pub legacy_version: Option<TlsVersion>,
    /// The version of the record.
    pub record_version: Option<TlsVersion>,
    /// Suites, best first.
    pub suites: Vec<String>,
    /// supported_groups, best first.
    pub groups: Option<Vec<String>>,
    /// Groups that come with a key share (TLS 1.3).
    pub key_shares: Option<Vec<String>>,
    /// signature_algorithms, best first.
    pub signature_algorithms: Option<Vec<String>>,
    /// It names the server, where it knows a name.
    pub sni: Option<bool>,
    /// RFC 7627.
    pub extended_master_secret: Option<bool>,
    /// RFC 7366.
    pub encrypt_then_mac: Option<bool>,
    /// RFC 5077.
    pub session_ticket: Option<bool>,
    /// A stapled OCSP response is asked for (RFC 6066).
    pub status_request: Option<bool>,
    /// RFC 5746.
    pub renegotiation_info: Option<RenegotiationInfo>,
    /// Protocols of ALPN.
    pub alpn: Option<Vec<String>>,
    /// Compression methods by number: 0 none, 1 DEFLATE.
    pub compression: Option<Vec<u8>>,
    /// ec_point_formats by number: 0 uncompressed.
    pub ec_point_formats: Option<Vec<u8>>,
    /// Numbers of all extensions, in the order sent.
    pub extensions: Option<Vec<u16>>,
}

/// How secure renegotiation is signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RenegotiationInfo {
    /// By the extension.
    Extension,
    /// By the signal among the suites.
    Signal,
    /// Not at all.
    No,
}

/// What a client refuses in the course of a handshake. What is missing is not known to be
/// refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Older versions are given up by itself, whatever its hello says.
    pub oldest_version: Option<TlsVersion>,
    /// The shortest prime of Diffie-Hellman that it takes, in bits.
    pub dh_bits: Option<u32>,
    /// How that is known.
    pub source: String,
}

/// What becomes of the mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AfterFailure {
    /// In short.
    pub action: Action,
    /// Who says so.
    pub source: String,
}

/// What a client does after a handshake that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It sends in clear at once.
    Clear,
    /// It keeps the mail; a later attempt may go in clear.
    DeferThenClear,
    /// It keeps the mail and tries again with TLS.
    Defer,
    /// It gives up and says so.
    Error,
}

impl Action {
    /// What it means, as a clause.
    pub fn words(self) -> &'static str {
        match self {
            Self::Clear => "sends in clear at once",
            Self::DeferThenClear => "keeps the mail, and may send in clear at a later attempt",
            Self::Defer => "keeps the mail and tries again with TLS",
            Self::Error => "gives up with an error",
        }
    }
}

/// Where a client's data is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// How it was come by.
    pub method: Method,
    /// What was recorded or read.
    pub what: String,
    /// In which place.
    #[serde(rename = "where")]
    pub place: String,
    /// When, `2026-11-27`.
    pub date: String,
    /// What does not stand there, but follows from something else; and from what.
    pub derived: Option<String>,
}

/// How data was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Its hello was received and written down.
    Recorded,
    /// Its maker or others tell.
    Documented,
}

impl Method {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Documented => "documented",
        }
    }
}
