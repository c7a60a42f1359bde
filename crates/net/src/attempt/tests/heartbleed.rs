//! Heartbeats on servers that answer them in every way.

use waxseal_model::{Cause, Why, audit::Heartbleed, tls::TlsVersion};

use super::{
    MAX_BYTES, at_once, client,
    scripted::{End, alert, flight, record, server},
    soon,
};
use crate::attempt::heartbleed::{
    Outcome::{self, Known},
    Speaks, When, heartbleed,
};

/// A suite whose handshake the private client goes on with, and one that it cannot.
const KNOWN: u16 = 0x002f;
const UNKNOWN: u16 = 0x0041;
const HEARTBEAT: (u16, &[u8]) = (15, &[1]);

/// The contents of the heartbeat records in what a client sent.
fn requests(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(5) {
        let (payload, more) = rest.split_at(usize::from(u16::from_be_bytes([head[3], head[4]])));
        if head[0] == 24 {
            found.push(payload);
        }
        bytes = more;
    }
    found
}

/// The answer of a server that sends back what is claimed; `trusting` even what is not
/// there.
fn respond(request: &[u8], trusting: bool) -> Vec<u8> {
    let claimed = usize::from(u16::from_be_bytes([request[1], request[2]]));
    if !trusting && 3 + claimed + 16 > request.len() {
        return Vec::new();
    }
    let memory = [&request[3..], b"secrets of the server"].concat();
    record(24, &[&[2, request[1], request[2]][..], &memory[..claimed], &[0; 16]].concat())
}

async fn ask(suite: u16, answer: fn(&[u8]) -> Vec<u8>, end: End) -> Result<Outcome, Why> {
    let stream = server(flight(suite, &[HEARTBEAT]), answer, end).await;
    let deadline = if end == End::Hang { at_once() } else { soon() };
    heartbleed(stream, client(TlsVersion::Tls12), When::InHandshake, Speaks::WhenAsked, deadline, MAX_BYTES)
        .await
}

#[tokio::test]
async fn one_byte_beyond_is_enough_and_no_more_is_asked_for() {
    for suite in [KNOWN, UNKNOWN] {
        let vulnerable = |sent: &[u8]| -> Vec<u8> {
            let requests = requests(sent);
            assert_eq!(requests.len(), 2);
            requests.iter().flat_map(|request| respond(request, true)).collect()
        };
        assert_eq!(ask(suite, vulnerable, End::Close).await, Ok(Known(Heartbleed::Answered { beyond: 1 })));
        assert_eq!(ask(suite, vulnerable, End::Reset).await, Ok(Known(Heartbleed::Answered { beyond: 1 })));
    }
}

#[tokio::test]
async fn who_answers_the_sound_one_alone_is_sound() {
    for suite in [KNOWN, UNKNOWN] {
        let sound = |sent: &[u8]| {
            requests(sent).iter().flat_map(|request| respond(request, false)).collect::<Vec<_>>()
        };
        assert_eq!(ask(suite, sound, End::Close).await, Ok(Known(Heartbleed::Discarded)));
    }
}

#[tokio::test]
async fn an_alert_asks_for_another_try_and_every_other_end_is_no_answer() {
    for suite in [KNOWN, UNKNOWN] {
        assert_eq!(ask(suite, |_| alert(10), End::Close).await, Ok(Outcome::RefusedInHandshake));
        for (end, cause) in
            [(End::Close, Cause::Closed), (End::Reset, Cause::Closed), (End::Hang, Cause::Timeout)]
        {
            let why = ask(suite, |_| Vec::new(), end).await.unwrap_err();
            assert_eq!(why.cause, cause, "{why}");
        }
        let why = ask(suite, |_| b"421 4.7.0 too many errors\r\n".to_vec(), End::Close).await.unwrap_err();
        assert_eq!(why.cause, Cause::Protocol, "{why}");
    }
}

#[tokio::test]
async fn asked_in_the_session_alone_a_handshake_carries_no_heartbeat() {
    for (suite, cause) in [(KNOWN, Cause::Declined), (UNKNOWN, Cause::Unsupported)] {
        let stream = server(
            flight(suite, &[HEARTBEAT]),
            |sent| {
                assert!(requests(sent).is_empty());
                alert(40)
            },
            End::Close,
        )
        .await;
        let client = client(TlsVersion::Tls12);
        let found = heartbleed(stream, client, When::InSession, Speaks::WhenAsked, soon(), MAX_BYTES).await;
        assert_eq!(found.unwrap_err().cause, cause);
    }
}

#[tokio::test]
async fn without_the_extension_nothing_is_asked() {
    let stream = server(
        flight(KNOWN, &[]),
        |sent| {
            assert!(requests(sent).is_empty());
            Vec::new()
        },
        End::Close,
    )
    .await;
    let found = heartbleed(
        stream,
        client(TlsVersion::Tls12),
        When::InHandshake,
        Speaks::WhenAsked,
        soon(),
        MAX_BYTES,
    )
    .await;
    assert_eq!(found, Ok(Known(Heartbleed::NoHeartbeat)));
}

#[tokio::test]
async fn without_a_flight_there_is_a_reason() {
    for (first, end, cause) in [
        (vec![], End::Close, Cause::Closed),
        (vec![], End::Hang, Cause::Timeout),
        (alert(40), End::Close, Cause::Declined),
        (b"454 no TLS\r\n".to_vec(), End::Close, Cause::Protocol),
        (flight(KNOWN, &[HEARTBEAT])[..50].to_vec(), End::Reset, Cause::Closed),
    ] {
        let stream = server(first, |_| Vec::new(), end).await;
        let found = heartbleed(
            stream,
            client(TlsVersion::Tls12),
            When::InHandshake,
            Speaks::WhenAsked,
            at_once(),
            MAX_BYTES,
        )
        .await;
        assert_eq!(found.unwrap_err().cause, cause);
    }
}
