//! Another handshake that the client asks for within a session (RFC 5246 section 7.4.1.1),
//! bound to the session by RFC 5746, or not (CVE-2009-3555).
//!
//! Where the server says nothing to the hello, `NOOP` follows. A server answers in order:
//! who takes the hello sends a ServerHello first, who passes over it answers the command.
//! So silence is never taken for a refusal. (The two are not sent together: a server that
//! closes with a command unread resets the connection, and its refusal is lost.)

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_model::{Cause, Why, audit::Renegotiation, tls::TlsVersion};
use waxseal_wire::tls::{
    alert::CLOSE_NOTIFY,
    hello::{HelloSpec, client_hello_message, extension},
    private::{Message, kind},
};

use super::{Stop, stream::PrivateStream};
use crate::exchange::Ended;

/// Types of handshake messages.
const HELLO_REQUEST: u8 = 0;
const SERVER_HELLO: u8 = 2;

/// What binds the second handshake to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// renegotiation_info with our Finished in it. The first hello must have had the
    /// extension too, or the signal in its place.
    Secure,
    /// Nothing; the first hello must have had nothing either.
    None,
}

/// Asks for another handshake in a session up to TLS 1.2 in which the server owes no reply.
/// `spec` is what the hello says, usually the same as the first one; its random is to be
/// new. Ends the session.
///
/// # Errors
/// There is no renegotiation in TLS 1.3; or the connection broke, or nothing came by
/// `deadline`.
pub async fn renegotiate<S>(
    mut stream: PrivateStream<S>,
    spec: &HelloSpec,
    binding: Binding,
    deadline: Instant,
) -> Result<Renegotiation, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let established = stream.established();
    if established.flight.version >= TlsVersion::Tls13 {
        return Err(Why::new(Cause::NotApplicable, "there is no renegotiation in TLS 1.3"));
    }
    let hello = client_hello_message(&second(spec, binding, &established.client_verify_data));
    let outcome = match ask(&mut stream, &hello, deadline).await {
        Ok(first) => outcome(&mut stream, first, deadline).await,
        Err(Stop::Ended(Ended::PeerClosed)) => Ok(Renegotiation::Refused { alert: None }),
        Err(stop) => Err(stop.why(STEP)),
    };
    stream.leave().await;
    outcome
}

/// After so long without an answer to the hello the command follows.
const PATIENCE: Duration = Duration::from_millis(500);

/// Sends the hello, and the command if nothing comes; returns what came first.
async fn ask<S>(stream: &mut PrivateStream<S>, hello: &[u8], deadline: Instant) -> Result<Message, Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.send(&[(kind::HANDSHAKE, hello)], deadline).await?;
    let soon = deadline.min(Instant::now() + PATIENCE);
    match stream.message(soon).await {
        Err(Stop::Ended(Ended::Timeout)) => {
            stream.send(&[(kind::APPLICATION_DATA, b"NOOP\r\n")], deadline).await?;
            stream.message(deadline).await
        }
        other => other,
    }
}

const STEP: &str = "after the request for another handshake";

/// The second hello.
fn second(spec: &HelloSpec, binding: Binding, verify_data: &[u8]) -> HelloSpec {
    let mut spec = HelloSpec {
        max_version: spec.max_version.min(TlsVersion::Tls12),
        renegotiation_info: false,
        session_id: Vec::new(),
        ..spec.clone()
    };
    if binding == Binding::Secure {
        let length = u8::try_from(verify_data.len()).unwrap_or_default();
        let content = std::iter::once(length).chain(verify_data.iter().copied()).collect();
        spec.extra_extensions.push((extension::RENEGOTIATION_INFO, content));
    }
    spec
}

async fn outcome<S>(
    stream: &mut PrivateStream<S>,
    first: Message,
    deadline: Instant,
) -> Result<Renegotiation, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut message = first;
    loop {
        let Message { kind, payload } = message;
        match (kind, payload.as_slice()) {
            (kind::HANDSHAKE, [SERVER_HELLO, ..]) => return Ok(Renegotiation::Accepted),
            // The server wished for it by itself before it had read ours.
            (kind::HANDSHAKE, [HELLO_REQUEST, ..]) | (kind::APPLICATION_DATA, []) => {}
            (kind::ALERT, [_, CLOSE_NOTIFY]) | (kind::APPLICATION_DATA, _) => {
                return Ok(Renegotiation::Refused { alert: None });
            }
            (kind::ALERT, [_, description]) => {
                return Ok(Renegotiation::Refused { alert: Some(*description) });
            }
            (kind, _) => {
                let text = format!("the server sent a record of type {kind} {STEP}");
                return Err(Why::new(Cause::Protocol, text));
            }
        }
        message = match stream.message(deadline).await {
            Ok(message) => message,
            Err(Stop::Ended(Ended::PeerClosed)) => return Ok(Renegotiation::Refused { alert: None }),
            Err(stop) => return Err(stop.why(STEP)),
        };
    }
}
