//! Sessions again, and handshakes within sessions.

use tokio::io::AsyncWriteExt;
use waxseal_model::{
    Cause,
    audit::Renegotiation,
    tls::TlsVersion::{self, *},
};
use waxseal_net::attempt::{
    renegotiate::{Binding, renegotiate},
    resume::{Resumed, SHORT_ID, by_id, by_ticket, resume},
};
use waxseal_peers::TlsServer;
use waxseal_wire::tls::{
    hello::HelloSpec,
    private::{Client, Established, Resumption},
};

use crate::{MAX_BYTES, connect, seed, server, soon, spec, talk, try_handshake};

async fn again(server: &TlsServer, spec: &HelloSpec, resumption: Resumption) -> Resumed {
    let client = Client::resuming(spec.clone(), resumption, seed());
    resume(connect(server).await, client, soon(), MAX_BYTES).await.unwrap()
}

fn without_tickets(version: TlsVersion) -> HelloSpec {
    HelloSpec { session_ticket: false, ..spec(version) }
}

#[tokio::test]
async fn a_session_is_resumed_by_id_and_by_ticket() {
    let Some(server) = server(&["-rev"]) else { return };
    let id = [0x3c; SHORT_ID];
    for version in [Tls10, Tls11, Tls12] {
        for suites in [vec![0x0035], vec![0xc014], spec(version).suites] {
            let wanted = HelloSpec { suites, ..spec(version) };
            let first: Established = talk(&server, &wanted).await;
            let resumed = again(&server, &wanted, by_ticket(&first, &id).unwrap()).await;
            assert!(resumed.abbreviated);
            assert_eq!(resumed.beyond(&id), Some(0));
            assert_eq!(by_id(&first), None, "with a ticket there is no id");

            let wanted = HelloSpec { session_ticket: false, ..wanted };
            let first = talk(&server, &wanted).await;
            assert!(again(&server, &wanted, by_id(&first).unwrap()).await.abbreviated);
            assert_eq!(by_ticket(&first, &id), None);
        }
    }
}

#[tokio::test]
async fn a_server_without_memory_begins_anew() {
    let Some(server) = server(&["-rev", "-no_ticket", "-no_cache"]) else { return };
    let wanted = without_tickets(Tls12);
    let first = talk(&server, &wanted).await;
    let id = vec![5; 32];
    let resumption = Resumption { master_secret: first.master_secret, session_id: id.clone(), ticket: None };
    let resumed = again(&server, &wanted, resumption).await;
    assert!(!resumed.abbreviated);
    assert_eq!(resumed.beyond(&id), None);
}

#[tokio::test]
async fn a_server_that_resumes_with_another_secret_is_found_out() {
    let Some(server) = server(&["-rev"]) else { return };
    let wanted = without_tickets(Tls12);
    let mut resumption = by_id(&talk(&server, &wanted).await).unwrap();
    resumption.master_secret[0] ^= 1;
    let client = Client::resuming(wanted, resumption, seed());
    assert!(resume(connect(&server).await, client, soon(), MAX_BYTES).await.is_err());
}

/// The answer to a second hello, in every old version.
async fn answers(server: &TlsServer, binding: Binding) -> Vec<Renegotiation> {
    let mut found = Vec::new();
    for version in [Tls10, Tls11, Tls12] {
        let wanted = HelloSpec { renegotiation_info: binding == Binding::Secure, ..spec(version) };
        let stream = try_handshake(server, &wanted).await.unwrap();
        let random = seed();
        let second = HelloSpec { random, ..wanted };
        found.push(renegotiate(stream, &second, binding, soon()).await.unwrap());
    }
    found
}

#[tokio::test]
async fn a_server_that_goes_along_is_told_from_one_that_does_not() {
    let Some(open) = server(&["-rev", "-client_renegotiation"]) else { return };
    assert_eq!(answers(&open, Binding::Secure).await, vec![Renegotiation::Accepted; 3]);
    let refused = Renegotiation::Refused { alert: Some(100) };
    assert_eq!(answers(&open, Binding::None).await, vec![refused.clone(); 3]);
    let Some(closed) = server(&["-rev"]) else { return };
    assert_eq!(answers(&closed, Binding::Secure).await, vec![refused; 3]);
}

#[tokio::test]
async fn renegotiation_without_a_binding_is_found() {
    let Some(unsafe_one) = server(&["-rev", "-client_renegotiation", "-legacy_renegotiation"]) else {
        return;
    };
    assert_eq!(answers(&unsafe_one, Binding::None).await, vec![Renegotiation::Accepted; 3]);
}

#[tokio::test]
async fn tls13_knows_no_renegotiation() {
    let Some(server) = server(&["-rev"]) else { return };
    let mut stream = try_handshake(&server, &spec(Tls13)).await.unwrap();
    stream.flush().await.unwrap();
    let why = renegotiate(stream, &spec(Tls13), Binding::Secure, soon()).await.unwrap_err();
    assert_eq!(why.cause, Cause::NotApplicable);
}
