//! Who hears of events: logs and metrics.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::net::TcpListener;
use waxseal_store::spool::Spool;

use super::{StartError, system};
use crate::{
    config::Config,
    delivery::scheduler::Handle,
    event::{Events, Everyone},
    log::{Format, Log, Target},
    metrics::{self, Gauge, Metrics},
};

/// How long the last lines may take at a stop.
const LAST_LINES: Duration = Duration::from_secs(2);

/// What metrics ask when they are read; there only once the relay runs.
#[derive(Default)]
struct Asked {
    scheduler: OnceLock<Handle>,
    spool: OnceLock<Arc<dyn Spool>>,
}

/// All sinks of events.
pub(super) struct Observers {
    logs: Vec<Arc<Log>>,
    metrics: Arc<Metrics>,
    asked: Arc<Asked>,
}

impl Observers {
    /// Opens the logs.
    pub(super) fn open(config: &Config) -> Result<Self, StartError> {
        let mut logs = Vec::new();
        for (format, path, standard) in [
            (Format::Json, &config.log.json, Target::Stdout),
            (Format::Human, &config.log.human, Target::Stderr),
        ] {
            let Some(path) = path else { continue };
            let target = if path == Path::new("-") { standard } else { Target::File(path.clone()) };
            logs.push(Arc::new(Log::open(format, target).map_err(system)?));
        }
        let asked = Arc::new(Asked::default());
        let for_gauges = Arc::clone(&asked);
        let metrics = Arc::new(Metrics::new(Arc::new(move || gauges(&for_gauges))));
        Ok(Self { logs, metrics, asked })
    }

    /// All of them as one, with another one that counts for reports.
    pub(super) fn events(&self, counter: Option<Arc<dyn Events>>) -> Arc<dyn Events> {
        let mut all: Vec<Arc<dyn Events>> = vec![Arc::clone(&self.metrics) as _];
        all.extend(counter);
        all.extend(self.logs.iter().map(|log| Arc::clone(log) as Arc<dyn Events>));
        Arc::new(Everyone(all))
    }

    /// From now on metrics tell of these as well.
    pub(super) fn watch(&self, scheduler: &Handle, spool: &Arc<dyn Spool>) {
        // Called once; a second call would change nothing.
        let _ = self.asked.scheduler.set(scheduler.clone());
        let _ = self.asked.spool.set(Arc::clone(spool));
    }

    /// Answers Prometheus and load balancers.
    pub(super) fn serve(&self, listener: TcpListener) -> impl Future<Output = ()> + Send + 'static {
        let asked = Arc::clone(&self.asked);
        let health = Arc::new(move || match asked.spool.get().and_then(|spool| spool.refusal()) {
            Some(refusal) => Err(refusal.to_string()),
            None => Ok(()),
        });
        metrics::serve(listener, Arc::clone(&self.metrics), health)
    }

    /// Log files that were moved away are opened anew.
    pub(super) fn reopen(&self) {
        self.logs.iter().for_each(|log| log.reopen());
    }

    /// The last lines are written.
    pub(super) fn flush(&self) {
        for log in &self.logs {
            log.flush(LAST_LINES);
        }
    }
}

fn gauges(asked: &Asked) -> Vec<Gauge> {
    let Some(scheduler) = asked.scheduler.get() else { return Vec::new() };
    let totals = scheduler.totals();
    let queue = |state, value: usize| Gauge {
        name: "queue_recipients",
        help: "Recipients in the queue by where they are",
        label: Some(("state", state)),
        value: value as f64,
    };
    let refused = asked.spool.get().is_some_and(|spool| spool.refusal().is_some());
    vec![
        queue("waiting", totals.waiting),
        queue("ready", totals.ready),
        queue("busy", totals.busy),
        queue("held", totals.held),
        Gauge {
            name: "refusing",
            help: "1 while no message is accepted",
            label: None,
            value: f64::from(u8::from(refused)),
        },
    ]
}
