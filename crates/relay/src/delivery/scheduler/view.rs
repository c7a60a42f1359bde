//! The queue as an operator looks at it.
//!
//! What must be seen at one moment is gathered under the lock; names and order are made of it
//! afterwards.

use std::{collections::HashMap, sync::Arc};

use super::core::{Core, Stop};
use crate::delivery::{
    domains::Domain,
    memory::{Place, WatchId},
    reason_ids::ReasonId,
    snapshot::{DomainView, SiteView, Snapshot, Totals, WatchView},
};

/// The queue at one moment, before it is put in order.
#[derive(Debug)]
pub(super) struct Gathered {
    snapshot: Snapshot,
    domains: Vec<OfDomain>,
    reasons: Vec<Box<str>>,
}

/// What was counted of a domain.
#[derive(Debug, Default)]
struct OfDomain {
    name: Option<Arc<str>>,
    site: Option<Arc<str>>,
    recipients: Totals,
    oldest: u64,
    next_in: Option<u32>,
    reasons: Vec<(ReasonId, usize)>,
}

impl Core {
    /// Recipients, by where they are.
    pub(super) fn totals(&self) -> Totals {
        let counts = self.memory.counts();
        Totals { waiting: counts.waiting, ready: counts.ready, busy: counts.busy, held: counts.held }
    }

    /// Everything.
    pub(super) fn gather(&self) -> Gathered {
        let tick = self.tick();
        let snapshot = Snapshot {
            totals: self.totals(),
            attempts: self.running,
            settling: self.settling,
            stopped: self.stopped.as_ref().map(|stop| match stop {
                Stop::Draining => "the relay is being stopped".to_owned(),
                Stop::Spool(error) => error.clone(),
            }),
            domains: Vec::new(),
            sites: self.site_views(tick),
            watches: self.watch_views(tick),
        };
        Gathered {
            snapshot,
            domains: self.count_domains(tick),
            reasons: self.memory.reasons.names().to_vec(),
        }
    }

    fn count_domains(&self, tick: u32) -> Vec<OfDomain> {
        let mut counted: Vec<OfDomain> = Vec::new();
        counted.resize_with(self.memory.domains.slots(), OfDomain::default);
        for (ticket, bundle) in self.memory.all() {
            let Some(of) = counted.get_mut(bundle.domain.slot()) else { continue };
            let size = self.memory.numbers(ticket).len();
            of.count(size, bundle.place(), bundle.due.saturating_sub(tick));
            let message = bundle.message.0;
            of.oldest = if of.oldest == 0 { message } else { of.oldest.min(message) };
            match of.reasons.iter_mut().find(|(reason, _)| *reason == bundle.reason) {
                Some((_, count)) => *count += size,
                None => of.reasons.push((bundle.reason, size)),
            }
            if of.name.is_none()
                && let Some(Domain { name, site, .. }) = self.memory.domains.get(bundle.domain)
            {
                of.name = Some(Arc::clone(name));
                of.site = site.clone();
            }
        }
        counted
    }

    fn site_views(&self, tick: u32) -> Vec<SiteView> {
        self.sites
            .iter()
            .filter(|(_, site)| !site.is_empty() || site.breaker.is_open())
            .map(|(key, site)| SiteView {
                site: key.to_string(),
                queued: site.queue.len(),
                attempts: site.running,
                limit: site.pace.limit(),
                open: site.breaker.is_open(),
                open_for: site.breaker.until().map(|until| until.saturating_sub(tick)),
                trouble: site.trouble.as_deref().map(str::to_owned),
            })
            .collect()
    }

    fn watch_views(&self, tick: u32) -> Vec<WatchView> {
        let mut waiting: HashMap<WatchId, usize> = HashMap::new();
        for (ticket, bundle) in self.memory.all().filter(|(_, bundle)| bundle.watch != 0) {
            let id = self.watches.resolve(bundle.watch);
            *waiting.entry(id).or_default() += self.memory.numbers(ticket).len();
        }
        self.watches
            .all()
            .map(|(id, watch)| WatchView {
                site: watch.key.as_ref().map(|key| key.site.to_string()),
                domain: watch.cause.domain.to_string(),
                level: watch.key.as_ref().map(|key| level(key.level()).to_owned()),
                reason: watch.cause.reason.to_string(),
                since: watch.cause.since,
                recipients: waiting.get(&id).copied().unwrap_or(0),
                next_in: (!watch.probing).then(|| watch.due.saturating_sub(tick)),
                probes: watch.probes,
                probed_at: watch.last.as_ref().map(|(at, _)| *at),
                last: watch.last.as_ref().map(|(_, said)| said.clone()),
            })
            .collect()
    }
}

impl OfDomain {
    fn count(&mut self, size: usize, place: Place, next_in: u32) {
        match place {
            Place::Waiting => {
                self.recipients.waiting += size;
                self.next_in = Some(self.next_in.map_or(next_in, |before| before.min(next_in)));
            }
            Place::Ready => self.recipients.ready += size,
            Place::Busy => self.recipients.busy += size,
            Place::Held => self.recipients.held += size,
        }
    }

    fn view(self, reasons: &[Box<str>]) -> Option<DomainView> {
        let mut named: Vec<(String, usize)> = self
            .reasons
            .into_iter()
            .filter_map(|(reason, count)| Some((reasons.get(reason.place()?)?.to_string(), count)))
            .collect();
        named.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        Some(DomainView {
            domain: self.name?.to_string(),
            site: self.site.as_deref().map(str::to_owned),
            recipients: self.recipients,
            oldest: self.oldest,
            next_in: self.next_in,
            reasons: named,
        })
    }
}

impl Gathered {
    /// In order, worst first.
    pub(super) fn sorted(self) -> Snapshot {
        let mut snapshot = self.snapshot;
        snapshot.domains = self.domains.into_iter().filter_map(|of| of.view(&self.reasons)).collect();
        snapshot
            .domains
            .sort_by(|a, b| (total(&b.recipients), &a.domain).cmp(&(total(&a.recipients), &b.domain)));
        snapshot.sites.sort_by(|a, b| (b.queued, &a.site).cmp(&(a.queued, &b.site)));
        snapshot.watches.sort_by(|a, b| (a.since, &a.domain).cmp(&(b.since, &b.domain)));
        snapshot
    }
}

fn total(totals: &Totals) -> usize {
    totals.waiting + totals.ready + totals.busy + totals.held
}

fn level(level: waxseal_judge::delivery::Level) -> &'static str {
    use waxseal_judge::delivery::Level;
    match level {
        Level::None => "none",
        Level::Encrypt => "require",
        Level::Verify => "verify",
        Level::MtaSts => "sts",
        Level::Secure => "verify with names",
        Level::Fingerprint => "fingerprint",
        Level::Dane => "dane",
        Level::DaneOnly => "dane-only",
    }
}
