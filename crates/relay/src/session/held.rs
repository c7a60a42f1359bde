//! Memory for messages that are coming in: a thousand sessions with large ones would take all
//! there is.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Bytes that one message has of what all may have; given back when this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    all: Arc<AtomicU64>,
    most: u64,
    bytes: u64,
}

impl Held {
    /// None yet, of `most` bytes that all may have.
    pub(super) fn new(all: &Arc<AtomicU64>, most: u64) -> Self {
        Self { all: Arc::clone(all), most, bytes: 0 }
    }

    /// The message has so many bytes now. False if that is more than there is room for.
    pub(super) fn grow_to(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let before = self.all.fetch_add(more, Ordering::Relaxed);
        self.bytes = bytes;
        before.saturating_add(more) <= self.most
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_share_what_there_is_and_give_it_back() {
        let all = Arc::new(AtomicU64::new(0));
        let (mut one, mut two) = (Held::new(&all, 100), Held::new(&all, 100));
        assert!(one.grow_to(60) && one.grow_to(60) && one.grow_to(20));
        assert!(two.grow_to(40));
        assert!(!two.grow_to(41));
        drop(one);
        assert!(two.grow_to(100));
        drop(two);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
