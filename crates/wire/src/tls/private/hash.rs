//! The hashes that TLS is built on, and the codes that are made with them.

use ::hmac::{Hmac, KeyInit, Mac as _};
use aws_lc_rs::{digest, hmac};
use md5::{Digest as _, Md5};

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Length of its output in bytes.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The hash of the parts, one after another.
    pub(super) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        let algorithm = match self {
            Self::Md5 => {
                let mut context = Md5::new();
                parts.iter().for_each(|part| context.update(part));
                return context.finalize().to_vec();
            }
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
        };
        let mut context = digest::Context::new(algorithm);
        parts.iter().for_each(|part| context.update(part));
        context.finish().as_ref().to_vec()
    }

    /// HMAC (RFC 2104) of the parts, one after another.
    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let algorithm = match self {
            Self::Md5 => {
                // HMAC takes keys of any length.
                let Ok(mut mac) = <Hmac<Md5> as KeyInit>::new_from_slice(key) else { return Vec::new() };
                parts.iter().for_each(|part| mac.update(part));
                return mac.finalize().into_bytes().to_vec();
            }
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
        parts.iter().for_each(|part| context.update(part));
        context.sign().as_ref().to_vec()
    }

    /// The code of SSLv3, HMAC's forerunner (RFC 6101 section 5.2.3.1); also its Finished.
    pub(super) fn ssl3(self, key: &[u8], parts: &[&[u8]], trailer: &[u8]) -> Vec<u8> {
        // As many bytes as bring the key of this hash near to its block.
        let pad = if self == Self::Md5 { 48 } else { 40 };
        let inner_pad = vec![0x36; pad];
        let inner = if trailer.is_empty() {
            self.of(&[&[key, &inner_pad][..], parts].concat())
        } else {
            self.of(&[parts, &[trailer, key, &inner_pad][..]].concat())
        };
        self.of(&[key, &vec![0x5c; pad], &inner])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn hashes_and_codes_of_known_text() {
        assert_eq!(hex(&Hash::Md5.of(&[b"a", b"bc"])), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(&Hash::Sha1.of(&[b"abc"])), "a9993e364706816aba3e25717850c26c9cd0d89d");
        // RFC 2202, test case 2 of each.
        let said: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        assert_eq!(hex(&Hash::Md5.hmac(b"Jefe", &said)), "750c783e6ab0b503eaa86e310a5db738");
        assert_eq!(hex(&Hash::Sha1.hmac(b"Jefe", &said)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        for hash in [Hash::Md5, Hash::Sha1, Hash::Sha256, Hash::Sha384] {
            assert_eq!(hash.of(&[b""]).len(), hash.length());
            assert_eq!(hash.hmac(b"", &[]).len(), hash.length());
            assert_eq!(hash.ssl3(b"key", &[b"x"], b"").len(), hash.length());
        }
    }
}
