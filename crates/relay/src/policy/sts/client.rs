//! Looking for policies, fetching them, keeping them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join},
    stream::{self, StreamExt},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use waxseal_model::dns::{DnsOutcome, RecordData};
use waxseal_net::{
    egress::Egress,
    memory::{Bounds, Memory},
    resolver::{Lookup, Resolver, Trust},
    sts,
};
use waxseal_store::ledger::{KeptPolicy, Ledger, LedgerError};
use waxseal_wire::{sts as wire, x509::RootStore};

use super::StsState;
use crate::{
    event::{Event, Events, Severity},
    policy::{Clock, dnssec::trust},
};

/// How long a route waits for a policy to be fetched. The fetch itself goes on.
const WAIT: Duration = Duration::from_secs(10);
/// The longest wait for one connection or handshake with a policy host.
const STEP: Duration = Duration::from_secs(15);
/// How long a failed fetch is not repeated under the same `id` (RFC 8461 section 3.3 suggests
/// five minutes or more).
const PAUSE: Duration = Duration::from_secs(300);
/// The same where somebody asks anew because mail waits.
const SHORT_PAUSE: Duration = Duration::from_secs(60);
/// How long a failed refresh is not repeated, in seconds; less for policies of a short life.
const REFRESH_PAUSE: i64 = 3600;
/// A policy fetched so many seconds from now is of another clock.
const AHEAD: i64 = 300;
/// Seconds after which a policy that is over is forgotten.
const FORGET: i64 = 30 * 86_400;
/// Seconds between two notes that the ledger is out of order.
const COMPLAINTS: u64 = 60;
/// Policies fetched at a time for routes, and in the background.
const FETCHES: usize = 20;
const REFRESHES: usize = 4;
/// Rows that are read at a time.
const PAGE: usize = 500;
/// How long what is not known is not asked for again.
const UNKNOWN: Duration = Duration::from_secs(45);
/// Policies and failures in memory.
const BOUNDS: Bounds = Bounds { entries: 10_000, weight: 16 << 20 };
/// How long they stay there.
const REMEMBERED: Duration = Duration::from_secs(6 * 3600);

/// What a client needs.
#[derive(Clone)]
pub struct StsParts {
    /// For TXT records and the addresses of policy hosts.
    pub resolver: Arc<Resolver>,
    /// The way out to policy hosts.
    pub egress: Egress,
    /// Whom certificates of policy hosts are trusted from.
    pub roots: Arc<RootStore>,
    /// Where policies are kept.
    pub ledger: Ledger,
    /// The time.
    pub clock: Clock,
    /// For what an operator has to know.
    pub events: Arc<dyn Events>,
}

/// The client. Clones share one.
#[derive(Clone)]
pub struct StsClient {
    inner: Arc<Inner>,
}

type Fetched = Result<KeptPolicy, String>;
type Fetch = Shared<BoxFuture<'static, Fetched>>;

struct Inner {
    parts: StsParts,
    /// Beside the ledger: policies count even where it cannot be read.
    recent: Mutex<Memory<String, KeptPolicy>>,
    failures: Mutex<Memory<String, Failure>>,
    under_way: Mutex<HashMap<String, Fetch>>,
    fetches: Semaphore,
    complained: AtomicI64,
    validates: AtomicBool,
}

/// A fetch that failed.
#[derive(Debug, Clone)]
struct Failure {
    id: String,
    at: Instant,
    text: String,
}

/// What the TXT record says.
enum Record {
    /// A valid one, with this id.
    Id(String),
    /// None that counts.
    None,
    /// It could not be found out: why.
    Unknown(String),
}

/// A lock whose holder panicked still holds whole values: each is put in at once.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StsClient {
    /// A client that has asked for nothing yet.
    pub fn new(parts: StsParts) -> Self {
        let inner = Inner {
            parts,
            recent: Mutex::new(Memory::new(BOUNDS)),
            failures: Mutex::new(Memory::new(BOUNDS)),
            under_way: Mutex::default(),
            fetches: Semaphore::new(FETCHES),
            complained: AtomicI64::new(i64::MIN),
            validates: AtomicBool::new(true),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether DNSSEC is relied on; it is unless this says otherwise. MTA-STS does without.
    pub fn set_validates(&self, validates: bool) {
        self.inner.validates.store(validates, Ordering::Relaxed);
    }

    /// The policy that counts for a domain (lower case, A-labels). Waits for a policy host for
    /// at most ten seconds. `anew`: mail waits, and whether the policy changed is to be seen:
    /// the record is asked for again, and a failed fetch repeated if it is a minute old.
    pub async fn state(&self, domain: &str, anew: bool) -> StsState {
        let name = format!("_mta-sts.{domain}");
        if anew {
            self.inner.parts.resolver.forget([name.as_str()]);
        }
        let ((record, until), kept) = join(self.record(&name), self.kept(domain)).await;
        let kept = kept.filter(|kept| self.now() < kept.expires_at);
        let id = match record {
            Record::Id(id) => id,
            // Whatever became of the record: what is kept counts (RFC 8461 section 5.1).
            Record::None => return self.standing(kept, None, None, until),
            Record::Unknown(why) => {
                let state = self.standing(kept, None, None, until);
                return StsState { doubt: Some(why), ..state };
            }
        };
        if let Some(kept) = kept.clone().filter(|kept| kept.policy.id == id) {
            if self.is_due(&kept) {
                drop(self.fetch(domain, &id));
            }
            let failure = kept.failure.clone();
            return self.standing(Some(kept), Some(id), failure, until);
        }
        let pause = if anew { SHORT_PAUSE } else { PAUSE };
        if let Some(failure) = self.recent_failure(domain, &id, pause) {
            return self.standing(kept, Some(id), Some(failure), until);
        }
        match timeout(WAIT, self.fetch(domain, &id)).await {
            // In force at least for this once: its life may be over within the second.
            Ok(Ok(fetched)) => self.standing(Some(fetched), Some(id), None, until),
            Ok(Err(text)) => self.standing(kept, Some(id), Some(text), until),
            Err(_) => {
                let text = format!("the policy host did not answer within {} seconds", WAIT.as_secs());
                self.standing(kept, Some(id), Some(text), until.min(Instant::now() + UNKNOWN))
            }
        }
    }

    fn standing(
        &self,
        kept: Option<KeptPolicy>,
        record: Option<String>,
        failure: Option<String>,
        until: Instant,
    ) -> StsState {
        let mut until = until;
        if let Some(kept) = &kept {
            let left = u64::try_from(kept.expires_at.saturating_sub(self.now())).unwrap_or(0);
            until = until.min(Instant::now() + Duration::from_secs(left));
        }
        if failure.is_some() {
            until = until.min(Instant::now() + PAUSE);
        }
        StsState { kept, record, failure, doubt: None, until }
    }

    /// The TXT record of a name, and until when that counts.
    async fn record(&self, name: &str) -> (Record, Instant) {
        let lookup = self.inner.parts.resolver.resolve(name, "TXT").await;
        let record = match (self.trust(&lookup), lookup.answer.outcome) {
            (Trust::Bogus | Trust::Failed, _) => Record::Unknown(lookup.answer.reason.clone()),
            (_, DnsOutcome::Records) => {
                let texts: Vec<String> = lookup
                    .answer
                    .records
                    .iter()
                    .filter_map(|record| match &record.data {
                        RecordData::Txt { text } => Some(text.clone()),
                        _ => None,
                    })
                    .collect();
                wire::record::select(&texts).record.map_or(Record::None, |record| Record::Id(record.id))
            }
            _ => Record::None,
        };
        (record, lookup.until)
    }

    /// The policy that is kept for a domain, over or not.
    async fn kept(&self, domain: &str) -> Option<KeptPolicy> {
        if let Some(kept) = lock(&self.inner.recent).get(domain) {
            return Some(kept.clone());
        }
        match self.inner.parts.ledger.get_policy(domain).await {
            Ok(Some(kept)) => {
                self.remember(&kept);
                Some(kept)
            }
            Ok(None) => None,
            Err(error) => {
                self.complain(&error);
                None
            }
        }
    }

    fn remember(&self, kept: &KeptPolicy) {
        let weight = 500 + kept.policy.mx.iter().map(|mx| mx.len() + 50).sum::<usize>();
        let until = Instant::now() + REMEMBERED;
        lock(&self.inner.recent).insert(kept.domain.clone(), kept.clone(), until, weight);
    }

    async fn keep(&self, kept: KeptPolicy) {
        self.remember(&kept);
        if let Err(error) = self.inner.parts.ledger.put_policy(kept).await {
            self.complain(&error);
        }
    }

    fn complain(&self, error: &LedgerError) {
        let now = self.now();
        let last = self.inner.complained.load(Ordering::Relaxed);
        if now.saturating_sub(last).unsigned_abs() < COMPLAINTS {
            return;
        }
        self.inner.complained.store(now, Ordering::Relaxed);
        let text = format!("MTA-STS policies are not kept over a restart: {error}");
        let note = Event::Note { severity: Severity::Error, token: "sts.ledger", text: &text };
        self.inner.parts.events.emit(now, &note);
    }

    fn trust(&self, lookup: &Lookup) -> Trust {
        trust(lookup, self.inner.validates.load(Ordering::Relaxed))
    }

    fn now(&self) -> i64 {
        (self.inner.parts.clock)()
    }

    /// Whether a policy is to be fetched anew although it still counts.
    fn is_due(&self, kept: &KeptPolicy) -> bool {
        let now = self.now();
        let life = i64::from(kept.policy.max_age);
        let half_over = kept.expires_at.saturating_sub(now) < life / 2;
        let pause = if kept.failure.is_some() { REFRESH_PAUSE.min(life / 8) } else { 0 };
        // A clock that was ahead made it live too long.
        let ahead = kept.fetched_at > now.saturating_add(AHEAD);
        ahead || (half_over && now >= kept.last_checked.saturating_add(pause))
    }

    fn recent_failure(&self, domain: &str, id: &str, pause: Duration) -> Option<String> {
        let mut failures = lock(&self.inner.failures);
        let failure = failures.get(domain)?;
        (failure.id == id && failure.at.elapsed() < pause).then(|| failure.text.clone())
    }

    /// Fetches the policy of a domain, once however many ask for it, and keeps it. Goes on
    /// when nobody waits any more.
    fn fetch(&self, domain: &str, id: &str) -> Fetch {
        let mut under_way = lock(&self.inner.under_way);
        if let Some(fetch) = under_way.get(domain).filter(|fetch| fetch.peek().is_none()) {
            return fetch.clone();
        }
        let (client, domain, id) = (self.clone(), domain.to_owned(), id.to_owned());
        let key = domain.clone();
        let task = tokio::spawn(async move {
            let fetched = client.fetch_and_keep(&domain, &id).await;
            lock(&client.inner.under_way).remove(&domain);
            fetched
        });
        let ended = async { task.await.unwrap_or_else(|_| Err("the relay is stopping".to_owned())) };
        let fetch = ended.boxed().shared();
        under_way.insert(key, fetch.clone());
        fetch
    }

    async fn fetch_and_keep(&self, domain: &str, id: &str) -> Fetched {
        // Never closed, so that this always comes.
        let _permit = self.inner.fetches.acquire().await;
        let fetched = self.fetch_file(domain, id).await;
        let now = self.now();
        match &fetched {
            Ok(kept) => {
                lock(&self.inner.failures).remove(domain);
                self.keep(kept.clone()).await;
            }
            Err(text) => {
                let failure = Failure { id: id.to_owned(), at: Instant::now(), text: text.clone() };
                let until = Instant::now() + PAUSE;
                lock(&self.inner.failures).insert(domain.to_owned(), failure, until, 500);
                if let Some(kept) = self.kept(domain).await {
                    self.keep(KeptPolicy { last_checked: now, failure: Some(text.clone()), ..kept }).await;
                }
            }
        }
        fetched
    }

    /// Asks the policy host; the error is a sentence.
    async fn fetch_file(&self, domain: &str, id: &str) -> Fetched {
        let StsParts { resolver, egress, roots, .. } = &self.inner.parts;
        let host = sts::host_of(domain);
        let addresses = self.addresses(resolver, &host).await?;
        let exchange = sts::get(egress, Ok(roots), &host, &addresses, STEP, sts::PATIENCE).await;
        let body = match &exchange.result {
            Ok(response) => sts::file(response, &host, sts::PATIENCE),
            Err(error) => Err(sts::no_answer(error, sts::PATIENCE)),
        };
        let body = body.map_err(|no| no.text().to_owned())?;
        let parsed = wire::policy::parse(&body, id);
        let Some(policy) = parsed.value else {
            return Err(format!("the policy file of {host} cannot be used: {}", parsed.errors.join("; ")));
        };
        let now = self.now();
        Ok(KeptPolicy {
            domain: domain.to_owned(),
            fetched_at: now,
            expires_at: now.saturating_add(i64::from(policy.max_age)),
            last_checked: now,
            failure: None,
            policy,
        })
    }

    /// One round in the background: fetches anew what is half over, and forgets what is long
    /// over. Ends when all of that is done.
    pub async fn refresh(&self) {
        let ledger = &self.inner.parts.ledger;
        let mut after = None;
        loop {
            let page = match ledger.list_policies(after.take(), PAGE).await {
                Ok(page) => page,
                Err(error) => return self.complain(&error),
            };
            let more = page.len() == PAGE;
            after = page.last().map(|kept| kept.domain.clone());
            let now = self.now();
            let due = page.into_iter().filter(|kept| now < kept.expires_at && self.is_due(kept));
            stream::iter(due).for_each_concurrent(REFRESHES, |kept| self.refresh_one(kept)).await;
            if !more {
                break;
            }
        }
        if let Err(error) = ledger.forget_policies(self.now().saturating_sub(FORGET)).await {
            self.complain(&error);
        }
    }

    /// A policy whose record is gone is left to end.
    async fn refresh_one(&self, kept: KeptPolicy) {
        if let (Record::Id(id), _) = self.record(&format!("_mta-sts.{}", kept.domain)).await {
            // What came of it is kept with the policy.
            let _ = self.fetch(&kept.domain, &id).await;
        }
    }

    /// Policies in the order of their domains, beginning after `after`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn list(&self, after: Option<String>, limit: usize) -> Result<Vec<KeptPolicy>, LedgerError> {
        self.inner.parts.ledger.list_policies(after, limit).await
    }

    /// Forgets the policy of a domain, so that it is fetched anew with the next mail. Says
    /// whether there was one. Until then the domain has the protection of a domain that is
    /// seen for the first time.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing was forgotten.
    pub async fn purge(&self, domain: &str) -> Result<bool, LedgerError> {
        let known = self.inner.parts.ledger.remove_policy(domain).await?;
        lock(&self.inner.recent).remove(domain);
        lock(&self.inner.failures).remove(domain);
        self.inner.parts.resolver.forget([format!("_mta-sts.{domain}").as_str()]);
        Ok(known)
    }

    /// Usable addresses of a policy host; the error is a sentence.
    async fn addresses(&self, resolver: &Resolver, host: &str) -> Result<Vec<IpAddr>, String> {
        let (v6, v4) = join(resolver.resolve(host, "AAAA"), resolver.resolve(host, "A")).await;
        let (good, bad): (Vec<&Lookup>, Vec<&Lookup>) =
            [&v4, &v6].into_iter().partition(|l| matches!(self.trust(l), Trust::Secure | Trust::Insecure));
        let addresses: Vec<IpAddr> = good.iter().flat_map(|lookup| lookup.answer.addresses()).collect();
        match bad.first() {
            _ if !addresses.is_empty() => Ok(addresses),
            Some(bad) => Err(format!("the address of {host} could not be looked up: {}", bad.answer.reason)),
            None => Err(format!("{host} has no address")),
        }
    }
}
