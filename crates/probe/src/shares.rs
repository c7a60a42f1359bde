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

/// Shares of the groups that nearly every server knows, as far as they are among `groups`
/// and in their order (RFC 8446 section 4.2.8).
pub(crate) fn usual(groups: &[u16]) -> Vec<(u16, Vec<u8>)> {
    let usual: Vec<u16> = groups.iter().copied().filter(|g| [X25519, SECP256R1].contains(g)).collect();
    public_values(&usual)
}

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
    use std::sync::Arc;

    use rustls::{
        ServerConfig, ServerConnection,
        crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
        pki_types::PrivatePkcs8KeyDer,
    };
    use waxseal_model::tls::TlsVersion;
    use waxseal_wire::tls::{
        flight::{self, Answer},
        hello::{KeyShare, client_hello},
    };

    use super::*;
    use crate::{offers, state::State};

    /// What a TLS library with one group answers to a hello with our share of it.
    fn answer(kx: &'static dyn SupportedKxGroup) -> Answer {
        let identity = rcgen::generate_simple_self_signed(["mx.example.com".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
        let provider = CryptoProvider { kx_groups: vec![kx], ..aws_lc_rs::default_provider() };
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.cert.der().clone()], key.into())
            .unwrap();
        let mut server = ServerConnection::new(Arc::new(config)).unwrap();
        let mut spec = State::new(None).hello(TlsVersion::Tls13, offers::TLS13.to_vec());
        spec.groups = vec![u16::from(kx.name())];
        spec.key_share = KeyShare::Given(public_values(&spec.groups));
        let hello = client_hello(&spec);
        let mut rest = hello.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            let _ = server.process_new_packets();
        }
        let mut written = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut written).unwrap();
        }
        flight::read(&written)
    }

    #[test]
    fn a_tls_library_takes_every_share_it_knows() {
        for kx in aws_lc_rs::ALL_KX_GROUPS.iter().copied() {
            let group = u16::from(kx.name());
            let Answer::Hello(flight) = answer(kx) else { panic!("{group:04x} was not taken") };
            assert_eq!(flight.key_share_group(), Some(group));
        }
    }

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

    #[test]
    fn usual_shares_keep_the_order_of_the_groups() {
        let shares = usual(&[0x11ec, 23, 24, 29]);
        assert_eq!(shares.iter().map(|(group, _)| *group).collect::<Vec<_>>(), [23, 29]);
    }
}
