//! How the queue lies in the database, and rows to values and back.

use rusqlite::Row;

use crate::spool::{Attempt, MessageId, Notify, Recipient, SpoolError, State};

/// Of the layout; in `user_version`.
pub(super) const VERSION: i64 = 1;

/// Bodies have a table of their own, so that reading the queue does not read them. There are
/// two indices: `waiting` has only what is not final and is how a relay starts; `finished`
/// is for forgetting.
pub(super) const LAYOUT: &str = "
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        received_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        size INTEGER NOT NULL,
        -- 0 in bodies, 1 in a file, 2 forgotten since all recipients are final
        body INTEGER NOT NULL,
        finished_at INTEGER,
        -- JSON
        envelope TEXT NOT NULL
    );
    CREATE TABLE recipients (
        message INTEGER NOT NULL,
        number INTEGER NOT NULL,
        -- 0 queued, 1 held; final: 2 delivered, 3 failed, 4 expired, 5 cancelled
        state INTEGER NOT NULL,
        next_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        delays_told INTEGER NOT NULL,
        final_at INTEGER,
        -- none, or the sum of 1 success, 2 failure, 4 delay
        notify INTEGER,
        address TEXT NOT NULL,
        domain TEXT NOT NULL,
        orcpt TEXT,
        -- of the last attempt, which as a whole is JSON
        reason TEXT,
        last TEXT,
        PRIMARY KEY (message, number)
    ) WITHOUT ROWID;
    CREATE TABLE bodies (
        message INTEGER PRIMARY KEY,
        bytes BLOB NOT NULL
    );
    CREATE TABLE settings (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX waiting ON recipients (message, number) WHERE state < 2;
    CREATE INDEX finished ON messages (finished_at) WHERE finished_at IS NOT NULL;";

/// In `settings`: ids from here on were never given, whatever was forgotten since.
pub(super) const NEXT_ID: &str = "next_id";

/// Where a body lies.
pub(super) mod body {
    /// In the table.
    pub(in super::super) const ROW: i64 = 0;
    /// In a file.
    pub(in super::super) const FILE: i64 = 1;
    /// Forgotten: all recipients are final.
    pub(in super::super) const GONE: i64 = 2;
}

pub(super) fn state_to_number(state: State) -> i64 {
    match state {
        State::Queued => 0,
        State::Held => 1,
        State::Delivered => 2,
        State::Failed => 3,
        State::Expired => 4,
        State::Cancelled => 5,
    }
}

fn state_from_number(number: i64) -> Option<State> {
    State::ALL.into_iter().find(|state| state_to_number(*state) == number)
}

pub(super) fn notify_to_number(notify: Option<Notify>) -> Option<i64> {
    notify
        .map(|notify| i64::from(notify.success) + 2 * i64::from(notify.failure) + 4 * i64::from(notify.delay))
}

fn notify_from_number(number: Option<i64>) -> Option<Notify> {
    number.map(|number| Notify { success: number & 1 != 0, failure: number & 2 != 0, delay: number & 4 != 0 })
}

/// SQLite has signed numbers; ids stay far below.
pub(super) fn id_to_number(id: MessageId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

pub(super) fn id_from_number(number: i64) -> MessageId {
    MessageId(u64::try_from(number).unwrap_or_default())
}

/// The columns that [`recipient`] reads, in their order.
pub(super) const RECIPIENT: &str = "r.message, r.number, r.state, r.next_at, r.attempts, r.delays_told, \
     r.final_at, r.notify, r.address, r.domain, r.orcpt, r.last";

/// What is not as it should be is damage: nobody else writes here.
pub(super) fn damaged(id: MessageId, what: &dyn std::fmt::Display) -> SpoolError {
    SpoolError::Corrupt { detail: format!("message {id}: {what}") }
}

/// A recipient from the columns [`RECIPIENT`].
pub(super) fn recipient(row: &Row<'_>) -> Result<(MessageId, Recipient), SpoolError> {
    let id = id_from_number(row.get(0)?);
    let state: i64 = row.get(2)?;
    let state = state_from_number(state).ok_or_else(|| damaged(id, &format!("state {state}")))?;
    let last: Option<String> = row.get(11)?;
    let last: Option<Attempt> =
        last.map(|last| serde_json::from_str(&last).map_err(|error| damaged(id, &error))).transpose()?;
    let recipient = Recipient {
        number: row.get(1)?,
        address: row.get(8)?,
        domain: row.get(9)?,
        notify: notify_from_number(row.get(7)?),
        orcpt: row.get(10)?,
        state,
        next_at: row.get(3)?,
        attempts: row.get(4)?,
        delays_told: row.get(5)?,
        final_at: row.get(6)?,
        last,
    };
    Ok((id, recipient))
}
