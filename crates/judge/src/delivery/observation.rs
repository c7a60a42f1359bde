//! What a sender saw at an MX host.

use serde::Deserialize;

/// How far it came, and what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Observation {
    /// No connection, or no greeting that takes mail.
    Unreachable,
    /// STARTTLS is not in the answer to EHLO.
    NoStarttls,
    /// STARTTLS is answered by anything but 220, such as 454.
    StarttlsRefused,
    /// The TLS handshake failed.
    HandshakeFailed,
    /// The server knows only versions of TLS that are older than the sender's least.
    TlsTooOld,
    /// TLS was left alone, as [`Requirement::avoids_tls`](super::Requirement::avoids_tls)
    /// says. For any other requirement that is no ground to go on.
    NotTried,
    /// TLS stands.
    Tls(TlsSeen),
}

/// What was found in TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TlsSeen {
    /// The certificate by the rules of PKIX.
    pub certificate: Certificate,
    /// The certificate by the TLSA records.
    pub tlsa: Tlsa,
    /// The server's own key is one that the operator pinned.
    pub fingerprint: bool,
    /// The keyword REQUIRETLS is in the answer to EHLO within TLS (RFC 8689 section 2).
    pub requiretls: bool,
}

/// A certificate by the rules of PKIX: three questions, each by itself. Without any
/// certificate (anonymous suites) all are answered no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// A path of valid signatures leads to a root that the sender trusts.
    pub trusted: bool,
    /// Every certificate of the path is within its dates.
    pub in_date: bool,
    /// It is for the name of the MX host (DNS-ID, RFC 8461 section 4.2).
    pub for_mx: bool,
    /// It is for a name that the operator set, or for the domain itself.
    pub for_operator: bool,
}

impl Certificate {
    /// Valid for the MX host, and for no name of the operator's.
    pub const VALID: Self = Self { trusted: true, in_date: true, for_mx: true, for_operator: false };
    /// No certificate.
    pub const NONE: Self = Self { trusted: false, in_date: false, for_mx: false, for_operator: false };
}

/// The certificate by the TLSA records (RFC 7672 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tlsa {
    /// There are no usable records to compare with.
    NotApplicable,
    /// A DANE-EE(3) record matches: names and dates play no part (section 3.1.1).
    Ee,
    /// A DANE-TA(2) record matches, and names (section 3.2.2) and dates are right.
    Ta,
    /// A DANE-TA(2) record matches, and the certificate bears none of the names.
    TaWrongName,
    /// A DANE-TA(2) record matches, and a certificate of the path has expired or is not
    /// yet valid.
    TaOutOfDate,
    /// No usable record matches.
    Mismatch,
}
