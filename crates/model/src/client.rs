//! How real clients of mail servers would negotiate TLS with an endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tls::TlsVersion;

/// One client at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientView {
    /// `postfix-3.7-openssl-3.0`.
    pub client: String,
    /// For people: `Postfix 3.7 (OpenSSL 3.0)`.
    pub name: String,
    /// What it does.
    pub kind: ClientKind,
    /// [`Endpoint::id`](crate::Endpoint::id).
    pub endpoint: String,
    /// Its hello was really sent; otherwise the outcome follows from the lists of suites,
    /// groups and schemes.
    pub replayed: bool,
    /// How it ends.
    pub outcome: ClientOutcome,
}

/// What a client does with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// A mail server that delivers to it.
    Mta,
    /// A person's or program's client that submits mail.
    Submission,
}

/// How a handshake ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ClientOutcome {
    /// It comes about.
    Negotiated {
        /// The version.
        version: TlsVersion,
        /// IANA name of the suite.
        suite: String,
        /// IANA name of the group; none with RSA key exchange, or where it is not known.
        group: Option<String>,
    },
    /// It does not.
    NoConnection {
        /// What the two have not in common, one sentence.
        why: String,
    },
    /// It cannot be told.
    Unknown {
        /// Why, one sentence.
        why: String,
    },
}
