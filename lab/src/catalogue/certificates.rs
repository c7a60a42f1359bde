//! Certificates good and bad.

use super::{
    Domain, Expect,
    expect::{expect, unprotected},
};
use crate::{
    pki::{Chain, Dates, Keys, Leaf, Naming, Version},
    servers::{smtp::Smtp, tls::Tls},
};

pub(super) fn list() -> Vec<Domain> {
    [unusable_ones(), doubtful_ones(), sound_ones()].concat()
}

fn unusable_ones() -> Vec<Domain> {
    let sound = Leaf::default();
    vec![
        shown(
            "self-signed",
            "The certificate is signed with its own key",
            unusable(&["certificate.self_signed"]),
            Leaf { chain: Chain::SelfSigned, ..sound },
        )
        .demo(),
        shown(
            "expired",
            "The certificate ended 30 days ago",
            unusable(&["certificate.expired"]),
            Leaf { dates: Dates::Expired, ..sound },
        )
        .demo(),
        shown(
            "wrong-name",
            "The certificate names another host",
            unusable(&["certificate.name_mismatch"]),
            Leaf { naming: Naming::Other("www.elsewhere.test"), ..sound },
        )
        .demo(),
        shown(
            "missing-intermediate",
            "The server sends its certificate without the intermediate",
            unusable(&["certificate.missing_intermediate"]),
            Leaf { chain: Chain::LeafOnly, ..sound },
        )
        .demo(),
        shown(
            "not-yet-valid",
            "The certificate begins in 30 days",
            unusable(&["certificate.not_yet_valid"]),
            Leaf { dates: Dates::NotYet, ..sound },
        ),
    ]
}

fn doubtful_ones() -> Vec<Domain> {
    let sound = Leaf::default();
    vec![
        shown(
            "expires-soon",
            "The certificate ends in 10 days",
            unprotected(&["certificate.expires_soon"]),
            Leaf { dates: Dates::Near, ..sound },
        ),
        shown(
            "chain-order",
            "The root is sent too, and before the intermediate",
            unprotected(&["certificate.chain_order"]),
            Leaf { chain: Chain::OutOfOrder, ..sound },
        ),
        shown(
            "weak-key",
            "The certificate has an RSA key of 1024 bits",
            Expect { letters: &["C", "D"], found: &["certificate.weak_key"], may: &[] },
            Leaf { keys: Keys::WeakRsa, ..sound },
        ),
        shown(
            "x509-v1",
            "The certificate is X.509 version 1: no alternative names, no extensions",
            Expect {
                letters: &["C", "D"],
                found: &["certificate.x509_v1"],
                may: &["certificate.name_mismatch", "certificate.untrusted"],
            },
            Leaf { version: Version::V1, keys: Keys::Rsa, ..sound },
        ),
    ]
}

fn sound_ones() -> Vec<Domain> {
    let sound = Leaf::default();
    vec![
        shown("ecdsa", "An ECDSA certificate only", unprotected(&[]), Leaf { keys: Keys::Ecdsa, ..sound }),
        shown("rsa", "An RSA certificate only", unprotected(&[]), Leaf { keys: Keys::Rsa, ..sound }),
        shown(
            "rsa-ecdsa",
            "An RSA and an ECDSA certificate",
            unprotected(&[]),
            Leaf { keys: Keys::Both, ..sound },
        ),
        shown(
            "wildcard",
            "The certificate is for all hosts of the domain",
            unprotected(&[]),
            Leaf { naming: Naming::Wildcard, ..sound },
        ),
    ]
}

fn shown(label: &'static str, summary: &'static str, expect: Expect, leaf: Leaf) -> Domain {
    Domain::with_mx(label, summary, expect, Smtp { tls: Tls { leaf, ..Tls::default() }, ..Smtp::default() })
}

const fn unusable(found: &'static [&'static str]) -> Expect {
    expect(&["D"], found)
}
