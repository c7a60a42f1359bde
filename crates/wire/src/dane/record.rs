//! One TLSA record.

use std::fmt;

use aws_lc_rs::digest;

/// Certificate usages (RFC 6698 section 7.2, acronyms of RFC 7218).
pub(super) const PKIX_TA: u8 = 0;
pub(super) const PKIX_EE: u8 = 1;
pub(super) const DANE_TA: u8 = 2;
pub(super) const DANE_EE: u8 = 3;

/// Selectors (RFC 6698 section 7.3).
pub(super) const CERT: u8 = 0;
pub(super) const SPKI: u8 = 1;

/// Matching types (RFC 6698 section 7.4).
pub(super) const FULL: u8 = 0;
pub(super) const SHA2_256: u8 = 1;
pub(super) const SHA2_512: u8 = 2;

/// A TLSA record (RFC 6698 section 2.1). Any numbers and any data are possible: what a sender
/// can use is for [`super::unusable`] to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlsaRecord {
    /// 0 to 3: PKIX-TA, PKIX-EE, DANE-TA, DANE-EE.
    pub usage: u8,
    /// 0 the certificate, 1 its public key (SubjectPublicKeyInfo).
    pub selector: u8,
    /// 0 in full, 1 SHA-256, 2 SHA-512.
    pub matching_type: u8,
    /// The certificate association data.
    pub data: Vec<u8>,
}

impl TlsaRecord {
    /// A record from its numbers and its data in hex (either case, no blanks), as DNS answers
    /// of the model carry it. None if the hex is not valid.
    pub fn from_hex(usage: u8, selector: u8, matching_type: u8, hex: &str) -> Option<Self> {
        Some(Self { usage, selector, matching_type, data: from_hex(hex)? })
    }

    /// The data in lower-case hex.
    pub fn hex(&self) -> String {
        self.data.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Numbers and the beginning of the data, for sentences: `3 1 1 0123456789ab…`.
    pub fn short(&self) -> String {
        let hex = self.hex();
        match hex.get(..12) {
            Some(start) if hex.len() > 16 => {
                format!("{} {} {} {start}…", self.usage, self.selector, self.matching_type)
            }
            _ => self.to_string(),
        }
    }
}

/// The presentation form, `3 1 1 0123…`.
impl fmt::Display for TlsaRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.usage, self.selector, self.matching_type, self.hex())
    }
}

pub(super) fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    let byte = |pair: &[u8]| pair.iter().fold(0u8, |sum, digit| sum << 4 | digit);
    Some(digits.chunks(2).map(byte).collect())
}

/// What a matching type makes of a certificate or key; none for unknown matching types.
pub(super) fn associate(matching_type: u8, selected: &[u8]) -> Option<Vec<u8>> {
    let digest = |algorithm| digest::digest(algorithm, selected).as_ref().to_vec();
    match matching_type {
        FULL => Some(selected.to_vec()),
        SHA2_256 => Some(digest(&digest::SHA256)),
        SHA2_512 => Some(digest(&digest::SHA512)),
        _ => None,
    }
}
