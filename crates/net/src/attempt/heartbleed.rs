//! A heartbeat that claims one byte more than it carries (CVE-2014-0160).
//!
//! One connection asks twice. First within the handshake, in clear, together with our key
//! exchange: OpenSSL answers there, and sends the answer with its own Finished at the
//! latest. RFC 6520 section 4 would have servers pass over heartbeats in a handshake, so
//! where none is answered, both are sent again in the finished session, followed by a
//! command whose reply shows that the server has read them. Some servers (GnuTLS) end a
//! handshake with heartbeats in it by an alert; those are to be asked in a session alone.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_model::{Cause, Why, audit::Heartbleed, tls::TlsVersion};
use waxseal_wire::tls::{
    flight::{Answer, Parts},
    private::{
        Client, Fault, Handshake, Message, RecordReader, Step,
        heartbeat::{self, Answer as Heartbeat},
        kind, plain,
    },
};

use super::{
    Stop,
    full::{complete, finished},
    line::{Line, broke_off},
    stream::PrivateStream,
};
use crate::exchange::leave;

/// Whether the server speaks first within TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// It greets: TLS from the first byte on.
    First,
    /// It waits: TLS began with STARTTLS.
    WhenAsked,
}

/// When the heartbeats are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In the handshake, and where none is answered in the session as well. This comes first.
    InHandshake,
    /// In the session alone.
    InSession,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The answer.
    Known(Heartbleed),
    /// The server ended the handshake with an alert and had answered nothing: ask again
    /// [`When::InSession`].
    RefusedInHandshake,
}

/// Puts both heartbeats to a server. The hello of `client` must offer the heartbeat
/// extension and no TLS 1.3.
///
/// # Errors
/// There is no handshake; or the connection broke, or nothing came by `deadline`, before it
/// was clear whether the server reads heartbeats.
pub async fn heartbleed<S>(
    stream: S,
    client: Client,
    when: When,
    speaks: Speaks,
    deadline: Instant,
    max_bytes: usize,
) -> Result<Outcome, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = Line::new(stream, deadline, max_bytes);
    let (parts, ended) = line.ask(&client.hello()).await;
    let words = leave(&parts.answer, ended);
    if broke_off(&parts.answer, ended) {
        line.leave(&words).await;
        return Err(Stop::Ended(ended).why("in the middle of the handshake"));
    }
    let flight = match &parts.answer {
        Answer::Hello(flight) if flight.done && flight.version <= TlsVersion::Tls12 => flight.clone(),
        _ => {
            line.leave(&words).await;
            return Err(no_flight(client, parts));
        }
    };
    if !flight.heartbeat {
        line.leave(&words).await;
        return Ok(Outcome::Known(Heartbleed::NoHeartbeat));
    }
    match client.answer(parts) {
        Ok(Step::Handshake(handshake)) => {
            let first = if when == When::InHandshake { in_records(flight.version) } else { Vec::new() };
            in_handshake(line, handshake, &first, speaks, deadline).await
        }
        Ok(Step::Retry(_)) => Err(Why::new(Cause::Protocol, "the server asked for another hello")),
        // Our means end here: the server waits for keys all the same.
        Err(_) if when == When::InHandshake => in_clear(line, flight.version).await,
        Err(fault) => Err(fault.why()),
    }
}

/// Why there is no flight to go on from.
fn no_flight(client: Client, parts: Parts) -> Why {
    match client.answer(parts) {
        Err(fault) => fault.why(),
        Ok(_) => {
            Why::new(Cause::NotApplicable, "the server chose TLS 1.3, in which nobody offers heartbeats")
        }
    }
}

/// Both heartbeats in clear.
fn in_records(version: TlsVersion) -> Vec<u8> {
    let record = |content: Vec<u8>| plain(kind::HEARTBEAT, version.code(), &content);
    [record(heartbeat::false_request()), record(heartbeat::sound_request())].concat()
}

/// What the heartbeats that came back say, if they say anything.
fn verdict<'a>(contents: impl IntoIterator<Item = &'a [u8]>) -> Option<Heartbleed> {
    let mut answered = false;
    for content in contents {
        match heartbeat::read(content) {
            Heartbeat::ToFalse { beyond: beyond @ 1.. } => return Some(Heartbleed::Answered { beyond }),
            Heartbeat::ToFalse { .. } | Heartbeat::ToSound => answered = true,
            Heartbeat::Other => {}
        }
    }
    answered.then_some(Heartbleed::Discarded)
}

/// Sends what goes `first` with our key exchange, and goes on into the session where no
/// heartbeat is answered.
async fn in_handshake<S>(
    mut line: Line<S>,
    handshake: Handshake,
    first: &[u8],
    speaks: Speaks,
    deadline: Instant,
) -> Result<Outcome, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (handshake, stop) = match complete(&mut line, handshake, first).await {
        Ok(handshake) => (handshake, None),
        Err((stop, handshake)) => (handshake, Some(stop)),
    };
    if let Some(seen) = verdict(handshake.heartbeats().iter().map(Vec::as_slice)) {
        line.leave(&[]).await;
        return Ok(Outcome::Known(seen));
    }
    match stop {
        Some(Stop::Fault(Fault::Alert { .. })) if !first.is_empty() => Ok(Outcome::RefusedInHandshake),
        Some(stop) => Err(stop.why("in the handshake that heartbeats need")),
        None => {
            let mut stream = finished(line, handshake).map_err(|fault| fault.why())?;
            let outcome = in_session(&mut stream, speaks, deadline).await;
            stream.leave().await;
            outcome.map(Outcome::Known)
        }
    }
}

const STEP: &str = "after a heartbeat";

/// Sends both in a session, with a command behind them.
async fn in_session<S>(
    stream: &mut PrivateStream<S>,
    speaks: Speaks,
    deadline: Instant,
) -> Result<Heartbleed, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if speaks == Speaks::First {
        stream.greeting(deadline).await?;
    }
    let [wrong, sound] = [heartbeat::false_request(), heartbeat::sound_request()];
    let contents: [(u8, &[u8]); 3] =
        [(kind::HEARTBEAT, &wrong), (kind::HEARTBEAT, &sound), (kind::APPLICATION_DATA, b"NOOP\r\n")];
    stream.send(&contents, deadline).await.map_err(|stop| stop.why(STEP))?;
    loop {
        let Message { kind, payload } = stream.message(deadline).await.map_err(|stop| stop.why(STEP))?;
        match kind {
            kind::HEARTBEAT => {
                if let Some(seen) = verdict([payload.as_slice()]) {
                    return Ok(seen);
                }
            }
            // The reply to the command, or a refusal of all of it.
            kind::APPLICATION_DATA if !payload.is_empty() => return Ok(Heartbleed::Discarded),
            kind::ALERT => return Ok(Heartbleed::Discarded),
            _ => {}
        }
    }
}

/// Sends both in clear to a server whose keys we cannot make, and a message that it must
/// refuse: by its alert it shows that it has read them.
async fn in_clear<S>(mut line: Line<S>, version: TlsVersion) -> Result<Outcome, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let end = plain(kind::HANDSHAKE, version.code(), &heartbeat::end_of_clear());
    line.send(&[in_records(version), end].concat()).await.map_err(|ended| Stop::Ended(ended).why(STEP))?;
    let mut records = RecordReader::default();
    let mut heartbeats = Vec::new();
    let end = loop {
        match records.next_record() {
            Ok(Some(record)) if record.kind == kind::HEARTBEAT => heartbeats.push(record.payload),
            Ok(Some(record)) if record.kind == kind::ALERT => break Ok(Outcome::RefusedInHandshake),
            Ok(Some(_)) => {}
            Ok(None) => match line.receive().await {
                Ok(bytes) => records.push(&bytes),
                Err(ended) => break Err(Stop::Ended(ended).why(STEP)),
            },
            Err(error) => break Err(Why::new(Cause::Protocol, format!("the server sent {error} {STEP}"))),
        }
        if heartbeats.len() > 1 {
            break Ok(Outcome::RefusedInHandshake);
        }
    };
    line.leave(&[]).await;
    match verdict(heartbeats.iter().map(Vec::as_slice)) {
        Some(seen) => Ok(Outcome::Known(seen)),
        None => end,
    }
}
