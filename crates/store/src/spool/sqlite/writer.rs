//! The thread that writes: groups of operations, one transaction and one flush a group.

use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    guard::Guard,
    keeper::{self, Chore},
    open::Lock,
    sql::{Done, Failure, Sql, Work},
};
use crate::{
    database::{Trouble, trouble, words},
    spool::{MessageId, SpoolError},
};

/// How many operations make a group at most.
const MOST: usize = 256;

/// With so many bytes a group waits for no more operations.
const HEAVY: usize = 8 << 20;

/// After so many bytes, roughly, the log is copied into the database.
const CHECKPOINT: usize = 8 << 20;

/// After so many bytes, roughly, the log is copied by the writer, whatever the keeper does.
const UNCOPIED: usize = 64 << 20;

/// Bytes that a group costs beside its operations: pages that every one changes.
const GROUP_WEIGHT: usize = 24 << 10;

/// What the writer is told: to write this and to answer when it is durable; none: to end.
pub(super) type Order = Option<(Work, Reply)>;

/// Where the answer goes.
pub(super) type Reply = oneshot::Sender<Result<Done, SpoolError>>;

/// The writer.
pub(super) struct Writer {
    guard: Arc<Guard>,
    lock: Lock,
    /// Operations in the last group: how many callers there are, more or less.
    last: usize,
    /// How long it took.
    took: Duration,
    /// Bytes since the keeper was asked for a checkpoint.
    unchecked: usize,
    /// Bytes since the writer last copied the log.
    uncopied: usize,
}

/// Why a group was not written.
struct Refused {
    error: SpoolError,
    /// What the disk holds is not known; nobody may try again.
    fatal: bool,
}

impl Writer {
    pub(super) fn new(guard: Arc<Guard>, lock: Lock) -> Self {
        Self { guard, lock, last: 1, took: Duration::ZERO, unchecked: 0, uncopied: 0 }
    }

    /// Until it is told to end, or nobody is left to tell.
    pub(super) fn run(mut self, connection: Connection, orders: &Receiver<Order>) {
        match Sql::prepare(&connection) {
            Ok(mut sql) => while self.turn(&mut sql, orders) {},
            Err(error) => {
                let refusal = self.guard.poison(words(&error));
                while let Ok(Some((_, reply))) = orders.recv() {
                    answer(reply, Err(refusal.clone()));
                }
            }
        }
        if self.guard.is_poisoned() {
            return;
        }
        // All readers are gone: the log is emptied, and the next start has nothing to replay.
        // Without room for that it stays, which is no harm; a failed flush is not order.
        let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        let in_order = emptied.map_or_else(|error| trouble(&error) == Trouble::Full, |()| true);
        if connection.close().is_ok() && in_order {
            self.lock.note_order();
        }
    }

    /// One group. False if it was the last.
    fn turn(&mut self, sql: &mut Sql<'_>, orders: &Receiver<Order>) -> bool {
        let mut group: Vec<(Work, Reply)> = Vec::with_capacity(self.last);
        let goes_on = self.gather(orders, &mut group);
        // A caller who went away before its message was written has not got an id: the message
        // is not taken. What became of recipients is a fact, and is noted all the same.
        group.retain(|(work, reply)| !(reply.is_closed() && matches!(work, Work::Accept(_))));
        if group.is_empty() {
            return goes_on;
        }
        self.last = group.len();
        let begun = Instant::now();
        self.write(sql, group);
        self.took = begun.elapsed();
        goes_on
    }

    /// Takes what waits. If there was company in the last group, waits a little until as many
    /// are here again: they were answered together, and come back about together. Waiting
    /// longer than a group takes would cost more than it saves.
    fn gather(&self, orders: &Receiver<Order>, group: &mut Vec<(Work, Reply)>) -> bool {
        let mut weight = 0;
        let mut until: Option<Instant> = None;
        while group.len() < MOST && weight < HEAVY {
            let order = match orders.try_recv() {
                Ok(order) => Ok(order),
                Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) if group.is_empty() => {
                    orders.recv().map_err(|_| RecvTimeoutError::Disconnected)
                }
                Err(TryRecvError::Empty) if group.len() >= self.last => return true,
                Err(TryRecvError::Empty) => {
                    let now = Instant::now();
                    let until = *until.get_or_insert(now + self.guard.settings.gather.min(self.took));
                    orders.recv_timeout(until.saturating_duration_since(now))
                }
            };
            match order {
                Ok(Some((work, reply))) => {
                    weight += work.weight();
                    group.push((work, reply));
                }
                Ok(None) | Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => return true,
            }
        }
        true
    }

    /// Writes a group and answers. If it cannot be written together, every operation has a
    /// transaction of its own, so that one which fails by itself does not fail the others.
    fn write(&mut self, sql: &mut Sql<'_>, mut group: Vec<(Work, Reply)>) {
        if self.guard.log_is_long.swap(false, Ordering::AcqRel) || self.uncopied >= UNCOPIED {
            self.copy_log(sql);
        }
        match self.commit(sql, &mut group) {
            Ok(done) => {
                for ((_, reply), done) in group.into_iter().zip(done) {
                    answer(reply, Ok(done));
                }
            }
            Err(refused) if refused.fatal => {
                for (_, reply) in group {
                    answer(reply, Err(refused.error.clone()));
                }
            }
            Err(refused) => {
                if matches!(refused.error, SpoolError::Full { .. }) {
                    // A log that begins anew needs no more room than it has.
                    self.copy_log(sql);
                }
                for operation in group {
                    self.write_alone(sql, operation);
                }
            }
        }
    }

    fn write_alone(&mut self, sql: &mut Sql<'_>, operation: (Work, Reply)) {
        let mut group = [operation];
        let result = self.commit(sql, &mut group);
        let [(_, reply)] = group;
        match result {
            Ok(mut done) => answer(reply, done.pop().ok_or(SpoolError::Closed)),
            Err(refused) => answer(reply, Err(refused.error)),
        }
    }

    /// One transaction. On Ok all is durable.
    fn commit(&mut self, sql: &mut Sql<'_>, group: &mut [(Work, Reply)]) -> Result<Vec<Done>, Refused> {
        self.guard.works_still().map_err(|error| Refused { error, fatal: true })?;
        let mut bodiless = Vec::new();
        let written = self.transact(sql, group, &mut bodiless);
        let done = match written {
            Ok(done) => done,
            Err(failure) => {
                let refused = self.refuse(failure, sql.roll_back());
                return Err(refused);
            }
        };
        self.guard.count_group(group.len());
        let mut weight = GROUP_WEIGHT;
        for ((work, _), done) in group.iter_mut().zip(&done) {
            work.keep_files(done);
            weight += work.weight();
        }
        self.unchecked += weight;
        self.uncopied += weight;
        self.hand_over(bodiless);
        Ok(done)
    }

    fn transact(
        &self,
        sql: &mut Sql<'_>,
        group: &[(Work, Reply)],
        bodiless: &mut Vec<MessageId>,
    ) -> Result<Vec<Done>, Stage> {
        let failed = |failure: Failure| Stage { failure, commit: false };
        sql.begin().map_err(|error| failed(error.into()))?;
        let mut done = Vec::with_capacity(group.len());
        for (work, _) in group {
            done.push(sql.apply(work, &self.guard, bodiless).map_err(failed)?);
        }
        sql.commit().map_err(|error| Stage { failure: error.into(), commit: true })?;
        Ok(done)
    }

    /// Decides what a failure means for all that comes after it.
    fn refuse(&self, failed: Stage, rolled_back: rusqlite::Result<()>) -> Refused {
        let error = match failed.failure {
            Failure::Ours(error @ SpoolError::Corrupt { .. }) => {
                return Refused { error: self.guard.poison(error.to_string()), fatal: true };
            }
            Failure::Ours(error) => return Refused { error, fatal: false },
            Failure::Database(error) => error,
        };
        let kind = trouble(&error);
        let lost = match kind {
            Trouble::Flush | Trouble::Corrupt => true,
            // Any error but want of room at this point leaves open what was written.
            Trouble::Other | Trouble::Own | Trouble::Busy => failed.commit,
            Trouble::Full => false,
        };
        if lost || rolled_back.is_err() {
            return Refused { error: self.guard.poison(words(&error)), fatal: true };
        }
        Refused { error: error.into(), fatal: false }
    }

    fn hand_over(&mut self, bodiless: Vec<MessageId>) {
        if !bodiless.is_empty() {
            self.guard.ask_keeper(Chore::Remove(bodiless));
        }
        if self.unchecked >= CHECKPOINT {
            self.unchecked = 0;
            self.guard.ask_keeper(Chore::Checkpoint);
        }
    }

    /// Copies the log into the database between two groups; the next one finds nothing that
    /// has to stay in the log, and begins it anew. Under load the keeper alone cannot get
    /// there: there is always more in the log than was copied. It has copied all but a little.
    fn copy_log(&mut self, sql: &Sql<'_>) {
        self.uncopied = 0;
        if !self.guard.is_poisoned()
            && let Err(error) = keeper::pages_in_log(sql.connection)
        {
            keeper::note(&self.guard, &error);
        }
    }
}

/// A failure, and whether it came from the commit.
struct Stage {
    failure: Failure,
    commit: bool,
}

fn answer(reply: Reply, result: Result<Done, SpoolError>) {
    // Who asked may have gone; what was written stays written.
    let _ = reply.send(result);
}
