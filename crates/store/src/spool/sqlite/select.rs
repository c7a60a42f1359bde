//! What is read: messages, bodies, what waits, what a selector finds.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{
    bodies::Bodies,
    layout::{RECIPIENT, body, damaged, id_from_number, id_to_number, recipient},
};
use crate::spool::{
    Change, Changed, Envelope, MessageId, Pending, Recipient, Selector, SpoolError, State, StoredMessage,
};

/// How many messages are forgotten in one go: others wait that long.
const FORGET_AT_ONCE: i64 = 500;

/// SQLite has signed numbers; more than those can say is as good as no limit.
fn limit_to_number(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn pending(
    connection: &Connection,
    after: Option<(MessageId, u32)>,
    limit: usize,
) -> Result<Vec<Pending>, SpoolError> {
    let mut statement = connection.prepare(
        "SELECT message, number, domain, next_at, state, reason FROM recipients INDEXED BY waiting
         WHERE state < 2 AND (message, number) > (?1, ?2) ORDER BY message, number LIMIT ?3",
    )?;
    let (message, number) = after.map_or((-1, 0), |(id, number)| (id_to_number(id), i64::from(number)));
    let rows = statement.query_map(params![message, number, limit_to_number(limit)], |row| {
        let state: i64 = row.get(4)?;
        Ok(Pending {
            message: id_from_number(row.get(0)?),
            number: row.get(1)?,
            domain: row.get(2)?,
            next_at: row.get(3)?,
            held: state == super::layout::state_to_number(State::Held),
            reason: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn message(connection: &Connection, id: MessageId) -> Result<Option<StoredMessage>, SpoolError> {
    // Both tables as of one moment.
    let transaction = connection.unchecked_transaction()?;
    read_message(&transaction, id)
}

fn read_message(connection: &Connection, id: MessageId) -> Result<Option<StoredMessage>, SpoolError> {
    let mut statement =
        connection.prepare("SELECT envelope, size, received_at, expires_at FROM messages WHERE id = ?1")?;
    let mut rows = statement.query([id_to_number(id)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let size: i64 = row.get(1)?;
    Ok(Some(StoredMessage {
        id,
        envelope: envelope(id, &row.get::<_, String>(0)?)?,
        recipients: read_recipients(connection, id)?,
        size: u64::try_from(size).unwrap_or_default(),
        received_at: row.get(2)?,
        expires_at: row.get(3)?,
    }))
}

fn envelope(id: MessageId, json: &str) -> Result<Envelope, SpoolError> {
    serde_json::from_str(json).map_err(|error| damaged(id, &error))
}

fn read_recipients(connection: &Connection, id: MessageId) -> Result<Vec<Recipient>, SpoolError> {
    let sql = format!("SELECT {RECIPIENT} FROM recipients r WHERE r.message = ?1 ORDER BY r.number");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([id_to_number(id)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(recipient(row)?.1);
    }
    Ok(found)
}

pub(super) fn body(connection: &Connection, bodies: &Bodies, id: MessageId) -> Result<Bytes, SpoolError> {
    let missing = SpoolError::BodyMissing { id };
    // One statement, so that place and bytes are of one moment.
    let sql = "SELECT m.body, m.size, b.bytes FROM messages m LEFT JOIN bodies b ON b.message = m.id
               WHERE m.id = ?1";
    let found: Option<(i64, i64, Option<Vec<u8>>)> = connection
        .query_row(sql, [id_to_number(id)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((place, size, bytes)) = found else { return Err(missing) };
    if place == body::FILE {
        return bodies.read(id, u64::try_from(size).unwrap_or_default());
    }
    bytes.filter(|_| place != body::GONE).map(Bytes::from).ok_or(missing)
}

pub(super) fn select(
    connection: &Connection,
    selector: &Selector,
    limit: usize,
) -> Result<Vec<StoredMessage>, SpoolError> {
    let transaction = connection.unchecked_transaction()?;
    let mut ids: Vec<MessageId> = Vec::new();
    if limit > 0 {
        scan(&transaction, selector, &mut |row| {
            if let Some((id, _)) = found(row, selector)?
                && ids.last() != Some(&id)
            {
                ids.push(id);
            }
            Ok(ids.len() < limit)
        })?;
    }
    let mut messages = Vec::with_capacity(ids.len());
    for id in ids {
        messages.extend(read_message(&transaction, id)?);
    }
    Ok(messages)
}

/// What a change would change.
pub(super) fn applicable(
    connection: &Connection,
    selector: &Selector,
    change: Change,
) -> Result<Vec<Changed>, SpoolError> {
    let mut changed = Vec::new();
    scan(connection, selector, &mut |row| {
        changed.extend(applies(row, selector, change)?.map(|(changed, _)| changed));
        Ok(true)
    })?;
    Ok(changed)
}

/// What selecting reads of a recipient and its message.
fn from(index: &str) -> String {
    format!(
        "SELECT {RECIPIENT}, m.received_at, m.envelope FROM recipients r {index} JOIN messages m ON m.id = r.message"
    )
}

/// One recipient, by message and number.
pub(super) fn one_row() -> String {
    format!("{} WHERE r.message = ?1 AND r.number = ?2", from(""))
}

/// Goes through recipients that a selector may mean, in order, until `visit` says false.
fn scan(
    connection: &Connection,
    selector: &Selector,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<bool, SpoolError>,
) -> Result<(), SpoolError> {
    let order = "ORDER BY r.message, r.number";
    if !selector.messages.is_empty() {
        let mut ids = selector.messages.clone();
        ids.sort_unstable();
        ids.dedup();
        let sql = format!("{} WHERE r.message = ?1 {order}", from(""));
        for id in ids {
            if !walk(connection, &sql, [id_to_number(MessageId(id))], visit)? {
                return Ok(());
            }
        }
        return Ok(());
    }
    let finals = State::ALL.into_iter().any(|state| state.is_final() && selector.means_state(state));
    let sql = if finals {
        format!("{} {order}", from(""))
    } else {
        format!("{} WHERE r.state < 2 {order}", from("INDEXED BY waiting"))
    };
    walk(connection, &sql, (), visit).map(drop)
}

fn walk(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<bool, SpoolError>,
) -> Result<bool, SpoolError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        if !visit(row)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The recipient of a row, if the selector means it. What is cheap is looked at first.
fn found(row: &Row<'_>, selector: &Selector) -> Result<Option<(MessageId, Recipient)>, SpoolError> {
    let text = |column: usize| -> rusqlite::Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
    if !selector.means_time(row.get(12)?) || !selector.means_recipient(text(8)?, text(9)?) {
        return Ok(None);
    }
    let (id, recipient) = recipient(row)?;
    let last = recipient.last.as_ref();
    if !selector.means_state(recipient.state)
        || !selector.means_reason(last.and_then(|last| last.reason.as_deref()))
        || !selector.means_site(last)
    {
        return Ok(None);
    }
    if selector.needs_envelope() && !selector.means_envelope(&envelope(id, text(13)?)?) {
        return Ok(None);
    }
    Ok(Some((id, recipient)))
}

/// The recipient of a row and when it is due, if the selector means it and the change applies.
pub(super) fn applies(
    row: &Row<'_>,
    selector: &Selector,
    change: Change,
) -> Result<Option<(Changed, i64)>, SpoolError> {
    let Some((id, recipient)) = found(row, selector)? else { return Ok(None) };
    Ok(change.applied_to(recipient.state).map(|_| {
        let Recipient { number, address, domain, state, next_at, .. } = recipient;
        (Changed { message: id.0, number, address, domain, from: state }, next_at)
    }))
}

/// Some of the messages that may be forgotten, oldest first.
pub(super) fn forgettable(
    connection: &Connection,
    before: i64,
    keep: u64,
) -> Result<Vec<MessageId>, SpoolError> {
    let oldest = |bound: i64, limit: i64| -> Result<Vec<MessageId>, SpoolError> {
        let mut statement = connection.prepare(
            "SELECT id FROM messages INDEXED BY finished
             WHERE finished_at IS NOT NULL AND finished_at < ?1 ORDER BY finished_at, id LIMIT ?2",
        )?;
        let ids = statement.query_map([bound, limit], |row| Ok(id_from_number(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    };
    let old = oldest(before, FORGET_AT_ONCE)?;
    if !old.is_empty() {
        return Ok(old);
    }
    let sql = "SELECT count(*) FROM messages INDEXED BY finished WHERE finished_at IS NOT NULL";
    let count = crate::database::number(connection, sql)?;
    let beyond = count.saturating_sub(i64::try_from(keep).unwrap_or(i64::MAX));
    oldest(i64::MAX, beyond.clamp(0, FORGET_AT_ONCE))
}
