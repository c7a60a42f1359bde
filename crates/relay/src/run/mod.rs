//! All parts put together: start, reload, stop.
//!
//! In this order: the queue is opened (and kept to ourselves), names and policies are made
//! ready, addresses are taken, the scheduler takes up what waits, and only then is mail taken.
//! A stop goes the other way round.

mod check;
mod clock;
mod intake;
mod live;
mod observers;
mod reports;
mod settings;

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, UnixListener},
    task::JoinHandle,
};
use waxseal_net::{egress::Egress, listen::Listener, resolver::Resolver, tls::server::ServerTls};
use waxseal_store::{
    ledger::{Ledger, LedgerSettings},
    spool::{Spool, sqlite::SqliteSpool},
};
use waxseal_wire::x509::RootStore;

pub use check::check;

use self::{
    clock::now,
    intake::Door,
    live::Running,
    observers::Observers,
    reports::{Around, Reports},
};
use crate::{
    config::Config,
    control::{self, Desk},
    delivery::{
        attempt::Deliverer,
        scheduler::{Handle, Scheduler},
    },
    event::{Event, Events, Severity},
    notice::{NoticeSettings, NoticeWriter},
    policy::{
        self,
        lookup::{PolicyRouter, RouterParts},
        names::Own,
        rules::Rules,
        sts::{StsClient, StsParts},
    },
    session::{self, Context},
};

/// How long attempts under way may take to end, at a stop.
const DRAIN: Duration = Duration::from_secs(60);
/// How often what is done with is forgotten.
const PURGE: Duration = Duration::from_secs(60);

/// Why the relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration, or a file that it names.
    #[error("{0}")]
    Configured(String),
    /// This machine: disk, addresses, another relay.
    #[error("{0}")]
    System(String),
}

fn system(error: impl ToString) -> StartError {
    StartError::System(error.to_string())
}

/// What runs.
struct Parts {
    file: PathBuf,
    hostname: String,
    since: i64,
    spool: Arc<dyn Spool>,
    scheduler: Handle,
    deliverer: Arc<Deliverer>,
    router: PolicyRouter,
    context: Arc<Context>,
    tls: Option<Arc<ServerTls>>,
    observers: Observers,
    events: Arc<dyn Events>,
    /// The configuration that holds.
    config: Mutex<Config>,
}

/// A running relay.
pub struct Relay {
    parts: Arc<Parts>,
    queue: Arc<SqliteSpool>,
    ledger: Ledger,
    sessions: Vec<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
    socket: PathBuf,
}

/// All addresses, held but not served yet.
struct Doors {
    listeners: Vec<(Listener, session::settings::Listening)>,
    control: UnixListener,
    socket: PathBuf,
    metrics: Option<TcpListener>,
}

impl Doors {
    /// Takes all addresses of a configuration, and the operator's socket.
    async fn bind(config: &Config) -> Result<Self, StartError> {
        let mut listeners = Vec::new();
        for own in &config.listen {
            let listener = Listener::bind(own.address).map_err(system)?;
            listeners.push((listener, settings::listening(own.kind, own.require_tls)));
        }
        let metrics = match config.metrics.listen {
            Some(address) => Some(
                TcpListener::bind(address)
                    .await
                    .map_err(|e| system(format!("[metrics] listen = \"{address}\": {e}")))?,
            ),
            None => None,
        };
        let socket = config.server.control_socket();
        let control = control::listen(&socket).await.map_err(system)?;
        Ok(Self { listeners, control, socket, metrics })
    }
}

impl Relay {
    /// Starts everything; `file` is where the configuration was read, for [`Self::reload`].
    /// When this returns, mail is taken.
    ///
    /// # Errors
    /// What is wrong, and with what.
    pub async fn start(config: Config, file: &Path) -> Result<Self, StartError> {
        let settings = settings::session(&config)?;
        let tls = settings::server_tls(&config)?;
        let roots = settings::roots(&config)?;
        let reports = Reports::read(&config)?;
        let observers = Observers::open(&config)?;
        folder(&config.server.spool)?;
        let (queue, ledger) = stores(&config).await?;
        let events = observers.events(reports.as_ref().map(|reports| reports.counter(&ledger)));
        let spool: Arc<dyn Spool> = Arc::clone(&queue) as _;
        let egress = Egress::new(settings::egress(&config));
        let resolver = Arc::new(Resolver::new(settings::resolver(&config)?).map_err(system)?);
        let router = router(&config, &resolver, &egress, &ledger, &roots, &events).await?;
        let deliverer = Arc::new(Deliverer::new(
            settings::delivery(&config),
            egress.clone(),
            Arc::clone(&roots),
            Arc::clone(&events),
        ));
        let notices = Arc::new(NoticeWriter::new(NoticeSettings::new(config.server.hostname.0.clone())));
        // Before anything is delivered: a start that fails for an address in use must not break
        // off deliveries. Clients that come meanwhile wait.
        let doors = Doors::bind(&config).await?;
        let scheduler = Scheduler::start(
            settings::scheduler(&config)?,
            Arc::clone(&spool),
            Arc::new(router.clone()),
            Arc::clone(&deliverer) as _,
            Arc::clone(&events),
            notices,
        )
        .await
        .map_err(system)?;
        observers.watch(&scheduler, &spool);
        let door = Arc::new(Door::new(Arc::clone(&spool), scheduler.clone()));
        let reporter = reports.map(|reports| {
            let (ledger, intake, events) = (ledger.clone(), Arc::clone(&door) as _, Arc::clone(&events));
            reports.reporter(Around { ledger, resolver, intake, egress, roots, events })
        });
        let context = Arc::new(Context::new(settings, tls.clone(), door, Arc::clone(&events)));
        let parts = Arc::new(Parts {
            file: file.to_owned(),
            hostname: config.server.hostname.0.clone(),
            since: now(),
            spool,
            scheduler,
            deliverer,
            router,
            context,
            tls,
            observers,
            events,
            config: Mutex::new(config),
        });
        let mut relay = Self::open(parts, queue, ledger, doors);
        relay.others.extend(reporter.map(|reporter| tokio::spawn(reporter.run())));
        Ok(relay)
    }

    /// Lets clients and operators in.
    fn open(parts: Arc<Parts>, queue: Arc<SqliteSpool>, ledger: Ledger, doors: Doors) -> Self {
        let Doors { listeners, control, socket, metrics } = doors;
        let live = Arc::new(Running(Arc::clone(&parts)));
        let desk = Arc::new(Desk::new(Arc::clone(&parts.spool), Some(live)));
        let sessions = listeners
            .into_iter()
            .map(|(listener, listening)| {
                tokio::spawn(session::serve(listener, listening, Arc::clone(&parts.context)))
            })
            .collect();
        let router = parts.router.clone();
        let mut others = vec![
            tokio::spawn(control::serve(control, desk, now)),
            tokio::spawn(purge(Arc::clone(&parts))),
            tokio::spawn(async move { router.maintain().await }),
        ];
        others.extend(metrics.map(|listener| tokio::spawn(parts.observers.serve(listener))));
        parts.note(Severity::Info, "relay.started", &format!("{} takes mail", parts.hostname));
        Self { parts, queue, ledger, sessions, others, socket }
    }

    /// Reads the configuration and certificates anew. What cannot be used changes nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn reload(&self) -> Result<String, String> {
        self.parts.reload().await
    }

    /// No more mail; what is under way gets time to end, and everything is put down.
    pub async fn stop(self) {
        self.parts.context.stop();
        for session in self.sessions {
            // A listener that panicked is gone as well.
            let _ = session.await;
        }
        let left = self.parts.scheduler.drain(DRAIN).await;
        if left.attempts + left.unsettled > 0 {
            let text = format!(
                "{} attempts had not ended and {} were not noted: they are tried again, and may come twice",
                left.attempts, left.unsettled
            );
            self.parts.note(Severity::Warning, "relay.stopped", &text);
        } else {
            self.parts.note(Severity::Info, "relay.stopped", "all that was under way has ended");
        }
        self.parts.deliverer.close();
        for other in &self.others {
            other.abort();
        }
        // Nobody is to be told that a socket or a file is gone already.
        let _ = fs::remove_file(&self.socket);
        if let Err(error) = self.ledger.close().await {
            self.parts.note(Severity::Warning, "ledger.close", &error.to_string());
        }
        self.queue.close().await;
        self.parts.observers.flush();
    }
}

impl Parts {
    fn config(&self) -> std::sync::MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, severity: Severity, token: &'static str, text: &str) {
        self.events.emit(now(), &Event::Note { severity, token, text });
    }

    fn dnssec(&self) -> Option<String> {
        Some(self.router.dnssec().in_words())
    }

    async fn policy(&self, domain: &str, sender: &str) -> Result<(serde_json::Value, String), String> {
        let explanation = self.router.explain(domain, sender).await;
        let value = serde_json::to_value(&explanation).map_err(|e| e.to_string())?;
        Ok((value, policy::text::render(&explanation)))
    }

    async fn forget_sts(&self, domain: &str) -> Result<String, String> {
        match self.router.purge(domain).await {
            Ok(true) => Ok(format!("the MTA-STS policy of {domain} is forgotten")),
            Ok(false) => Ok(format!("no MTA-STS policy was kept for {domain}")),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn reload(&self) -> Result<String, String> {
        let name = self.file.display().to_string();
        let result = self.try_reload(&name).await;
        match &result {
            Ok(text) => self.note(Severity::Info, "config.reloaded", text),
            Err(text) => self.note(Severity::Error, "config.refused", text),
        }
        result
    }

    async fn try_reload(&self, name: &str) -> Result<String, String> {
        let text = fs::read_to_string(&self.file).map_err(|e| format!("{name} cannot be read: {e}"))?;
        let config = Config::parse(name, &text).map_err(|e| e.to_string())?;
        let settings = settings::session(&config).map_err(|e| format!("{name}: {e}"))?;
        if let Some(tls) = &self.tls {
            tls.reload().map_err(|e| e.to_string())?;
        }
        let rules = Rules::new(&config.policy, &config.route).map_err(|e| format!("{name}: {e}"))?;
        self.router.set_rules(rules);
        self.context.reload(settings);
        self.observers.reopen();
        let restart = needs_restart(&self.config(), &config);
        *self.config() = config;
        Ok(match restart.as_slice() {
            [] => format!("{name} is read anew"),
            sections => {
                format!("{name} is read anew; what changed in {} needs a restart", sections.join(", "))
            }
        })
    }
}

/// Sections in which something changed that only a restart takes.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    // What a configuration holds says its debug form.
    let differ =
        |old: &dyn std::fmt::Debug, new: &dyn std::fmt::Debug| format!("{old:?}") != format!("{new:?}");
    [
        ("[server]", differ(&old.server, &new.server)),
        ("[[listen]]", differ(&old.listen, &new.listen)),
        ("[tls]", differ(&old.tls, &new.tls)),
        ("[dns]", differ(&old.dns, &new.dns)),
        ("[delivery]", differ(&old.delivery, &new.delivery)),
        ("[tlsrpt]", differ(&old.tlsrpt, &new.tlsrpt)),
        ("[log]", differ(&old.log, &new.log)),
        ("[metrics]", differ(&old.metrics, &new.metrics)),
    ]
    .into_iter()
    .filter_map(|(section, differs)| differs.then_some(section))
    .collect()
}

/// The folder of the queue, for its owner alone.
fn folder(path: &Path) -> Result<(), StartError> {
    let failed = |e: std::io::Error| system(format!("the folder of the queue, {}: {e}", path.display()));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

async fn stores(config: &Config) -> Result<(Arc<SqliteSpool>, Ledger), StartError> {
    let (path, settings) = (config.server.spool.clone(), settings::spool(config));
    let opened = tokio::task::spawn_blocking(move || {
        let queue = SqliteSpool::open(&path, settings).map_err(system)?;
        let ledger = Ledger::open(&path.join("ledger.db"), LedgerSettings::default()).map_err(system)?;
        Ok((Arc::new(queue), ledger))
    });
    opened.await.map_err(system)?
}

async fn router(
    config: &Config,
    resolver: &Arc<Resolver>,
    egress: &Egress,
    ledger: &Ledger,
    roots: &Arc<RootStore>,
    events: &Arc<dyn Events>,
) -> Result<PolicyRouter, StartError> {
    let sts = StsClient::new(StsParts {
        resolver: Arc::clone(resolver),
        egress: egress.clone(),
        roots: Arc::clone(roots),
        ledger: ledger.clone(),
        clock: policy::system_clock(),
        events: Arc::clone(events),
    });
    let rules =
        Rules::new(&config.policy, &config.route).map_err(|e| StartError::Configured(e.to_string()))?;
    let parts = RouterParts {
        resolver: Arc::clone(resolver),
        sts,
        events: Arc::clone(events),
        clock: policy::system_clock(),
        rules,
        own: Own {
            names: vec![config.server.hostname.0.clone()],
            addresses: config
                .listen
                .iter()
                .map(|l| l.address.ip())
                .filter(|ip| !ip.is_unspecified())
                .collect(),
        },
        port: settings::SMTP,
        dnssec: config.dns.dnssec,
    };
    Ok(PolicyRouter::start(parts).await)
}

/// Forgets what is done with, now and then.
async fn purge(parts: Arc<Parts>) {
    loop {
        tokio::time::sleep(PURGE).await;
        let (keep, most) = {
            let config = parts.config();
            (config.delivery.keep.as_seconds(), config.delivery.keep_messages)
        };
        if let Err(error) = parts.spool.purge(now() - keep, most).await {
            parts.note(Severity::Warning, "spool.purge", &error.to_string());
        }
    }
}
