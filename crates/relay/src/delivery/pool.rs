//! Conversations that wait for another message.
//!
//! One is used again only for the same host, address and port, and under the same
//! requirement with all that it rests on: names, TLSA records, pinned keys. What the host
//! then says or has said is decided upon anew for each message all the same.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::time::{Instant, sleep_until};

use super::conversation::{Conversation, DeliverySettings, Way};

/// What a conversation must have in common with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    address: IpAddr,
    port: u16,
    policy: u64,
}

impl Key {
    fn of(way: &Way<'_>) -> Self {
        Self { address: way.address, port: way.hop.port, policy: way.key }
    }
}

/// The conversations at rest.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    resting: Mutex<Resting>,
    settings: DeliverySettings,
}

#[derive(Debug, Default)]
struct Resting {
    /// Those of a key in the order in which they came to rest.
    by_key: HashMap<Key, Vec<Idle>>,
    count: usize,
    /// Somebody looks after those whose time is up.
    tended: bool,
    closed: bool,
}

#[derive(Debug)]
struct Idle {
    conversation: Conversation,
    until: Instant,
}

impl Pool {
    pub(crate) fn new(settings: &DeliverySettings) -> Self {
        Self { shared: Arc::new(Shared { resting: Mutex::default(), settings: settings.clone() }) }
    }

    /// A conversation that can be used for this way: the one that came to rest last.
    pub(crate) fn take(&self, way: &Way<'_>) -> Option<Conversation> {
        loop {
            let mut conversation = self.shared.lock().take(&Key::of(way))?;
            let fits = conversation.host == way.hop.name && conversation.requirement == *way.requirement;
            if fits && !conversation.is_worn(&self.shared.settings) && conversation.is_quiet() {
                conversation.forget_words();
                return Some(conversation);
            }
            conversation.leave(self.shared.settings.patience.quit);
        }
    }

    /// Lets a conversation rest, or takes leave where that is of no use.
    pub(crate) fn put(&self, way: &Way<'_>, conversation: Conversation) {
        let settings = &self.shared.settings;
        let useless = !conversation.is_usable() || conversation.is_worn(settings);
        let until = Instant::now() + settings.idle;
        let mut resting = self.shared.lock();
        if useless || resting.closed || settings.most_idle == 0 || settings.idle.is_zero() {
            drop(resting);
            return conversation.leave(settings.patience.quit);
        }
        let spare = if resting.count >= settings.most_idle { resting.take_oldest() } else { None };
        resting.count += 1;
        resting.by_key.entry(Key::of(way)).or_default().push(Idle { conversation, until });
        let tend = !std::mem::replace(&mut resting.tended, true);
        drop(resting);
        if let Some(spare) = spare {
            spare.leave(settings.patience.quit);
        }
        if tend {
            tokio::spawn(look_after(Arc::downgrade(&self.shared)));
        }
    }

    /// Takes leave of all, and of whatever comes to rest from now on.
    pub(crate) fn close(&self) {
        let mut resting = self.shared.lock();
        resting.closed = true;
        let all = std::mem::take(&mut resting.by_key);
        resting.count = 0;
        drop(resting);
        for idle in all.into_values().flatten() {
            idle.conversation.leave(self.shared.settings.patience.quit);
        }
    }

    /// How many are at rest.
    pub(crate) fn len(&self) -> usize {
        self.shared.lock().count
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes leave of those whose time is up; says when the next one's is. None if none is
    /// left: then nobody looks after them any more.
    fn tend(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut expired = Vec::new();
        let mut resting = self.lock();
        resting.by_key.retain(|_, idle| {
            let young = idle.iter().position(|idle| idle.until > now).unwrap_or(idle.len());
            expired.extend(idle.drain(..young));
            !idle.is_empty()
        });
        resting.count -= expired.len().min(resting.count);
        let next = resting.by_key.values().filter_map(|idle| Some(idle.first()?.until)).min();
        resting.tended = next.is_some();
        drop(resting);
        for idle in expired {
            idle.conversation.leave(self.settings.patience.quit);
        }
        next
    }
}

impl Resting {
    fn take(&mut self, key: &Key) -> Option<Conversation> {
        let idle = self.by_key.get_mut(key)?;
        let taken = idle.pop()?;
        if idle.is_empty() {
            self.by_key.remove(key);
        }
        self.count -= 1;
        Some(taken.conversation)
    }

    fn take_oldest(&mut self) -> Option<Conversation> {
        let first = |idle: &Vec<Idle>| idle.first().map(|idle| idle.until);
        let key = *self.by_key.iter().min_by_key(|(_, idle)| first(idle))?.0;
        let idle = self.by_key.get_mut(&key)?;
        let oldest = idle.remove(0);
        if idle.is_empty() {
            self.by_key.remove(&key);
        }
        self.count -= 1;
        Some(oldest.conversation)
    }
}

/// Looks after resting conversations until none is left, or the pool is gone.
async fn look_after(shared: Weak<Shared>) {
    loop {
        let next = match shared.upgrade() {
            Some(shared) => shared.tend(),
            None => return,
        };
        match next {
            Some(next) => sleep_until(next).await,
            None => return,
        }
    }
}
