//! What both databases of this crate need: opening with care, and errors in our words.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

/// What an error of SQLite means for the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No room; nothing was written.
    Full,
    /// What the disk holds is not known any more.
    Flush,
    /// The file is damaged or no database.
    Corrupt,
    /// Another process has it.
    Busy,
    /// The operation's own fault; the next one may succeed.
    Own,
    /// Reading failed, memory is short, and the like.
    Other,
}

/// Sorts an error. Writes and flushes that failed count as [`Trouble::Flush`]: SQLite
/// turns want of room into `SQLITE_FULL` by itself, so that what is left is a bad disk.
pub(crate) fn trouble(error: &rusqlite::Error) -> Trouble {
    let rusqlite::Error::SqliteFailure(failure, _) = error else { return Trouble::Own };
    match (failure.code, failure.extended_code) {
        // The second: the index of the log cannot grow.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Trouble::Full,
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Trouble::Corrupt,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Trouble::Busy,
        (ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch, _) => Trouble::Own,
        (
            _,
            ffi::SQLITE_IOERR_FSYNC
            | ffi::SQLITE_IOERR_DIR_FSYNC
            | ffi::SQLITE_IOERR_WRITE
            | ffi::SQLITE_IOERR_TRUNCATE
            | ffi::SQLITE_IOERR_COMMIT_ATOMIC
            | ffi::SQLITE_IOERR_CORRUPTFS
            | ffi::SQLITE_IOERR_DATA,
        ) => Trouble::Flush,
        _ => Trouble::Other,
    }
}

/// An error in the words of SQLite, with the code's number where it says more.
pub(crate) fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, Some(text)) => {
            format!("{text} (SQLite code {})", failure.extended_code)
        }
        other => other.to_string(),
    }
}

/// Opens a database without touching what is in it: a file is made if there is none, and
/// closing will not write to it.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn open(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection stays with one thread at a time, so SQLite's own mutexes are not needed.
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    Ok(connection)
}

/// One number that a pragma or query gives.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn number(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.query_row(sql, (), |row| row.get(0))
}
