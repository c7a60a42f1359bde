//! What all tasks of a scheduler share, and how they start each other.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{runtime, sync::Notify};
use waxseal_store::spool::{MessageId, NewMessage, Spool, SpoolError, State};

use super::{
    Settings,
    core::{Core, Effects, Stop, Tell, Turn},
    loaded::{Bodies, Budget, Loaded},
    probes, review,
    settling::Trouble,
    worker,
};
use crate::{
    delivery::{job::Deliver, notices::Notices},
    event::{Event, Events, Severity},
    route::{Route, Router},
};

/// Everything.
pub(super) struct Shared {
    core: Mutex<Core>,
    pub(super) settings: Arc<Settings>,
    pub(super) spool: Arc<dyn Spool>,
    pub(super) router: Arc<dyn Router>,
    pub(super) deliver: Arc<dyn Deliver>,
    pub(super) events: Arc<dyn Events>,
    pub(super) notices: Arc<dyn Notices>,
    pub(super) bodies: Bodies,
    pub(super) budget: Budget,
    /// For the pulse: something is due earlier.
    pub(super) wake: Notify,
    /// For who waits for the end: something has ended.
    pub(super) ended: Notify,
    pub(super) trouble: Trouble,
    runtime: runtime::Handle,
}

impl Shared {
    pub(super) fn new(
        settings: Settings,
        spool: Arc<dyn Spool>,
        router: Arc<dyn Router>,
        deliver: Arc<dyn Deliver>,
        events: Arc<dyn Events>,
        notices: Arc<dyn Notices>,
    ) -> Self {
        let settings = Arc::new(settings);
        Self {
            core: Mutex::new(Core::new(Arc::clone(&settings))),
            bodies: Bodies::new(settings.large_bodies),
            budget: Budget::new(settings.body_memory),
            settings,
            spool,
            router,
            deliver,
            events,
            notices,
            wake: Notify::new(),
            ended: Notify::new(),
            trouble: Trouble::default(),
            runtime: runtime::Handle::current(),
        }
    }

    /// Does something under the lock, and afterwards what follows from it.
    pub(super) fn locked<T>(self: &Arc<Self>, act: impl FnOnce(&mut Core, &mut Effects) -> T) -> T {
        let mut fx = Effects::default();
        let (result, quiet) = {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            let result = act(&mut core, &mut fx);
            (result, core.stopped.is_some() && core.is_quiet())
        };
        if quiet {
            self.ended.notify_waiters();
        }
        self.follow(fx);
        result
    }

    /// Looks at something under the lock.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Core) -> T) -> T {
        look(&self.core.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn follow(self: &Arc<Self>, fx: Effects) {
        for (slot, turn) in fx.work {
            self.spawn(worker::work(Arc::clone(self), slot, turn));
        }
        for turn in fx.lookups {
            self.spawn(worker::look_up(Arc::clone(self), turn));
        }
        for order in fx.probes {
            self.spawn(probes::run(Arc::clone(self), order));
        }
        if fx.review {
            self.spawn(review::run(Arc::clone(self)));
        }
        if fx.wake {
            self.wake.notify_one();
        }
        for tell in fx.tells {
            self.tell(&tell);
        }
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    fn tell(&self, tell: &Tell) {
        let event = match tell {
            Tell::Note { severity, token, text } => Event::Note { severity: *severity, token, text },
            Tell::Watching { site, domain, reason } => Event::Watching { site, domain, reason },
            Tell::Mended { site, domain, reason, after, recipients } => {
                Event::Mended { site, domain, reason, after: *after, recipients: *recipients }
            }
        };
        self.events.emit(self.settings.clock.read(), &event);
    }

    pub(super) fn note(&self, severity: Severity, token: &'static str, text: String) {
        self.tell(&Tell::Note { severity, token, text });
    }

    /// A message has come, and is on stable storage.
    pub(super) fn arrived(self: &Arc<Self>, id: MessageId, message: NewMessage) {
        let loaded = Arc::new(Loaded::fresh(id, message, &self.budget));
        self.locked(|core, fx| core.arrived(&loaded, fx));
    }

    /// The message of a turn, read from the spool where it is not in memory. None where there
    /// is nobody left to be tried, or it could not be read; then all is done about it.
    pub(super) async fn open(self: &Arc<Self>, turn: &mut Turn) -> Option<Arc<Loaded>> {
        if let Some(loaded) = turn.loaded.take() {
            return Some(loaded);
        }
        let message = match self.spool.message(turn.message).await {
            Ok(Some(message)) => message,
            Ok(None) => {
                self.locked(|core, _| core.forget(turn.ticket));
                return None;
            }
            Err(error) => {
                self.unreadable(turn, &error);
                return None;
            }
        };
        let loaded = Arc::new(Loaded::stored(message));
        let state = |number: &u32| loaded.recipient(*number).map(|recipient| recipient.state);
        let held: Vec<u32> = turn.numbers.iter().copied().filter(|n| state(n) == Some(State::Held)).collect();
        let gone: Vec<u32> =
            turn.numbers.iter().copied().filter(|n| state(n).is_none_or(State::is_final)).collect();
        if !held.is_empty() || !gone.is_empty() {
            turn.ticket = self.locked(|core, fx| core.prune(turn, &gone, &held, fx))?;
            turn.numbers.retain(|number| !held.contains(number) && !gone.contains(number));
        }
        Some(loaded)
    }

    /// A message or its body could not be read.
    pub(super) fn unreadable(self: &Arc<Self>, turn: &Turn, error: &SpoolError) {
        self.locked(|core, fx| core.unreadable(turn.message, turn.ticket, fx));
        let text = format!("message {}: {error}; tried again in a minute", turn.message);
        self.note(Severity::Error, "spool.unreadable", text);
        self.stop_by(error);
    }

    /// Stops, where an error of the spool says that nothing can be noted any more.
    pub(super) fn stop_by(self: &Arc<Self>, error: &SpoolError) {
        let is_the_end = match error {
            SpoolError::Poisoned { .. }
            | SpoolError::Corrupt { .. }
            | SpoolError::InUse { .. }
            | SpoolError::TooNew { .. }
            | SpoolError::Closed => true,
            SpoolError::Full { .. }
            | SpoolError::Io { .. }
            | SpoolError::BodyMissing { .. }
            | SpoolError::Invalid { .. } => false,
        };
        if is_the_end && self.locked(|core, _| core.stop(Stop::Spool(error.to_string()))) {
            let text = format!("nothing is delivered any more: {error}");
            self.note(Severity::Error, "delivery.stopped", text);
        }
    }

    /// Waits until nothing is under way, at most for `bound`. True if nothing is.
    pub(super) async fn quiet(&self, bound: Duration) -> bool {
        let all_ended = async {
            loop {
                let ended = self.ended.notified();
                tokio::pin!(ended);
                ended.as_mut().enable();
                if self.read(Core::is_quiet) {
                    return;
                }
                ended.await;
            }
        };
        tokio::time::timeout(bound, all_ended).await.is_ok()
    }
}

/// The site of a route: domains without hosts have one each.
pub(super) fn site_key(route: &Route, domain: &Arc<str>) -> Arc<str> {
    if route.site.is_empty() { Arc::clone(domain) } else { Arc::clone(&route.site) }
}
