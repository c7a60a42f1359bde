//! TLS old, narrow or broken.

use super::{Domain, Expect};
use crate::{
    pki::{Chain, Keys, Leaf},
    servers::{
        smtp::Smtp,
        tls::{Kind, Tls},
    },
};

pub(super) fn list() -> Vec<Domain> {
    let sound = Expect { letters: &["C"], found: &[], may: &[] };
    let broken = Expect { letters: &["F"], found: &["tls.handshake"], may: &["smtp.back_off"] };
    vec![
        tls10(),
        shown("tls12-only", "TLS 1.2 and nothing else", sound, Kind::Only12),
        shown("tls13-only", "TLS 1.3 and nothing else", sound, Kind::Only13),
        shown(
            "client-certificate",
            "The server asks for a client certificate, without insisting",
            sound,
            Kind::AsksForClientCertificate,
        ),
        shown("tls-alert", "Every handshake ends with the alert internal_error", broken, Kind::AlwaysAlert),
        shown(
            "tls-reset",
            "Every handshake ends with a TCP reset",
            // A reset may come from the path as well, so there is no grade.
            Expect { letters: &["-"], ..broken },
            Kind::AlwaysReset,
        ),
        huge_certificate(),
    ]
}

fn shown(label: &'static str, summary: &'static str, expect: Expect, kind: Kind) -> Domain {
    Domain::with_mx(label, summary, expect, Smtp { tls: Tls { kind, ..Tls::default() }, ..Smtp::default() })
}

fn tls10() -> Domain {
    let leaf = Leaf { keys: Keys::Rsa, ..Leaf::default() };
    Domain::with_mx(
        "tls10-only",
        "TLS 1.0 and nothing newer",
        Expect { letters: &["E"], found: &["tls.outdated"], may: &["tls.tls10", "tls.rsa_key_exchange"] },
        Smtp { tls: Tls { leaf, kind: Kind::ONLY10, ..Tls::default() }, ..Smtp::default() },
    )
    .demo()
}

fn huge_certificate() -> Domain {
    let leaf = Leaf { chain: Chain::Huge, ..Leaf::default() };
    Domain::with_mx(
        "huge-certificate",
        "The certificate has more than a million bytes",
        Expect { letters: &["F", "-"], found: &[], may: &["tls.handshake"] },
        Smtp { tls: Tls { leaf, ..Tls::default() }, ..Smtp::default() },
    )
}
