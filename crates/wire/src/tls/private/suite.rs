//! What the private client can do with a suite.

use super::hash::Hash;
use crate::tls::suites::{self, Authentication, Cipher, KeyExchange, Mac, Mode};

/// The cipher of a suite with all that tells its keys apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bulk {
    Null,
    Rc4,
    Des,
    TripleDes,
    /// AES-CBC.
    Aes,
    AesGcm,
    ChaCha20,
}

/// A suite that the private client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) key_exchange: KeyExchange,
    pub(super) bulk: Bulk,
    /// Bytes of key out of the key block.
    pub(super) key: usize,
    /// The code apart from the cipher; none for authenticated encryption.
    pub(super) mac: Option<Hash>,
    /// The hash of the key schedule from TLS 1.2 on.
    pub(super) hash: Hash,
    /// Keys are stretched from a few bytes of the key block (RFC 2246 section 6.3.1), to
    /// this length.
    pub(super) stretched: Option<usize>,
}

impl Parameters {
    /// The parameters of a suite, if all of it is known here.
    pub(super) fn of(code: u16) -> Option<Self> {
        let code = u32::from(code);
        let name = suites::name(code)?;
        let p = suites::properties(code)?;
        let known = match p.key_exchange {
            KeyExchange::Any => true,
            KeyExchange::Rsa | KeyExchange::Dhe | KeyExchange::Ecdhe => {
                p.authentication != Authentication::SharedSecret
            }
            _ => false,
        };
        let (bulk, key, whole) = match (p.cipher, p.mode) {
            (Cipher::Null, Mode::Null) => (Bulk::Null, 0, 0),
            (Cipher::Rc4, _) => (Bulk::Rc4, usize::from(p.bits / 8), 16),
            (Cipher::Des, Mode::Cbc) => (Bulk::Des, if p.bits == 40 { 5 } else { 8 }, 8),
            (Cipher::TripleDes, Mode::Cbc) => (Bulk::TripleDes, 24, 24),
            (Cipher::Aes, Mode::Cbc) => (Bulk::Aes, usize::from(p.bits / 8), usize::from(p.bits / 8)),
            (Cipher::Aes, Mode::Aead) if name.contains("_GCM_") => {
                (Bulk::AesGcm, usize::from(p.bits / 8), usize::from(p.bits / 8))
            }
            (Cipher::ChaCha20, Mode::Aead) => (Bulk::ChaCha20, 32, 32),
            _ => return None,
        };
        let mac = match p.mac {
            Mac::Aead => None,
            Mac::Md5 => Some(Hash::Md5),
            Mac::Sha1 => Some(Hash::Sha1),
            Mac::Sha256 => Some(Hash::Sha256),
            Mac::Sha384 => Some(Hash::Sha384),
            Mac::Null | Mac::Gost => return None,
        };
        let hash = if name.ends_with("_SHA384") { Hash::Sha384 } else { Hash::Sha256 };
        let stretched = p.export.then_some(whole);
        known.then_some(Self { key_exchange: p.key_exchange, bulk, key, mac, hash, stretched })
    }

    /// Bytes of initialisation vector out of the key block; with CBC that is one block,
    /// which only versions before TLS 1.1 take from there.
    pub(super) fn iv(&self) -> usize {
        match self.bulk {
            Bulk::Null | Bulk::Rc4 => 0,
            Bulk::Des | Bulk::TripleDes => 8,
            Bulk::Aes => 16,
            Bulk::AesGcm => 4,
            Bulk::ChaCha20 => 12,
        }
    }

    /// Whether the cipher is a block cipher in CBC mode.
    pub(super) fn is_cbc(&self) -> bool {
        matches!(self.bulk, Bulk::Des | Bulk::TripleDes | Bulk::Aes)
    }
}

/// Whether the private client can complete a handshake with this suite.
pub fn is_supported(code: u16) -> bool {
    Parameters::of(code).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_in_use_and_old_ones_are_known() {
        for (code, bulk, key, mac, hash) in [
            (0x1301, Bulk::AesGcm, 16, None, Hash::Sha256),
            (0x1302, Bulk::AesGcm, 32, None, Hash::Sha384),
            (0x1303, Bulk::ChaCha20, 32, None, Hash::Sha256),
            (0xc030, Bulk::AesGcm, 32, None, Hash::Sha384),
            (0xcca8, Bulk::ChaCha20, 32, None, Hash::Sha256),
            (0x0035, Bulk::Aes, 32, Some(Hash::Sha1), Hash::Sha256),
            (0xc028, Bulk::Aes, 32, Some(Hash::Sha384), Hash::Sha384),
            (0x006c, Bulk::Aes, 16, Some(Hash::Sha256), Hash::Sha256),
            (0x000a, Bulk::TripleDes, 24, Some(Hash::Sha1), Hash::Sha256),
            (0x0005, Bulk::Rc4, 16, Some(Hash::Sha1), Hash::Sha256),
            (0x0002, Bulk::Null, 0, Some(Hash::Sha1), Hash::Sha256),
        ] {
            let p = Parameters::of(code).unwrap();
            assert_eq!(
                (p.bulk, p.key, p.mac, p.hash, p.stretched),
                (bulk, key, mac, hash, None),
                "{code:04x}"
            );
        }
        let export = Parameters::of(0x0003).unwrap();
        assert_eq!((export.bulk, export.key, export.stretched), (Bulk::Rc4, 5, Some(16)));
        let export = Parameters::of(0x0014).unwrap();
        assert_eq!((export.bulk, export.key, export.stretched, export.iv()), (Bulk::Des, 5, Some(8), 8));
    }

    #[test]
    fn others_are_left_alone() {
        for code in [0x0000, 0x0007, 0x0006, 0x0041, 0x008c, 0x00ff, 0x0030, 0xc09c, 0xfafa, 0x1304] {
            assert!(!is_supported(code), "{code:04x}");
        }
    }
}
