//! The router: from a domain to its route, remembered for as long as the answers count.
//!
//! What is asked for one domain is asked once, however many messages wait for it: MX records
//! and the MTA-STS policy at a time, then the addresses of all hosts, then their TLSA records.
//! A route counts for the least time to live of all that led to it, at least half a minute and
//! at most an hour; one in which something could not be found out, half a minute to a minute.
//! Rules are applied afterwards: senders with different rules share the answers.

use std::{
    borrow::Cow,
    future::{Future, ready},
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::join;
use tokio::{
    sync::{OnceCell, Semaphore},
    time::{Instant, sleep},
};
use waxseal_net::{
    memory::{Bounds, Memory},
    resolver::Resolver,
};
use waxseal_store::ledger::{KeptPolicy, LedgerError};
use waxseal_wire::target::name_to_ascii;

use super::{
    Clock,
    assembly::{Destination, Known, Routes, assemble},
    dnssec::{Dnssec, DnssecState},
    explain::{self, Explanation},
    names::{Asker, Own},
    order::Dice,
    rules::Rules,
    sts::{StsClient, StsState},
};
use crate::{
    config::sections,
    event::Events,
    route::{Route, Router},
};

/// The least and the most time that a route counts.
const LEAST: Duration = Duration::from_secs(30);
const MOST: Duration = Duration::from_secs(3600);
/// The most for one in which something could not be found out: as long as the resolver
/// remembers its failures, so that it is then asked again.
const FAILED: Duration = Duration::from_secs(61);
/// Routes looked up at a time.
const AT_A_TIME: usize = 400;
/// Destinations in memory, and about how many bytes they take.
const BOUNDS: Bounds = Bounds { entries: 20_000, weight: 64 << 20 };
/// What a destination weighs that is being looked up.
const OVERHEAD: usize = 1000;
/// How long a lookup may be under way before others start their own.
const UNDER_WAY: Duration = Duration::from_secs(120);
/// Between two rounds through the policies that are kept.
const ROUND: Duration = Duration::from_secs(900);
/// Before the first of them: the start has enough to do.
const FIRST_ROUND: Duration = Duration::from_secs(60);

/// What a router needs.
#[derive(Clone)]
pub struct RouterParts {
    /// For names.
    pub resolver: Arc<Resolver>,
    /// For MTA-STS policies.
    pub sts: StsClient,
    /// For what an operator has to know.
    pub events: Arc<dyn Events>,
    /// The time.
    pub clock: Clock,
    /// The operator's rules.
    pub rules: Rules,
    /// This relay.
    pub own: Own,
    /// The port of MX hosts.
    pub port: u16,
    /// Whether DNSSEC is relied on.
    pub dnssec: sections::Dnssec,
}

/// The router. Clones share one.
#[derive(Clone)]
pub struct PolicyRouter {
    inner: Arc<Inner>,
}

struct Inner {
    resolver: Arc<Resolver>,
    sts: StsClient,
    own: Own,
    port: u16,
    dnssec: Dnssec,
    rules: RwLock<Arc<Rules>>,
    entries: Mutex<Memory<String, Arc<Entry>>>,
    looking: Semaphore,
    dice: Mutex<Dice>,
}

/// A domain, once it was looked up.
struct Entry {
    /// The rules that were in force: others lead elsewhere.
    rules: Arc<Rules>,
    known: OnceCell<Arc<Known>>,
    routes: Mutex<Vec<Routes>>,
}

/// A lock whose holder panicked still holds whole values: each is put in at once.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PolicyRouter {
    /// A router, after a test whether DNSSEC can be relied on.
    pub async fn start(parts: RouterParts) -> Self {
        let RouterParts { resolver, sts, events, clock, rules, own, port, dnssec } = parts;
        let dnssec = Dnssec::new(dnssec, Arc::clone(&resolver), events, clock);
        let inner = Inner {
            resolver,
            sts,
            own,
            port,
            dnssec,
            rules: RwLock::new(Arc::new(rules)),
            entries: Mutex::new(Memory::new(BOUNDS)),
            looking: Semaphore::new(AT_A_TIME),
            dice: Mutex::new(Dice::new()),
        };
        let router = Self { inner: Arc::new(inner) };
        router.test_dnssec().await;
        router
    }

    /// Tests whether DNSSEC can be relied on, as it is tested from time to time anyway.
    pub async fn test_dnssec(&self) {
        if self.inner.dnssec.test().await {
            self.forget_all();
        }
        self.inner.sts.set_validates(self.dnssec().is_used());
    }

    /// What goes on in the background: DNSSEC is tested again, MTA-STS policies are fetched
    /// before they end. Never ends.
    pub async fn maintain(&self) {
        let dnssec = async {
            loop {
                sleep(self.inner.dnssec.pause()).await;
                self.test_dnssec().await;
            }
        };
        let policies = async {
            sleep(FIRST_ROUND).await;
            loop {
                self.inner.sts.refresh().await;
                sleep(ROUND).await;
            }
        };
        let ((), ()) = join(dnssec, policies).await;
    }

    /// Other rules from now on.
    pub fn set_rules(&self, rules: Rules) {
        *self.inner.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        self.forget_all();
    }

    /// Whether DNSSEC is relied on at the moment.
    pub fn dnssec(&self) -> DnssecState {
        self.inner.dnssec.state()
    }

    /// Hosts, facts and requirements for a domain, and what they come from.
    pub async fn explain(&self, domain: &str, sender: &str) -> Explanation {
        let domain = canonical(domain);
        let (entry, known) = self.known(&domain, false).await;
        let class = entry.rules.sender_class(sender);
        let route = self.build(&entry, &known, &domain, &class);
        explain::explain(&route, &known, sender, &self.dnssec())
    }

    /// MTA-STS policies that are kept, in the order of their domains, beginning after `after`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn policies(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<KeptPolicy>, LedgerError> {
        self.inner.sts.list(after, limit).await
    }

    /// Forgets all that is known of a domain, its MTA-STS policy among it. Says whether there
    /// was such a policy.
    ///
    /// # Errors
    /// The ledger cannot be written: the policy still counts.
    pub async fn purge(&self, domain: &str) -> Result<bool, LedgerError> {
        let domain = canonical(domain);
        self.inner.resolver.forget([&*domain]);
        let known = self.inner.sts.purge(&domain).await;
        lock(&self.inner.entries).retain(|name, entry| {
            let policy = entry.known.get().and_then(|known| known.destination.policy_domain());
            *name != *domain && policy != Some(&*domain)
        });
        known
    }

    /// Domains in memory, and about how many bytes they take.
    pub fn remembered(&self) -> (usize, usize) {
        let entries = lock(&self.inner.entries);
        (entries.len(), entries.weight())
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.inner.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget_all(&self) {
        lock(&self.inner.entries).retain(|_, _| false);
    }

    /// The route from memory, where it was looked up and is still good.
    fn remembered_route(&self, domain: &str, sender: &str) -> Option<Arc<Route>> {
        let rules = self.rules();
        let entry = Arc::clone(lock(&self.inner.entries).get(domain)?);
        if !Arc::ptr_eq(&entry.rules, &rules) || entry.known.get().is_none() {
            return None;
        }
        let class = rules.sender_class(sender);
        let routes = lock(&entry.routes);
        Some(routes.iter().find(|routes| routes.class == class)?.next())
    }

    /// What is known of a domain: from memory, or looked up now, once for all who wait.
    async fn known(&self, domain: &str, anew: bool) -> (Arc<Entry>, Arc<Known>) {
        let entry = self.entry(domain, anew);
        let look = || async {
            let known = self.look_up(domain, &entry.rules, anew).await;
            let weight = OVERHEAD + known.weight();
            let is_it = |held: &Arc<Entry>| Arc::ptr_eq(held, &entry);
            lock(&self.inner.entries).settle(domain, known.until, weight, is_it);
            Arc::new(known)
        };
        let known = Arc::clone(entry.known.get_or_init(look).await);
        (entry, known)
    }

    fn entry(&self, domain: &str, anew: bool) -> Arc<Entry> {
        let rules = self.rules();
        let mut entries = lock(&self.inner.entries);
        if let Some(entry) = entries.get(domain).filter(|entry| !anew && Arc::ptr_eq(&entry.rules, &rules)) {
            return Arc::clone(entry);
        }
        let entry = Arc::new(Entry { rules, known: OnceCell::new(), routes: Mutex::default() });
        entries.insert(domain.to_owned(), Arc::clone(&entry), Instant::now() + UNDER_WAY, OVERHEAD);
        entry
    }

    async fn look_up(&self, domain: &str, rules: &Rules, anew: bool) -> Known {
        // Never closed, so that this always comes.
        let _permit = self.inner.looking.acquire().await;
        let destination = destination(domain, rules, self.inner.port);
        let dnssec = self.inner.dnssec.state();
        let asker = Asker {
            resolver: &self.inner.resolver,
            validates: dnssec.is_used(),
            port: destination.port,
            own: &self.inner.own,
        };
        let names = async {
            match destination.literal {
                true => asker.fixed(&destination.host).await,
                false => asker.domain(&destination.host).await,
            }
        };
        let sts = async {
            match destination.policy_domain() {
                Some(domain) => self.inner.sts.state(domain, anew).await,
                None => StsState::none(Instant::now() + MOST),
            }
        };
        let (names, sts) = join(names, sts).await;
        let now = Instant::now();
        let until = match names.failed {
            true => names.until.clamp(now + LEAST, now + FAILED),
            false => names.until.min(sts.until).clamp(now + LEAST, now + MOST),
        };
        let honours_no = rules.honours_tls_required_no;
        Known { destination, names, sts, until, no_dnssec: dnssec.why_not(), honours_no }
    }

    /// The route of an entry that was looked up, for senders of a class.
    fn build(&self, entry: &Arc<Entry>, known: &Known, domain: &str, class: &[usize]) -> Arc<Route> {
        let mut routes = lock(&entry.routes);
        if let Some(found) = routes.iter().find(|routes| routes.class == class) {
            return found.next();
        }
        let made = assemble(domain, known, &entry.rules, class, &mut lock(&self.inner.dice));
        let route = made.next();
        routes.push(made);
        let weight: usize = OVERHEAD + known.weight() * (1 + routes.iter().map(Routes::count).sum::<usize>());
        drop(routes);
        let is_it = |held: &Arc<Entry>| Arc::ptr_eq(held, entry);
        lock(&self.inner.entries).settle(domain, known.until, weight, is_it);
        route
    }

    async fn find(&self, domain: &str, sender: &str, anew: bool) -> Arc<Route> {
        let (entry, known) = self.known(domain, anew).await;
        let class = entry.rules.sender_class(sender);
        self.build(&entry, &known, domain, &class)
    }

    /// Forgets the answers that led to a route.
    fn forget(&self, domain: &str) {
        let entry = lock(&self.inner.entries).get(domain).cloned();
        let mut names = vec![domain];
        if let Some(known) = entry.as_ref().and_then(|entry| entry.known.get()) {
            names.push(&known.destination.host);
            for host in &known.names.hosts {
                names.push(&host.name);
                names.extend(host.dane_names.first().map(String::as_str));
            }
        }
        self.inner.resolver.forget(names);
    }
}

type Found<'a> = Pin<Box<dyn Future<Output = Arc<Route>> + Send + 'a>>;

impl Router for PolicyRouter {
    fn route<'a>(&'a self, domain: &'a str, sender: &'a str) -> Found<'a> {
        let domain = canonical(domain);
        match self.remembered_route(&domain, sender) {
            Some(route) => Box::pin(ready(route)),
            None => Box::pin(async move { self.find(&domain, sender, false).await }),
        }
    }

    fn route_anew<'a>(&'a self, domain: &'a str, sender: &'a str) -> Found<'a> {
        let domain = canonical(domain);
        Box::pin(async move {
            self.forget(&domain);
            self.find(&domain, sender, true).await
        })
    }
}

/// A domain as it is looked up: lower case, A-labels, no trailing dot.
fn canonical(domain: &str) -> Cow<'_, str> {
    let bare = domain.strip_suffix('.').unwrap_or(domain);
    if bare.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return Cow::Borrowed(bare);
    }
    match bare.is_ascii() {
        true => Cow::Owned(bare.to_ascii_lowercase()),
        false => Cow::Owned(name_to_ascii(bare).unwrap_or_else(|_| bare.to_lowercase())),
    }
}

/// Where mail for a domain goes: where the operator says, or to its own hosts. A domain may be
/// an address literal (RFC 5321 section 4.1.3).
fn destination(domain: &str, rules: &Rules, port: u16) -> Destination {
    if let Some(hop) = rules.next_hop(domain) {
        return Destination {
            host: hop.host.clone(),
            literal: hop.literal,
            port: hop.port.unwrap_or(port),
            by_operator: true,
        };
    }
    let literal = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']'));
    let address = literal.and_then(|text| {
        let text = text.strip_prefix("ipv6:").unwrap_or(text);
        text.parse::<IpAddr>().ok()
    });
    match address {
        Some(address) => Destination { host: address.to_string(), literal: true, port, by_operator: false },
        None => Destination { host: domain.to_owned(), literal: false, port, by_operator: false },
    }
}
