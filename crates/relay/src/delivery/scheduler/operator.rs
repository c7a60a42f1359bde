//! What an operator asks of the queue.

use std::{collections::HashMap, sync::Arc};

use waxseal_store::spool::{Change, Changed, MessageId};

use super::core::{Core, Effects};
use crate::delivery::memory::{Place, Ticket};

impl Core {
    /// Follows what was changed in the spool.
    pub(super) fn changed(&mut self, changed: &[Changed], change: Change, fx: &mut Effects) {
        let mut by_message: HashMap<MessageId, Vec<u32>> = HashMap::new();
        for one in changed {
            by_message.entry(one.id()).or_default().push(one.number);
        }
        for (message, numbers) in by_message {
            for ticket in self.memory.of(message) {
                self.change(message, ticket, &numbers, change, fx);
            }
        }
    }

    fn change(
        &mut self,
        message: MessageId,
        ticket: Ticket,
        numbers: &[u32],
        change: Change,
        fx: &mut Effects,
    ) {
        let Some(place) = self.memory.get(ticket).map(|bundle| bundle.place()) else { return };
        let meant: Vec<u32> =
            self.memory.numbers(ticket).iter().copied().filter(|n| numbers.contains(n)).collect();
        if meant.is_empty() {
            return;
        }
        if place == Place::Busy {
            self.marks.extend(meant.into_iter().map(|number| ((message, number), change)));
            return;
        }
        match (change, place) {
            (Change::Retry { at }, Place::Waiting) | (Change::Release { at }, Place::Held) => {
                let due = self.tick_of(at);
                if let Some(part) = self.apart(ticket, &meant) {
                    self.wait(part, due, fx);
                }
            }
            (Change::Retry { .. }, Place::Ready) => self.hurry_site_of(ticket, fx),
            (Change::Hold, Place::Waiting | Place::Ready) => {
                if let Some(part) = self.apart(ticket, &meant) {
                    self.leave_watch(part);
                    self.memory.put(part, Place::Held);
                }
            }
            (Change::Cancel { .. }, _) => {
                if let Some(part) = self.apart(ticket, &meant) {
                    self.forget(part);
                }
            }
            _ => {}
        }
    }

    /// Bundles of a message are not busy any more, and nothing was noted of them: what the
    /// operator asked for meanwhile is done now.
    pub(super) fn catch_up(&mut self, message: MessageId, fx: &mut Effects) {
        if self.marks.is_empty() {
            return;
        }
        for ticket in self.memory.of(message) {
            if self.memory.get(ticket).is_none_or(|bundle| bundle.place() == Place::Busy) {
                continue;
            }
            let numbers = self.memory.numbers(ticket).to_vec();
            let marked: Vec<(u32, Change)> = numbers
                .into_iter()
                .filter_map(|number| Some((number, self.marks.remove(&(message, number))?)))
                .collect();
            for (number, change) in marked {
                for ticket in self.memory.of(message) {
                    self.change(message, ticket, &[number], change, fx);
                }
            }
        }
    }

    /// The part of a bundle with these recipients; the watch is theirs as well.
    fn apart(&mut self, ticket: Ticket, numbers: &[u32]) -> Option<Ticket> {
        let watch = self.memory.get(ticket)?.watch;
        let part = self.memory.take_out(ticket, numbers)?;
        if self.memory.get(part).is_some_and(|bundle| bundle.watch == 0) && watch != 0 {
            self.watches.stay(watch);
            self.memory.set_watch(part, watch);
        }
        Some(part)
    }

    fn hurry_site_of(&mut self, ticket: Ticket, fx: &mut Effects) {
        let domain = self.memory.get(ticket).map(|bundle| bundle.domain);
        let site = domain.and_then(|id| self.memory.domains.get(id)?.site.clone());
        if let Some(site) = site {
            self.hurry_site(&site, fx);
        }
    }

    fn hurry_site(&mut self, key: &Arc<str>, fx: &mut Effects) {
        if let Some(site) = self.sites.get_mut(key) {
            site.breaker.hurry();
            self.fill(key, fx);
        }
    }

    /// Tries all that waits for a site, or for a domain, now. Returns how many recipients.
    pub(super) fn retry_site(&mut self, name: &str, fx: &mut Effects) -> usize {
        let tick = self.tick();
        let found: Vec<Ticket> = self
            .memory
            .all()
            .filter(|(_, bundle)| bundle.place() == Place::Waiting)
            .filter(|(_, bundle)| {
                let domain = self.memory.domains.get(bundle.domain);
                domain.is_some_and(|d| &*d.name == name || d.site.as_deref() == Some(name))
            })
            .map(|(ticket, _)| ticket)
            .collect();
        let mut released = 0;
        for ticket in found {
            released += self.memory.numbers(ticket).len();
            self.wait(ticket, tick, fx);
        }
        let of_domain =
            self.memory.domains.find(name).and_then(|id| self.memory.domains.get(id)?.site.clone());
        let named = self.sites.get_key_value(name).map(|(key, _)| Arc::clone(key));
        for site in [of_domain, named].into_iter().flatten() {
            self.hurry_site(&site, fx);
        }
        released
    }
}
