//! What a sender knows of a delivery to one MX host before it connects.

use serde::Deserialize;

/// All that the requirement rests on. Facts are those of the sender: one that does not
/// validate DNSSEC never sees `Secure` or `Bogus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PolicyFacts {
    /// The answer for the MX records of the domain.
    pub mx: MxAnswer,
    /// The answers for the addresses of the MX host.
    pub address: AddressAnswer,
    /// The TLSA records of the MX host (RFC 7672).
    pub dane: Dane,
    /// The MTA-STS policy of the domain (RFC 8461).
    pub sts: Sts,
    /// The message came with the MAIL parameter REQUIRETLS (RFC 8689 section 2).
    pub require_tls: bool,
    /// The message has the header `TLS-Required: No` (RFC 8689 section 3).
    pub tls_required_no: bool,
    /// What the operator of the sender demands for this domain.
    pub operator: Operator,
}

/// The answer for the MX records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MxAnswer {
    /// Proven by DNSSEC; so is the absence of MX records behind an implicit MX.
    Secure,
    /// Not signed, or not validated.
    Insecure,
    /// It should be signed and does not verify.
    Bogus,
    /// SERVFAIL, a timeout, nothing usable.
    Failed,
    /// `MX 0 .`: the domain takes no mail (RFC 7505).
    NullMx,
    /// NXDOMAIN.
    NoSuchDomain,
    /// The sender itself is the best MX host (RFC 5321 section 5.1).
    Ourselves,
}

/// The answers for A and AAAA of the MX host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressAnswer {
    /// Proven by DNSSEC.
    Secure,
    /// Not signed, or not validated.
    Insecure,
    /// They should be signed and do not verify.
    Bogus,
    /// SERVFAIL, a timeout, nothing usable.
    Failed,
}

/// The TLSA records of the MX host (RFC 7672 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dane {
    /// The sender does not do DANE.
    NotAsked,
    /// None that count: denied, or not signed.
    None,
    /// Signed, and at least one can be used.
    Usable,
    /// Signed, and none can be used (usages 0 and 1, unknown numbers, wrong lengths).
    UnusableOnly,
    /// The answer is bogus, or there was none: SERVFAIL, a timeout.
    LookupFailed,
}

/// The MTA-STS policy of the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sts {
    /// None is in force: nothing published, mode `none`, or the sender does not do MTA-STS.
    None,
    /// One is announced, could not be fetched or used, and none is cached.
    FetchFailed,
    /// One is in force.
    Policy {
        /// What becomes of failures.
        mode: StsMode,
        /// One of its `mx` patterns covers this MX host (RFC 8461 section 4.1).
        lists_mx: bool,
        /// It comes from the cache, and fetching it anew failed.
        refresh_failed: bool,
    },
}

/// The modes of an MTA-STS policy that have an effect (RFC 8461 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StsMode {
    /// Failures are only reported.
    Testing,
    /// Failures keep the mail back.
    Enforce,
}

/// What the operator of a sender demands for a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operator {
    /// The least that is demanded, whatever the domain publishes.
    pub level: OperatorLevel,
    /// Published policies (DANE, MTA-STS) do not count for this domain: the one way to
    /// loosen, to be set for a domain by name and to be logged with each delivery. It does
    /// not hold for messages with REQUIRETLS.
    pub override_published: bool,
    /// Where nothing demands TLS and STARTTLS or the handshake failed, the message may go
    /// in clear over a new connection.
    pub clear_after_failure: bool,
}

/// The operator's levels, laxest first (the order carries meaning). The words are those of
/// Postfix (TLS_README), which sorts `fingerprint` lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperatorLevel {
    /// No TLS, even where it is offered: for a server whose TLS is broken. Published policies
    /// and REQUIRETLS raise it like any other level.
    None,
    /// TLS where it is offered.
    May,
    /// TLS, to whomever.
    Encrypt,
    /// TLS with a valid certificate for the MX host's name.
    Verify,
    /// TLS with a valid certificate for a name that the operator set, or the domain's own:
    /// no answer of the DNS plays a part.
    Secure,
    /// TLS with a key that the operator pinned, by SHA-256 of its SubjectPublicKeyInfo: who
    /// issued the certificate, its names and its dates play no part.
    Fingerprint,
    /// DANE where it is published, even for messages that ask to ignore it.
    Dane,
    /// DANE, or no delivery (RFC 7672 section 6).
    DaneOnly,
}

impl Operator {
    /// TLS where it is offered, else in clear; published policies count.
    pub const OPPORTUNISTIC: Self =
        Self { level: OperatorLevel::May, override_published: false, clear_after_failure: true };
}

impl PolicyFacts {
    /// A domain without policies on unsigned names, and a sender without rules.
    pub const PLAIN: Self = Self {
        mx: MxAnswer::Insecure,
        address: AddressAnswer::Insecure,
        dane: Dane::None,
        sts: Sts::None,
        require_tls: false,
        tls_required_no: false,
        operator: Operator::OPPORTUNISTIC,
    };
}
