//! The ledger: what the relay learnt of other domains and has to know after a restart.
//!
//! - [MTA-STS policies](KeptPolicy), so that a restart forgets none: a cache in memory alone
//!   would open the door to a downgrade (RFC 8461 section 10.2).
//! - [Tallies](Tally) of TLS sessions for TLS-RPT (RFC 8460), and which reports were sent.
//!
//! It is a file of its own beside the queue, written with less care: after a crash of the
//! machine the last seconds may be missing, but the file is whole.
//!
//! All work is done by one thread. The `async` functions wait for its answer and block
//! nothing; [`Ledger::note`] only counts in memory, and the thread writes what was counted
//! every few seconds and when the ledger is closed.
//!
//! A time is seconds since 1970-01-01 UTC, a day is such a time divided by 86400; both are
//! handed in.

mod error;
mod policies;
mod tallies;
#[cfg(test)]
mod tests;
mod work;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use waxseal_model::policy::StsPolicy;

pub use error::LedgerError;
use tallies::Counted;
use work::{Job, Worker};

/// Bounds of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerSettings {
    /// How many policies are kept. Beyond it go those that were not checked for the longest
    /// time.
    pub policies: usize,
    /// How many rows of tallies are kept for one day; sessions beyond it are not counted.
    pub rows_of_a_day: usize,
    /// How many different failures are kept for one domain, day and policy; further ones are
    /// counted together, as [`Tally::OTHERS`].
    pub failures_of_a_policy: usize,
    /// How long counted sessions stay in memory alone.
    pub write_after: Duration,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            policies: 100_000,
            rows_of_a_day: 200_000,
            failures_of_a_policy: 100,
            write_after: Duration::from_secs(5),
        }
    }
}

/// An MTA-STS policy as it was fetched, and what became of later looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPolicy {
    /// The policy domain, lower case, A-labels.
    pub domain: String,
    /// The policy with the `id` of its TXT record.
    pub policy: StsPolicy,
    /// When it was fetched.
    pub fetched_at: i64,
    /// Until when it holds: `fetched_at` and its `max_age`.
    pub expires_at: i64,
    /// When the TXT record or the file was last looked at, with success or not.
    pub last_checked: i64,
    /// Why the last look failed, where it did: one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How many TLS sessions with the hosts of a domain ended alike on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tally {
    /// The recipient domain.
    pub domain: String,
    /// The policy in the words of who counted: JSON.
    pub policy: String,
    /// The failure in the words of who counted (JSON); none for sessions without one.
    /// [`Tally::OTHERS`] for all that were too many to be kept apart.
    pub failure: Option<String>,
    /// Sessions.
    pub count: u64,
}

impl Tally {
    /// Stands for failures that were too many to be kept apart.
    pub const OTHERS: &'static str = "others";
}

/// The ledger. Clones share one; when the last is dropped, what was counted is written, for
/// which dropping waits. [`Ledger::close`] does the same without blocking.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Sender<Job>,
    counted: Arc<Mutex<Counted>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A lock whose holder panicked still holds whole counts: each is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// Opens the file, or makes one. Blocks.
    ///
    /// # Errors
    /// Another process has it open, it is damaged or of a newer version, the disk gives an
    /// error. Nothing in it was changed.
    pub fn open(file: &Path, settings: LedgerSettings) -> Result<Self, LedgerError> {
        let counted = Arc::new(Mutex::new(Counted::default()));
        let (jobs, inbox) = mpsc::channel();
        let worker = Worker::open(file, settings, Arc::clone(&counted))?;
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || worker.run(&inbox))
            .map_err(|error| LedgerError::Io { detail: format!("no thread: {error}") })?;
        Ok(Self { inner: Arc::new(Inner { jobs, counted, thread: Mutex::new(Some(thread)) }) })
    }

    /// The policy kept for a domain, expired or not.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn get_policy(&self, domain: &str) -> Result<Option<KeptPolicy>, LedgerError> {
        let domain = domain.to_owned();
        self.ask(move |worker| policies::get(&worker.connection, &domain)).await
    }

    /// Keeps a policy, in place of what was kept for its domain.
    ///
    /// # Errors
    /// Not kept: no room, or the file cannot be written.
    pub async fn put_policy(&self, policy: KeptPolicy) -> Result<(), LedgerError> {
        self.ask(move |worker| policies::put(&mut worker.connection, &policy, worker.settings.policies)).await
    }

    /// Policies in the order of their domains, beginning after `after`, `limit` at most.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn list_policies(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<KeptPolicy>, LedgerError> {
        self.ask(move |worker| policies::list(&worker.connection, after.as_deref(), limit)).await
    }

    /// Forgets the policy of a domain. Says whether there was one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn remove_policy(&self, domain: &str) -> Result<bool, LedgerError> {
        let domain = domain.to_owned();
        self.ask(move |worker| policies::remove(&worker.connection, &domain)).await
    }

    /// Forgets policies that expired before this time. Returns how many.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn forget_policies(&self, expired_before: i64) -> Result<u64, LedgerError> {
        self.ask(move |worker| policies::forget(&worker.connection, expired_before)).await
    }

    /// Counts sessions with the hosts of a domain. `policy` and `failure` are texts that come
    /// back as they are; none means success. Never waits for the disk.
    pub fn note(&self, day: i64, domain: &str, policy: &str, failure: Option<&str>, count: u64) {
        let first = lock(&self.inner.counted).add(day, domain, policy, failure, count);
        if first {
            // A thread that ended takes nothing more; what was counted since is lost, as the
            // caller was told by `close`.
            let _ = self.inner.jobs.send(Job::Counted);
        }
    }

    /// Days with tallies of domains to which no report was sent yet, earliest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn days(&self) -> Result<Vec<i64>, LedgerError> {
        self.ask(|worker| {
            worker.write_counted()?;
            tallies::days(&worker.connection)
        })
        .await
    }

    /// The tallies of a day, of domains to which no report was sent for it yet, ordered by
    /// domain, policy, failure. They stay until [`Ledger::sent`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn take(&self, day: i64) -> Result<Vec<Tally>, LedgerError> {
        self.ask(move |worker| {
            worker.write_counted()?;
            tallies::of_day(&worker.connection, day)
        })
        .await
    }

    /// Remembers that the report of a day went to a domain, and forgets its tallies, in one
    /// transaction that is flushed. False if it was sent before. What is counted for this
    /// day and domain later is not kept.
    ///
    /// Said before the report is put into the queue, a crash between the two loses it; said
    /// after, a crash makes a second one, which is to bear the same report id.
    ///
    /// # Errors
    /// Not remembered.
    pub async fn sent(&self, day: i64, domain: &str) -> Result<bool, LedgerError> {
        let domain = domain.to_owned();
        self.ask(move |worker| {
            worker.write_counted()?;
            tallies::sent(&mut worker.connection, day, &domain)
        })
        .await
    }

    /// Forgets all about days before this one, sent or not. Returns how many rows of tallies
    /// went.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn forget_days(&self, before: i64) -> Result<u64, LedgerError> {
        self.ask(move |worker| {
            worker.write_counted()?;
            tallies::forget(&mut worker.connection, before)
        })
        .await
    }

    /// Writes what was counted and closes the file. Everything after that is refused.
    ///
    /// # Errors
    /// What was counted could not be written.
    pub async fn close(&self) -> Result<(), LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.inner.jobs.send(Job::Close(Some(reply))).map_err(|_| LedgerError::Closed)?;
        answer.await.unwrap_or(Err(LedgerError::Closed))
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Worker) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Ask(Box::new(move |worker| {
            // Who asked may have gone; the work was done all the same.
            let _ = reply.send(question(worker));
        }));
        self.inner.jobs.send(job).map_err(|_| LedgerError::Closed)?;
        answer.await.unwrap_or(Err(LedgerError::Closed))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.jobs.send(Job::Close(None));
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}
