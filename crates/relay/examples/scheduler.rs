//! How fast the scheduler is by itself, and how much memory a backlog takes:
//!
//! ```text
//! cargo run --release -p waxseal-relay --example scheduler [MESSAGES] [BACKLOG] [FOLDER]
//! ```
//!
//! Nothing is sent and nothing written: deliveries succeed at once, and the spool is a list in
//! memory. One thread does all. With a folder, a backlog of the same size is also put into a
//! queue of SQLite there, and started from.

use std::{
    future::ready,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::try_join_all;
use waxseal_judge::delivery::MxAnswer;
use waxseal_relay::{
    delivery::{
        job::{Deliver, End, Job, Probing, Report, SiteSign, Verdict},
        notices::{Notices, Occasion, Told},
        scheduler::{Handle, Scheduler, Settings},
    },
    event::{Event, Events},
    route::{Route, Router, Wishes},
};
use waxseal_store::spool::{
    Change, Changed, Envelope, MessageId, NewMessage, NewRecipient, Pending, Selector, Settlement, Spool,
    SpoolError, SpoolFuture, StoredMessage,
    sqlite::{SqliteSettings, SqliteSpool},
};

/// Has a backlog that is due in an hour, and counts what is settled.
struct List {
    backlog: u64,
    per_message: u32,
    domains: u64,
    now: i64,
    settled: AtomicU64,
}

impl Spool for List {
    fn accept(&self, _: NewMessage) -> SpoolFuture<'_, MessageId> {
        Box::pin(ready(Err(SpoolError::Closed)))
    }

    fn settle(&self, settlement: Settlement) -> SpoolFuture<'_, Vec<MessageId>> {
        self.settled.fetch_add(settlement.fates.len() as u64, Ordering::Relaxed);
        Box::pin(ready(Ok(Vec::new())))
    }

    fn pending(&self, after: Option<(MessageId, u32)>, limit: usize) -> SpoolFuture<'_, Vec<Pending>> {
        let per_message = u64::from(self.per_message);
        let from = after.map_or(0, |(id, number)| (id.0 - 1) * per_message + u64::from(number) + 1);
        let rows = (from..self.backlog).take(limit).map(|row| Pending {
            message: MessageId(row / per_message + 1),
            number: u32::try_from(row % per_message).unwrap_or(0),
            domain: format!("domain{}.example", row % self.domains),
            next_at: self.now + 3600 + i64::try_from(row % 1000).unwrap_or(0),
            held: false,
            reason: Some("connect.timeout".to_owned()),
        });
        Box::pin(ready(Ok(rows.collect())))
    }

    fn message(&self, _: MessageId) -> SpoolFuture<'_, Option<StoredMessage>> {
        Box::pin(ready(Ok(None)))
    }

    fn body(&self, id: MessageId) -> SpoolFuture<'_, Bytes> {
        Box::pin(ready(Err(SpoolError::BodyMissing { id })))
    }

    fn select(&self, _: Selector, _: usize) -> SpoolFuture<'_, Vec<StoredMessage>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn change(&self, _: Selector, _: Change, _: bool) -> SpoolFuture<'_, Vec<Changed>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn purge(&self, _: i64, _: u64) -> SpoolFuture<'_, u64> {
        Box::pin(ready(Ok(0)))
    }

    fn refusal(&self) -> Option<SpoolError> {
        None
    }
}

/// Knows one way.
struct OneWay(Mutex<Option<Arc<Route>>>);

impl Router for OneWay {
    fn route<'a>(
        &'a self,
        domain: &'a str,
        _: &'a str,
    ) -> Pin<Box<dyn Future<Output = Arc<Route>> + Send + 'a>> {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let route = known.get_or_insert_with(|| {
            Arc::new(Route {
                domain: domain.to_owned(),
                mx: MxAnswer::Insecure,
                trouble: None,
                hops: Vec::new(),
                sts: None,
                site: "mx1.example.com mx2.example.com".into(),
                rule: "the default".to_owned(),
                valid_until: Instant::now() + Duration::from_secs(3600),
            })
        });
        Box::pin(ready(Arc::clone(route)))
    }
}

/// Takes everything at once.
struct Takes;

impl Deliver for Takes {
    fn deliver<'a>(
        &'a self,
        _: &'a Route,
        job: &'a Job,
    ) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        let verdicts = job.recipients.iter().map(|recipient| {
            let verdict = Verdict {
                end: End::Delivered,
                reason: None,
                reply: "250 2.0.0 Ok: queued as 4FzQxW1234z".to_owned(),
                ours: false,
                host: Some("mx1.example.com".to_owned()),
                address: None,
                channel: "TLSv1.3 TLS_AES_256_GCM_SHA384".to_owned(),
                policy: "none".to_owned(),
                remote_dsn: true,
            };
            (recipient.number, verdict)
        });
        let report = Report { verdicts: verdicts.collect(), transcript: Vec::new(), site: SiteSign::Good };
        Box::pin(ready(report))
    }

    fn probe<'a>(&'a self, _: &'a Route, _: Wishes) -> Probing<'a> {
        Box::pin(ready(Ok(String::new())))
    }
}

/// Hears and says nothing.
struct Silence;

impl Events for Silence {
    fn emit(&self, _: i64, _: &Event<'_>) {}
}

impl Notices for Silence {
    fn compose(
        &self,
        _: Occasion,
        _: &StoredMessage,
        _: Option<&[Bytes]>,
        _: &[Told<'_>],
        _: i64,
    ) -> Option<NewMessage> {
        None
    }
}

async fn start(spool: Arc<dyn Spool>) -> Result<Handle, SpoolError> {
    let router = Arc::new(OneWay(Mutex::default()));
    Scheduler::start(
        Settings::default(),
        spool,
        router,
        Arc::new(Takes),
        Arc::new(Silence),
        Arc::new(Silence),
    )
    .await
}

/// Bytes of this process in memory, where the system tells.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

fn list(backlog: u64, per_message: u32, domains: u64) -> Arc<List> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(0);
    Arc::new(List { backlog, per_message, domains, now, settled: AtomicU64::new(0) })
}

fn message(domain: &str, body: &Bytes, received_at: i64) -> NewMessage {
    NewMessage {
        envelope: Envelope { sender: "alice@sender.example".to_owned(), ..Envelope::default() },
        recipients: vec![NewRecipient {
            address: format!("bob@{domain}"),
            domain: domain.to_owned(),
            ..NewRecipient::default()
        }],
        body: vec![body.clone()],
        received_at,
        expires_at: i64::MAX,
    }
}

/// Starts from a queue on the disk.
async fn from_disk(folder: &Path, backlog: u64) -> Result<String, SpoolError> {
    let spool = Arc::new(SqliteSpool::open(folder, SqliteSettings::default())?);
    let (body, now) = (Bytes::from(vec![b'x'; 4096]), list(0, 1, 1).now);
    // Due in an hour: only the start is measured.
    let accept = |n| spool.accept(message(&format!("domain{}.example", n % 1000), &body, now + 3600));
    let numbers: Vec<u64> = (0..backlog).collect();
    for group in numbers.chunks(500) {
        try_join_all(group.iter().map(|number| accept(*number))).await?;
    }
    let began = Instant::now();
    let handle = start(Arc::clone(&spool) as Arc<dyn Spool>).await?;
    let took = began.elapsed();
    let waiting = handle.totals().waiting;
    spool.close().await;
    Ok(format!("{waiting} recipients from SQLite: {took:.1?} to start"))
}

async fn throughput(messages: u64) -> Result<String, SpoolError> {
    let spool = list(0, 1, 1);
    let handle = start(Arc::clone(&spool) as Arc<dyn Spool>).await?;
    let body = Bytes::from(vec![b'x'; 4096]);
    let began = Instant::now();
    for number in 1..=messages {
        handle.arrived(MessageId(number), message("example.com", &body, 0));
        // What comes faster than it goes would be dropped from memory, and the list keeps none.
        while number - spool.settled.load(Ordering::Relaxed) > 1000 {
            tokio::task::yield_now().await;
        }
    }
    while spool.settled.load(Ordering::Relaxed) < messages {
        tokio::task::yield_now().await;
    }
    let rate = messages as f64 / began.elapsed().as_secs_f64();
    Ok(format!("{messages} messages from arrival to settlement: {rate:.0} a second"))
}

async fn backlog(backlog: u64, per_message: u32, domains: u64) -> Result<String, SpoolError> {
    let spool = list(backlog, per_message, domains);
    let before = resident();
    let began = Instant::now();
    let handle = start(Arc::clone(&spool) as Arc<dyn Spool>).await?;
    let took = began.elapsed();
    let bytes = resident().saturating_sub(before) as f64 / backlog as f64;
    let looked = Instant::now();
    let totals = handle.snapshot().totals;
    Ok(format!(
        "{} recipients, {per_message} a message, {domains} domains: {took:.1?} to start, {bytes:.0} bytes each; \
         a snapshot takes {:.1?}",
        totals.waiting,
        looked.elapsed()
    ))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), SpoolError> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().ok());
    let messages = arguments.next().flatten().unwrap_or(500_000);
    let size = arguments.next().flatten().unwrap_or(200_000);
    let mut lines = Vec::new();
    for (per_message, domains) in [(1, 1000), (10, 1000), (1, size)] {
        lines.push(backlog(size, per_message, domains).await?);
    }
    lines.push(throughput(messages).await?);
    if let Some(folder) = std::env::args().nth(3) {
        lines.push(from_disk(Path::new(&folder), size).await?);
    }
    // The figures are what this program is for.
    #[allow(clippy::print_stdout, reason = "an example prints")]
    for line in lines {
        println!("{line}");
    }
    Ok(())
}
