//! How fast the queue is: whole lives of messages, taken and then settled as delivered, by
//! many callers at once.
//!
//! ```text
//! cargo run --release -p waxseal-store --example throughput -- [FOLDER] [SECONDS] [BYTES] [PRODUCERS...]
//! ```
//!
//! The folder should be on the disk in question; without one a temporary folder is taken.
//! Figures are of the queue alone: no SMTP, no network.
#![allow(clippy::print_stdout, reason = "an example talks to who runs it")]

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use waxseal_store::spool::{
    Attempt, Envelope, Fate, NewMessage, NewRecipient, Settlement, Spool, State,
    sqlite::{SqliteSettings, SqliteSpool},
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn message(body: &Bytes) -> NewMessage {
    NewMessage {
        envelope: Envelope { sender: "sender@sender.example".to_owned(), ..Envelope::default() },
        recipients: vec![NewRecipient {
            address: "recipient@recipient.example".to_owned(),
            domain: "recipient.example".to_owned(),
            ..NewRecipient::default()
        }],
        body: vec![Bytes::from_static(b"Received: from example by example\r\n"), body.clone()],
        received_at: 1_800_000_000,
        expires_at: 1_800_604_800,
    }
}

fn delivered() -> Attempt {
    Attempt {
        at: 1_800_000_001,
        reply: "250 2.0.0 Ok: queued as 4XyZ1234".to_owned(),
        host: Some("mx1.recipient.example".to_owned()),
        address: Some([192, 0, 2, 25].into()),
        site: "mx1.recipient.example,mx2.recipient.example".to_owned(),
        channel: "TLSv1.3 TLS_AES_256_GCM_SHA384, authenticated by DANE".to_owned(),
        policy: "dane".to_owned(),
        ..Attempt::default()
    }
}

/// Lives until the time is up. Returns how long each acceptance took.
async fn produce(spool: Arc<SqliteSpool>, body: Bytes, until: Instant) -> Outcome<Vec<Duration>> {
    let mut waited = Vec::new();
    while Instant::now() < until {
        let before = Instant::now();
        let message = spool.accept(message(&body)).await?;
        waited.push(before.elapsed());
        let fates = vec![(0, Fate::Final(State::Delivered), delivered())];
        spool.settle(Settlement { message, at: 1_800_000_001, fates, notices: Vec::new() }).await?;
    }
    Ok(waited)
}

async fn measure(folder: &Path, producers: usize, seconds: u64, bytes: usize) -> Outcome<()> {
    let folder = folder.join(format!("queue-{producers}"));
    let opened = folder.clone();
    let settings = SqliteSettings { free_space: 0, ..SqliteSettings::default() };
    let spool = tokio::task::spawn_blocking(move || SqliteSpool::open(&opened, settings)).await??;
    let spool = Arc::new(spool);
    let body = Bytes::from(vec![b'x'; bytes]);
    let start = Instant::now();
    let until = start + Duration::from_secs(seconds);
    let running: Vec<_> =
        (0..producers).map(|_| tokio::spawn(produce(Arc::clone(&spool), body.clone(), until))).collect();
    let mut waited = Vec::new();
    for producer in running {
        waited.extend(producer.await??);
    }
    let took = start.elapsed().as_secs_f64();
    waited.sort_unstable();
    let at = |share: usize| waited.get(waited.len() * share / 1000).copied().unwrap_or_default();
    let figures = spool.figures();
    println!(
        "{producers:4} producers, {bytes} bytes: {:6.0} lives/s; accept p50 {:.2?} p99 {:.2?} p99.9 {:.2?} max \
         {:.2?}; {:.0} flushes/s, {:.1} operations each",
        waited.len() as f64 / took,
        at(500),
        at(990),
        at(999),
        waited.last().copied().unwrap_or_default(),
        figures.groups as f64 / took,
        figures.operations as f64 / figures.groups.max(1) as f64,
    );
    let begun = Instant::now();
    spool.close().await;
    let size = std::fs::metadata(folder.join("queue.db"))?.len();
    println!("      closed in {:.2?}; the database has {} KiB", begun.elapsed(), size >> 10);
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let named = arguments.next();
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let bytes = arguments.next().map_or(Ok(4096), |text| text.parse())?;
    let mut producers = arguments.map(|text| text.parse()).collect::<Result<Vec<usize>, _>>()?;
    if producers.is_empty() {
        producers = vec![1, 20, 100];
    }
    let temporary = tempfile::tempdir()?;
    let folder = named.map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    for count in producers {
        measure(&folder, count, seconds, bytes).await?;
    }
    Ok(())
}
