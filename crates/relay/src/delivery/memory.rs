//! The queue as the scheduler has it in mind: every recipient that is not final, in some tens
//! of bytes.
//!
//! The unit is a *bundle*: recipients of one message and one domain that are tried together.
//! Addresses, envelopes and bodies are not here; they come with the message, or are read when
//! a bundle's turn has come.
//!
//! A bundle is in one [`Place`] at a time. A [`Ticket`] names a bundle since it came into its
//! place: when the bundle moves on, or is gone, the ticket is void. So whoever has an old
//! ticket, in a line or in the heap of what is due, can do no harm with it.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use waxseal_store::spool::MessageId;

use super::{
    domains::{DomainId, Domains},
    reason_ids::{ReasonId, Reasons},
};

/// Where a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Until it is due.
    Waiting,
    /// Due: until it has a way and a connection.
    Ready,
    /// Being tried, or what came of it is being noted.
    Busy,
    /// Set aside.
    Held,
}

/// Names a bundle since it came into its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket {
    slot: u32,
    generation: u32,
}

/// The watch that a bundle waits for; 0 is none.
pub(crate) type WatchId = u32;

const NONE: u32 = u32::MAX;

/// Recipients of one message and one domain. There may be millions: mind its size.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// Of which message.
    pub(crate) message: MessageId,
    /// Which domain.
    pub(crate) domain: DomainId,
    /// The watch that it waits for.
    pub(crate) watch: WatchId,
    /// When it is due, while it is waiting.
    pub(crate) due: u32,
    /// The one number; where there are several, they are kept aside.
    number: u32,
    /// The message's next bundle, or the next free slot.
    sibling: u32,
    generation: u32,
    /// The reason of the last attempt.
    pub(crate) reason: ReasonId,
    /// None: the slot is free.
    place: Option<Place>,
    several: bool,
}

impl Bundle {
    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        self.place.unwrap_or(Place::Held)
    }
}

/// A bundle to be remembered.
#[derive(Debug)]
pub(crate) struct NewBundle {
    /// Of which message.
    pub(crate) message: MessageId,
    /// Which domain.
    pub(crate) domain: DomainId,
    /// Its recipients' numbers, at least one.
    pub(crate) numbers: Vec<u32>,
    /// The reason of the last attempt.
    pub(crate) reason: ReasonId,
    /// Where it begins: not [`Place::Waiting`], which [`Memory::wait`] makes of it.
    pub(crate) place: Place,
}

/// How many recipients there are in each place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) waiting: usize,
    pub(crate) ready: usize,
    pub(crate) busy: usize,
    pub(crate) held: usize,
}

impl Counts {
    fn of(&mut self, place: Place) -> &mut usize {
        match place {
            Place::Waiting => &mut self.waiting,
            Place::Ready => &mut self.ready,
            Place::Busy => &mut self.busy,
            Place::Held => &mut self.held,
        }
    }
}

/// All bundles.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    bundles: Vec<Bundle>,
    free: Option<u32>,
    /// Numbers of the bundles that have several, by slot.
    several: HashMap<u32, Box<[u32]>>,
    /// The first bundle of each message.
    messages: HashMap<MessageId, u32>,
    /// What waits: tick, slot, generation.
    due: BinaryHeap<Reverse<(u32, u32, u32)>>,
    /// Bundles that wait: fewer than the heap has where some were moved.
    waiting: usize,
    counts: Counts,
    /// The domains.
    pub(crate) domains: Domains,
    /// The reasons.
    pub(crate) reasons: Reasons,
}

impl Memory {
    /// Remembers a bundle.
    pub(crate) fn add(&mut self, new: NewBundle) -> Ticket {
        let slot = self.free_slot();
        let first = self.messages.insert(new.message, slot);
        self.domains.hold(new.domain);
        *self.counts.of(new.place) += new.numbers.len();
        let (number, several) = match new.numbers.as_slice() {
            [one] => (*one, false),
            _ => (0, true),
        };
        if several {
            self.several.insert(slot, new.numbers.into_boxed_slice());
        }
        let Some(bundle) = self.bundles.get_mut(slot as usize) else {
            return Ticket { slot, generation: NONE };
        };
        let generation = bundle.generation;
        *bundle = Bundle {
            message: new.message,
            domain: new.domain,
            watch: 0,
            due: 0,
            number,
            sibling: first.unwrap_or(NONE),
            generation,
            reason: new.reason,
            place: Some(new.place),
            several,
        };
        Ticket { slot, generation }
    }

    fn free_slot(&mut self) -> u32 {
        if let Some(slot) = self.free {
            let next = self.bundles.get(slot as usize).map_or(NONE, |bundle| bundle.sibling);
            self.free = (next != NONE).then_some(next);
            return slot;
        }
        let slot = u32::try_from(self.bundles.len()).unwrap_or(NONE);
        self.bundles.push(Bundle {
            message: MessageId(0),
            domain: DomainId::default(),
            watch: 0,
            due: 0,
            number: 0,
            sibling: NONE,
            generation: 0,
            reason: ReasonId::default(),
            place: None,
            several: false,
        });
        slot
    }

    /// The bundle, unless the ticket is void.
    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Bundle> {
        self.bundles
            .get(ticket.slot as usize)
            .filter(|bundle| bundle.generation == ticket.generation && bundle.place.is_some())
    }

    fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Bundle> {
        self.bundles
            .get_mut(ticket.slot as usize)
            .filter(|bundle| bundle.generation == ticket.generation && bundle.place.is_some())
    }

    /// The numbers of its recipients; none where the ticket is void.
    pub(crate) fn numbers(&self, ticket: Ticket) -> &[u32] {
        match self.get(ticket) {
            None => &[],
            Some(bundle) if bundle.several => self.several.get(&ticket.slot).map_or(&[], |all| all),
            Some(bundle) => std::slice::from_ref(&bundle.number),
        }
    }

    /// Puts a bundle elsewhere. The ticket given is void from then on.
    pub(crate) fn put(&mut self, ticket: Ticket, place: Place) -> Option<Ticket> {
        let size = self.numbers(ticket).len();
        let bundle = self.get_mut(ticket)?;
        let before = bundle.place();
        bundle.place = Some(place);
        bundle.generation = bundle.generation.wrapping_add(1);
        let generation = bundle.generation;
        *self.counts.of(before) -= size;
        *self.counts.of(place) += size;
        self.waiting -= usize::from(before == Place::Waiting);
        self.waiting += usize::from(place == Place::Waiting);
        Some(Ticket { slot: ticket.slot, generation })
    }

    /// Lets a bundle wait until a tick.
    pub(crate) fn wait(&mut self, ticket: Ticket, due: u32) -> Option<Ticket> {
        let ticket = self.put(ticket, Place::Waiting)?;
        self.get_mut(ticket)?.due = due;
        if self.due.len() > 2 * self.waiting + 1024 {
            self.sweep();
        }
        self.due.push(Reverse((due, ticket.slot, ticket.generation)));
        Some(ticket)
    }

    /// Drops from the heap what has moved on.
    fn sweep(&mut self) {
        let mut due = std::mem::take(&mut self.due).into_vec();
        due.retain(|Reverse((_, slot, generation))| {
            self.get(Ticket { slot: *slot, generation: *generation }).is_some()
        });
        self.due = due.into();
    }

    /// When the next bundle is due.
    pub(crate) fn next_due(&mut self) -> Option<u32> {
        while let Some(Reverse((due, slot, generation))) = self.due.peek().copied() {
            if self.get(Ticket { slot, generation }).is_some() {
                return Some(due);
            }
            self.due.pop();
        }
        None
    }

    /// The bundle that was due first, by `now`; it is [ready](Place::Ready) from then on.
    pub(crate) fn pop_due(&mut self, now: u32) -> Option<Ticket> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((_, slot, generation)) = self.due.pop()?;
        self.put(Ticket { slot, generation }, Place::Ready)
    }

    /// Forgets a bundle.
    pub(crate) fn remove(&mut self, ticket: Ticket) {
        let size = self.numbers(ticket).len();
        let Some(bundle) = self.get_mut(ticket) else { return };
        let (message, domain, place, sibling) =
            (bundle.message, bundle.domain, bundle.place(), bundle.sibling);
        bundle.place = None;
        bundle.generation = bundle.generation.wrapping_add(1);
        let several = std::mem::take(&mut bundle.several);
        *self.counts.of(place) -= size;
        self.waiting -= usize::from(place == Place::Waiting);
        if several {
            self.several.remove(&ticket.slot);
        }
        self.unlink(message, ticket.slot, sibling);
        self.domains.release(domain);
        if let Some(bundle) = self.bundles.get_mut(ticket.slot as usize) {
            bundle.sibling = self.free.unwrap_or(NONE);
        }
        self.free = Some(ticket.slot);
    }

    /// Takes a slot out of its message's chain.
    fn unlink(&mut self, message: MessageId, slot: u32, next: u32) {
        let Some(first) = self.messages.get_mut(&message) else { return };
        if *first == slot {
            if next == NONE {
                self.messages.remove(&message);
            } else {
                *first = next;
            }
            return;
        }
        let mut at = *first;
        while let Some(bundle) = self.bundles.get_mut(at as usize) {
            if bundle.sibling == slot {
                bundle.sibling = next;
                return;
            }
            at = bundle.sibling;
        }
    }

    /// True if there are bundles of this message.
    pub(crate) fn knows(&self, message: MessageId) -> bool {
        self.messages.contains_key(&message)
    }

    /// All bundles of a message.
    pub(crate) fn of(&self, message: MessageId) -> Vec<Ticket> {
        let mut found = Vec::new();
        let mut at = self.messages.get(&message).copied().unwrap_or(NONE);
        while let Some(bundle) = self.bundles.get(at as usize) {
            found.push(Ticket { slot: at, generation: bundle.generation });
            at = bundle.sibling;
        }
        found
    }

    /// Takes recipients out of a bundle into one of their own, in the same place but not in
    /// the heap. Where no other is left, the bundle itself is returned, its ticket renewed.
    pub(crate) fn take_out(&mut self, ticket: Ticket, taken: &[u32]) -> Option<Ticket> {
        let (out, left): (Vec<u32>, Vec<u32>) =
            self.numbers(ticket).iter().partition(|number| taken.contains(number));
        let bundle = self.get(ticket)?;
        let (message, domain, reason, place) = (bundle.message, bundle.domain, bundle.reason, bundle.place());
        if out.is_empty() {
            return None;
        }
        if left.is_empty() {
            return self.put(ticket, place);
        }
        *self.counts.of(place) -= out.len();
        let bundle = self.get_mut(ticket)?;
        match left.as_slice() {
            [one] => {
                bundle.number = *one;
                bundle.several = false;
                self.several.remove(&ticket.slot);
            }
            _ => {
                self.several.insert(ticket.slot, left.into_boxed_slice());
            }
        }
        self.waiting += usize::from(place == Place::Waiting);
        Some(self.add(NewBundle { message, domain, numbers: out, reason, place }))
    }

    /// Notes the reason of the last attempt.
    pub(crate) fn set_reason(&mut self, ticket: Ticket, reason: ReasonId) {
        if let Some(bundle) = self.get_mut(ticket) {
            bundle.reason = reason;
        }
    }

    /// Notes the watch that it waits for; returns the one before.
    pub(crate) fn set_watch(&mut self, ticket: Ticket, watch: WatchId) -> WatchId {
        self.get_mut(ticket).map_or(0, |bundle| std::mem::replace(&mut bundle.watch, watch))
    }

    /// All bundles, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Ticket, &Bundle)> {
        self.bundles.iter().enumerate().filter(|(_, bundle)| bundle.place.is_some()).map(|(slot, bundle)| {
            let slot = u32::try_from(slot).unwrap_or(NONE);
            (Ticket { slot, generation: bundle.generation }, bundle)
        })
    }

    /// Recipients by place.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn add(memory: &mut Memory, message: u64, numbers: &[u32], place: Place) -> Ticket {
        let domain = memory.domains.intern("example.com");
        let reason = ReasonId::default();
        memory.add(NewBundle {
            message: MessageId(message),
            domain,
            numbers: numbers.to_vec(),
            reason,
            place,
        })
    }

    #[test]
    fn a_bundle_is_small() {
        assert!(size_of::<Bundle>() <= 40, "{}", size_of::<Bundle>());
        assert_eq!(size_of::<Reverse<(u32, u32, u32)>>(), 12);
    }

    #[test]
    fn comes_out_in_the_order_in_which_it_is_due() {
        let mut memory = Memory::default();
        for (message, due) in [(1, 30), (2, 10), (3, 20)] {
            let ticket = add(&mut memory, message, &[0], Place::Ready);
            memory.wait(ticket, due);
        }
        assert_eq!(memory.next_due(), Some(10));
        assert_eq!(memory.pop_due(9), None);
        let mut order = Vec::new();
        while let Some(ticket) = memory.pop_due(25) {
            order.push(memory.get(ticket).unwrap().message.0);
        }
        assert_eq!(order, [2, 3]);
        assert_eq!(memory.counts(), Counts { waiting: 1, ready: 2, ..Counts::default() });
    }

    #[test]
    fn an_old_handle_is_void() {
        let mut memory = Memory::default();
        let ready = add(&mut memory, 1, &[0], Place::Ready);
        let busy = memory.put(ready, Place::Busy).unwrap();
        assert!(memory.get(ready).is_none());
        assert_eq!(memory.put(ready, Place::Held), None);
        memory.remove(busy);
        let other = add(&mut memory, 2, &[0], Place::Ready);
        assert_eq!(other.slot, busy.slot, "the slot is used again");
        assert!(memory.get(busy).is_none() && memory.get(ready).is_none());
        assert_eq!(memory.get(other).unwrap().message, MessageId(2));
    }

    #[test]
    fn what_was_moved_does_not_come_out_at_its_old_time() {
        let mut memory = Memory::default();
        let ticket = add(&mut memory, 1, &[0], Place::Ready);
        let ticket = memory.wait(ticket, 10).unwrap();
        memory.wait(ticket, 50);
        assert_eq!(memory.pop_due(49), None);
        assert!(memory.pop_due(50).is_some());
    }

    #[test]
    fn moving_over_and_over_does_not_fill_the_heap() {
        let mut memory = Memory::default();
        let mut ticket = add(&mut memory, 1, &[0], Place::Ready);
        for due in 0..10_000 {
            ticket = memory.wait(ticket, due).unwrap();
        }
        assert!(memory.due.len() < 2000, "{}", memory.due.len());
        assert_eq!(memory.next_due(), Some(9999));
    }

    #[test]
    fn recipients_can_be_taken_out() {
        let mut memory = Memory::default();
        let all = add(&mut memory, 1, &[3, 4, 7], Place::Held);
        let out = memory.take_out(all, &[4, 9]).unwrap();
        assert_eq!(memory.numbers(all), [3, 7]);
        assert_eq!(memory.numbers(out), [4]);
        assert_eq!(memory.of(MessageId(1)).len(), 2);
        let rest = memory.take_out(all, &[3]).unwrap();
        assert_eq!((memory.numbers(all), memory.numbers(rest)), (&[7][..], &[3][..]));
        assert_eq!(memory.counts().held, 3);
        assert_eq!(memory.take_out(all, &[1]), None);
        let same = memory.take_out(all, &[7]).unwrap();
        assert!(memory.get(all).is_none());
        assert_eq!(memory.numbers(same), [7]);
    }

    /// What the memory should contain, the simple way.
    type Model = Vec<(u64, Vec<u32>, Place, Ticket)>;

    proptest! {
        /// Whatever is done to it, it agrees with a plain list.
        #[test]
        fn agrees_with_a_plain_list(steps in proptest::collection::vec((0u8..7, 0u64..4, any::<u16>()), 1..200)) {
            let mut memory = Memory::default();
            let mut model: Model = Vec::new();
            for (step, message, pick) in steps {
                let at = usize::from(pick) % model.len().max(1);
                match step {
                    0 | 1 => {
                        let numbers: Vec<u32> = (0..u32::from(pick % 4) + 1).collect();
                        let ticket = add(&mut memory, message, &numbers, Place::Ready);
                        model.push((message, numbers, Place::Ready, ticket));
                    }
                    2 if !model.is_empty() => {
                        memory.remove(model.remove(at).3);
                    }
                    3 if !model.is_empty() => {
                        model[at].2 = Place::Waiting;
                        model[at].3 = memory.wait(model[at].3, u32::from(pick)).unwrap();
                    }
                    4 if !model.is_empty() => {
                        model[at].2 = Place::Busy;
                        model[at].3 = memory.put(model[at].3, Place::Busy).unwrap();
                    }
                    5 => if let Some(ticket) = memory.pop_due(u32::from(pick)) {
                        let numbers = memory.numbers(ticket).to_vec();
                        let found = memory.get(ticket).unwrap().message.0;
                        let entry = model.iter_mut().find(|entry| {
                            entry.3.slot == ticket.slot && entry.2 == Place::Waiting
                        }).unwrap();
                        prop_assert_eq!((entry.0, &entry.1), (found, &numbers));
                        (entry.2, entry.3) = (Place::Ready, ticket);
                    }
                    6 if !model.is_empty() && model[at].1.len() > 1 => {
                        let taken = model[at].1.remove(0);
                        let out = memory.take_out(model[at].3, &[taken]).unwrap();
                        let out = memory.put(out, Place::Held).unwrap();
                        model.push((model[at].0, vec![taken], Place::Held, out));
                    }
                    _ => {}
                }
            }
            for (message, numbers, place, ticket) in &model {
                let bundle = memory.get(*ticket).unwrap();
                prop_assert_eq!((bundle.message.0, bundle.place()), (*message, *place));
                prop_assert_eq!(memory.numbers(*ticket), numbers.as_slice());
                prop_assert!(memory.of(MessageId(*message)).contains(ticket));
            }
            prop_assert_eq!(memory.all().count(), model.len());
            let waiting: usize = model.iter().filter(|e| e.2 == Place::Waiting).map(|e| e.1.len()).sum();
            prop_assert_eq!(memory.counts().waiting, waiting);
            prop_assert_eq!(memory.next_due().is_some(), waiting > 0);
            for (_, _, _, ticket) in model {
                memory.remove(ticket);
            }
            prop_assert_eq!(memory.counts(), Counts::default());
            prop_assert!(memory.messages.is_empty() && memory.several.is_empty());
        }
    }
}
