//! What happened, counted, for Prometheus; and whether all is well, for load balancers.
//!
//! Labels are words of ours from short lists: never a domain, an address or a text of a
//! peer, so that the number of series is bounded.

mod process;
mod serve;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram, info::Info},
    registry::Registry,
};
use waxseal_store::spool::{Attempt, State};

use crate::{
    delivery::reason,
    event::{Event, Events, Severity},
};

pub use serve::{Health, serve};

/// Upper ends of the buckets of ages, in seconds: from a second to a week.
const AGES: [f64; 12] =
    [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0, 604_800.0];
/// The label of what is in no list.
const OTHER: &str = "other";

/// A value that is asked for when it is wanted: the length of the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// The name behind `waxseal_`: `queue_recipients`.
    pub name: &'static str,
    /// What it is, in a sentence without the full stop.
    pub help: &'static str,
    /// One label and its value, where the name has several: `("state", "held")`.
    pub label: Option<(&'static str, &'static str)>,
    /// The value.
    pub value: f64,
}

/// Where gauges come from. Must not block; those of one name follow each other.
pub type Gauges = Arc<dyn Fn() -> Vec<Gauge> + Send + Sync>;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AttemptLabels {
    end: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ProtectionLabels {
    protection: &'static str,
    by: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TlsLabels {
    policy: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SeverityLabel {
    severity: &'static str,
}

/// The counters, as one sink of events.
pub struct Metrics {
    registry: Registry,
    reasons: HashMap<&'static str, &'static str>,
    accepted: Counter,
    recipients: Counter,
    bytes: Counter,
    refused: Family<StageLabel, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    deliveries: Family<ProtectionLabels, Counter>,
    age: Histogram,
    sessions: Counter,
    failures: Family<TlsLabels, Counter>,
    watching: Family<ReasonLabel, Counter>,
    mended: Family<ReasonLabel, Counter>,
    mended_after: Histogram,
    notes: Family<SeverityLabel, Counter>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Counters at zero, with gauges that are asked whenever the metrics are read.
    pub fn new(gauges: Gauges) -> Self {
        let ages = || Histogram::new(AGES);
        let mut metrics = Self {
            registry: Registry::default(),
            reasons: reason::ALL.into_iter().map(|token| (token, token)).collect(),
            accepted: Counter::default(),
            recipients: Counter::default(),
            bytes: Counter::default(),
            refused: Family::default(),
            attempts: Family::default(),
            deliveries: Family::default(),
            age: ages(),
            sessions: Counter::default(),
            failures: Family::default(),
            watching: Family::default(),
            mended: Family::default(),
            mended_after: ages(),
            notes: Family::default(),
        };
        metrics.register(gauges);
        metrics.registry.register_collector(Box::new(process::Process));
        metrics
    }

    fn register(&mut self, gauges: Gauges) {
        let r = self.registry.sub_registry_with_prefix("waxseal");
        r.register_collector(Box::new(Asked(gauges)));
        r.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        r.register("messages_accepted", "Messages that were taken", self.accepted.clone());
        r.register("recipients_accepted", "Recipients of messages that were taken", self.recipients.clone());
        r.register("bytes_accepted", "Bytes of messages that were taken", self.bytes.clone());
        r.register("refused", "What clients were refused, by command or moment", self.refused.clone());
        r.register("attempts", "Attempts for one recipient, by their end and reason", self.attempts.clone());
        let help =
            "Deliveries to one recipient, by how the connection was protected and the server proved itself";
        r.register("deliveries", help, self.deliveries.clone());
        r.register("delivery_age_seconds", "Age of messages when they were delivered", self.age.clone());
        r.register("tls_sessions", "Sessions in or for TLS with MX hosts", self.sessions.clone());
        let help = "Sessions that failed a published policy, by policy and result as TLS reports have them";
        r.register("tls_failures", help, self.failures.clone());
        r.register("sites_watched", "Sites that were put under watch for want of TLS", self.watching.clone());
        r.register("sites_mended", "Sites under watch that were found to be good again", self.mended.clone());
        r.register("mended_after_seconds", "How long sites were under watch", self.mended_after.clone());
        r.register("notes", "What operators were told, by severity", self.notes.clone());
    }

    /// The metrics in the text form of OpenMetrics.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut out, &self.registry);
        out
    }

    fn attempted(&self, state: State, attempt: &Attempt, age: i64) {
        let token = attempt.reason.as_deref().unwrap_or("none");
        let reason = if token == "none" { "none" } else { self.reason(token) };
        let end = match state {
            State::Queued if attempt.maybe_delivered => "unknown",
            State::Queued => "deferred",
            other => other.word(),
        };
        self.attempts.get_or_create(&AttemptLabels { end, reason }).inc();
        if state == State::Delivered {
            let (protection, by) = protection(&attempt.channel);
            self.deliveries.get_or_create(&ProtectionLabels { protection, by }).inc();
            self.age.observe(seconds(age));
        }
    }

    fn reason(&self, token: &str) -> &'static str {
        self.reasons.get(token).copied().unwrap_or(OTHER)
    }
}

impl Events for Metrics {
    fn emit(&self, _now: i64, event: &Event<'_>) {
        match event {
            Event::Accepted { recipients, size, .. } => {
                self.accepted.inc();
                self.recipients.inc_by(*recipients as u64);
                self.bytes.inc_by(*size);
            }
            Event::Refused { stage, .. } => {
                self.refused.get_or_create(&StageLabel { stage }).inc();
            }
            Event::Attempted { state, attempt, age, .. } => self.attempted(*state, attempt, *age),
            Event::Tls(session) => {
                self.sessions.inc();
                let failure = session.failure;
                let failures =
                    [("tlsa", failure.and_then(|f| f.tlsa())), ("sts", failure.and_then(|f| f.sts()))];
                for (policy, result) in failures {
                    if let Some(result) = result {
                        self.failures.get_or_create(&TlsLabels { policy, result: result.word() }).inc();
                    }
                }
            }
            Event::Mended { reason, after, .. } => {
                self.mended.get_or_create(&ReasonLabel { reason: self.reason(reason) }).inc();
                self.mended_after.observe(seconds(*after));
            }
            Event::Watching { reason, .. } => {
                self.watching.get_or_create(&ReasonLabel { reason: self.reason(reason) }).inc();
            }
            Event::Note { severity, .. } => {
                let severity = match severity {
                    Severity::Info => "info",
                    Severity::Warning => "warning",
                    Severity::Error => "error",
                };
                self.notes.get_or_create(&SeverityLabel { severity }).inc();
            }
        }
    }
}

/// Whole seconds, as histograms have them.
fn seconds(seconds: i64) -> f64 {
    f64::from(i32::try_from(seconds.max(0)).unwrap_or(i32::MAX))
}

/// How a channel in words (`TLSv1.3 …, authenticated by DANE`) was protected, and by what the
/// server proved itself.
fn protection(channel: &str) -> (&'static str, &'static str) {
    if channel == "clear" {
        return ("clear", "none");
    }
    let Some((_, by)) = channel.split_once(", authenticated by ") else {
        return (if channel.is_empty() { OTHER } else { "encrypted" }, "none");
    };
    let known = [
        ("DANE", "dane"),
        ("MTA-STS", "mta_sts"),
        ("a name of your rule", "operator_name"),
        ("a key of your rule", "fingerprint"),
        ("its certificate", "certificate"),
    ];
    ("authenticated", known.iter().find(|(words, _)| *words == by).map_or(OTHER, |(_, label)| label))
}

/// Gauges that others read.
struct Asked(Gauges);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauges = (self.0)();
        for several in gauges.chunk_by(|a, b| a.name == b.name) {
            let Some(first) = several.first() else { continue };
            let kind = ConstGauge::new(first.value).metric_type();
            let mut metric = encoder.encode_descriptor(first.name, first.help, None, kind)?;
            if first.label.is_none() {
                ConstGauge::new(first.value).encode(metric)?;
                continue;
            }
            for gauge in several {
                let label: Vec<(&str, &str)> = gauge.label.into_iter().collect();
                ConstGauge::new(gauge.value).encode(metric.encode_family(&label)?)?;
            }
        }
        Ok(())
    }
}
