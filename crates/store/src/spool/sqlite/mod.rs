//! The queue in a folder, for one process: SQLite with a write-ahead log, flushed before
//! every answer.
//!
//! | In the folder | |
//! |---|---|
//! | `queue.db`, `queue.db-wal`, `queue.db-shm` | the database |
//! | `bodies/` | bodies too large for it, one a file, named by the message's id |
//! | `queue.lock` | held by the process that has the queue open; says whether the last one ended in order |
//!
//! One thread writes. It takes all operations that wait into one transaction, hence one
//! flush, and answers them together. When several callers keep it busy it waits for the
//! others, for as long as a group takes and up to [2 ms](SqliteSettings::gather); a lone
//! caller never waits for nobody. What
//! blocks otherwise (body files, reading) runs on tokio's threads for blocking work, so the
//! futures need a tokio runtime; the log is copied into the database by a third thread.
//!
//! After a crash nothing has to be repaired by hand: [`SqliteSpool::open`] replays the log.
//! See `docs/decisions/0023-queue-storage.md`.

mod bodies;
mod guard;
mod keeper;
mod layout;
mod open;
mod prepare;
mod read;
mod select;
mod sql;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::oneshot;

use self::{
    guard::Guard,
    keeper::Keeper,
    prepare::PreparedSettlement,
    read::Readers,
    sql::{Done, Work},
    writer::{Order, Writer},
};
use super::{
    Change, Changed, MessageId, NewMessage, Pending, Selector, Settlement, Spool, SpoolError, SpoolFuture,
    StoredMessage,
};

/// The database in the folder.
pub const DATABASE: &str = "queue.db";

/// How a queue in a folder behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteSettings {
    /// Bodies with more bytes than this lie in files of their own.
    pub inline: usize,
    /// Below so many free bytes on the disk nothing is accepted; settling goes on.
    pub free_space: u64,
    /// How long the writer waits for others at most when it is busy.
    pub gather: Duration,
    /// How many may read at the same time.
    pub readers: usize,
    /// Bytes of the database that the writer keeps in memory.
    pub cache: usize,
    /// For how long the database is looked through after the last process did not end in
    /// order.
    pub check: Duration,
    /// The database does not grow beyond so many bytes.
    pub most: Option<u64>,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            inline: 256 << 10,
            free_space: 256 << 20,
            gather: Duration::from_millis(2),
            readers: 4,
            cache: 64 << 20,
            check: Duration::from_secs(5),
            most: None,
        }
    }
}

/// What the writer did since the queue was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Transactions, each with at least one flush.
    pub groups: u64,
    /// Operations in them.
    pub operations: u64,
}

/// The queue in a folder. See the [module](self). When it is dropped, it waits for the
/// writer; [`SqliteSpool::close`] does the same without blocking.
#[derive(Debug)]
pub struct SqliteSpool {
    guard: Arc<Guard>,
    readers: Readers,
    orders: mpsc::Sender<Order>,
    ends: Mutex<Option<Ends>>,
}

/// What has to end, in this order.
#[derive(Debug)]
struct Ends {
    keeper: Keeper,
    writer: std::thread::JoinHandle<()>,
}

impl SqliteSpool {
    /// Opens the queue in a folder, or makes an empty one. Blocks: after a crash for as long
    /// as the log takes to be replayed, and for [`SqliteSettings::check`] at most.
    ///
    /// # Errors
    /// - [`SpoolError::InUse`]: another process has it open.
    /// - [`SpoolError::Corrupt`]: damaged; the text says what to do. Nothing was changed.
    /// - [`SpoolError::TooNew`]: a later version wrote it. Nothing was changed.
    /// - [`SpoolError::Full`], [`SpoolError::Io`]: what the disk says.
    pub fn open(folder: &Path, settings: SqliteSettings) -> Result<Self, SpoolError> {
        let opened = open::open(folder, &settings)?;
        let (chores, inbox) = mpsc::channel();
        let guard = Arc::new(Guard::new(folder, settings, opened.bodies, opened.next_id, chores));
        guard.look_at_room();
        let keeper = Keeper::start(&guard, opened.keeper, inbox)?;
        let (orders, waiting) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&guard), opened.lock);
        let connection = opened.writer;
        let writer = std::thread::Builder::new()
            .name("queue-writer".to_owned())
            .spawn(move || writer.run(connection, &waiting))
            .map_err(|error| SpoolError::Io { detail: format!("no thread: {error}") })?;
        let readers = Readers::new(opened.file, guard.settings.readers);
        Ok(Self { guard, readers, orders, ends: Mutex::new(Some(Ends { keeper, writer })) })
    }

    /// What the writer did since the queue was opened.
    pub fn figures(&self) -> Figures {
        self.guard.figures()
    }

    /// Free bytes on the disk, as seen within the last second or two.
    pub fn free_space(&self) -> u64 {
        self.guard.free()
    }

    /// Ends in order: what was asked before is done, everything later is refused
    /// ([`SpoolError::Closed`]), the lock is given back. Dropping the future does not stop it.
    pub async fn close(&self) {
        self.guard.close();
        self.readers.close().await;
        if let Some(ends) = self.take_ends() {
            let orders = self.orders.clone();
            let end = tokio::task::spawn_blocking(move || ends.end(&orders));
            // An error would mean that the thread panicked; there is nothing left to close.
            let _ = end.await;
        }
    }

    fn take_ends(&self) -> Option<Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Has the writer do something, and waits for it.
    async fn write(&self, work: Work) -> Result<Done, SpoolError> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Some((work, reply))).map_err(|_| SpoolError::Closed)?;
        answer.await.unwrap_or(Err(SpoolError::Closed))
    }

    /// Has something read on a thread for blocking work.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&rusqlite::Connection, &Guard) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        self.guard.works()?;
        let guard = Arc::clone(&self.guard);
        self.readers.run(move |connection| question(connection, &guard)).await
    }

    /// Makes messages ready to be written, large bodies into files, on a thread for blocking
    /// work if there are any.
    async fn prepare(&self, messages: Vec<NewMessage>) -> Result<Vec<prepare::PreparedMessage>, SpoolError> {
        let guard = Arc::clone(&self.guard);
        if messages.iter().all(|message| prepare::fits(message, guard.settings.inline)) {
            return messages.into_iter().map(|message| prepare::message(message, &guard)).collect();
        }
        let prepared = tokio::task::spawn_blocking(move || {
            messages.into_iter().map(|message| prepare::message(message, &guard)).collect()
        });
        prepared.await.unwrap_or_else(|error| Err(SpoolError::Io { detail: error.to_string() }))
    }

    async fn accept_one(&self, message: NewMessage) -> Result<MessageId, SpoolError> {
        self.guard.take(prepare::size(&message))?;
        let prepared = self.prepare(vec![message]).await?;
        match self.write(Work::Accept(prepared)).await? {
            Done::Taken(ids) => ids.first().copied().ok_or(SpoolError::Closed),
            _ => Err(SpoolError::Closed),
        }
    }

    async fn settle_one(&self, settlement: Settlement) -> Result<Vec<MessageId>, SpoolError> {
        self.guard.works()?;
        let (mut prepared, notices) = PreparedSettlement::new(settlement)?;
        if !notices.is_empty() {
            prepared.notices = self.prepare(notices).await?;
        }
        match self.write(Work::Settle(prepared)).await? {
            Done::Taken(ids) => Ok(ids),
            _ => Err(SpoolError::Closed),
        }
    }

    async fn change_all(
        &self,
        selector: Selector,
        change: Change,
        dry_run: bool,
    ) -> Result<Vec<Changed>, SpoolError> {
        let wanted = selector.clone();
        let found = self.read(move |connection, _| select::applicable(connection, &wanted, change)).await?;
        if dry_run || found.is_empty() {
            return Ok(found);
        }
        match self.write(Work::Change { selector, change, candidates: found }).await? {
            Done::Changed(changed) => Ok(changed),
            _ => Err(SpoolError::Closed),
        }
    }

    async fn purge_all(&self, before: i64, keep: u64) -> Result<u64, SpoolError> {
        let mut forgotten = 0;
        loop {
            let ids = self.read(move |connection, _| select::forgettable(connection, before, keep)).await?;
            if ids.is_empty() {
                return Ok(forgotten);
            }
            match self.write(Work::Forget(ids)).await? {
                // Somebody else forgot them in between.
                Done::Forgotten(0) => return Ok(forgotten),
                Done::Forgotten(count) => forgotten += count,
                _ => return Err(SpoolError::Closed),
            }
        }
    }
}

impl Spool for SqliteSpool {
    fn accept(&self, message: NewMessage) -> SpoolFuture<'_, MessageId> {
        Box::pin(self.accept_one(message))
    }

    fn settle(&self, settlement: Settlement) -> SpoolFuture<'_, Vec<MessageId>> {
        Box::pin(self.settle_one(settlement))
    }

    fn pending(&self, after: Option<(MessageId, u32)>, limit: usize) -> SpoolFuture<'_, Vec<Pending>> {
        Box::pin(self.read(move |connection, _| select::pending(connection, after, limit)))
    }

    fn message(&self, id: MessageId) -> SpoolFuture<'_, Option<StoredMessage>> {
        Box::pin(self.read(move |connection, _| select::message(connection, id)))
    }

    fn body(&self, id: MessageId) -> SpoolFuture<'_, Bytes> {
        Box::pin(self.read(move |connection, guard| select::body(connection, &guard.bodies, id)))
    }

    fn select(&self, selector: Selector, limit: usize) -> SpoolFuture<'_, Vec<StoredMessage>> {
        Box::pin(self.read(move |connection, _| select::select(connection, &selector, limit)))
    }

    fn change(&self, selector: Selector, change: Change, dry_run: bool) -> SpoolFuture<'_, Vec<Changed>> {
        Box::pin(self.change_all(selector, change, dry_run))
    }

    fn purge(&self, before: i64, keep: u64) -> SpoolFuture<'_, u64> {
        Box::pin(self.purge_all(before, keep))
    }

    fn refusal(&self) -> Option<SpoolError> {
        self.guard.takes(0).err()
    }
}

impl Ends {
    fn end(self, orders: &mpsc::Sender<Order>) {
        self.keeper.end();
        // Without a writer there is nothing to be told.
        let _ = orders.send(None);
        let _ = self.writer.join();
    }
}

impl Drop for SqliteSpool {
    fn drop(&mut self) {
        self.guard.close();
        self.readers.drop_idle();
        if let Some(ends) = self.take_ends() {
            ends.end(&self.orders);
        }
    }
}
