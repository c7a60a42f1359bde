//! Sends the reports of a day.

use std::{io::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};
use waxseal_model::{Why, tls_report::TlsReport};
use waxseal_net::{
    egress::Egress,
    https::{HttpsPost, HttpsRequest, post},
};
use waxseal_store::ledger::{Ledger, LedgerError};
use waxseal_wire::{
    dkim::DkimSigner,
    tlsrpt::{
        self,
        report::{GZIP_TYPE, to_json},
    },
    x509::RootStore,
};

use super::{
    DAY, ReportSettings,
    address::{Address, parse},
    gather,
    lookup::Lookup,
    mail,
};
use crate::{
    delivery::chance::Chance,
    delivery::clock::WallClock,
    event::{Event, Events, Severity},
    intake::Intake,
};

/// Days whose reports can still be sent; older tallies are forgotten.
const MOST_DAYS: i64 = 3;
/// Addresses of one domain that are heeded.
const MOST_ADDRESSES: usize = 10;
/// Reports on their way by HTTPS at a time.
const MOST_POSTS: usize = 8;
/// The wait after midnight that lets the last sessions of a day be written down.
const SETTLED: Duration = Duration::from_secs(60);
/// The wait after which a report is tried again whose domain could not be looked up.
const AGAIN: Duration = Duration::from_secs(3600);
/// The longest wait before the clock is looked at again: it may have been set.
const LOOK: Duration = Duration::from_secs(600);
/// What a host that takes reports may say, in bytes.
const ANSWER: usize = 4096;
/// The longest time for a connection or handshake, and for a whole request.
const STEP: Duration = Duration::from_secs(30);
const TOTAL: Duration = Duration::from_secs(120);

/// What sending takes.
#[derive(Clone)]
pub struct ReportMeans {
    /// The tallies.
    pub ledger: Ledger,
    /// Names.
    pub lookup: Arc<dyn Lookup>,
    /// Where reports by mail go.
    pub intake: Arc<dyn Intake>,
    /// Where reports by HTTPS go. Strangers choose the hosts:
    /// [`Egress::to_public_only`] is meant for that.
    pub egress: Egress,
    /// Whom to trust by HTTPS, or why nobody can be.
    pub roots: Arc<Result<RootStore, Why>>,
    /// Signs reports by mail. Receivers ignore those that are not signed (RFC 8460 section
    /// 5.3).
    pub signer: Option<Arc<DkimSigner>>,
    /// Hears what could not be sent.
    pub events: Arc<dyn Events>,
    /// The time of day.
    pub clock: WallClock,
}

/// Sends reports. Clones share the means.
#[derive(Clone)]
pub struct Reporter {
    settings: Arc<ReportSettings>,
    means: ReportMeans,
    posts: Arc<Semaphore>,
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reporter").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A report that is ready to go.
struct Ready {
    domain: String,
    report: TlsReport,
    gzip: Bytes,
}

impl Reporter {
    /// A reporter; nothing happens before [`Reporter::run`].
    pub fn new(settings: ReportSettings, means: ReportMeans) -> Self {
        Self { settings: Arc::new(settings), means, posts: Arc::new(Semaphore::new(MOST_POSTS)) }
    }

    /// Sends the reports of every day after its end, until it is dropped. What was left by a
    /// run before is sent soon after the start.
    pub async fn run(self) {
        let mut chance = Chance::new(None);
        let mut posts = JoinSet::new();
        // Sessions of a run before are written down already.
        let mut settled = Duration::ZERO;
        loop {
            let today = self.today();
            let half = self.settings.spread / 2;
            let wait = (settled + chance.around(half, half)).as_secs();
            settled = SETTLED;
            let begin = self.means.clock.read();
            while self.today() == today && self.means.clock.read().abs_diff(begin) < wait {
                sleep(LOOK.min(Duration::from_secs(wait))).await;
            }
            while self.today() == today {
                let left = self.send_past_days(&mut posts).await;
                while posts.try_join_next().is_some() {}
                if left == 0 {
                    break;
                }
                self.pause(AGAIN, today).await;
            }
            while self.today() == today {
                self.pause(LOOK, today).await;
            }
        }
    }

    /// Waits, but not beyond the end of the day by more than a look at the clock.
    async fn pause(&self, time: Duration, today: i64) {
        let mut left = time;
        while self.today() == today && !left.is_zero() {
            let step = LOOK.min(left);
            sleep(step).await;
            left -= step;
        }
    }

    fn today(&self) -> i64 {
        self.means.clock.read().div_euclid(DAY)
    }

    /// Sends what is owed of all days that are over, once. Reports by HTTPS go on in `posts`.
    /// Returns how many reports wait for another time.
    pub async fn send_past_days(&self, posts: &mut JoinSet<()>) -> usize {
        match self.send_days(self.today(), posts).await {
            Ok(left) => left,
            Err(error) => {
                self.tell(Severity::Warning, "tlsrpt.ledger", &format!("TLS reports were not sent: {error}"));
                1
            }
        }
    }

    async fn send_days(&self, today: i64, posts: &mut JoinSet<()>) -> Result<usize, LedgerError> {
        let mut left = 0;
        self.means.ledger.forget_days(today - MOST_DAYS).await?;
        for day in self.means.ledger.days().await? {
            // A clock that was set back makes days of the future: they become past in time.
            if day >= today {
                continue;
            }
            let tallies = self.means.ledger.take(day).await?;
            for (domain, report) in gather::reports(&self.settings, day, &tallies) {
                left += usize::from(!self.send_one(day, domain, report, posts).await?);
            }
        }
        Ok(left)
    }

    /// Sends a report; false if that has to wait.
    async fn send_one(
        &self,
        day: i64,
        domain: String,
        report: TlsReport,
        posts: &mut JoinSet<()>,
    ) -> Result<bool, LedgerError> {
        let name = format!("_smtp._tls.{domain}");
        let texts = match self.means.lookup.texts(&name).await {
            Ok(texts) => texts,
            Err(why) => {
                let text = format!("the TLS report to {domain} has to wait: {why}");
                self.tell(Severity::Info, "tlsrpt.waits", &text);
                return Ok(false);
            }
        };
        let record = tlsrpt::select(&texts).record;
        let mut addresses: Vec<Address> =
            record.iter().flat_map(|record| &record.rua).filter_map(|uri| parse(uri)).collect();
        addresses.truncate(MOST_ADDRESSES);
        // Whoever wants no report gets none, and his tallies go.
        if !self.means.ledger.sent(day, &domain).await? || addresses.is_empty() {
            return Ok(true);
        }
        let gzip = match gzip(to_json(&report).as_bytes()) {
            Ok(gzip) => Bytes::from(gzip),
            Err(error) => {
                self.failed(&domain, &error.to_string());
                return Ok(true);
            }
        };
        let ready = Arc::new(Ready { domain, report, gzip });
        for address in addresses {
            match address {
                Address::Mail(to) => self.send_mail(&ready, &to).await,
                Address::Web { host, port, path } => {
                    let (reporter, ready) = (self.clone(), Arc::clone(&ready));
                    posts.spawn(async move { reporter.send_web(&ready, &host, port, &path).await });
                }
            }
        }
        Ok(true)
    }

    async fn send_mail(&self, ready: &Ready, to: &str) {
        let report = (ready.domain.as_str(), &ready.report);
        let now = self.means.clock.read();
        let signer = self.means.signer.as_deref();
        match mail::message(&self.settings, signer, report, to, &ready.gzip, now) {
            Err(error) => self.failed(&ready.domain, &error.to_string()),
            Ok(message) => {
                if let Err(error) = self.means.intake.take(message).await {
                    self.failed(&ready.domain, &error.to_string());
                }
            }
        }
    }

    /// Posts a report, again after a while where that fails.
    async fn send_web(&self, ready: &Ready, host: &str, port: u16, path: &str) {
        let mut waits = self.settings.retries.iter();
        loop {
            let why = match self.posts.acquire().await {
                Ok(_place) => match self.post_once(ready, host, port, path).await {
                    Ok(()) => return,
                    Err(why) => why,
                },
                Err(_) => return,
            };
            match waits.next() {
                Some(wait) => sleep(*wait).await,
                None => return self.failed(&ready.domain, &format!("https://{host}: {why}")),
            }
        }
    }

    async fn post_once(&self, ready: &Ready, host: &str, port: u16, path: &str) -> Result<(), String> {
        let addresses = self.means.lookup.addresses(host).await?;
        let agent = concat!("waxseal/", env!("CARGO_PKG_VERSION"));
        let request =
            HttpsRequest { host, path, user_agent: agent, body_bytes: ANSWER, step: STEP, total: TOTAL };
        let message = HttpsPost { request, port, content_type: GZIP_TYPE, content: ready.gzip.clone() };
        let exchange = post(&self.means.egress, (*self.means.roots).as_ref(), &addresses, &message).await;
        match exchange.result {
            Ok(response) if (200..300).contains(&response.status) => Ok(()),
            Ok(response) => Err(format!("the answer was {}", response.status)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn failed(&self, domain: &str, why: &str) {
        self.tell(
            Severity::Warning,
            "tlsrpt.failed",
            &format!("the TLS report to {domain} could not be sent: {why}"),
        );
    }

    fn tell(&self, severity: Severity, token: &'static str, text: &str) {
        self.means.events.emit(self.means.clock.read(), &Event::Note { severity, token, text });
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
