//! Public values for key_share, for servers that refuse a hello without any. The secrets
//! are dropped at once: no handshake is ever completed with them.

use aws_lc_rs::{
    agreement::{self, EphemeralPrivateKey},
    kem::{self, DecapsulationKey},
    rand::SystemRandom,
};
use waxseal_wire::tls::groups::{SECP256R1, X25519, X25519MLKEM768};

const SECP384R1: u16 = 24;
const SECP521R1: u16 = 25;
const SECP256R1MLKEM768: u16 = 0x11eb;
const SECP384R1MLKEM1024: u16 = 0x11ed;
const MLKEM768: u16 = 0x0201;
const MLKEM1024: u16 = 0x0202;

/// Shares of those `groups` that can be made here, in their order. In a hybrid X25519
/// stands behind the KEM and a NIST curve before it (draft-ietf-tls-ecdhe-mlkem).
pub(crate) fn public_values(groups: &[u16]) -> Vec<(u16, Vec<u8>)> {
    groups.iter().filter_map(|group| Some((*group, public_value(*group)?))).collect()
}

fn public_value(group: u16) -> Option<Vec<u8>> {
    match group {
        X25519 => curve(&agreement::X25519),
        SECP256R1 => curve(&agreement::ECDH_P256),
        SECP384R1 => curve(&agreement::ECDH_P384),
        SECP521R1 => curve(&agreement::ECDH_P521),
        MLKEM768 => encapsulation_key(&kem::ML_KEM_768),
        MLKEM1024 => encapsulation_key(&kem::ML_KEM_1024),
        X25519MLKEM768 => joined(encapsulation_key(&kem::ML_KEM_768)?, curve(&agreement::X25519)?),
        SECP256R1MLKEM768 => joined(curve(&agreement::ECDH_P256)?, encapsulation_key(&kem::ML_KEM_768)?),
        SECP384R1MLKEM1024 => joined(curve(&agreement::ECDH_P384)?, encapsulation_key(&kem::ML_KEM_1024)?),
        _ => None,
    }
}

fn joined(mut first: Vec<u8>, second: Vec<u8>) -> Option<Vec<u8>> {
    first.extend(second);
    Some(first)
}

fn curve(algorithm: &'static agreement::Algorithm) -> Option<Vec<u8>> {
    let key = EphemeralPrivateKey::generate(algorithm, &SystemRandom::new()).ok()?;
    Some(key.compute_public_key().ok()?.as_ref().to_vec())
}

fn encapsulation_key(algorithm: &'static kem::Algorithm<kem::AlgorithmId>) -> Option<Vec<u8>> {
    let key = DecapsulationKey::generate(algorithm).ok()?.encapsulation_key().ok()?;
    Some(key.key_bytes().ok()?.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_lengths_of_the_standards() {
        let lengths: Vec<(u16, usize)> =
            public_values(&[0x11ec, 0x11eb, 0x11ed, 29, 23, 24, 25, 0x0202, 30, 0x0100])
                .into_iter()
                .map(|(group, value)| (group, value.len()))
                .collect();
        let expected = [
            (0x11ec, 1184 + 32),
            (0x11eb, 65 + 1184),
            (0x11ed, 97 + 1568),
            (29, 32),
            (23, 65),
            (24, 97),
            (25, 133),
            (0x0202, 1568),
        ];
        assert_eq!(lengths, expected);
    }
}
