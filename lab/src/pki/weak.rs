//! What certificate and TLS libraries refuse to make: an RSA key of 1024 bits, and an
//! X.509 v1 certificate.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use num_bigint::BigUint;
use rustls::{
    Error, SignatureAlgorithm, SignatureScheme,
    sign::{Signer, SigningKey},
};

use super::der;

/// Modulus of a key that is public with this file and protects nothing.
const MODULUS: &[u8] = b"bb1001ba9b52756f7a8faa988824864c392e01538e45fbae3dc646680fcc58177b3fa1883974696a6f178aa4ec51c148425a544edc769f28aa1168d99883c8cc656ff74b6cb8e5ea6b40f33b970f54a6c639fef5d50b6904ec8c2fe92bb23914cc51ffb8521f0ccf7b37fc4637f0305d10ecf0dbd8110e326a8eb6ba2d9abce3";
/// Its private exponent.
const PRIVATE_EXPONENT: &[u8] = b"2030dafb4feb5ac63a632aca60f3582119ddeee080254ef067350dbcaeab4da58cd2206c1ee70795075517c8d5da23d6d9844de9dc4a958d1be72f11f30b0aacc611b6f1013feb2da6b6da9f141ed08550716876f2100c2cfd9b008582a0789aff5d14ce0eb4bd630b2606a59f4ea49f54cee607832d3416bd7fe0168b465a11";
/// Its public exponent.
const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];
/// Length of modulus and signatures in bytes.
const LENGTH: usize = 128;
const HASH_LENGTH: usize = 32;
/// DigestInfo of SHA-256 up to the digest (RFC 8017 section 9.2, note 1).
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 0x05, 0, 0x04, 0x20];

/// The 1024-bit key as rustls signs with it.
#[derive(Debug)]
pub(crate) struct WeakRsa;

impl WeakRsa {
    /// The key for a TLS by hand.
    pub(crate) fn by_hand() -> Option<crate::handmade::RsaKey> {
        crate::handmade::RsaKey::from_hex(MODULUS, PRIVATE_EXPONENT)
    }

    /// RSAPublicKey (RFC 8017 appendix A.1.1), as it stands in a certificate.
    pub(crate) fn public_key() -> Vec<u8> {
        let modulus = BigUint::parse_bytes(MODULUS, 16).unwrap_or_default().to_bytes_be();
        der::group(der::SEQUENCE, &[der::unsigned(&modulus), der::unsigned(&PUBLIC_EXPONENT)])
    }
}

impl rcgen::PublicKeyData for WeakRsa {
    fn der_bytes(&self) -> &[u8] {
        static KEY: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(WeakRsa::public_key);
        &KEY
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for WeakRsa {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        // PSS first: it is the only one of the two in TLS 1.3.
        [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256]
            .into_iter()
            .find(|s| offered.contains(s))
            .map(|scheme| Box::new(WeakSigner { scheme }) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct WeakSigner {
    scheme: SignatureScheme,
}

impl Signer for WeakSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let hash = digest(&SHA256, message);
        let encoded = if self.scheme == SignatureScheme::RSA_PKCS1_SHA256 {
            pkcs1(hash.as_ref())
        } else {
            let mut salt = [0; HASH_LENGTH];
            rand::fill(&mut salt).map_err(|_| Error::FailedToGetRandomBytes)?;
            pss(hash.as_ref(), &salt)
        };
        raw_sign(&encoded).ok_or_else(|| Error::General("no RSA key".into()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

fn raw_sign(encoded: &[u8]) -> Option<Vec<u8>> {
    let modulus = BigUint::parse_bytes(MODULUS, 16)?;
    let exponent = BigUint::parse_bytes(PRIVATE_EXPONENT, 16)?;
    let number = BigUint::from_bytes_be(encoded).modpow(&exponent, &modulus).to_bytes_be();
    let mut signature = vec![0; LENGTH.checked_sub(number.len())?];
    signature.extend(number);
    Some(signature)
}

/// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) with SHA-256.
fn pkcs1(hash: &[u8]) -> Vec<u8> {
    let tail = [&SHA256_INFO[..], hash].concat();
    let mut encoded = vec![0, 1];
    encoded.resize(LENGTH - tail.len() - 1, 0xff);
    encoded.push(0);
    encoded.extend(tail);
    encoded
}

/// EMSA-PSS (RFC 8017 section 9.1.1) with SHA-256, for a modulus of a multiple of 8 bits.
fn pss(hash: &[u8], salt: &[u8]) -> Vec<u8> {
    let h = digest(&SHA256, &[&[0; 8], hash, salt].concat());
    let masked_length = LENGTH - HASH_LENGTH - 1;
    let mut block = vec![0; masked_length - salt.len() - 1];
    block.push(1);
    block.extend_from_slice(salt);
    let mask = (0u32..).flat_map(|counter| {
        digest(&SHA256, &[h.as_ref(), &counter.to_be_bytes()].concat()).as_ref().to_vec()
    });
    let mut encoded: Vec<u8> = block.iter().zip(mask).map(|(b, m)| b ^ m).collect();
    if let Some(first) = encoded.first_mut() {
        *first &= 0x7f;
    }
    encoded.extend_from_slice(h.as_ref());
    encoded.push(0xbc);
    encoded
}

/// An X.509 v1 certificate (RFC 5280 section 4.1 without version and extensions), signed
/// with ECDSA and SHA-256.
pub(crate) fn version1(
    issuer: &str,
    subject: &str,
    dates: (time::OffsetDateTime, time::OffsetDateTime),
    public_key_info: &[u8],
    signing_key: &impl rcgen::SigningKey,
) -> Result<Vec<u8>, rcgen::Error> {
    // ecdsa-with-SHA256, 1.2.840.10045.4.3.2
    let algorithm = der::group(
        der::SEQUENCE,
        &[der::value(der::OBJECT_IDENTIFIER, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])],
    );
    let to_be_signed = der::group(
        der::SEQUENCE,
        &[
            der::unsigned(&[1]),
            algorithm.clone(),
            common_name(issuer),
            der::group(der::SEQUENCE, &[der::moment(dates.0), der::moment(dates.1)]),
            common_name(subject),
            public_key_info.to_vec(),
        ],
    );
    let signature = signing_key.sign(&to_be_signed)?;
    Ok(der::group(der::SEQUENCE, &[to_be_signed, algorithm, der::bits(&signature)]))
}

/// A Name of one common name.
pub(crate) fn common_name(name: &str) -> Vec<u8> {
    let attribute = der::group(
        der::SEQUENCE,
        &[der::value(der::OBJECT_IDENTIFIER, &[0x55, 4, 3]), der::value(der::UTF8_STRING, name.as_bytes())],
    );
    der::group(der::SEQUENCE, &[der::group(der::SET, &[attribute])])
}
