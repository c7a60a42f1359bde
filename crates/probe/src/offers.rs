//! Which suites are put into hellos.

use waxseal_model::tls::TlsVersion;
use waxseal_wire::tls::{
    groups,
    scheme::{self, KeyKind},
    suites::{self, Authentication, Cipher, KeyExchange},
};

use crate::state::State;

/// Some servers stop reading, or fail, beyond 128 suites (Cisco ACE, F5); a few places
/// are left for signals.
pub(crate) const LARGEST_OFFER: usize = 120;

/// Suites in the order of today's good practice, with enough old ones behind them that
/// nearly every server finds one. Anonymous suites are left out: they carry no
/// certificate.
pub(crate) const MODERN_FIRST: &[u16] = &[
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc0ac, 0xc0ad, // ECDHE AEAD
    0x009e, 0x009f, 0xccaa, 0xc09e, 0xc09f, // DHE AEAD
    0xc023, 0xc027, 0xc024, 0xc028, 0xc009, 0xc013, 0xc00a, 0xc014, // ECDHE CBC
    0xc072, 0xc076, 0xc073, 0xc077, 0xc05c, 0xc060, 0xc05d, 0xc061, // ECDHE CAMELLIA, ARIA
    0x0067, 0x006b, 0x0033, 0x0039, 0x0045, 0x0088, 0x00a2, 0x0032, 0x0038, // DHE CBC, DSS
    0x009c, 0x009d, 0xc09c, 0xc09d, 0x003c, 0x003d, 0x002f, 0x0035, 0x0041, 0x0084, // RSA
    0xc008, 0xc012, 0x0016, 0x000a, // 3DES
    0xc007, 0xc011, 0x0005, 0x0004, // RC4
];

/// The suites of TLS 1.3.
pub(crate) const TLS13: &[u16] = &[0x1301, 0x1302, 0x1303, 0x1304, 0x1305];

/// Every suite of TLS 1.3 in an order that no server has: those that prefer one of the AES to
/// ChaCha20 are many, and those that put ChaCha20 first for clients that do (Go) put
/// AES-128 before AES-256.
pub(crate) fn every_tls13_suite() -> Vec<u16> {
    let first = [0x1305, 0x1304, 0x1303, 0x1302, 0x1301];
    let all = suites::all().iter().filter_map(|(code, _)| u16::try_from(*code).ok());
    let others = all.filter(|code| is_of_tls13(*code) && !first.contains(code));
    first.into_iter().chain(others).collect()
}

/// Curves of ECDHE before TLS 1.3, as common clients offer them.
pub(crate) const CURVES: &[u16] = &[29, 23, 24, 25, 30, 26, 27, 28];

/// Every curve of ECDHE before TLS 1.3, common ones first.
pub(crate) fn every_curve() -> Vec<u16> {
    let others = groups::curves_for_tls12().into_iter().filter(|g| !CURVES.contains(g));
    CURVES.iter().copied().chain(others).collect()
}

/// Every scheme that a server may sign a handshake of TLS 1.2 with, usual ones first.
pub(crate) fn every_scheme() -> Vec<u16> {
    let usual = scheme::usual();
    let signs = |code: &u16| !matches!(scheme::key_kind(*code), KeyKind::Other | KeyKind::MlDsa);
    let others: Vec<u16> =
        scheme::all().iter().map(|(code, _)| *code).filter(signs).filter(|c| !usual.contains(c)).collect();
    usual.into_iter().chain(others).collect()
}

/// So many signature schemes are read by every server; wolfSSL stops at 19.
pub(crate) const MOST_SCHEMES: usize = 16;

/// Groups of TLS 1.3, post-quantum ones first.
pub(crate) fn tls13_groups() -> impl Iterator<Item = u16> {
    let (quantum, classical): (Vec<u16>, Vec<u16>) =
        groups::for_tls13().into_iter().partition(|g| groups::is_post_quantum(*g));
    quantum.into_iter().chain(classical)
}

/// Suites before TLS 1.3 that mail servers are known to have: RSA, DHE and ECDHE key
/// exchange with ciphers of common libraries. National ones, static Diffie-Hellman and
/// pre-shared keys are left to a full audit.
pub(crate) fn before_tls13() -> impl Iterator<Item = u16> {
    suites::all().iter().filter_map(|(code, _)| u16::try_from(*code).ok()).filter(|code| {
        suites::properties(u32::from(*code)).is_some_and(|p| {
            matches!(p.key_exchange, KeyExchange::Rsa | KeyExchange::Dhe | KeyExchange::Ecdhe)
                && !matches!(p.authentication, Authentication::SharedSecret | Authentication::Gost)
                && !matches!(
                    p.cipher,
                    Cipher::Gost28147 | Cipher::Kuznyechik | Cipher::Magma | Cipher::Fortezza | Cipher::Sm4
                )
        })
    })
}

/// Every suite that a server may take in `version` (before TLS 1.3), those of common
/// libraries and of the `kinds` of certificates that were seen first, then those that came
/// with a newer version (there are servers that take them all the same), then rare ones, then
/// those that need a shared secret.
pub(crate) fn every_suite(version: TlsVersion, kinds: &[Authentication]) -> Vec<u16> {
    let usual: Vec<u16> = before_tls13().collect();
    let mut all: Vec<u16> = suites::all()
        .iter()
        .filter_map(|(code, _)| u16::try_from(*code).ok())
        .filter(|code| *code != 0 && !is_of_tls13(*code) && !suites::is_signal(u32::from(*code)))
        .collect();
    suites::best_first(&mut all);
    all.sort_by_key(|code| {
        let rare = !usual.contains(code);
        let signed = suites::authentication(u32::from(*code));
        let other_kind = !signed.is_some_and(|a| a == Authentication::Anonymous || kinds.contains(&a));
        let is_newer = !fits(*code, version);
        (suites::needs_shared_secret(u32::from(*code)), rare, is_newer, !kinds.is_empty() && other_kind)
    });
    all
}

/// Suites for a hello that is to be accepted: those that were chosen in this version before,
/// then what is usual.
pub(crate) fn accepted_first(state: &State, version: TlsVersion) -> Vec<u16> {
    let seen = state.facts.suites_seen.iter().filter(|s| s.version == version);
    let mut offered: Vec<u16> = seen.filter_map(|s| u16::try_from(s.suite.code).ok()).collect();
    suites::best_first(&mut offered);
    let others = MODERN_FIRST.iter().copied().filter(|s| fits(*s, version) && !offered.contains(s));
    let others: Vec<u16> = others.collect();
    offered.extend(others);
    offered
}

/// The suite belongs to TLS 1.3 alone.
pub(crate) fn is_of_tls13(code: u16) -> bool {
    suites::min_version(u32::from(code)) == Some(TlsVersion::Tls13)
}

/// Whether a suite may be offered in a version. Only the beginning is kept to: servers
/// are known to accept export and DES suites in versions that abolished them.
pub(crate) fn fits(code: u16, version: TlsVersion) -> bool {
    suites::min_version(u32::from(code)).is_some_and(|first| first <= version)
}

/// The key exchange is ephemeral, over elliptic curves, with a certificate.
pub(crate) fn is_ecdhe(code: u16) -> bool {
    suites::properties(u32::from(code)).is_some_and(|p| {
        p.key_exchange == KeyExchange::Ecdhe && p.authentication != Authentication::Anonymous
    })
}

/// The server shows no certificate.
pub(crate) fn is_anonymous(code: u16) -> bool {
    suites::authentication(u32::from(code)) == Some(Authentication::Anonymous)
}

/// The kind of certificate that a suite needs.
pub(crate) fn is_signed_by(code: u16, kind: Authentication) -> bool {
    suites::authentication(u32::from(code)) == Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_suites_gives_no_signals() {
        // A fallback signal among them would be refused in every version but the newest.
        for version in [TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls12] {
            let signal = |code: &u16| suites::is_signal(u32::from(*code)) || suites::is_grease(*code);
            assert!(!every_suite(version, &[]).iter().any(signal), "{version:?}");
        }
    }

    #[test]
    fn no_offer_is_larger_than_servers_can_read() {
        assert!(MODERN_FIRST.len() <= LARGEST_OFFER);
        assert!(MODERN_FIRST.iter().all(|code| before_tls13().any(|known| known == *code)));
        assert!(before_tls13().count() > 150);
    }
}
