//! The pseudo-random function of TLS 1.0 and 1.1 (RFC 2246 section 5).

use hmac::{Hmac, KeyInit, Mac, digest::Digest};
use md5::Md5;
use sha1::Sha1;

/// `length` bytes from a secret, a label and a seed.
pub(super) fn prf(secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
    let seed = [label.as_bytes(), seed].concat();
    // Two halves, which share the middle byte if the length is odd.
    let half = secret.len().div_ceil(2);
    let first = secret.get(..half).unwrap_or_default();
    let second = secret.get(secret.len() - half..).unwrap_or_default();
    let md5 = expand(|parts| hmac::<Hmac<Md5>>(first, parts), &seed, length);
    let sha1 = expand(|parts| hmac::<Hmac<Sha1>>(second, parts), &seed, length);
    md5.zip(sha1).take(length).map(|(a, b)| a ^ b).collect()
}

/// P_hash: HMAC over A(i) and the seed, for i = 1, 2, …
fn expand(mac: impl Fn(&[&[u8]]) -> Vec<u8>, seed: &[u8], length: usize) -> impl Iterator<Item = u8> {
    let mut a = mac(&[seed]);
    let mut out = Vec::new();
    while out.len() < length {
        out.extend(mac(&[&a, seed]));
        a = mac(&[&a]);
    }
    out.into_iter()
}

/// HMAC over the parts in order.
pub(super) fn hmac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// The verify_data of Finished (section 7.4.9).
pub(super) fn verify_data(master: &[u8], label: &str, messages: &[u8]) -> Vec<u8> {
    let hashes = [Md5::digest(messages).to_vec(), Sha1::digest(messages).to_vec()].concat();
    prf(master, label, &hashes, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Values of `openssl kdf … TLS1-PRF` with digest MD5-SHA1.
    #[test]
    fn it_agrees_with_openssl_for_secrets_of_odd_and_even_length() {
        let odd: Vec<u8> = (0..0x13).collect();
        assert_eq!(
            hex(&prf(&odd, "key expansion", &[0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7], 40)),
            "8f602174e868b6e477c03a1aa465557316a228fe192e75bdb52be77e75c6e8be223454c903ca2b2d"
        );
        assert_eq!(
            hex(&prf(&[0x0b; 48], "master secret", &[0xcd; 64], 48)),
            "6e0cc5dba69dc8d19b1ed63c61e23a92f2f874001a834cd0750fa4651b57a37e\
             e9033d3eb83edda5255f9b84f73e0d2e"
        );
    }
}
