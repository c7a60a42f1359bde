//! Looks at what stands in lines for long without being tried, behind a site that cannot be
//! reached or is slow: whether a delay is to be told, or the time is up.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;

use super::{
    core::{Core, Effects, Turn, take_turn},
    settling::{self, Settling},
    shared::Shared,
};
use crate::delivery::{
    memory::Place,
    settle::{self, Rules},
    site::Ready,
};

/// Looks at all lines once.
pub(super) async fn run(shared: Arc<Shared>) {
    // An error of our own must not end the reviews for good.
    let _ = AssertUnwindSafe(all(&shared)).catch_unwind().await;
    shared.locked(|core, _| core.reviewing = false);
}

async fn all(shared: &Arc<Shared>) {
    let sites: Vec<Arc<str>> = shared.read(|core| core.sites.keys().cloned().collect());
    for site in sites {
        while let Some((turn, trouble)) = shared.locked(|core, _| core.next_for_review(&site)) {
            look_at(shared, &site, turn, &trouble).await;
        }
    }
}

async fn look_at(shared: &Arc<Shared>, site: &Arc<str>, mut turn: Turn, trouble: &str) {
    let loaded = match shared.open(&mut turn).await {
        Some(loaded) => loaded,
        None => return,
    };
    let rules = Rules { retry: &shared.settings.retry, delays: &shared.settings.delay_notices };
    let at = shared.read(|core| core.clock.now());
    let Some(outcome) = settle::review(rules, &loaded, &turn.numbers, site, trouble, at) else {
        shared.locked(|core, fx| core.stand_again(turn, site, fx));
        return;
    };
    let body: Option<Vec<Bytes>> = if !outcome.owes() {
        None
    } else if loaded.body.is_some() {
        loaded.body.clone()
    } else {
        // A notice can do without it.
        shared.bodies.get(&*shared.spool, loaded.id, loaded.size).await.ok().map(|body| body.parts())
    };
    let settling = Settling::new(shared, turn.ticket, loaded, outcome, body.as_deref(), None, at);
    shared.locked(|core, _| core.settling += 1);
    settling::run(Arc::clone(shared), settling).await;
}

impl Core {
    /// The next bundle of a site that has stood for long, and what keeps the site.
    fn next_for_review(&mut self, key: &Arc<str>) -> Option<(Turn, String)> {
        let tick = self.tick();
        if self.stopped.is_some() || !self.is_for_review(self.sites.get(key)?, tick) {
            return None;
        }
        let site = self.sites.get_mut(key)?;
        let trouble = site.trouble.as_deref().unwrap_or("others are before it at this site").to_owned();
        loop {
            let ready = site.queue.pop_front()?;
            if let Some(turn) = take_turn(&mut self.memory, ready) {
                return Some((turn, trouble));
            }
        }
    }

    /// Nothing is due for a bundle: it stands in the line again, behind those that are to be
    /// looked at after it.
    fn stand_again(&mut self, turn: Turn, site: &Arc<str>, fx: &mut Effects) {
        if let Some(ticket) = self.memory.put(turn.ticket, Place::Ready) {
            self.catch_up(turn.message, fx);
            let ready = Ready { ticket, since: self.tick(), loaded: None, route: None };
            self.enqueue(ready, Arc::clone(site), fx);
        }
    }
}
