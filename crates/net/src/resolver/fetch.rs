//! Questions to the configured servers: retries, the next server when one fails, and
//! every answer remembered, so that no question is put twice.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::base::iana::Rtype;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::message::{DomainName, Response};
use super::transport::{TransportError, exchange};
use crate::memory::{Bounds, Memory};

/// Rounds through the list of servers before a question is given up.
const ROUNDS: usize = 3;
/// Longest wait for one answer of one server.
const MAX_ATTEMPT: Duration = Duration::from_secs(2);
/// What the one who asks gets beyond the deadline to put the outcome on record.
const GRACE: Duration = Duration::from_millis(50);
/// An answer is kept at least this long: for one run, whatever its time to live says.
const MIN_KEPT: Duration = Duration::from_secs(60);
/// An answer is kept at most this long.
const MAX_KEPT: Duration = Duration::from_secs(3600);
/// Answers kept.
const BOUNDS: Bounds = Bounds { entries: 20_000, weight: 64 << 20 };
/// What an answer weighs beside its octets, in bytes; the values read from it take some four
/// times as much as the octets.
const OVERHEAD: usize = 500;
/// Questions under way at a time: each takes a socket.
const MAX_UNDER_WAY: usize = 200;

const SERVFAIL: u16 = 2;
const REFUSED: u16 = 5;
const NOTIMP: u16 = 4;
const FORMERR: u16 = 1;

/// An answer and where it came from.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) server: SocketAddr,
    pub(crate) response: Response,
    /// Until when it counts.
    pub(crate) until: Instant,
    /// Octets of the message.
    size: usize,
}

/// Why there is no answer to read.
#[derive(Debug, Clone)]
pub(crate) enum FetchError {
    /// No server answered.
    NoAnswer {
        /// All servers and what each did.
        text: String,
        /// Whether one of them answers other questions, so that this one is the matter.
        others_answered: bool,
    },
    /// An answer came that is not sound DNS.
    Malformed(String),
}

type Outcome = Result<Arc<Fetched>, FetchError>;

/// One question and its answer, once it is there.
#[derive(Debug)]
struct Slot {
    answer: OnceCell<Outcome>,
}

/// Until when an answer that comes now counts.
fn until(response: &Response) -> Instant {
    let ttl = response.ttl().map_or(MIN_KEPT, |ttl| Duration::from_secs(ttl.into()));
    Instant::now() + ttl.clamp(MIN_KEPT, MAX_KEPT)
}

/// The servers and the memory of what they said.
#[derive(Debug)]
pub(crate) struct Fetcher {
    servers: Vec<SocketAddr>,
    timeout: Duration,
    /// Position of the server that answered last: asked first next time.
    preferred: AtomicUsize,
    /// Whether any server has ever answered anything.
    alive: AtomicBool,
    slots: Mutex<Memory<(DomainName, Rtype), Arc<Slot>>>,
    under_way: Semaphore,
}

impl Fetcher {
    pub(crate) fn new(servers: Vec<SocketAddr>, timeout: Duration) -> Self {
        Self {
            servers,
            timeout,
            preferred: AtomicUsize::new(0),
            alive: AtomicBool::new(false),
            slots: Mutex::new(Memory::new(BOUNDS)),
            under_way: Semaphore::new(MAX_UNDER_WAY),
        }
    }

    /// The answer to a question, from memory if it was put before.
    ///
    /// Concurrent callers with the same question share one query. `deadline` ends the
    /// attempts of the caller who puts it; a failure that is due to the caller's lack of
    /// time is not remembered.
    pub(crate) async fn fetch(&self, name: &DomainName, rtype: Rtype, deadline: Instant) -> Outcome {
        let slot = self.slot(name, rtype);
        let asking = slot.answer.get_or_try_init(|| async {
            let outcome = self.ask(name, rtype, deadline).await?;
            self.settle(name, rtype, &slot, &outcome);
            Ok(outcome)
        });
        match timeout_at(deadline + GRACE, asking).await {
            Ok(Ok(outcome)) => outcome.clone(),
            Ok(Err(hurried)) => Err(hurried),
            Err(_) => Err(self.no_answer(&[])),
        }
    }

    /// The answer in memory, or a place for it. A place without an answer is kept as long as
    /// a failure: no question takes longer.
    fn slot(&self, name: &DomainName, rtype: Rtype) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.clone(), rtype);
        if let Some(slot) = slots.get(&key) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot { answer: OnceCell::new() });
        slots.insert(key, Arc::clone(&slot), Instant::now() + MIN_KEPT, OVERHEAD);
        slot
    }

    fn settle(&self, name: &DomainName, rtype: Rtype, slot: &Arc<Slot>, outcome: &Outcome) {
        let (until, octets) = match outcome {
            Ok(fetched) => (fetched.until, 4 * fetched.size),
            Err(_) => (Instant::now() + MIN_KEPT, 0),
        };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.settle(&(name.clone(), rtype), until, OVERHEAD + octets, |held| Arc::ptr_eq(held, slot));
    }

    pub(crate) fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Ends an answer in memory at this time, unless it ends earlier.
    pub(crate) fn shorten(&self, name: &DomainName, rtype: Rtype, until: Instant) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.shorten(&(name.clone(), rtype), until);
    }

    /// Forgets all answers about the names that are meant.
    pub(crate) fn forget(&self, is_meant: impl Fn(&DomainName) -> bool) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|(owner, _), _| !is_meant(owner));
    }

    /// How many answers are in memory, and about how many bytes they take.
    pub(crate) fn remembered(&self) -> (usize, usize) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        (slots.len(), slots.weight())
    }

    /// Asks the servers in turn. An error code is kept as the answer unless another
    /// server does better. `Err` if the deadline left too little time to judge by.
    async fn ask(&self, name: &DomainName, rtype: Rtype, deadline: Instant) -> Result<Outcome, FetchError> {
        let remaining = || deadline.saturating_duration_since(Instant::now());
        let hurried = remaining() < self.attempt();
        let mut failures: Vec<Option<TransportError>> = vec![None; self.servers.len()];
        let mut refusal: Option<Outcome> = None;
        let first = self.preferred.load(Ordering::Relaxed);
        for round in 0..ROUNDS {
            for offset in 0..self.servers.len() {
                let position = (first + offset) % self.servers.len();
                let Some(server) = self.servers.get(position).copied() else { continue };
                let wait = self.attempt().min(remaining());
                let probe = self.probe(server, round, wait);
                let (answer, ()) = tokio::join!(self.ask_one(server, name, rtype, wait), probe);
                match answer {
                    Ok(Ok(fetched)) if !is_refusal(fetched.response.rcode) => {
                        self.preferred.store(position, Ordering::Relaxed);
                        return Ok(Ok(fetched));
                    }
                    Ok(outcome) => {
                        refusal.get_or_insert(outcome);
                    }
                    Err(failure) => {
                        if let Some(slot) = failures.get_mut(position) {
                            *slot = Some(failure);
                        }
                    }
                }
            }
            // A code or an unreadable answer will not change by asking again at once, nor
            // will a closed port; silence may.
            let silence = failures.iter().any(|f| matches!(f, Some(TransportError::Timeout)));
            if refusal.is_some() || !silence || remaining().is_zero() {
                break;
            }
        }
        match refusal {
            Some(outcome) => Ok(outcome),
            None if hurried => Err(self.no_answer(&failures)),
            None => Ok(Err(self.no_answer(&failures))),
        }
    }

    /// While a question is repeated to a server that has never said a word: does it
    /// answer any question? Every recursive server can name the root's servers.
    async fn probe(&self, server: SocketAddr, round: usize, wait: Duration) {
        if round == 0 || self.alive.load(Ordering::Relaxed) {
            return;
        }
        let _permit = self.under_way.acquire().await;
        if exchange(server, &DomainName::root_bytes(), Rtype::NS, wait).await.is_ok() {
            self.alive.store(true, Ordering::Relaxed);
        }
    }

    async fn ask_one(
        &self,
        server: SocketAddr,
        name: &DomainName,
        rtype: Rtype,
        wait: Duration,
    ) -> Result<Outcome, TransportError> {
        // Never closed, so that this always comes.
        let _permit = self.under_way.acquire().await;
        let message = exchange(server, name, rtype, wait).await?;
        let size = message.len();
        self.alive.store(true, Ordering::Relaxed);
        Ok(match Response::parse(message) {
            Ok(response) => Ok(Arc::new(Fetched { server, until: until(&response), response, size })),
            Err(error) => {
                Err(FetchError::Malformed(format!("{server} sent an answer that cannot be read: {error}")))
            }
        })
    }

    /// How long one server may take for one answer.
    fn attempt(&self) -> Duration {
        let servers = u32::try_from(self.servers.len()).unwrap_or(1).max(1);
        (self.timeout / (2 * servers)).min(MAX_ATTEMPT)
    }

    fn no_answer(&self, failures: &[Option<TransportError>]) -> FetchError {
        let each: Vec<String> = self
            .servers
            .iter()
            .enumerate()
            .map(|(position, server)| {
                let failure = failures.get(position).and_then(Option::as_ref);
                format!("{server} {}", failure.unwrap_or(&TransportError::Timeout).text())
            })
            .collect();
        FetchError::NoAnswer { text: each.join("; "), others_answered: self.alive.load(Ordering::Relaxed) }
    }
}

/// Codes that speak of the server rather than of the name.
fn is_refusal(rcode: u16) -> bool {
    matches!(rcode, SERVFAIL | REFUSED | NOTIMP | FORMERR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> DomainName {
        DomainName::bytes_from_str(&format!("n{number}.test.")).unwrap()
    }

    fn fetched(size: usize, until: Instant) -> Outcome {
        let response = Response { rcode: 0, extended_error: None, answer: Vec::new(), authority: Vec::new() };
        Ok(Arc::new(Fetched { server: ([127, 0, 0, 1], 53).into(), response, until, size }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_life_takes_no_more_memory_than_a_short_one() {
        let fetcher = Fetcher::new(Vec::new(), Duration::from_secs(1));
        let largest = usize::from(u16::MAX);
        for number in 0..3 * BOUNDS.entries {
            let slot = fetcher.slot(&name(number), Rtype::TXT);
            // Some answers are as large as answers get.
            let size = if number.is_multiple_of(7) { largest } else { 200 };
            let outcome = fetched(size, Instant::now() + MAX_KEPT);
            fetcher.settle(&name(number), Rtype::TXT, &slot, &outcome);
            let (entries, bytes) = fetcher.remembered();
            assert!(entries <= BOUNDS.entries && bytes <= BOUNDS.weight, "{entries} {bytes}");
        }
        tokio::time::advance(MAX_KEPT).await;
        fetcher.slot(&name(0), Rtype::A);
        assert_eq!(fetcher.remembered(), (1, OVERHEAD), "what has expired goes by itself");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_not_believed_for_long() {
        let fetcher = Fetcher::new(Vec::new(), Duration::from_secs(1));
        let slot = fetcher.slot(&name(1), Rtype::A);
        let failure = Err(FetchError::Malformed("nonsense".into()));
        slot.answer.set(failure.clone()).unwrap();
        fetcher.settle(&name(1), Rtype::A, &slot, &failure);
        assert!(fetcher.slot(&name(1), Rtype::A).answer.get().is_some());
        tokio::time::advance(MIN_KEPT).await;
        assert!(fetcher.slot(&name(1), Rtype::A).answer.get().is_none(), "it is asked anew");
    }
}
