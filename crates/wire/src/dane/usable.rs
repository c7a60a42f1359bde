//! Which records SMTP senders use (RFC 7672 section 3.1, RFC 7671 sections 4 and 9).

use super::record::{CERT, DANE_EE, DANE_TA, FULL, PKIX_EE, PKIX_TA, SHA2_256, SHA2_512, SPKI, TlsaRecord};
use crate::x509;

/// Why SMTP senders cannot use a record: one sentence without a subject, or none if they can.
///
/// Usages 0 and 1 are unusable: RFC 7672 section 3.1.3 leaves it to senders to treat them so or
/// as the corresponding usage of DANE, and those that are known treat them so.
pub fn unusable(record: &TlsaRecord) -> Option<String> {
    match record.usage {
        DANE_TA | DANE_EE => {}
        PKIX_TA | PKIX_EE => {
            let (name, instead) = if record.usage == PKIX_TA { ("PKIX-TA", "2") } else { ("PKIX-EE", "3") };
            return Some(format!(
                "usage {} ({name}) is not for mail (RFC 7672 section 3.1.3): publish usage {instead}",
                record.usage
            ));
        }
        other => return Some(format!("usage {other} is not known: mail uses 3 (DANE-EE) and 2 (DANE-TA)")),
    }
    if record.selector > SPKI {
        return Some(format!("selector {} is not known: use 1 (the public key)", record.selector));
    }
    let length = record.data.len();
    match record.matching_type {
        FULL => unusable_data(record),
        SHA2_256 if length == 32 => None,
        SHA2_512 if length == 64 => None,
        SHA2_256 => Some(format!("SHA-256 has 32 bytes, and the record has {length}")),
        SHA2_512 => Some(format!("SHA-512 has 64 bytes, and the record has {length}")),
        other => Some(format!("matching type {other} is not known: use 1 (SHA-256)")),
    }
}

/// Data in full must be what they claim to be.
fn unusable_data(record: &TlsaRecord) -> Option<String> {
    if record.data.is_empty() {
        return Some("it has no association data".to_owned());
    }
    let (fits, what) = match record.selector {
        CERT => (x509::spki_of(&record.data).is_some(), "certificate"),
        _ => (x509::is_spki(&record.data), "public key (SubjectPublicKeyInfo)"),
    };
    (!fits).then(|| format!("its data are no {what} in DER"))
}

/// The positions of the records that a sender compares with a chain: the usable ones, and of
/// those with the same usage and selector, the records in full and the ones with the strongest
/// digest (digest agility, RFC 7671 section 9).
pub fn in_use(records: &[TlsaRecord]) -> Vec<usize> {
    let usable: Vec<(usize, &TlsaRecord)> =
        records.iter().enumerate().filter(|(_, record)| unusable(record).is_none()).collect();
    let strongest = |record: &TlsaRecord| {
        let same = usable.iter().filter(|(_, r)| (r.usage, r.selector) == (record.usage, record.selector));
        // The numbers of the two digests are in the order of their strength.
        same.map(|(_, r)| r.matching_type).max()
    };
    let used =
        usable.iter().filter(|(_, r)| r.matching_type == FULL || strongest(r) == Some(r.matching_type));
    used.map(|(at, _)| *at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(usage: u8, selector: u8, matching_type: u8, length: usize) -> TlsaRecord {
        TlsaRecord { usage, selector, matching_type, data: vec![1; length] }
    }

    #[test]
    fn what_is_unusable_says_why() {
        for (usage, selector, matching_type, length, word) in [
            (0, 0, 1, 32, "PKIX-TA"),
            (1, 1, 1, 32, "usage 3"),
            (4, 1, 1, 32, "usage 4"),
            (255, 1, 1, 32, "usage 255"),
            (3, 2, 1, 32, "selector 2"),
            (3, 255, 1, 32, "selector 255"),
            (3, 1, 3, 32, "matching type 3"),
            (3, 1, 255, 32, "matching type 255"),
            (3, 1, 1, 31, "32 bytes"),
            (3, 1, 1, 0, "32 bytes"),
            (3, 1, 1, 64, "32 bytes"),
            (2, 0, 2, 32, "64 bytes"),
            (3, 1, 0, 0, "no association data"),
            (3, 0, 0, 40, "no certificate"),
            (2, 1, 0, 40, "no public key"),
        ] {
            let why = unusable(&record(usage, selector, matching_type, length)).unwrap_or_default();
            assert!(why.contains(word), "{usage} {selector} {matching_type} ({length}): {why}");
        }
        for (usage, selector, matching_type, length) in [(3, 1, 1, 32), (2, 0, 2, 64), (3, 0, 1, 32)] {
            assert_eq!(unusable(&record(usage, selector, matching_type, length)), None);
        }
    }

    #[test]
    fn of_two_digests_the_stronger_is_used_for_each_usage_and_selector() {
        let records = [
            record(3, 1, 1, 32),
            record(3, 1, 2, 64),
            record(3, 0, 1, 32),
            record(2, 1, 1, 32),
            record(2, 1, 2, 63),
            record(0, 0, 1, 32),
        ];
        // The third has no rival; the fifth is unusable and so beats nothing.
        assert_eq!(in_use(&records), [1, 2, 3]);
        assert!(in_use(&[]).is_empty());
    }
}
