//! A spool, a router, a deliverer, an operator's ear and a writer of notices, all in memory,
//! and a world in which they work together on paused time.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, sleep};
use waxseal_judge::delivery::{MxAnswer, Operator, OperatorLevel, PolicyFacts};
use waxseal_store::spool::{
    Attempt, Change, Changed, Envelope, Fate, MessageId, NewMessage, NewRecipient, Pending, Recipient,
    Selector, Settlement, Spool, SpoolError, SpoolFuture, State, StoredMessage,
};

use crate::{
    delivery::{
        clock::WallClock,
        job::{Deliver, End, Job, Probing, Report, SiteSign, Verdict},
        notices::{Notices, Occasion, Told},
        retry::Schedule,
        scheduler::{Handle, Scheduler, Settings},
    },
    event::{Event, Events},
    route::{Hop, Route, Router, Wishes},
};

/// The wall clock at the beginning of a test.
pub(super) const START: i64 = 1_800_000_000;
/// Messages of tests live for three days.
pub(super) const LIFE: i64 = 3 * 86_400;

/// A spool that keeps its promises, in memory.
#[derive(Default)]
pub(super) struct FakeSpool {
    state: Mutex<SpoolState>,
}

#[derive(Default)]
struct SpoolState {
    messages: BTreeMap<u64, (StoredMessage, Option<Bytes>)>,
    last: u64,
    /// What settling and reading answer, where that is not done.
    settle_error: Option<SpoolError>,
    read_error: Option<SpoolError>,
    settle_takes: Duration,
    settlements: Vec<Settlement>,
    reads: usize,
    body_reads: usize,
}

impl FakeSpool {
    fn lock(&self) -> MutexGuard<'_, SpoolState> {
        self.state.lock().unwrap()
    }

    pub(super) fn fail_settling(&self, error: Option<SpoolError>) {
        self.lock().settle_error = error;
    }

    pub(super) fn fail_reading(&self, error: Option<SpoolError>) {
        self.lock().read_error = error;
    }

    pub(super) fn settling_takes(&self, time: Duration) {
        self.lock().settle_takes = time;
    }

    pub(super) fn lose_body(&self, id: MessageId) {
        self.lock().messages.get_mut(&id.0).unwrap().1 = None;
    }

    pub(super) fn recipient(&self, id: MessageId, number: u32) -> Recipient {
        self.lock().messages[&id.0].0.recipients[number as usize].clone()
    }

    pub(super) fn all(&self) -> Vec<StoredMessage> {
        self.lock().messages.values().map(|(message, _)| message.clone()).collect()
    }

    pub(super) fn settlements(&self) -> Vec<Settlement> {
        self.lock().settlements.clone()
    }

    pub(super) fn reads(&self) -> (usize, usize) {
        let state = self.lock();
        (state.reads, state.body_reads)
    }

    pub(super) fn put(&self, message: NewMessage) -> MessageId {
        self.lock().put(message)
    }
}

impl SpoolState {
    fn put(&mut self, message: NewMessage) -> MessageId {
        self.last += 1;
        let id = MessageId(self.last);
        let body: Vec<u8> = message.body.concat();
        let recipients = message.recipients.into_iter().zip(0..).map(|(new, number)| Recipient {
            number,
            address: new.address,
            domain: new.domain,
            notify: new.notify,
            orcpt: new.orcpt,
            state: State::Queued,
            next_at: message.received_at,
            attempts: 0,
            delays_told: 0,
            final_at: None,
            last: None,
        });
        let stored = StoredMessage {
            id,
            envelope: message.envelope,
            recipients: recipients.collect(),
            size: body.len() as u64,
            received_at: message.received_at,
            expires_at: message.expires_at,
        };
        self.messages.insert(id.0, (stored, Some(body.into())));
        id
    }

    fn note(&mut self, settlement: Settlement) -> Vec<MessageId> {
        self.settlements.push(settlement.clone());
        let (message, _) =
            self.messages.get_mut(&settlement.message.0).expect("an unknown message is settled");
        let mut changed = settlement.fates.is_empty();
        for (number, fate, attempt) in settlement.fates {
            let recipient = &mut message.recipients[number as usize];
            if recipient.state.is_final() {
                continue;
            }
            changed = true;
            note(recipient, fate, attempt, settlement.at);
        }
        if changed {
            settlement.notices.into_iter().map(|notice| self.put(notice)).collect()
        } else {
            Vec::new()
        }
    }
}

fn note(recipient: &mut Recipient, fate: Fate, attempt: Attempt, at: i64) {
    recipient.last = Some(attempt);
    match fate {
        Fate::Final(state) => {
            assert!(state.is_final());
            recipient.state = state;
            recipient.final_at = Some(at);
            recipient.attempts += 1;
        }
        Fate::Again { next_at, counts, delay_told } => {
            recipient.next_at = next_at;
            recipient.attempts += u32::from(counts);
            recipient.delays_told += u32::from(delay_told);
        }
        Fate::Held => recipient.state = State::Held,
    }
}

impl Spool for FakeSpool {
    fn accept(&self, message: NewMessage) -> SpoolFuture<'_, MessageId> {
        Box::pin(async move { Ok(self.put(message)) })
    }

    fn settle(&self, settlement: Settlement) -> SpoolFuture<'_, Vec<MessageId>> {
        Box::pin(async move {
            let time = self.lock().settle_takes;
            if time > Duration::ZERO {
                sleep(time).await;
            }
            let mut state = self.lock();
            match state.settle_error.clone() {
                Some(error) => Err(error),
                None => Ok(state.note(settlement)),
            }
        })
    }

    fn pending(&self, after: Option<(MessageId, u32)>, limit: usize) -> SpoolFuture<'_, Vec<Pending>> {
        Box::pin(async move {
            let state = self.lock();
            let all = state.messages.values().flat_map(|(message, _)| {
                message.recipients.iter().filter(|r| !r.state.is_final()).map(|r| Pending {
                    message: message.id,
                    number: r.number,
                    domain: r.domain.clone(),
                    next_at: r.next_at,
                    held: r.state == State::Held,
                    reason: r.last.as_ref().and_then(|last| last.reason.clone()),
                })
            });
            Ok(all
                .filter(|row| after.is_none_or(|after| (row.message, row.number) > after))
                .take(limit)
                .collect())
        })
    }

    fn message(&self, id: MessageId) -> SpoolFuture<'_, Option<StoredMessage>> {
        Box::pin(async move {
            let mut state = self.lock();
            state.reads += 1;
            match state.read_error.clone() {
                Some(error) => Err(error),
                None => Ok(state.messages.get(&id.0).map(|(message, _)| message.clone())),
            }
        })
    }

    fn body(&self, id: MessageId) -> SpoolFuture<'_, Bytes> {
        Box::pin(async move {
            let mut state = self.lock();
            state.body_reads += 1;
            let body = state.messages.get(&id.0).and_then(|(_, body)| body.clone());
            body.ok_or(SpoolError::BodyMissing { id })
        })
    }

    fn select(&self, _: Selector, _: usize) -> SpoolFuture<'_, Vec<StoredMessage>> {
        unreachable!("a scheduler selects nothing")
    }

    /// Knows selectors for whole messages only.
    fn change(&self, selector: Selector, change: Change, _: bool) -> SpoolFuture<'_, Vec<Changed>> {
        Box::pin(async move {
            let mut state = self.lock();
            let mut changed = Vec::new();
            for id in &selector.messages {
                let Some((message, _)) = state.messages.get_mut(id) else { continue };
                for recipient in message.recipients.iter_mut() {
                    let from = recipient.state;
                    match (change, from) {
                        (Change::Retry { at }, State::Queued) => recipient.next_at = at,
                        (Change::Hold, State::Queued) => recipient.state = State::Held,
                        (Change::Release { at }, State::Held) => {
                            recipient.state = State::Queued;
                            recipient.next_at = at;
                        }
                        (Change::Cancel { .. }, State::Queued | State::Held) => {
                            recipient.state = State::Cancelled;
                        }
                        _ => continue,
                    }
                    changed.push(Changed {
                        message: *id,
                        number: recipient.number,
                        address: recipient.address.clone(),
                        domain: recipient.domain.clone(),
                        from,
                    });
                }
            }
            Ok(changed)
        })
    }

    fn purge(&self, _: i64, _: u64) -> SpoolFuture<'_, u64> {
        unreachable!("a scheduler purges nothing")
    }

    fn refusal(&self) -> Option<SpoolError> {
        None
    }
}

/// A router for which a domain's site is `mx.` and the domain, unless it was told otherwise.
#[derive(Default)]
pub(super) struct FakeRouter {
    pub(super) sites: Mutex<HashMap<String, String>>,
    pub(super) level: Mutex<Option<OperatorLevel>>,
    pub(super) takes: Mutex<HashMap<String, Duration>>,
    pub(super) asked: Mutex<usize>,
}

impl FakeRouter {
    pub(super) fn set(&self, domain: &str, site: &str) {
        self.sites.lock().unwrap().insert(domain.to_owned(), site.to_owned());
    }
}

pub(super) fn route(domain: &str, site: &str, level: OperatorLevel) -> Route {
    let facts = PolicyFacts { operator: Operator { level, ..Operator::OPPORTUNISTIC }, ..PolicyFacts::PLAIN };
    Route {
        domain: domain.to_owned(),
        mx: MxAnswer::Insecure,
        trouble: None,
        hops: vec![Hop {
            name: site.to_owned(),
            preference: 10,
            port: 25,
            addresses: vec![IpAddr::from([192, 0, 2, 1])],
            trouble: None,
            facts,
            tlsa: Vec::new(),
            dane_names: Vec::new(),
            operator_names: Vec::new(),
            fingerprints: Vec::new(),
            rule: "the default".into(),
            honours_tls_required_no: true,
        }],
        sts: None,
        site: site.into(),
        rule: "the default".to_owned(),
        valid_until: std::time::Instant::now() + Duration::from_secs(3600),
    }
}

impl Router for FakeRouter {
    fn route<'a>(
        &'a self,
        domain: &'a str,
        _: &'a str,
    ) -> Pin<Box<dyn Future<Output = Arc<Route>> + Send + 'a>> {
        Box::pin(async move {
            *self.asked.lock().unwrap() += 1;
            let takes = self.takes.lock().unwrap().get(domain).copied();
            if let Some(takes) = takes {
                sleep(takes).await;
            }
            let site = self.sites.lock().unwrap().get(domain).cloned();
            let level = self.level.lock().unwrap().unwrap_or(OperatorLevel::May);
            Arc::new(route(domain, &site.unwrap_or_else(|| format!("mx.{domain}")), level))
        })
    }
}

/// How a site behaves.
#[derive(Debug, Clone)]
pub(super) enum Behaviour {
    /// Takes all.
    Takes,
    /// Refuses all for good.
    Refuses,
    /// Puts all off.
    PutsOff,
    /// Asks for less.
    Busy,
    /// Cannot be reached.
    Dead,
    /// Has no TLS.
    NoTls(&'static str),
    /// Ends the connection after the final dot.
    Vanishes,
    /// Makes our program fail.
    Panics,
    /// Says nothing of any recipient.
    Silent,
}

/// One attempt that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) message: MessageId,
    pub(super) numbers: Vec<u32>,
    pub(super) site: String,
    pub(super) domain: String,
    /// Seconds since the test began.
    pub(super) at: u64,
    pub(super) body: usize,
    pub(super) first: Option<(String, IpAddr)>,
}

type Script = Box<dyn Fn(&str, &Job) -> Behaviour + Send + Sync>;

/// Delivers as sites behave.
pub(super) struct FakeDeliver {
    pub(super) sites: Mutex<HashMap<String, (Behaviour, Duration)>>,
    pub(super) script: Mutex<Option<Script>>,
    pub(super) made: Mutex<Vec<Made>>,
    pub(super) probes: Mutex<Vec<(String, u64)>>,
    pub(super) probes_take: Mutex<Duration>,
    pub(super) probing: Mutex<(usize, usize)>,
    /// Attempts at a time by site: now, and the most there were.
    pub(super) running: Mutex<HashMap<String, (usize, usize)>>,
    /// Recipients that are being tried, and those that were tried twice at the same time.
    pub(super) trying: Mutex<(HashSet<Key>, Vec<Key>)>,
    /// Hears of each recipient that a site has taken, at the moment when it has.
    pub(super) taken: Mutex<Option<Taken>>,
    /// Recipients whose attempt ended without an answer.
    pub(super) unknown: Mutex<HashSet<Key>>,
    pub(super) start: Mutex<Instant>,
}

/// A recipient of a message.
type Key = (MessageId, u32);

type Taken = Box<dyn Fn(MessageId, u32) + Send + Sync>;

impl Default for FakeDeliver {
    fn default() -> Self {
        Self {
            sites: Mutex::default(),
            script: Mutex::default(),
            made: Mutex::default(),
            probes: Mutex::default(),
            probes_take: Mutex::new(Duration::from_millis(100)),
            probing: Mutex::default(),
            running: Mutex::default(),
            trying: Mutex::default(),
            taken: Mutex::default(),
            unknown: Mutex::default(),
            start: Mutex::new(Instant::now()),
        }
    }
}

impl FakeDeliver {
    pub(super) fn set(&self, site: &str, behaviour: Behaviour, takes: Duration) {
        self.sites.lock().unwrap().insert(site.to_owned(), (behaviour, takes));
    }

    pub(super) fn made(&self) -> Vec<Made> {
        self.made.lock().unwrap().clone()
    }

    pub(super) fn times(&self) -> Vec<u64> {
        self.made().iter().map(|made| made.at).collect()
    }

    pub(super) fn most(&self, site: &str) -> usize {
        self.running.lock().unwrap().get(site).map_or(0, |(_, most)| *most)
    }

    fn elapsed(&self) -> u64 {
        self.start.lock().unwrap().elapsed().as_secs()
    }

    fn begin(&self, job: &Job) {
        let mut trying = self.trying.lock().unwrap();
        for recipient in &job.recipients {
            let key = (job.id, recipient.number);
            if !trying.0.insert(key) {
                trying.1.push(key);
            }
        }
    }

    fn note(&self, behaviour: &Behaviour, job: &Job) {
        let mut trying = self.trying.lock().unwrap();
        job.recipients.iter().for_each(|recipient| {
            trying.0.remove(&(job.id, recipient.number));
        });
        for recipient in &job.recipients {
            let key = (job.id, recipient.number);
            match (behaviour, &*self.taken.lock().unwrap()) {
                (Behaviour::Takes, Some(taken)) => taken(key.0, key.1),
                // Every other one has taken it.
                (Behaviour::Vanishes, Some(taken)) if job.id.0.is_multiple_of(2) => taken(key.0, key.1),
                _ => {}
            }
            if matches!(behaviour, Behaviour::Vanishes) {
                self.unknown.lock().unwrap().insert(key);
            }
        }
    }

    fn count(&self, site: &str, up: bool) {
        let mut running = self.running.lock().unwrap();
        for key in [site, ""] {
            let (now, most) = running.entry(key.to_owned()).or_default();
            *now = if up { *now + 1 } else { *now - 1 };
            *most = (*most).max(*now);
        }
    }

    fn behaviour(&self, site: &str) -> (Behaviour, Duration) {
        let sites = self.sites.lock().unwrap();
        sites.get(site).cloned().unwrap_or((Behaviour::Takes, Duration::from_millis(10)))
    }
}

pub(super) fn verdict(end: End, reason: Option<&'static str>, reply: &str) -> Verdict {
    Verdict {
        end,
        reason,
        reply: reply.to_owned(),
        ours: false,
        host: Some("mx.example".to_owned()),
        address: Some(IpAddr::from([192, 0, 2, 1])),
        channel: "clear".to_owned(),
        policy: "none".to_owned(),
        remote_dsn: false,
    }
}

fn report(behaviour: &Behaviour, job: &Job) -> Report {
    let (site, one) = match behaviour {
        Behaviour::Takes => (SiteSign::Good, verdict(End::Delivered, None, "250 2.0.0 ok")),
        Behaviour::Refuses => {
            (SiteSign::Good, verdict(End::Failed, Some("reply.rcpt"), "550 5.1.1 no such user"))
        }
        Behaviour::PutsOff => (SiteSign::Good, verdict(End::Deferred, Some("reply.rcpt"), "451 4.2.0 later")),
        Behaviour::Busy => (SiteSign::Busy, verdict(End::Deferred, Some("reply.greeting"), "421 4.3.2 busy")),
        Behaviour::Dead => {
            (SiteSign::Dead, verdict(End::Deferred, Some("connect.timeout"), "451 4.4.1 no answer"))
        }
        Behaviour::NoTls(reason) => (
            SiteSign::NoTls(reason),
            verdict(End::Deferred, Some(reason), "451 4.7.6 STARTTLS required but not advertised"),
        ),
        Behaviour::Vanishes => {
            (SiteSign::Neutral, verdict(End::Unknown, Some("unknown.after_dot"), "451 4.4.2 lost"))
        }
        Behaviour::Panics => panic!("a mistake of ours"),
        Behaviour::Silent => return Report { verdicts: vec![], transcript: vec![], site: SiteSign::Neutral },
    };
    let transcript = if one.end == End::Delivered { vec![] } else { vec!["> EHLO us".to_owned()] };
    let verdicts = job.recipients.iter().map(|recipient| (recipient.number, one.clone())).collect();
    Report { verdicts, transcript, site }
}

impl Deliver for FakeDeliver {
    fn deliver<'a>(
        &'a self,
        route: &'a Route,
        job: &'a Job,
    ) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            let (mut behaviour, takes) = self.behaviour(&route.site);
            if let Some(script) = &*self.script.lock().unwrap() {
                behaviour = script(&route.site, job);
            }
            self.made.lock().unwrap().push(Made {
                message: job.id,
                numbers: job.recipients.iter().map(|recipient| recipient.number).collect(),
                site: route.site.to_string(),
                domain: route.domain.clone(),
                at: self.elapsed(),
                body: job.body.iter().map(Bytes::len).sum(),
                first: job.first.clone(),
            });
            self.begin(job);
            self.count(&route.site, true);
            if takes > Duration::ZERO {
                sleep(takes).await;
            }
            self.count(&route.site, false);
            self.note(&behaviour, job);
            report(&behaviour, job)
        })
    }

    fn probe<'a>(&'a self, route: &'a Route, _: Wishes) -> Probing<'a> {
        Box::pin(async move {
            let at = self.elapsed();
            self.probes.lock().unwrap().push((route.site.to_string(), at));
            {
                let mut probing = self.probing.lock().unwrap();
                probing.0 += 1;
                probing.1 = probing.1.max(probing.0);
            }
            let takes = *self.probes_take.lock().unwrap();
            sleep(takes).await;
            self.probing.lock().unwrap().0 -= 1;
            match self.behaviour(&route.site).0 {
                Behaviour::NoTls(reason) => Err((reason, "451 4.7.6 STARTTLS required".to_owned())),
                Behaviour::Dead => Err(("connect.timeout", "451 4.4.1 no answer".to_owned())),
                _ => Ok("through mx.example with TLSv1.3".to_owned()),
            }
        })
    }
}

/// Hears all events.
#[derive(Default)]
pub(super) struct FakeEvents(Mutex<Vec<String>>);

impl FakeEvents {
    /// Those that begin so.
    pub(super) fn heard(&self, beginning: &str) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|line| line.starts_with(beginning)).cloned().collect()
    }
}

impl Events for FakeEvents {
    fn emit(&self, _: i64, event: &Event<'_>) {
        let line = match event {
            Event::Attempted { id, recipient, state, attempt, .. } => {
                format!("attempted {id} {recipient} {} {}", state.word(), attempt.reply)
            }
            Event::Watching { site, domain, reason } => format!("watching {site} {domain} {reason}"),
            Event::Mended { site, reason, after, recipients, .. } => {
                format!("mended {site} {reason} after {after} for {recipients}")
            }
            Event::Note { token, text, .. } => format!("note {token}: {text}"),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// Writes notices of a few bytes.
pub(super) struct FakeNotices;

impl Notices for FakeNotices {
    fn compose(
        &self,
        occasion: Occasion,
        message: &StoredMessage,
        body: Option<&[Bytes]>,
        told: &[Told<'_>],
        now: i64,
    ) -> Option<NewMessage> {
        let recipients: Vec<&str> = told.iter().map(|told| told.recipient.address.as_str()).collect();
        let returned = body.map_or(0, |body| body.iter().map(Bytes::len).sum());
        let text = format!("{occasion:?} of {} to {recipients:?}, {returned} bytes", message.id);
        let domain = message.envelope.sender.split_once('@')?.1.to_owned();
        Some(NewMessage {
            envelope: Envelope::default(),
            recipients: vec![NewRecipient {
                address: message.envelope.sender.clone(),
                domain,
                ..Default::default()
            }],
            body: vec![text.into()],
            received_at: now,
            expires_at: now + LIFE,
        })
    }
}

/// All of them.
pub(super) struct World {
    pub(super) spool: Arc<FakeSpool>,
    pub(super) router: Arc<FakeRouter>,
    pub(super) deliver: Arc<FakeDeliver>,
    pub(super) events: Arc<FakeEvents>,
    pub(super) settings: Settings,
    /// Seconds by which the wall clock was set.
    pub(super) shift: Arc<Mutex<i64>>,
    start: Arc<Mutex<Instant>>,
}

impl World {
    pub(super) fn new() -> Self {
        let start = Arc::new(Mutex::new(Instant::now()));
        let shift = Arc::new(Mutex::new(0));
        let read = {
            let (start, shift) = (Arc::clone(&start), Arc::clone(&shift));
            move || {
                let elapsed = start.lock().unwrap().elapsed().as_secs();
                START + i64::try_from(elapsed).unwrap() + *shift.lock().unwrap()
            }
        };
        Self {
            spool: Arc::default(),
            router: Arc::default(),
            deliver: Arc::default(),
            events: Arc::default(),
            settings: Settings {
                retry: Schedule::Ess,
                clock: WallClock::new(read),
                seed: Some(1),
                ..Settings::default()
            },
            shift,
            start,
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.settings.clock.read()
    }

    /// Seconds since the test began.
    pub(super) fn elapsed(&self) -> u64 {
        self.start.lock().unwrap().elapsed().as_secs()
    }

    /// Goes on in another runtime, so many seconds after the beginning.
    pub(super) fn born(&self, elapsed: u64) {
        let start = Instant::now() - Duration::from_secs(elapsed);
        *self.start.lock().unwrap() = start;
        *self.deliver.start.lock().unwrap() = start;
        *self.deliver.taken.lock().unwrap() = None;
        self.deliver.trying.lock().unwrap().0.clear();
        self.deliver.running.lock().unwrap().values_mut().for_each(|(now, _)| *now = 0);
    }

    pub(super) async fn start(&self) -> Handle {
        self.start_over(Arc::clone(&self.spool) as Arc<dyn Spool>).await
    }

    /// Starts with another spool.
    pub(super) async fn start_over(&self, spool: Arc<dyn Spool>) -> Handle {
        Scheduler::start(
            self.settings.clone(),
            spool,
            Arc::clone(&self.router) as Arc<dyn Router>,
            Arc::clone(&self.deliver) as Arc<dyn Deliver>,
            Arc::clone(&self.events) as Arc<dyn Events>,
            Arc::new(FakeNotices),
        )
        .await
        .unwrap()
    }

    pub(super) fn message(&self, recipients: &[&str]) -> NewMessage {
        NewMessage {
            envelope: Envelope { sender: "alice@sender.example".to_owned(), ..Envelope::default() },
            recipients: recipients
                .iter()
                .map(|address| NewRecipient {
                    address: (*address).to_owned(),
                    domain: address.split_once('@').unwrap().1.to_owned(),
                    ..NewRecipient::default()
                })
                .collect(),
            body: vec![Bytes::from_static(b"Subject: x\r\n"), Bytes::from_static(b"\r\nhello\r\n")],
            received_at: self.now(),
            expires_at: self.now() + LIFE,
        }
    }

    /// Puts a message into the spool and hands it on, as the relay does.
    pub(super) fn send(&self, handle: &Handle, recipients: &[&str]) -> MessageId {
        self.send_message(handle, self.message(recipients))
    }

    pub(super) fn send_message(&self, handle: &Handle, message: NewMessage) -> MessageId {
        let id = self.spool.put(message.clone());
        handle.arrived(id, message);
        id
    }

    pub(super) fn state(&self, id: MessageId, number: u32) -> State {
        self.spool.recipient(id, number).state
    }

    /// Changes messages as the operator does.
    pub(super) async fn change(&self, handle: &Handle, messages: &[MessageId], change: Change) {
        let selector = Selector { messages: messages.iter().map(|id| id.0).collect(), ..Selector::default() };
        let changed = self.spool.change(selector, change, false).await.unwrap();
        handle.changed(&changed, change);
    }
}

/// Lets time pass.
pub(super) async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}
