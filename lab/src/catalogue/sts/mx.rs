//! Policies in order, and MX hosts that do not keep to them (RFC 8461 section 4.2).

use super::{Domain, Expect, Host, Sts, enforce, expect, own, server, text};
use crate::{
    pki::{Chain, Dates, Keys, Leaf, Naming},
    servers::{
        Service,
        smtp::{Smtp, StartTls},
        tls::{Kind, Tls},
    },
};

pub(super) fn list() -> Vec<Domain> {
    let leaf = Leaf::default();
    let with = |label, summary, found, leaf| enforced(label, summary, undeliverable(found), smtp(leaf));
    let clear = Smtp { starttls: StartTls::Absent, ..Smtp::default() };
    let old = Tls { leaf: Leaf { keys: Keys::Rsa, ..leaf }, kind: Kind::ONLY10, ..Tls::default() };
    vec![
        with(
            "sts-self-signed-mx",
            "Mode enforce, and the MX signed its certificate itself",
            &["certificate.self_signed", "sts.mx_tls"],
            Leaf { chain: Chain::SelfSigned, ..leaf },
        ),
        with(
            "sts-expired-mx",
            "Mode enforce, and the MX's certificate has expired",
            &["certificate.expired", "sts.mx_tls"],
            Leaf { dates: Dates::Expired, ..leaf },
        ),
        with(
            "sts-wrong-name-mx",
            "Mode enforce, and the MX's certificate names another host",
            &["certificate.name_mismatch", "sts.mx_tls"],
            Leaf { naming: Naming::Other("www.elsewhere.test"), ..leaf },
        ),
        enforced(
            "sts-cn-only-mx",
            "Mode enforce, and the MX's certificate bears a common name only",
            Expect { may: &["certificate.name_mismatch"], ..expect(&["X"], &["sts.mx_tls"]) },
            smtp(Leaf { naming: Naming::CommonName, ..leaf }),
        ),
        with(
            "sts-incomplete-mx",
            "Mode enforce, and the MX sends no intermediate certificate",
            &["certificate.missing_intermediate", "sts.mx_tls"],
            Leaf { chain: Chain::LeafOnly, ..leaf },
        ),
        enforced(
            "sts-plaintext-mx",
            "Mode enforce, and the MX does not offer STARTTLS",
            expect(&["F", "X"], &["smtp.starttls_missing"]),
            clear,
        ),
        enforced(
            "sts-tls10-mx",
            "Mode enforce, and the MX knows TLS 1.0 only",
            Expect { may: &["tls.tls10", "tls.rsa_key_exchange"], ..expect(&["E", "X"], &["tls.outdated"]) },
            Smtp { tls: old, ..Smtp::default() },
        ),
        testing_broken(),
        one_broken(),
    ]
}

fn smtp(leaf: Leaf) -> Smtp {
    Smtp { tls: Tls { leaf, ..Tls::default() }, ..Smtp::default() }
}

/// No sender that keeps to MTA-STS can deliver.
const fn undeliverable(found: &'static [&'static str]) -> Expect {
    expect(&["X"], found)
}

fn enforced(label: &'static str, summary: &'static str, expect: Expect, smtp: Smtp) -> Domain {
    Domain::with_mx(label, summary, expect, smtp).sts(enforce(label))
}

fn testing_broken() -> Domain {
    let label = "sts-testing-broken";
    let expired = Leaf { dates: Dates::Expired, ..Leaf::default() };
    Domain::with_mx(
        label,
        "Mode testing, and the MX's certificate has expired",
        expect(&["D"], &["certificate.expired", "sts.mode"]),
        smtp(expired),
    )
    .sts(Sts::new(text("testing", &[&own(label)])))
}

fn one_broken() -> Domain {
    let expired = Leaf { dates: Dates::Expired, ..Leaf::default() };
    Domain::new(
        "sts-one-broken-mx",
        "Mode enforce, and the second MX's certificate has expired",
        expect(&["B", "D"], &["certificate.expired", "sts.mx_tls"]),
    )
    .sts(Sts::new(text("enforce", &["*.sts-one-broken-mx.lab.test"])))
    .mx(&["@ MX 10 mx1", "@ MX 20 mx2"])
    .host(server("mx1"))
    .host(Host::new("mx2", vec![(25, Service::Smtp(smtp(expired)))]))
}
