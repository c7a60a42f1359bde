//! The backlog: what lies in the spool when the relay starts.

use std::{sync::Arc, time::Duration};

use waxseal_store::spool::{Pending, SpoolError};

use super::{core::Core, shared::Shared};
use crate::delivery::{
    memory::{NewBundle, Place},
    reason_ids::is_watched,
    watch::Cause,
};

/// Recipients that are read at a time.
const PAGE: usize = 10_000;
/// However far in the future a recipient is said to be due, it waits no longer than this or the
/// schedule's longest wait: the clock may have been wrong when that was noted.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Reads all that waits.
pub(super) async fn backlog(shared: &Arc<Shared>) -> Result<usize, SpoolError> {
    let mut after = None;
    let mut count = 0;
    loop {
        let page = shared.spool.pending(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some((last.message, last.number));
        count += page.len();
        shared.locked(|core, _| {
            for message in page.chunk_by(|a, b| a.message == b.message) {
                core.remember(message);
            }
        });
    }
}

impl Core {
    /// Recipients of one message as the spool has them.
    fn remember(&mut self, rows: &[Pending]) {
        let mut rows: Vec<&Pending> = rows.iter().collect();
        rows.sort_by(|a, b| alike(a).cmp(&alike(b)));
        let most = self.settings.recipients_per_message.max(1);
        for group in rows.chunk_by(|a, b| alike(a) == alike(b)) {
            for part in group.chunks(most) {
                self.remember_bundle(part);
            }
        }
    }

    fn remember_bundle(&mut self, rows: &[&Pending]) {
        let Some(first) = rows.first() else { return };
        let now = self.clock.now();
        let domain = self.memory.domains.intern(&first.domain);
        let reason = self.memory.reasons.intern(first.reason.as_deref());
        let ticket = self.memory.add(NewBundle {
            message: first.message,
            domain,
            numbers: rows.iter().map(|row| row.number).collect(),
            reason,
            place: if first.held { Place::Held } else { Place::Ready },
        });
        if first.held {
            return;
        }
        let longest = self.settings.retry.longest().max(LONGEST_WAIT);
        let longest = u32::try_from(longest.as_secs()).unwrap_or(u32::MAX);
        let due = self.tick_of(first.next_at).min(now.tick.saturating_add(longest));
        let Some(ticket) = self.memory.wait(ticket, due) else { return };
        if let Some(reason) = first.reason.as_deref().filter(|reason| is_watched(reason)) {
            let name = self.memory.domains.get(domain).map(|known| Arc::clone(&known.name));
            let cause = Cause {
                domain: name.unwrap_or_else(|| first.domain.as_str().into()),
                sender: "".into(),
                wishes: crate::route::Wishes::default(),
                message: first.message,
                reason: reason.into(),
                since: now.wall,
            };
            let id = self.watches.join_by_domain(cause, now.tick, &mut self.chance);
            self.memory.set_watch(ticket, id);
        }
    }
}

/// Recipients of a message that are alike in this are tried together.
fn alike(row: &Pending) -> (&str, i64, bool, Option<&str>) {
    (&row.domain, row.next_at, row.held, row.reason.as_deref())
}
