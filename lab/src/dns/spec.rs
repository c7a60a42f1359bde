//! What a zone holds, and how it is signed or mis-signed.

/// One zone before signing. SOA and NS records, keys and delegations are added when the
/// tree is built.
#[derive(Debug, Clone)]
pub(crate) struct ZoneSpec {
    /// Apex without a trailing dot; the root is empty.
    pub(crate) apex: String,
    /// Zone-file lines, `name TYPE data`; names without a trailing dot are relative to
    /// the apex.
    pub(crate) records: String,
    /// How the zone is signed.
    pub(crate) signing: Signing,
    /// What the server does with questions about this zone instead of answering.
    pub(crate) fault: Option<Fault>,
}

impl ZoneSpec {
    /// A zone signed as it should be.
    pub(crate) fn signed(apex: &str, records: &str) -> Self {
        Self { apex: apex.into(), records: records.into(), signing: Signing::Nsec, fault: None }
    }
}

/// How a zone is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Signing {
    /// ECDSA P-256, denial by NSEC.
    #[default]
    Nsec,
    /// ECDSA P-256, denial by NSEC3 without iterations or salt (RFC 9276).
    Nsec3,
    /// Ed25519, which not every validator can check (RFC 8080).
    Ed25519,
    /// Not signed, and the parent proves it: an insecure delegation.
    Unsigned,
    /// Every signature but that of the DNSKEY set has a bit turned over.
    Corrupt,
    /// Every signature but that of the DNSKEY set ended a week ago: longer than the skew
    /// that validators allow (unbound: up to a day).
    Expired,
    /// The parent's DS record names a key that the zone does not have.
    WrongDs,
    /// The DS record is there, the zone is not signed.
    Missing,
}

/// A name server in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Every question is answered with SERVFAIL.
    ServFail,
    /// No question is answered.
    Silence,
}
