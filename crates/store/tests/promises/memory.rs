//! A queue in memory, as plain as can be: what a backend has to agree with.

use std::collections::BTreeMap;

use waxseal_store::spool::{
    Change, Changed, Fate, MessageId, NewMessage, Pending, Selector, Settlement, State, StoredMessage,
};

use crate::{sample::bytes, taking::expected};

/// The queue. Ids come from the backend that it is compared with.
#[derive(Default)]
pub(crate) struct Memory {
    messages: BTreeMap<MessageId, Kept>,
}

struct Kept {
    message: StoredMessage,
    body: Vec<u8>,
}

impl Kept {
    /// When the last recipient became final; none as long as one is not.
    fn finished(&self) -> Option<i64> {
        let ends: Option<Vec<i64>> =
            self.message.recipients.iter().map(|recipient| recipient.final_at).collect();
        ends?.into_iter().max()
    }
}

impl Memory {
    pub(crate) fn accept(&mut self, id: MessageId, message: &NewMessage) {
        let kept = Kept { message: expected(id, message), body: bytes(message) };
        assert!(self.messages.insert(id, kept).is_none(), "{id} was given twice");
    }

    /// True if the notices are to be taken, none if the settlement cannot be.
    pub(crate) fn settle(&mut self, settlement: &Settlement) -> Option<bool> {
        let kept = self.messages.get_mut(&settlement.message)?;
        let mut recipients = kept.message.recipients.clone();
        let mut changed = false;
        for (number, fate, attempt) in &settlement.fates {
            let recipient = recipients.get_mut(*number as usize)?;
            if recipient.state.is_final() {
                continue;
            }
            changed = true;
            recipient.last = Some(attempt.clone());
            match fate {
                Fate::Final(state) => {
                    recipient.state = *state;
                    recipient.final_at = Some(settlement.at);
                    recipient.attempts += 1;
                }
                Fate::Again { next_at, counts, delay_told } => {
                    recipient.next_at = *next_at;
                    recipient.attempts += u32::from(*counts);
                    recipient.delays_told += u32::from(*delay_told);
                }
                Fate::Held => recipient.state = State::Held,
            }
        }
        kept.message.recipients = recipients;
        Some(changed)
    }

    fn found(&self, selector: &Selector) -> Vec<(MessageId, usize)> {
        let mut found = Vec::new();
        for (id, kept) in &self.messages {
            for (index, recipient) in kept.message.recipients.iter().enumerate() {
                let last = recipient.last.as_ref();
                let meant = (selector.messages.is_empty() || selector.messages.contains(&id.0))
                    && selector.means_time(kept.message.received_at)
                    && selector.means_envelope(&kept.message.envelope)
                    && selector.means_recipient(&recipient.address, &recipient.domain)
                    && selector.means_state(recipient.state)
                    && selector.means_reason(last.and_then(|last| last.reason.as_deref()))
                    && selector.means_site(last);
                found.extend(meant.then_some((*id, index)));
            }
        }
        found
    }

    pub(crate) fn change(&mut self, selector: &Selector, change: Change, dry_run: bool) -> Vec<Changed> {
        let mut changed = Vec::new();
        for (id, index) in self.found(selector) {
            let recipient = &mut self.messages.get_mut(&id).unwrap().message.recipients[index];
            let Some(state) = change.applied_to(recipient.state) else { continue };
            changed.push(Changed {
                message: id.0,
                number: recipient.number,
                address: recipient.address.clone(),
                domain: recipient.domain.clone(),
                from: recipient.state,
            });
            if dry_run {
                continue;
            }
            recipient.state = state;
            match change {
                Change::Retry { at } | Change::Release { at } => recipient.next_at = at,
                Change::Hold => {}
                Change::Cancel { at } => recipient.final_at = Some(at),
            }
        }
        changed
    }

    pub(crate) fn purge(&mut self, before: i64, keep: u64) -> u64 {
        let mut finished: Vec<(i64, MessageId)> =
            self.messages.iter().filter_map(|(id, kept)| Some((kept.finished()?, *id))).collect();
        finished.sort_unstable();
        let old = finished.iter().filter(|(at, _)| *at < before).count();
        let beyond = finished.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
        let gone = old.max(beyond);
        for (_, id) in &finished[..gone] {
            self.messages.remove(id);
        }
        gone as u64
    }

    pub(crate) fn select(&self, selector: &Selector, limit: usize) -> Vec<StoredMessage> {
        let mut ids: Vec<MessageId> = self.found(selector).into_iter().map(|(id, _)| id).collect();
        ids.dedup();
        ids.truncate(limit);
        ids.iter().map(|id| self.messages[id].message.clone()).collect()
    }

    pub(crate) fn pending(&self) -> Vec<Pending> {
        let found = self.found(&Selector::default()).into_iter();
        found
            .map(|(message, index)| {
                let recipient = &self.messages[&message].message.recipients[index];
                Pending {
                    message,
                    number: recipient.number,
                    domain: recipient.domain.clone(),
                    next_at: recipient.next_at,
                    held: recipient.state == State::Held,
                    reason: recipient.last.as_ref().and_then(|last| last.reason.clone()),
                }
            })
            .collect()
    }

    /// All messages, each with its body as long as it needs one.
    pub(crate) fn all(&self) -> Vec<(StoredMessage, Option<Vec<u8>>)> {
        let all = self.messages.values();
        all.map(|kept| (kept.message.clone(), kept.finished().is_none().then(|| kept.body.clone()))).collect()
    }
}
