//! What a server did in TLS handshakes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{audit::AuditFacts, observed::Observed};

/// Protocol versions, oldest first (their order carries meaning).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// SSL 2.0 (RFC 6176 forbids it).
    #[serde(rename = "SSLv2")]
    Ssl2,
    /// SSL 3.0 (RFC 7568 forbids it).
    #[serde(rename = "SSLv3")]
    Ssl3,
    /// TLS 1.0 (RFC 8996 forbids it).
    #[serde(rename = "TLSv1.0")]
    Tls10,
    /// TLS 1.1 (RFC 8996 forbids it).
    #[serde(rename = "TLSv1.1")]
    Tls11,
    /// TLS 1.2.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

impl TlsVersion {
    /// All, oldest first.
    pub const ALL: [Self; 6] = [Self::Ssl2, Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The code on the wire: 0x0002, 0x0300 … 0x0304.
    pub fn code(self) -> u16 {
        match self {
            Self::Ssl2 => 0x0002,
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// The version of a code on the wire.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.code() == code)
    }

    /// For people: `TLS 1.2`, `SSLv3`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSLv2",
            Self::Ssl3 => "SSLv3",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }
}

/// A cipher suite by its IANA code and name (SSLv2 kinds have three-byte codes).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Suite {
    /// IANA code, 0x1301; SSLv2 kinds 0x010080 …
    pub code: u32,
    /// IANA name; `unknown 0x….` where there is none.
    pub name: String,
}

/// A supported group by its IANA code and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// IANA code, 0x001d.
    pub code: u16,
    /// IANA name, `x25519`.
    pub name: String,
}

/// Classes of suites that a verdict rests on. A suite may be in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuiteClass {
    /// No encryption.
    Null,
    /// No authentication of the server.
    Anonymous,
    /// Export strength (40 or 56 bits by law of the 1990s).
    Export,
    /// Single DES.
    Des,
    /// RC2.
    Rc2,
    /// RC4 (RFC 7465 forbids it).
    Rc4,
    /// Triple DES (SWEET32).
    TripleDes,
    /// IDEA (SWEET32).
    Idea,
    /// SEED.
    Seed,
    /// RSA key exchange: no forward secrecy (RFC 10015 forbids it in TLS 1.2).
    RsaKeyExchange,
    /// Ephemeral finite-field Diffie-Hellman.
    Dhe,
    /// CBC mode (with any MAC).
    Cbc,
}

impl SuiteClass {
    /// All, in the order of the declaration.
    pub const ALL: [Self; 12] = [
        Self::Null,
        Self::Anonymous,
        Self::Export,
        Self::Des,
        Self::Rc2,
        Self::Rc4,
        Self::TripleDes,
        Self::Idea,
        Self::Seed,
        Self::RsaKeyExchange,
        Self::Dhe,
        Self::Cbc,
    ];

    /// For people: `3DES`, `anonymous`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Anonymous => "anonymous",
            Self::Export => "export",
            Self::Des => "DES",
            Self::Rc2 => "RC2",
            Self::Rc4 => "RC4",
            Self::TripleDes => "3DES",
            Self::Idea => "IDEA",
            Self::Seed => "SEED",
            Self::RsaKeyExchange => "RSA key exchange",
            Self::Dhe => "DHE",
            Self::Cbc => "CBC",
        }
    }
}

/// Whether a class of suites is accepted, over all versions that were asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassFact {
    /// True if a suite of the class was chosen by the server.
    pub accepted: bool,
    /// The suites of it that were chosen, with the version: proof, not a full list.
    pub examples: Vec<NegotiatedSuite>,
    /// The versions in which the class was offered to the server.
    pub offered_in: Vec<TlsVersion>,
}

/// A suite as chosen in a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NegotiatedSuite {
    /// Version of the handshake.
    pub version: TlsVersion,
    /// The suite that the server chose.
    pub suite: Suite,
}

/// A complete handshake made by the TLS library that also delivers mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handshake {
    /// Negotiated version (TLS 1.2 or 1.3; the library knows no older one).
    pub version: TlsVersion,
    /// Negotiated suite.
    pub suite: Suite,
    /// Key exchange group; absent only where the library does not tell.
    pub group: Option<Group>,
    /// The server asked for another key share first (HelloRetryRequest).
    pub hello_retry: bool,
    /// Signature scheme of the server's handshake signature, IANA spelling, if known.
    pub signature_scheme: Option<String>,
    /// An OCSP response was stapled.
    pub ocsp_stapled: bool,
    /// The server asked for a client certificate.
    pub client_certificate_requested: bool,
    /// Milliseconds from the ClientHello to the end of the handshake.
    pub milliseconds: u32,
}

/// Whose order of suites decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuiteOrder {
    /// The server's.
    Server,
    /// The client's.
    Client,
}

/// The answer to a hello with TLS_FALLBACK_SCSV (RFC 7507).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum FallbackScsv {
    /// Refused with inappropriate_fallback (86), or with another fatal alert where the
    /// same hello without the signal is accepted.
    Honoured {
        /// The alert's number.
        alert: u8,
    },
    /// The handshake went on as if nothing were amiss.
    Ignored,
}

/// Diffie-Hellman parameters that the server chose by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DhFacts {
    /// Length of the prime in bits.
    pub bits: u32,
    /// Name of the prime, where it is a published one (`RFC 7919 ffdhe2048`).
    pub known_prime: Option<String>,
    /// The prime in lower-case hex.
    pub prime: String,
}

/// Facts about one endpoint's TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsEvidence {
    /// The real handshake.
    pub handshake: Observed<Handshake>,
    /// Accepted or not, by version. Versions that nobody asked about are `NotTried`.
    pub versions: BTreeMap<TlsVersion, Observed<bool>>,
    /// Suites that were chosen at any time: proof that they are offered, no full list.
    pub suites_seen: Vec<NegotiatedSuite>,
    /// Accepted classes of suites.
    pub suite_classes: BTreeMap<SuiteClass, Observed<ClassFact>>,
    /// A suite with ephemeral key exchange was chosen (ECDHE, DHE, or any of TLS 1.3).
    pub forward_secrecy: Observed<bool>,
    /// Whose order of suites decides, up to TLS 1.2.
    pub suite_order: Observed<SuiteOrder>,
    /// TLS compression: the methods the server chose (`DEFLATE`); empty is none.
    pub compression: Observed<Vec<String>>,
    /// Extended master secret in TLS 1.2 (RFC 7627).
    pub extended_master_secret: Observed<bool>,
    /// Secure renegotiation signalled (RFC 5746).
    pub secure_renegotiation: Observed<bool>,
    /// Encrypt-then-MAC with a CBC suite (RFC 7366).
    pub encrypt_then_mac: Observed<bool>,
    /// The heartbeat extension is echoed (RFC 6520).
    pub heartbeat: Observed<bool>,
    /// Session tickets are offered up to TLS 1.2 (RFC 5077).
    pub session_ticket: Observed<bool>,
    /// Downgrade signal in the server's random (RFC 8446 section 4.1.3).
    pub downgrade_sentinel: Observed<bool>,
    /// What becomes of a fallback with the warning signal.
    pub fallback_scsv: Observed<FallbackScsv>,
    /// Every suite that is accepted, by version: IANA names, in the server's order where it
    /// has one. Only an audit lists them; how far a list goes is told by
    /// [`AuditFacts::suite_lists`].
    #[serde(default)]
    pub suites: BTreeMap<TlsVersion, Vec<String>>,
    /// IANA names of the groups that were chosen, in the order in which they showed
    /// themselves; `group_facts` tells whether that is all of them.
    #[serde(default)]
    pub groups: Vec<String>,
    /// IANA names of the schemes that the server signs handshakes with, in the order in which
    /// they showed themselves. Only an audit lists them.
    #[serde(default)]
    pub signature_algorithms: Vec<String>,
    /// Groups that were chosen, with their codes, or why none are known.
    #[serde(default)]
    pub group_facts: Observed<GroupFacts>,
    /// Post-quantum groups among them (hybrids with ML-KEM).
    pub post_quantum: Observed<bool>,
    /// Groups under 224 bits or withdrawn ones, TLS 1.2 (sect163k1, secp160r1 …); empty
    /// means that all such were refused.
    pub weak_groups: Observed<Vec<Group>>,
    /// Parameters of DHE suites.
    pub dh: Observed<DhFacts>,
    /// The server requires the client to name it (SNI): a hello without is refused.
    pub sni_required: Observed<bool>,
    /// What only an audit asks; none after a check.
    #[serde(default)]
    pub audit: Option<Box<AuditFacts>>,
}

/// Groups that a server chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupFacts {
    /// In the order in which they showed themselves.
    pub chosen: Vec<Group>,
    /// True if a last hello without them was refused, so that there are no others
    /// among those that waxseal knows.
    pub complete: bool,
}
