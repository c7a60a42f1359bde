//! The status of an answer and the sentence that explains it.

use domain::base::iana::Rtype;
use waxseal_model::dns::DnssecStatus;

use super::message::DomainName;
use super::record::name_text;
use super::rrset::{Fault, Zone};

/// A status and the sentence that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) status: DnssecStatus,
    pub(crate) reason: String,
    /// It is indeterminate because nobody could check it here: there is no trust anchor, or
    /// proven DS records name only algorithms that we do not know. Who acts on an answer
    /// takes it for unsigned then (RFC 4035 section 5.2).
    pub(crate) unsupported: bool,
}

impl Status {
    fn new(status: DnssecStatus, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), unsupported: false }
    }

    pub(crate) fn insecure(reason: impl Into<String>) -> Self {
        Self::new(DnssecStatus::Insecure, reason)
    }

    pub(crate) fn bogus(reason: impl Into<String>) -> Self {
        Self::new(DnssecStatus::Bogus, reason)
    }

    pub(crate) fn indeterminate(reason: impl Into<String>) -> Self {
        Self::new(DnssecStatus::Indeterminate, reason)
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Self { unsupported: true, ..Self::indeterminate(reason) }
    }

    /// What follows if no signature of a zone over a record set holds.
    pub(crate) fn broken(fault: &Fault, zone: &DomainName, owner: &DomainName, rtype: Rtype) -> Self {
        let sentence = fault.sentence(zone, owner, rtype);
        match fault {
            Fault::Unsupported(_) => Self::indeterminate(sentence),
            _ => Self::bogus(sentence),
        }
    }

    /// A zone with so many NSEC3 iterations counts as unsigned.
    pub(crate) fn too_many_iterations(zone: &DomainName, count: u16) -> Self {
        Self::insecure(format!(
            "zone {} hashes names with {count} NSEC3 iterations, which validators treat as unsigned (RFC 9276)",
            name_text(zone)
        ))
    }

    pub(crate) fn secure(zone: &Zone) -> Self {
        Self::new(DnssecStatus::Secure, format!("signed by {}", zone_text(zone)))
    }

    pub(crate) fn secure_absence(zone: &Zone) -> Self {
        Self::new(DnssecStatus::Secure, format!("absence proven by {}", zone_text(zone)))
    }

    /// Of two parts of an answer the weaker one decides; of equals the first. Of secure
    /// parts all zones are named.
    pub(crate) fn and(mut self, other: Self) -> Self {
        if rank(other.status) > rank(self.status) {
            return other;
        }
        // What could not be found out outweighs what cannot be checked.
        if rank(other.status) == rank(self.status) && self.unsupported && !other.unsupported {
            return other;
        }
        let both_secure = rank(self.status) == 0 && rank(other.status) == 0;
        if both_secure && !self.reason.split(", ").any(|part| part == other.reason) {
            self.reason = format!("{}, {}", self.reason, other.reason);
        }
        self
    }

    /// The reason as a whole sentence.
    pub(crate) fn sentence(self) -> String {
        match self.status {
            DnssecStatus::Secure => {
                format!("{}; the signatures verify from the trust anchor down", self.reason)
            }
            _ => self.reason,
        }
    }
}

fn zone_text(zone: &Zone) -> String {
    if zone.apex.is_root() { "the root zone".to_owned() } else { format!("zone {}", name_text(&zone.apex)) }
}

fn rank(status: DnssecStatus) -> u8 {
    match status {
        DnssecStatus::Secure => 0,
        DnssecStatus::Insecure => 1,
        DnssecStatus::Indeterminate => 2,
        DnssecStatus::Bogus => 3,
    }
}
