//! Reports to receiving domains (TLS-RPT, RFC 8460): how their TLS looked from here.
//!
//! - [`Counter`] is a sink of events. It puts every session into the ledger, under each of
//!   the domain's policies that were in force: DANE, MTA-STS, or none.
//! - `gather` makes one report a domain of a day's tallies.
//! - `address` reads where a domain wants it.
//! - [`Reporter`] sends them, after midnight UTC, by HTTPS or by mail.
//!
//! No report is sent twice: the ledger is told before the first attempt. What is lost when
//! the machine stops in the midst of it is one day's report to one domain. Sessions by which
//! reports go out are not counted, or two servers would report to each other for ever.

mod address;
mod count;
mod gather;
mod lookup;
mod mail;
mod reporter;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use count::Counter;
pub use lookup::{Lookup, LookupFuture};
pub use reporter::{ReportMeans, Reporter};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Who reports, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSettings {
    /// The name of this server: in the reports' ids.
    pub hostname: String,
    /// The organisation that reports.
    pub organisation: String,
    /// How to reach it, mostly an address. Its domain is the submitter.
    pub contact: String,
    /// The address that reports by mail come from, without angle brackets.
    pub from: String,
    /// Reports of a day go out at a random moment within this time after midnight UTC, so
    /// that not all senders of the world report at once; four hours at most (RFC 8460 section
    /// 5.5).
    pub spread: Duration,
    /// How long a report by mail is kept and tried, in seconds.
    pub expire: i64,
    /// When a report by HTTPS that failed is tried again, from attempt to attempt.
    pub retries: Vec<Duration>,
}

impl ReportSettings {
    /// A spread of an hour, mail kept for two days, HTTPS tried five times within a day.
    pub fn new(
        hostname: impl Into<String>,
        organisation: impl Into<String>,
        contact: impl Into<String>,
        from: impl Into<String>,
    ) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            hostname: hostname.into(),
            organisation: organisation.into(),
            contact: contact.into(),
            from: from.into(),
            spread: Duration::from_secs(3600),
            expire: 2 * DAY,
            retries: vec![minutes(15), minutes(60), minutes(240), minutes(720)],
        }
    }

    /// The domain that reports: that of the contact (RFC 8460 section 5.3), or else ours.
    fn submitter(&self) -> &str {
        self.contact.rsplit_once('@').map_or(&self.hostname, |(_, domain)| domain)
    }
}
