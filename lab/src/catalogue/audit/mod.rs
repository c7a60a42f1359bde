//! Servers for `waxseal audit`: for each check one that has the flaw, one that is sound, and
//! one of which nobody can tell, because it breaks down. They are no part of the
//! demonstration, and are started on demand.
//!
//! A case is a domain with one host, `mx`, that differs from a sound one in one respect. Most
//! are made by hand ([`crate::handmade`]); what is wrong is a [`Behaviour`] beside its
//! domain.

mod attacks;
mod broken;
mod expect;
mod modern;
mod names;
mod sessions;
mod siblings;
mod starttls;
mod suites;
mod tolerance;
mod versions;

#[cfg(test)]
mod tests;

pub use expect::{AuditExpect, AuditVerdict};

use super::{Domain, Expect, Host};
use crate::{
    handmade::behaviour::Behaviour,
    pki::{Keys, Leaf},
    servers::{
        Service,
        breakdown::Breakdown,
        smtp::Smtp,
        tls::{Kind, Modern, Tls},
    },
};

/// All cases.
pub(crate) fn list() -> Vec<Domain> {
    let themes = [
        modern::list(),
        versions::list(),
        suites::list(),
        attacks::list(),
        sessions::list(),
        names::list(),
        tolerance::list(),
        starttls::list(),
        siblings::list(),
        broken::list(),
    ];
    themes.into_iter().flatten().collect()
}

/// A certificate for a server by hand.
const RSA: Leaf = Leaf { keys: Keys::Rsa, ..Leaf::SOUND };

/// TLS by hand.
fn tls(behaviour: &'static Behaviour) -> Tls {
    Tls { leaf: RSA, kind: Kind::Handmade(behaviour), ..Tls::default() }
}

/// A mail server with this TLS.
fn smtp(tls: Tls) -> Smtp {
    Smtp { tls, ..Smtp::default() }
}

/// A domain with one mail server by hand.
fn by_hand(
    label: &'static str,
    summary: &'static str,
    behaviour: &'static Behaviour,
    expect: AuditExpect,
) -> Domain {
    with_smtp(label, summary, smtp(tls(behaviour)), expect)
}

/// The same, where it breaks down.
fn breaking(
    label: &'static str,
    summary: &'static str,
    behaviour: &'static Behaviour,
    breakdown: Breakdown,
    expect: AuditExpect,
) -> Domain {
    let smtp = Smtp { breakdown: Some(breakdown), ..smtp(tls(behaviour)) };
    with_smtp(label, summary, smtp, expect)
}

/// A domain with one mail server by the library.
fn by_library(label: &'static str, summary: &'static str, modern: Modern, expect: AuditExpect) -> Domain {
    with_smtp(label, summary, smtp(Tls { modern, ..Tls::default() }), expect)
}

/// A domain with this mail server.
fn with_smtp(label: &'static str, summary: &'static str, smtp: Smtp, expect: AuditExpect) -> Domain {
    with_services(label, summary, vec![(25, Service::Smtp(smtp))], expect)
}

/// A domain with one host.
fn with_services(
    label: &'static str,
    summary: &'static str,
    services: Vec<(u16, Service)>,
    expect: AuditExpect,
) -> Domain {
    let mut domain = Domain::new(label, summary, Expect::default()).host(Host::new("mx", services));
    domain.audit = expect;
    domain
}
