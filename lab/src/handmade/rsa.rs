//! RSA without any care: the block that a client encrypted is looked at, which no library
//! lets one do.

use aws_lc_rs::digest::{self, digest};
use md5::{Digest, Md5};
use num_bigint::BigUint;

/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;

/// The secret in a key exchange.
const PREMASTER: usize = 48;
/// At least so many bytes of padding (RFC 8017 section 7.2).
const LEAST_PADDING: usize = 8;

/// The key of 512 bits that export suites sign for the occasion. It is public with this
/// file and protects nothing.
const EXPORT_MODULUS: &[u8] = b"e6b1992e3d351663923dc80c812f5afe0a40f0716503376884a69002e45f507a\
                                c7a9963be1a80693319c589e3c44037abae41ca40fd1b9f90dc57a0b66ac7767";
const EXPORT_EXPONENT: &[u8] = b"5de13c4312e97db8fb9464caa1efd189bc467d12c856acbfbdebc2834ac87709\
                                 1a162cb5e20b9855e281cc753880fb540cb2a08983aae1472cd9aa95ca4929c1";

/// A key pair. The public exponent is 65537.
#[derive(Clone)]
pub(crate) struct RsaKey {
    modulus: BigUint,
    exponent: BigUint,
    /// p, q, d mod p-1, d mod q-1, q^-1 mod p, where they are known: four times faster.
    parts: Option<[BigUint; 5]>,
}

/// What a decrypted block is like (RFC 8017 section 7.2.2, RFC 5246 section 7.4.7.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// A secret of 48 bytes.
    Secret(Vec<u8>),
    /// It begins with 0, 2, and the rest is wrong somehow.
    Padded,
    /// It does not.
    Alien,
}

impl RsaKey {
    /// From PKCS#8 (RFC 5208); none if it is no RSA key.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let mut info = Der(der).take(SEQUENCE)?;
        info.take(INTEGER)?;
        info.take(SEQUENCE)?;
        let mut key = info.take(OCTET_STRING)?.take(SEQUENCE)?;
        key.take(INTEGER)?;
        let mut number = || Some(BigUint::from_bytes_be(key.take(INTEGER)?.0));
        let (modulus, _, exponent) = (number()?, number()?, number()?);
        let parts = Some([number()?, number()?, number()?, number()?, number()?]);
        Some(Self { modulus, exponent, parts })
    }

    /// From modulus and private exponent in hexadecimal.
    pub(crate) fn from_hex(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let number = |hex| BigUint::parse_bytes(hex, 16);
        Some(Self { modulus: number(modulus)?, exponent: number(exponent)?, parts: None })
    }

    /// The key of export suites.
    pub(super) fn export() -> Option<Self> {
        Self::from_hex(EXPORT_MODULUS, EXPORT_EXPONENT)
    }

    /// Modulus and public exponent.
    pub(super) fn public(&self) -> (Vec<u8>, Vec<u8>) {
        (self.modulus.to_bytes_be(), vec![1, 0, 1])
    }

    fn length(&self) -> usize {
        self.modulus.to_bytes_be().len()
    }

    fn raw(&self, input: &[u8]) -> Vec<u8> {
        let input = BigUint::from_bytes_be(input) % &self.modulus;
        let number = match &self.parts {
            None => input.modpow(&self.exponent, &self.modulus),
            Some([p, q, dp, dq, qinv]) => {
                let (first, second) = (input.modpow(dp, p), input.modpow(dq, q));
                let h = qinv * (p + first - &second % p) % p;
                second + h * q
            }
        };
        let bytes = number.to_bytes_be();
        let mut out = vec![0; self.length().saturating_sub(bytes.len())];
        out.extend(bytes);
        out
    }

    /// What a client encrypted.
    pub(super) fn open(&self, sealed: &[u8]) -> Block {
        let block = self.raw(sealed);
        let Some(rest) = block.strip_prefix(&[0, 2]) else { return Block::Alien };
        match rest.iter().position(|b| *b == 0) {
            Some(end) if end >= LEAST_PADDING && rest.len() - end - 1 == PREMASTER => {
                Block::Secret(rest.iter().skip(end + 1).copied().collect())
            }
            _ => Block::Padded,
        }
    }

    /// A signature by a scheme of TLS 1.2, or by MD5 and SHA-1 as before it where there is
    /// none; none for a scheme that is not RSA PKCS#1.
    pub(super) fn sign(&self, scheme: Option<u16>, message: &[u8]) -> Option<Vec<u8>> {
        let (info, hash) = match scheme {
            None => (Vec::new(), [Md5::digest(message).to_vec(), sha1(message)].concat()),
            Some(0x0201) => (digest_info(&[0x2b, 14, 3, 2, 26], 20), sha1(message)),
            Some(0x0401) => (sha2_info(1, 32), digest(&digest::SHA256, message).as_ref().to_vec()),
            Some(0x0501) => (sha2_info(2, 48), digest(&digest::SHA384, message).as_ref().to_vec()),
            Some(0x0601) => (sha2_info(3, 64), digest(&digest::SHA512, message).as_ref().to_vec()),
            Some(_) => return None,
        };
        let tail = [info, hash].concat();
        let mut block = vec![0, 1];
        block.resize(self.length().checked_sub(tail.len() + 1)?, 0xff);
        block.push(0);
        block.extend(tail);
        Some(self.raw(&block))
    }
}

pub(super) fn sha1(message: &[u8]) -> Vec<u8> {
    digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, message).as_ref().to_vec()
}

/// DigestInfo up to the digest (RFC 8017 section 9.2).
fn digest_info(algorithm: &[u8], length: u8) -> Vec<u8> {
    let oid = u8::try_from(algorithm.len()).unwrap_or(0);
    [&[SEQUENCE, oid + length + 8, SEQUENCE, oid + 4, 6, oid], algorithm, &[5, 0, OCTET_STRING, length]]
        .concat()
}

/// The same for SHA-2, 2.16.840.1.101.3.4.2.*.
fn sha2_info(which: u8, length: u8) -> Vec<u8> {
    digest_info(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, which], length)
}

/// DER read from the front; for keys of our own only.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<Der<'a>> {
        let (&[found, short], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match short {
            0..0x80 => (usize::from(short), rest),
            _ => {
                let (long, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
                (long.iter().try_fold(0usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)))?, rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (found == tag).then_some(Der(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};

    fn pkcs8() -> Vec<u8> {
        let leaf = crate::pki::Leaf { keys: crate::pki::Keys::Rsa, ..Default::default() };
        let authority = crate::pki::authority::Authority::new(1_790_000_000).unwrap();
        authority.issue("mx.example.test", leaf).unwrap().rsa_pkcs8.unwrap()
    }

    fn encrypt(key: &RsaKey, block: &[u8]) -> Vec<u8> {
        BigUint::from_bytes_be(block).modpow(&BigUint::from(65537u32), &key.modulus).to_bytes_be()
    }

    #[test]
    fn another_library_agrees_with_its_signatures() {
        let pkcs8 = pkcs8();
        let key = RsaKey::from_pkcs8(&pkcs8).unwrap();
        let signature = key.sign(Some(0x0401), b"message").unwrap();
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
        let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().to_vec();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(b"message", &signature).unwrap();
        let slow = RsaKey { parts: None, ..key.clone() };
        assert_eq!(slow.sign(Some(0x0401), b"message").unwrap(), signature);
        assert!(key.sign(Some(0x0804), b"message").is_none());
    }

    #[test]
    fn blocks_are_told_apart() {
        for key in [RsaKey::from_pkcs8(&pkcs8()).unwrap(), RsaKey::export().unwrap()] {
            let length = key.length();
            let block = |head: [u8; 2], secret: usize| {
                let mut block = head.to_vec();
                block.resize(length - secret - 1, 7);
                block.push(0);
                block.resize(length, 9);
                block
            };
            let open = |block: &[u8]| key.open(&encrypt(&key, block));
            assert_eq!(open(&block([0, 2], 48)), Block::Secret(vec![9; 48]));
            assert_eq!(open(&block([0, 2], 47)), Block::Padded);
            assert_eq!(open(&block([0, 2], 49)), Block::Padded);
            assert_eq!(open(&[&[0, 2], &vec![7; length - 2][..]].concat()), Block::Padded);
            assert_eq!(open(&block([0, 1], 48)), Block::Alien);
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        let whole = pkcs8();
        for end in 0..whole.len() {
            assert!(RsaKey::from_pkcs8(&whole[..end]).is_none());
        }
    }
}
