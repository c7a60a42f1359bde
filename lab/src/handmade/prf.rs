//! Key derivation and Finished: TLS 1.2 (RFC 5246 section 5), TLS 1.0 and 1.1 (RFC 2246
//! section 5), SSL 3.0 (RFC 6101 sections 5.6.9, 6.1 and 6.2.2).

use aws_lc_rs::{digest, hmac as mac};
use hmac::{Hmac, KeyInit, Mac, digest::Digest};
use md5::Md5;

use super::{
    behaviour::{SSL3, TLS12},
    rsa::sha1,
    suites::Hash,
};

const MASTER: usize = 48;

/// Who sends a Finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// How a version and a suite derive keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Derivation {
    pub(super) version: u16,
    /// SHA-256 or SHA-384 in TLS 1.2.
    pub(super) hash: Hash,
}

impl Derivation {
    /// The master secret; `seed` is both randoms, or the session's hash with `extended`
    /// (RFC 7627 section 4).
    pub(super) fn master(self, premaster: &[u8], seed: &[u8], extended: bool) -> Vec<u8> {
        let label = if extended { "extended master secret" } else { "master secret" };
        self.expand(premaster, label, seed, MASTER)
    }

    /// Bytes for keys; `seed` is both randoms, the server's first.
    pub(super) fn key_block(self, master: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
        self.expand(master, "key expansion", seed, length)
    }

    fn expand(self, secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
        if self.version == SSL3 {
            return ssl3_expand(secret, seed, length);
        }
        let seed = [label.as_bytes(), seed].concat();
        if self.version >= TLS12 {
            let algorithm = if self.hash == Hash::Sha384 { mac::HMAC_SHA384 } else { mac::HMAC_SHA256 };
            return p_hash(|parts| hmac(algorithm, secret, parts), &seed, length).take(length).collect();
        }
        // Two halves, which share the middle byte if the length is odd.
        let half = secret.len().div_ceil(2);
        let first = secret.get(..half).unwrap_or_default();
        let second = secret.get(secret.len() - half..).unwrap_or_default();
        let md5 = p_hash(|parts| hmac_md5(first, parts), &seed, length);
        let sha1 = p_hash(|parts| hmac(mac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, second, parts), &seed, length);
        md5.zip(sha1).take(length).map(|(a, b)| a ^ b).collect()
    }

    /// Hash of the handshake's messages.
    pub(super) fn transcript_hash(self, messages: &[u8]) -> Vec<u8> {
        match (self.version, self.hash) {
            (TLS12, Hash::Sha384) => digest::digest(&digest::SHA384, messages).as_ref().to_vec(),
            (TLS12, _) => digest::digest(&digest::SHA256, messages).as_ref().to_vec(),
            _ => [Md5::digest(messages).to_vec(), sha1(messages)].concat(),
        }
    }

    /// The content of Finished.
    pub(super) fn verify_data(self, master: &[u8], side: Side, messages: &[u8]) -> Vec<u8> {
        if self.version == SSL3 {
            return ssl3_finished(master, side, messages);
        }
        let label = if side == Side::Client { "client finished" } else { "server finished" };
        self.expand(master, label, &self.transcript_hash(messages), 12)
    }
}

/// P_hash: HMAC over A(i) and the seed, for i = 1, 2, …
fn p_hash(mac: impl Fn(&[&[u8]]) -> Vec<u8>, seed: &[u8], length: usize) -> impl Iterator<Item = u8> {
    let mut a = mac(&[seed]);
    let mut out = Vec::new();
    while out.len() < length {
        out.extend(mac(&[&a, seed]));
        a = mac(&[&a]);
    }
    out.into_iter()
}

/// HMAC over the parts in order.
pub(super) fn hmac(algorithm: mac::Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut context = mac::Context::with_key(&mac::Key::new(algorithm, key));
    for part in parts {
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

/// HMAC-MD5 over the parts in order.
pub(super) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = <Hmac<Md5> as KeyInit>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// MD5 over SHA-1 over A, BB, CCC and so on.
fn ssl3_expand(secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let rounds = (b'A'..=b'Z').zip(1..);
    let blocks = rounds.flat_map(|(letter, times)| {
        let inner = sha1(&[&vec![letter; times], secret, seed].concat());
        Md5::digest([secret, &inner].concat()).to_vec()
    });
    blocks.take(length).collect()
}

/// Bytes of the two paddings in a hash of SSL 3.0.
pub(super) const SSL3_PADS: [u8; 2] = [0x36, 0x5c];
/// How often they are repeated for MD5 and SHA-1.
pub(super) const SSL3_MD5_PAD: usize = 48;
pub(super) const SSL3_SHA1_PAD: usize = 40;

fn ssl3_finished(master: &[u8], side: Side, messages: &[u8]) -> Vec<u8> {
    let sender: &[u8] = if side == Side::Client { b"CLNT" } else { b"SRVR" };
    let [inner, outer] = SSL3_PADS;
    let both = |hash: fn(&[u8]) -> Vec<u8>, pad: usize| {
        let first = hash(&[messages, sender, master, &vec![inner; pad]].concat());
        hash(&[master, &vec![outer; pad], &first].concat())
    };
    [both(|m| Md5::digest(m).to_vec(), SSL3_MD5_PAD), both(sha1, SSL3_SHA1_PAD)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handmade::behaviour::TLS10;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Values of `openssl kdf … TLS1-PRF` with digest MD5-SHA1.
    #[test]
    fn it_agrees_with_openssl_for_secrets_of_odd_and_even_length() {
        let old = Derivation { version: TLS10, hash: Hash::Sha256 };
        let odd: Vec<u8> = (0..0x13).collect();
        assert_eq!(
            hex(&old.key_block(&odd, &[0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7], 40)),
            "8f602174e868b6e477c03a1aa465557316a228fe192e75bdb52be77e75c6e8be223454c903ca2b2d"
        );
        assert_eq!(
            hex(&old.master(&[0x0b; 48], &[0xcd; 64], false)),
            "6e0cc5dba69dc8d19b1ed63c61e23a92f2f874001a834cd0750fa4651b57a37e\
             e9033d3eb83edda5255f9b84f73e0d2e"
        );
    }
}
