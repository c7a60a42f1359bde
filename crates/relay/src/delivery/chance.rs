//! Chance, for spreading things in time. Nothing that must be secret comes from here.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

/// A source of chance (the generator SplitMix64), seeded by the system or, in tests, by hand.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// With a seed of the system's where none is given.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Another source, whose course is determined by this one's.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// A time within `spread` of `middle`, on either side, to the second and never below
    /// nothing.
    pub(crate) fn around(&mut self, middle: Duration, spread: Duration) -> Duration {
        let width = spread.as_secs().saturating_mul(2).saturating_add(1);
        let offset = self.next() % width;
        (middle + Duration::from_secs(offset)).saturating_sub(spread)
    }

    /// A time within one part in `parts` of `middle`, on either side.
    pub(crate) fn near(&mut self, middle: Duration, parts: u32) -> Duration {
        self.around(middle, middle / parts.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_spread_and_uses_all_of_it() {
        let mut chance = Chance::new(Some(7));
        let drawn: Vec<u64> = (0..2000)
            .map(|_| chance.around(Duration::from_secs(400), Duration::from_secs(30)).as_secs())
            .collect();
        assert_eq!(drawn.iter().min(), Some(&370));
        assert_eq!(drawn.iter().max(), Some(&430));
    }

    #[test]
    fn a_spread_wider_than_the_middle_ends_at_nothing() {
        let mut chance = Chance::new(Some(7));
        for _ in 0..100 {
            assert!(chance.around(Duration::from_secs(1), Duration::from_secs(5)) <= Duration::from_secs(6));
        }
        assert_eq!(chance.around(Duration::ZERO, Duration::ZERO), Duration::ZERO);
    }
}
