//! Weak suites, groups and primes, each after sound ones.

use super::{AuditExpect, by_hand};
use crate::{
    catalogue::Domain,
    handmade::behaviour::{Behaviour, Dh, Limit, Order, Prime, Unoffered},
};

const SOUND: Behaviour = Behaviour::SOUND;

const RC4: Behaviour =
    Behaviour { suites: &[0xc030, 0xc02f, 0x009e, 0xc011, 0x0005, 0x0004], ..Behaviour::SOUND };
const TRIPLE_DES: Behaviour = Behaviour { suites: &[0xc030, 0xc02f, 0xc012, 0x0016, 0x000a], ..SOUND };
const NULL: Behaviour = Behaviour { suites: &[0xc030, 0xc02f, 0x003b, 0x0002, 0x0001], ..SOUND };
const ANONYMOUS: Behaviour = Behaviour { suites: &[0xc030, 0xc02f, 0x00a6, 0x003a, 0x0034, 0x0018], ..SOUND };
const EXPORT: Behaviour = Behaviour { suites: &[0xc030, 0xc02f, 0x0008, 0x0006, 0x0003], ..SOUND };
const DHE_EXPORT: Behaviour = Behaviour { suites: &[0xc030, 0xc02f, 0x0014], ..SOUND };
const DH_1024: Behaviour = Behaviour { dh: Dh { prime: Prime::Known(1024), fresh: true }, ..SOUND };
const DH_1024_OWN: Behaviour = Behaviour { dh: Dh { prime: Prime::Own(1024), fresh: true }, ..SOUND };
const DH_768: Behaviour = Behaviour { dh: Dh { prime: Prime::Known(768), fresh: true }, ..SOUND };
const DH_512: Behaviour = Behaviour { dh: Dh { prime: Prime::Own(512), fresh: true }, ..SOUND };
const DH_2048_OWN: Behaviour = Behaviour { dh: Dh { prime: Prime::Own(2048), fresh: true }, ..SOUND };
const DH_REUSED: Behaviour = Behaviour { dh: Dh { prime: Prime::Known(2048), fresh: false }, ..SOUND };
const CBC: Behaviour = Behaviour { suites: &[0xc030, 0xc02f, 0xc027, 0xc014, 0x0039, 0x0035], ..SOUND };
const CBC_BARE: Behaviour = Behaviour { encrypt_then_mac: false, ..CBC };
const STATIC_RSA: Behaviour = Behaviour { suites: &[0x009d, 0x009c], ..SOUND };
const CLIENT_ORDER: Behaviour = Behaviour { order: Order::Client, ..SOUND };
/// sect163k1, sect193r1, secp160r1 and secp192r1 last.
const WEAK_GROUPS: Behaviour =
    Behaviour { groups: &[0x001d, 0x0017, 0x0013, 0x0010, 0x0004, 0x0001], ..SOUND };
const UNOFFERED_SUITE: Behaviour = Behaviour { unoffered: Unoffered::Suite, ..SOUND };
const UNOFFERED_GROUP: Behaviour =
    Behaviour { unoffered: Unoffered::Group, groups: &[0x0018, 0x0017], ..SOUND };
const FIRST_64: Behaviour = Behaviour { limit: Limit::Unseen(64), ..RC4 };
const AT_MOST_128: Behaviour = Behaviour { limit: Limit::Closes(128), ..RC4 };

pub(super) fn list() -> Vec<Domain> {
    let mut list = weak_suites();
    list.extend(key_exchange());
    list.extend(odd_choices());
    list
}

fn weak_suites() -> Vec<Domain> {
    vec![
        by_hand("rc4", "RC4 after sound suites", &RC4, AuditExpect::found(&["tls.rc4"])),
        by_hand("3des", "Triple DES after sound suites", &TRIPLE_DES, SWEET32),
        by_hand("null-suites", "Suites without encryption", &NULL, AuditExpect::found(&["tls.null"])),
        by_hand(
            "anonymous",
            "Suites without a certificate",
            &ANONYMOUS,
            AuditExpect::found(&["tls.anonymous"]).may(&[
                "tls.alpaca",
                "tls.post_quantum",
                "tls.rc4",
                "certificate.without_sni",
            ]),
        ),
        by_hand(
            "export",
            "RSA_EXPORT with a key of 512 bits",
            &EXPORT,
            AuditExpect::found(&["tls.export", "tls.freak"])
                .may(&[
                    "tls.alpaca",
                    "tls.post_quantum",
                    "tls.rc4",
                    "tls.sweet32",
                    "tls.lucky13",
                    "tls.encrypt_then_mac",
                ])
                .and_clear(&["tls.logjam", "tls.anonymous"]),
        ),
        by_hand(
            "dhe-export",
            "DHE_EXPORT with a prime of 512 bits",
            &DHE_EXPORT,
            AuditExpect::found(&["tls.export", "tls.logjam"])
                .may(&[
                    "tls.alpaca",
                    "tls.post_quantum",
                    "tls.dh_small",
                    "tls.sweet32",
                    "tls.lucky13",
                    "tls.encrypt_then_mac",
                ])
                .and_clear(&["tls.freak"]),
        ),
        by_hand(
            "cbc",
            "CBC suites with encrypt-then-MAC",
            &CBC,
            AuditExpect::clear(&["tls.lucky13", "tls.encrypt_then_mac", "tls.beast", "tls.poodle"]),
        ),
        by_hand(
            "cbc-bare",
            "CBC suites without encrypt-then-MAC",
            &CBC_BARE,
            AuditExpect::found(&["tls.lucky13", "tls.encrypt_then_mac"]),
        ),
    ]
}

/// Block ciphers of 64 bits. One that was never made for encrypt-then-MAC may lack it.
const SWEET32: AuditExpect = AuditExpect::found(&["tls.sweet32"]);

fn key_exchange() -> Vec<Domain> {
    const SMALL: AuditExpect = AuditExpect::found(&["tls.dh_small", "tls.logjam"]);
    vec![
        by_hand("dh-512", "A prime of 512 bits that nobody knows", &DH_512, SMALL),
        by_hand("dh-768", "A published prime of 768 bits", &DH_768, SMALL),
        by_hand("dh-1024", "A published prime of 1024 bits", &DH_1024, SMALL),
        by_hand("dh-1024-own", "A prime of 1024 bits that nobody knows", &DH_1024_OWN, SMALL),
        by_hand(
            "dh-2048-own",
            "A prime of 2048 bits that nobody knows",
            &DH_2048_OWN,
            AuditExpect::clear(&["tls.dh_small", "tls.logjam", "tls.raccoon"]),
        ),
        by_hand(
            "dh-reused",
            "The same Diffie-Hellman value in every handshake",
            &DH_REUSED,
            AuditExpect::found(&["tls.raccoon"]),
        ),
        by_hand(
            "static-rsa",
            "RSA key exchange and nothing else",
            &STATIC_RSA,
            AuditExpect::found(&["tls.forward_secrecy"]).and_clear(&[
                "tls.robot",
                "tls.dh_small",
                "tls.raccoon",
                "tls.logjam",
            ]),
        ),
        by_hand(
            "weak-groups",
            "Curves of 160 to 193 bits after sound ones",
            &WEAK_GROUPS,
            AuditExpect::found(&["tls.weak_groups"]),
        ),
    ]
}

/// Servers whose choices are not those of a sound one, though not weak by themselves.
fn odd_choices() -> Vec<Domain> {
    let any = AuditExpect::clear(&[]);
    vec![
        by_hand(
            "client-order",
            "The client's order of suites decides",
            &CLIENT_ORDER,
            AuditExpect::found(&["tls.suite_order"]),
        ),
        by_hand("unoffered-suite", "A suite is chosen that was not offered", &UNOFFERED_SUITE, any),
        by_hand("unoffered-group", "A group is chosen that was not offered", &UNOFFERED_GROUP, any),
        by_hand(
            "first-64",
            "Suites after the first 64 of a hello are not seen",
            &FIRST_64,
            AuditExpect::found(&["tls.rc4"]),
        ),
        by_hand(
            "at-most-128",
            "Hellos with more than 128 suites end the connection",
            &AT_MOST_128,
            AuditExpect::found(&["tls.rc4"]),
        ),
    ]
}
