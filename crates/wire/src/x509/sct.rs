//! Signed certificate timestamps (RFC 6962 section 3.2): what logs promised about a
//! certificate.
//!
//! The list is the same in all three places where it comes: in the certificate, in a TLS
//! extension and in a stapled OCSP response. The signatures are not verified, since that
//! takes the keys of all logs, which change several times a year.

use thiserror::Error;
use waxseal_model::revocation::SctFacts;

use super::facts::hex;
use crate::tls::scheme;

/// Most timestamps of one list that are read. Real ones have two to five.
const MAX_SCTS: usize = 50;

/// A list of timestamps that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the list of certificate timestamps cannot be read: its lengths do not fit")]
pub struct SctError;

/// Reads a SignedCertificateTimestampList (RFC 6962 section 3.3). Of a timestamp of another
/// version than the first only the version is known.
///
/// # Errors
/// The lengths in it do not fit.
pub fn sct_list(bytes: &[u8]) -> Result<Vec<SctFacts>, SctError> {
    let (mut list, rest) = vector(bytes).ok_or(SctError)?;
    if !rest.is_empty() {
        return Err(SctError);
    }
    let mut found = Vec::new();
    while !list.is_empty() && found.len() < MAX_SCTS {
        let (one, rest) = vector(list).ok_or(SctError)?;
        found.push(sct(one).ok_or(SctError)?);
        list = rest;
    }
    Ok(found)
}

fn sct(bytes: &[u8]) -> Option<SctFacts> {
    let (&version, rest) = bytes.split_first()?;
    if version != 0 {
        let (log_id, signature_algorithm) = (String::new(), String::new());
        return Some(SctFacts { version, log_id, timestamp: 0, signature_algorithm });
    }
    let (log_id, rest) = rest.split_first_chunk::<32>()?;
    let (timestamp, rest) = rest.split_first_chunk::<8>()?;
    let (_extensions, rest) = vector(rest)?;
    let (algorithm, rest) = rest.split_first_chunk::<2>()?;
    let (_signature, rest) = vector(rest)?;
    rest.is_empty().then(|| SctFacts {
        version,
        log_id: hex(log_id),
        timestamp: u64::from_be_bytes(*timestamp),
        signature_algorithm: scheme::label(u16::from_be_bytes(*algorithm)),
    })
}

/// A field with a two-byte length before it, and what follows.
fn vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefixed(bytes: &[u8]) -> Vec<u8> {
        let mut out = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
        out.extend_from_slice(bytes);
        out
    }

    fn timestamp(version: u8) -> Vec<u8> {
        let mut one = vec![version];
        one.extend([0xab; 32]);
        one.extend(1_700_000_000_123u64.to_be_bytes());
        one.extend(prefixed(&[]));
        one.extend([4, 3]);
        one.extend(prefixed(&[0x30, 0]));
        prefixed(&one)
    }

    #[test]
    fn timestamps_are_read_in_order() {
        let list = sct_list(&prefixed(&[timestamp(0), timestamp(0)].concat())).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!((list[0].version, list[0].timestamp), (0, 1_700_000_000_123));
        assert_eq!(list[0].log_id, "ab".repeat(32));
        assert_eq!(list[0].signature_algorithm, "ecdsa_secp256r1_sha256");
        assert_eq!(sct_list(&prefixed(&[])).unwrap(), []);
    }

    #[test]
    fn another_version_is_kept_without_a_guess() {
        let list = sct_list(&prefixed(&timestamp(1))).unwrap();
        assert_eq!((list[0].version, list[0].log_id.as_str()), (1, ""));
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for bytes in [&[][..], &[0], &[0, 1], &[0, 0, 0], &prefixed(&[0, 5, 0]), &prefixed(&[0, 1, 0])] {
            assert_eq!(sct_list(bytes), Err(SctError), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = sct_list(&bytes);
            prop_assert!(sct_list(&prefixed(&bytes)).is_err() || bytes.is_empty() || bytes.len() >= 2);
        }
    }
}
