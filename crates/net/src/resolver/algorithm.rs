//! DNSSEC algorithms (IANA "DNS Security Algorithm Numbers" and "DS RR Type Digest
//! Algorithms"): their names, which of them can be checked here, and the checking.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// The algorithms that [`verify`] implements.
///
/// RSA/MD5 and DSA must not be used for validation (RFC 8624 section 3.1); GOST and
/// Ed448 have no implementation in the cryptographic library.
const SUPPORTED: [u8; 7] = [5, 7, 8, 10, 13, 14, 15];

/// True if signatures of this algorithm can be checked.
pub(crate) fn is_supported(algorithm: u8) -> bool {
    SUPPORTED.contains(&algorithm)
}

/// True if DS digests of this type can be checked.
pub(crate) fn is_supported_digest(digest_type: u8) -> bool {
    matches!(digest_type, 1 | 2 | 4)
}

/// Number and IANA mnemonic, as in `13 (ECDSAP256SHA256)`.
pub(crate) fn name(algorithm: u8) -> String {
    let mnemonic = match algorithm {
        1 => "RSAMD5",
        3 => "DSA",
        5 => "RSASHA1",
        6 => "DSA-NSEC3-SHA1",
        7 => "RSASHA1-NSEC3-SHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        12 => "ECC-GOST",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        17 => "SM2SM3",
        23 => "ECC-GOST12",
        253 => "PRIVATEDNS",
        254 => "PRIVATEOID",
        _ => return algorithm.to_string(),
    };
    format!("{algorithm} ({mnemonic})")
}

/// Number and name of a digest type, as in `3 (GOST R 34.11-94)`.
pub(crate) fn digest_name(digest_type: u8) -> String {
    let mnemonic = match digest_type {
        1 => "SHA-1",
        2 => "SHA-256",
        3 => "GOST R 34.11-94",
        4 => "SHA-384",
        5 => "GOST R 34.11-2012",
        6 => "SM3",
        _ => return digest_type.to_string(),
    };
    format!("{digest_type} ({mnemonic})")
}

/// The DS digest of a key: over the owner in canonical form and the DNSKEY data
/// (RFC 4034 section 5.1.4). `None` if the digest type is not supported.
pub(crate) fn ds_digest(digest_type: u8, owner: &[u8], dnskey: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match digest_type {
        1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        2 => &digest::SHA256,
        4 => &digest::SHA384,
        _ => return None,
    };
    let mut context = digest::Context::new(algorithm);
    context.update(owner);
    context.update(dnskey);
    Some(context.finish().as_ref().to_vec())
}

/// The hash of a name in canonical wire form for NSEC3 (RFC 5155 section 5).
pub(crate) fn nsec3_hash(name: &[u8], salt: &[u8], iterations: u16) -> Vec<u8> {
    let once = |data: &[u8]| {
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        context.update(data);
        context.update(salt);
        context.finish().as_ref().to_vec()
    };
    (0..iterations).fold(once(name), |hash, _| once(&hash))
}

/// Checks a signature with the public key of a DNSKEY record.
///
/// False for a wrong signature as well as for a key that is not well-formed or
/// outside 1024 to 8192 bits of RSA: none of them lets the signature count.
pub(crate) fn verify(algorithm: u8, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    match algorithm {
        5 | 7 => rsa(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, public_key, message, signature),
        8 => rsa(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, public_key, message, signature),
        10 => rsa(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, public_key, message, signature),
        13 => ecdsa(&ECDSA_P256_SHA256_FIXED, public_key, message, signature),
        14 => ecdsa(&ECDSA_P384_SHA384_FIXED, public_key, message, signature),
        15 => UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok(),
        _ => false,
    }
}

/// The key holds the curve point without the leading octet 4 (RFC 6605 section 4).
fn ecdsa(
    algorithm: &'static dyn VerificationAlgorithm,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let mut point = vec![4];
    point.extend_from_slice(public_key);
    UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
}

fn rsa(parameters: &'static RsaParameters, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    rsa_components(public_key)
        .is_some_and(|(e, n)| RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok())
}

/// Exponent and modulus (RFC 3110 section 2).
fn rsa_components(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = key.split_first()?;
    let (length, rest) = match first {
        0 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        length => (usize::from(length), rest),
    };
    let (exponent, modulus) = rest.split_at_checked(length)?;
    let modulus = modulus.get(modulus.iter().position(|&b| b != 0)?..)?;
    (!exponent.is_empty()).then_some((exponent, modulus))
}

#[cfg(test)]
mod tests {
    use super::*;

    use domain::utils::{base16, base32, base64};

    fn hex(text: &str) -> Vec<u8> {
        base16::decode(text).unwrap()
    }

    #[test]
    fn nsec3_hashes_are_those_of_rfc_5155_appendix_a() {
        for (name, hash) in [
            (&b"\x07example\x00"[..], "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            (b"\x01a\x07example\x00", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
        ] {
            let expected: Vec<u8> = base32::decode_hex(hash).unwrap();
            assert_eq!(nsec3_hash(name, &hex("aabbccdd"), 12), expected, "{hash}");
        }
    }

    #[test]
    fn ds_digests_are_those_of_rfc_4034_section_5_4_and_rfc_4509_section_2_3() {
        let key: Vec<u8> = base64::decode(
            "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYw\
             YqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmAD\
             jFDc2w/rljwvFw==",
        )
        .unwrap();
        let dnskey = [&[1, 0, 3, 5][..], &key].concat();
        let owner = b"\x05dskey\x07example\x03com\x00";
        let digest = |number| ds_digest(number, owner, &dnskey);
        assert_eq!(digest(1), Some(hex("2BB183AF5F22588179A53B0A98631FAD1A292118")));
        assert_eq!(digest(2), Some(hex("D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A")));
        assert_eq!(digest(3), None);
    }

    #[test]
    fn absurd_keys_never_verify() {
        for algorithm in 0..=255 {
            for key in [&b""[..], b"\0", b"\0\0\0", b"\x05\x01", b"\x01\x03", b"\x01\x03\0\0", &[0xff; 64]] {
                assert!(!verify(algorithm, key, b"message", &[0; 64]), "{algorithm} {key:?}");
            }
        }
    }
}
