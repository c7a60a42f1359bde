//! The queue as an operator looks at it.

use std::collections::HashMap;

use super::core::{Core, Stop};
use crate::delivery::{
    domains::DomainId,
    memory::Place,
    reason_ids::ReasonId,
    snapshot::{DomainView, SiteView, Snapshot, Totals, WatchView},
};

impl Core {
    /// Recipients, by where they are.
    pub(super) fn totals(&self) -> Totals {
        let counts = self.memory.counts();
        Totals { waiting: counts.waiting, ready: counts.ready, busy: counts.busy, held: counts.held }
    }

    /// Everything, worst first.
    pub(super) fn snapshot(&self) -> Snapshot {
        let tick = self.tick();
        Snapshot {
            totals: self.totals(),
            attempts: self.running,
            settling: self.settling,
            stopped: self.stopped.as_ref().map(|stop| match stop {
                Stop::Draining => "the relay is being stopped".to_owned(),
                Stop::Spool(error) => error.clone(),
            }),
            domains: self.domain_views(tick),
            sites: self.site_views(tick),
            watches: self.watch_views(tick),
        }
    }

    fn domain_views(&self, tick: u32) -> Vec<DomainView> {
        let mut views: HashMap<DomainId, (DomainView, HashMap<ReasonId, usize>)> = HashMap::new();
        for (ticket, bundle) in self.memory.all() {
            let (view, reasons) = views.entry(bundle.domain).or_default();
            let size = self.memory.numbers(ticket).len();
            match bundle.place() {
                Place::Waiting => {
                    view.recipients.waiting += size;
                    let next = bundle.due.saturating_sub(tick);
                    view.next_in = Some(view.next_in.map_or(next, |before| before.min(next)));
                }
                Place::Ready => view.recipients.ready += size,
                Place::Busy => view.recipients.busy += size,
                Place::Held => view.recipients.held += size,
            }
            let message = bundle.message.0;
            view.oldest = if view.oldest == 0 { message } else { view.oldest.min(message) };
            *reasons.entry(bundle.reason).or_default() += size;
        }
        let mut views: Vec<DomainView> = views
            .into_iter()
            .filter_map(|(id, (mut view, reasons))| {
                let domain = self.memory.domains.get(id)?;
                view.domain = domain.name.to_string();
                view.site = domain.site.as_deref().map(str::to_owned);
                view.reasons = self.named(reasons);
                Some(view)
            })
            .collect();
        views.sort_by(|a, b| (total(&b.recipients), &a.domain).cmp(&(total(&a.recipients), &b.domain)));
        views
    }

    fn named(&self, reasons: HashMap<ReasonId, usize>) -> Vec<(String, usize)> {
        let mut named: Vec<(String, usize)> = reasons
            .into_iter()
            .filter_map(|(reason, count)| Some((self.memory.reasons.name(reason)?.to_owned(), count)))
            .collect();
        named.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        named
    }

    fn site_views(&self, tick: u32) -> Vec<SiteView> {
        let mut views: Vec<SiteView> = self
            .sites
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
            .collect();
        views.sort_by(|a, b| (b.queued, &a.site).cmp(&(a.queued, &b.site)));
        views
    }

    fn watch_views(&self, tick: u32) -> Vec<WatchView> {
        let mut views: Vec<WatchView> = self
            .watches
            .all()
            .map(|(_, watch)| WatchView {
                site: watch.key.as_ref().map(|key| key.site.to_string()),
                domain: watch.cause.domain.to_string(),
                level: watch.key.as_ref().map(|key| level(key.level()).to_owned()),
                reason: watch.cause.reason.to_string(),
                since: watch.cause.since,
                bundles: watch.bundles,
                next_in: (!watch.probing).then(|| watch.due.saturating_sub(tick)),
                probes: watch.probes,
                last: watch.last.clone(),
            })
            .collect();
        views.sort_by(|a, b| (a.since, &a.domain).cmp(&(b.since, &b.domain)));
        views
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
