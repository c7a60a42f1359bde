//! A site: the MX hosts that domains share, and how much they are asked at a time.

use std::{collections::VecDeque, sync::Arc};

use super::{breaker::Breaker, memory::Ticket, scheduler::loaded::Loaded};
use crate::route::Route;

/// How many connections a site gets: a few at first, one more for each round of successes, half
/// as many when it fails or asks for less.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    window: f32,
    first: f32,
    most: f32,
    /// Counts cuts: what began before the last one does not cut again.
    cuts: u64,
}

impl Pace {
    pub(crate) fn new(first: u32, most: u32) -> Self {
        let most = f32::from(u16::try_from(most).unwrap_or(u16::MAX)).max(1.0);
        let first = f32::from(u16::try_from(first).unwrap_or(u16::MAX)).clamp(1.0, most);
        Self { window: first, first, most, cuts: 0 }
    }

    /// Connections at a time.
    pub(crate) fn limit(&self) -> u32 {
        (self.window as u32).max(1)
    }

    /// What an attempt that begins now has to give back to [`Self::cut`].
    pub(crate) fn round(&self) -> u64 {
        self.cuts
    }

    /// An attempt succeeded.
    pub(crate) fn grow(&mut self) {
        self.window = (self.window + 1.0 / self.window).min(self.most);
    }

    /// An attempt of this round failed.
    pub(crate) fn cut(&mut self, round: u64) {
        if round == self.cuts {
            self.window = (self.window / 2.0).max(1.0);
            self.cuts += 1;
        }
    }

    /// Begins anew, as with a site that is not known.
    pub(crate) fn restart(&mut self) {
        self.window = self.first;
        self.cuts += 1;
    }
}

/// What waits for a connection.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Which recipients.
    pub(crate) ticket: Ticket,
    /// Since which tick.
    pub(crate) since: u32,
    /// The message, where it is in memory.
    pub(crate) loaded: Option<Arc<Loaded>>,
    /// The way, where it was just looked up.
    pub(crate) route: Option<Arc<Route>>,
}

/// One site.
#[derive(Debug)]
pub(crate) struct Site {
    /// What waits, first come first served.
    pub(crate) queue: VecDeque<Ready>,
    /// Attempts that are being made.
    pub(crate) running: u32,
    /// How many of them there may be.
    pub(crate) pace: Pace,
    /// Whether there may be any.
    pub(crate) breaker: Breaker,
    /// The last attempts succeeded.
    pub(crate) proven: bool,
    /// It stands in the line of those that wait for a connection.
    pub(crate) in_line: bool,
    /// Tick of the last thing that happened.
    pub(crate) touched: u32,
    /// What the last failure of the site was, in words.
    pub(crate) trouble: Option<Box<str>>,
}

impl Site {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            queue: VecDeque::new(),
            running: 0,
            pace,
            breaker: Breaker::default(),
            proven: false,
            in_line: false,
            touched: 0,
            trouble: None,
        }
    }

    /// True if nothing waits and nothing is being tried.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.running == 0 && !self.in_line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_one_in_a_round_of_successes_up_to_its_bound() {
        let mut pace = Pace::new(5, 20);
        assert_eq!(pace.limit(), 5);
        for _ in 0..6 {
            pace.grow();
        }
        assert_eq!(pace.limit(), 6);
        for _ in 0..1000 {
            pace.grow();
        }
        assert_eq!(pace.limit(), 20);
    }

    #[test]
    fn failures_that_began_together_halve_it_once() {
        let mut pace = Pace::new(16, 20);
        let round = pace.round();
        for _ in 0..16 {
            pace.cut(round);
        }
        assert_eq!(pace.limit(), 8);
        pace.cut(pace.round());
        assert_eq!(pace.limit(), 4);
    }

    #[test]
    fn never_falls_below_one_connection() {
        let mut pace = Pace::new(5, 20);
        for _ in 0..50 {
            pace.cut(pace.round());
        }
        assert_eq!(pace.limit(), 1);
        pace.restart();
        assert_eq!(pace.limit(), 5);
    }

    #[test]
    fn odd_bounds_are_put_right() {
        assert_eq!(Pace::new(0, 0).limit(), 1);
        assert_eq!(Pace::new(50, 3).limit(), 3);
    }
}
