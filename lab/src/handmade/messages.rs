//! Handshake messages out of records, with the transcript that Finished covers.

use super::{
    Failure,
    behaviour::{Framing, Heartbeat},
    heartbeat,
    record::{ALERT, CHANGE_CIPHER_SPEC, FATAL, HANDSHAKE, HEARTBEAT, Records},
};
use crate::servers::{Site, breakdown::Stage};

/// Longest handshake message taken from a client.
const MAX_MESSAGE: usize = 1 << 17;
/// Most records for one message.
const MAX_RECORDS: usize = 256;

/// What comes next in a handshake.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A message: type and body.
    Message(u8, Vec<u8>),
    ChangeCipherSpec,
}

/// A handshake's messages.
pub(super) struct Messages<'a> {
    pub(super) records: &'a mut Records,
    pub(super) site: &'a Site,
    /// How heartbeats are answered.
    pub(super) heartbeat: Heartbeat,
    framing: Framing,
    /// Bytes of messages that are not whole yet.
    pending: Vec<u8>,
    pub(super) transcript: Vec<u8>,
}

impl<'a> Messages<'a> {
    /// A handshake of which `pending` was read already.
    pub(super) fn new(
        records: &'a mut Records,
        site: &'a Site,
        heartbeat: Heartbeat,
        framing: Framing,
        pending: Vec<u8>,
    ) -> Self {
        Self { records, site, heartbeat, framing, pending, transcript: Vec::new() }
    }

    /// Breaks down if it is time to.
    pub(super) fn pass(&self, stage: Stage) -> Result<(), Failure> {
        self.site.breaks(stage).map_or(Ok(()), |how| Err(Failure::Broken(how)))
    }

    /// The body of the next message, which must be of this kind.
    pub(super) async fn next(&mut self, expected: u8) -> Result<Vec<u8>, Failure> {
        match self.event().await? {
            Event::Message(kind, body) if kind == expected => Ok(body),
            _ => Err(Failure::Message),
        }
    }

    /// The next message or change.
    pub(super) async fn event(&mut self) -> Result<Event, Failure> {
        for _ in 0..MAX_RECORDS {
            if let Some(event) = self.cut()? {
                return Ok(event);
            }
            match self.records.read().await? {
                Some((HANDSHAKE, body)) => self.pending.extend(body),
                Some((CHANGE_CIPHER_SPEC, body)) if body == [1] && self.pending.is_empty() => {
                    return Ok(Event::ChangeCipherSpec);
                }
                Some((HEARTBEAT, body)) => {
                    self.pass(Stage::Heartbeat)?;
                    heartbeat::answer(self.records, self.heartbeat, &body).await?;
                }
                Some((ALERT, body)) if body.first() != Some(&FATAL) => {}
                Some((ALERT, _)) | None => return Err(Failure::Closed),
                Some(_) => return Err(Failure::Message),
            }
        }
        Err(Failure::Message)
    }

    /// A whole message off the front of what was read.
    fn cut(&mut self) -> Result<Option<Event>, Failure> {
        let Some(&[kind, a, b, c]) = self.pending.first_chunk() else { return Ok(None) };
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        if length > MAX_MESSAGE {
            return Err(Failure::Message);
        }
        if self.pending.len() < 4 + length {
            return Ok(None);
        }
        let message: Vec<u8> = self.pending.drain(..4 + length).collect();
        self.transcript.extend(&message);
        Ok(Some(Event::Message(kind, message.into_iter().skip(4).collect())))
    }

    /// Sends messages.
    pub(super) async fn send(&mut self, flight: &[Vec<u8>]) -> Result<(), Failure> {
        let bytes = flight.concat();
        self.transcript.extend(&bytes);
        match self.framing {
            Framing::Together => self.records.write(HANDSHAKE, &bytes).await,
            Framing::Apart => {
                for message in flight {
                    self.records.write(HANDSHAKE, message).await?;
                }
                Ok(())
            }
            Framing::Pieces(length) => {
                for piece in bytes.chunks(length) {
                    self.records.write(HANDSHAKE, piece).await?;
                }
                Ok(())
            }
        }
    }
}
