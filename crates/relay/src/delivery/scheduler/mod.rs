//! The scheduler: when each recipient is tried, and how many at a time.
//!
//! The way of a message:
//!
//! 1. It [arrives](Handle::arrived) with its body in memory, or is found in the spool at the
//!    start (`load`). Its recipients of one domain become a bundle (`memory`).
//! 2. A bundle that is due stands in the line of the site where its domain's mail goes; the
//!    first of a domain is looked up (`core`). Due is at once, or when its wait has ended
//!    (`pulse`).
//! 3. The site gives it a connection: no more than its pace (`site`) allows, none while
//!    its [breaker](super::breaker) is open, and all sites share what there is. A `worker`
//!    makes the attempt.
//! 4. What the attempt came to is noted (`settling`), by the rules of
//!    `settle`. Deferred recipients wait; those that wait for TLS are watched (`watch`,
//!    `probes`).
//!
//! While a breaker is open, its bundles stand in the line; nothing is written about them, and
//! they go out as soon as the one attempt succeeds that is made from time to time. `review`
//! looks at those that stand for long, so that delays are told and messages expire all the
//! same.
//!
//! All state is under one lock, in memory; the spool has everything that must outlast the
//! process.

mod after;
mod core;
mod line;
mod load;
pub(crate) mod loaded;
mod operator;
mod probes;
mod pulse;
mod review;
mod settings;
mod settling;
mod shared;
mod view;
mod worker;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use waxseal_store::spool::{Change, Changed, MessageId, NewMessage, Spool, SpoolError};

use self::{core::Stop, shared::Shared};
use super::{
    job::Deliver,
    notices::Notices,
    snapshot::{Probed, Snapshot, Totals},
};
use crate::{event::Events, route::Router};

pub use settings::Settings;

/// Starts schedulers.
#[derive(Debug)]
pub struct Scheduler;

impl Scheduler {
    /// Reads what waits in the spool, and begins to deliver. To be called before any message
    /// is accepted, in a tokio runtime.
    ///
    /// # Errors
    /// The spool cannot be read.
    pub async fn start(
        settings: Settings,
        spool: Arc<dyn Spool>,
        router: Arc<dyn Router>,
        deliver: Arc<dyn Deliver>,
        events: Arc<dyn Events>,
        notices: Arc<dyn Notices>,
    ) -> Result<Handle, SpoolError> {
        let shared = Arc::new(Shared::new(settings, spool, router, deliver, events, notices));
        load::backlog(&shared).await?;
        shared.spawn(pulse::run(Arc::clone(&shared)));
        Ok(Handle(shared))
    }
}

/// A running scheduler. Clones are of the same one. It runs until it is
/// [drained](Self::drain) or its runtime ends.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.totals()).finish()
    }
}

/// What was left when a scheduler was drained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Attempts that had not ended: their messages are tried again after a restart, and may
    /// have been delivered.
    pub attempts: usize,
    /// Attempts whose outcome could not be noted: likewise, and what was delivered is
    /// delivered again.
    pub unsettled: usize,
}

/// Changes are followed in portions of this size, so that deliveries go on in between.
const PORTION: usize = 1000;

impl Handle {
    /// A message was accepted by the spool, under this id. It is tried at once. Its bytes are
    /// kept in memory until then as far as there is room, and read from the spool otherwise.
    pub fn arrived(&self, id: MessageId, message: NewMessage) {
        self.0.arrived(id, message);
    }

    /// The operator has changed recipients in the spool: follows. What is being tried at this
    /// moment is tried to its end; the change holds for what comes after it.
    pub fn changed(&self, changed: &[Changed], change: Change) {
        for portion in changed.chunks(PORTION) {
            self.0.locked(|core, fx| core.changed(portion, change, fx));
        }
    }

    /// Tries all that waits for a site, or for a domain, now, even if the site is being left
    /// alone. Returns how many recipients are released. The times in the spool stay as they
    /// are.
    pub fn retry_site(&self, site: &str) -> usize {
        self.0.locked(|core, fx| core.retry_site(site, fx))
    }

    /// Asks the hosts of a site, or of a domain, at once whether they give what is demanded. If
    /// mail waits for that it is released when they do. Where no mail waits, `name` must be a
    /// domain, and is asked what a message without wishes would meet. Ends within the time
    /// that a probe takes.
    pub async fn probe_now(&self, name: &str) -> Vec<Probed> {
        let results = self.0.locked(|core, fx| core.probe_now(name, fx));
        if results.is_empty() {
            return vec![probes::once(&self.0, name).await];
        }
        let mut probed = Vec::new();
        for result in results {
            // A watch that ended meanwhile has nothing to say.
            probed.extend(result.await.ok());
        }
        probed
    }

    /// The whole queue, by domains and sites. Takes some milliseconds for each 100,000
    /// recipients, in which nothing else is begun.
    pub fn snapshot(&self) -> Snapshot {
        self.0.read(core::Core::gather).sorted()
    }

    /// How many recipients there are, by where they are: cheap.
    pub fn totals(&self) -> Totals {
        self.0.read(core::Core::totals)
    }

    /// Begins nothing new, and waits at most for `bound` until all attempts under way have
    /// ended and are noted.
    pub async fn drain(&self, bound: Duration) -> Drained {
        self.0.locked(|core, _| core.stop(Stop::Draining));
        if self.0.quiet(bound).await {
            return Drained::default();
        }
        self.0.read(|core| Drained { attempts: core.running, unsettled: core.settling })
    }
}
