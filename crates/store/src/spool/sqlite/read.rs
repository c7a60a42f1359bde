//! Connections for reading, apart from the writer's.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::{database, spool::SpoolError};

/// How long reading waits for a lock: SQLite takes one that is in the way of readers only
/// when a log is replayed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of the database that each keeps in memory.
const CACHE: usize = 4 << 20;

/// A few connections, opened when they are needed.
#[derive(Debug)]
pub(super) struct Readers {
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    count: u32,
}

impl Readers {
    pub(super) fn new(file: PathBuf, count: usize) -> Self {
        let count = u32::try_from(count.max(1)).unwrap_or(1);
        let permits = Arc::new(Semaphore::new(count as usize));
        Self { file, idle: Arc::default(), permits, count }
    }

    /// Runs something on a thread for blocking work.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| SpoolError::Closed)?;
        let idle = Arc::clone(&self.idle);
        let file = self.file.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match free {
                Some(connection) => connection,
                None => open(&file)?,
            };
            let answer = question(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        });
        reading.await.unwrap_or_else(|error| Err(SpoolError::Io { detail: error.to_string() }))
    }

    /// Waits for those that read, and closes the connections. Nobody reads after that.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(self.count).await;
        self.permits.close();
        drop(all);
        self.drop_idle();
    }

    /// Closes the connections that are not in use.
    pub(super) fn drop_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn open(file: &std::path::Path) -> Result<Connection, SpoolError> {
    let connection = database::open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{};",
        CACHE >> 10
    ))?;
    Ok(connection)
}
