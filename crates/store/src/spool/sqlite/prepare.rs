//! What callers do before the writer's turn: JSON, joined bodies, body files.

use bytes::{Bytes, BytesMut};

use super::{bodies::BodyFile, guard::Guard};
use crate::spool::{Attempt, Fate, MessageId, NewMessage, NewRecipient, Settlement, SpoolError, State};

/// A message that is ready to be written.
#[derive(Debug)]
pub(super) struct PreparedMessage {
    /// JSON.
    pub(super) envelope: String,
    pub(super) recipients: Vec<NewRecipient>,
    pub(super) body: PreparedBody,
    pub(super) size: i64,
    pub(super) received_at: i64,
    pub(super) expires_at: i64,
}

/// Its bytes.
#[derive(Debug)]
pub(super) enum PreparedBody {
    /// To be written into the database.
    Row(Bytes),
    /// Durable already, under the id that the message will have.
    File(BodyFile),
}

/// A settlement that is ready to be written.
#[derive(Debug)]
pub(super) struct PreparedSettlement {
    pub(super) message: MessageId,
    pub(super) at: i64,
    pub(super) fates: Vec<PreparedFate>,
    pub(super) notices: Vec<PreparedMessage>,
}

/// What became of one recipient.
#[derive(Debug)]
pub(super) struct PreparedFate {
    pub(super) number: u32,
    pub(super) fate: Fate,
    pub(super) reason: Option<String>,
    /// The attempt, JSON.
    pub(super) last: String,
}

/// Bytes of a body.
pub(super) fn size(message: &NewMessage) -> u64 {
    message.body.iter().map(|part| part.len() as u64).sum()
}

/// True if the body belongs into the database.
pub(super) fn fits(message: &NewMessage, inline: usize) -> bool {
    size(message) <= inline as u64
}

/// Makes a message ready. Blocks if its body is large.
pub(super) fn message(message: NewMessage, guard: &Guard) -> Result<PreparedMessage, SpoolError> {
    if message.recipients.is_empty() {
        return Err(SpoolError::Invalid { detail: "a message without recipients".to_owned() });
    }
    let size = i64::try_from(size(&message)).unwrap_or(i64::MAX);
    let body = if fits(&message, guard.settings.inline) {
        PreparedBody::Row(join(message.body))
    } else {
        let written = guard.bodies.write(guard.next_id(), &message.body);
        PreparedBody::File(written.map_err(|error| match error {
            SpoolError::Poisoned { detail } => guard.poison(detail),
            other => other,
        })?)
    };
    Ok(PreparedMessage {
        envelope: json(&message.envelope)?,
        recipients: message.recipients,
        body,
        size,
        received_at: message.received_at,
        expires_at: message.expires_at,
    })
}

fn join(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.pop().unwrap_or_default();
    }
    let mut joined = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in &parts {
        joined.extend_from_slice(part);
    }
    joined.freeze()
}

fn json(value: &impl serde::Serialize) -> Result<String, SpoolError> {
    serde_json::to_string(value).map_err(|error| SpoolError::Invalid { detail: error.to_string() })
}

impl PreparedSettlement {
    /// Makes a settlement ready, but for its notices, which are handed back.
    pub(super) fn new(settlement: Settlement) -> Result<(Self, Vec<NewMessage>), SpoolError> {
        let fates = settlement.fates.into_iter();
        let fates = fates.map(|(number, fate, last)| PreparedFate::new(number, fate, &last));
        let prepared = Self {
            message: settlement.message,
            at: settlement.at,
            fates: fates.collect::<Result<_, _>>()?,
            notices: Vec::new(),
        };
        Ok((prepared, settlement.notices))
    }
}

impl PreparedFate {
    fn new(number: u32, fate: Fate, last: &Attempt) -> Result<Self, SpoolError> {
        if let Fate::Final(state @ (State::Queued | State::Held)) = fate {
            return Err(SpoolError::Invalid { detail: format!("{} is not final", state.word()) });
        }
        Ok(Self { number, fate, reason: last.reason.clone(), last: json(last)? })
    }
}
