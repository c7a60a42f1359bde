//! The client's part of a key exchange (RFC 5246 section 7.4.7, RFC 8422 section 5.7, RFC
//! 8446 section 4.2.8).

use aws_lc_rs::agreement::{self, Algorithm, PrivateKey, UnparsedPublicKey, agree};
use num_bigint::BigUint;
use waxseal_model::tls::TlsVersion;

use super::{Fault, entropy::Entropy};
use crate::{
    tls::{
        bytes::{put_vector8, put_vector16},
        flight::{KeyExchange, ServerFlight},
        groups,
        suites::{self, KeyExchange as Kind},
    },
    x509::rsa_key_of,
};

/// Largest prime that is computed with, which bounds the work.
const MAX_PRIME_BITS: u64 = 16384;
/// Length of our secret exponent: twice the strength that it has to have.
const EXPONENT_BYTES: usize = 32;

/// The curves that a key can be made for, best first.
pub const GROUPS: [u16; 4] = [groups::X25519, groups::SECP256R1, SECP384R1, SECP521R1];
const SECP384R1: u16 = 0x0018;
const SECP521R1: u16 = 0x0019;

/// Our key for one group.
#[derive(Debug)]
pub struct KeyPair {
    group: u16,
    private: PrivateKey,
    public: Vec<u8>,
}

impl KeyPair {
    /// A key for one of [`GROUPS`]; none for another.
    pub fn new(group: u16, entropy: &mut Entropy) -> Option<Self> {
        let (algorithm, length) = algorithm(group)?;
        let mut secret = entropy.bytes(length);
        // The first byte is the most significant: with zero there, every number is below
        // the order of its curve. (x25519 sets the bits that it needs itself.)
        if let Some(first) = secret.first_mut().filter(|_| group != groups::X25519) {
            *first = 0;
        }
        let private = PrivateKey::from_private_key(algorithm, &secret).ok()?;
        let public = private.compute_public_key().ok()?.as_ref().to_vec();
        Some(Self { group, private, public })
    }

    /// The group.
    pub fn group(&self) -> u16 {
        self.group
    }

    /// What the other side gets.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The shared secret with a public value of the other side.
    pub(super) fn agree(&self, theirs: &[u8]) -> Result<Vec<u8>, Fault> {
        let (algorithm, _) = algorithm(self.group).ok_or_else(|| unsupported_group(self.group))?;
        let bad = || Fault::Protocol("the server's public value is no point of its curve".into());
        agree(&self.private, UnparsedPublicKey::new(algorithm, theirs), bad(), |secret| Ok(secret.to_vec()))
    }
}

fn algorithm(group: u16) -> Option<(&'static Algorithm, usize)> {
    match group {
        groups::X25519 => Some((&agreement::X25519, 32)),
        groups::SECP256R1 => Some((&agreement::ECDH_P256, 32)),
        SECP384R1 => Some((&agreement::ECDH_P384, 48)),
        SECP521R1 => Some((&agreement::ECDH_P521, 66)),
        _ => None,
    }
}

fn unsupported_group(group: u16) -> Fault {
    Fault::Unsupported(format!("key exchange over {}", groups::named(group).name))
}

/// What a key exchange comes to up to TLS 1.2.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) premaster: Vec<u8>,
    /// The body of ClientKeyExchange.
    pub(super) body: Vec<u8>,
}

/// Answers the server's flight. `offered` is the highest version in our hello, which RSA
/// key exchange repeats (RFC 5246 section 7.4.7.1).
///
/// # Errors
/// We lack the means, or the server's values are not usable.
pub(super) fn exchange(
    flight: &ServerFlight,
    offered: TlsVersion,
    entropy: &mut Entropy,
) -> Result<Exchanged, Fault> {
    match (suites::key_exchange(u32::from(flight.suite)), &flight.key_exchange) {
        (Some(Kind::Rsa), _) => {
            let key = RsaKey::of(flight)?;
            let version = offered.clamp(TlsVersion::Ssl3, TlsVersion::Tls12).code();
            let premaster = [&version.to_be_bytes()[..], &entropy.bytes(46)].concat();
            let block = key.padded(&premaster, entropy)?;
            Ok(Exchanged { premaster, body: rsa_body(flight.version, &key.encrypt(&block)) })
        }
        (Some(Kind::Dhe), Some(KeyExchange::Dhe { p, g, y, .. })) => dhe(p, g, y, entropy),
        (Some(Kind::Ecdhe), Some(KeyExchange::Ecdhe { group, public, .. })) => {
            let pair = KeyPair::new(*group, entropy).ok_or_else(|| unsupported_group(*group))?;
            let mut body = Vec::new();
            put_vector8(&mut body, pair.public());
            Ok(Exchanged { premaster: pair.agree(public)?, body })
        }
        (Some(Kind::Dhe | Kind::Ecdhe), None) => {
            Err(Fault::Protocol("its ServerKeyExchange is missing".into()))
        }
        _ => Err(Fault::Unsupported("this kind of key exchange".into())),
    }
}

fn dhe(p: &[u8], g: &[u8], y: &[u8], entropy: &mut Entropy) -> Result<Exchanged, Fault> {
    let [p, g, y] = [p, g, y].map(BigUint::from_bytes_be);
    let one = BigUint::from(1u8);
    if p.bits() < 2 || y <= one || y >= p {
        return Err(Fault::Protocol("the server's Diffie-Hellman values are not usable".into()));
    }
    if p.bits() > MAX_PRIME_BITS {
        return Err(Fault::Unsupported(format!("a Diffie-Hellman prime of {} bits", p.bits())));
    }
    let secret = BigUint::from_bytes_be(&entropy.bytes(EXPONENT_BYTES));
    let mut body = Vec::new();
    put_vector16(&mut body, &g.modpow(&secret, &p).to_bytes_be());
    // Leading zeros are stripped (RFC 5246 section 8.1.2).
    Ok(Exchanged { premaster: y.modpow(&secret, &p).to_bytes_be(), body })
}

/// ClientKeyExchange with an encrypted block; SSLv3 leaves the length out.
pub(super) fn rsa_body(version: TlsVersion, encrypted: &[u8]) -> Vec<u8> {
    if version <= TlsVersion::Ssl3 {
        return encrypted.to_vec();
    }
    let mut body = Vec::new();
    put_vector16(&mut body, encrypted);
    body
}

/// The RSA key that the premaster secret is encrypted to.
pub(super) struct RsaKey {
    modulus: BigUint,
    exponent: BigUint,
}

impl RsaKey {
    /// The temporary key of an export suite, or that of the certificate.
    ///
    /// # Errors
    /// There is none, or it is not one to compute with.
    pub(super) fn of(flight: &ServerFlight) -> Result<Self, Fault> {
        let (modulus, exponent) = match &flight.key_exchange {
            Some(KeyExchange::Rsa { modulus, exponent }) => (modulus.clone(), exponent.clone()),
            _ => flight
                .certificates
                .as_deref()
                .and_then(|chain| rsa_key_of(chain.first()?))
                .ok_or_else(|| Fault::Protocol("its certificate holds no usable RSA key".into()))?,
        };
        let key =
            Self { modulus: BigUint::from_bytes_be(&modulus), exponent: BigUint::from_bytes_be(&exponent) };
        let usable = (64..=MAX_PRIME_BITS).contains(&key.modulus.bits())
            && key.modulus.bit(0)
            && (1..=64).contains(&key.exponent.bits());
        if usable { Ok(key) } else { Err(Fault::Protocol("its RSA key is not usable".into())) }
    }

    /// Length of the modulus in bytes.
    pub(super) fn length(&self) -> usize {
        usize::try_from(self.modulus.bits().div_ceil(8)).unwrap_or_default()
    }

    /// `00 02`, padding, `00`, the message (RFC 8017 section 7.2.1).
    fn padded(&self, message: &[u8], entropy: &mut Entropy) -> Result<Vec<u8>, Fault> {
        let padding = self
            .length()
            .checked_sub(message.len() + 3)
            .filter(|count| *count >= 8)
            .ok_or_else(|| Fault::Protocol("its RSA key is too short for a premaster secret".into()))?;
        Ok([&[0, 2][..], &entropy.nonzero(padding), &[0], message].concat())
    }

    /// The block encrypted, as long as the modulus.
    pub(super) fn encrypt(&self, block: &[u8]) -> Vec<u8> {
        let encrypted = BigUint::from_bytes_be(block).modpow(&self.exponent, &self.modulus).to_bytes_be();
        let mut out = vec![0; self.length().saturating_sub(encrypted.len())];
        out.extend(encrypted);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::flight::tests::empty_flight;

    #[test]
    fn two_keys_of_a_group_agree_and_garbage_does_not() {
        let mut entropy = Entropy::new([9; 32]);
        for group in GROUPS {
            let [a, b] = [(); 2].map(|()| KeyPair::new(group, &mut entropy).unwrap());
            assert_ne!(a.public(), b.public());
            assert_eq!(a.agree(b.public()).unwrap(), b.agree(a.public()).unwrap());
            assert!(a.agree(&[0; 3]).is_err());
        }
        assert!(KeyPair::new(0x11ec, &mut entropy).is_none());
    }

    #[test]
    fn finite_fields_of_any_prime_are_computed_with() {
        let mut entropy = Entropy::new([9; 32]);
        let p = (BigUint::from(1u8) << 127) - BigUint::from(1u8);
        let theirs = BigUint::from(12345u32);
        let y = BigUint::from(3u8).modpow(&theirs, &p);
        let done = dhe(&p.to_bytes_be(), &[3], &y.to_bytes_be(), &mut entropy).unwrap();
        let ours = BigUint::from_bytes_be(&done.body[2..]);
        assert_eq!(done.premaster, ours.modpow(&theirs, &p).to_bytes_be());
        for (p, y) in
            [(&[][..], &[2][..]), (&[0], &[2]), (&[23], &[0]), (&[23], &[1]), (&[23], &[23]), (&[23], &[])]
        {
            assert!(dhe(p, &[2], y, &mut entropy).is_err());
        }
        assert!(matches!(dhe(&[0xff; 4096], &[2], &[2], &mut entropy), Err(Fault::Unsupported(_))));
    }

    #[test]
    fn temporary_rsa_keys_of_512_bits_are_used() {
        let mut entropy = Entropy::new([9; 32]);
        let mut modulus = vec![0xff; 64];
        modulus[0] = 0xc0;
        let flight = ServerFlight {
            version: TlsVersion::Tls10,
            suite: 0x0003,
            key_exchange: Some(KeyExchange::Rsa { modulus, exponent: vec![1, 0, 1] }),
            ..empty_flight()
        };
        let done = exchange(&flight, TlsVersion::Tls12, &mut entropy).unwrap();
        assert_eq!((done.body.len(), &done.premaster[..2]), (66, &[3, 3][..]));
        let ssl3 = ServerFlight { version: TlsVersion::Ssl3, ..flight.clone() };
        assert_eq!(exchange(&ssl3, TlsVersion::Ssl3, &mut entropy).unwrap().body.len(), 64);
        for modulus in [vec![], vec![0; 64], vec![1; 20], vec![2; 64]] {
            let key_exchange = Some(KeyExchange::Rsa { modulus, exponent: vec![3] });
            let flight = ServerFlight { key_exchange, ..flight.clone() };
            assert!(exchange(&flight, TlsVersion::Tls12, &mut entropy).is_err());
        }
    }
}
