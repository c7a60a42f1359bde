//! Attacks after the flight, and handshakes with what is no server.

use waxseal_model::{
    Cause,
    audit::{CcsInjection, RobotOracle},
    tls::TlsVersion,
};
use waxseal_wire::tls::{
    hello::client_hello,
    private::{
        Fault, Reply,
        early_ccs::{Meaning, Question, meaning},
        robot::{Block, Conclusion, Flow, REPEATS, conclude},
    },
};

use super::{
    MAX_BYTES, at_once, client,
    scripted::{End, alert, flight, server},
    soon, spec,
};
use crate::{
    attempt::{Stop, Then, exchange_then, handshake},
    exchange::Ended,
};

/// TLS_RSA_WITH_AES_128_CBC_SHA.
const RSA: u16 = 0x002f;

async fn reply(then: Then, answer: Vec<u8>, end: End) -> Option<Reply> {
    let spec = spec(TlsVersion::Tls12);
    let stream = server(flight(RSA, &[]), move |_| answer, end).await;
    let deadline = if end == End::Hang { at_once() } else { soon() };
    exchange_then(stream, &client_hello(&spec), &spec, deadline, MAX_BYTES, then).await.1
}

fn robot(block: Block) -> Then {
    Then::Robot { block, flow: Flow::WithFinished, seed: [1; 32] }
}

#[tokio::test]
async fn an_oracle_is_found_by_the_first_record_alone() {
    let mut answers = Vec::new();
    for _ in 0..REPEATS {
        for block in Block::ALL {
            let description = if block == Block::WrongStart { 51 } else { 20 };
            let answer = [alert(description), b"454 TLS not available\r\n".to_vec()].concat();
            answers.push((block, reply(robot(block), answer, End::Close).await.unwrap()));
        }
    }
    assert_eq!(conclude(&answers), Conclusion::Oracle(RobotOracle::Strong));
}

#[tokio::test]
async fn ends_of_the_connection_are_replies_of_their_own() {
    let then = robot(Block::Valid);
    assert_eq!(reply(then, vec![], End::Close).await, Some(Reply::Closed));
    assert_eq!(reply(then, vec![], End::Reset).await, Some(Reply::Reset));
    assert_eq!(reply(then, vec![], End::Hang).await, Some(Reply::Timeout));
    assert_eq!(reply(then, b"454 no\r\n".to_vec(), End::Hang).await, Some(Reply::NotTls));
    assert_eq!(reply(then, alert(40), End::Reset).await, Some(Reply::Alert { level: 2, description: 40 }));
}

#[tokio::test]
async fn an_early_change_cipher_spec_is_read_by_what_comes_back() {
    let both = Then::EarlyCcs(Question::Both);
    for (answer, end, expected) in [
        (alert(20), End::Close, Meaning::Known(CcsInjection::Accepted { alert: 20 })),
        (alert(10), End::Close, Meaning::Known(CcsInjection::Refused { alert: Some(10) })),
        (vec![], End::Close, Meaning::EndedSilently),
        (vec![], End::Hang, Meaning::Unknown),
        (b"421 no\r\n".to_vec(), End::Close, Meaning::Unknown),
    ] {
        let reply = reply(both, answer, end).await.unwrap();
        assert_eq!(meaning(Question::Both, reply), expected);
    }
}

#[tokio::test]
async fn a_server_that_ends_in_the_middle_of_its_flight_is_not_attacked() {
    let spec = spec(TlsVersion::Tls12);
    let cut = flight(RSA, &[])[..60].to_vec();
    let stream = server(cut, |_| Vec::new(), End::Close).await;
    let (exchange, reply) =
        exchange_then(stream, &client_hello(&spec), &spec, soon(), MAX_BYTES, robot(Block::Valid)).await;
    assert_eq!((exchange.ended, reply), (Ended::PeerClosed, None));
}

#[tokio::test]
async fn handshakes_that_do_not_come_about_say_why() {
    let run = |first: Vec<u8>, answer: Vec<u8>, end: End| async move {
        let stream = server(first, move |_| answer, end).await;
        let deadline = if end == End::Hang { at_once() } else { soon() };
        handshake(stream, client(TlsVersion::Tls12), deadline, MAX_BYTES).await.unwrap_err()
    };
    let text = run(b"220 mx.example\r\n".to_vec(), vec![], End::Close).await;
    assert!(matches!(&text.stop, Stop::Fault(Fault::NotTls(line)) if line == "220 mx.example"), "{text:?}");
    assert_eq!(run(vec![], vec![], End::Close).await.stop, Stop::Ended(Ended::PeerClosed));
    assert_eq!(run(vec![], vec![], End::Reset).await.stop, Stop::Ended(Ended::Reset));
    assert_eq!(run(vec![], vec![], End::Hang).await.why().cause, Cause::Timeout);
    let cut = run(flight(RSA, &[])[..60].to_vec(), vec![], End::Close).await;
    assert_eq!((cut.why().cause, cut.flight), (Cause::Closed, None));
    // After our Finished.
    assert_eq!(run(flight(RSA, &[]), alert(40), End::Close).await.alert(), Some(40));
    assert_eq!(run(flight(RSA, &[]), vec![], End::Reset).await.why().cause, Cause::Closed);
    assert_eq!(run(flight(RSA, &[]), vec![], End::Hang).await.why().cause, Cause::Timeout);
    let late = run(flight(RSA, &[]), b"454 TLS not available\r\n".to_vec(), End::Close).await;
    assert!(matches!(&late.stop, Stop::Fault(Fault::NotTls(line)) if line.starts_with("454")), "{late:?}");
    // Camellia, which was not offered either.
    let unknown = run(flight(0x0041, &[]), vec![], End::Hang).await;
    assert_eq!(unknown.why().cause, Cause::Unsupported);
    // Keys that nobody holds.
    let wrong = [vec![20, 3, 3, 0, 1, 1], super::scripted::record(22, &[7; 64])].concat();
    assert_eq!(run(flight(RSA, &[]), wrong, End::Close).await.why().cause, Cause::Protocol);
}

#[tokio::test]
async fn a_server_that_sends_for_ever_is_cut_at_the_limit() {
    // Warnings, which a handshake bears.
    let warnings = [21, 3, 3, 0, 2, 1, 90].repeat(20_000);
    let stream = server(flight(RSA, &[]), move |_| warnings, End::Hang).await;
    let failure = handshake(stream, client(TlsVersion::Tls12), soon(), 50_000).await.unwrap_err();
    assert_eq!(failure.why().cause, Cause::TooLarge);
}
