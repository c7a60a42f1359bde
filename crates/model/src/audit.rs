//! What only an audit asks a server's TLS: every suite, and how it bears attacks.
//!
//! Attacks are described by what the server did, never by what that means: that is for a
//! check to say.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    evidence::TlsStart,
    observed::{Observed, Why},
    tls::{GroupFacts, SuiteOrder, TlsVersion},
};

/// Facts of an audit, beside those of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AuditFacts {
    /// How far the lists in [`TlsEvidence::suites`](crate::tls::TlsEvidence::suites) go, by
    /// version. A version that is not accepted has no entry.
    pub suite_lists: BTreeMap<TlsVersion, Observed<SuiteList>>,
    /// Groups by version, in the order in which they showed themselves.
    pub groups: BTreeMap<TlsVersion, Observed<GroupFacts>>,
    /// Schemes of the server's handshake signatures by version (from TLS 1.2 on), IANA
    /// names, in the order in which they showed themselves.
    pub signature_algorithms: BTreeMap<TlsVersion, Observed<SignatureList>>,
    /// A heartbeat that claims one byte more than it carries (CVE-2014-0160).
    pub heartbleed: Observed<Heartbleed>,
    /// ChangeCipherSpec before the keys are agreed (CVE-2014-0224).
    pub ccs_injection: Observed<CcsInjection>,
    /// RSA key exchange with wrong padding (ROBOT).
    pub robot: Observed<Robot>,
    /// A second handshake that the client asks for in an established session, with the
    /// binding of RFC 5746.
    pub client_renegotiation: Observed<Renegotiation>,
    /// The same without that binding (CVE-2009-3555).
    pub insecure_renegotiation: Observed<Renegotiation>,
    /// Up to TLS 1.2: a session is resumed by its id.
    pub resumption_by_id: Observed<bool>,
    /// Up to TLS 1.2: a session is resumed by a ticket (RFC 5077).
    pub resumption_by_ticket: Observed<bool>,
    /// Tickets of the newest version that issued any: none means that no ticket came.
    pub tickets: Observed<Option<Tickets>>,
    /// A short session id comes back longer than it was sent (CVE-2016-9244): by how many
    /// bytes; 0 is sound. At most one byte of the server's memory is asked for.
    pub ticketbleed: Observed<u8>,
    /// TLS 1.3: bytes of early data (0-RTT) that the server's tickets allow, 0 is none.
    pub early_data: Observed<u32>,
    /// The same Diffie-Hellman public value in several handshakes (Raccoon's precondition).
    pub dh_reuse: Observed<bool>,
    /// Hellos that are meant for another service (ALPACA).
    pub foreign_hello: Observed<ForeignHello>,
    /// A hello without SNI.
    pub without_sni: Observed<WithoutSni>,
    /// Whether the server wants a certificate from the client.
    pub client_certificate: Observed<ClientCertificate>,
    /// Hellos with something new in them, that a sound server ignores.
    pub tolerance: Vec<Tolerance>,
    /// Limits of the server on hellos that were met on the way.
    pub hello_limit: Option<HelloLimit>,
    /// A command sent along with STARTTLS, before TLS (CVE-2011-0411).
    pub starttls_injection: Observed<StarttlsInjection>,
    /// Other ports of mail on the same address.
    pub siblings: Observed<Vec<Sibling>>,
    /// What came back to the hellos of real clients; empty unless they were sent.
    pub replays: Vec<Replay>,
}

/// What is known about a version's list of suites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteList {
    /// A last hello with all other known suites was refused, so that there are none among
    /// those that waxseal knows. Suites that need a shared secret are asked for in older versions
    /// only where the newest one has any.
    pub complete: bool,
    /// Why it is not complete, where it is not.
    pub why_incomplete: Option<Why>,
    /// Whose order decides; none where there was nothing to compare.
    pub order: Option<SuiteOrder>,
    /// With the server's order: ChaCha20 comes first for clients that put it first.
    pub chacha_by_client: Option<bool>,
    /// Suites of the list that were not chosen in this version themselves: they were in a
    /// newer one, and a sample of every key exchange and every cipher among them was chosen
    /// in this one too.
    pub inferred: Vec<String>,
}

/// Signature schemes that a server used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignatureList {
    /// IANA names (`rsa_pss_rsae_sha256`), in the order in which they showed themselves.
    pub chosen: Vec<String>,
    /// A last hello with all other known schemes was refused or got none of them.
    pub complete: bool,
    /// The server also signs with a scheme that it was not offered: with which.
    pub unoffered: Option<String>,
}

/// The answer to a heartbeat that claims more than it carries (RFC 6520).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Heartbleed {
    /// The heartbeat extension is not offered.
    NoHeartbeat,
    /// It was dropped or refused, as it should be.
    Discarded,
    /// It was answered with bytes that were never sent.
    Answered {
        /// How many; never more than one is asked for.
        beyond: u16,
    },
}

/// The answer to an early ChangeCipherSpec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum CcsInjection {
    /// Refused.
    Refused {
        /// The alert, if one came before the close.
        alert: Option<u8>,
    },
    /// Taken: the next record was read with keys that everybody knows.
    Accepted {
        /// The alert about that record (bad_record_mac, decryption_failed).
        alert: u8,
    },
}

/// How the server answers RSA key exchanges with wrong padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Robot {
    /// What it gives away; none if all answers are alike.
    pub oracle: Option<RobotOracle>,
    /// Whether the key exchange was followed by ChangeCipherSpec and Finished, where it gives
    /// something away.
    pub with_finished: Option<bool>,
    /// The answers, one for each kind of block, of the flow that decided.
    pub answers: Vec<RobotAnswer>,
}

/// What answers to wrong padding give away (ROBOT paper, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RobotOracle {
    /// Valid blocks are hard to meet with it: an attack takes very long.
    Weak,
    /// An attack is practical.
    Strong,
}

/// One kind of block and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RobotAnswer {
    /// The kind of block, in words: `valid`, `wrong first bytes`, …
    pub block: String,
    /// The answer, in words: `alert 20 bad_record_mac`, `closed`, …
    pub answer: String,
}

/// How a server answers a client that asks for another handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Renegotiation {
    /// It goes along.
    Accepted,
    /// It does not.
    Refused {
        /// The alert (no_renegotiation is 100); none where it closed or went on with the
        /// session instead.
        alert: Option<u8>,
    },
}

/// Session tickets as they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tickets {
    /// The version of the handshake.
    pub version: TlsVersion,
    /// How many came.
    pub count: u32,
    /// How long they may be used, in seconds; 0 leaves it to the client (TLS 1.2).
    pub lifetime: u32,
}

/// What the server makes of hellos for another service (ALPACA).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForeignHello {
    /// A name that is not the server's in SNI is accepted.
    pub sni_accepted: Observed<bool>,
    /// Only protocols that are not mail's in ALPN are accepted.
    pub alpn_accepted: Observed<bool>,
}

/// What a client without SNI gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum WithoutSni {
    /// It is refused.
    Refused {
        /// The alert, if one came.
        alert: Option<u8>,
    },
    /// A certificate.
    Certificate {
        /// SHA-256 of the leaf, lower-case hex.
        leaf_sha256: String,
        /// It is the one, or one of those, that clients with SNI get.
        same: bool,
        /// The leaf's DNS names, or its common name where it has none.
        names: Vec<String>,
    },
    /// A handshake in which no certificate is shown.
    NoCertificate,
}

/// Whether a server wants a certificate from its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificate {
    /// It does not ask.
    NotAsked,
    /// It asks, and goes on without.
    Requested,
    /// It ends the handshake of clients without.
    Demanded,
}

/// One kind of novelty in a hello, and whether the server bears it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tolerance {
    /// Which.
    pub novelty: Novelty,
    /// The server ignores it and goes on; false is a refusal.
    pub tolerated: Observed<bool>,
}

/// Novelties that sound servers ignore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Novelty {
    /// Reserved values among suites, groups, signature schemes and extensions (RFC 8701).
    Grease,
    /// An extension nobody knows.
    UnknownExtension,
    /// A version above all that exist (RFC 5246 appendix E.1).
    FutureVersion,
    /// A hello of more than 4 KiB, as with large key shares.
    LongHello,
    /// A hello of 256 to 511 bytes (RFC 7685).
    MiddleLength,
    /// An empty extension at the end.
    EmptyLastExtension,
}

/// A limit that was met, and by which questions were made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HelloLimit {
    /// Hellos with at most so many suites are answered; larger ones were not.
    pub suites: Option<u16>,
    /// The longest hello that was answered, in bytes, where longer ones were not: the limit lies
    /// at this figure or above it.
    pub bytes: Option<u16>,
}

/// What became of a command that was sent together with STARTTLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum StarttlsInjection {
    /// It was dropped when TLS began.
    Discarded,
    /// The server refused to go on: the reply, or none where it closed.
    Refused {
        /// The reply, neutralised.
        reply: Option<String>,
    },
    /// It was answered in clear before TLS, so that no TLS came about.
    AnsweredInClear {
        /// The reply, neutralised.
        reply: String,
    },
    /// It was kept and answered within TLS.
    AnsweredWithinTls {
        /// The reply, neutralised.
        reply: String,
    },
}

/// Another port of mail on the same address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sibling {
    /// By the rules of mail, wherever the connection was led.
    pub port: u16,
    /// How TLS starts there.
    pub tls: TlsStart,
    /// Its certificate; `Seen(None)` if the port is closed or shows none.
    pub certificate: Observed<Option<SiblingCertificate>>,
    /// SSLv2 is spoken there.
    pub ssl2: Observed<bool>,
}

/// The certificate of another port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiblingCertificate {
    /// SHA-256 of the leaf, lower-case hex.
    pub leaf_sha256: String,
    /// SHA-256 of its SubjectPublicKeyInfo, lower-case hex.
    pub spki_sha256: String,
    /// Its key is RSA.
    pub is_rsa: bool,
}

/// The hello of a real client, sent as it sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// Id of the client, [`ClientView::client`](crate::client::ClientView::client).
    pub client: String,
    /// What came back.
    pub answer: Observed<ReplayAnswer>,
}

/// A server's answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ReplayAnswer {
    /// It goes on with the handshake.
    Chosen {
        /// The version.
        version: TlsVersion,
        /// IANA name of the suite.
        suite: String,
        /// IANA name of the group; none without elliptic curves.
        group: Option<String>,
    },
    /// It ends it.
    Refused {
        /// The alert, if one came.
        alert: Option<u8>,
    },
}
