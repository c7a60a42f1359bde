//! What a mail log told, counted: who got mail encrypted and who in clear, what failed and
//! why, what still waits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    diagnosis::{Retry, Side},
    mail::Protection,
};

/// The summary of one or several logs. Every number is a number of events in them; what was
/// left out to bound memory is said in `notes` and counted in `others`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogSummary {
    /// Version of this format.
    pub schema_version: u32,
    /// What was read.
    pub files: Vec<LogFile>,
    /// Whose lines were found, most first.
    pub programs: Vec<ProgramLines>,
    /// Lines that were read.
    pub lines: u64,
    /// Events that were counted.
    pub events: u64,
    /// The time of the first event, seconds since 1970-01-01 UTC.
    pub first: Option<i64>,
    /// The time of the last one.
    pub last: Option<i64>,
    /// Events before this time were left out.
    pub since: Option<i64>,
    /// Only mail to this domain, provider or host was counted.
    pub to: Option<String>,
    /// Deliveries to other hosts, by how they were protected.
    pub delivered: Traffic,
    /// Deliveries to mailboxes and programs of the reporting host itself.
    pub kept: u64,
    /// Attempts that failed for now.
    pub deferred: u64,
    /// Deliveries that were given up.
    pub failed: u64,
    /// Messages that came in, by how their sessions were protected.
    pub received: Traffic,
    /// Commands and sessions of others that the reporting host refused.
    pub rejected: u64,
    /// The recipients' domains, most deliveries first.
    pub domains: Vec<DomainTraffic>,
    /// Domains that are not listed.
    pub others: Others,
    /// Who runs the hosts that took the mail (the domain of the MX), most deliveries first.
    pub sites: Vec<SiteTraffic>,
    /// Why deliveries were deferred and given up, most first.
    pub causes: Vec<LogCause>,
    /// Why the reporting host refused others, most first.
    pub rejections: Vec<LogCause>,
    /// From where mail went out, by our address or by the host or instance that logged it.
    pub sources: Vec<SourceTraffic>,
    /// What was still waiting at the end.
    pub waiting: Waiting,
    /// How deliveries to other hosts were protected, over time.
    pub times: Times,
    /// What changed since an earlier run.
    pub change: Option<LogChange>,
    /// What a reader has to know to read the numbers right. One sentence each.
    pub notes: Vec<String>,
}

/// A file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogFile {
    /// Its name; `-` is standard input.
    pub name: String,
    /// Lines.
    pub lines: u64,
    /// Lines of mail programs that are known.
    pub recognised: u64,
    /// Bytes, as they were after unpacking.
    pub bytes: u64,
    /// Why it could not be read, or not to its end.
    pub problem: Option<String>,
}

/// How many lines a program has written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProgramLines {
    /// The format's name, as in an event's source.
    pub format: String,
    /// The program's.
    pub program: String,
    /// Lines.
    pub lines: u64,
}

/// Deliveries, by how they were protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Traffic {
    /// Encrypted, and the other side's certificate was compared with its name.
    pub authenticated: u64,
    /// Encrypted.
    pub encrypted: u64,
    /// In clear.
    pub clear: u64,
    /// The log does not say.
    pub unknown: u64,
}

impl Traffic {
    /// Counts `n` deliveries.
    pub fn add(&mut self, protection: Option<Protection>, n: u64) {
        match protection {
            Some(Protection::Authenticated) => self.authenticated += n,
            Some(Protection::Encrypted) => self.encrypted += n,
            Some(Protection::Clear) => self.clear += n,
            None => self.unknown += n,
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.authenticated += other.authenticated;
        self.encrypted += other.encrypted;
        self.clear += other.clear;
        self.unknown += other.unknown;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.authenticated + self.encrypted + self.clear + self.unknown
    }

    /// Those of which the log says how they were protected.
    pub fn known(&self) -> u64 {
        self.authenticated + self.encrypted + self.clear
    }
}

/// Deliveries to one domain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DomainTraffic {
    /// The domain of the recipients.
    pub domain: String,
    /// Deliveries.
    pub delivered: Traffic,
    /// Attempts that failed for now.
    pub deferred: u64,
    /// Deliveries that were given up.
    pub failed: u64,
    /// The hosts that took the mail, most deliveries first; the rest is not listed.
    pub hosts: Vec<HostTraffic>,
    /// Attempts in clear among those that failed.
    pub tried_in_clear: u64,
    /// What the sending server said shortly before it delivered in clear.
    pub why_clear: Option<String>,
    /// Its counts are complete: nothing of it was left out to bound memory.
    pub complete: bool,
}

/// Deliveries to one host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HostTraffic {
    /// Its name, or its address where there is no name.
    pub host: String,
    /// Deliveries.
    pub delivered: Traffic,
}

/// Deliveries to the hosts of one operator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SiteTraffic {
    /// The domain that the hosts' names share.
    pub site: String,
    /// Deliveries.
    pub delivered: Traffic,
    /// Attempts that failed for now or for good.
    pub undelivered: u64,
}

/// Deliveries from one of our addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SourceTraffic {
    /// The address, or the name of the host or instance that logged the delivery.
    pub source: String,
    /// Deliveries.
    pub delivered: Traffic,
}

/// What is not listed by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Others {
    /// How many there are; at least so many where memory was bounded.
    pub count: u64,
    /// Deliveries.
    pub delivered: Traffic,
    /// Attempts that failed for now or for good.
    pub undelivered: u64,
}

/// How often one cause struck.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogCause {
    /// The cause's name, `starttls_missing`.
    pub cause: String,
    /// The family it belongs to, `tls`.
    pub family: String,
    /// What happened, in one sentence.
    pub summary: String,
    /// Who must act.
    pub side: Side,
    /// Whether a retry helps.
    pub retry: Retry,
    /// Attempts that failed for now.
    pub deferred: u64,
    /// Deliveries that were given up, or commands that were refused.
    pub failed: u64,
    /// When it was seen first.
    pub first: Option<i64>,
    /// When it was seen last.
    pub last: Option<i64>,
    /// The domains that it struck most, with how often; refused clients' domains or
    /// addresses in a rejection.
    pub struck: Vec<Struck>,
    /// One line of the log that shows it.
    pub example: String,
    /// What to change, the most promising first, in one line.
    pub fix: Option<String>,
    /// A setting or command to paste for that.
    pub paste: Option<String>,
}

impl LogCause {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.deferred + self.failed
    }
}

/// Whom a cause struck.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Struck {
    /// The domain or address.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// What was still in the queue when the log ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Waiting {
    /// Recipients whose last attempt was deferred; at least so many where some were not followed.
    pub recipients: u64,
    /// Deferred attempts of recipients that were not followed, to bound memory.
    pub not_followed: u64,
    /// When the first attempt for the one that waits longest failed.
    pub oldest: Option<i64>,
    /// By domain, most first.
    pub domains: Vec<WaitingDomain>,
}

/// What waits for one domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WaitingDomain {
    /// The domain.
    pub domain: String,
    /// Recipients.
    pub recipients: u64,
    /// When the first attempt for the one that waits longest failed.
    pub oldest: Option<i64>,
    /// Why, by the last of its deferrals.
    pub cause: Option<String>,
}

/// Deliveries over time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Times {
    /// How long each span is, in seconds.
    pub span: i64,
    /// The spans in which anything was delivered, in order.
    pub spans: Vec<TimeSpan>,
}

/// Deliveries in one span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TimeSpan {
    /// Its beginning.
    pub start: i64,
    /// Deliveries.
    pub delivered: Traffic,
}

/// What changed since an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogChange {
    /// When the earlier run's log ended.
    pub earlier_last: Option<i64>,
    /// Deliveries of the earlier run.
    pub earlier: Traffic,
    /// Causes that were not there before.
    pub new_causes: Vec<String>,
    /// Causes that are gone.
    pub gone_causes: Vec<String>,
    /// Domains that get mail in clear and did not before, or the other way round.
    pub domains: Vec<DomainChange>,
}

/// How the protection of mail to a domain changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DomainChange {
    /// The domain.
    pub domain: String,
    /// Then.
    pub before: Traffic,
    /// Now.
    pub now: Traffic,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_adds_up() {
        let mut traffic = Traffic::default();
        traffic.add(Some(Protection::Authenticated), 1);
        traffic.add(Some(Protection::Encrypted), 2);
        traffic.add(Some(Protection::Clear), 3);
        traffic.add(None, 4);
        let mut twice = traffic;
        twice.merge(&traffic);
        assert_eq!((traffic.total(), traffic.known(), twice.total()), (10, 6, 20));
    }

    #[test]
    fn a_summary_of_an_older_version_is_read_with_what_it_has() {
        let summary: LogSummary = serde_json::from_str(r#"{"schema_version":1,"lines":3}"#).unwrap();
        assert_eq!((summary.lines, summary.domains.len()), (3, 0));
    }
}
