//! In which order hosts and addresses are tried.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

/// Random numbers for spreading load; no secret ever comes of them (SplitMix64).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// With a seed of the system's.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().hash_one(0))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let bound = u64::try_from(end).unwrap_or(u64::MAX).saturating_add(1);
            let other = usize::try_from(self.next() % bound).unwrap_or(0);
            items.swap(end, other);
        }
    }
}

/// By preference, in random order within one (RFC 5321 section 5.1).
pub(crate) fn by_preference<T>(items: &mut [T], preference: impl Fn(&T) -> u16, dice: &mut Dice) {
    dice.shuffle(items);
    items.sort_by_key(preference);
}

/// Addresses in random order, the families in turn, IPv6 first: where one family does not
/// work here or there, the second address is of the other.
pub(crate) fn alternate(addresses: &[IpAddr], dice: &mut Dice) -> Vec<IpAddr> {
    let (mut v6, mut v4): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|a| a.is_ipv6());
    dice.shuffle(&mut v6);
    dice.shuffle(&mut v4);
    let mut ordered = Vec::with_capacity(addresses.len());
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    loop {
        let pair = [v6.next(), v4.next()];
        if pair == [None, None] {
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn preference_comes_first_and_chance_second() {
        let mut dice = Dice(1);
        let mut firsts = BTreeSet::new();
        for _ in 0..100 {
            let mut hosts = [(20, "c"), (10, "a"), (10, "b"), (5, "z")];
            by_preference(&mut hosts, |host| host.0, &mut dice);
            assert_eq!((hosts[0], hosts[3]), ((5, "z"), (20, "c")));
            firsts.insert(hosts[1].1);
        }
        assert_eq!(firsts, BTreeSet::from(["a", "b"]));
    }

    #[test]
    fn families_take_turns_and_no_address_is_lost() {
        let addresses: Vec<IpAddr> =
            ["192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.3"].map(|a| a.parse().unwrap()).to_vec();
        let ordered = alternate(&addresses, &mut Dice::new());
        assert!(ordered[0].is_ipv6() && ordered[1..].iter().all(IpAddr::is_ipv4));
        let all: BTreeSet<_> = ordered.iter().collect();
        assert_eq!(all, addresses.iter().collect());
        assert!(alternate(&[], &mut Dice::new()).is_empty());
    }

    #[test]
    fn shuffling_reaches_every_order() {
        let mut dice = Dice(7);
        let mut orders = BTreeSet::new();
        for _ in 0..500 {
            let mut items = [1, 2, 3, 4];
            dice.shuffle(&mut items);
            orders.insert(items);
        }
        assert_eq!(orders.len(), 24);
    }
}
