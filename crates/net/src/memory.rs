//! A memory that forgets: entries end with their time, and there is never too much of them.
//!
//! For processes that live for months. What is too much goes by the time of its last use.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, time::Duration};

use tokio::time::Instant;

/// How often everything is gone through for entries whose time is over.
const SWEEP: Duration = Duration::from_secs(60);

/// The most that a memory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Entries.
    pub entries: usize,
    /// What the entries weigh together, in the unit of who puts them in: bytes, as a rule.
    pub weight: usize,
}

/// Values by key, bounded in number, weight and time.
#[derive(Debug)]
pub struct Memory<K, V> {
    bounds: Bounds,
    entries: HashMap<K, Entry<V>>,
    weight: usize,
    /// Counts uses: which of two entries was used later.
    uses: u64,
    swept: Instant,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    until: Instant,
    weight: usize,
    used: u64,
}

impl<K: Eq + Hash + Clone, V> Memory<K, V> {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, entries: HashMap::new(), weight: 0, uses: 0, swept: Instant::now() }
    }

    /// What is held for a key, if its time is not over.
    pub fn get<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.uses += 1;
        let entry = self.entries.get_mut(key).filter(|entry| entry.until > Instant::now())?;
        entry.used = self.uses;
        Some(&mut entry.value)
    }

    /// Holds a value until a time, in place of what was held for its key.
    pub fn insert(&mut self, key: K, value: V, until: Instant, weight: usize) {
        self.uses += 1;
        let entry = Entry { value, until, weight, used: self.uses };
        self.weight += weight;
        if let Some(old) = self.entries.insert(key, entry) {
            self.weight -= old.weight;
        }
        self.shrink();
    }

    /// Gives an entry another time and weight, if it is there and `is_it` says that it is the
    /// one that is meant.
    pub fn settle<Q>(&mut self, key: &Q, until: Instant, weight: usize, is_it: impl FnOnce(&V) -> bool)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| is_it(&entry.value)) {
            self.weight = self.weight - entry.weight + weight;
            (entry.until, entry.weight) = (until, weight);
        }
        self.shrink();
    }

    /// Ends an entry at this time, unless it ends earlier.
    pub fn shorten<Q>(&mut self, key: &Q, until: Instant)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.until = entry.until.min(until);
        }
    }

    /// Forgets what is held for a key.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entry = self.entries.remove(key)?;
        self.weight -= entry.weight;
        Some(entry.value)
    }

    /// Forgets all but what `keep` names.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let weight = &mut self.weight;
        self.entries.retain(|key, entry| {
            let stays = keep(key, &entry.value);
            if !stays {
                *weight -= entry.weight;
            }
            stays
        });
    }

    /// Entries, those whose time is over among them until they are swept out.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the entries weigh.
    pub fn weight(&self) -> usize {
        self.weight
    }

    fn is_over(&self) -> bool {
        self.entries.len() > self.bounds.entries || self.weight > self.bounds.weight
    }

    fn shrink(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.swept) >= SWEEP || self.is_over() {
            self.swept = now;
            let weight = &mut self.weight;
            self.entries.retain(|_, entry| {
                let stays = entry.until > now;
                if !stays {
                    *weight -= entry.weight;
                }
                stays
            });
        }
        if self.is_over() {
            self.drop_oldest();
        }
    }

    /// Down to three quarters of the bounds, so that the next insertions need not do it again.
    fn drop_oldest(&mut self) {
        let mut by_use: Vec<(u64, K)> =
            self.entries.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        let (entries, weight) = (self.bounds.entries / 4 * 3, self.bounds.weight / 4 * 3);
        for (_, key) in by_use {
            if self.entries.len() <= entries && self.weight <= weight {
                break;
            }
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn memory(entries: usize, weight: usize) -> Memory<u32, u32> {
        Memory::new(Bounds { entries, weight })
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_ends_with_its_time_and_is_swept_out() {
        let mut memory = memory(100, 100);
        let now = Instant::now();
        for key in 0..50 {
            memory.insert(key, key, now + Duration::from_secs(10), 1);
        }
        memory.insert(50, 50, now + LONG, 1);
        assert_eq!(memory.get(&7), Some(&mut 7));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(memory.get(&7), None, "its time is over");
        assert_eq!(memory.len(), 51, "but nobody has looked yet");
        tokio::time::advance(SWEEP).await;
        memory.insert(51, 51, now + LONG, 1);
        memory.shorten(&51, now + 2 * LONG);
        assert_eq!(memory.get(&51), Some(&mut 51));
        memory.shorten(&50, now);
        assert_eq!(memory.get(&50), None);
        assert_eq!((memory.len(), memory.weight()), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_used_longest_ago_goes_first() {
        let mut memory = memory(8, 1000);
        for key in 0..8 {
            memory.insert(key, key, Instant::now() + LONG, 1);
        }
        assert!(memory.get(&0).is_some());
        memory.insert(8, 8, Instant::now() + LONG, 1);
        assert_eq!(memory.len(), 6);
        assert!(memory.get(&0).is_some() && memory.get(&8).is_some());
        assert!(memory.get(&1).is_none() && memory.get(&2).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_weight_that_is_known_later_counts() {
        let mut memory = memory(100, 100);
        for key in 0..4 {
            memory.insert(key, key, Instant::now() + LONG, 1);
        }
        memory.settle(&2, Instant::now() + LONG, 90, |value| *value == 7);
        assert_eq!(memory.weight(), 4, "another value is meant");
        memory.settle(&2, Instant::now() + LONG, 90, |value| *value == 2);
        assert_eq!((memory.weight(), memory.len()), (93, 4));
        memory.settle(&3, Instant::now() + LONG, 30, |_| true);
        assert_eq!(memory.get(&0), None);
        assert!(memory.weight() <= 100, "{}", memory.weight());
        assert_eq!(memory.get(&3), Some(&mut 3));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_too_heavy_alone_is_not_held() {
        let mut memory = memory(10, 10);
        memory.insert(1, 1, Instant::now() + LONG, 11);
        assert!(memory.is_empty() && memory.weight() == 0);
    }

    proptest! {
        #[test]
        fn bounds_and_sums_hold_whatever_is_done(
            steps in prop::collection::vec((0u8..5, 0u32..40, 0usize..30, 0u64..100), 0..300),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.unwrap().block_on(async {
                let mut memory = memory(16, 200);
                for (what, key, weight, seconds) in steps {
                    let until = Instant::now() + Duration::from_secs(seconds);
                    match what {
                        0 | 1 => memory.insert(key, key, until, weight),
                        2 => memory.settle(&key, until, weight, |_| true),
                        3 => drop(memory.remove(&key)),
                        _ => tokio::time::advance(Duration::from_secs(seconds)).await,
                    }
                    assert!(memory.len() <= 16 && memory.weight() <= 200);
                    let sum: usize = memory.entries.values().map(|entry| entry.weight).sum();
                    assert_eq!(sum, memory.weight());
                    if let Some(value) = memory.get(&key) {
                        assert_eq!(*value, key);
                    }
                }
            });
        }
    }
}
