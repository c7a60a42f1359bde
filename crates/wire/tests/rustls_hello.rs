//! Hellos put to rustls in memory: a server that needs no installed program, and that
//! knows post-quantum groups.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use rustls::{
    ServerConfig, ServerConnection,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
    pki_types::PrivatePkcs8KeyDer,
};
use waxseal_model::tls::TlsVersion;
use waxseal_wire::tls::{
    flight::{self, Answer, KeyExchange},
    groups,
    hello::{HelloSpec, KeyShare, chosen_was_offered, client_hello},
    scheme, suites,
};

/// A server with these groups, all suites of rustls, and a certificate for one name.
fn server(kx_groups: Vec<&'static dyn SupportedKxGroup>) -> (ServerConnection, Vec<u8>) {
    let identity = rcgen::generate_simple_self_signed(vec!["mx.example.com".to_owned()]).unwrap();
    let certificate = identity.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
    let provider = CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() };
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    (ServerConnection::new(Arc::new(config)).unwrap(), certificate.to_vec())
}

fn ask(server: &mut ServerConnection, spec: &HelloSpec) -> Answer {
    let hello = client_hello(spec);
    let mut rest = hello.as_slice();
    while !rest.is_empty() {
        server.read_tls(&mut rest).unwrap();
        // A refusal is an answer too: the alert is written below.
        let _ = server.process_new_packets();
    }
    let mut written = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut written).unwrap();
    }
    let answer = flight::read(&written);
    assert_eq!(chosen_was_offered(spec, &answer), Ok(()));
    answer
}

fn spec(version: TlsVersion, groups: Vec<u16>) -> HelloSpec {
    HelloSpec {
        max_version: version,
        min_version: TlsVersion::Tls12,
        suites: suites::for_version(version),
        groups,
        signature_schemes: scheme::usual(),
        server_name: Some("mx.example.com".to_owned()),
        extended_master_secret: true,
        renegotiation_info: true,
        key_share: KeyShare::Empty,
        random: [0x5a; 32],
        session_id: vec![0xa5; 32],
        ..HelloSpec::default()
    }
}

#[test]
fn every_group_is_named_without_a_key_share() {
    for kx in aws_lc_rs::ALL_KX_GROUPS.iter().copied() {
        let group = u16::from(kx.name());
        let (mut server, _) = server(vec![kx]);
        let answer = ask(&mut server, &spec(TlsVersion::Tls13, groups::for_tls13()));
        let expected = matches!(&answer, Answer::HelloRetry { group: Some(g), .. } if *g == group);
        assert!(expected, "{}: {answer:?}", groups::named(group).name);
    }
}

#[test]
fn post_quantum_groups_alone_are_enough_for_a_question() {
    let hybrids =
        groups::all().iter().map(|g| g.code).filter(|code| groups::is_post_quantum(*code)).collect();
    let (mut modern, _) = server(vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::X25519MLKEM768]);
    let answer = ask(&mut modern, &spec(TlsVersion::Tls13, hybrids));
    let expected = Answer::HelloRetry {
        version: TlsVersion::Tls13,
        suite: 0x1302,
        group: Some(groups::X25519MLKEM768),
        cookie: None,
    };
    assert_eq!(answer, expected);
    let (mut classic, _) = server(vec![aws_lc_rs::kx_group::X25519]);
    let answer = ask(&mut classic, &spec(TlsVersion::Tls13, vec![groups::X25519MLKEM768]));
    assert_eq!(answer, Answer::Alert { level: 2, description: 40 });
}

#[test]
fn the_flight_of_tls12_is_read_whole() {
    let (mut server, certificate) = server(vec![aws_lc_rs::kx_group::SECP256R1]);
    let answer = ask(&mut server, &spec(TlsVersion::Tls12, vec![groups::SECP256R1, groups::X25519]));
    let Answer::Hello(flight) = answer else { panic!("{answer:?}") };
    assert_eq!((flight.version, flight.done), (TlsVersion::Tls12, true));
    assert!(flight.extended_master_secret);
    assert_eq!(flight.certificates, Some(vec![certificate]));
    let Some(KeyExchange::Ecdhe { group, public, scheme }) = flight.key_exchange.clone() else {
        panic!("{flight:?}")
    };
    assert_eq!((group, public.len(), scheme), (groups::SECP256R1, 65, Some(0x0403)));
    assert_eq!(flight.downgrade_sentinel(), Some(TlsVersion::Tls12));
    assert!(suites::is_ephemeral(u32::from(flight.suite)));
}

#[test]
fn a_version_that_the_server_lacks_is_refused() {
    let (mut server, _) = server(vec![aws_lc_rs::kx_group::X25519]);
    let old = HelloSpec { min_version: TlsVersion::Tls10, ..spec(TlsVersion::Tls11, vec![groups::X25519]) };
    let answer = ask(&mut server, &old);
    // handshake_failure: it misses signature_algorithms before it looks at the version.
    assert_eq!(answer, Answer::Alert { level: 2, description: 40 });
}
