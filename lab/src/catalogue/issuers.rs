//! What issuers say about certificates, and what is stapled.

use super::{Domain, Expect, Host, expect::unprotected};
use crate::{
    pki::{Leaf, status::Says},
    servers::{Service, issuer::Issuer, smtp::Smtp, tls::Tls},
};

pub(super) fn list() -> Vec<Domain> {
    vec![
        asked("issuer-good", "The issuer says that the certificate is good", Says::Good),
        asked("issuer-revoked", "The issuer has revoked the certificate", Says::Revoked),
        asked("issuer-expired", "What the issuer says is out of date", Says::Expired),
        asked("issuer-forged", "Somebody else speaks for the issuer", Says::Forged),
        asked("issuer-unauthorized", "The responder refuses, the list is sound", Says::Unauthorized),
        stapled("staple-good", "A good OCSP response is stapled", unprotected(&[]), Some(Says::Good)),
        stapled(
            "staple-expired",
            "The stapled OCSP response is out of date",
            unprotected(&["certificate.ocsp_staple"]),
            Some(Says::Expired),
        ),
        stapled(
            "staple-forged",
            "The stapled OCSP response is signed by somebody else",
            unprotected(&["certificate.ocsp_staple"]),
            Some(Says::Forged),
        ),
        stapled(
            "must-staple",
            "The certificate demands stapling, and nothing is stapled",
            unprotected(&["certificate.must_staple"]),
            None,
        ),
    ]
}

/// A server whose issuer is asked at the host `issuer`. Without being asked, nothing is found.
fn asked(label: &'static str, summary: &'static str, says: Says) -> Domain {
    let leaf = Leaf { issuer_is_named: true, ..Leaf::default() };
    let smtp = Smtp { tls: Tls { leaf, ..Tls::default() }, ..Smtp::default() };
    Domain::with_mx(label, summary, unprotected(&[]), smtp)
        .host(Host::new("issuer", vec![(80, Service::Issuer(Issuer { says, about: "mx" }))]))
}

/// A server with a certificate that demands stapling.
fn stapled(label: &'static str, summary: &'static str, expect: Expect, staple: Option<Says>) -> Domain {
    let leaf = Leaf { must_staple: true, staple, ..Leaf::default() };
    Domain::with_mx(label, summary, expect, Smtp { tls: Tls { leaf, ..Tls::default() }, ..Smtp::default() })
}
