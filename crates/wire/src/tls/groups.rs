//! Groups for key exchange (IANA "TLS Supported Groups").

use waxseal_model::tls::Group;

use super::suites::is_grease;

/// The group that most TLS 1.3 handshakes use today.
pub const X25519: u16 = 0x001d;
/// The curve that every TLS 1.3 implementation must know (RFC 8446 section 9.1).
pub const SECP256R1: u16 = 0x0017;
/// The usual post-quantum hybrid.
pub const X25519MLKEM768: u16 = 0x11ec;

/// What a group is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An elliptic curve over a prime field.
    PrimeCurve,
    /// An elliptic curve over a binary field.
    BinaryCurve,
    /// A finite field (DHE), RFC 7919.
    FiniteField,
    /// An elliptic curve together with a post-quantum KEM.
    Hybrid,
    /// A post-quantum KEM alone.
    Kem,
}

/// One entry of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupInfo {
    /// IANA code.
    pub code: u16,
    /// IANA name.
    pub name: &'static str,
    /// What it is built on.
    pub kind: Kind,
    /// Size of the field in bits; of the curve in a hybrid; of the parameter set (512,
    /// 768, 1024) in ML-KEM alone.
    pub bits: u16,
}

const fn group(code: u16, name: &'static str, kind: Kind, bits: u16) -> GroupInfo {
    GroupInfo { code, name, kind, bits }
}

/// Sorted by code.
static TABLE: &[GroupInfo] = {
    use Kind::{BinaryCurve, FiniteField, Hybrid, Kem, PrimeCurve};
    &[
        group(1, "sect163k1", BinaryCurve, 163),
        group(2, "sect163r1", BinaryCurve, 163),
        group(3, "sect163r2", BinaryCurve, 163),
        group(4, "sect193r1", BinaryCurve, 193),
        group(5, "sect193r2", BinaryCurve, 193),
        group(6, "sect233k1", BinaryCurve, 233),
        group(7, "sect233r1", BinaryCurve, 233),
        group(8, "sect239k1", BinaryCurve, 239),
        group(9, "sect283k1", BinaryCurve, 283),
        group(10, "sect283r1", BinaryCurve, 283),
        group(11, "sect409k1", BinaryCurve, 409),
        group(12, "sect409r1", BinaryCurve, 409),
        group(13, "sect571k1", BinaryCurve, 571),
        group(14, "sect571r1", BinaryCurve, 571),
        group(15, "secp160k1", PrimeCurve, 160),
        group(16, "secp160r1", PrimeCurve, 160),
        group(17, "secp160r2", PrimeCurve, 160),
        group(18, "secp192k1", PrimeCurve, 192),
        group(19, "secp192r1", PrimeCurve, 192),
        group(20, "secp224k1", PrimeCurve, 224),
        group(21, "secp224r1", PrimeCurve, 224),
        group(22, "secp256k1", PrimeCurve, 256),
        group(23, "secp256r1", PrimeCurve, 256),
        group(24, "secp384r1", PrimeCurve, 384),
        group(25, "secp521r1", PrimeCurve, 521),
        group(26, "brainpoolP256r1", PrimeCurve, 256),
        group(27, "brainpoolP384r1", PrimeCurve, 384),
        group(28, "brainpoolP512r1", PrimeCurve, 512),
        group(29, "x25519", PrimeCurve, 255),
        group(30, "x448", PrimeCurve, 448),
        group(31, "brainpoolP256r1tls13", PrimeCurve, 256),
        group(32, "brainpoolP384r1tls13", PrimeCurve, 384),
        group(33, "brainpoolP512r1tls13", PrimeCurve, 512),
        group(34, "GC256A", PrimeCurve, 256),
        group(35, "GC256B", PrimeCurve, 256),
        group(36, "GC256C", PrimeCurve, 256),
        group(37, "GC256D", PrimeCurve, 256),
        group(38, "GC512A", PrimeCurve, 512),
        group(39, "GC512B", PrimeCurve, 512),
        group(40, "GC512C", PrimeCurve, 512),
        group(41, "curveSM2", PrimeCurve, 256),
        group(0x0100, "ffdhe2048", FiniteField, 2048),
        group(0x0101, "ffdhe3072", FiniteField, 3072),
        group(0x0102, "ffdhe4096", FiniteField, 4096),
        group(0x0103, "ffdhe6144", FiniteField, 6144),
        group(0x0104, "ffdhe8192", FiniteField, 8192),
        group(0x0200, "MLKEM512", Kem, 512),
        group(0x0201, "MLKEM768", Kem, 768),
        group(0x0202, "MLKEM1024", Kem, 1024),
        group(0x11eb, "SecP256r1MLKEM768", Hybrid, 256),
        group(0x11ec, "X25519MLKEM768", Hybrid, 255),
        group(0x11ed, "SecP384r1MLKEM1024", Hybrid, 384),
        group(0x11ee, "curveSM2MLKEM768", Hybrid, 256),
        group(0x6399, "X25519Kyber768Draft00", Hybrid, 255),
        group(0x639a, "SecP256r1Kyber768Draft00", Hybrid, 256),
    ]
};

/// Every known group in order of the codes.
pub fn all() -> &'static [GroupInfo] {
    TABLE
}

/// The entry of a group.
pub fn info(code: u16) -> Option<&'static GroupInfo> {
    TABLE.binary_search_by_key(&code, |g| g.code).ok().and_then(|i| TABLE.get(i))
}

/// IANA's name; `GREASE` for the values of RFC 8701, `arbitrary_explicit_…_curves` for
/// the two codes that announce curves in full (RFC 4492).
pub fn name(code: u16) -> Option<&'static str> {
    match code {
        0xff01 => Some("arbitrary_explicit_prime_curves"),
        0xff02 => Some("arbitrary_explicit_char2_curves"),
        _ if is_grease(code) => Some("GREASE"),
        _ => info(code).map(|g| g.name),
    }
}

/// The group of this name.
pub fn code(name: &str) -> Option<u16> {
    TABLE.iter().find(|g| g.name == name).map(|g| g.code)
}

/// Code and name; a code without a name is called `unknown 0x….`.
pub fn named(code: u16) -> Group {
    Group { code, name: name(code).map_or_else(|| format!("unknown 0x{code:04x}"), str::to_owned) }
}

/// Withstands a quantum computer as far as is known: hybrids, and ML-KEM alone.
pub fn is_post_quantum(code: u16) -> bool {
    info(code).is_some_and(|g| matches!(g.kind, Kind::Hybrid | Kind::Kem))
}

/// A curve of less than 224 bits.
pub fn is_weak(code: u16) -> bool {
    info(code).is_some_and(|g| matches!(g.kind, Kind::PrimeCurve | Kind::BinaryCurve) && g.bits < 224)
}

/// Withdrawn by RFC 8422 (section 5.1.1): codes 1 to 22, which are all binary curves and
/// the lesser-used prime ones.
pub fn is_withdrawn(code: u16) -> bool {
    (1..=22).contains(&code)
}

/// The groups that [`is_weak`] or [`is_withdrawn`] name, weakest first: what a TLS 1.2
/// hello offers alone to learn whether any of them is taken.
pub fn weak_or_withdrawn() -> Vec<u16> {
    let mut groups: Vec<&GroupInfo> =
        TABLE.iter().filter(|g| is_weak(g.code) || is_withdrawn(g.code)).collect();
    groups.sort_by_key(|g| g.bits);
    groups.into_iter().map(|g| g.code).collect()
}

/// Groups that TLS 1.3 may choose (RFC 8446 section 4.2.7, RFC 8734, 8998, 9367 and the
/// ML-KEM drafts), in order of the codes.
pub fn for_tls13() -> Vec<u16> {
    let allowed = |code| matches!(code, 23..=25 | 29..=41 | 0x0100..);
    TABLE.iter().map(|g| g.code).filter(|code| allowed(*code)).collect()
}

/// Curves that versions up to TLS 1.2 may choose, in order of the codes.
pub fn curves_for_tls12() -> Vec<u16> {
    TABLE.iter().map(|g| g.code).filter(|code| matches!(code, 1..=30 | 34..=40)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_without_doubles() {
        assert!(all().windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn names_and_unknown_codes() {
        assert_eq!(name(X25519), Some("x25519"));
        assert_eq!(name(SECP256R1), Some("secp256r1"));
        assert_eq!(named(X25519MLKEM768).name, "X25519MLKEM768");
        assert_eq!(named(0x4242).name, "unknown 0x4242");
        assert!(all().iter().all(|g| code(g.name) == Some(g.code)));
        assert_eq!(name(0xaaaa), Some("GREASE"));
        assert_eq!(name(0xff01), Some("arbitrary_explicit_prime_curves"));
    }

    #[test]
    fn weak_withdrawn_and_post_quantum_groups() {
        let weak = weak_or_withdrawn();
        assert_eq!(weak.len(), 22);
        assert_eq!(weak.first(), Some(&15));
        assert!(is_weak(19) && !is_weak(21) && !is_weak(X25519) && is_withdrawn(21));
        let quantum: Vec<u16> = all().iter().map(|g| g.code).filter(|c| is_post_quantum(*c)).collect();
        assert_eq!(quantum.len(), 9);
        assert!(!is_post_quantum(X25519) && is_post_quantum(0x0202));
    }

    #[test]
    fn each_version_has_its_groups() {
        let new = for_tls13();
        assert!(
            new.contains(&X25519MLKEM768) && new.contains(&31) && !new.contains(&26) && !new.contains(&21)
        );
        let old = curves_for_tls12();
        assert!(old.contains(&26) && !old.contains(&31) && !old.contains(&0x0100));
    }
}
