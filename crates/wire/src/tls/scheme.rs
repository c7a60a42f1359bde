//! Signature schemes (IANA "TLS SignatureScheme"; in TLS 1.2 the same two bytes are a
//! hash and a signature algorithm, RFC 5246 section 7.4.1.4.1).

use super::suites::is_grease;

/// Sorted by code. MD5 and SHA-224 pairs of TLS 1.2, which TLS 1.3 did not name, are
/// called after the same pattern.
static TABLE: &[(u16, &str)] = &[
    (0x0101, "rsa_pkcs1_md5"),
    (0x0102, "dsa_md5"),
    (0x0103, "ecdsa_md5"),
    (0x0201, "rsa_pkcs1_sha1"),
    (0x0202, "dsa_sha1"),
    (0x0203, "ecdsa_sha1"),
    (0x0301, "rsa_pkcs1_sha224"),
    (0x0302, "dsa_sha224"),
    (0x0303, "ecdsa_sha224"),
    (0x0401, "rsa_pkcs1_sha256"),
    (0x0402, "dsa_sha256"),
    (0x0403, "ecdsa_secp256r1_sha256"),
    (0x0420, "rsa_pkcs1_sha256_legacy"),
    (0x0501, "rsa_pkcs1_sha384"),
    (0x0502, "dsa_sha384"),
    (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0520, "rsa_pkcs1_sha384_legacy"),
    (0x0601, "rsa_pkcs1_sha512"),
    (0x0602, "dsa_sha512"),
    (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0620, "rsa_pkcs1_sha512_legacy"),
    (0x0704, "eccsi_sha256"),
    (0x0705, "iso_ibs1"),
    (0x0706, "iso_ibs2"),
    (0x0707, "iso_chinese_ibs"),
    (0x0708, "sm2sig_sm3"),
    (0x0709, "gostr34102012_256a"),
    (0x070a, "gostr34102012_256b"),
    (0x070b, "gostr34102012_256c"),
    (0x070c, "gostr34102012_256d"),
    (0x070d, "gostr34102012_512a"),
    (0x070e, "gostr34102012_512b"),
    (0x070f, "gostr34102012_512c"),
    (0x0804, "rsa_pss_rsae_sha256"),
    (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"),
    (0x0807, "ed25519"),
    (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"),
    (0x080a, "rsa_pss_pss_sha384"),
    (0x080b, "rsa_pss_pss_sha512"),
    (0x081a, "ecdsa_brainpoolP256r1tls13_sha256"),
    (0x081b, "ecdsa_brainpoolP384r1tls13_sha384"),
    (0x081c, "ecdsa_brainpoolP512r1tls13_sha512"),
    (0x0904, "mldsa44"),
    (0x0905, "mldsa65"),
    (0x0906, "mldsa87"),
];

/// Every known scheme with its name, in order of the codes.
pub fn all() -> &'static [(u16, &'static str)] {
    TABLE
}

/// The name of a scheme; `GREASE` for the values of RFC 8701.
pub fn name(code: u16) -> Option<&'static str> {
    if is_grease(code) {
        return Some("GREASE");
    }
    let position = TABLE.binary_search_by_key(&code, |(c, _)| *c).ok()?;
    TABLE.get(position).map(|(_, name)| *name)
}

/// Name for people and reports; a code without a name is called `unknown 0x….`.
pub fn label(code: u16) -> String {
    name(code).map_or_else(|| format!("unknown 0x{code:04x}"), str::to_owned)
}

/// The scheme of this name.
pub fn code(name: &str) -> Option<u16> {
    TABLE.iter().find(|(_, known)| *known == name).map(|(code, _)| *code)
}

/// The kind of key that a scheme signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA: PKCS #1 v1.5, or PSS with an ordinary RSA key.
    Rsa,
    /// RSA key that is marked for PSS alone.
    RsaPss,
    /// DSA.
    Dsa,
    /// ECDSA.
    Ecdsa,
    /// Ed25519 or Ed448.
    EdDsa,
    /// ML-DSA (post-quantum).
    MlDsa,
    /// Anything else.
    Other,
}

/// The kind of key that a scheme signs with; `Other` for unknown codes.
pub fn key_kind(code: u16) -> KeyKind {
    match (code.to_be_bytes(), code) {
        (_, 0x0804..=0x0806) | ([1..=6, 0x01 | 0x20], _) => KeyKind::Rsa,
        (_, 0x0809..=0x080b) => KeyKind::RsaPss,
        ([1..=6, 0x02], _) => KeyKind::Dsa,
        ([1..=6, 0x03], _) | (_, 0x081a..=0x081c) => KeyKind::Ecdsa,
        (_, 0x0807 | 0x0808) => KeyKind::EdDsa,
        (_, 0x0904..=0x0906) => KeyKind::MlDsa,
        _ => KeyKind::Other,
    }
}

/// The digest is MD5 or SHA-1, which RFC 9155 forbids in handshake signatures.
pub fn is_md5_or_sha1(code: u16) -> bool {
    matches!(code.to_be_bytes(), [1 | 2, 1..=3])
}

/// What an ordinary client offers, best first: for hellos that are to learn something
/// else. SHA-1 stands behind the others, so that old servers can answer. The first sixteen have
/// every kind of key among them: some servers read hardly more.
pub fn usual() -> Vec<u16> {
    vec![
        0x0807, 0x0808, 0x0403, 0x0503, 0x0603, 0x0809, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
        0x0203, 0x0201, 0x0402, 0x0202, 0x080a, 0x080b, 0x0303, 0x0301,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_what_is_usual_is_in_it() {
        assert!(all().windows(2).all(|pair| pair[0].0 < pair[1].0));
        for code in usual() {
            assert!(name(code).is_some(), "{code:04x}");
            assert_ne!(key_kind(code), KeyKind::Other, "{code:04x}");
        }
        for kind in [KeyKind::Rsa, KeyKind::RsaPss, KeyKind::Ecdsa, KeyKind::EdDsa, KeyKind::Dsa] {
            assert!(usual().iter().take(16).any(|code| key_kind(*code) == kind), "{kind:?}");
        }
        assert_eq!(label(0x0804), "rsa_pss_rsae_sha256");
        assert_eq!(label(0xfdff), "unknown 0xfdff");
    }

    #[test]
    fn kinds_of_keys_and_old_digests() {
        assert_eq!(key_kind(0x0601), KeyKind::Rsa);
        assert_eq!(key_kind(0x0806), KeyKind::Rsa);
        assert_eq!(key_kind(0x080a), KeyKind::RsaPss);
        assert_eq!(key_kind(0x0203), KeyKind::Ecdsa);
        assert_eq!(key_kind(0x0807), KeyKind::EdDsa);
        assert_eq!(key_kind(0x0708), KeyKind::Other);
        let old: Vec<u16> = all().iter().map(|(c, _)| *c).filter(|c| is_md5_or_sha1(*c)).collect();
        assert_eq!(old, [0x0101, 0x0102, 0x0103, 0x0201, 0x0202, 0x0203]);
    }
}
