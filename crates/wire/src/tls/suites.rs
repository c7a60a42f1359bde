//! Cipher suites: their names, what they are made of, and the classes verdicts rest on.
//!
//! All properties are read out of the name, which IANA composes by rule
//! (`TLS_key-exchange_WITH_cipher_mac`), so that a new suite is one line in the table.

mod properties;
mod table;

use std::{cmp::Reverse, sync::LazyLock};

use waxseal_model::tls::{Suite, SuiteClass, TlsVersion};

pub use properties::{Authentication, Cipher, KeyExchange, Mac, Mode, Properties};

/// The signal that stands for an empty renegotiation_info extension (RFC 5746 section 3.3).
pub const EMPTY_RENEGOTIATION_INFO_SCSV: u16 = 0x00ff;

/// The signal that this hello is a retry with a lower version (RFC 7507).
pub const FALLBACK_SCSV: u16 = 0x5600;

/// Every known suite with its name, in order of the codes: IANA's, some that were never
/// registered but are in use, and the kinds of SSLv2 (three-byte codes).
pub fn all() -> &'static [(u32, &'static str)] {
    table::TABLE
}

/// The name of a suite, as IANA spells it; `GREASE` for the values of RFC 8701.
pub fn name(code: u32) -> Option<&'static str> {
    if u16::try_from(code).is_ok_and(is_grease) {
        return Some("GREASE");
    }
    let position = table::TABLE.binary_search_by_key(&code, |(c, _)| *c).ok()?;
    table::TABLE.get(position).map(|(_, name)| *name)
}

/// The suite of this name.
pub fn code(name: &str) -> Option<u32> {
    table::TABLE.iter().find(|(_, n)| *n == name).map(|(code, _)| *code)
}

/// Code and name; a code without a name is called `unknown 0x….`.
pub fn suite(code: u32) -> Suite {
    let name = name(code).map_or_else(|| format!("unknown 0x{code:04x}"), str::to_owned);
    Suite { code, name }
}

/// One of the sixteen values that clients throw in to keep servers tolerant (RFC 8701):
/// 0x0a0a, 0x1a1a … 0xfafa. Groups and extensions use the same ones.
pub fn is_grease(code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// One of the two signals that stand in a list of suites without being one.
pub fn is_signal(code: u32) -> bool {
    code == u32::from(EMPTY_RENEGOTIATION_INFO_SCSV) || code == u32::from(FALLBACK_SCSV)
}

/// What a suite is made of; none for unknown codes, GREASE and the two signals.
pub fn properties(code: u32) -> Option<Properties> {
    let position = table::TABLE.binary_search_by_key(&code, |(c, _)| *c).ok()?;
    PROPERTIES.get(position).copied().flatten()
}

/// In the order of the table: reading them out of the names each time would be felt, since
/// an audit asks for them by the hundred thousand.
static PROPERTIES: LazyLock<Vec<Option<Properties>>> = LazyLock::new(|| {
    let of = |(code, name): &(u32, &str)| if is_signal(*code) { None } else { properties::of_name(name) };
    table::TABLE.iter().map(of).collect()
});

/// How the keys come about.
pub fn key_exchange(code: u32) -> Option<KeyExchange> {
    properties(code).map(|p| p.key_exchange)
}

/// How the server proves who it is.
pub fn authentication(code: u32) -> Option<Authentication> {
    properties(code).map(|p| p.authentication)
}

/// Forward secrecy by construction: ECDHE, DHE (anonymous ones too), or TLS 1.3 with a
/// key share. False for unknown codes.
pub fn is_ephemeral(code: u32) -> bool {
    matches!(key_exchange(code), Some(KeyExchange::Dhe | KeyExchange::Ecdhe | KeyExchange::Any))
}

/// Authenticated encryption (GCM, CCM, ChaCha20-Poly1305 …). False for unknown codes.
pub fn is_aead(code: u32) -> bool {
    properties(code).is_some_and(|p| p.mode == Mode::Aead)
}

/// Usable only by a client that shares a secret with this server beforehand (a PSK, a
/// password, a Kerberos ticket, a Fortezza card): a mail server cannot choose these for
/// strangers, so that they need not be offered to it.
pub fn needs_shared_secret(code: u32) -> bool {
    properties(code).is_some_and(|p| {
        matches!(p.authentication, Authentication::SharedSecret)
            || matches!(p.key_exchange, KeyExchange::Srp | KeyExchange::Kerberos | KeyExchange::Fortezza)
    })
}

/// The classes that a suite is in; empty for unknown codes and for suites of no class.
pub fn classes(code: u32) -> Vec<SuiteClass> {
    let Some(p) = properties(code) else { return Vec::new() };
    SuiteClass::ALL.into_iter().filter(|class| p.is_in(*class)).collect()
}

/// All suites of a class in order of their codes, except the kinds of SSLv2 and
/// `TLS_NULL_WITH_NULL_NULL`, which cannot be offered.
pub fn of_class(class: SuiteClass) -> Vec<u16> {
    two_byte_codes().filter(|code| properties(u32::from(*code)).is_some_and(|p| p.is_in(class))).collect()
}

/// All suites that a stranger may negotiate in this version: those that [`versions`]
/// allows and that do not need a shared secret. Best first, as an ordinary client would
/// list them; see [`best_first`].
pub fn for_version(version: TlsVersion) -> Vec<u16> {
    let mut codes: Vec<u16> = two_byte_codes()
        .filter(|code| {
            let code = u32::from(*code);
            versions(code).is_some_and(|(first, last)| (first..=last).contains(&version))
                && !needs_shared_secret(code)
        })
        .collect();
    best_first(&mut codes);
    codes
}

/// Puts suites in the order of an ordinary client: with a certificate before anonymous,
/// with encryption of 112 bits and more before less, then ephemeral keys, authenticated
/// encryption, elliptic curves, strength. Equals keep their order; unknown codes go last.
pub fn best_first(codes: &mut [u16]) {
    codes.sort_by_cached_key(|code| {
        let rank = properties(u32::from(*code)).map(|p| {
            let anonymous = p.authentication == Authentication::Anonymous;
            let ephemeral = is_ephemeral(u32::from(*code));
            (anonymous, p.bits < 112, !ephemeral, p.mode != Mode::Aead, !p.is_elliptic(), Reverse(p.bits))
        });
        (rank.is_none(), rank)
    });
}

/// Code 0 is the state before any handshake and must not be negotiated (RFC 5246 A.5).
fn two_byte_codes() -> impl Iterator<Item = u16> {
    table::TABLE.iter().filter_map(|(code, _)| u16::try_from(*code).ok()).filter(|code| *code != 0)
}

/// The kinds of SSLv2, in order of their codes.
pub fn ssl2_kinds() -> Vec<u32> {
    table::TABLE.iter().map(|(code, _)| *code).filter(|code| *code > 0xffff).collect()
}

/// The first version of the protocol that may use a suite; see [`versions`].
pub fn min_version(code: u32) -> Option<TlsVersion> {
    versions(code).map(|(first, _)| first)
}

/// The first and last version that may use a suite; none for unknown codes.
///
/// TLS 1.3 has its own suites (RFC 8446 B.4, RFC 8998, 9150, 9367). AEAD and SHA-2 need
/// TLS 1.2 (RFC 5246 section 5, RFC 5288), except CBC with pre-shared keys (RFC 5487
/// section 3.1, RFC 6367 section 3.3). Export and RC2 end with TLS 1.0 (RFC 4346 A.5),
/// DES and IDEA with TLS 1.1 (RFC 5469), and elliptic curves begin with TLS 1.0 (RFC
/// 8422). Servers do not all keep to this: it says what is to be expected, and a probe
/// may offer more.
pub fn versions(code: u32) -> Option<(TlsVersion, TlsVersion)> {
    let p = properties(code)?;
    if code > 0xffff {
        return Some((TlsVersion::Ssl2, TlsVersion::Ssl2));
    }
    if p.key_exchange == KeyExchange::Any || (0xc103..=0xc106).contains(&code) {
        return Some((TlsVersion::Tls13, TlsVersion::Tls13));
    }
    let psk_before_tls12 = p.authentication == Authentication::SharedSecret && p.cipher != Cipher::Aria;
    let first = match (p.mode, p.mac) {
        (Mode::Aead, _) => TlsVersion::Tls12,
        (_, Mac::Sha256 | Mac::Sha384) if psk_before_tls12 => TlsVersion::Tls10,
        (_, Mac::Sha256 | Mac::Sha384) => TlsVersion::Tls12,
        _ if p.is_elliptic() => TlsVersion::Tls10,
        _ if (0xc100..=0xc102).contains(&code) => TlsVersion::Tls12,
        _ => TlsVersion::Ssl3,
    };
    let last = match p.cipher {
        _ if p.export => TlsVersion::Tls10,
        Cipher::Des | Cipher::Idea => TlsVersion::Tls11,
        _ => TlsVersion::Tls12,
    };
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_without_doubles() {
        assert!(all().windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(all().len() > 370, "{}", all().len());
    }

    #[test]
    fn every_suite_but_the_signals_has_properties_and_versions() {
        for (code, name) in all() {
            assert_eq!(properties(*code).is_none(), is_signal(*code), "{code:04x} {name}");
            assert_eq!(versions(*code).is_none(), is_signal(*code), "{code:04x} {name}");
            if let Some((first, last)) = versions(*code) {
                assert!(first <= last, "{name}");
            }
        }
    }

    #[test]
    fn names_are_found_and_unknown_codes_say_so() {
        assert_eq!(name(0x1301), Some("TLS_AES_128_GCM_SHA256"));
        assert_eq!(name(0x01_0080), Some("SSL_CK_RC4_128_WITH_MD5"));
        assert_eq!(name(0x3a3a), Some("GREASE"));
        assert_eq!(name(0x3a4a), None);
        assert_eq!(suite(0xfedc).name, "unknown 0xfedc");
        assert!(all().iter().all(|(known, name)| code(name) == Some(*known)));
        assert_eq!(code("unknown 0xfedc"), None);
        assert_eq!((0..=u16::MAX).filter(|code| is_grease(*code)).count(), 16);
    }

    #[test]
    fn classes_of_telling_suites() {
        use SuiteClass::*;
        let cases: [(u32, &[SuiteClass]); 15] = [
            (0x1301, &[]),
            (0xc02f, &[]),
            (0xc013, &[Cbc]),
            (0x0035, &[RsaKeyExchange, Cbc]),
            (0x009c, &[RsaKeyExchange]),
            (0x0005, &[Rc4, RsaKeyExchange]),
            (0x000a, &[TripleDes, RsaKeyExchange, Cbc]),
            (0x0003, &[Export, Rc4, RsaKeyExchange]),
            (0x0006, &[Export, Rc2, RsaKeyExchange, Cbc]),
            (0x0008, &[Export, Des, RsaKeyExchange, Cbc]),
            (0x0014, &[Export, Des, Dhe, Cbc]),
            (0x0019, &[Anonymous, Export, Des, Dhe, Cbc]),
            (0xc015, &[Null, Anonymous]),
            (0x0007, &[Idea, RsaKeyExchange, Cbc]),
            (0x009a, &[Seed, Dhe, Cbc]),
        ];
        for (code, expected) in cases {
            assert_eq!(classes(code), expected, "{}", suite(code).name);
        }
        assert_eq!(classes(0x04_0080), [Export, Rc2, RsaKeyExchange, Cbc]);
        assert_eq!(classes(0x07_00c0), [TripleDes, RsaKeyExchange, Cbc]);
        assert_eq!(classes(0x00ff), []);
    }

    #[test]
    fn every_class_has_suites_and_they_agree_with_their_names() {
        let by_name = [
            (SuiteClass::Anonymous, "anon"),
            (SuiteClass::Export, "EXPORT"),
            (SuiteClass::Rc4, "RC4"),
            (SuiteClass::Rc2, "RC2"),
            (SuiteClass::TripleDes, "3DES"),
            (SuiteClass::Idea, "IDEA"),
            (SuiteClass::Seed, "SEED"),
            (SuiteClass::Cbc, "_CBC"),
        ];
        for (class, word) in by_name {
            let expected: Vec<u16> = all()
                .iter()
                .filter(|(_, name)| name.contains(word))
                .filter_map(|(code, _)| u16::try_from(*code).ok())
                .collect();
            assert_eq!(of_class(class), expected, "{word}");
            assert!(!expected.is_empty());
        }
        assert_eq!(of_class(SuiteClass::Null).first(), Some(&0x0001));
        assert!(of_class(SuiteClass::Des).contains(&0x0009));
        assert!(of_class(SuiteClass::Dhe).contains(&0x0033));
    }

    #[test]
    fn ephemeral_and_aead() {
        for (code, ephemeral, aead) in [
            (0x1303, true, true),
            (0xc030, true, true),
            (0x0039, true, false),
            (0x0034, true, false),
            (0x009d, false, true),
            (0xc031, false, true),
            (0xc00e, false, false),
            (0x00ff, false, false),
            (0xcc13, true, true),
        ] {
            assert_eq!(is_ephemeral(code), ephemeral, "{code:04x}");
            assert_eq!(is_aead(code), aead, "{code:04x}");
        }
    }

    #[test]
    fn versions_follow_the_standards() {
        use TlsVersion::*;
        for (code, first, last) in [
            (0x1302, Tls13, Tls13),
            (0xc0b4, Tls13, Tls13),
            (0x00c6, Tls13, Tls13),
            (0xc104, Tls13, Tls13),
            (0xc02f, Tls12, Tls12),
            (0x003c, Tls12, Tls12),
            (0xc0a0, Tls12, Tls12),
            (0xc014, Tls10, Tls12),
            (0x002f, Ssl3, Tls12),
            (0x0009, Ssl3, Tls11),
            (0x0062, Ssl3, Tls10),
            (0x00ae, Tls10, Tls12),
            (0x01_0080, Ssl2, Ssl2),
        ] {
            assert_eq!(versions(code), Some((first, last)), "{}", suite(code).name);
        }
    }

    #[test]
    fn a_stranger_is_not_offered_suites_that_need_a_secret() {
        for version in [TlsVersion::Tls10, TlsVersion::Tls12, TlsVersion::Tls13] {
            let offer = for_version(version);
            assert!(!offer.is_empty());
            for code in offer {
                let name = name(u32::from(code)).unwrap();
                assert!(
                    !["PSK", "SRP", "KRB5", "ECCPWD", "FORTEZZA"].iter().any(|w| name.contains(w)),
                    "{name}"
                );
            }
        }
        assert_eq!(ssl2_kinds().len(), 7);
    }

    #[test]
    fn a_list_goes_from_good_to_bad() {
        let mut codes = [0xfedc, 0x0034, 0x0003, 0x000a, 0x0035, 0x009d, 0xc013, 0xc02f, 0xc030];
        best_first(&mut codes);
        assert_eq!(codes, [0xc030, 0xc02f, 0xc013, 0x009d, 0x0035, 0x000a, 0x0003, 0x0034, 0xfedc]);
    }
}
