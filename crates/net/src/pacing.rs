//! Politeness per address: how many connections at a time, how soon after the last.
//!
//! By default one connection at a time goes to an address, one after another without
//! delay. A sign that we are unwelcome (421, 454, a reset) makes a gap before the next
//! connection, which doubles with each further sign and shrinks with each success; after
//! several signs the address is left alone.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

use crate::error::NetError;

/// How polite to be.
#[derive(Debug, Clone)]
pub struct PacerRules {
    /// Connections at a time to one address; at least 1.
    pub per_address: usize,
    /// At least this long from the start of one connection to the start of the next.
    pub interval: Duration,
    /// The gap after the first sign.
    pub first_gap: Duration,
    /// The gap grows no further than this.
    pub longest_gap: Duration,
    /// After so many signs without enough successes in between, the address is given up.
    pub signs_to_give_up: u32,
}

impl Default for PacerRules {
    fn default() -> Self {
        Self {
            per_address: 1,
            interval: Duration::ZERO,
            first_gap: Duration::from_millis(250),
            longest_gap: Duration::from_secs(2),
            signs_to_give_up: 4,
        }
    }
}

/// Hands out permission to connect. Clones share all state.
#[derive(Debug, Clone)]
pub struct Pacer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rules: PacerRules,
    addresses: Mutex<HashMap<IpAddr, Arc<Address>>>,
}

#[derive(Debug)]
struct Address {
    places: Arc<Semaphore>,
    pace: Mutex<Pace>,
}

#[derive(Debug, Default)]
struct Pace {
    gap: Duration,
    not_before: Option<Instant>,
    /// By the interval alone.
    next: Option<Instant>,
    signs: u32,
    given_up: bool,
}

/// Permission for one connection; given back when dropped.
#[derive(Debug)]
#[must_use = "the place is free again as soon as the permit is dropped"]
pub struct Permit {
    ip: IpAddr,
    address: Arc<Address>,
    place: Option<OwnedSemaphorePermit>,
    shared: Arc<Shared>,
}

impl Pacer {
    /// A pacer with these rules.
    pub fn new(rules: PacerRules) -> Self {
        Self { shared: Arc::new(Shared { rules, addresses: Mutex::default() }) }
    }

    /// Waits for a place and for the gap to pass, in the order of the calls.
    ///
    /// # Errors
    /// [`NetError::RateLimited`] if the address has been given up, also while waiting.
    pub async fn permit(&self, ip: IpAddr) -> Result<Permit, NetError> {
        let address = self.shared.address(ip);
        let waiting = Arc::clone(&address.places).acquire_owned().await;
        let permit = Permit { ip, address, place: waiting.ok(), shared: Arc::clone(&self.shared) };
        loop {
            let Some(not_before) = permit.next_start()? else { return Ok(permit) };
            sleep_until(not_before).await;
        }
    }

    /// Notes a sign that we are unwelcome. The gap grows; after the last sign that the
    /// rules allow, the address is given up.
    pub fn slow_down(&self, ip: IpAddr) {
        let rules = &self.shared.rules;
        let address = self.shared.address(ip);
        let mut pace = lock(&address.pace);
        pace.gap = (pace.gap * 2).clamp(rules.first_gap, rules.longest_gap);
        pace.not_before = Some(Instant::now() + pace.gap);
        pace.signs += 1;
        pace.given_up |= pace.signs >= rules.signs_to_give_up;
    }

    /// Notes a connection that went well: the gap halves, one sign is forgotten.
    pub fn success(&self, ip: IpAddr) {
        let Some(address) = lock(&self.shared.addresses).get(&ip).cloned() else { return };
        let mut pace = lock(&address.pace);
        pace.gap /= 2;
        if pace.gap < self.shared.rules.first_gap {
            pace.gap = Duration::ZERO;
        }
        pace.signs = pace.signs.saturating_sub(1);
    }

    /// Leaves the address alone from now on: every later permit is refused.
    pub fn give_up(&self, ip: IpAddr) {
        lock(&self.shared.address(ip).pace).given_up = true;
    }

    /// True if the address has been given up.
    pub fn gave_up(&self, ip: IpAddr) -> bool {
        lock(&self.shared.addresses).get(&ip).is_some_and(|address| lock(&address.pace).given_up)
    }
}

impl Default for Pacer {
    fn default() -> Self {
        Self::new(PacerRules::default())
    }
}

impl Shared {
    fn address(&self, ip: IpAddr) -> Arc<Address> {
        let places = self.rules.per_address.clamp(1, Semaphore::MAX_PERMITS);
        let mut addresses = lock(&self.addresses);
        let address = addresses.entry(ip).or_insert_with(|| {
            Arc::new(Address { places: Arc::new(Semaphore::new(places)), pace: Mutex::default() })
        });
        Arc::clone(address)
    }
}

impl Permit {
    /// When the connection may start; none for now, and then the next one has to wait for the
    /// interval.
    fn next_start(&self) -> Result<Option<Instant>, NetError> {
        let mut pace = lock(&self.address.pace);
        if pace.given_up {
            return Err(NetError::RateLimited { address: self.ip, signs: pace.signs });
        }
        let now = Instant::now();
        let wait = pace.not_before.max(pace.next).filter(|at| *at > now);
        if wait.is_none() && !self.shared.rules.interval.is_zero() {
            pace.next = Some(now + self.shared.rules.interval);
        }
        Ok(wait)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut addresses = lock(&self.shared.addresses);
        let unblemished = {
            let mut pace = lock(&self.address.pace);
            if !pace.gap.is_zero() {
                pace.not_before = Some(Instant::now() + pace.gap);
            }
            let waits = pace.next.is_some_and(|next| next > Instant::now());
            pace.gap.is_zero() && pace.signs == 0 && !pace.given_up && !waits
        };
        self.place = None;
        // The map and we hold it, nobody waits: forget it, so that a bulk scan does not
        // collect every address it ever met.
        if unblemished && Arc::strong_count(&self.address) == 2 {
            addresses.remove(&self.ip);
        }
    }
}

/// A panic elsewhere cannot leave half-changed state behind here: all changes are plain
/// assignments.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 25));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 26));

    async fn waited(pacer: &Pacer) -> Duration {
        let before = Instant::now();
        let _permit = pacer.permit(IP).await.unwrap();
        before.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_holds_from_start_to_start() {
        let rules = PacerRules { interval: Duration::from_secs(6), ..PacerRules::default() };
        let pacer = Pacer::new(rules);
        let waits = [waited(&pacer).await, waited(&pacer).await, waited(&pacer).await];
        assert_eq!(waits.map(|w| w.as_secs()), [0, 6, 6]);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(waited(&pacer).await.as_secs(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn only_one_at_a_time_reaches_an_address_and_others_are_free() {
        let pacer = Pacer::default();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (pacer, now, most) = (pacer.clone(), Arc::clone(&now), Arc::clone(&most));
                tokio::spawn(async move {
                    let _permit = pacer.permit(IP).await.unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let before = Instant::now();
        let _free = pacer.permit(OTHER).await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_given_in_the_order_of_asking() {
        let pacer = Pacer::default();
        let first = pacer.permit(IP).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for number in 0..5 {
            let (pacer, order) = (pacer.clone(), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _permit = pacer.permit(IP).await.unwrap();
                lock(&order).push(number);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*lock(&order), [0, 1, 2, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_gap_doubles_to_its_limit_and_shrinks_with_success() {
        let rules = PacerRules { signs_to_give_up: 100, ..PacerRules::default() };
        let pacer = Pacer::new(rules);
        assert_eq!(waited(&pacer).await, Duration::ZERO);
        for milliseconds in [250, 500, 1000, 2000, 2000] {
            pacer.slow_down(IP);
            let took = waited(&pacer).await.as_millis();
            assert!((milliseconds..milliseconds + 3).contains(&took), "{took}");
        }
        for milliseconds in [1000, 500, 250] {
            pacer.success(IP);
            let _ = pacer.permit(IP).await.unwrap();
            let took = waited(&pacer).await.as_millis();
            assert!((milliseconds..milliseconds + 3).contains(&took), "{took}");
        }
        pacer.success(IP);
        let _ = pacer.permit(IP).await.unwrap();
        assert_eq!(waited(&pacer).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn after_several_signs_the_address_is_given_up_even_for_those_who_wait() {
        let pacer = Pacer::default();
        let held = pacer.permit(IP).await.unwrap();
        let waiting = tokio::spawn({
            let pacer = pacer.clone();
            async move { pacer.permit(IP).await.map(drop) }
        });
        tokio::task::yield_now().await;
        for _ in 0..3 {
            pacer.slow_down(IP);
        }
        assert!(!pacer.gave_up(IP));
        pacer.slow_down(IP);
        assert!(pacer.gave_up(IP));
        drop(held);
        assert_eq!(waiting.await.unwrap(), Err(NetError::RateLimited { address: IP, signs: 4 }));
        assert!(pacer.permit(OTHER).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_without_signs_is_forgotten() {
        let pacer = Pacer::default();
        drop(pacer.permit(IP).await.unwrap());
        assert!(lock(&pacer.shared.addresses).is_empty());
        pacer.slow_down(IP);
        drop(pacer.permit(IP).await.unwrap());
        assert_eq!(lock(&pacer.shared.addresses).len(), 1);
    }
}
