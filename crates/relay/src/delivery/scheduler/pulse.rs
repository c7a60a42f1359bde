//! What happens because time has passed: waiting ends, breakers are tried, probes are made,
//! lines are looked at, and what is not needed is forgotten.

use std::{cmp::Reverse, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    core::{Core, Effects, Tell},
    shared::Shared,
};
use crate::{
    delivery::{clock::Jump, memory::Place, site::Ready},
    event::Severity,
};

/// The scheduler looks at its clocks at least this often, in seconds.
const LONGEST_SLEEP: u32 = 60;
/// While more is due than may come out, it comes out in portions at this distance.
const PORTION: Duration = Duration::from_millis(50);
/// A site is forgotten when nothing has happened there for so many seconds.
const SITE_REMEMBERED: u32 = 1800;

/// Runs until the program ends or the scheduler has stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let next = shared.locked(Core::pulse);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = shared.wake.notified() => {}
        }
    }
}

impl Core {
    /// Does what is due. Returns when to come again.
    pub(super) fn pulse(&mut self, fx: &mut Effects) -> Instant {
        if let Some(jump) = self.clock.compare() {
            fx.tells.push(jumped(jump));
        }
        let tick = self.tick();
        let mut next = tick.saturating_add(LONGEST_SLEEP);
        let mut more = false;
        if self.stopped.is_none() {
            more = self.release(tick, fx);
            self.sound_alarms(tick, fx);
            self.order_probes(tick, fx);
            self.sweep(tick, fx);
            let alarm = self.alarms.peek().map(|Reverse((at, _))| *at);
            let probe = self.watches.next_due().filter(|_| self.probing < self.settings.probes.max(1));
            for due in [self.memory.next_due(), alarm, probe].into_iter().flatten() {
                next = next.min(due);
            }
        }
        self.wakes_at = next;
        if more { Instant::now() + PORTION } else { self.clock.instant(next) }
    }

    /// Lets out what is due, as far as the rate allows. True if more is due.
    fn release(&mut self, tick: u32, fx: &mut Effects) -> bool {
        let rate = f64::from(self.settings.release_per_second.max(1));
        let now = Instant::now();
        let portion = rate * PORTION.as_secs_f64();
        let passed = now.duration_since(self.tokens_at).as_secs_f64();
        self.tokens = (self.tokens + passed * rate).min(portion.max(1.0));
        self.tokens_at = now;
        while self.tokens >= 1.0 {
            let Some(ticket) = self.memory.pop_due(tick) else { return false };
            self.tokens -= self.memory.numbers(ticket).len() as f64;
            let Some(domain) = self.memory.get(ticket).map(|bundle| bundle.domain) else { continue };
            self.line_up(Ready { ticket, since: tick, loaded: None, route: None }, domain, fx);
        }
        self.memory.next_due().is_some_and(|due| due <= tick)
    }

    /// Looks at the sites whose pause has ended.
    fn sound_alarms(&mut self, tick: u32, fx: &mut Effects) {
        while let Some(Reverse((at, _))) = self.alarms.peek()
            && *at <= tick
        {
            if let Some(Reverse((_, site))) = self.alarms.pop() {
                self.fill(&site, fx);
            }
        }
    }

    fn order_probes(&mut self, tick: u32, fx: &mut Effects) {
        while self.probing < self.settings.probes.max(1) {
            let Some(order) = self.watches.take_due(tick) else { return };
            self.probing += 1;
            fx.probes.push(order);
        }
    }

    /// Once a minute: forgets sites, and lets lines be looked at that have stood for long.
    fn sweep(&mut self, tick: u32, fx: &mut Effects) {
        if tick < self.swept_at.saturating_add(LONGEST_SLEEP) {
            return;
        }
        self.swept_at = tick;
        self.sites.retain(|_, site| !site.is_empty() || tick < site.touched.saturating_add(SITE_REMEMBERED));
        if !self.reviewing && self.sites.values().any(|site| self.is_for_review(site, tick)) {
            self.reviewing = true;
            fx.review = true;
        }
    }

    /// True if the first in a site's line has stood there for long.
    pub(super) fn is_for_review(&self, site: &crate::delivery::site::Site, tick: u32) -> bool {
        let review = u32::try_from(self.settings.review.as_secs()).unwrap_or(u32::MAX);
        let mut standing = site
            .queue
            .iter()
            .filter(|ready| self.memory.get(ready.ticket).is_some_and(|b| b.place() == Place::Ready));
        standing.next().is_some_and(|ready| ready.since.saturating_add(review) <= tick)
    }
}

fn jumped(jump: Jump) -> Tell {
    let text = match jump {
        Jump::Forward(by) => format!(
            "the clock went forward by {by} s and has stayed there for ten minutes: what became due by it is \
             tried now, a part at a time"
        ),
        Jump::Backward(by) => {
            format!("the clock went back by {by} s: messages are tried as if it had not")
        }
    };
    Tell::Note { severity: Severity::Warning, token: "clock.jumped", text }
}
