//! Notes in the spool what attempts came to. What the spool cannot take is kept, and its
//! recipients are not tried meanwhile: a message that was delivered is not delivered again
//! because the disk is full.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use waxseal_store::spool::{Attempt, Fate, NewMessage, Settlement, SpoolError, State};

use super::{
    after::{Noted, Way},
    loaded::Loaded,
    shared::Shared,
};
use crate::{
    delivery::{
        clock::Moment,
        memory::Ticket,
        settle::{self, Outcome},
    },
    event::{Event, Severity},
};

/// A full spool is asked again after this, then after twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// And at least this often.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What an attempt came to, to be noted.
#[derive(Debug)]
pub(super) struct Settling {
    pub(super) ticket: Ticket,
    pub(super) loaded: Arc<Loaded>,
    pub(super) settlement: Settlement,
    pub(super) again: Vec<(u32, Duration)>,
    pub(super) way: Option<Way>,
}

impl Settling {
    /// Puts together what is noted of a bundle's attempt.
    pub(super) fn new(
        shared: &Arc<Shared>,
        ticket: Ticket,
        loaded: Arc<Loaded>,
        outcome: Outcome,
        body: Option<&[Bytes]>,
        way: Option<Way>,
        at: Moment,
    ) -> Self {
        let settled = settle::settlement(outcome, &*shared.notices, &loaded, body, at);
        if settled.unwritten > 0 {
            let text = format!(
                "message {}: its sender is owed a notice that could not be written by an error of this program",
                loaded.id
            );
            shared.note(Severity::Error, "notice.unwritten", text);
        }
        Self { ticket, loaded, settlement: settled.settlement, again: settled.again, way }
    }
}

/// Whether the spool takes nothing at the moment, so that this is told once.
#[derive(Debug, Default)]
pub(super) struct Trouble(AtomicBool);

impl Trouble {
    fn begins(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    fn ends(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

/// Notes one attempt.
pub(super) async fn run(shared: Arc<Shared>, settling: Settling) {
    let Settling { ticket, loaded, mut settlement, again, way } = settling;
    let mut pause = FIRST_PAUSE;
    let ids = loop {
        match shared.spool.settle(settlement.clone()).await {
            Ok(ids) => break ids,
            Err(error @ (SpoolError::Full { .. } | SpoolError::Io { .. })) => {
                if shared.trouble.begins() {
                    let text = format!(
                        "what became of messages cannot be noted, and is kept in memory until it can: {error}"
                    );
                    shared.note(Severity::Error, "spool.unsettled", text);
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => {
                tell(&shared, &loaded, &settlement);
                give_up(&shared, &settlement, &error);
                return;
            }
        }
    };
    if shared.trouble.ends() {
        let text = "what became of messages is noted again".to_owned();
        shared.note(Severity::Info, "spool.settled", text);
    }
    let noted = Noted { loaded: &loaded, fates: &settlement.fates, again: &again, way: way.as_ref() };
    shared.locked(|core, fx| core.settled(ticket, &noted, fx));
    for (id, notice) in ids.into_iter().zip(settlement.notices.iter_mut()) {
        shared.arrived(id, take(notice));
    }
    tell(&shared, &loaded, &settlement);
}

/// Moves a notice out, of which only the outcome is needed further on.
fn take(notice: &mut NewMessage) -> NewMessage {
    NewMessage {
        envelope: std::mem::take(&mut notice.envelope),
        recipients: std::mem::take(&mut notice.recipients),
        body: std::mem::take(&mut notice.body),
        ..*notice
    }
}

/// This cannot be noted, now or later.
fn give_up(shared: &Arc<Shared>, settlement: &Settlement, error: &SpoolError) {
    let is_delivered = |fate: &Fate| *fate == Fate::Final(State::Delivered);
    let delivered = settlement.fates.iter().filter(|(_, fate, _)| is_delivered(fate)).count();
    let after = if delivered > 0 {
        format!("{delivered} of them have it, and get it once more after a restart")
    } else {
        "they are tried again after a restart".to_owned()
    };
    let text = format!(
        "message {}: what became of {} recipients cannot be noted ({error}); {after}",
        settlement.message,
        settlement.fates.len()
    );
    shared.note(Severity::Error, "spool.unsettled", text);
    shared.stop_by(error);
    shared.locked(|core, _| core.abandon());
}

/// Tells of each recipient.
fn tell(shared: &Shared, loaded: &Loaded, settlement: &Settlement) {
    for (number, fate, attempt) in &settlement.fates {
        let Some(recipient) = loaded.recipient(*number) else { continue };
        let (state, next_at) = match fate {
            Fate::Final(state) => (*state, None),
            Fate::Again { next_at, .. } => (State::Queued, Some(*next_at)),
            Fate::Held => (State::Held, None),
        };
        let event = attempted(loaded, &recipient.address, state, next_at, attempt, settlement.at);
        shared.events.emit(settlement.at, &event);
    }
}

fn attempted<'a>(
    loaded: &'a Loaded,
    recipient: &'a str,
    state: State,
    next_at: Option<i64>,
    attempt: &'a Attempt,
    at: i64,
) -> Event<'a> {
    Event::Attempted {
        id: loaded.id,
        sender: &loaded.envelope.sender,
        recipient,
        state,
        next_at,
        attempt,
        age: at.saturating_sub(loaded.received_at).max(0),
    }
}
