//! What follows for the bundles when an attempt was noted, or could not be made.

use std::{sync::Arc, time::Duration};

use waxseal_store::spool::{Attempt, Change, Fate, MessageId};

use super::{
    core::{Core, Effects, Tell, Turn},
    loaded::Loaded,
};
use crate::{
    delivery::{
        memory::{Place, Ticket},
        reason_ids::is_watched,
        watch::{Cause, Key},
    },
    route::{Route, Wishes},
};

/// What could not be read is read again after so many seconds.
const READ_AGAIN: u32 = 60;

/// Where an attempt went: what a watch is about, if one follows.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) route: Arc<Route>,
    pub(super) site: Arc<str>,
    pub(super) domain: Arc<str>,
}

/// What was noted of the recipients of a bundle.
#[derive(Debug)]
pub(super) struct Noted<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) fates: &'a [(u32, Fate, Attempt)],
    pub(super) again: &'a [(u32, Duration)],
    pub(super) way: Option<&'a Way>,
}

/// Where recipients go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Wait(u32),
    Hold,
    Gone,
}

impl Core {
    /// What became of a bundle's recipients is on stable storage.
    pub(super) fn settled(&mut self, ticket: Ticket, noted: &Noted<'_>, fx: &mut Effects) {
        self.settling -= 1;
        let before = self.memory.set_watch(ticket, 0);
        let mut groups: Vec<(Then, Option<&str>, Vec<u32>)> = Vec::new();
        for (number, fate, attempt) in noted.fates {
            let then = self.then(noted, *number, fate);
            let reason = attempt.reason.as_deref().filter(|_| then != Then::Gone);
            match groups.iter_mut().find(|(other, of, _)| *other == then && *of == reason) {
                Some((.., numbers)) => numbers.push(*number),
                None => groups.push((then, reason, vec![*number])),
            }
        }
        for (then, reason, numbers) in groups {
            if let Some(part) = self.memory.take_out(ticket, &numbers) {
                self.go_on(part, then, reason, noted, fx);
            }
        }
        // Nothing was noted of these: they were not the attempt's any more.
        self.memory.remove(ticket);
        if before != 0 {
            self.watches.leave(before);
        }
        self.serve_line(fx);
    }

    /// Where a recipient goes on: as was noted, unless the operator has said otherwise since
    /// the attempt began.
    fn then(&mut self, noted: &Noted<'_>, number: u32, fate: &Fate) -> Then {
        let mark = match self.marks.is_empty() {
            true => None,
            false => self.marks.remove(&(noted.loaded.id, number)),
        };
        let tick = self.tick();
        match (fate, mark) {
            (Fate::Final(_), _) | (_, Some(Change::Cancel { .. })) => Then::Gone,
            (_, Some(Change::Retry { at } | Change::Release { at })) => Then::Wait(self.tick_of(at)),
            (Fate::Held, _) | (_, Some(Change::Hold)) => Then::Hold,
            (Fate::Again { .. }, None) => {
                let wait =
                    noted.again.iter().find(|(of, _)| *of == number).map_or(0, |(_, wait)| wait.as_secs());
                // Rather a second late than early.
                let wait = wait.saturating_add(u64::from(wait > 0));
                Then::Wait(tick.saturating_add(u32::try_from(wait).unwrap_or(u32::MAX)))
            }
        }
    }

    fn go_on(
        &mut self,
        ticket: Ticket,
        then: Then,
        reason: Option<&str>,
        noted: &Noted<'_>,
        fx: &mut Effects,
    ) {
        let id = self.memory.reasons.intern(reason);
        self.memory.set_reason(ticket, id);
        match then {
            Then::Gone => self.memory.remove(ticket),
            Then::Hold => {
                self.memory.put(ticket, Place::Held);
            }
            Then::Wait(due) => {
                let Some(ticket) = self.wait(ticket, due, fx) else { return };
                if let (Some(reason), Some(way)) = (reason.filter(|r| is_watched(r)), noted.way) {
                    self.watch(ticket, reason, noted.loaded, way, fx);
                }
            }
        }
    }

    fn watch(&mut self, ticket: Ticket, reason: &str, loaded: &Loaded, way: &Way, fx: &mut Effects) {
        let wishes = Wishes::of(&loaded.envelope);
        let key = Key::of(&way.site, &way.domain, &way.route, wishes, reason);
        let now = self.clock.now();
        let cause = Cause {
            domain: Arc::clone(&way.domain),
            sender: loaded.envelope.sender.as_str().into(),
            wishes,
            message: loaded.id,
            reason: reason.into(),
            since: now.wall,
        };
        let (id, began) = self.watches.join(key, cause, now.tick, &mut self.chance);
        self.memory.set_watch(ticket, id);
        fx.wake |= self.watches.next_due().is_some_and(|due| due < self.wakes_at);
        if began {
            fx.tells.push(Tell::Watching {
                site: Arc::clone(&way.site),
                domain: Arc::clone(&way.domain),
                reason: reason.into(),
            });
        }
    }

    /// What became of a bundle's recipients cannot be noted any more. The bundle stays busy for
    /// good, so that it is not tried again by this process.
    pub(super) fn abandon(&mut self) {
        self.settling -= 1;
    }

    /// A bundle has nobody to be tried.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.leave_watch(ticket);
        if let Some(message) = self.memory.get(ticket).map(|bundle| bundle.message)
            && !self.marks.is_empty()
        {
            for number in self.memory.numbers(ticket) {
                self.marks.remove(&(message, *number));
            }
        }
        self.memory.remove(ticket);
    }

    /// Of a bundle's recipients these are final by now, and these set aside, as the spool has
    /// it. Returns the bundle of the others, if there are any.
    pub(super) fn prune(
        &mut self,
        turn: &Turn,
        gone: &[u32],
        held: &[u32],
        fx: &mut Effects,
    ) -> Option<Ticket> {
        let mut ticket = Some(turn.ticket);
        for (numbers, hold) in [(gone, false), (held, true)] {
            let Some(whole) = ticket.filter(|_| !numbers.is_empty()) else { continue };
            let part = self.memory.take_out(whole, numbers)?;
            if self.memory.get(whole).is_none() {
                ticket = None;
            }
            if hold {
                self.leave_watch(part);
                self.memory.put(part, Place::Held);
            } else {
                self.forget(part);
            }
        }
        self.catch_up(turn.message, fx);
        ticket
    }

    /// A bundle's message or body could not be read: later.
    pub(super) fn unreadable(&mut self, message: MessageId, ticket: Ticket, fx: &mut Effects) {
        let due = self.tick().saturating_add(READ_AGAIN);
        self.wait(ticket, due, fx);
        self.catch_up(message, fx);
    }

    pub(super) fn leave_watch(&mut self, ticket: Ticket) {
        let watch = self.memory.set_watch(ticket, 0);
        if watch != 0 {
            self.watches.leave(watch);
        }
    }

    /// The tick of a time of the wall clock; now, where it has passed.
    pub(super) fn tick_of(&self, at: i64) -> u32 {
        let now = self.clock.now();
        let wait = at.saturating_sub(now.wall).max(0);
        now.tick.saturating_add(u32::try_from(wait).unwrap_or(u32::MAX))
    }
}
