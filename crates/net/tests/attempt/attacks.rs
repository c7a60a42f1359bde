//! Attacks that a sound OpenSSL withstands, each with its reason.

use std::{net::Ipv4Addr, process::Stdio};

use tokio::{
    net::TcpStream,
    process::{Child, Command},
};
use waxseal_model::{
    audit::{CcsInjection, Heartbleed},
    tls::TlsVersion::{self, *},
};
use waxseal_net::attempt::{
    Then, exchange_then,
    heartbleed::{Outcome, Speaks, When, heartbleed},
};
use waxseal_peers::TlsServer;
use waxseal_wire::tls::{
    hello::{HelloSpec, client_hello},
    private::{
        Client, Reply,
        early_ccs::{Meaning, Question, meaning},
        robot::{Block, Conclusion, Flow, conclude},
    },
};

use crate::{MAX_BYTES, connect, seed, server, soon, spec};

async fn attack(server: &TlsServer, spec: &HelloSpec, then: Then) -> Option<Reply> {
    let spec = HelloSpec { random: seed(), ..spec.clone() };
    let hello = client_hello(&spec);
    exchange_then(connect(server).await, &hello, &spec, soon(), MAX_BYTES, then).await.1
}

fn with_rsa(version: TlsVersion, suite: u16) -> HelloSpec {
    HelloSpec { suites: vec![suite], ..spec(version) }
}

#[tokio::test]
async fn rsa_with_wrong_padding_is_answered_alike() {
    for arguments in [&["-rev"][..], &["-rev", "-verify", "1"]] {
        let Some(server) = server(arguments) else { return };
        for spec in [with_rsa(Tls12, 0x009d), with_rsa(Tls12, 0x003c), with_rsa(Tls10, 0x002f)] {
            for flow in [Flow::WithFinished, Flow::KeyExchangeAlone] {
                let mut answers = Vec::new();
                for block in Block::ALL {
                    let then = Then::Robot { block, flow, seed: seed() };
                    answers.push((block, attack(&server, &spec, then).await.unwrap()));
                }
                assert_eq!(conclude(&answers), Conclusion::Alike, "{answers:?}");
                assert!(matches!(answers[0].1, Reply::Alert { level: 2, .. }), "{answers:?}");
            }
        }
    }
}

#[tokio::test]
async fn only_a_flight_that_fits_is_attacked() {
    let Some(server) = server(&["-rev"]) else { return };
    let robot = Then::Robot { block: Block::Valid, flow: Flow::WithFinished, seed: seed() };
    assert_eq!(attack(&server, &with_rsa(Tls12, 0xc02f), robot).await, None, "no RSA key exchange");
    assert_eq!(attack(&server, &spec(Tls13), Then::EarlyCcs(Question::Both)).await, None, "TLS 1.3");
    assert_eq!(attack(&server, &with_rsa(Tls12, 0x0005), robot).await, None, "refused");
    assert_eq!(attack(&server, &spec(Tls12), Then::Leave).await, None);
}

#[tokio::test]
async fn an_early_change_cipher_spec_is_refused() {
    let Some(server) = server(&["-rev"]) else { return };
    for version in [Tls10, Tls11, Tls12] {
        let reply = attack(&server, &spec(version), Then::EarlyCcs(Question::Both)).await.unwrap();
        let refused = CcsInjection::Refused { alert: Some(10) };
        assert_eq!(meaning(Question::Both, reply), Meaning::Known(refused));
        let reply = attack(&server, &spec(version), Then::EarlyCcs(Question::RecordAlone)).await.unwrap();
        assert_eq!(meaning(Question::RecordAlone, reply), Meaning::Confirmed);
    }
}

#[tokio::test]
async fn heartbeats_are_no_longer_offered() {
    let Some(server) = server(&["-rev"]) else { return };
    let client = Client::new(spec(Tls12), seed());
    let stream = connect(&server).await;
    let found = heartbleed(stream, client, When::InHandshake, Speaks::WhenAsked, soon(), MAX_BYTES).await;
    assert_eq!(found, Ok(Outcome::Known(Heartbleed::NoHeartbeat)));
}

#[tokio::test]
async fn gnutls_refuses_heartbeats_in_a_handshake_and_answers_sound_ones_in_a_session() {
    let Some(server) = server(&["-rev"]) else { return };
    let Some((port, mut gnutls)) = gnutls(&server) else { return };
    let ask = |when| async move {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let client = Client::new(spec(Tls12), seed());
        heartbleed(stream, client, when, Speaks::WhenAsked, soon(), MAX_BYTES).await
    };
    let found = [ask(When::InHandshake).await, ask(When::InSession).await];
    gnutls.kill().await.unwrap();
    assert_eq!(found, [Ok(Outcome::RefusedInHandshake), Ok(Outcome::Known(Heartbleed::Discarded))]);
}

/// GnuTLS's server with heartbeats, and the certificate of another.
fn gnutls(server: &TlsServer) -> Option<(u16, Child)> {
    let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut child = Command::new("gnutls-serv")
        .args(["--heartbeat", "--echo", "--quiet", "--disable-client-cert", "--port", &port.to_string()])
        .arg("--x509certfile")
        .arg(&server.certificate().certificate)
        .arg("--x509keyfile")
        .arg(&server.certificate().key)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .inspect_err(|_| eprintln!("SKIPPED: gnutls-serv is not installed; this test has tested nothing"))
        .ok()?;
    for _ in 0..400 {
        if std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some((port, child));
        }
        assert!(child.try_wait().unwrap().is_none(), "gnutls-serv ended at once");
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("gnutls-serv does not listen")
}
