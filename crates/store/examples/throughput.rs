//! How fast the queue is: whole lives of messages, taken and then settled as delivered, by
//! many callers at once.
//!
//! ```text
//! cargo run --release -p waxseal-store --example throughput -- \
//!     [FOLDER] [SECONDS] [BYTES] [BACKLOG] [PRODUCERS...]
//! ```
//!
//! The folder should be on the disk in question; without one a temporary folder is taken. A
//! backlog are messages that wait in the queue meanwhile. Figures are of the queue alone: no
//! SMTP, no network. What a flush takes on this disk at this moment is said before each, for
//! nothing else counts as much.
#![allow(clippy::print_stdout, reason = "an example talks to who runs it")]

use std::{
    error::Error,
    io::{Seek, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use nix::sys::resource::{UsageWho, getrusage};
use waxseal_store::spool::{
    Attempt, Envelope, Fate, NewMessage, NewRecipient, Settlement, Spool, SpoolError, State,
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

/// What this process used of the CPUs so far.
fn cpu() -> Outcome<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: nix::sys::time::TimeVal| (time.tv_sec() * 1_000_000 + time.tv_usec()).unsigned_abs();
    Ok(Duration::from_micros(micros(usage.user_time()) + micros(usage.system_time())))
}

/// How long writing 64 KiB and flushing them takes, of fifty times: the median and 90 %.
fn flush(folder: &Path) -> Outcome<(Duration, Duration)> {
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::tempfile_in(folder)?;
    let mut took = Vec::new();
    for _ in 0..50 {
        file.rewind()?;
        file.write_all(&[b'x'; 64 << 10])?;
        let before = Instant::now();
        file.sync_data()?;
        took.push(before.elapsed());
    }
    took.sort_unstable();
    Ok((took.get(25).copied().unwrap_or_default(), took.get(45).copied().unwrap_or_default()))
}

/// Fills the queue, and opens it anew as a relay does that starts.
async fn wait_in(folder: &Path, settings: &SqliteSettings, backlog: usize, body: &Bytes) -> Outcome<()> {
    let spool = Arc::new(SqliteSpool::open(folder, settings.clone())?);
    let fillers: Vec<_> = (0..100)
        .map(|_| {
            let (spool, body) = (Arc::clone(&spool), body.clone());
            tokio::spawn(async move {
                for _ in 0..backlog / 100 {
                    spool.accept(message(&body)).await?;
                }
                Ok::<_, SpoolError>(())
            })
        })
        .collect();
    for filler in fillers {
        filler.await??;
    }
    spool.close().await;
    let begun = Instant::now();
    let spool = SqliteSpool::open(folder, settings.clone())?;
    let opened = begun.elapsed();
    let (mut after, mut count) = (None, 0);
    loop {
        let page = spool.pending(after, 10_000).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.message, last.number));
        count += page.len();
    }
    println!("      {count} wait: opened in {opened:.2?}, read after {:.2?}", begun.elapsed());
    spool.close().await;
    Ok(())
}

async fn measure(folder: &Path, producers: usize, seconds: u64, bytes: usize, backlog: usize) -> Outcome<()> {
    let folder = folder.join(format!("queue-{producers}"));
    let settings = SqliteSettings { free_space: 0, ..SqliteSettings::default() };
    let body = Bytes::from(vec![b'x'; bytes]);
    let (median, most) = flush(&folder)?;
    println!("      a flush takes {median:.2?}, one in ten {most:.2?} or more");
    if backlog > 0 {
        wait_in(&folder, &settings, backlog, &body).await?;
    }
    let spool = Arc::new(SqliteSpool::open(&folder, settings)?);
    let used = cpu()?;
    let start = Instant::now();
    let until = start + Duration::from_secs(seconds);
    let running: Vec<_> =
        (0..producers).map(|_| tokio::spawn(produce(Arc::clone(&spool), body.clone(), until))).collect();
    let mut waited = Vec::new();
    for producer in running {
        waited.extend(producer.await??);
    }
    let took = start.elapsed().as_secs_f64();
    let used = cpu()?.saturating_sub(used);
    waited.sort_unstable();
    let at = |share: usize| waited.get(waited.len() * share / 1000).copied().unwrap_or_default();
    let figures = spool.figures();
    println!(
        "{producers:4} producers, {bytes} bytes: {:6.0} lives/s; accept p50 {:.2?} p99 {:.2?} p99.9 {:.2?} max \
         {:.2?}; {:.0} flushes/s, {:.1} operations each; {:.0} µs CPU a life",
        waited.len() as f64 / took,
        at(500),
        at(990),
        at(999),
        waited.last().copied().unwrap_or_default(),
        figures.groups as f64 / took,
        figures.operations as f64 / figures.groups.max(1) as f64,
        used.as_secs_f64() * 1e6 / waited.len().max(1) as f64,
    );
    spool.close().await;
    let size = std::fs::metadata(folder.join("queue.db"))?.len();
    println!("      the database has {} KiB", size >> 10);
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let named = arguments.next();
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let bytes = arguments.next().map_or(Ok(4096), |text| text.parse())?;
    let backlog = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let mut producers = arguments.map(|text| text.parse()).collect::<Result<Vec<usize>, _>>()?;
    if producers.is_empty() {
        producers = vec![1, 20, 100];
    }
    let temporary = tempfile::tempdir()?;
    let folder = named.map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    for count in producers {
        measure(&folder, count, seconds, bytes, backlog).await?;
    }
    Ok(())
}
