//! How secrets become keys: the pseudo-random functions of all versions (RFC 6101 section
//! 6, RFC 2246 section 5, RFC 5246 section 5, RFC 8446 section 7.1).

use waxseal_model::tls::TlsVersion;

use super::hash::Hash;
use crate::tls::bytes::{put_vector8, put_vector16};

/// The function of a version up to TLS 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prf {
    /// SSLv3: MD5 over SHA-1, without labels.
    Ssl3,
    /// TLS 1.0 and 1.1: MD5 and SHA-1, either with one half of the secret.
    Both,
    /// TLS 1.2: the hash of the suite.
    One(Hash),
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

impl Prf {
    /// The function of a version; `hash` is the suite's.
    pub(super) fn of(version: TlsVersion, hash: Hash) -> Self {
        match version {
            TlsVersion::Ssl2 | TlsVersion::Ssl3 => Self::Ssl3,
            TlsVersion::Tls10 | TlsVersion::Tls11 => Self::Both,
            TlsVersion::Tls12 | TlsVersion::Tls13 => Self::One(hash),
        }
    }

    /// `length` bytes from a secret, a label and a seed.
    pub(super) fn expand(self, secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
        let labelled = [label.as_bytes(), seed].concat();
        match self {
            Self::Ssl3 => ssl3_expand(secret, seed, length),
            Self::Both => {
                // Two halves, which share the middle byte if the length is odd.
                let half = secret.len().div_ceil(2);
                let first = secret.get(..half).unwrap_or_default();
                let second = secret.get(secret.len() - half..).unwrap_or_default();
                let md5 = p_hash(Hash::Md5, first, &labelled, length);
                let sha1 = p_hash(Hash::Sha1, second, &labelled, length);
                md5.into_iter().zip(sha1).map(|(a, b)| a ^ b).collect()
            }
            Self::One(hash) => p_hash(hash, secret, &labelled, length),
        }
    }

    /// The master secret from the premaster secret and both randoms (RFC 5246 section 8.1).
    pub(super) fn master_secret(self, premaster: &[u8], client: &[u8], server: &[u8]) -> Vec<u8> {
        self.expand(premaster, "master secret", &[client, server].concat(), 48)
    }

    /// The master secret that is bound to the handshake (RFC 7627 section 4).
    pub(super) fn extended_master_secret(self, premaster: &[u8], transcript: &[u8]) -> Vec<u8> {
        self.expand(premaster, "extended master secret", &self.transcript_hash(transcript), 48)
    }

    /// The hash over the handshake.
    pub(super) fn transcript_hash(self, transcript: &[u8]) -> Vec<u8> {
        match self {
            Self::Ssl3 | Self::Both => [Hash::Md5.of(&[transcript]), Hash::Sha1.of(&[transcript])].concat(),
            Self::One(hash) => hash.of(&[transcript]),
        }
    }

    /// The content of Finished (RFC 5246 section 7.4.9, RFC 6101 section 5.6.9).
    pub(super) fn verify_data(self, master: &[u8], transcript: &[u8], side: Side) -> Vec<u8> {
        let (label, sender) = match side {
            Side::Client => ("client finished", b"CLNT"),
            Side::Server => ("server finished", b"SRVR"),
        };
        match self {
            Self::Ssl3 => [Hash::Md5, Hash::Sha1]
                .into_iter()
                .flat_map(|hash| hash.ssl3(master, &[transcript], sender))
                .collect(),
            Self::Both | Self::One(_) => self.expand(master, label, &self.transcript_hash(transcript), 12),
        }
    }
}

/// P_hash: HMAC over A(i) and the seed, for i = 1, 2, …
fn p_hash(hash: Hash, secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let mut a = hash.hmac(secret, &[seed]);
    let mut out = Vec::with_capacity(length + hash.length());
    while out.len() < length {
        out.extend(hash.hmac(secret, &[&a, seed]));
        a = hash.hmac(secret, &[&a]);
    }
    out.truncate(length);
    out
}

/// MD5(secret + SHA-1("A" + secret + seed)), then with "BB", "CCC", …
fn ssl3_expand(secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 16);
    for (letter, count) in (b'A'..=b'Z').zip(1..) {
        if out.len() >= length {
            break;
        }
        let inner = Hash::Sha1.of(&[&vec![letter; count], secret, seed]);
        out.extend(Hash::Md5.of(&[secret, &inner]));
    }
    out.truncate(length);
    out
}

/// HKDF-Extract (RFC 5869).
pub(super) fn extract(hash: Hash, salt: &[u8], secret: &[u8]) -> Vec<u8> {
    hash.hmac(salt, &[secret])
}

/// HKDF-Expand-Label (RFC 8446 section 7.1).
pub(super) fn expand_label(hash: Hash, secret: &[u8], label: &str, context: &[u8], length: u16) -> Vec<u8> {
    let mut info = length.to_be_bytes().to_vec();
    put_vector8(&mut info, format!("tls13 {label}").as_bytes());
    put_vector8(&mut info, context);
    let length = usize::from(length);
    let mut out = Vec::with_capacity(length + hash.length());
    let mut block = Vec::new();
    for counter in 1..=u8::MAX {
        if out.len() >= length {
            break;
        }
        block = hash.hmac(secret, &[&block, &info, &[counter]]);
        out.extend_from_slice(&block);
    }
    out.truncate(length);
    out
}

/// Derive-Secret (RFC 8446 section 7.1).
pub(super) fn derive_secret(hash: Hash, secret: &[u8], label: &str, transcript: &[u8]) -> Vec<u8> {
    let length = u16::try_from(hash.length()).unwrap_or(0);
    expand_label(hash, secret, label, &hash.of(&[transcript]), length)
}

/// What stands for the first hello in the hash where the server asked for another (RFC
/// 8446 section 4.4.1).
pub(super) fn message_hash(hash: Hash, first_hello: &[u8]) -> Vec<u8> {
    let mut message = vec![254, 0];
    put_vector16(&mut message, &hash.of(&[first_hello]));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)?.try_into().ok()).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// Values of `openssl kdf -kdfopt digest:… -kdfopt hexsecret:… -kdfopt hexseed:…
    /// TLS1-PRF`.
    #[test]
    fn the_functions_of_tls10_and_tls12_agree_with_openssl() {
        let odd: Vec<u8> = (0..0x13).collect();
        let seed: Vec<u8> = (0xa0..=0xa7).collect();
        assert_eq!(
            hex(&Prf::Both.expand(&odd, "key expansion", &seed, 40)),
            "8f602174e868b6e477c03a1aa465557316a228fe192e75bdb52be77e75c6e8be223454c903ca2b2d"
        );
        assert_eq!(hex(&Prf::One(Hash::Sha256).expand(&odd, "key expansion", &seed, 40)), SHA256_VALUE);
    }

    const SHA256_VALUE: &str =
        "adc35dfa3937a5291e9d262f766367ea6ef0b122fb9a976cde81b57b6e7d1048b8ffbc37ccdb794d";

    /// RFC 8448 section 3.
    #[test]
    fn the_schedule_of_tls13_agrees_with_the_trace_of_its_rfc() {
        let early = extract(Hash::Sha256, &[], &[0; 32]);
        assert_eq!(hex(&early), "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
        let derived = derive_secret(Hash::Sha256, &early, "derived", b"");
        assert_eq!(hex(&derived), "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba");
        let secret = unhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        assert_eq!(
            hex(&expand_label(Hash::Sha256, &secret, "key", b"", 16)),
            "3fce516009c21727d0f2e4e86ee403bc"
        );
        assert_eq!(hex(&expand_label(Hash::Sha256, &secret, "iv", b"", 12)), "5d313eb2671276ee13000b30");
    }

    #[test]
    fn lengths_are_those_asked_for() {
        for prf in [Prf::Ssl3, Prf::Both, Prf::One(Hash::Sha384)] {
            assert_eq!(prf.expand(b"secret", "label", b"seed", 104).len(), 104);
            assert_eq!(prf.master_secret(&[], &[1; 32], &[2; 32]).len(), 48);
        }
        assert_eq!(Prf::Ssl3.verify_data(&[0; 48], b"x", Side::Client).len(), 36);
        assert_ne!(
            Prf::Both.verify_data(&[0; 48], b"x", Side::Client),
            Prf::Both.verify_data(&[0; 48], b"x", Side::Server)
        );
        assert_eq!(message_hash(Hash::Sha256, b"hello")[..4], [254, 0, 0, 32]);
    }
}
