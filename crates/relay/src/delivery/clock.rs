//! Two clocks. The wall clock says when something happened and is what is stored; it can jump.
//! The monotonic clock is what is waited by; it cannot, and knows no date.
//!
//! - **Waiting** goes by *ticks*: seconds of the monotonic clock since the start. A time that
//!   is stored becomes a wait when it is read, and no wait is longer than the schedule's
//!   longest (at least a day). So a jump of the wall clock brings nothing forward and holds
//!   nothing up.
//! - **Deciding** that a message is too old goes by the *trusted* time: the wall clock as it was
//!   believed last, carried on by the monotonic one. Small differences and every jump backward
//!   are believed at once: they expire nothing. A jump forward of more than a minute is
//!   believed after it has lasted ten minutes: a clock that is set wrong is mostly set right
//!   sooner, and nothing is lost by expiring a message ten minutes late.
//! - When a jump forward is believed, the ticks go forward with it: the machine had slept, and
//!   what became due in its sleep is due. It comes out at the rate at which a backlog does.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

/// Reads the wall clock: seconds since 1970-01-01 UTC.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl WallClock {
    /// A clock of one's own, for tests.
    pub fn new(read: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn read(&self) -> i64 {
        (self.0)()
    }
}

impl Default for WallClock {
    /// The system's.
    fn default() -> Self {
        Self::new(|| time::OffsetDateTime::now_utc().unix_timestamp())
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}

/// Differences up to this are no jump.
const TOLERANCE: i64 = 60;
/// How long a jump forward must have lasted.
const CONFIRMED_AFTER: Duration = Duration::from_secs(600);
/// No jump brings more forward than this: nothing waits longer.
const MOST_SKIPPED: i64 = 30 * 86_400;

/// One moment on all clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds that waiting goes by.
    pub(crate) tick: u32,
    /// What the wall clock says: to be stored.
    pub(crate) wall: i64,
    /// What it is believed to say: to decide by.
    pub(crate) trusted: i64,
}

/// A jump of the wall clock that was believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jump {
    /// By so many seconds.
    Forward(i64),
    /// By so many seconds.
    Backward(i64),
}

/// Both clocks.
#[derive(Debug)]
pub(crate) struct Clock {
    wall: WallClock,
    start: Instant,
    /// Ticks that jumps have added.
    skipped: u32,
    /// Trusted time less monotonic seconds.
    offset: i64,
    /// A jump forward that is not believed yet: the offset that it would give, and since when.
    ahead: Option<(i64, Instant)>,
}

impl Clock {
    pub(crate) fn new(wall: WallClock) -> Self {
        let offset = wall.read();
        Self { wall, start: Instant::now(), skipped: 0, offset, ahead: None }
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_secs()).unwrap_or(i64::MAX)
    }

    /// Now.
    pub(crate) fn now(&self) -> Moment {
        let elapsed = self.elapsed();
        let trusted = elapsed.saturating_add(self.offset);
        Moment { tick: self.tick_at(elapsed), wall: self.wall.read(), trusted }
    }

    /// The tick of now.
    pub(crate) fn tick(&self) -> u32 {
        self.tick_at(self.elapsed())
    }

    fn tick_at(&self, elapsed: i64) -> u32 {
        u32::try_from(elapsed).unwrap_or(u32::MAX).saturating_add(self.skipped)
    }

    /// The instant at which a tick begins.
    pub(crate) fn instant(&self, tick: u32) -> Instant {
        self.start + Duration::from_secs(u64::from(tick.saturating_sub(self.skipped)))
    }

    /// Compares the clocks: to be called at least every minute.
    pub(crate) fn compare(&mut self) -> Option<Jump> {
        let offset = self.wall.read().saturating_sub(self.elapsed());
        let jump = offset.saturating_sub(self.offset);
        if jump <= TOLERANCE {
            self.ahead = None;
            self.offset = offset;
            return (jump < -TOLERANCE).then(|| Jump::Backward(-jump));
        }
        match self.ahead {
            Some((seen, since)) if offset.abs_diff(seen) <= TOLERANCE.unsigned_abs() => {
                if since.elapsed() < CONFIRMED_AFTER {
                    return None;
                }
                self.ahead = None;
                self.offset = offset;
                let skip = u32::try_from(jump.min(MOST_SKIPPED)).unwrap_or(0);
                self.skipped = self.skipped.saturating_add(skip);
                Some(Jump::Forward(jump))
            }
            _ => {
                self.ahead = Some((offset, Instant::now()));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use tokio::time::advance;

    use super::*;

    /// A wall clock that goes with tokio's, and can be set.
    fn clocks() -> (Clock, Arc<AtomicI64>) {
        let shift = Arc::new(AtomicI64::new(0));
        let start = Instant::now();
        let read = {
            let shift = Arc::clone(&shift);
            move || {
                1_800_000_000
                    + i64::try_from(start.elapsed().as_secs()).unwrap()
                    + shift.load(Ordering::Relaxed)
            }
        };
        (Clock::new(WallClock::new(read)), shift)
    }

    async fn minutes(clock: &mut Clock, minutes: u64) -> Vec<Jump> {
        let mut jumps = Vec::new();
        for _ in 0..minutes {
            advance(Duration::from_secs(60)).await;
            jumps.extend(clock.compare());
        }
        jumps
    }

    #[tokio::test(start_paused = true)]
    async fn without_jumps_all_go_together() {
        let (mut clock, _) = clocks();
        let before = clock.now();
        assert_eq!(minutes(&mut clock, 60).await, []);
        let after = clock.now();
        assert_eq!(after.tick - before.tick, 3600);
        assert_eq!(after.wall - before.wall, 3600);
        assert_eq!(after.trusted, after.wall);
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_forward_is_believed_after_ten_minutes() {
        let (mut clock, shift) = clocks();
        shift.store(1_000_000, Ordering::Relaxed);
        let before = clock.now();
        assert_eq!(before.wall - before.trusted, 1_000_000);
        assert_eq!(minutes(&mut clock, 10).await, []);
        assert_eq!(clock.now().tick, 600);
        assert_eq!(minutes(&mut clock, 1).await, [Jump::Forward(1_000_000)]);
        let after = clock.now();
        assert_eq!(after.wall, after.trusted);
        assert_eq!(after.tick, 660 + 1_000_000, "what was due in its sleep is due");
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_forward_that_is_taken_back_changes_nothing() {
        let (mut clock, shift) = clocks();
        shift.store(10 * 365 * 86_400, Ordering::Relaxed);
        assert_eq!(minutes(&mut clock, 9).await, []);
        shift.store(0, Ordering::Relaxed);
        assert_eq!(minutes(&mut clock, 30).await, []);
        let now = clock.now();
        assert_eq!((now.tick, now.wall), (39 * 60, now.trusted));
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_backward_is_believed_at_once_and_holds_nothing_up() {
        let (mut clock, shift) = clocks();
        shift.store(-5_000_000, Ordering::Relaxed);
        assert_eq!(minutes(&mut clock, 1).await, [Jump::Backward(5_000_000)]);
        let now = clock.now();
        assert_eq!((now.tick, now.wall), (60, now.trusted));
        assert_eq!(minutes(&mut clock, 5).await, []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_keeps_jumping_is_not_believed() {
        let (mut clock, shift) = clocks();
        for _ in 0..30 {
            shift.fetch_add(100_000, Ordering::Relaxed);
            assert_eq!(minutes(&mut clock, 1).await, []);
        }
        assert_eq!(clock.now().tick, 1800);
    }

    #[tokio::test(start_paused = true)]
    async fn instants_and_ticks_agree() {
        let (mut clock, shift) = clocks();
        assert_eq!(clock.instant(5).duration_since(Instant::now()), Duration::from_secs(5));
        shift.store(100_000, Ordering::Relaxed);
        minutes(&mut clock, 12).await;
        let tick = clock.now().tick;
        assert_eq!(clock.instant(tick + 7).duration_since(Instant::now()), Duration::from_secs(7));
        assert!(clock.instant(0) <= Instant::now());
    }
}
