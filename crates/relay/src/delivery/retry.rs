//! When a recipient is tried again.
//!
//! A schedule gives the wait after an attempt. Every wait is spread a little, so that what
//! was deferred together does not come back together.

use std::time::Duration;

use super::chance::Chance;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// After an attempt that may have delivered the message, the next one waits at least this
/// long: the other server may still be at work on it.
pub const AFTER_UNKNOWN: Duration = Duration::from_secs(5 * MINUTE);

/// How long to wait after each attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// As Symantec Email Security.cloud does: 400 s, doubled up to 51,200 s, give or take 30 s,
    /// then every 12 hours.
    Ess,
    /// As Exchange Online does, roughly: 15 minutes twice, then every hour.
    Exo,
    /// As Postfix does: as long as the message is old, within 300 and 4,000 s.
    Postfix,
    /// As Exim does by its usual rule `F,2h,15m; G,16h,1h,1.5; F,4d,6h`: every 15 minutes for
    /// two hours, then after an hour and half as long again each time until the message is 16
    /// hours old, then every six hours.
    Exim,
    /// These waits, of which the last repeats. [`Schedule::list`] makes one.
    List(Vec<Duration>),
}

impl Schedule {
    /// The schedule of this name: `ess`, `exo`, `postfix`, `exim`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ess" => Some(Self::Ess),
            "exo" => Some(Self::Exo),
            "postfix" => Some(Self::Postfix),
            "exim" => Some(Self::Exim),
            _ => None,
        }
    }

    /// These waits, of which the last repeats; none where there is no wait, or one below a
    /// second, which would be no pause.
    pub fn list(waits: Vec<Duration>) -> Option<Self> {
        let fit = !waits.is_empty() && waits.iter().all(|wait| wait.as_secs() > 0);
        fit.then_some(Self::List(waits))
    }

    /// The wait after an attempt: `attempts` is how many there were, this one included, and
    /// `age` how long ago the message came.
    pub(crate) fn wait(&self, attempts: u32, age: Duration, chance: &mut Chance) -> Duration {
        let before = attempts.saturating_sub(1);
        let age = age.as_secs();
        let middle = match self {
            Self::Ess => ess(before),
            Self::Exo => [15 * MINUTE, 15 * MINUTE].get(before as usize).copied().unwrap_or(HOUR),
            Self::Postfix => age.clamp(300, 4000),
            Self::Exim => exim(age),
            Self::List(waits) => waits.get(before as usize).or(waits.last()).map_or(HOUR, Duration::as_secs),
        };
        let middle = Duration::from_secs(middle);
        match self {
            Self::Ess => chance.around(middle, Duration::from_secs(30)),
            _ => chance.near(middle, 20).max(Duration::from_secs(1)),
        }
    }

    /// The longest wait that it gives, without what it is spread by.
    pub(crate) fn longest(&self) -> Duration {
        match self {
            Self::Ess => Duration::from_secs(51_200),
            Self::Exo => Duration::from_secs(HOUR),
            Self::Postfix => Duration::from_secs(4000),
            Self::Exim => Duration::from_secs(8 * HOUR),
            Self::List(waits) => waits.iter().max().copied().unwrap_or_default(),
        }
    }
}

fn ess(before: u32) -> u64 {
    match before {
        0..=7 => 400 << before,
        _ => 12 * HOUR,
    }
}

/// Exim goes from wait to wait by a factor. What counts here is the age alone, because that is
/// kept and the last wait is not: waits of 1 h · 1.5ⁿ add up to 2 h · (1.5ⁿ − 1), so that after
/// these the next one is an hour and half of what has passed.
fn exim(age: u64) -> u64 {
    if age < 2 * HOUR {
        15 * MINUTE
    } else if age < 16 * HOUR {
        HOUR + (age - 2 * HOUR) / 2
    } else {
        6 * HOUR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits one after the other, and the age at which each attempt is made.
    fn course(schedule: &Schedule, attempts: u32) -> Vec<u64> {
        let mut chance = Chance::new(Some(1));
        let mut age = Duration::ZERO;
        (1..=attempts)
            .map(|attempt| {
                let wait = schedule.wait(attempt, age, &mut chance);
                age += wait;
                wait.as_secs()
            })
            .collect()
    }

    fn assert_near(waits: &[u64], middles: &[u64], spread: impl Fn(u64) -> u64) {
        assert_eq!(waits.len(), middles.len());
        for (wait, middle) in waits.iter().zip(middles) {
            assert!(wait.abs_diff(*middle) <= spread(*middle), "{wait} is not near {middle}: {waits:?}");
        }
    }

    #[test]
    fn ess_doubles_from_400_seconds_and_ends_at_twelve_hours() {
        let middles = [400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 43_200, 43_200];
        assert_near(&course(&Schedule::Ess, 10), &middles, |_| 30);
    }

    #[test]
    fn exo_goes_over_to_hours() {
        let middles = [900, 900, 3600, 3600];
        assert_near(&course(&Schedule::Exo, 4), &middles, |m| m / 20);
    }

    #[test]
    fn postfix_waits_as_long_as_the_message_is_old() {
        let waits = course(&Schedule::Postfix, 8);
        // 300, 300, 600, 1200, 2400, then 4000 for ever.
        assert_near(&waits, &[300, 300, 600, 1200, 2400, 4000, 4000, 4000], |m| m / 5);
    }

    #[test]
    fn exim_changes_its_rule_with_age() {
        let mut chance = Chance::new(Some(1));
        let mut wait = |age: u64| Schedule::Exim.wait(1, Duration::from_secs(age), &mut chance).as_secs();
        assert_near(&[wait(0), wait(HOUR)], &[900, 900], |m| m / 20);
        // One hour, then half as long again each time: at 2, 3, 4.5 and 6.75 hours.
        let ages = [2 * HOUR, 3 * HOUR, 9 * HOUR / 2, 27 * HOUR / 4];
        assert_near(&ages.map(&mut wait), &[3600, 5400, 8100, 12_150], |m| m / 20);
        assert_near(&[wait(16 * HOUR), wait(90 * HOUR)], &[21_600, 21_600], |m| m / 20);
    }

    #[test]
    fn a_list_repeats_its_last_wait() {
        let list = Schedule::list(vec![Duration::from_secs(300), Duration::from_secs(900)]).unwrap();
        assert_near(&course(&list, 4), &[300, 900, 900, 900], |m| m / 20);
    }

    #[test]
    fn a_list_without_waits_is_none() {
        assert_eq!(Schedule::list(vec![]), None);
        assert_eq!(Schedule::list(vec![Duration::from_secs(60), Duration::ZERO]), None);
    }

    #[test]
    fn no_wait_is_longer_than_the_longest() {
        let list = Schedule::list(vec![Duration::from_secs(7000), Duration::from_secs(60)]).unwrap();
        for schedule in [Schedule::Ess, Schedule::Exo, Schedule::Postfix, Schedule::Exim, list] {
            let mut chance = Chance::new(Some(3));
            for attempt in 1..40 {
                for age in (0..200).map(|h| Duration::from_secs(h * HOUR)) {
                    let wait = schedule.wait(attempt, age, &mut chance);
                    let most = schedule.longest() + (schedule.longest() / 20).max(Duration::from_secs(30));
                    assert!(wait <= most && wait >= Duration::from_secs(1), "{schedule:?}: {wait:?}");
                }
            }
        }
    }

    #[test]
    fn the_presets_have_their_names() {
        for name in ["ess", "exo", "postfix", "exim"] {
            assert!(Schedule::named(name).is_some(), "{name}");
        }
        assert_eq!(Schedule::named("sendmail"), None);
    }
}
