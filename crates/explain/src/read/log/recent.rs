//! A map of bounded size that forgets what was not used for longest.

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState},
};

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
    state: RandomState,
}

impl<V> Recent<V> {
    /// A map of at most twice `limit` values.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, young: ByHash::default(), old: ByHash::default(), state: RandomState::new() }
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
