//! Probes of sites that keep mail waiting for want of TLS, and what follows when one passes.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use waxseal_store::spool::State;

use super::{
    core::{Core, Effects, Tell},
    shared::{Shared, site_key},
};
use crate::{
    delivery::{
        memory::{Place, Ticket, WatchId},
        snapshot::Probed,
        watch::{Identity, Key, Order},
    },
    route::{Route, Wishes},
};

/// What a probe came to.
type Answer = Result<String, (&'static str, String)>;

/// Makes one probe.
pub(super) async fn run(shared: Arc<Shared>, mut order: Order) {
    let mut site: Arc<str> = "".into();
    let answer = match AssertUnwindSafe(ask(&shared, &mut order, &mut site)).catch_unwind().await {
        Ok(answer) => answer,
        Err(_) => Some(Err(("connect.failed", "the probe ended in an error of this program".to_owned()))),
    };
    shared.locked(|core, fx| core.probed(&order, &site, answer, fx));
}

/// None where it was not to be made after all.
async fn ask(shared: &Arc<Shared>, order: &mut Order, site: &mut Arc<str>) -> Option<Answer> {
    if order.provisional && !acquaint(shared, order).await {
        shared.locked(|core, _| core.represent(order));
        return Some(Err(("", "the message at hand is gone; another one is next".to_owned())));
    }
    let cause = &order.cause;
    let route = shared.router.route_anew(&cause.domain, &cause.sender).await;
    *site = site_key(&route, &cause.domain);
    let key = Key::of(site, &cause.domain, &route, cause.wishes, &cause.reason);
    match shared.locked(|core, _| core.watches.identify(order, key)) {
        Identity::Probe => Some(shared.deliver.probe(&route, cause.wishes).await),
        Identity::Joined | Identity::Ended => None,
    }
}

/// Learns from a message that waits what the probe is about. False where it waits no longer.
async fn acquaint(shared: &Shared, order: &mut Order) -> bool {
    let Ok(Some(message)) = shared.spool.message(order.cause.message).await else { return false };
    let waiting = message.recipients.iter().filter(|recipient| recipient.state == State::Queued);
    let mut waiting = waiting.filter(|recipient| *recipient.domain == *order.cause.domain).peekable();
    if waiting.peek().is_none() {
        return false;
    }
    let since = waiting.filter_map(|recipient| recipient.last.as_ref()).map(|last| last.at).min();
    order.cause.since = order.cause.since.min(since.unwrap_or(i64::MAX));
    order.cause.sender = message.envelope.sender.as_str().into();
    order.cause.wishes = Wishes::of(&message.envelope);
    true
}

/// A probe that no watch asks for: what a message without wishes would meet.
pub(super) async fn once(shared: &Shared, domain: &str) -> Probed {
    let route: Arc<Route> = shared.router.route_anew(domain, "").await;
    let answer = shared.deliver.probe(&route, Wishes::default()).await;
    told(&site_key(&route, &domain.into()), domain, &answer, 0)
}

fn told(site: &str, domain: &str, answer: &Answer, released: usize) -> Probed {
    let (reason, text) = match answer {
        Ok(text) => (None, text.clone()),
        Err((reason, text)) => (Some((*reason).to_owned()), text.clone()),
    };
    Probed {
        site: site.to_owned(),
        domain: domain.to_owned(),
        passed: answer.is_ok(),
        reason,
        text,
        released,
    }
}

impl Core {
    fn probed(&mut self, order: &Order, site: &Arc<str>, answer: Option<Answer>, fx: &mut Effects) {
        self.probing -= 1;
        fx.wake = true;
        let Some(answer) = answer else { return };
        let waiters = self.watches.waiters(order);
        let now = self.clock.now();
        let mut released = 0;
        match &answer {
            Err((_, said)) => self.watches.failed(order, said, now, &mut self.chance),
            Ok(_) => {
                if let Some(id) = self.watches.passed(order, now.tick) {
                    released = self.mended(id, site, fx);
                }
            }
        }
        for waiter in waiters {
            // Who asked may have gone.
            let _ = waiter.send(told(site, &order.cause.domain, &answer, released));
        }
    }

    /// A site gives what is demanded: all that waits for it comes out, and begins with few
    /// connections. Returns how many recipients.
    fn mended(&mut self, id: WatchId, site: &Arc<str>, fx: &mut Effects) -> usize {
        let Some(cause) = self.watches.get(id).map(|watch| watch.cause.clone()) else { return 0 };
        let now = self.clock.now();
        let waiting: Vec<Ticket> = self
            .memory
            .all()
            .filter(|(_, bundle)| bundle.watch != 0 && self.watches.resolve(bundle.watch) == id)
            .map(|(ticket, _)| ticket)
            .collect();
        let mut released = 0;
        for ticket in waiting {
            self.leave_watch(ticket);
            if self.memory.get(ticket).is_some_and(|bundle| bundle.place() == Place::Waiting) {
                released += self.memory.numbers(ticket).len();
                self.wait(ticket, now.tick, fx);
            }
        }
        let mended = self.site(site);
        mended.touched = now.tick;
        mended.pace.restart();
        mended.breaker.close();
        self.fill(site, fx);
        fx.tells.push(Tell::Mended {
            site: Arc::clone(site),
            domain: cause.domain,
            reason: cause.reason,
            after: now.wall.saturating_sub(cause.since).max(0),
            recipients: released,
        });
        released
    }

    /// The message that a provisional watch knew is gone: another one takes its place.
    fn represent(&mut self, order: &Order) {
        let Some(id) = self.watches.id_of(order) else { return };
        let other = self.memory.all().find(|(_, bundle)| {
            bundle.message != order.cause.message && self.watches.resolve(bundle.watch) == id
        });
        if let Some(message) = other.map(|(_, bundle)| bundle.message) {
            self.watches.represent(order, message);
        }
    }

    /// Lets the watches of a site or a domain be probed at once.
    pub(super) fn probe_now(&mut self, name: &str, fx: &mut Effects) -> Vec<oneshot::Receiver<Probed>> {
        let meant: Vec<WatchId> = self
            .watches
            .all()
            .filter(|(_, watch)| {
                let of_site = watch.key.as_ref().is_some_and(|key| &*key.site == name);
                of_site || &*watch.cause.domain == name || self.is_at(name, watch.key.as_ref())
            })
            .map(|(id, _)| id)
            .collect();
        let mut results = Vec::new();
        for id in meant {
            let (sender, receiver) = oneshot::channel();
            self.watches.hurry(id, sender);
            results.push(receiver);
        }
        fx.wake |= !results.is_empty();
        results
    }

    /// True if a domain's mail goes to the site of a watch that is not another domain's own.
    fn is_at(&self, domain: &str, key: Option<&Key>) -> bool {
        let Some(key) = key.filter(|key| !key.is_of_one_domain()) else { return false };
        let known = self.memory.domains.find(domain).and_then(|id| self.memory.domains.get(id));
        known.and_then(|known| known.site.as_ref()).is_some_and(|site| *site == key.site)
    }
}
