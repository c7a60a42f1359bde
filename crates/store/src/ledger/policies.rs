//! MTA-STS policies in the file.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{KeptPolicy, LedgerError};

const COLUMNS: &str = "domain, policy, fetched_at, expires_at, last_checked, failure";

/// A row whose policy cannot be read any more is as good as none: it is fetched anew.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<KeptPolicy>> {
    let policy: String = row.get(1)?;
    let Ok(policy) = serde_json::from_str(&policy) else { return Ok(None) };
    Ok(Some(KeptPolicy {
        domain: row.get(0)?,
        policy,
        fetched_at: row.get(2)?,
        expires_at: row.get(3)?,
        last_checked: row.get(4)?,
        failure: row.get(5)?,
    }))
}

pub(super) fn get(connection: &Connection, domain: &str) -> Result<Option<KeptPolicy>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM policies WHERE domain = ?1");
    Ok(connection.query_row(&sql, [domain], read).optional()?.flatten())
}

pub(super) fn put(connection: &mut Connection, kept: &KeptPolicy, most: usize) -> Result<(), LedgerError> {
    let policy = serde_json::to_string(&kept.policy)
        .map_err(|error| LedgerError::Io { detail: format!("policy of {}: {error}", kept.domain) })?;
    let transaction = connection.transaction()?;
    transaction.execute(
        "INSERT OR REPLACE INTO policies (domain, policy, fetched_at, expires_at, last_checked, failure)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![kept.domain, policy, kept.fetched_at, kept.expires_at, kept.last_checked, kept.failure],
    )?;
    let count: i64 = transaction.query_row("SELECT count(*) FROM policies", (), |row| row.get(0))?;
    let beyond = count.saturating_sub(i64::try_from(most).unwrap_or(i64::MAX));
    if beyond > 0 {
        // The new one stays in any case: its domain is what mail is being sent to.
        transaction.execute(
            "DELETE FROM policies WHERE domain IN (
                SELECT domain FROM policies WHERE domain <> ?1 ORDER BY last_checked LIMIT ?2)",
            params![kept.domain, beyond],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<KeptPolicy>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM policies WHERE domain > ?1 ORDER BY domain LIMIT ?2");
    let mut statement = connection.prepare(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after.unwrap_or_default(), limit], read)?;
    let mut found = Vec::new();
    for row in rows {
        found.extend(row?);
    }
    Ok(found)
}

pub(super) fn remove(connection: &Connection, domain: &str) -> Result<bool, LedgerError> {
    Ok(connection.execute("DELETE FROM policies WHERE domain = ?1", [domain])? > 0)
}

pub(super) fn forget(connection: &Connection, expired_before: i64) -> Result<u64, LedgerError> {
    let count = connection.execute("DELETE FROM policies WHERE expires_at < ?1", [expired_before])?;
    Ok(count as u64)
}
