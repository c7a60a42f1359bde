//! A message in memory, and how much of them there may be.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use waxseal_store::spool::{
    Envelope, MessageId, NewMessage, NewRecipient, Recipient, Spool, SpoolError, State, StoredMessage,
};

/// A message with all that an attempt needs of it, but perhaps not its body.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Which.
    pub(crate) id: MessageId,
    /// What is said about it.
    pub(crate) envelope: Arc<Envelope>,
    /// Its recipients, in the order of their numbers.
    pub(crate) recipients: Vec<Recipient>,
    /// Bytes of its body.
    pub(crate) size: u64,
    /// When it came.
    pub(crate) received_at: i64,
    /// When trying ends.
    pub(crate) expires_at: i64,
    /// The parts of its body, where they are in memory since it came.
    pub(crate) body: Option<Vec<Bytes>>,
    _share: Option<Share>,
}

impl Loaded {
    /// A message as it came.
    pub(crate) fn fresh(id: MessageId, message: NewMessage, budget: &Budget) -> Self {
        let size = message.body.iter().map(Bytes::len).sum();
        let share = budget.take(size);
        let received_at = message.received_at;
        let recipients = message.recipients.into_iter().zip(0..);
        Self {
            id,
            envelope: Arc::new(message.envelope),
            recipients: recipients
                .map(|(recipient, number)| queued(recipient, number, received_at))
                .collect(),
            size: size as u64,
            received_at,
            expires_at: message.expires_at,
            body: share.is_some().then_some(message.body),
            _share: share,
        }
    }

    /// A message as it lies in the spool, without its body.
    pub(crate) fn stored(message: StoredMessage) -> Self {
        Self {
            id: message.id,
            envelope: Arc::new(message.envelope),
            recipients: message.recipients,
            size: message.size,
            received_at: message.received_at,
            expires_at: message.expires_at,
            body: None,
            _share: None,
        }
    }

    /// The recipient of a number.
    pub(crate) fn recipient(&self, number: u32) -> Option<&Recipient> {
        let likely = self.recipients.get(number as usize).filter(|recipient| recipient.number == number);
        likely.or_else(|| self.recipients.iter().find(|recipient| recipient.number == number))
    }

    /// The message as those who write notices get it, with the recipients of these numbers.
    pub(crate) fn as_stored(&self, numbers: &[u32]) -> StoredMessage {
        StoredMessage {
            id: self.id,
            envelope: Envelope::clone(&self.envelope),
            recipients: numbers.iter().filter_map(|number| self.recipient(*number)).cloned().collect(),
            size: self.size,
            received_at: self.received_at,
            expires_at: self.expires_at,
        }
    }
}

fn queued(new: NewRecipient, number: u32, received_at: i64) -> Recipient {
    Recipient {
        number,
        address: new.address,
        domain: new.domain,
        notify: new.notify,
        orcpt: new.orcpt,
        state: State::Queued,
        next_at: received_at,
        attempts: 0,
        delays_told: 0,
        final_at: None,
        last: None,
    }
}

/// How many bytes of messages may be kept in memory between their coming and their first
/// attempt.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    used: Arc<AtomicUsize>,
    most: usize,
}

/// A message costs this much beside its body.
const OVERHEAD: usize = 1024;

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        Self { used: Arc::default(), most }
    }

    fn take(&self, size: usize) -> Option<Share> {
        let size = size.saturating_add(OVERHEAD);
        let before = self.used.fetch_add(size, Ordering::Relaxed);
        let share = Share { used: Arc::clone(&self.used), size };
        (before.saturating_add(size) <= self.most).then_some(share)
    }
}

#[derive(Debug)]
struct Share {
    used: Arc<AtomicUsize>,
    size: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.used.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// Bodies up to this size are read without asking: there are no more of them than attempts.
const SMALL: u64 = 1024 * 1024;
/// The unit in which larger ones are counted.
const UNIT: u64 = 64 * 1024;

/// A body that was read from the spool.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Bytes,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Body {
    pub(crate) fn parts(&self) -> Vec<Bytes> {
        vec![self.bytes.clone()]
    }
}

type Shelf = Arc<tokio::sync::Mutex<Weak<Body>>>;

/// Bodies that were read from the spool. One is read once for all attempts that are made with
/// it at the same time, and the large ones together stay below a bound. A large body waits for
/// others, small ones never do.
#[derive(Debug)]
pub(crate) struct Bodies {
    large: Arc<Semaphore>,
    units: u32,
    shelves: Mutex<HashMap<MessageId, Shelf>>,
}

impl Bodies {
    /// With a bound in bytes for large bodies; one larger than that is read when it is alone.
    pub(crate) fn new(most: u64) -> Self {
        let units = u32::try_from((most / UNIT).max(1)).unwrap_or(u32::MAX >> 3).min(u32::MAX >> 3);
        Self { large: Arc::new(Semaphore::new(units as usize)), units, shelves: Mutex::default() }
    }

    /// The body of a message of this size.
    ///
    /// # Errors
    /// The spool's.
    pub(crate) async fn get(
        &self,
        spool: &dyn Spool,
        id: MessageId,
        size: u64,
    ) -> Result<Arc<Body>, SpoolError> {
        if size <= SMALL {
            return Ok(Arc::new(Body { bytes: spool.body(id).await?, _permit: None }));
        }
        let shelf = Arc::clone(self.lock().entry(id).or_default());
        let mut place = shelf.lock().await;
        if let Some(body) = place.upgrade() {
            return Ok(body);
        }
        let units = u32::try_from(size.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        let permit = Arc::clone(&self.large).acquire_many_owned(units).await.ok();
        let body = Arc::new(Body { bytes: spool.body(id).await?, _permit: permit });
        *place = Arc::downgrade(&body);
        drop(place);
        self.lock().retain(|other, shelf| *other == id || Arc::strong_count(shelf) > 1 || in_use(shelf));
        Ok(body)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<MessageId, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_use(shelf: &Shelf) -> bool {
    shelf.try_lock().map_or(true, |place| place.strong_count() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(size: usize) -> NewMessage {
        NewMessage {
            envelope: Envelope::default(),
            recipients: vec![NewRecipient::default(), NewRecipient::default()],
            body: vec![Bytes::from(vec![b'x'; size / 2]), Bytes::from(vec![b'x'; size - size / 2])],
            received_at: 10,
            expires_at: 20,
        }
    }

    #[test]
    fn bodies_beyond_the_budget_are_let_go() {
        let budget = Budget::new(10_000);
        let first = Loaded::fresh(MessageId(1), message(5000), &budget);
        let second = Loaded::fresh(MessageId(2), message(5000), &budget);
        assert!(first.body.is_some());
        assert!(second.body.is_none());
        assert_eq!(second.size, 5000);
        drop(first);
        assert!(Loaded::fresh(MessageId(3), message(5000), &budget).body.is_some());
        assert_eq!(budget.used.load(Ordering::Relaxed), 0, "all is given back");
    }

    #[test]
    fn recipients_are_found_by_number() {
        let mut loaded = Loaded::fresh(MessageId(1), message(1), &Budget::new(0));
        assert_eq!(loaded.recipient(1).unwrap().number, 1);
        assert!(loaded.recipient(2).is_none());
        loaded.recipients.remove(0);
        assert_eq!(loaded.recipient(1).unwrap().number, 1);
        assert_eq!(loaded.as_stored(&[1, 7]).recipients.len(), 1);
    }
}
