//! What a zone holds, and how it is signed or mis-signed.

use domain::base::{Name, iana::Rtype, name::ToLabelIter};

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
    /// What the server does with questions about this zone, or some of them, instead of
    /// answering.
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
    /// The signatures over sets of this type have a bit turned over, all others are sound.
    CorruptOnly(Rtype),
    /// Every signature but that of the DNSKEY set ended a week ago: longer than the skew
    /// that validators allow (unbound: up to a day).
    Expired,
    /// The parent's DS record names a key that the zone does not have.
    WrongDs,
    /// The DS record is there, the zone is not signed.
    Missing,
}

/// A name server in trouble with a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) trouble: Trouble,
    /// Which questions meet it.
    pub(crate) with: With,
}

/// What happens to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is answered with SERVFAIL.
    ServFail,
    /// It is not answered.
    Silence,
}

/// Which questions meet a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// All.
    All,
    /// Those for this type.
    Type(Rtype),
    /// Those for names that begin with this label.
    Label(&'static str),
}

impl Fault {
    /// All questions are answered with SERVFAIL, or none is answered.
    pub(crate) fn all(trouble: Trouble) -> Self {
        Self { trouble, with: With::All }
    }

    /// What happens to a question for `name` and `rtype`; none where it is answered.
    pub(crate) fn for_question(self, name: &Name<impl AsRef<[u8]>>, rtype: Rtype) -> Option<Trouble> {
        let meets = match self.with {
            With::All => true,
            With::Type(faulty) => faulty == rtype,
            With::Label(label) => {
                name.iter_labels().next().is_some_and(|l| l.as_slice().eq_ignore_ascii_case(label.as_bytes()))
            }
        };
        meets.then_some(self.trouble)
    }
}
