//! What the writer does within a transaction.

use rusqlite::{Connection, Statement, params};

use super::{
    guard::Guard,
    layout::{self, NEXT_ID, body, id_to_number, notify_to_number, state_to_number},
    prepare::{PreparedBody, PreparedFate, PreparedMessage, PreparedSettlement},
    select,
};
use crate::spool::{Change, Changed, Fate, MessageId, NewRecipient, Selector, SpoolError, State};

/// Something to be written. Whether it is done once or, after its neighbours failed, once
/// more: nothing of it is used up by doing it.
#[derive(Debug)]
pub(super) enum Work {
    /// Take messages.
    Accept(Vec<PreparedMessage>),
    /// Note what became of recipients.
    Settle(PreparedSettlement),
    /// Change these recipients, of those that the selector still finds.
    Change { selector: Selector, change: Change, candidates: Vec<Changed> },
    /// Forget these messages, if all their recipients are final.
    Forget(Vec<MessageId>),
}

/// What was written.
#[derive(Debug)]
pub(super) enum Done {
    /// Messages were taken: these.
    Taken(Vec<MessageId>),
    /// Recipients were changed: these.
    Changed(Vec<Changed>),
    /// So many messages were forgotten.
    Forgotten(u64),
}

impl Work {
    /// Bytes that go into the database, very roughly.
    pub(super) fn weight(&self) -> usize {
        let of = |message: &PreparedMessage| match &message.body {
            PreparedBody::Row(bytes) => bytes.len() + 1024,
            PreparedBody::File(_) => 1024,
        };
        match self {
            Self::Accept(messages) => messages.iter().map(of).sum(),
            Self::Settle(settlement) => 1024 + settlement.notices.iter().map(of).sum::<usize>(),
            Self::Change { candidates, .. } => 256 * candidates.len(),
            Self::Forget(ids) => 1024 * ids.len(),
        }
    }

    /// After the commit: the database speaks of their files now. Notices that were not taken
    /// keep none.
    pub(super) fn keep_files(&mut self, done: &Done) {
        let messages = match self {
            Self::Accept(messages) => messages,
            Self::Settle(settlement) => &mut settlement.notices,
            Self::Change { .. } | Self::Forget(_) => return,
        };
        let Done::Taken(ids) = done else { return };
        for message in messages {
            if let PreparedBody::File(file) = &mut message.body
                && ids.contains(&file.id)
            {
                file.keep();
            }
        }
    }
}

macro_rules! statements {
    ($($name:ident: $sql:expr,)*) => {
        /// The writer's statements, prepared once.
        pub(super) struct Sql<'c> {
            pub(super) connection: &'c Connection,
            $($name: Statement<'c>,)*
        }

        impl<'c> Sql<'c> {
            pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
                Ok(Self { connection, $($name: connection.prepare($sql)?,)* })
            }
        }
    };
}

statements! {
    begin: "BEGIN IMMEDIATE",
    commit: "COMMIT",
    rollback: "ROLLBACK",
    insert_message: "INSERT INTO messages (id, received_at, expires_at, size, body, envelope)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    insert_recipient: "INSERT INTO recipients
        (message, number, state, next_at, attempts, delays_told, notify, address, domain, orcpt)
        VALUES (?1, ?2, 0, ?3, 0, 0, ?4, ?5, ?6, ?7)",
    insert_body: "INSERT INTO bodies (message, bytes) VALUES (?1, ?2)",
    end_recipient: "UPDATE recipients
        SET state = ?3, final_at = ?4, attempts = attempts + 1, reason = ?5, last = ?6
        WHERE message = ?1 AND number = ?2 AND state < 2",
    defer_recipient: "UPDATE recipients
        SET next_at = ?3, attempts = attempts + ?4, delays_told = delays_told + ?5, reason = ?6, last = ?7
        WHERE message = ?1 AND number = ?2 AND state < 2",
    hold_recipient: "UPDATE recipients SET state = 1, reason = ?3, last = ?4
        WHERE message = ?1 AND number = ?2 AND state < 2",
    change_recipient: "UPDATE recipients SET state = ?3, next_at = ?4, final_at = ?5
        WHERE message = ?1 AND number = ?2",
    is_there: "SELECT 1 FROM recipients WHERE message = ?1 AND number = ?2",
    is_waiting: "SELECT 1 FROM recipients INDEXED BY waiting WHERE message = ?1 AND state < 2 LIMIT 1",
    finish: "UPDATE messages
        SET body = 2, finished_at = (SELECT max(final_at) FROM recipients WHERE message = ?1)
        WHERE id = ?1",
    delete_body: "DELETE FROM bodies WHERE message = ?1",
    delete_message: "DELETE FROM messages WHERE id = ?1 AND finished_at IS NOT NULL",
    delete_recipients: "DELETE FROM recipients WHERE message = ?1",
    look_again: &select::one_row(),
    note_ids: "INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)",
}

impl Sql<'_> {
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.begin.raw_execute().map(drop)
    }

    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        self.commit.raw_execute().map(drop)
    }

    /// Leaves the transaction, if SQLite has not left it by itself.
    pub(super) fn roll_back(&mut self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() { Ok(()) } else { self.rollback.raw_execute().map(drop) }
    }

    /// Does it. Messages that have no body any more are added to `bodiless`.
    pub(super) fn apply(
        &mut self,
        work: &Work,
        guard: &Guard,
        bodiless: &mut Vec<MessageId>,
    ) -> Result<Done, Failure> {
        match work {
            Work::Accept(messages) => self.take(messages, guard).map(Done::Taken),
            Work::Settle(settlement) => self.settle(settlement, guard, bodiless).map(Done::Taken),
            Work::Change { selector, change, candidates } => {
                self.change(selector, *change, candidates, bodiless).map(Done::Changed)
            }
            Work::Forget(ids) => self.forget(ids, guard).map(Done::Forgotten),
        }
    }

    fn take(&mut self, messages: &[PreparedMessage], guard: &Guard) -> Result<Vec<MessageId>, Failure> {
        let mut ids = Vec::with_capacity(messages.len());
        for message in messages {
            ids.push(self.insert(message, guard)?);
        }
        Ok(ids)
    }

    fn insert(&mut self, message: &PreparedMessage, guard: &Guard) -> Result<MessageId, Failure> {
        let (id, place) = match &message.body {
            PreparedBody::Row(_) => (guard.next_id(), body::ROW),
            PreparedBody::File(file) => (file.id, body::FILE),
        };
        let key = id_to_number(id);
        self.insert_message.execute(params![
            key,
            message.received_at,
            message.expires_at,
            message.size,
            place,
            message.envelope
        ])?;
        for (number, recipient) in message.recipients.iter().enumerate() {
            let NewRecipient { address, domain, notify, orcpt } = recipient;
            let notify = notify_to_number(*notify);
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            let row = params![key, number, message.received_at, notify, address, domain, orcpt];
            self.insert_recipient.execute(row)?;
        }
        if let PreparedBody::Row(bytes) = &message.body {
            self.insert_body.execute(params![key, bytes.as_ref()])?;
        }
        Ok(id)
    }

    fn settle(
        &mut self,
        settlement: &PreparedSettlement,
        guard: &Guard,
        bodiless: &mut Vec<MessageId>,
    ) -> Result<Vec<MessageId>, Failure> {
        let mut changed = settlement.fates.is_empty();
        let mut ended = false;
        for fate in &settlement.fates {
            let now = self.note(settlement, fate)?;
            changed |= now;
            ended |= now && matches!(fate.fate, Fate::Final(_));
        }
        if ended {
            self.finish(settlement.message, bodiless)?;
        }
        if changed { self.take(&settlement.notices, guard) } else { Ok(Vec::new()) }
    }

    /// Notes what became of one recipient. False if it is final already.
    fn note(&mut self, settlement: &PreparedSettlement, fate: &PreparedFate) -> Result<bool, Failure> {
        let key = id_to_number(settlement.message);
        let PreparedFate { number, reason, last, .. } = fate;
        let changed = match fate.fate {
            Fate::Final(state) => {
                let state = state_to_number(state);
                self.end_recipient.execute(params![key, number, state, settlement.at, reason, last])?
            }
            Fate::Again { next_at, counts, delay_told } => {
                let row =
                    params![key, number, next_at, i64::from(counts), i64::from(delay_told), reason, last];
                self.defer_recipient.execute(row)?
            }
            Fate::Held => self.hold_recipient.execute(params![key, number, reason, last])?,
        };
        if changed == 0 && !self.is_there.exists(params![key, number])? {
            let detail = format!("message {} has no recipient {number}", settlement.message);
            return Err(Failure::Ours(SpoolError::Invalid { detail }));
        }
        Ok(changed > 0)
    }

    /// Forgets the body of a message if all recipients are final.
    fn finish(&mut self, id: MessageId, bodiless: &mut Vec<MessageId>) -> Result<(), Failure> {
        let key = id_to_number(id);
        if self.is_waiting.exists([key])? {
            return Ok(());
        }
        self.finish.execute([key])?;
        // What has no row has a file.
        if self.delete_body.execute([key])? == 0 {
            bodiless.push(id);
        }
        Ok(())
    }

    fn change(
        &mut self,
        selector: &Selector,
        change: Change,
        candidates: &[Changed],
        bodiless: &mut Vec<MessageId>,
    ) -> Result<Vec<Changed>, Failure> {
        let mut changed = Vec::new();
        let mut cancelled: Vec<MessageId> = Vec::new();
        for candidate in candidates {
            let id = candidate.id();
            let mut rows = self.look_again.query(params![id_to_number(id), candidate.number])?;
            let Some(row) = rows.next()? else { continue };
            let Some((found, next_at)) = select::applies(row, selector, change).map_err(Failure::Ours)?
            else {
                continue;
            };
            drop(rows);
            let Some(state) = change.applied_to(found.from) else { continue };
            let (next_at, final_at) = match change {
                Change::Retry { at } | Change::Release { at } => (at, None),
                Change::Hold => (next_at, None),
                Change::Cancel { at } => (next_at, Some(at)),
            };
            let row = params![id_to_number(id), found.number, state_to_number(state), next_at, final_at];
            self.change_recipient.execute(row)?;
            if state == State::Cancelled && cancelled.last() != Some(&id) {
                cancelled.push(id);
            }
            changed.push(found);
        }
        for id in cancelled {
            self.finish(id, bodiless)?;
        }
        Ok(changed)
    }

    fn forget(&mut self, ids: &[MessageId], guard: &Guard) -> Result<u64, Failure> {
        let mut forgotten = 0;
        for id in ids {
            let key = id_to_number(*id);
            if self.delete_message.execute([key])? > 0 {
                self.delete_recipients.execute([key])?;
                forgotten += 1;
            }
        }
        // The largest id may be among them, and must not be given again.
        self.note_ids.execute(params![NEXT_ID, layout::id_to_number(guard.ids_given())])?;
        Ok(forgotten)
    }
}

/// Why work was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite's error.
    Database(rusqlite::Error),
    /// Ours, in its own words.
    Ours(SpoolError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}
