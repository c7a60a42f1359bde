//! Tallies of TLS sessions: counted in memory, summed up in the file.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, params};

use super::{LedgerError, LedgerSettings, Tally};

/// How many different tallies wait in memory at most; further ones are counted as others of
/// their domain, and not at all where even that would be a new one.
const MOST_IN_MEMORY: usize = 50_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    day: i64,
    domain: String,
    policy: String,
    /// Empty for success.
    failure: String,
}

/// What was counted and is not in the file yet.
#[derive(Debug, Default)]
pub(super) struct Counted {
    counts: HashMap<Key, u64>,
}

impl Counted {
    /// Counts. True if nothing was counted before.
    pub(super) fn add(
        &mut self,
        day: i64,
        domain: &str,
        policy: &str,
        failure: Option<&str>,
        count: u64,
    ) -> bool {
        let first = self.counts.is_empty();
        let failure = failure.unwrap_or_default().to_owned();
        self.put(Key { day, domain: domain.to_owned(), policy: policy.to_owned(), failure }, count);
        first
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Adds what another holds.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, count) in other.counts {
            self.put(key, count);
        }
    }

    fn put(&mut self, mut key: Key, count: u64) {
        if self.counts.len() >= MOST_IN_MEMORY && !self.counts.contains_key(&key) {
            if !key.failure.is_empty() {
                Tally::OTHERS.clone_into(&mut key.failure);
            }
            if !self.counts.contains_key(&key) {
                return;
            }
        }
        let sum = self.counts.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// Sums up in the file, in one transaction.
pub(super) fn write(
    connection: &mut Connection,
    counted: &Counted,
    settings: &LedgerSettings,
) -> Result<(), LedgerError> {
    let transaction = connection.transaction()?;
    let mut rows: HashMap<i64, i64> = HashMap::new();
    let mut counts: Vec<_> = counted.counts.iter().collect();
    counts.sort_unstable();
    for (key, count) in counts {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        if !was_sent(&transaction, key.day, &key.domain)? {
            add(&transaction, key, count, settings, &mut rows)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn was_sent(transaction: &Transaction<'_>, day: i64, domain: &str) -> Result<bool, LedgerError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sent WHERE day = ?1 AND domain = ?2)";
    Ok(transaction.query_row(sql, params![day, domain], |row| row.get(0))?)
}

/// Adds to a row that is there, or makes one within the bounds. `rows` remembers how many
/// rows each day has.
fn add(
    transaction: &Transaction<'_>,
    key: &Key,
    count: i64,
    settings: &LedgerSettings,
    rows: &mut HashMap<i64, i64>,
) -> Result<(), LedgerError> {
    if raise(transaction, key, &key.failure, count)? {
        return Ok(());
    }
    let mut failure = key.failure.as_str();
    if !failure.is_empty() {
        let sql = "SELECT count(*) FROM tallies WHERE day = ?1 AND domain = ?2 AND policy = ?3";
        let known: i64 =
            transaction.query_row(sql, params![key.day, key.domain, key.policy], |row| row.get(0))?;
        if known >= i64::try_from(settings.failures_of_a_policy).unwrap_or(i64::MAX) {
            failure = Tally::OTHERS;
            if raise(transaction, key, failure, count)? {
                return Ok(());
            }
        }
    }
    let of_day = match rows.get(&key.day) {
        Some(known) => *known,
        None => {
            let sql = "SELECT count(*) FROM tallies WHERE day = ?1";
            transaction.query_row(sql, [key.day], |row| row.get(0))?
        }
    };
    if of_day >= i64::try_from(settings.rows_of_a_day).unwrap_or(i64::MAX) {
        rows.insert(key.day, of_day);
        return Ok(());
    }
    let sql = "INSERT INTO tallies (day, domain, policy, failure, count) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.execute(sql, params![key.day, key.domain, key.policy, failure, count])?;
    rows.insert(key.day, of_day.saturating_add(1));
    Ok(())
}

/// Adds to a row. False if there is none.
fn raise(transaction: &Transaction<'_>, key: &Key, failure: &str, count: i64) -> Result<bool, LedgerError> {
    // The sum stays an integer: SQLite would turn one that is too large into a float.
    let sql = "UPDATE tallies SET count = min(count, 9223372036854775807 - ?5) + ?5
               WHERE day = ?1 AND domain = ?2 AND policy = ?3 AND failure = ?4";
    Ok(transaction.execute(sql, params![key.day, key.domain, key.policy, failure, count])? > 0)
}

pub(super) fn days(connection: &Connection) -> Result<Vec<i64>, LedgerError> {
    let mut statement = connection.prepare("SELECT DISTINCT day FROM tallies ORDER BY day")?;
    let days = statement.query_map((), |row| row.get(0))?;
    Ok(days.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn of_day(connection: &Connection, day: i64) -> Result<Vec<Tally>, LedgerError> {
    let mut statement = connection.prepare(
        "SELECT domain, policy, failure, count FROM tallies WHERE day = ?1
         ORDER BY domain, policy, failure",
    )?;
    let rows = statement.query_map([day], |row| {
        let failure: String = row.get(2)?;
        let count: i64 = row.get(3)?;
        Ok(Tally {
            domain: row.get(0)?,
            policy: row.get(1)?,
            failure: Some(failure).filter(|failure| !failure.is_empty()),
            count: u64::try_from(count).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn sent(connection: &mut Connection, day: i64, domain: &str) -> Result<bool, LedgerError> {
    // This one is flushed: what was sent must not be sent again after a crash.
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    let result = mark_sent(connection, day, domain);
    connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    result
}

fn mark_sent(connection: &mut Connection, day: i64, domain: &str) -> Result<bool, LedgerError> {
    let transaction = connection.transaction()?;
    let sql = "INSERT OR IGNORE INTO sent (day, domain) VALUES (?1, ?2)";
    let first = transaction.execute(sql, params![day, domain])? > 0;
    transaction.execute("DELETE FROM tallies WHERE day = ?1 AND domain = ?2", params![day, domain])?;
    transaction.commit()?;
    Ok(first)
}

pub(super) fn forget(connection: &mut Connection, before: i64) -> Result<u64, LedgerError> {
    let transaction = connection.transaction()?;
    let rows = transaction.execute("DELETE FROM tallies WHERE day < ?1", [before])?;
    transaction.execute("DELETE FROM sent WHERE day < ?1", [before])?;
    transaction.commit()?;
    Ok(rows as u64)
}
