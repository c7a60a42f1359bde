//! Several policies at once: together as they should be, or in each other's way.

use super::{Domain, Expect, Host, Sts, expect::expect, identity, sts};
use crate::{
    pki::{Keys, Leaf},
    servers::{Service, smtp::Smtp, tls::Tls},
    tlsa::{Of, Tlsa},
};

pub(super) fn list() -> Vec<Domain> {
    let conflict = expect(&["X"], &["sts.mx"]);
    let mismatch = expect(&["X"], &["dane.mismatch"]);
    vec![
        both(
            "sts-dane-conflict",
            "DANE is sound, but the MTA-STS policy leaves the MX out",
            conflict,
            sts::text("enforce", &["mail.elsewhere.test"]),
            &[Tlsa::usual()],
        )
        .demo(),
        both(
            "sts-and-dane-mismatch",
            "MTA-STS is sound, but the TLSA record is that of another key",
            mismatch,
            enforce("sts-and-dane-mismatch"),
            &[Tlsa::new(3, 1, 1, Of::OtherKey(0))],
        ),
        both(
            "sts-and-dane",
            "DANE and MTA-STS, but nobody asks for TLS reports",
            expect(&["A"], &["tlsrpt.record"]),
            enforce("sts-and-dane"),
            &[Tlsa::usual()],
        ),
        both(
            "sts-testing-and-dane",
            "DANE is sound, the MTA-STS policy is in mode testing",
            expect(&["A"], &["sts.mode"]),
            sts::text("testing", &["mx.sts-testing-and-dane.lab.test"]),
            &[Tlsa::usual()],
        ),
        both(
            "sts-and-dane-unusable",
            "MTA-STS is sound, the TLSA record is one that SMTP does not use",
            expect(&["A"], &["dane.unusable"]),
            enforce("sts-and-dane-unusable"),
            &[Tlsa::new(1, 1, 1, Of::Leaf)],
        ),
        sts_beside_half_of_dane(),
    ]
}

/// Sound TLS with both kinds of key.
fn mx(label: &'static str, tlsa: &[Tlsa]) -> Host {
    let leaf = Leaf { keys: Keys::Both, ..Leaf::default() };
    let smtp = Smtp { tls: Tls { leaf, ..Tls::default() }, ..Smtp::default() };
    Host::new(label, vec![(25, Service::Smtp(smtp))]).tlsa(tlsa)
}

fn enforce(label: &str) -> String {
    sts::text("enforce", &[&format!("mx.{label}.lab.test")])
}

fn both(label: &'static str, summary: &'static str, expect: Expect, text: String, tlsa: &[Tlsa]) -> Domain {
    Domain::new(label, summary, expect).sts(Sts::new(text)).host(mx("mx", tlsa))
}

/// The one with nothing wrong.
pub(super) fn healthy() -> Domain {
    both(
        "healthy",
        "Everything as it should be: TLS 1.3, DANE, MTA-STS, TLS reports",
        expect(&["A+"], &[]),
        enforce("healthy"),
        &[Tlsa::usual()],
    )
    .demo()
    .record("_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls-reports@healthy.lab.test\"")
    .record("@ TXT \"v=spf1 mx -all\"")
    .record(format!("default._domainkey TXT {}", identity::sound_dkim()))
    .record("_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@healthy.lab.test\"")
    .record("@ CAA 0 issue \"ca.lab.test\"")
}

fn sts_beside_half_of_dane() -> Domain {
    let text = sts::text("enforce", &["mx1.sts-and-half-dane.lab.test", "mx2.sts-and-half-dane.lab.test"]);
    Domain::new(
        "sts-and-half-dane",
        "MTA-STS covers both MX, only the first has DANE",
        expect(&["A"], &["dane.coverage"]),
    )
    .sts(Sts::new(text))
    .mx(&["@ MX 10 mx1", "@ MX 20 mx2"])
    .host(mx("mx1", &[Tlsa::usual()]))
    .host(mx("mx2", &[]))
}
