//! A complete handshake by the private client, in any version.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_model::{Cause, Why};
use waxseal_wire::tls::{
    flight::{Answer, ServerFlight},
    private::{Client, Fault, Handshake, Step},
};

use super::{
    Stop,
    line::{Line, broke_off},
    stream::PrivateStream,
};
use crate::exchange::leave;

/// A handshake that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What ended it.
    pub stop: Stop,
    /// The server's flight, if it came.
    pub flight: Option<Box<ServerFlight>>,
}

impl Failure {
    /// The alert that ended it, if one did.
    pub fn alert(&self) -> Option<u8> {
        match &self.stop {
            Stop::Fault(Fault::Alert { description, .. }) => Some(*description),
            _ => None,
        }
    }

    /// The server asked for a client certificate, got none, and ended the handshake with an
    /// alert.
    pub fn wants_certificate(&self) -> bool {
        self.alert().is_some() && self.flight.as_ref().is_some_and(|flight| flight.certificate_requested)
    }

    /// The reason in the words of evidence.
    pub fn why(&self) -> Why {
        match &self.stop {
            Stop::Fault(Fault::Alert { .. }) if self.wants_certificate() => {
                let text = format!("the server wants a client certificate: {}", self.stop.why("").text);
                Why::new(Cause::Declined, text)
            }
            stop => stop.why("in the middle of the handshake"),
        }
    }
}

/// Makes a complete handshake by `deadline`, reading at most `max_bytes` for it. Neither the
/// certificate nor the server's signature is verified; both sides' Finished are.
///
/// # Errors
/// Says what ended the handshake.
pub async fn handshake<S>(
    stream: S,
    client: Client,
    deadline: Instant,
    max_bytes: usize,
) -> Result<PrivateStream<S>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = Line::new(stream, deadline, max_bytes);
    let Begun { handshake, flight } = begin(&mut line, client).await?;
    match complete(&mut line, handshake, &[]).await {
        Ok(handshake) => finished(line, handshake).map_err(|fault| Failure { stop: fault.into(), flight }),
        Err((stop, _)) => {
            line.leave(&[]).await;
            Err(Failure { stop, flight })
        }
    }
}

/// A handshake after the server's flight.
pub(super) struct Begun {
    pub(super) handshake: Handshake,
    pub(super) flight: Option<Box<ServerFlight>>,
}

/// From the hello to the server's flight, with a second hello where one is wanted.
pub(super) async fn begin<S>(line: &mut Line<S>, mut client: Client) -> Result<Begun, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let (parts, ended) = line.ask(&client.hello()).await;
        let words = leave(&parts.answer, ended);
        let broke_off = broke_off(&parts.answer, ended);
        let flight = match &parts.answer {
            Answer::Hello(flight) => Some(flight.clone()),
            _ => None,
        };
        let stop = match client.answer(parts) {
            Ok(Step::Retry(second)) => {
                client = *second;
                continue;
            }
            Ok(Step::Handshake(handshake)) => return Ok(Begun { handshake, flight }),
            Err(_) if broke_off => Stop::Ended(ended),
            Err(fault) => Stop::Fault(fault),
        };
        line.leave(&words).await;
        return Err(Failure { stop, flight });
    }
}

/// Sends `first` together with what the handshake has to say, and goes on until both sides
/// have finished. In case of failure the handshake comes back as far as it came.
pub(super) async fn complete<S>(
    line: &mut Line<S>,
    mut handshake: Handshake,
    first: &[u8],
) -> Result<Handshake, (Stop, Handshake)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut output = first.to_vec();
    let mut received = Vec::new();
    loop {
        let pushed = handshake.push(&received);
        output.extend(handshake.output());
        if !output.is_empty()
            && let Err(ended) = line.send(&output).await
        {
            return Err((ended.into(), handshake));
        }
        output.clear();
        match pushed {
            Ok(true) => return Ok(handshake),
            Ok(false) => {}
            Err(fault) => return Err((fault.into(), handshake)),
        }
        match line.receive().await {
            Ok(bytes) => received = bytes,
            Err(ended) => return Err((ended.into(), handshake)),
        }
    }
}

/// The stream within a handshake that is complete.
pub(super) fn finished<S>(line: Line<S>, handshake: Handshake) -> Result<PrivateStream<S>, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Ok(PrivateStream::new(line.into_stream(), handshake.into_session()?))
}
