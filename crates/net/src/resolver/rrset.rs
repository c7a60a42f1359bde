//! Signatures over record sets (RFC 4035 section 5.3): what they cover, and whether one
//! of them holds under the keys of a zone.

use bytes::Bytes;
use domain::base::iana::Rtype;
use domain::base::name::ToName;
use domain::rdata::{Dnskey, Ds};
use time::OffsetDateTime;

use super::algorithm;
use super::message::{DomainName, RecordSet, Signature, canonical_data};
use super::record::{name_text, type_text};

/// Wrong signatures under matching keys that are tried for one record set
/// (CVE-2023-50387, "KeyTrap").
const MAX_TRIES: usize = 8;
/// Flag of a key that signs zone data (RFC 4034 section 2.1.1).
const ZONE_KEY: u16 = 0x0100;
/// Flag of a revoked key (RFC 5011 section 2.1).
const REVOKED: u16 = 0x0080;

/// A zone whose keys are proven.
#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) apex: DomainName,
    pub(crate) keys: Vec<Dnskey<Bytes>>,
}

/// Why no signature over a record set holds, worst first: of several signatures, the one
/// that came nearest to holding is reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// None by the zone is there.
    Missing,
    /// Only with algorithms that cannot be checked.
    Unsupported(u8),
    /// Made with a key that the zone does not publish: its tag and algorithm.
    NoKey(u16, u8),
    /// Its fields contradict the record set.
    Malformed,
    /// It does not verify under the key with this tag.
    Wrong(u16),
    /// It becomes valid at this time.
    NotYet(i64),
    /// It was valid until this time.
    Expired(i64),
}

impl Fault {
    /// One sentence about the signature of a zone over a record set.
    pub(crate) fn sentence(&self, zone: &DomainName, owner: &DomainName, rtype: Rtype) -> String {
        let what = format!("{} {}", name_text(owner), type_text(rtype));
        let zone = name_text(zone);
        match self {
            Self::Missing => format!("zone {zone} is signed, but the signature over {what} is missing"),
            Self::Unsupported(number) => format!(
                "zone {zone} signs {what} only with algorithm {}, which waxseal cannot check",
                algorithm::name(*number)
            ),
            Self::NoKey(tag, number) => format!(
                "the signature over {what} was made with key {tag} (algorithm {}), \
                 which zone {zone} does not publish",
                algorithm::name(*number)
            ),
            Self::Malformed => format!("the signature of zone {zone} over {what} is malformed"),
            Self::Wrong(tag) => {
                format!("the signature of zone {zone} over {what} does not verify under its key {tag}")
            }
            Self::NotYet(at) => {
                format!("the signature of zone {zone} over {what} is valid only from {}", date(*at))
            }
            Self::Expired(at) => format!("the signature of zone {zone} over {what} expired on {}", date(*at)),
        }
    }
}

/// A time as `2026-11-22 03:44 UTC`.
fn date(at: i64) -> String {
    OffsetDateTime::from_unix_timestamp(at).map_or_else(
        |_| "an impossible date".to_owned(),
        |t| {
            format!(
                "{:04}-{:02}-{:02} {:02}:{:02} UTC",
                t.year(),
                u8::from(t.month()),
                t.day(),
                t.hour(),
                t.minute()
            )
        },
    )
}

/// A record set of which a signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    /// If the records were made from a wildcard `*.name`: that name. The name asked for
    /// must then be shown not to exist (RFC 4035 section 5.3.4).
    pub(crate) expanded_from: Option<DomainName>,
}

/// Checks a record set with the keys of the zone that should have signed it.
pub(crate) fn check(set: &RecordSet, zone: &Zone, now: i64) -> Result<Signed, Fault> {
    let mut fault = Fault::Missing;
    let mut tries = 0;
    for signature in set.signatures.iter().filter(|s| *s.signer_name() == zone.apex) {
        match check_one(set, signature, zone, now, &mut tries) {
            Ok(signed) => return Ok(signed),
            Err(found) => fault = fault.max(found),
        }
    }
    Err(fault)
}

fn check_one(
    set: &RecordSet,
    signature: &Signature,
    zone: &Zone,
    now: i64,
    tries: &mut usize,
) -> Result<Signed, Fault> {
    let number = signature.algorithm().to_int();
    if !algorithm::is_supported(number) {
        return Err(Fault::Unsupported(number));
    }
    let labels = usize::from(signature.labels());
    let owner_labels = signed_labels(&set.owner);
    if labels > owner_labels || !set.owner.ends_with(&zone.apex) {
        return Err(Fault::Malformed);
    }
    let tag = signature.key_tag();
    let mut keys = zone.keys.iter().filter(|key| is_usable(key, number) && key.key_tag() == tag).peekable();
    if keys.peek().is_none() {
        return Err(Fault::NoKey(tag, number));
    }
    within_time(signature, now)?;
    let expanded_from = (labels < owner_labels).then(|| ancestor(&set.owner, labels));
    let message = signed_data(set, signature, expanded_from.as_ref()).ok_or(Fault::Malformed)?;
    for key in keys {
        if *tries >= MAX_TRIES {
            break;
        }
        *tries += 1;
        if algorithm::verify(number, key.public_key(), &message, signature.signature()) {
            return Ok(Signed { expanded_from });
        }
    }
    Err(Fault::Wrong(tag))
}

/// A key that may sign zone data (RFC 4034 section 2.1, RFC 5011 section 2.1).
fn is_usable(key: &Dnskey<Bytes>, number: u8) -> bool {
    key.flags() & (ZONE_KEY | REVOKED) == ZONE_KEY
        && key.protocol() == 3
        && key.algorithm().to_int() == number
}

/// Times in signatures are 32 bits wide and compare as serial numbers (RFC 4034
/// section 3.1.5): they are read as the moment nearest to now.
fn within_time(signature: &Signature, now: i64) -> Result<(), Fault> {
    let from = nearest(signature.inception().into_int(), now);
    let until = nearest(signature.expiration().into_int(), now);
    if until < now {
        return Err(Fault::Expired(until));
    }
    if from > now {
        return Err(Fault::NotYet(from));
    }
    Ok(())
}

/// The moment nearest to `now` whose low 32 bits are `time`.
fn nearest(time: u32, now: i64) -> i64 {
    let low = u32::try_from(now & 0xffff_ffff).unwrap_or_default();
    let distance = time.wrapping_sub(low);
    now + i64::from(i32::from_ne_bytes(distance.to_ne_bytes()))
}

/// Labels as a signature counts them: without the root and a leading `*`
/// (RFC 4034 section 3.1.3).
fn signed_labels(name: &DomainName) -> usize {
    let labels = name.label_count().saturating_sub(1);
    if name.first().is_wildcard() { labels.saturating_sub(1) } else { labels }
}

/// The last `labels` labels of a name, without counting the root.
pub(crate) fn ancestor(name: &DomainName, labels: usize) -> DomainName {
    let skip = name.label_count().saturating_sub(labels + 1);
    name.iter_suffixes().nth(skip).map_or_else(DomainName::root_bytes, |suffix| suffix.to_bytes())
}

/// What the signature was made over (RFC 4034 section 3.1.8.1). `None` if it does not
/// fit the wire format.
fn signed_data(
    set: &RecordSet,
    signature: &Signature,
    expanded_from: Option<&DomainName>,
) -> Option<Vec<u8>> {
    let mut owner = Vec::new();
    match expanded_from {
        Some(closest) => {
            owner.extend_from_slice(b"\x01*");
            owner.extend(canonical(closest));
        }
        None => owner.extend(canonical(&set.owner)),
    }
    let mut message = Vec::new();
    message.extend(signature.type_covered().to_int().to_be_bytes());
    message.push(signature.algorithm().to_int());
    message.push(signature.labels());
    message.extend(signature.original_ttl().as_secs().to_be_bytes());
    message.extend(signature.expiration().into_int().to_be_bytes());
    message.extend(signature.inception().into_int().to_be_bytes());
    message.extend(signature.key_tag().to_be_bytes());
    message.extend(canonical(signature.signer_name()));
    let mut all: Vec<Vec<u8>> = set.data.iter().map(canonical_data).collect();
    all.sort_unstable();
    for data in all {
        message.extend_from_slice(&owner);
        message.extend(set.rtype.to_int().to_be_bytes());
        message.extend([0, 1]);
        message.extend(signature.original_ttl().as_secs().to_be_bytes());
        message.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        message.extend(data);
    }
    Some(message)
}

/// A name in lower case and wire form.
pub(crate) fn canonical(name: &DomainName) -> Vec<u8> {
    name.as_slice().to_ascii_lowercase()
}

/// True if a DS record names a key.
pub(crate) fn ds_names(ds: &Ds<Bytes>, owner: &DomainName, key: &Dnskey<Bytes>) -> bool {
    if ds.algorithm() != key.algorithm() || ds.key_tag() != key.key_tag() {
        return false;
    }
    algorithm::ds_digest(ds.digest_type().to_int(), &canonical(owner), &canonical_data(key))
        .is_some_and(|digest| digest == ds.digest().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_wrap_as_serial_numbers() {
        let in_2106: i64 = 1 << 32;
        assert_eq!(nearest(u32::MAX, in_2106), in_2106 - 1);
        assert_eq!(nearest(5, in_2106), in_2106 + 5);
        assert_eq!(date(nearest(1_767_225_600, 1_767_000_000)), "2026-01-01 00:00 UTC");
    }

    #[test]
    fn ancestors_count_labels_from_the_root() {
        let name = DomainName::bytes_from_str("_25._tcp.mx.example.com.").unwrap();
        assert_eq!(ancestor(&name, 2).to_string(), "example.com");
        assert!(ancestor(&name, 0).is_root());
        assert_eq!(ancestor(&name, 9), name);
    }
}
