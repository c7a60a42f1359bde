//! The counts of all events.

use waxseal_model::{
    SCHEMA_VERSION,
    logs::{LogFile, LogSummary},
    mail::Outcome,
};

use super::{
    causes::Causes,
    domains::{Domains, Happened, Sources},
    filter::Filter,
    times::Spans,
    waiting::{MOST_OF_MESSAGE, Queue},
};
use crate::read::log::{Kind, LogFormat, LogRecord};

/// Domains that are kept by name.
const MOST_DOMAINS: usize = 50_000;
/// Recipients in the queue that are kept.
const MOST_WAITING: usize = 200_000;

/// Counts events, one by one.
#[derive(Debug)]
pub struct Summarizer {
    filter: Filter,
    summary: LogSummary,
    domains: Domains,
    sources: Sources,
    causes: Causes,
    queue: Queue,
    spans: Spans,
    /// Of each program: deliveries of which the log says how they were protected, and others.
    said: [(u64, u64); LogFormat::ALL.len()],
}

impl Summarizer {
    /// Nothing is counted yet.
    pub fn new(filter: Filter) -> Self {
        Self::bounded(filter, MOST_DOMAINS, MOST_WAITING)
    }

    fn bounded(filter: Filter, domains: usize, waiting: usize) -> Self {
        let to = filter.to.as_ref().map(|to| to.name().to_owned());
        let summary =
            LogSummary { schema_version: SCHEMA_VERSION, since: filter.since, to, ..LogSummary::default() };
        Self {
            filter,
            summary,
            domains: Domains::new(domains),
            sources: Sources::new(),
            causes: Causes::new(),
            queue: Queue::new(waiting),
            spans: Spans::new(),
            said: [(0, 0); LogFormat::ALL.len()],
        }
    }

    /// Counts an event, if the filter takes it.
    pub fn add(&mut self, record: &LogRecord<'_>) {
        match record.kind {
            // A message that is gone waits no more, whatever the filter says.
            Kind::Removed => return drop(self.queue.remove(record)),
            Kind::Expired => return self.expire(record),
            Kind::Delivery | Kind::Local => {
                if record.outcome != Outcome::Deferred {
                    self.queue.settle(record);
                }
            }
            Kind::Rejection | Kind::Arrival(_) => {}
        }
        let incoming = matches!(record.kind, Kind::Rejection | Kind::Arrival(_));
        if incoming && self.filter.to.is_some() || !self.filter.takes(record) {
            return;
        }
        self.note_time(record);
        match record.kind {
            Kind::Arrival(messages) => self.summary.received.add(record.protection, messages.into()),
            Kind::Rejection => {
                self.summary.rejected += 1;
                self.causes.add(record);
            }
            _ => self.deliver(record),
        }
    }

    fn note_time(&mut self, record: &LogRecord<'_>) {
        self.summary.events += 1;
        if let Some(time) = record.time {
            let (first, last) = (self.summary.first, self.summary.last);
            self.summary.first = Some(first.map_or(time, |first| first.min(time)));
            self.summary.last = Some(last.map_or(time, |last| last.max(time)));
        }
    }

    fn deliver(&mut self, record: &LogRecord<'_>) {
        let local = record.kind == Kind::Local;
        match record.outcome {
            Outcome::Delivered if local => {
                self.summary.kept += 1;
                return;
            }
            Outcome::Delivered => self.sent(record),
            Outcome::Deferred => self.summary.deferred += 1,
            Outcome::Failed => self.summary.failed += 1,
            _ => return,
        }
        let domain = self.domains.add(&Happened {
            domain: record.domain(),
            host: if record.remote_host.is_empty() { record.remote_address } else { record.remote_host },
            outcome: record.outcome,
            protection: record.protection,
            before: record.context.last().map(String::as_str),
        });
        if record.outcome != Outcome::Delivered {
            let cause = self.causes.add(record);
            if record.outcome == Outcome::Deferred {
                self.queue.defer(record, domain, cause);
            }
        }
    }

    fn sent(&mut self, record: &LogRecord<'_>) {
        self.summary.delivered.add(record.protection, 1);
        self.sources.add(record.client_address, record.reporter, record.instance, record.protection);
        if let Some(time) = record.time {
            self.spans.add(time, record.protection);
        }
        if let Some((known, unknown)) = self.said.get_mut(record.format as usize) {
            *if record.protection.is_some() { known } else { unknown } += 1;
        }
    }

    /// All who still waited are given up.
    fn expire(&mut self, record: &LogRecord<'_>) {
        let gone = self.queue.remove(record);
        if self.filter.since.is_some_and(|since| record.time.is_none_or(|time| time < since)) {
            return;
        }
        for (domain, cause) in gone {
            self.summary.failed += 1;
            self.domains.fail(domain);
            self.causes.give_up(cause);
        }
    }

    /// The counts, sorted, with what has to be known to read them.
    pub fn finish(self) -> LogSummary {
        let mut summary = self.summary;
        summary.notes = notes(&self.said, self.domains.folded(), self.queue.not_followed());
        summary.waiting = self
            .queue
            .finish(|key| self.domains.name(key).map(str::to_owned), |cause| self.causes.name(cause));
        (summary.causes, summary.rejections) = self.causes.finish();
        (summary.domains, summary.sites, summary.others) = self.domains.finish();
        summary.sources = self.sources.finish();
        summary.times = self.spans.finish();
        summary
    }
}

/// Why something is not known, and how to make it known.
fn notes(said: &[(u64, u64); LogFormat::ALL.len()], folded: bool, not_followed: u64) -> Vec<String> {
    let mut notes = Vec::new();
    for (format, (known, unknown)) in LogFormat::ALL.iter().zip(said).filter(|(_, said)| said.1 > 0) {
        let program = format.program();
        let how = match format {
            LogFormat::Postfix if *known > 0 => {
                "Their sessions began before the log does, or one of several servers has smtp_tls_loglevel = 0"
            }
            LogFormat::Postfix => "It does with: postconf -e smtp_tls_loglevel=1 && postfix reload",
            LogFormat::Sendmail => "It does with LogLevel=9 or higher in sendmail.cf",
            LogFormat::ExchangeTracking => {
                "The SMTP send protocol log does: Set-SendConnector NAME -ProtocolLoggingLevel Verbose"
            }
            LogFormat::Qmail => "It never does",
            LogFormat::Exim | LogFormat::OpenSmtpd | LogFormat::ExchangeProtocol => {
                "Their sessions began before the log does"
            }
        };
        let total = known + unknown;
        notes.push(format!(
            "{program} does not say of {unknown} of {total} deliveries whether they were encrypted. {how}."
        ));
    }
    if folded {
        notes.push(format!(
            "There are more than {MOST_DOMAINS} domains: those with few deliveries are counted together, and may be \
             counted there more than once."
        ));
    }
    if not_followed > 0 {
        notes.push(format!(
            "More recipients waited than are followed ({MOST_WAITING} in all, {MOST_OF_MESSAGE} of one message): \
             {not_followed} deferred attempts were of others, and at least so many wait as are told."
        ));
    }
    notes
}

/// Whether mail went out in clear, or TLS kept it from going out.
pub fn is_exposed(summary: &LogSummary) -> bool {
    summary.delivered.clear > 0 || summary.causes.iter().any(|cause| cause.family == "tls")
}

/// Whether the logs were read to their ends, mail was delivered, and they say how it was
/// protected, but for one in a hundred: sessions that began before the log did.
pub fn is_known(summary: &LogSummary) -> bool {
    let sent = &summary.delivered;
    let read = |file: &LogFile| file.problem.is_none() && (file.recognised > 0 || file.lines == 0);
    sent.total() > 0 && sent.unknown * 100 <= sent.total() && summary.files.iter().all(read)
}

#[cfg(test)]
mod tests {
    use waxseal_model::{logs::Traffic, mail::Protection};

    use super::*;

    fn sent(recipient: &str, protection: Option<Protection>) -> LogRecord<'_> {
        LogRecord {
            outcome: Outcome::Delivered,
            recipient,
            remote_host: "mx.b.example",
            protection,
            time: Some(1_763_768_085),
            queue_id: "Q",
            ..LogRecord::default()
        }
    }

    #[test]
    fn each_kind_of_event_has_its_count() {
        let mut counts = Summarizer::new(Filter::default());
        counts.add(&sent("a@b.example", Some(Protection::Encrypted)));
        counts.add(&sent("a@b.example", None));
        counts.add(&LogRecord { kind: Kind::Local, ..sent("a@own.example", None) });
        counts.add(&LogRecord {
            kind: Kind::Arrival(3),
            protection: Some(Protection::Clear),
            ..LogRecord::default()
        });
        let rejection = LogRecord {
            kind: Kind::Rejection,
            outcome: Outcome::Rejected,
            text: "554 5.7.1 Relay access denied",
            client_address: "192.0.2.9",
            ..LogRecord::default()
        };
        counts.add(&rejection);
        let deferred = LogRecord {
            outcome: Outcome::Deferred,
            text: "connect to c.example: Connection timed out",
            protection: None,
            ..sent("a@c.example", None)
        };
        counts.add(&deferred);
        counts.add(&LogRecord { recipient: "b@c.example", queue_id: "R", ..deferred });
        counts.add(&LogRecord {
            kind: Kind::Expired,
            outcome: Outcome::Failed,
            queue_id: "R",
            ..LogRecord::default()
        });
        let summary = counts.finish();
        assert_eq!((summary.delivered.encrypted, summary.delivered.unknown, summary.kept), (1, 1, 1));
        assert_eq!((summary.received.clear, summary.rejected), (3, 1));
        assert_eq!((summary.deferred, summary.failed, summary.waiting.recipients), (2, 1, 1));
        assert_eq!(summary.rejections[0].struck[0].name, "192.0.2.9");
        assert_eq!(summary.causes.iter().map(|c| c.total()).sum::<u64>(), 3);
        assert!(summary.notes[0].contains("smtp_tls_loglevel"), "{:?}", summary.notes);
        assert_eq!((summary.times.spans.len(), summary.sites[0].site.as_str()), (1, "b.example"));
        assert!(!is_exposed(&summary) && !is_known(&summary));
    }

    #[test]
    fn what_is_known_was_delivered_and_read_to_the_end() {
        let delivered = |encrypted, unknown| Traffic { encrypted, unknown, ..Traffic::default() };
        let file = LogFile { lines: 5, recognised: 5, ..LogFile::default() };
        let known = LogSummary {
            delivered: delivered(99, 1),
            files: vec![file.clone(), LogFile::default()],
            ..LogSummary::default()
        };
        assert!(is_known(&known));
        let broken = LogFile { problem: Some("the stream ends early".into()), ..file.clone() };
        let other = LogFile { recognised: 0, ..file };
        for unknown in [
            LogSummary { delivered: delivered(98, 2), ..known.clone() },
            LogSummary { delivered: delivered(0, 0), ..known.clone() },
            LogSummary { files: vec![broken], ..known.clone() },
            LogSummary { files: vec![other], ..known },
        ] {
            assert!(!is_known(&unknown), "{unknown:#?}");
        }
    }

    #[test]
    fn the_filter_leaves_out_what_is_not_asked_for() {
        let filter =
            Filter { since: Some(100), to: Some(super::super::filter::Destination::new("b.example")) };
        let mut counts = Summarizer::new(filter);
        counts.add(&sent("a@b.example", None));
        counts.add(&LogRecord { time: Some(99), ..sent("a@b.example", None) });
        counts.add(&LogRecord { remote_host: "mx.c.example", ..sent("a@c.example", None) });
        counts.add(&LogRecord { kind: Kind::Arrival(3), time: Some(200), ..LogRecord::default() });
        let summary = counts.finish();
        assert_eq!((summary.delivered.total(), summary.received.total(), summary.events), (1, 0, 1));
        assert_eq!((summary.to.as_deref(), summary.since), (Some("b.example"), Some(100)));
    }

    #[test]
    fn memory_does_not_grow_with_the_log() {
        let mut counts = Summarizer::bounded(Filter::default(), 1000, 1000);
        for n in 0..100_000u32 {
            let recipient = format!("a{n}@d{}.example", n % 50_021);
            let host = format!("mx.d{n}.example");
            let queue_id = format!("Q{n}");
            let record = LogRecord { remote_host: &host, queue_id: &queue_id, ..sent(&recipient, None) };
            counts.add(&record);
            if n % 10 == 0 {
                let text = format!("550 5.1.1 {n} no such user");
                counts.add(&LogRecord { outcome: Outcome::Deferred, text: &text, ..record });
            }
        }
        let summary = counts.finish();
        assert!(summary.domains.len() <= 1000 && summary.sites.len() <= 1001 && summary.causes.len() < 20);
        assert_eq!(summary.waiting.recipients, 1000);
        let listed: u64 = summary.domains.iter().map(|d| d.delivered.total()).sum();
        assert_eq!(listed + summary.others.delivered.total(), 100_000);
        assert_eq!(summary.notes.len(), 3, "{:?}", summary.notes);
    }
}
