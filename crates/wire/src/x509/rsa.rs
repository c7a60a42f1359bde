//! RSA signatures that aws-lc-rs does not verify: moduli under 2048 bits, MD5, SHA-224,
//! unusual salts (RFC 8017).
//!
//! Verification handles public values only, so timing reveals nothing. It exists to tell
//! a weak signature from a wrong one; what is weak is for checks to say.

use x509_parser::{der_parser::num_bigint::BigUint, prelude::FromDer, x509::SubjectPublicKeyInfo};

use super::{
    algorithms::{Digest, KeyKind, Scheme},
    der,
    parsed::Parsed,
};

/// Largest modulus and exponent that are computed with: those of OpenSSL
/// (OPENSSL_RSA_MAX_MODULUS_BITS, OPENSSL_RSA_MAX_PUBEXP_BITS), which bound the work.
pub(super) const MAX_MODULUS_BITS: u64 = 16384;
const MAX_EXPONENT_BITS: u64 = 64;

/// An RSA public key: modulus and exponent.
pub(super) struct PublicKey {
    modulus: BigUint,
    exponent: BigUint,
}

impl PublicKey {
    /// Reads an RSAPublicKey (RFC 8017 appendix A.1.1).
    pub(super) fn from_der(bytes: &[u8]) -> Option<Self> {
        let fields = der::elements(der::whole(bytes, der::SEQUENCE)?)?;
        let [modulus, exponent] = fields.as_slice() else { return None };
        let both_integers = modulus.tag == der::INTEGER && exponent.tag == der::INTEGER;
        both_integers.then(|| Self {
            modulus: BigUint::from_bytes_be(modulus.content),
            exponent: BigUint::from_bytes_be(exponent.content),
        })
    }

    /// The modulus.
    pub(super) fn modulus(&self) -> &BigUint {
        &self.modulus
    }

    /// The exponent in decimal, or in hex where it has more than 64 bits.
    pub(super) fn exponent_text(&self) -> String {
        if self.exponent.bits() <= MAX_EXPONENT_BITS {
            self.exponent.to_string()
        } else {
            format!("0x{:x}", self.exponent)
        }
    }

    /// Length of the modulus in bits.
    pub(super) fn bits(&self) -> u64 {
        self.modulus.bits()
    }

    /// True if the key is one that can be computed with in bounded time.
    pub(super) fn is_usable(&self) -> bool {
        (1..=MAX_MODULUS_BITS).contains(&self.bits())
            && self.exponent.bits() <= MAX_EXPONENT_BITS
            && self.exponent.bit(0)
            && self.modulus.bit(0)
    }

    /// Length of a signature in bytes.
    fn length(&self) -> usize {
        usize::try_from(self.bits().div_ceil(8)).unwrap_or(usize::MAX)
    }

    /// The encoded message in a signature (RSAVP1), as many bytes long as the modulus.
    fn open(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let number = BigUint::from_bytes_be(signature);
        if signature.len() != self.length() || number >= self.modulus {
            return None;
        }
        let opened = number.modpow(&self.exponent, &self.modulus).to_bytes_be();
        let mut out = vec![0; self.length().saturating_sub(opened.len())];
        out.extend_from_slice(&opened);
        Some(out)
    }
}

/// Length of the modulus of an RSA key in bits: of a SubjectPublicKeyInfo, or of a bare
/// RSAPublicKey (RFC 8017 appendix A.1.1). None if it is neither, or has bytes behind it.
pub fn rsa_key_bits(der: &[u8]) -> Option<u32> {
    let bits = |key: &[u8]| u32::try_from(PublicKey::from_der(key)?.bits()).ok().filter(|bits| *bits > 0);
    if let Some(found) = bits(der) {
        return Some(found);
    }
    let (rest, spki) = SubjectPublicKeyInfo::from_der(der).ok()?;
    let kind = KeyKind::from_oid(&spki.algorithm.algorithm.to_id_string());
    (rest.is_empty() && kind == Some(KeyKind::Rsa)).then(|| bits(spki.subject_public_key.data.as_ref()))?
}

/// Modulus and exponent of the RSA key of a certificate, big-endian. None if it has a key
/// of another kind, or one that is too large to compute with.
pub(crate) fn rsa_key_of(certificate: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let parsed = Parsed::new(certificate).ok()?;
    let spki = &parsed.certificate.subject_pki;
    let kind = KeyKind::from_oid(&spki.algorithm.algorithm.to_id_string());
    let key = PublicKey::from_der(spki.subject_public_key.data.as_ref())?;
    (kind == Some(KeyKind::Rsa) && key.is_usable())
        .then(|| (key.modulus.to_bytes_be(), key.exponent.to_bytes_be()))
}

/// True if the signature is right. The key must be usable.
pub(super) fn verify(key: &PublicKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
    let Some(opened) = key.open(signature) else { return false };
    match scheme {
        Scheme::RsaPkcs1(digest) => {
            pkcs1_encoding(digest, message, opened.len()).is_some_and(|em| em == opened)
        }
        Scheme::RsaPss { digest, salt } => {
            // The encoding is one bit shorter than the modulus; where that saves a byte,
            // the byte must be zero.
            let bits = key.bits().saturating_sub(1);
            let length = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
            let surplus = opened.len().saturating_sub(length);
            let (zeros, encoded) = opened.split_at_checked(surplus).unwrap_or_default();
            let unused = u32::try_from((8 - bits % 8) % 8).unwrap_or(0);
            zeros.iter().all(|b| *b == 0) && pss_is_right(digest, salt, message, encoded, unused)
        }
        Scheme::Ecdsa(_) | Scheme::Ed25519 => false,
    }
}

/// EMSA-PKCS1-v1_5: `00 01 FF … 00 DigestInfo` (RFC 8017 section 9.2).
fn pkcs1_encoding(digest: Digest, message: &[u8], length: usize) -> Option<Vec<u8>> {
    let oid: &[u8] = match digest {
        Digest::Md5 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05],
        Digest::Sha1 => &[0x2b, 0x0e, 0x03, 0x02, 0x1a],
        Digest::Sha224 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04],
        Digest::Sha256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
        Digest::Sha384 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
        Digest::Sha512 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
    };
    let hash = digest.of(message);
    // All lengths are far below 128, the limit of the short form.
    let short = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    let mut info =
        vec![0x30, short(oid.len() + hash.len() + 8), 0x30, short(oid.len() + 4), 0x06, short(oid.len())];
    info.extend_from_slice(oid);
    info.extend_from_slice(&[0x05, 0x00, 0x04, short(hash.len())]);
    info.extend_from_slice(&hash);
    let padding = length.checked_sub(info.len() + 3).filter(|n| *n >= 8)?;
    let mut out = vec![0x00, 0x01];
    out.resize(2 + padding, 0xff);
    out.push(0);
    out.extend_from_slice(&info);
    Some(out)
}

/// EMSA-PSS-VERIFY (RFC 8017 section 9.1.2). `unused` is the number of leading bits of
/// the first byte that lie beyond the encoding and must be zero.
fn pss_is_right(digest: Digest, salt: usize, message: &[u8], encoded: &[u8], unused: u32) -> bool {
    let hash = digest.of(message);
    let Some((0xbc, body)) = encoded.split_last().map(|(last, body)| (*last, body)) else { return false };
    let Some(mask_length) = body.len().checked_sub(hash.len()) else { return false };
    let Some((masked, h)) = body.split_at_checked(mask_length) else { return false };
    let keep = 0xffu8.checked_shr(unused).unwrap_or(0);
    if masked.first().is_some_and(|first| first & !keep != 0) {
        return false;
    }
    let mut db: Vec<u8> = masked.iter().zip(mgf1(digest, h, mask_length)).map(|(a, b)| a ^ b).collect();
    if let Some(first) = db.first_mut() {
        *first &= keep;
    }
    let Some(zeros) = mask_length.checked_sub(salt.saturating_add(1)) else { return false };
    let Some((padding, rest)) = db.split_at_checked(zeros) else { return false };
    let Some((1, salt)) = rest.split_first().map(|(first, rest)| (*first, rest)) else { return false };
    let mut again = vec![0; 8];
    again.extend_from_slice(&hash);
    again.extend_from_slice(salt);
    padding.iter().all(|b| *b == 0) && digest.of(&again) == h
}

/// The mask of RFC 8017 appendix B.2.1.
fn mgf1(digest: Digest, seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(length + 64);
    let mut counter = 0u32;
    while mask.len() < length {
        let mut input = seed.to_vec();
        input.extend_from_slice(&counter.to_be_bytes());
        mask.extend_from_slice(&digest.of(&input));
        counter += 1;
    }
    mask.truncate(length);
    mask
}
