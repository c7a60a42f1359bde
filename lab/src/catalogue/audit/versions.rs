//! Old versions, and ways down to them.

use super::{AuditExpect, RSA, by_hand, smtp, with_smtp};
use crate::{
    catalogue::Domain,
    handmade::behaviour::{Behaviour, Framing, SSL3, Sentinel, TLS10, TLS11, TLS12},
    servers::tls::{Kind, Modern, Tls},
};

/// Suites that old versions have too.
const OF_OLD: &[u16] = &[0xc030, 0xc02f, 0xc014, 0xc013, 0x0039, 0x0035, 0x002f];
/// SSLv2: RC4 with 128 and 40 bits, triple DES.
const KINDS: &[u32] = &[0x01_0080, 0x02_0080, 0x07_00c0];

const SINCE_SSL3: Behaviour = Behaviour { versions: (SSL3, TLS12), suites: OF_OLD, ..Behaviour::SOUND };
const ONLY_SSL3: Behaviour =
    Behaviour { versions: (SSL3, SSL3), suites: &[0x0039, 0x0035, 0x002f], ..Behaviour::SOUND };
const SINCE_TLS10: Behaviour =
    Behaviour { versions: (TLS10, TLS12), suites: OF_OLD, sentinel: Sentinel::Of12, ..Behaviour::SOUND };
const NO_SCSV: Behaviour =
    Behaviour { versions: (TLS11, TLS12), suites: OF_OLD, fallback_scsv: false, ..Behaviour::SOUND };
const SSL2: Behaviour =
    Behaviour { ssl2: Some(KINDS), suites: &[0xc030, 0xc02f, 0x009d, 0x009c], ..Behaviour::SOUND };
const SSL2_EMPTY: Behaviour = Behaviour { ssl2: Some(&[]), ..SSL2 };
const UNMARKED: Behaviour = Behaviour { sentinel: Sentinel::None, ..Behaviour::SOUND };
const MARKED: Behaviour = Behaviour { sentinel: Sentinel::Of13, ..Behaviour::SOUND };

const TOGETHER: Behaviour = Behaviour { framing: Framing::Together, ..Behaviour::SOUND };
const PIECES: Behaviour = Behaviour { framing: Framing::Pieces(100), ..Behaviour::SOUND };

pub(super) fn list() -> Vec<Domain> {
    let both = |behaviour| {
        let modern = Modern { own_order: true, ..Modern::default() };
        smtp(Tls { leaf: RSA, kind: Kind::Both(behaviour), modern, ..Tls::default() })
    };
    vec![
        by_hand(
            "handmade",
            "TLS 1.2 with forward secrecy and nothing wrong",
            &Behaviour::SOUND,
            AuditExpect::clear(CLEAR_UP_TO_TLS12),
        ),
        by_hand(
            "together",
            "All messages of the server's flight come in one record",
            &TOGETHER,
            AuditExpect::clear(CLEAR_UP_TO_TLS12),
        ),
        by_hand(
            "pieces",
            "The server's flight comes in records of 100 bytes",
            &PIECES,
            AuditExpect::clear(CLEAR_UP_TO_TLS12),
        ),
        by_hand(
            "ssl3",
            "SSLv3 to TLS 1.2 with CBC suites",
            &SINCE_SSL3,
            AuditExpect::found(&["tls.sslv3", "tls.poodle", "tls.tls10", "tls.tls11", "tls.beast"])
                .and_clear(&["tls.fallback_scsv", "tls.lucky13", "tls.sslv2"]),
        ),
        by_hand(
            "ssl3-only",
            "SSLv3 and nothing newer",
            &ONLY_SSL3,
            AuditExpect::found(&["tls.sslv3", "tls.poodle", "tls.beast"]).may(&[
                "tls.alpaca",
                "tls.post_quantum",
                "tls.lucky13",
                "tls.encrypt_then_mac",
                "tls.extended_master_secret",
                "tls.insecure_renegotiation",
                "tls.session_resumption",
            ]),
        ),
        by_hand(
            "tls10",
            "TLS 1.0 to 1.2",
            &SINCE_TLS10,
            AuditExpect::found(&["tls.tls10", "tls.tls11", "tls.beast"]).and_clear(&[
                "tls.sslv3",
                "tls.poodle",
                "tls.fallback_scsv",
            ]),
        ),
        by_hand(
            "no-scsv",
            "TLS 1.1 and 1.2, and fallbacks are not noticed",
            &NO_SCSV,
            AuditExpect::found(&["tls.tls11", "tls.fallback_scsv"]).and_clear(&["tls.tls10", "tls.beast"]),
        ),
        by_hand(
            "ssl2",
            "SSLv2 with three kinds of cipher, and RSA key exchange in TLS",
            &SSL2,
            AuditExpect::found(&["tls.sslv2", "tls.drown"]),
        ),
        by_hand(
            "ssl2-empty",
            "SSLv2 without a single kind of cipher (CVE-2015-3197)",
            &SSL2_EMPTY,
            AuditExpect::found(&["tls.sslv2", "tls.drown"]),
        ),
        with_smtp(
            "unmarked",
            "TLS 1.3, but no mark in the random of TLS 1.2",
            both(&UNMARKED),
            AuditExpect::found(&["tls.downgrade_sentinel"]).may(&["tls.alpaca"]),
        ),
        with_smtp(
            "marked",
            "TLS 1.3, and a mark in the random of TLS 1.2",
            both(&MARKED),
            AuditExpect::clear(&["tls.downgrade_sentinel", "tls.fallback_scsv"]).may(&["tls.alpaca"]),
        ),
    ]
}

/// What is clear at a server of TLS 1.2 alone that takes any name.
const CLEAR_UP_TO_TLS12: &[&str] = &[
    "certificate.without_sni",
    "smtp.starttls_injection",
    "tls.anonymous",
    "tls.beast",
    "tls.ccs_injection",
    "tls.client_certificate",
    "tls.client_renegotiation",
    "tls.crime",
    "tls.dh_small",
    "tls.downgrade_sentinel",
    "tls.drown",
    "tls.early_data",
    "tls.encrypt_then_mac",
    "tls.export",
    "tls.extended_master_secret",
    "tls.fallback_scsv",
    "tls.forward_secrecy",
    "tls.freak",
    "tls.heartbleed",
    "tls.insecure_renegotiation",
    "tls.intolerance",
    "tls.logjam",
    "tls.lucky13",
    "tls.null",
    "tls.opossum",
    "tls.poodle",
    "tls.raccoon",
    "tls.rc4",
    "tls.robot",
    "tls.session_resumption",
    "tls.sni_required",
    "tls.sslv2",
    "tls.sslv3",
    "tls.suite_order",
    "tls.sweet32",
    "tls.ticket_lifetime",
    "tls.ticketbleed",
    "tls.tls10",
    "tls.tls11",
    "tls.weak_groups",
];
