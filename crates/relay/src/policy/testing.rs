//! What several tests start from.

use waxseal_judge::delivery::PolicyFacts;

use crate::route::Hop;

/// A host of `partner.example` about which nothing is known.
pub(crate) fn hop(name: &str) -> Hop {
    Hop {
        name: name.to_owned(),
        preference: 10,
        port: 25,
        addresses: vec![std::net::Ipv4Addr::LOCALHOST.into()],
        trouble: None,
        facts: PolicyFacts::PLAIN,
        tlsa: Vec::new(),
        dane_names: vec![name.to_owned()],
        operator_names: vec!["partner.example".to_owned(), ".partner.example".to_owned()],
        fingerprints: Vec::new(),
        rule: "your rule \"partner.example\"".into(),
        honours_tls_required_no: true,
    }
}
