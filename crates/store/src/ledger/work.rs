//! The thread that owns the file.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::{LedgerError, LedgerSettings, lock, tallies, tallies::Counted};
use crate::database;

/// Of the file's layout.
const VERSION: i64 = 1;

/// How long another holder of the file is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

const LAYOUT: &str = "
    CREATE TABLE policies (
        domain TEXT PRIMARY KEY,
        policy TEXT NOT NULL,
        fetched_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        last_checked INTEGER NOT NULL,
        failure TEXT
    ) WITHOUT ROWID;
    CREATE TABLE tallies (
        day INTEGER NOT NULL,
        domain TEXT NOT NULL,
        policy TEXT NOT NULL,
        failure TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (day, domain, policy, failure)
    ) WITHOUT ROWID;
    CREATE TABLE sent (
        day INTEGER NOT NULL,
        domain TEXT NOT NULL,
        PRIMARY KEY (day, domain)
    ) WITHOUT ROWID;
    PRAGMA user_version = 1;";

/// What the thread is asked to do.
pub(super) enum Job {
    /// Something.
    Ask(Box<dyn FnOnce(&mut Worker) + Send>),
    /// The first session since the last writing was counted.
    Counted,
    /// Write what was counted, and end.
    Close(Option<oneshot::Sender<Result<(), LedgerError>>>),
}

/// What the thread works with.
pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) settings: LedgerSettings,
    counted: Arc<Mutex<Counted>>,
}

impl Worker {
    pub(super) fn open(
        file: &Path,
        settings: LedgerSettings,
        counted: Arc<Mutex<Counted>>,
    ) -> Result<Self, LedgerError> {
        let connection = connect(file).map_err(|error| match error {
            LedgerError::InUse { .. } => LedgerError::InUse { detail: file.display().to_string() },
            LedgerError::Corrupt { detail } => LedgerError::Corrupt {
                detail: format!(
                    "{}: {detail}. Nothing was changed. Move the file aside and start again: policies are \
                     fetched anew, TLS reports lack what was counted so far.",
                    file.display()
                ),
            },
            other => other,
        })?;
        Ok(Self { connection, settings, counted })
    }

    /// Until the ledger is closed.
    pub(super) fn run(mut self, inbox: &Receiver<Job>) {
        let mut due: Option<Instant> = None;
        loop {
            let job = match due {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match job {
                Ok(Job::Ask(question)) => question(&mut self),
                Ok(Job::Counted) => due = Some(Instant::now() + self.settings.write_after),
                Ok(Job::Close(reply)) => {
                    let result = self.close();
                    if let Some(reply) = reply {
                        let _ = reply.send(result);
                    }
                    return;
                }
                // What could not be written stays counted in memory, and is tried again with
                // the next that is counted, or asked for.
                Err(RecvTimeoutError::Timeout) => {
                    due = self.write_counted().is_err().then(|| Instant::now() + self.settings.write_after);
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Moves what was counted from memory into the file.
    pub(super) fn write_counted(&mut self) -> Result<(), LedgerError> {
        let counted = std::mem::take(&mut *lock(&self.counted));
        if counted.is_empty() {
            return Ok(());
        }
        let result = tallies::write(&mut self.connection, &counted, &self.settings);
        if result.is_err() {
            lock(&self.counted).merge(counted);
        }
        result
    }

    fn close(&mut self) -> Result<(), LedgerError> {
        let result = self.write_counted();
        // Without this the next start reads the log, which costs a little more: no error.
        let _ = database::number(&self.connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        result
    }
}

fn connect(file: &Path) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = database::open(file, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Exclusive: a second relay is refused, and no shared memory is needed.
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;")?;
    let version = database::number(&connection, "PRAGMA user_version")?;
    if version > VERSION {
        let detail = format!(
            "{} has version {version}, this program knows up to {VERSION}. Nothing was changed.",
            file.display()
        );
        return Err(LedgerError::TooNew { detail });
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        return Err(LedgerError::Io { detail: format!("{}: no write-ahead log: {mode}", file.display()) });
    }
    connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
    // Takes the lock for good.
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if version == 0 {
        transaction.execute_batch(LAYOUT)?;
    }
    transaction.commit()?;
    Ok(connection)
}
