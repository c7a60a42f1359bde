//! What all threads of a queue share: whether it still takes anything, ids, room, figures.

use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::Sender,
    },
};

use super::{Figures, SqliteSettings, bodies::Bodies, keeper::Chore};
use crate::spool::{MessageId, SpoolError};

/// SQLite's write-ahead log, beside the database.
const LOG: &str = "queue.db-wal";
/// A body lies in the log and in the database.
const COPIES: u64 = 2;
/// Room for envelope and recipients, in bytes, roughly.
const ENVELOPE: u64 = 4096;

/// What all threads share.
#[derive(Debug)]
pub(super) struct Guard {
    folder: PathBuf,
    pub(super) settings: SqliteSettings,
    pub(super) bodies: Bodies,
    /// The failure after which nothing is done any more.
    poison: OnceLock<String>,
    closed: AtomicBool,
    next_id: AtomicU64,
    /// Free bytes on the disk.
    free: AtomicU64,
    groups: AtomicU64,
    operations: AtomicU64,
    /// The log is long enough to begin anew.
    pub(super) log_is_long: AtomicBool,
    chores: Sender<Chore>,
}

impl Guard {
    pub(super) fn new(
        folder: &Path,
        settings: SqliteSettings,
        bodies: Bodies,
        next_id: u64,
        chores: Sender<Chore>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            settings,
            bodies,
            poison: OnceLock::new(),
            closed: AtomicBool::new(false),
            next_id: AtomicU64::new(next_id),
            free: AtomicU64::new(u64::MAX),
            groups: AtomicU64::new(0),
            operations: AtomicU64::new(0),
            log_is_long: AtomicBool::new(false),
            chores,
        }
    }

    /// After this everything is refused.
    pub(super) fn poison(&self, detail: String) -> SpoolError {
        SpoolError::Poisoned { detail: self.poison.get_or_init(|| detail).clone() }
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.poison.get().is_some()
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether what was asked before the queue was closed is done.
    pub(super) fn works_still(&self) -> Result<(), SpoolError> {
        match self.poison.get() {
            Some(detail) => Err(SpoolError::Poisoned { detail: detail.clone() }),
            None => Ok(()),
        }
    }

    /// Whether anything is done at all.
    pub(super) fn works(&self) -> Result<(), SpoolError> {
        self.works_still()?;
        if self.closed.load(Ordering::Acquire) {
            return Err(SpoolError::Closed);
        }
        Ok(())
    }

    /// Whether a message of this size may be taken. If so its room counts as used until free
    /// space is looked at again: much can come in between.
    pub(super) fn take(&self, size: u64) -> Result<(), SpoolError> {
        self.takes(size)?;
        let used = size.saturating_mul(COPIES).saturating_add(ENVELOPE);
        // Others may do the same meanwhile; an estimate a little off is looked at soon.
        self.free.store(self.free().saturating_sub(used), Ordering::Relaxed);
        Ok(())
    }

    /// Whether a message of this size could be taken.
    pub(super) fn takes(&self, size: u64) -> Result<(), SpoolError> {
        self.works()?;
        let free = self.free();
        if free.saturating_sub(size) < self.settings.free_space {
            let detail = format!(
                "{} bytes are free at {}; nothing is accepted that leaves less than {}",
                free,
                self.folder.display(),
                self.settings.free_space
            );
            return Err(SpoolError::Full { detail });
        }
        Ok(())
    }

    /// Free bytes when they were last looked at.
    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    /// Looks at the free bytes. What the log holds may have to be copied into the database
    /// still, and takes as much room there: without it the log could never begin anew.
    pub(super) fn look_at_room(&self) {
        // A file system that does not say is taken to have room: writing will tell.
        let free = nix::sys::statvfs::statvfs(&self.folder)
            .map_or(u64::MAX, |found| found.blocks_available().saturating_mul(found.fragment_size()));
        let log = std::fs::metadata(self.folder.join(LOG)).map_or(0, |file| file.len());
        self.free.store(free.saturating_sub(log), Ordering::Relaxed);
    }

    /// An id that was never given.
    pub(super) fn next_id(&self) -> MessageId {
        MessageId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// Ids from here on were never given.
    pub(super) fn ids_given(&self) -> MessageId {
        MessageId(self.next_id.load(Ordering::Relaxed))
    }

    pub(super) fn count_group(&self, operations: usize) {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.operations.fetch_add(operations as u64, Ordering::Relaxed);
    }

    pub(super) fn figures(&self) -> Figures {
        Figures {
            groups: self.groups.load(Ordering::Relaxed),
            operations: self.operations.load(Ordering::Relaxed),
        }
    }

    /// Gives the keeper something to do.
    pub(super) fn ask_keeper(&self, chore: Chore) {
        // Without a keeper the queue is about to be closed, which checkpoints by itself; files
        // that stay are orphans.
        let _ = self.chores.send(chore);
    }
}
