//! TLS: which versions, suites and safeguards does the server use?

use waxseal_model::{
    Cause, Observed, Why,
    tls::{ClassFact, SuiteClass, TlsVersion},
};

use crate::{
    case::{Case, known_if_applicable},
    state, suites,
};

pub mod alpaca;
pub mod anonymous;
pub mod beast;
pub mod cbc;
pub mod ccs_injection;
pub mod client_certificate;
pub mod client_renegotiation;
pub mod crime;
pub mod des;
pub mod dh_small;
pub mod dhe;
pub mod downgrade_sentinel;
pub mod drown;
pub mod early_data;
pub mod encrypt_then_mac;
pub mod export;
pub mod extended_master_secret;
pub mod fallback_scsv;
pub mod forward_secrecy;
pub mod freak;
pub mod handshake;
pub mod heartbleed;
pub mod hello_limit;
pub mod insecure_renegotiation;
pub mod intolerance;
pub mod logjam;
pub mod lucky13;
pub mod null;
pub mod opossum;
pub mod outdated;
pub mod poodle;
pub mod post_quantum;
pub mod raccoon;
pub mod rc2;
pub mod rc4;
pub mod robot;
pub mod rsa_key_exchange;
pub mod seed;
pub mod session_resumption;
pub mod signature_algorithms;
pub mod sni_required;
pub mod sslv2;
pub mod sslv3;
pub mod suite_list;
pub mod suite_order;
pub mod sweet32;
pub mod ticket_lifetime;
pub mod ticketbleed;
pub mod tls10;
pub mod tls11;
pub mod tls13;
pub mod weak_groups;

/// Ok unless every handshake is refused: a server with which TLS does not come about at all
/// lacks more than the newest version or group.
fn some_version(case: &Case) -> Result<(), Why> {
    match state::protection(case.endpoint()?) {
        state::Protection::Broken(_) => Err(Why::new(Cause::Prerequisite, state::NO_HANDSHAKE)),
        _ => Ok(()),
    }
}

/// The fact, or `None` where the question makes no sense for certain: because TLS 1.2 is
/// accepted and leaves nothing to ask, or because everything before TLS 1.3 is known to be
/// refused. What may be accepted and was not answered leaves the question open.
fn known_before_tls13<'a, T>(case: &Case, observed: &'a Observed<T>) -> Result<Option<&'a T>, Why> {
    let fact = known_if_applicable(observed)?;
    let tls = case.tls()?;
    if fact.is_none() && state::accepts(tls, TlsVersion::Tls12) != Ok(true) {
        for version in [TlsVersion::Tls12, TlsVersion::Tls11, TlsVersion::Tls10] {
            state::accepts(tls, version)?;
        }
    }
    Ok(fact)
}

/// What is known of a class of suites; none if the server refuses it.
fn accepted(case: &Case, class: SuiteClass) -> Result<Option<ClassFact>, Why> {
    suites::class(case.tls()?, class)
}

/// The suites that prove it, `TLS_RSA_WITH_RC4_128_SHA in TLS 1.0`.
fn proof(fact: &ClassFact) -> String {
    if fact.examples.is_empty() {
        "A suite of this class was chosen".to_owned()
    } else {
        format!("It chose {}", suites::named(&fact.examples))
    }
}
