//! What is still in the queue: messages whose last attempt was deferred.

use std::hash::BuildHasher;

use waxseal_model::logs::{Waiting, WaitingDomain};

use crate::read::log::{ByHash, Keyed, LogRecord};

/// Recipients of one message that are followed: one to more is a list, whose search would take
/// long.
pub(crate) const MOST_OF_MESSAGE: usize = 1000;

/// The queue as the log tells it.
#[derive(Debug)]
pub(crate) struct Queue {
    most: usize,
    messages: ByHash<Vec<Recipient>>,
    recipients: usize,
    not_followed: u64,
    state: Keyed,
}

#[derive(Debug, Clone, Copy)]
struct Recipient {
    key: u64,
    domain: u64,
    first: Option<i64>,
    cause: u32,
}

impl Queue {
    /// Of at most so many recipients.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, messages: ByHash::default(), recipients: 0, not_followed: 0, state: Keyed::new() }
    }

    /// How many attempts were of recipients that found no room.
    pub(crate) fn not_followed(&self) -> u64 {
        self.not_followed
    }

    fn message(&self, record: &LogRecord<'_>) -> u64 {
        self.state.hash_one((record.format, record.reporter, record.instance, record.queue_id))
    }

    /// An attempt was deferred.
    pub(crate) fn defer(&mut self, record: &LogRecord<'_>, domain: u64, cause: u32) {
        if record.queue_id.is_empty() || record.recipient.is_empty() {
            return;
        }
        let message = self.message(record);
        let key = self.state.hash_one(record.recipient);
        let known = self.messages.get_mut(&message);
        let followed = known.as_ref().map_or(0, |recipients| recipients.len());
        if let Some(known) = known.and_then(|all| all.iter_mut().find(|r| r.key == key)) {
            known.cause = cause;
            return;
        }
        if self.recipients >= self.most || followed >= MOST_OF_MESSAGE {
            self.not_followed += 1;
            return;
        }
        let recipient = Recipient { key, domain, first: record.time, cause };
        self.messages.entry(message).or_default().push(recipient);
        self.recipients += 1;
    }

    /// It was delivered, or given up, for one recipient.
    pub(crate) fn settle(&mut self, record: &LogRecord<'_>) {
        if self.recipients == 0 || record.queue_id.is_empty() {
            return;
        }
        let message = self.message(record);
        let Some(recipients) = self.messages.get_mut(&message) else { return };
        let key = self.state.hash_one(record.recipient);
        let before = recipients.len();
        recipients.retain(|r| r.key != key);
        self.recipients -= before - recipients.len();
        if recipients.is_empty() {
            self.messages.remove(&message);
        }
    }

    /// It is gone, for all who still waited: their domains, and why they waited.
    pub(crate) fn remove(&mut self, record: &LogRecord<'_>) -> impl Iterator<Item = (u64, u32)> + use<> {
        let gone = match self.recipients {
            0 => None,
            _ => self.messages.remove(&self.message(record)),
        };
        let gone = gone.unwrap_or_default();
        self.recipients -= gone.len();
        gone.into_iter().map(|r| (r.domain, r.cause))
    }

    /// Who waits, by domain. `name` and `cause` know the names.
    pub(crate) fn finish(
        self,
        name: impl Fn(u64) -> Option<String>,
        cause: impl Fn(u32) -> Option<String>,
    ) -> Waiting {
        let mut domains: ByHash<(WaitingDomain, u32)> = ByHash::default();
        for recipient in self.messages.into_values().flatten() {
            // Domains whose names were folded away are one.
            let key = if name(recipient.domain).is_some() { recipient.domain } else { 0 };
            let (domain, why) = domains.entry(key).or_default();
            domain.recipients += 1;
            if domain.recipients == 1 || recipient.first < domain.oldest {
                domain.oldest = recipient.first;
                *why = recipient.cause;
            }
        }
        let mut waiting = Waiting {
            recipients: self.recipients as u64,
            not_followed: self.not_followed,
            ..Waiting::default()
        };
        for (key, (domain, why)) in domains {
            waiting.oldest = match (waiting.oldest, domain.oldest) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            let name = name(key).unwrap_or_else(|| "(others)".into());
            waiting.domains.push(WaitingDomain { domain: name, cause: cause(why), ..domain });
        }
        waiting.domains.sort_by(|a, b| {
            b.recipients
                .cmp(&a.recipients)
                .then_with(|| a.oldest.cmp(&b.oldest))
                .then_with(|| a.domain.cmp(&b.domain))
        });
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(queue_id: &'a str, recipient: &'a str, time: i64) -> LogRecord<'a> {
        LogRecord { queue_id, recipient, time: Some(time), ..LogRecord::default() }
    }

    fn told(queue: Queue) -> Waiting {
        queue.finish(|key| Some(format!("d{key}.example")), |cause| Some(format!("c{cause}")))
    }

    #[test]
    fn who_was_deferred_waits_until_something_else_happens() {
        let mut queue = Queue::new(100);
        queue.defer(&record("A", "x@d1.example", 10), 1, 0);
        queue.defer(&record("A", "x@d1.example", 20), 1, 1);
        queue.defer(&record("A", "y@d1.example", 30), 1, 0);
        queue.defer(&record("B", "x@d2.example", 5), 2, 0);
        queue.defer(&record("C", "x@d2.example", 50), 2, 0);
        queue.settle(&record("B", "x@d2.example", 60));
        queue.settle(&record("Z", "x@d2.example", 60));
        let gone: Vec<_> = queue.remove(&record("C", "", 70)).collect();
        assert_eq!(gone, [(2, 0)]);
        let waiting = told(queue);
        assert_eq!((waiting.recipients, waiting.oldest, waiting.domains.len()), (2, Some(10), 1));
        assert_eq!(waiting.domains[0].cause.as_deref(), Some("c1"));
    }

    #[test]
    fn domains_without_a_name_are_one() {
        let mut queue = Queue::new(100);
        (0..9).for_each(|n| queue.defer(&record(&format!("Q{n}"), "x@d.example", n), 1 + n as u64, 0));
        let waiting = queue.finish(|key| (key == 1).then(|| "d.example".into()), |_| None);
        let counts: Vec<_> = waiting.domains.iter().map(|d| (d.domain.as_str(), d.recipients)).collect();
        assert_eq!(counts, [("(others)", 8), ("d.example", 1)]);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut queue = Queue::new(10);
        (0..30).for_each(|n| queue.defer(&record(&format!("Q{n}"), "x@d.example", n), 1, 0));
        assert_eq!((queue.not_followed(), queue.messages.len()), (20, 10));
        let waiting = told(queue);
        assert_eq!((waiting.recipients, waiting.not_followed), (10, 20));
        let mut queue = Queue::new(10_000);
        (0..2000).for_each(|n| queue.defer(&record("Q", &format!("x{n}@d.example"), n), 1, 0));
        assert_eq!((told(queue).recipients), MOST_OF_MESSAGE as u64);
    }
}
