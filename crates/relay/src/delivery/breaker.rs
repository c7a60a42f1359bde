//! When a site is left alone: after it could not be reached, or asked for less, several times
//! running.
//!
//! While the breaker is open nothing is tried there. Then one attempt goes ahead of all others,
//! and what it comes to decides: the breaker closes, or stays open for twice as long.

use std::time::Duration;

use super::chance::Chance;

/// When a site is left alone, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// After so many failures of the site running.
    pub failures: u32,
    /// For how long at first.
    pub first: Duration,
    /// For how long at the most.
    pub longest: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, first: Duration::from_secs(30), longest: Duration::from_secs(600) }
    }
}

/// The breaker of one site. Times are the scheduler's seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breaker {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        /// Failures running.
        failures: u32,
    },
    Open {
        until: u32,
        /// How often it was opened without having been closed.
        times: u32,
    },
    HalfOpen {
        times: u32,
        /// The one attempt is being made.
        trying: bool,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Anything.
    Free,
    /// One attempt.
    Trial,
    /// Nothing before the pause has ended.
    Shut,
    /// Nothing until the one attempt has ended.
    Waiting,
}

impl Breaker {
    /// What may pass now. For [`Passage::Trial`], [`Self::try_one`] has to follow.
    pub(crate) fn passage(&mut self, now: u32) -> Passage {
        if let State::Open { until, times } = self.state
            && until <= now
        {
            self.state = State::HalfOpen { times, trying: false };
        }
        match self.state {
            State::Closed { .. } => Passage::Free,
            State::Open { .. } => Passage::Shut,
            State::HalfOpen { trying: false, .. } => Passage::Trial,
            State::HalfOpen { trying: true, .. } => Passage::Waiting,
        }
    }

    /// The one attempt begins.
    pub(crate) fn try_one(&mut self) {
        if let State::HalfOpen { trying, .. } = &mut self.state {
            *trying = true;
        }
    }

    /// The one attempt ended and said nothing of the site: another one may follow.
    pub(crate) fn tried_in_vain(&mut self) {
        if let State::HalfOpen { trying, .. } = &mut self.state {
            *trying = false;
        }
    }

    /// The site answered. True if the breaker was open.
    pub(crate) fn close(&mut self) -> bool {
        let was_open = self.is_open();
        self.state = State::default();
        was_open
    }

    /// The site failed, in the one attempt (`trial`) or another. Returns until when it is left
    /// alone, if that begins now.
    pub(crate) fn fail(
        &mut self,
        trial: bool,
        now: u32,
        settings: &BreakerSettings,
        chance: &mut Chance,
    ) -> Option<u32> {
        let times = match &mut self.state {
            State::Closed { failures } => {
                *failures += 1;
                if *failures < settings.failures.max(1) {
                    return None;
                }
                0
            }
            State::HalfOpen { times, .. } if trial => times.saturating_add(1),
            // Begun before it was opened: nothing new.
            State::HalfOpen { .. } | State::Open { .. } => return None,
        };
        let pause = settings.first.saturating_mul(1 << times.min(16)).min(settings.longest);
        let pause = chance.near(pause, 10).max(Duration::from_secs(1));
        let until = now.saturating_add(u32::try_from(pause.as_secs()).unwrap_or(u32::MAX));
        self.state = State::Open { until, times };
        Some(until)
    }

    /// Ends a pause at once: the operator wants it tried.
    pub(crate) fn hurry(&mut self) {
        if let State::Open { times, .. } = self.state {
            self.state = State::HalfOpen { times, trying: false };
        }
    }

    /// True if the site is left alone, or one attempt is to tell.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }

    /// Until when the site is left alone, if it is.
    pub(crate) fn until(&self) -> Option<u32> {
        match self.state {
            State::Open { until, .. } => Some(until),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> BreakerSettings {
        BreakerSettings { failures: 3, first: Duration::from_secs(30), longest: Duration::from_secs(100) }
    }

    fn fail(breaker: &mut Breaker, trial: bool, now: u32) -> Option<u32> {
        breaker.fail(trial, now, &settings(), &mut Chance::new(Some(1)))
    }

    fn opened(now: u32) -> (Breaker, u32) {
        let mut breaker = Breaker::default();
        assert_eq!(fail(&mut breaker, false, now), None);
        assert_eq!(fail(&mut breaker, false, now), None);
        let until = fail(&mut breaker, false, now).unwrap();
        (breaker, until)
    }

    #[test]
    fn opens_after_failures_running_and_not_before() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, false, 0);
        fail(&mut breaker, false, 0);
        breaker.close();
        assert_eq!(fail(&mut breaker, false, 0), None, "a success in between counts anew");
        assert_eq!(breaker.passage(0), Passage::Free);
        let (mut breaker, until) = opened(100);
        assert!((127..=133).contains(&until), "{until}");
        assert_eq!(breaker.passage(until - 1), Passage::Shut);
        assert_eq!(breaker.until(), Some(until));
    }

    #[test]
    fn one_attempt_decides() {
        let (mut breaker, until) = opened(0);
        assert_eq!(breaker.passage(until), Passage::Trial);
        breaker.try_one();
        assert_eq!(breaker.passage(until), Passage::Waiting);
        assert!(breaker.close());
        assert_eq!(breaker.passage(until), Passage::Free);
    }

    #[test]
    fn pauses_double_and_are_bounded() {
        let (mut breaker, mut until) = opened(0);
        let mut pauses = Vec::new();
        for _ in 0..20 {
            assert_eq!(breaker.passage(until), Passage::Trial);
            breaker.try_one();
            let next = fail(&mut breaker, true, until).unwrap();
            pauses.push(next - until);
            until = next;
        }
        assert!((54..=66).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses[1..].iter().all(|pause| (90..=110).contains(pause)), "{pauses:?}");
    }

    #[test]
    fn attempts_begun_before_it_opened_do_not_lengthen_the_pause() {
        let (mut breaker, until) = opened(0);
        assert_eq!(fail(&mut breaker, false, 1), None);
        assert_eq!(breaker.until(), Some(until));
        breaker.passage(until);
        breaker.try_one();
        assert_eq!(fail(&mut breaker, false, until), None);
        assert_eq!(breaker.passage(until), Passage::Waiting, "the trial still runs");
    }

    #[test]
    fn an_attempt_that_says_nothing_is_followed_by_another() {
        let (mut breaker, until) = opened(0);
        breaker.passage(until);
        breaker.try_one();
        breaker.tried_in_vain();
        assert_eq!(breaker.passage(until), Passage::Trial);
    }

    #[test]
    fn an_operator_can_end_a_pause() {
        let (mut breaker, _) = opened(0);
        breaker.hurry();
        assert_eq!(breaker.passage(0), Passage::Trial);
    }
}
