//! `waxseal relay` and Postfix, each as a relay between the same source and the same sink.
//!
//! Both take 4 KB messages over 20 sessions that stay open, keep each on disk before they
//! acknowledge it, and hand it on. Messages are counted at the sink; flushes by a preloaded
//! library in both. Source and sink run beside them on the same processors.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use waxseal_peers::{
    Postfix, Sink, Source, certificate,
    postfix::{self},
    source::Load,
};

use super::{
    binary,
    process::{self, Cost},
    say,
};
use crate::steps::target_dir;

/// What was promised: times Postfix, end to end.
const PLAIN_TIMES: f64 = 5.0;
const TLS_TIMES: f64 = 3.0;
/// How long a run may take.
const LONGEST: Duration = Duration::from_secs(300);
/// How long a relay may take to listen.
const START: Duration = Duration::from_secs(20);
/// The name in the sink's certificate.
const HOST: &str = "mx.example.com";

/// What to measure.
#[derive(Debug, Args)]
pub(super) struct Relay {
    /// Runs of each, in turn.
    #[arg(short = 'n', long, default_value_t = 3)]
    runs: usize,
    /// Messages of a run.
    #[arg(long, default_value_t = 10_000)]
    messages: u64,
    /// Bytes of a body.
    #[arg(long, default_value_t = 4096)]
    size: usize,
    /// Sessions of the source.
    #[arg(long, default_value_t = 20)]
    sessions: usize,
    /// Recipients in the queue when memory is measured; 0: not at all.
    #[arg(long, default_value_t = 200_000)]
    backlog: u64,
    /// Microseconds by which every flush is made slower.
    #[arg(long, default_value_t = 0)]
    flush_delay: u64,
    /// Processes that Postfix may start of a kind.
    #[arg(long, default_value_t = 100)]
    postfix_processes: u32,
    /// Measure this binary instead of building a release.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// A way of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Tls,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Plain => "in clear",
            Self::Tls => "enforced TLS",
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Copy)]
struct Run {
    accepted: f64,
    delivered: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_ms: f64,
    flushes: f64,
    resident: u64,
}

/// A relay that runs.
trait System {
    fn address(&self) -> SocketAddr;
    fn process(&self) -> u32;
    /// What it says of itself, where a run fails.
    fn log(&self) -> String;
}

/// What a relay is started with.
struct Setting<'a> {
    options: &'a Relay,
    way: Way,
    sink: SocketAddr,
    flushes: &'a Flushes,
    folder: &'a Path,
}

type Starter<'a> = (&'static str, &'a dyn Fn(&Setting<'_>) -> Result<Box<dyn System>>);

/// Runs both in turn, and prints a table for each way.
pub(super) fn run(options: &Relay) -> Result<()> {
    let binary = binary(options.binary.as_ref())?;
    let work = target_dir().join("bench-relay");
    fs::create_dir_all(&work)?;
    let issued =
        certificate::issue(&work, &certificate::Options { host: HOST.into(), ..Default::default() })?;
    let flushes = Flushes::new(&work)?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{} messages of {} bytes, {} sessions, {} runs of each in turn, load {}",
        options.messages,
        options.size,
        options.sessions,
        options.runs,
        load.split(' ').next().unwrap_or("unknown")
    );
    let ours = |setting: &Setting<'_>| start_ours(&binary, &issued, setting);
    let theirs = |setting: &Setting<'_>| start_postfix(&issued, setting);
    let starters: [Starter<'_>; 2] = [("waxseal relay", &ours), ("Postfix", &theirs)];
    let mut kept = true;
    for (way, times) in [(Way::Plain, PLAIN_TIMES), (Way::Tls, TLS_TIMES)] {
        let mut runs: [Vec<Run>; 2] = [Vec::new(), Vec::new()];
        for _ in 0..options.runs {
            for ((name, start), runs) in starters.iter().zip(&mut runs) {
                let run = once(options, way, &issued, &flushes, &work, start)
                    .with_context(|| format!("{name}, {}", way.word()))?;
                runs.push(run);
            }
        }
        println!("\n{}", way.word());
        for ((name, _), runs) in starters.iter().zip(&runs) {
            print(name, runs);
        }
        let [own, other] = runs.each_ref().map(|runs| median(runs, |r| r.delivered));
        let met = own >= times * other;
        kept &= met;
        say(&format!("at least {times} times Postfix end to end, {} ({:.1})", way.word(), own / other), met);
        let durable = runs.iter().all(|runs| median(runs, |r| r.flushes) > 0.0);
        say("flushes were counted in both", durable);
    }
    if options.backlog > 0 {
        backlog(options, &flushes, &work, &starters)?;
    }
    if !kept {
        println!("the figures depend on the machine and its load: run it on a quiet one before you judge");
    }
    Ok(())
}

fn once(
    options: &Relay,
    way: Way,
    issued: &certificate::Certificate,
    flushes: &Flushes,
    work: &Path,
    start: &dyn Fn(&Setting<'_>) -> Result<Box<dyn System>>,
) -> Result<Run> {
    let folder = work.join("run");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let tls = (way == Way::Tls).then_some((issued.chain.as_path(), issued.key.as_path()));
    let sink = Sink::start(loopback(), tls)?;
    let system = start(&Setting { options, way, sink: sink.address(), flushes, folder: &folder })?;
    let (flushed, cost) = (flushes.count(), process::cost(system.process()));
    let began = Instant::now();
    let source = Source::start(&Load {
        server: system.address(),
        sessions: options.sessions,
        size: options.size,
        domains: vec!["example.com".into()],
        count: options.messages,
    });
    let sent = source.finish();
    let accepted = began.elapsed();
    if sent.acknowledged.len() as u64 != options.messages {
        bail!(
            "{} of {} messages were acknowledged; {}",
            sent.acknowledged.len(),
            options.messages,
            system.log()
        );
    }
    while sink.counts().0 < options.messages {
        if began.elapsed() > LONGEST {
            bail!("{} of {} messages came to the sink; {}", sink.counts().0, options.messages, system.log());
        }
        thread::sleep(Duration::from_millis(2));
    }
    let delivered = began.elapsed();
    let numbers = sink.numbers();
    let lost = sent.acknowledged.iter().filter(|n| !numbers.contains_key(n)).count();
    let (messages, in_tls, _) = sink.counts();
    if lost > 0 || (way == Way::Tls && in_tls != messages) {
        bail!("{lost} messages were lost, {} came in clear", messages - in_tls);
    }
    let Cost { cpu_ms, resident, .. } = process::cost(system.process());
    let each = options.messages as f64;
    let mut waits = sent.waits;
    waits.sort_unstable();
    let at =
        |part: f64| waits.get((waits.len() as f64 * part) as usize).map_or(0.0, |w| w.as_secs_f64() * 1000.0);
    Ok(Run {
        accepted: each / accepted.as_secs_f64(),
        delivered: each / delivered.as_secs_f64(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        cpu_ms: (cpu_ms - cost.cpu_ms) / each,
        flushes: (flushes.count() - flushed) as f64 / each,
        resident,
    })
}

/// Memory with a queue of so many messages that cannot be delivered.
fn backlog(options: &Relay, flushes: &Flushes, work: &Path, starters: &[Starter<'_>]) -> Result<()> {
    println!("\nmemory with a backlog");
    for (name, start) in starters {
        // Postfix takes some hundreds a second: a tenth of them shows its memory, which is
        // bounded by its limit of 20,000 active messages anyway.
        let count = if *name == "Postfix" { options.backlog / 10 } else { options.backlog };
        let folder = work.join("run");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        // Without STARTTLS, and TLS demanded: all of it waits.
        let sink = Sink::start(loopback(), None)?;
        let setting = Setting { options, way: Way::Tls, sink: sink.address(), flushes, folder: &folder };
        let system = start(&setting)?;
        let source = Source::start(&Load {
            server: system.address(),
            sessions: options.sessions,
            size: options.size,
            domains: (0..1000).map(|n| format!("d{n}.example.com")).collect(),
            count,
        });
        let sent = source.finish().acknowledged.len();
        thread::sleep(Duration::from_secs(5));
        let cost = process::cost(system.process());
        println!(
            "{name:<14} {sent} messages wait: {:.1} MiB in {} processes",
            cost.resident as f64 / 1_048_576.0,
            cost.processes
        );
    }
    Ok(())
}

fn print(name: &str, runs: &[Run]) {
    let all = |of: fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0))
    };
    let (least, most) = all(|r| r.delivered);
    println!(
        "{name:<14} end to end {:>6.0}/s ({least:.0} to {most:.0})   accepted {:>6.0}/s   acknowledged in {:.2} ms, p99 {:.2} ms",
        median(runs, |r| r.delivered),
        median(runs, |r| r.accepted),
        median(runs, |r| r.p50_ms),
        median(runs, |r| r.p99_ms),
    );
    println!(
        "{:<14} CPU {:.3} ms a message   {:.3} flushes a message   {:.1} MiB resident",
        "",
        median(runs, |r| r.cpu_ms),
        median(runs, |r| r.flushes),
        median(runs, |r| r.resident as f64) / 1_048_576.0,
    );
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// The library that counts flushes, and where it counts.
struct Flushes {
    library: PathBuf,
    count: PathBuf,
}

impl Flushes {
    fn new(folder: &Path) -> Result<Self> {
        let (source, library) = (folder.join("flushes.c"), folder.join("flushes.so"));
        fs::write(&source, include_str!("flushes.c"))?;
        let made = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status()
            .context("cc is needed to count flushes")?;
        if !made.success() {
            bail!("the library that counts flushes cannot be compiled");
        }
        let count = folder.join("flushes.count");
        fs::write(&count, 0u64.to_ne_bytes())?;
        // Postfix's daemons are not root.
        fs::set_permissions(&count, std::os::unix::fs::PermissionsExt::from_mode(0o666))?;
        Ok(Self { library, count })
    }

    fn count(&self) -> u64 {
        let bytes = fs::read(&self.count).unwrap_or_default();
        bytes.first_chunk().map_or(0, |b| u64::from_ne_bytes(*b))
    }

    fn environment(&self, delay: u64) -> Vec<(String, String)> {
        vec![
            ("LD_PRELOAD".into(), self.library.display().to_string()),
            ("FLUSH_COUNT".into(), self.count.display().to_string()),
            ("FLUSH_DELAY_US".into(), delay.to_string()),
        ]
    }
}

/// Ours.
struct Ours {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl System for Ours {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> u32 {
        self.child.id()
    }

    fn log(&self) -> String {
        tail(&self.log)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // It is a measurement: nothing of its queue is wanted any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

fn start_ours(
    binary: &Path,
    issued: &certificate::Certificate,
    setting: &Setting<'_>,
) -> Result<Box<dyn System>> {
    let address = free()?;
    let folder = setting.folder;
    let level = if setting.way == Way::Tls { "require" } else { "opportunistic" };
    let file = folder.join("relay.toml");
    write!(
        fs::File::create(&file)?,
        "[server]\nhostname = \"relay.example.com\"\nspool = \"{}\"\n\
         [[listen]]\naddress = \"{address}\"\n\
         [tls]\nroots = \"{}\"\n\
         [dns]\nservers = [\"127.0.0.1:1\"]\ndnssec = \"off\"\n\
         [policy]\ndefault = \"{level}\"\n\
         [[route]]\ndomain = \"*\"\nnext_hop = \"[127.0.0.1]:{}\"\n\
         [log]\nhuman = \"{}\"\n",
        folder.join("queue").display(),
        issued.ca.display(),
        setting.sink.port(),
        folder.join("log").display(),
    )?;
    let log = folder.join("output");
    let output = fs::File::create(&log)?;
    let child = Command::new(binary)
        .args(["relay", "run", "--file"])
        .arg(&file)
        .envs(setting.flushes.environment(setting.options.flush_delay))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    let ours = Ours { child, address, log };
    wait(address).with_context(|| ours.log())?;
    Ok(Box::new(ours))
}

impl System for Postfix {
    fn address(&self) -> SocketAddr {
        self.address()
    }

    fn process(&self) -> u32 {
        self.process().unwrap_or(0)
    }

    fn log(&self) -> String {
        tail(&self.log_file())
    }
}

fn start_postfix(issued: &certificate::Certificate, setting: &Setting<'_>) -> Result<Box<dyn System>> {
    let sink = setting.sink;
    let mut settings = vec![
        "default_transport = smtp".to_owned(),
        format!("relayhost = [{}]:{}", sink.ip(), sink.port()),
        format!("default_process_limit = {}", setting.options.postfix_processes),
        "in_flow_delay = 0".into(),
        "disable_dns_lookups = yes".into(),
        "smtp_dns_support_level = disabled".into(),
        "smtpd_tls_security_level = none".into(),
        "local_header_rewrite_clients =".into(),
        "smtpd_client_connection_count_limit = 0".into(),
        "smtp_destination_concurrency_limit = 20".into(),
        "smtp_connection_cache_on_demand = yes".into(),
        format!("smtp_connection_cache_destinations = [{}]:{}", sink.ip(), sink.port()),
        "import_environment = MAIL_CONFIG LD_LIBRARY_PATH LANG=C LD_PRELOAD FLUSH_COUNT FLUSH_DELAY_US"
            .into(),
    ];
    if setting.way == Way::Tls {
        settings.extend([
            "smtp_tls_security_level = encrypt".into(),
            "smtp_tls_connection_reuse = yes".into(),
            format!("smtp_tls_CAfile = {}", issued.ca.display()),
            "smtp_tls_session_cache_database = btree:$data_directory/smtp_scache".into(),
        ]);
    }
    let options = postfix::Options {
        settings,
        environment: setting.flushes.environment(setting.options.flush_delay),
        ..postfix::Options::default()
    };
    Ok(Box::new(Postfix::start(&options)?))
}

fn free() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind(loopback())?.local_addr()?)
}

fn wait(address: SocketAddr) -> Result<()> {
    let began = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        if began.elapsed() > START {
            bail!("nothing listens at {address} after {START:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
