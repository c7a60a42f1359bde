//! The suites that the server knows.
//!
//! Those with [`Bulk::Unmade`] serve as far as the key exchange: the hello is answered, the
//! keys are agreed, and no record can be opened. Nobody who looks for them needs more.

use super::behaviour::{SSL3, TLS12};

/// How keys are agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exchange {
    Rsa,
    /// RSA with a key of 512 bits for the occasion (SSL 3.0 appendix D.1).
    RsaExport,
    Dhe,
    DheExport,
    DhAnon,
    DhAnonExport,
    Ecdhe,
}

impl Exchange {
    /// The server signs its key exchange.
    pub(super) fn is_signed(self) -> bool {
        matches!(self, Self::RsaExport | Self::Dhe | Self::DheExport | Self::Ecdhe)
    }

    /// The server shows no certificate.
    pub(super) fn is_anonymous(self) -> bool {
        matches!(self, Self::DhAnon | Self::DhAnonExport)
    }
}

/// How records are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bulk {
    /// Not at all.
    Null,
    /// AES in CBC mode, with this length of key.
    Cbc(usize),
    /// AES in GCM, with this length of key.
    Gcm(usize),
    /// With a stream cipher that is not made here.
    UnmadeStream,
    /// With a block cipher in CBC mode that is not made here.
    Unmade,
}

/// How records are authenticated, and for TLS 1.2 what keys are derived with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Length in bytes.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// A suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) code: u16,
    pub(super) exchange: Exchange,
    pub(super) bulk: Bulk,
    pub(super) hash: Hash,
}

impl Suite {
    /// The suite of a code.
    pub(super) fn of(code: u16) -> Option<Self> {
        TABLE.iter().find(|(known, ..)| *known == code).map(|&(code, exchange, bulk, hash)| Self {
            code,
            exchange,
            bulk,
            hash,
        })
    }

    /// The oldest version that has it.
    pub(super) fn since(self) -> u16 {
        let new = matches!(self.bulk, Bulk::Gcm(_)) || matches!(self.hash, Hash::Sha256 | Hash::Sha384);
        if new { TLS12 } else { SSL3 }
    }

    /// Encrypted in CBC mode.
    pub(super) fn is_cbc(self) -> bool {
        matches!(self.bulk, Bulk::Cbc(_) | Bulk::Unmade)
    }

    /// What TLS 1.2 derives keys with: SHA-256 unless the suite says SHA-384.
    pub(super) fn prf_hash(self) -> Hash {
        if self.hash == Hash::Sha384 { Hash::Sha384 } else { Hash::Sha256 }
    }
}

use Bulk::{Cbc, Gcm, Null, Unmade, UnmadeStream};
use Exchange::{DhAnon, DhAnonExport, Dhe, DheExport, Ecdhe, Rsa, RsaExport};
use Hash::{Md5, Sha1, Sha256, Sha384};

/// Code, key exchange, cipher, hash (IANA's registry of TLS cipher suites).
#[rustfmt::skip]
const TABLE: &[(u16, Exchange, Bulk, Hash)] = &[
    (0x0001, Rsa, Null, Md5), (0x0002, Rsa, Null, Sha1), (0x003b, Rsa, Null, Sha256),
    (0x0003, RsaExport, UnmadeStream, Md5), (0x0006, RsaExport, Unmade, Md5), (0x0008, RsaExport, Unmade, Sha1),
    (0x0014, DheExport, Unmade, Sha1),
    (0x0017, DhAnonExport, UnmadeStream, Md5), (0x0019, DhAnonExport, Unmade, Sha1),
    (0x0004, Rsa, UnmadeStream, Md5), (0x0005, Rsa, UnmadeStream, Sha1), (0xc011, Ecdhe, UnmadeStream, Sha1),
    (0x0009, Rsa, Unmade, Sha1), (0x000a, Rsa, Unmade, Sha1), (0x0016, Dhe, Unmade, Sha1), (0xc012, Ecdhe, Unmade, Sha1),
    (0x0018, DhAnon, UnmadeStream, Md5), (0x001b, DhAnon, Unmade, Sha1),
    (0x0034, DhAnon, Cbc(16), Sha1), (0x003a, DhAnon, Cbc(32), Sha1), (0x00a6, DhAnon, Gcm(16), Sha256),
    (0x002f, Rsa, Cbc(16), Sha1), (0x0035, Rsa, Cbc(32), Sha1),
    (0x003c, Rsa, Cbc(16), Sha256), (0x003d, Rsa, Cbc(32), Sha256),
    (0x009c, Rsa, Gcm(16), Sha256), (0x009d, Rsa, Gcm(32), Sha384),
    (0x0033, Dhe, Cbc(16), Sha1), (0x0039, Dhe, Cbc(32), Sha1),
    (0x0067, Dhe, Cbc(16), Sha256), (0x006b, Dhe, Cbc(32), Sha256),
    (0x009e, Dhe, Gcm(16), Sha256), (0x009f, Dhe, Gcm(32), Sha384),
    (0xc013, Ecdhe, Cbc(16), Sha1), (0xc014, Ecdhe, Cbc(32), Sha1), (0xc027, Ecdhe, Cbc(16), Sha256),
    (0xc02f, Ecdhe, Gcm(16), Sha256), (0xc030, Ecdhe, Gcm(32), Sha384),
];
