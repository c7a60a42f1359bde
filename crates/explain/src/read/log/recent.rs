//! A map of bounded size that forgets what was not used for longest.

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState},
};

/// Hashes by folded multiplication, from a beginning that differs from run to run: nobody who
/// writes names into a log can know which of them collide.
#[derive(Debug, Clone)]
pub(crate) struct Keyed(u64);

impl Keyed {
    /// One of its own beginning.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().hash_one(0u8))
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(self.0)
    }
}

/// The state of [`Keyed`].
#[derive(Debug)]
pub(crate) struct Folded(u64);

impl Folded {
    fn fold(&mut self, number: u64) {
        /// Odd, and its bits without a pattern.
        const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.0 ^ number) * FACTOR;
        // Both halves count.
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        let mut last = Self(self.0);
        last.fold(0x5851_f42d_4c95_7f2d);
        last.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.fold(chunk.try_into().map_or(0, u64::from_le_bytes));
        }
        let rest =
            chunks.remainder().iter().fold(bytes.len() as u64, |sum, byte| sum << 8 | u64::from(*byte));
        self.fold(rest);
    }

    fn write_u8(&mut self, number: u8) {
        self.fold(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.fold(number as u64);
    }
}

/// The hash of what is a hash already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// A map by keys that are hashes.
pub(crate) type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Hashed>>;

/// Values by the hash of their key. Two generations: when the young one is full, it becomes
/// the old one, and what was in the old one is gone. What is looked up becomes young again.
#[derive(Debug)]
pub(crate) struct Recent<V> {
    limit: usize,
    young: ByHash<V>,
    old: ByHash<V>,
    state: Keyed,
}

impl<V> Recent<V> {
    /// A map of at most twice `limit` values.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, young: ByHash::default(), old: ByHash::default(), state: Keyed::new() }
    }

    /// The key of something.
    pub(crate) fn key<K: Hash>(&self, of: K) -> u64 {
        self.state.hash_one(of)
    }

    /// The value, if it is still there.
    pub(crate) fn get(&mut self, key: u64) -> Option<&mut V> {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key)?;
            self.insert(key, value);
        }
        self.young.get_mut(&key)
    }

    /// The value, made if it is not there.
    pub(crate) fn entry(&mut self, key: u64) -> &mut V
    where
        V: Default,
    {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_default();
            self.insert(key, value);
        }
        self.young.entry(key).or_default()
    }

    /// Puts a value in.
    pub(crate) fn insert(&mut self, key: u64, value: V) {
        if self.young.len() >= self.limit {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, value);
    }

    /// Takes a value out.
    pub(crate) fn remove(&mut self, key: u64) -> Option<V> {
        self.young.remove(&key).or_else(|| self.old.remove(&key))
    }

    /// How many values there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_like_names_are_unlike() {
        let state = Keyed::new();
        let mut seen = std::collections::HashSet::new();
        for n in 0..100_000u32 {
            assert!(seen.insert(state.hash_one(format!("d{n}.example"))), "{n}");
        }
        assert_ne!(state.hash_one(("ab", "c")), state.hash_one(("a", "bc")));
        assert_ne!(state.hash_one("a"), state.hash_one("a\0"));
        assert_ne!(state.hash_one("a"), Keyed::new().hash_one("a"));
        // The upper bits, which choose the place in a table, are as good as the lower ones.
        let upper: std::collections::HashSet<u64> = seen.iter().map(|hash| hash >> 48).collect();
        assert!(upper.len() > 45_000, "{}", upper.len());
    }

    #[test]
    fn it_never_grows_beyond_twice_its_limit_and_keeps_what_is_used() {
        let mut map = Recent::new(10);
        let first = map.key("first");
        map.insert(first, 1);
        for n in 0..1000 {
            let key = map.key(n);
            map.insert(key, n);
            assert_eq!(map.get(first), Some(&mut 1), "{n}");
            assert!(map.len() <= 20);
        }
        assert_eq!(map.get(map.key(0)), None);
        assert_eq!((map.remove(first), map.get(first)), (Some(1), None));
        *map.entry(first) += 5;
        assert_eq!(map.get(first), Some(&mut 5));
    }
}
