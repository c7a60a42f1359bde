//! What the operator's commands ask of the running relay.

use std::sync::Arc;

use waxseal_model::queue::{QueueSite, QueueWatch, RelayStatus};
use waxseal_store::spool::{Change, Changed, MessageId};

use super::{Parts, clock::now};
use crate::{
    control::{Live, LiveFuture},
    delivery::snapshot::WatchView,
};

/// Sites that a status names.
const NAMED: usize = 20;

/// The running relay as the operator's socket sees it.
pub(super) struct Running(pub(super) Arc<Parts>);

impl Live for Running {
    fn status(&self) -> (RelayStatus, Option<MessageId>) {
        let parts = &self.0;
        let snapshot = parts.scheduler.snapshot();
        let totals = snapshot.totals;
        let at = now();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let sites = snapshot.sites.iter().take(NAMED).map(|site| QueueSite {
            site: site.site.clone(),
            waiting: count(site.queued),
            active: u64::from(site.attempts),
            limit: u64::from(site.limit),
            reason: site.trouble.clone(),
            paused_until: site.open_for.map(|seconds| at + i64::from(seconds)),
        });
        let oldest = snapshot.domains.iter().map(|domain| domain.oldest).filter(|id| *id > 0).min();
        let status = RelayStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            hostname: parts.hostname.clone(),
            process: Some(std::process::id()),
            since: Some(parts.since),
            refusal: parts.spool.refusal().map(|e| e.to_string()).or_else(|| snapshot.stopped.clone()),
            queued: count(totals.waiting + totals.ready + totals.busy),
            held: count(totals.held),
            active: count(snapshot.attempts),
            oldest_at: None,
            dnssec: parts.dnssec(),
            sites: sites.collect(),
            watched: snapshot.watches.iter().map(|watch| view(watch, at)).collect(),
        };
        (status, oldest.map(MessageId))
    }

    fn watched(&self) -> Vec<QueueWatch> {
        let at = now();
        self.0.scheduler.snapshot().watches.iter().map(|watch| view(watch, at)).collect()
    }

    fn changed(&self, recipients: &[Changed], change: Change) {
        self.0.scheduler.changed(recipients, change);
    }

    fn policy<'a>(
        &'a self,
        domain: &'a str,
        sender: &'a str,
    ) -> LiveFuture<'a, Result<(serde_json::Value, String), String>> {
        Box::pin(self.0.policy(domain, sender))
    }

    fn probe<'a>(&'a self, name: &'a str) -> LiveFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let probed = self.0.scheduler.probe_now(name).await;
            let lines: Vec<String> = probed
                .iter()
                .map(|p| match p.passed {
                    true => {
                        format!("{}: good: {}; {} recipients are tried now", p.domain, p.text, p.released)
                    }
                    false => format!("{}: {}", p.domain, p.text),
                })
                .collect();
            match probed.iter().any(|p| p.passed) {
                true => Ok(lines.join("\n")),
                false => Err(lines.join("; ")),
            }
        })
    }

    fn forget_sts<'a>(&'a self, domain: &'a str) -> LiveFuture<'a, Result<String, String>> {
        Box::pin(self.0.forget_sts(domain))
    }

    fn reload(&self) -> LiveFuture<'_, Result<String, String>> {
        Box::pin(self.0.reload())
    }
}

fn view(watch: &WatchView, at: i64) -> QueueWatch {
    QueueWatch {
        site: watch.site.clone().unwrap_or_default(),
        domain: watch.domain.clone(),
        reason: watch.reason.clone(),
        since: watch.since,
        last_at: watch.probed_at,
        next_at: watch.next_in.map(|seconds| at + i64::from(seconds)),
        waiting: u64::try_from(watch.recipients).unwrap_or(u64::MAX),
    }
}
