//! The records that would fit: what to publish.

use waxseal_model::certificate::PathOutcome;

use super::record::{CERT, DANE_EE, DANE_TA, SHA2_256, SPKI, TlsaRecord, associate};
use crate::x509::{self, KeyFileError, RootStore};

/// Most certificates above the leaf that get records.
const MAX_CHAIN: usize = 10;

/// A record that fits a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitting {
    /// The record.
    pub record: TlsaRecord,
    /// The certificate that it names: 0 is the leaf.
    pub depth: u32,
}

/// The records that would fit a presented chain (DER, leaf first), the recommended one first:
/// `3 1 1` of the server's key (RFC 7672 section 3.1.1); then `2 0 1` and `2 1 1` of each CA
/// above it to which a path of valid signatures leads, dates and names left aside. `2 0 1` comes
/// before `2 1 1` since it also binds the CA's name and constraints (RFC 7671 section 5.2.1).
/// Nothing if the leaf cannot be read.
pub fn records_for(chain: &[Vec<u8>]) -> Vec<Fitting> {
    let Some((leaf, above)) = chain.split_first() else { return Vec::new() };
    let Some(spki) = x509::spki_of(leaf) else { return Vec::new() };
    let mut fitting = vec![Fitting { record: record_for_spki(&spki), depth: 0 }];
    for (depth, der) in (1u32..).zip(above.iter().take(MAX_CHAIN)) {
        let store = RootStore::from_ders("TLSA", vec![der.clone()]);
        if der == leaf || x509::path(chain, &store).outcome != PathOutcome::Trusted {
            continue;
        }
        let spki = x509::spki_of(der);
        for (selector, selected) in [(CERT, Some(der)), (SPKI, spki.as_ref())] {
            let data = selected.and_then(|selected| associate(SHA2_256, selected));
            let record =
                data.map(|data| TlsaRecord { usage: DANE_TA, selector, matching_type: SHA2_256, data });
            fitting.extend(record.map(|record| Fitting { record, depth }));
        }
    }
    fitting
}

/// The `3 1 1` record of a public key (SubjectPublicKeyInfo in DER).
pub fn record_for_spki(spki: &[u8]) -> TlsaRecord {
    let data = associate(SHA2_256, spki).unwrap_or_default();
    TlsaRecord { usage: DANE_EE, selector: SPKI, matching_type: SHA2_256, data }
}

/// The `3 1 1` record of the first certificate or public key in a file, PEM or DER: for the
/// next key of a rollover.
///
/// # Errors
/// The file holds neither; the error says what to give instead.
pub fn record_for_file(bytes: &[u8]) -> Result<TlsaRecord, KeyFileError> {
    x509::spki_in_file(bytes).map(|spki| record_for_spki(&spki))
}
