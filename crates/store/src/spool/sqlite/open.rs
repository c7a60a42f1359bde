//! Opening a queue: lock, look, replay, and only then write.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::{
    SqliteSettings,
    bodies::{Bodies, flush_folder},
    layout::{self, LAYOUT, NEXT_ID, VERSION},
};
use crate::{
    database::{self, Trouble, number, trouble, words},
    spool::{MessageId, SpoolError},
};

/// What the lock file says when the queue was closed in order.
const CLOSED: &str = "closed";

/// Bytes of the lock file's text, always the same, so that writing it needs no room.
const LOCK_TEXT: usize = 32;

/// Ids of a new queue begin at its first second times this, so that those of an older one
/// that was moved aside do not come again.
const IDS_PER_SECOND: u64 = 4096;

/// How long SQLite waits for somebody else's lock: an operator with a tool of his own.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes to which the log is cut when it begins anew.
const LOG_LIMIT: i64 = 64 << 20;

/// An open queue, before its threads run.
pub(super) struct Opened {
    pub(super) file: PathBuf,
    pub(super) lock: Lock,
    pub(super) bodies: Bodies,
    pub(super) writer: Connection,
    pub(super) keeper: Connection,
    pub(super) next_id: u64,
}

pub(super) fn open(folder: &Path, settings: &SqliteSettings) -> Result<Opened, SpoolError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| unusable(folder, &error))?;
    let (lock, in_order) = Lock::take(folder.join("queue.lock"))?;
    let file = folder.join(super::DATABASE);
    let writer = connect(&file, settings, in_order).map_err(|error| advise(&file, error))?;
    let next_id = first_id(&writer).map_err(|error| advise(&file, error))?;
    let keeper = database::open(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    keeper.execute_batch("PRAGMA synchronous = FULL")?;

    let bodies = folder.join("bodies");
    let bodies = Bodies::open(bodies.clone()).map_err(|error| unusable(&bodies, &error))?;
    remove_orphans(&writer, &bodies)?;
    flush_folder(folder).map_err(|error| unusable(folder, &error))?;
    Ok(Opened { file, lock, bodies, writer, keeper, next_id })
}

fn unusable(path: &Path, error: &io::Error) -> SpoolError {
    SpoolError::Io { detail: format!("{}: {error}", path.display()) }
}

/// What to do about a damaged database. The command works with every `sqlite3`; its
/// `.recover` would save more, but most distributions leave that out.
fn advise(file: &Path, error: SpoolError) -> SpoolError {
    let SpoolError::Corrupt { detail } = error else { return error };
    let folder = file.parent().unwrap_or(file).display().to_string().replace('\'', "'\\''");
    SpoolError::Corrupt {
        detail: format!(
            "{}: {detail}. Nothing was changed. First copy the whole folder. To go on with what can be read: \
             `cd '{folder}' && (sqlite3 queue.db .dump | sed 's/^ROLLBACK.*/COMMIT;/'; \
             echo 'PRAGMA user_version = {VERSION};') | sqlite3 saved.db && mkdir damaged && \
             mv queue.db* damaged && mv saved.db queue.db`. To begin with an empty queue: move queue.db, \
             queue.db-wal and bodies aside",
            file.display()
        ),
    }
}

/// Opens the database for writing. Nothing is written before it is known to be ours and,
/// after an end out of order, was looked through.
fn connect(file: &Path, settings: &SqliteSettings, in_order: bool) -> Result<Connection, SpoolError> {
    // SQLite gives its other files the same mode.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)
        .map_err(|error| unusable(file, &error))?;
    let connection = database::open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(PATIENCE)?;
    let version = number(&connection, "PRAGMA user_version")?;
    if version > VERSION {
        let detail = format!("{} has version {version}, this program knows up to {VERSION}", file.display());
        return Err(SpoolError::TooNew { detail });
    }
    let ours = "SELECT count(*) FROM sqlite_schema WHERE name IN
        ('messages', 'recipients', 'bodies', 'settings', 'waiting', 'finished')";
    let (ours, all) =
        (number(&connection, ours)?, number(&connection, "SELECT count(*) FROM sqlite_schema")?);
    if (version == 0 && all > 0) || (version > 0 && ours < 6) {
        return Err(SpoolError::Corrupt { detail: "this is a database, but no whole queue".to_owned() });
    }
    if !in_order {
        if let Some(damage) = look_through(&connection, settings.check)? {
            return Err(SpoolError::Corrupt { detail: damage });
        }
        write_log_again(&log_of(file))?;
    }

    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        let detail = format!("{}: no write-ahead log is possible here, only {mode}", file.display());
        return Err(SpoolError::Io { detail });
    }
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{};
         PRAGMA journal_size_limit = {LOG_LIMIT};",
        settings.cache >> 10
    ))?;
    if version == 0 {
        create(&connection)?;
    }
    empty_log(&connection, file)?;
    if let Some(most) = settings.most {
        let size = number(&connection, "PRAGMA page_size")?.max(1);
        let pages = i64::try_from(most).unwrap_or(i64::MAX) / size;
        number(&connection, &format!("PRAGMA max_page_count = {pages}"))?;
    }
    Ok(connection)
}

fn log_of(file: &Path) -> PathBuf {
    file.with_extension("db-wal")
}

/// Writes every byte of the log where it stands, and flushes it. If a flush failed before, the
/// system may believe pages clean that the disk never got; what is appended to those would go
/// with them when the power fails. This makes them dirty, and so the flush an honest one.
fn write_log_again(log: &Path) -> Result<(), SpoolError> {
    let failed = |error: io::Error| unusable(log, &error);
    let file = match OpenOptions::new().read(true).write(true).open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        let count = file.read_at(&mut buffer, at).map_err(failed)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        file.write_all_at(bytes, at).map_err(failed)?;
        at += count as u64;
    }
    file.sync_all().map_err(failed)
}

/// Moves all of the log into the database. On a full disk it stays: starting must be possible,
/// for nothing but settling makes room.
fn empty_log(connection: &Connection, file: &Path) -> Result<(), SpoolError> {
    let busy: rusqlite::Result<i64> =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0));
    match busy {
        Ok(0) => Ok(()),
        Ok(_) => Err(SpoolError::InUse { detail: format!("{} is held by another program", file.display()) }),
        Err(error) if trouble(&error) == Trouble::Full => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn create(connection: &Connection) -> Result<(), SpoolError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let first = i64::try_from(now.saturating_mul(IDS_PER_SECOND)).unwrap_or(i64::MAX >> 1);
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(LAYOUT)?;
    transaction.execute("INSERT INTO settings (name, value) VALUES (?1, ?2)", params![NEXT_ID, first])?;
    transaction.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
    transaction.commit()?;
    Ok(())
}

/// Looks for damage, but not for ever: what is damaged beyond is found when it is read.
fn look_through(connection: &Connection, limit: Duration) -> Result<Option<String>, SpoolError> {
    let interrupt = connection.get_interrupt_handle();
    let (done, waiting) = mpsc::channel::<()>();
    let found = std::thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let found: rusqlite::Result<String> =
            connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0));
        drop(done);
        found
    });
    match found {
        Ok(words) if words == "ok" => Ok(None),
        Ok(words) => Ok(Some(words)),
        Err(rusqlite::Error::SqliteFailure(failure, _))
            if failure.code == ErrorCode::OperationInterrupted =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The first id that was never given.
fn first_id(connection: &Connection) -> Result<u64, SpoolError> {
    let largest: Option<i64> = connection.query_row("SELECT max(id) FROM messages", (), |row| row.get(0))?;
    let noted: Option<i64> = connection
        .query_row("SELECT value FROM settings WHERE name = ?1", [NEXT_ID], |row| row.get(0))
        .optional()?;
    let next = largest.map_or(0, |largest| largest.saturating_add(1)).max(noted.unwrap_or(1)).max(1);
    Ok(u64::try_from(next).unwrap_or(1))
}

fn remove_orphans(connection: &Connection, bodies: &Bodies) -> Result<(), SpoolError> {
    let mut known =
        connection.prepare("SELECT EXISTS (SELECT 1 FROM messages WHERE id = ?1 AND body = ?2)")?;
    bodies.remove_orphans(|id: MessageId| {
        let known: bool =
            known.query_row(params![layout::id_to_number(id), layout::body::FILE], |row| row.get(0))?;
        Ok(known)
    })
}

/// The file whose lock says who has the queue, and whose text says how the last one ended.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock. The second value says whether the last holder closed in order, or
    /// there was none.
    fn take(path: PathBuf) -> Result<(Self, bool), SpoolError> {
        let failed = |error: io::Error| unusable(&path, &error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SpoolError::InUse { detail: format!("{} is locked", path.display()) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = String::new();
        // The file is ours; what is no text was not written by us and means no order.
        let in_order = match (&mut file).take(LOCK_TEXT as u64).read_to_string(&mut text) {
            Ok(_) => text.is_empty() || text.trim_end() == CLOSED,
            Err(_) => false,
        };
        let lock = Self { file };
        lock.write(&format!("open, process {}", std::process::id())).map_err(failed)?;
        Ok((lock, in_order))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let line = format!("{text:<width$}\n", width = LOCK_TEXT - 1);
        self.file.write_all_at(line.as_bytes(), 0)?;
        self.file.sync_all()
    }

    /// Notes that the queue was closed in order. The lock goes when this is dropped.
    pub(super) fn note_order(self) {
        // Not noted, the next opening looks more closely: no harm.
        let _ = self.write(CLOSED);
    }
}

impl From<rusqlite::Error> for SpoolError {
    fn from(error: rusqlite::Error) -> Self {
        let detail = words(&error);
        match trouble(&error) {
            Trouble::Full => Self::Full { detail },
            Trouble::Corrupt => Self::Corrupt { detail },
            Trouble::Own => Self::Invalid { detail },
            Trouble::Busy | Trouble::Flush | Trouble::Other => Self::Io { detail },
        }
    }
}
