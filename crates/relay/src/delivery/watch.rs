//! Sites that keep mail waiting for want of TLS, and when each is asked whether it has it by
//! now.
//!
//! A *watch* stands for one site and one level of requirement; where the reason is one
//! domain's policy, for that domain. It begins with the first recipient that waits for it and
//! ends with the last, or when a probe passes. One probe at a time is made for a watch, at
//! intervals that grow from the first to the longest setting.
//!
//! After a restart only the reasons are known. Then a watch is *provisional*: it stands for a
//! domain, until the first look at its route tells which site that is. If that site has a
//! watch already, the provisional one becomes another name for it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::sync::oneshot;
use waxseal_judge::delivery::Level;
use waxseal_store::spool::MessageId;

use super::{chance::Chance, clock::Moment, memory::WatchId, reason_ids::is_of_one_domain, snapshot::Probed};
use crate::route::{Route, Wishes};

/// What a watch stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The site.
    pub(crate) site: Arc<str>,
    level: Level,
    wishes: Wishes,
    /// The domain, where the reason is its own.
    domain: Option<Arc<str>>,
}

impl Key {
    /// For what mail with these wishes waits that was deferred on this route for this reason.
    pub(crate) fn of(
        site: &Arc<str>,
        domain: &Arc<str>,
        route: &Route,
        wishes: Wishes,
        reason: &str,
    ) -> Self {
        let level = route.hops.iter().map(|hop| hop.requirement(wishes).level()).max().unwrap_or(Level::None);
        let own = is_of_one_domain(reason) || matches!(level, Level::Secure | Level::Fingerprint);
        Self { site: Arc::clone(site), level, wishes, domain: own.then(|| Arc::clone(domain)) }
    }

    /// The level of the requirement.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// True if it stands for one domain, whoever else shares the site.
    pub(crate) fn is_of_one_domain(&self) -> bool {
        self.domain.is_some()
    }
}

/// Why a bundle waits for a watch.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    /// The domain that will be probed.
    pub(crate) domain: Arc<str>,
    /// On behalf of this sender: the operator's rules may ask for it.
    pub(crate) sender: Box<str>,
    /// And with these wishes.
    pub(crate) wishes: Wishes,
    /// A message that waits.
    pub(crate) message: MessageId,
    /// The reason.
    pub(crate) reason: Box<str>,
    /// Since when, by the wall clock.
    pub(crate) since: i64,
}

/// One watch.
#[derive(Debug)]
pub(crate) struct Watch {
    /// None while it is provisional.
    pub(crate) key: Option<Key>,
    /// Why.
    pub(crate) cause: Cause,
    /// Bundles that wait.
    pub(crate) bundles: usize,
    /// When it is probed next.
    pub(crate) due: u32,
    /// It is being probed.
    pub(crate) probing: bool,
    /// Probes that failed.
    pub(crate) probes: u32,
    /// When the last one ended, and what it said.
    pub(crate) last: Option<(i64, String)>,
    serial: u64,
    waiters: Vec<oneshot::Sender<Probed>>,
}

#[derive(Debug)]
enum Slot {
    Free,
    Live(Box<Watch>),
    /// Another name for a watch, for so many bundles.
    Alias {
        to: WatchId,
        bundles: usize,
    },
}

/// A probe to be made.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    id: WatchId,
    serial: u64,
    /// Why, and of what.
    pub(crate) cause: Cause,
    /// Only the reason and a message are known.
    pub(crate) provisional: bool,
}

/// What a look at the route told of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It is to be probed.
    Probe,
    /// Its site has a watch, which it now belongs to.
    Joined,
    /// It has ended meanwhile.
    Ended,
}

/// How many failed releases are remembered.
const MOST_RELAPSES: usize = 1000;
/// And for how long.
const RELAPSE_COUNTS: u32 = 3 * 3600;

/// All watches.
#[derive(Debug)]
pub(crate) struct Watches {
    slots: Vec<Slot>,
    free: Vec<WatchId>,
    by_key: HashMap<Key, WatchId>,
    /// Provisional ones.
    by_domain: HashMap<Arc<str>, WatchId>,
    due: BTreeSet<(u32, WatchId)>,
    serial: u64,
    intervals: [Duration; 2],
    /// Watches that passed lately: when, and how often running. Where mail is deferred again
    /// although the probe had passed, the next one waits longer each time.
    passed: HashMap<Key, (u32, u32)>,
}

impl Watches {
    /// With the first interval and the longest.
    pub(crate) fn new(intervals: [Duration; 2]) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            by_domain: HashMap::new(),
            due: BTreeSet::new(),
            serial: 0,
            intervals,
            passed: HashMap::new(),
        }
    }

    fn slot(&self, id: WatchId) -> Option<&Slot> {
        self.slots.get((id as usize).checked_sub(1)?)
    }

    fn slot_mut(&mut self, id: WatchId) -> Option<&mut Slot> {
        self.slots.get_mut((id as usize).checked_sub(1)?)
    }

    /// The watch that an id means by now; 0 for none.
    pub(crate) fn resolve(&self, mut id: WatchId) -> WatchId {
        while let Some(Slot::Alias { to, .. }) = self.slot(id) {
            id = *to;
        }
        id
    }

    /// The watch of an id, by whatever name.
    pub(crate) fn get(&self, id: WatchId) -> Option<&Watch> {
        match self.slot(self.resolve(id))? {
            Slot::Live(watch) => Some(watch),
            _ => None,
        }
    }

    fn get_mut(&mut self, id: WatchId) -> Option<&mut Watch> {
        let id = self.resolve(id);
        match self.slot_mut(id)? {
            Slot::Live(watch) => Some(watch),
            _ => None,
        }
    }

    /// All watches.
    pub(crate) fn all(&self) -> impl Iterator<Item = (WatchId, &Watch)> {
        self.slots.iter().zip(1..).filter_map(|(slot, id)| match slot {
            Slot::Live(watch) => Some((id, &**watch)),
            _ => None,
        })
    }

    /// A bundle waits from now on. True with the id if the watch begins with it.
    pub(crate) fn join(&mut self, key: Key, cause: Cause, now: u32, chance: &mut Chance) -> (WatchId, bool) {
        if let Some(id) = self.by_key.get(&key).copied() {
            if let Some(watch) = self.get_mut(id) {
                watch.bundles += 1;
            }
            return (id, false);
        }
        let relapses = self.passed.get(&key).map_or(0, |(_, times)| *times);
        let first = self.intervals[0].saturating_mul(1 << relapses.min(6));
        let wait = chance.near(first, 10);
        let id = self.begin(Some(key.clone()), cause, now, wait);
        self.by_key.insert(key, id);
        (id, true)
    }

    /// Likewise, where only the domain is known.
    pub(crate) fn join_by_domain(&mut self, cause: Cause, now: u32, chance: &mut Chance) -> WatchId {
        if let Some(id) = self.by_domain.get(&cause.domain).copied() {
            if let Some(watch) = self.get_mut(id) {
                watch.bundles += 1;
            }
            return id;
        }
        // At any time within the first interval: there may be thousands.
        let wait = chance.near(self.intervals[0] / 2, 1);
        let domain = Arc::clone(&cause.domain);
        let id = self.begin(None, cause, now, wait);
        self.by_domain.insert(domain, id);
        id
    }

    fn begin(&mut self, key: Option<Key>, cause: Cause, now: u32, wait: Duration) -> WatchId {
        self.serial += 1;
        let due = later(now, wait);
        let watch = Watch {
            key,
            cause,
            bundles: 1,
            due,
            probing: false,
            probes: 0,
            last: None,
            serial: self.serial,
            waiters: Vec::new(),
        };
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                self.slots.push(Slot::Free);
                WatchId::try_from(self.slots.len()).unwrap_or(WatchId::MAX)
            }
        };
        if let Some(slot) = self.slot_mut(id) {
            *slot = Slot::Live(Box::new(watch));
        }
        self.due.insert((due, id));
        id
    }

    /// One more bundle waits, having been part of one that does.
    pub(crate) fn stay(&mut self, id: WatchId) {
        let mut at = id;
        while let Some(Slot::Alias { to, bundles }) = self.slot_mut(at) {
            *bundles += 1;
            at = *to;
        }
        if let Some(watch) = self.get_mut(at) {
            watch.bundles += 1;
        }
    }

    /// A bundle waits no longer. With the last one the watch ends.
    pub(crate) fn leave(&mut self, id: WatchId) {
        let mut at = id;
        while let Some(Slot::Alias { to, bundles }) = self.slot_mut(at) {
            *bundles = bundles.saturating_sub(1);
            let (to, gone) = (*to, *bundles == 0);
            if gone {
                self.vacate(at);
            }
            at = to;
        }
        let Some(watch) = self.get_mut(at) else { return };
        watch.bundles = watch.bundles.saturating_sub(1);
        if watch.bundles > 0 {
            return;
        }
        let (key, domain, due) = (watch.key.take(), Arc::clone(&watch.cause.domain), watch.due);
        match key {
            Some(key) => {
                self.by_key.remove(&key);
            }
            None => {
                self.by_domain.remove(&domain);
            }
        }
        self.due.remove(&(due, at));
        self.vacate(at);
    }

    fn vacate(&mut self, id: WatchId) {
        if let Some(slot) = self.slot_mut(id) {
            *slot = Slot::Free;
            self.free.push(id);
        }
    }

    /// When the next probe is due.
    pub(crate) fn next_due(&self) -> Option<u32> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The probe that has been due for longest.
    pub(crate) fn take_due(&mut self, now: u32) -> Option<Order> {
        let (due, id) = self.due.first().copied().filter(|(due, _)| *due <= now)?;
        self.due.remove(&(due, id));
        let watch = self.get_mut(id)?;
        watch.probing = true;
        Some(Order { id, serial: watch.serial, cause: watch.cause.clone(), provisional: watch.key.is_none() })
    }

    fn ordered(&mut self, order: &Order) -> Option<&mut Watch> {
        match self.slot_mut(order.id)? {
            Slot::Live(watch) if watch.serial == order.serial => Some(watch),
            _ => None,
        }
    }

    /// The route was looked up for a probe: this is what the watch stands for now.
    pub(crate) fn identify(&mut self, order: &Order, key: Key) -> Identity {
        let Some(watch) = self.ordered(order) else { return Identity::Ended };
        watch.cause = order.cause.clone();
        if watch.key.as_ref() == Some(&key) {
            return Identity::Probe;
        }
        let old = watch.key.replace(key.clone());
        let bundles = watch.bundles;
        let waiters = std::mem::take(&mut watch.waiters);
        match old {
            Some(old) => {
                self.by_key.remove(&old);
            }
            None => {
                self.by_domain.remove(&order.cause.domain);
            }
        }
        let Some(other) = self.by_key.get(&key).copied() else {
            self.by_key.insert(key, order.id);
            if let Some(watch) = self.ordered(order) {
                watch.waiters = waiters;
            }
            return Identity::Probe;
        };
        if let Some(slot) = self.slot_mut(order.id) {
            *slot = Slot::Alias { to: other, bundles };
        }
        if let Some(watch) = self.get_mut(other) {
            watch.bundles += bundles;
            watch.cause.since = watch.cause.since.min(order.cause.since);
            watch.waiters.extend(waiters);
        }
        Identity::Joined
    }

    /// A probe failed: the next one is due after a while.
    pub(crate) fn failed(&mut self, order: &Order, said: &str, at: Moment, chance: &mut Chance) {
        let [first, longest] = self.intervals;
        let Some(watch) = self.ordered(order) else { return };
        watch.probing = false;
        let grown = (0..watch.probes.min(30)).fold(first, |interval, _| interval * 3 / 2);
        let wait = chance.near(grown.min(longest.max(first)), 10);
        watch.probes += 1;
        watch.last = Some((at.wall, said.to_owned()));
        watch.due = later(at.tick, wait);
        let due = (watch.due, order.id);
        self.due.insert(due);
    }

    /// A probe passed. Returns the watch's id, for its bundles to [leave](Self::leave).
    pub(crate) fn passed(&mut self, order: &Order, now: u32) -> Option<WatchId> {
        let key = self.ordered(order)?.key.clone();
        if let Some(key) = key {
            self.passed.retain(|_, (at, _)| now.saturating_sub(*at) < RELAPSE_COUNTS);
            let times = self.passed.get(&key).map_or(0, |(_, times)| *times);
            if self.passed.len() < MOST_RELAPSES || times > 0 {
                self.passed.insert(key, (now, times + 1));
            }
        }
        Some(order.id)
    }

    /// The watch of an order, unless it has ended.
    pub(crate) fn id_of(&self, order: &Order) -> Option<WatchId> {
        self.get(order.id).filter(|watch| watch.serial == order.serial).map(|_| order.id)
    }

    /// Another message stands for the others.
    pub(crate) fn represent(&mut self, order: &Order, message: MessageId) {
        if let Some(watch) = self.ordered(order) {
            watch.cause.message = message;
        }
    }

    /// Those who asked for the result of a watch's next probe.
    pub(crate) fn waiters(&mut self, order: &Order) -> Vec<oneshot::Sender<Probed>> {
        self.ordered(order).map(|watch| std::mem::take(&mut watch.waiters)).unwrap_or_default()
    }

    /// Lets a probe be made at once, and its result be told. One that is under way counts.
    pub(crate) fn hurry(&mut self, id: WatchId, waiter: oneshot::Sender<Probed>) {
        let id = self.resolve(id);
        let Some(watch) = self.get_mut(id) else { return };
        watch.waiters.push(waiter);
        if !watch.probing {
            let due = std::mem::take(&mut watch.due);
            self.due.remove(&(due, id));
            self.due.insert((0, id));
        }
    }
}

fn later(now: u32, wait: Duration) -> u32 {
    now.saturating_add(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watches() -> (Watches, Chance) {
        (Watches::new([Duration::from_secs(60), Duration::from_secs(300)]), Chance::new(Some(5)))
    }

    fn at(tick: u32) -> Moment {
        Moment { tick, wall: 0, trusted: 0 }
    }

    fn key(site: &str) -> Key {
        Key { site: site.into(), level: Level::Encrypt, wishes: Wishes::default(), domain: None }
    }

    fn cause(domain: &str, since: i64) -> Cause {
        Cause {
            domain: domain.into(),
            sender: "a@example.org".into(),
            wishes: Wishes::default(),
            message: MessageId(1),
            reason: "tls.not_advertised".into(),
            since,
        }
    }

    #[test]
    fn begins_with_the_first_and_ends_with_the_last() {
        let (mut watches, mut chance) = watches();
        let (id, began) = watches.join(key("s"), cause("a.example", 5), 0, &mut chance);
        assert!(began);
        assert_eq!(watches.join(key("s"), cause("b.example", 6), 0, &mut chance), (id, false));
        assert_eq!(watches.get(id).unwrap().bundles, 2);
        watches.leave(id);
        assert!(watches.get(id).is_some());
        watches.leave(id);
        assert!(watches.get(id).is_none());
        assert_eq!(watches.next_due(), None);
        assert!(watches.by_key.is_empty());
    }

    #[test]
    fn one_probe_at_a_time_at_growing_intervals() {
        let (mut watches, mut chance) = watches();
        watches.join(key("s"), cause("a.example", 5), 0, &mut chance);
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            let due = watches.next_due().unwrap();
            assert!(watches.take_due(due - 1).is_none());
            let order = watches.take_due(due).unwrap();
            assert!(watches.take_due(due + 1000).is_none(), "a second one at the same time");
            waits.push(due - now);
            now = due;
            watches.failed(&order, "no", at(now), &mut chance);
        }
        assert!((54..=66).contains(&waits[0]) && (54..=66).contains(&waits[1]), "{waits:?}");
        assert!(waits[6..].iter().all(|wait| (270..=330).contains(wait)), "{waits:?}");
    }

    #[test]
    fn who_has_been_due_for_longest_comes_first() {
        let (mut watches, mut chance) = watches();
        for site in ["a", "b", "c"] {
            watches.join(key(site), cause(site, 5), 0, &mut chance);
        }
        let mut seen = Vec::new();
        for round in 0..3 {
            for _ in 0..3 {
                let order = watches.take_due(10_000 * (round + 1)).unwrap();
                seen.push(order.cause.domain.to_string());
                watches.failed(&order, "no", at(10_000 * (round + 1)), &mut chance);
            }
        }
        for round in seen.chunks(3) {
            let mut round = round.to_vec();
            round.sort();
            assert_eq!(round, ["a", "b", "c"]);
        }
    }

    #[test]
    fn provisional_watches_of_one_site_become_one() {
        let (mut watches, mut chance) = watches();
        let a = watches.join_by_domain(cause("a.example", 50), 0, &mut chance);
        let b = watches.join_by_domain(cause("b.example", 20), 0, &mut chance);
        assert_eq!(watches.join_by_domain(cause("b.example", 20), 0, &mut chance), b);
        let first = watches.take_due(1000).unwrap();
        let second = watches.take_due(1000).unwrap();
        assert_eq!(watches.identify(&first, key("s")), Identity::Probe);
        assert_eq!(watches.identify(&second, key("s")), Identity::Joined);
        assert_eq!(watches.resolve(a), watches.resolve(b));
        let watch = watches.get(a).unwrap();
        assert_eq!((watch.bundles, watch.cause.since), (3, 20));
        assert_eq!(watches.all().count(), 1);
        for id in [a, b, b] {
            watches.leave(id);
        }
        assert_eq!(watches.all().count(), 0);
        assert_eq!(watches.free.len(), 2, "both slots are free again");
    }

    #[test]
    fn the_result_of_a_probe_whose_watch_has_ended_is_of_no_account() {
        let (mut watches, mut chance) = watches();
        let (id, _) = watches.join(key("s"), cause("a.example", 5), 0, &mut chance);
        let order = watches.take_due(1000).unwrap();
        watches.leave(id);
        let (again, _) = watches.join(key("t"), cause("b.example", 5), 0, &mut chance);
        assert_eq!(again, id, "the slot is used again");
        assert_eq!(watches.identify(&order, key("s")), Identity::Ended);
        assert_eq!(watches.passed(&order, 0), None);
        watches.failed(&order, "no", at(0), &mut chance);
        assert_eq!(watches.due.len(), 1);
    }

    #[test]
    fn a_site_that_passes_and_fails_again_is_probed_less_often() {
        let (mut watches, mut chance) = watches();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let (id, _) = watches.join(key("s"), cause("a.example", 5), now, &mut chance);
            let due = watches.next_due().unwrap();
            waits.push(due - now);
            now = due;
            let order = watches.take_due(now).unwrap();
            assert_eq!(watches.passed(&order, now), Some(id));
            watches.leave(id);
        }
        assert!(waits.windows(2).all(|pair| pair[1] > pair[0] * 3 / 2), "{waits:?}");
    }

    #[test]
    fn an_operator_need_not_wait() {
        let (mut watches, mut chance) = watches();
        let (id, _) = watches.join(key("s"), cause("a.example", 5), 100, &mut chance);
        let (sender, _receiver) = oneshot::channel();
        watches.hurry(id, sender);
        let order = watches.take_due(100).unwrap();
        assert_eq!(watches.waiters(&order).len(), 1);
        watches.failed(&order, "no", at(100), &mut chance);
        assert_eq!(watches.due.len(), 1);
    }
}
