//! What must not hold up the writer: checkpoints, removing files, looking at free space.

use std::{
    sync::{
        Arc, Weak,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

use super::guard::Guard;
use crate::{
    database::{Trouble, trouble, words},
    spool::{MessageId, SpoolError},
};

/// How often free space is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// With so many pages in the log, the writer lets it begin anew: 32 MiB.
const LONG: i64 = 8192;

/// Something to do.
#[derive(Debug)]
pub(super) enum Chore {
    /// Copy the log into the database.
    Checkpoint,
    /// These messages have no body any more.
    Remove(Vec<MessageId>),
    /// Stop.
    End,
}

/// The thread.
#[derive(Debug)]
pub(super) struct Keeper {
    guard: Arc<Guard>,
    thread: JoinHandle<()>,
}

impl Keeper {
    pub(super) fn start(
        guard: &Arc<Guard>,
        connection: Connection,
        inbox: Receiver<Chore>,
    ) -> Result<Self, SpoolError> {
        let weak = Arc::downgrade(guard);
        let thread = std::thread::Builder::new()
            .name("queue-keeper".to_owned())
            .spawn(move || run(&weak, &connection, &inbox))
            .map_err(|error| SpoolError::Io { detail: format!("no thread: {error}") })?;
        Ok(Self { guard: Arc::clone(guard), thread })
    }

    /// Stops it when it has done what it was asked.
    pub(super) fn end(self) {
        self.guard.ask_keeper(Chore::End);
        let _ = self.thread.join();
    }
}

fn run(guard: &Weak<Guard>, connection: &Connection, inbox: &Receiver<Chore>) {
    loop {
        let chore = inbox.recv_timeout(LOOK);
        let Some(guard) = guard.upgrade() else { return };
        match chore {
            Ok(Chore::Checkpoint) => checkpoint(&guard, connection),
            Ok(Chore::Remove(ids)) => ids.into_iter().for_each(|id| guard.bodies.remove(id)),
            Ok(Chore::End) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        guard.look_at_room();
    }
}

/// Copies what is in the log into the database and flushes it, beside the writer. The log
/// only begins anew when all of it was copied and nobody adds to it; under load that takes
/// the writer's help.
fn checkpoint(guard: &Guard, connection: &Connection) {
    if guard.is_poisoned() {
        return;
    }
    match pages_in_log(connection) {
        Ok(pages) if pages >= LONG => guard.log_is_long.store(true, Ordering::Release),
        Ok(_) => {}
        Err(error) => note(guard, &error),
    }
}

/// Copies what can be copied without keeping anybody waiting. Returns how many pages the log
/// has.
pub(super) fn pages_in_log(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get(1))
}

/// A checkpoint that failed. One that finds no room or somebody in its way is made later.
pub(super) fn note(guard: &Guard, error: &rusqlite::Error) {
    if matches!(trouble(error), Trouble::Flush | Trouble::Corrupt) {
        guard.poison(format!("checkpoint: {}", words(error)));
    }
}
