//! The queue as an operator looks at it, at one moment.

use serde::Serialize;

/// The whole queue.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Snapshot {
    /// Recipients, by where they are.
    pub totals: Totals,
    /// Attempts that are being made.
    pub attempts: usize,
    /// Attempts that have ended and are being noted in the spool.
    pub settling: usize,
    /// Why nothing new is tried, if that is so.
    pub stopped: Option<String>,
    /// Domains that there is mail for, those with most recipients first.
    pub domains: Vec<DomainView>,
    /// Sites that are in use or left alone, those with most waiting for them first.
    pub sites: Vec<SiteView>,
    /// Sites that keep mail waiting for want of TLS, longest first.
    pub watches: Vec<WatchView>,
}

/// Recipients, by where they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Tried again later.
    pub waiting: usize,
    /// Due, and waiting for a connection.
    pub ready: usize,
    /// Being tried.
    pub busy: usize,
    /// Set aside.
    pub held: usize,
}

/// A domain with mail in the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DomainView {
    /// The domain.
    pub domain: String,
    /// Where its mail went last.
    pub site: Option<String>,
    /// Its recipients.
    pub recipients: Totals,
    /// The oldest message with a recipient there; ids grow with time.
    pub oldest: u64,
    /// Seconds until the next of its waiting recipients is tried.
    pub next_in: Option<u32>,
    /// Reasons of last attempts, with recipients, most first.
    pub reasons: Vec<(String, usize)>,
}

/// A site.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SiteView {
    /// Its key: the names of its hosts.
    pub site: String,
    /// Bundles that wait for a connection.
    pub queued: usize,
    /// Attempts that are being made.
    pub attempts: u32,
    /// How many of them there may be.
    pub limit: u32,
    /// It failed several times running and is left alone.
    pub open: bool,
    /// Seconds for which it is left alone still. None while one attempt is to tell.
    pub open_for: Option<u32>,
    /// What the last failure of the site was.
    pub trouble: Option<String>,
}

/// A site that keeps mail waiting for want of TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WatchView {
    /// The site; none until it was looked up after a restart.
    pub site: Option<String>,
    /// The domain that is probed.
    pub domain: String,
    /// The level that is demanded, in a word.
    pub level: Option<String>,
    /// Why.
    pub reason: String,
    /// Since when (seconds since 1970-01-01 UTC), as far as is known: after a restart, since
    /// the last attempt before it.
    pub since: i64,
    /// Recipients that wait for it.
    pub recipients: usize,
    /// Seconds until the next probe; none while one is under way.
    pub next_in: Option<u32>,
    /// Probes that have failed.
    pub probes: u32,
    /// When the last one ended (seconds since 1970-01-01 UTC).
    pub probed_at: Option<i64>,
    /// What it said.
    pub last: Option<String>,
}

/// What a probe found that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probed {
    /// The site.
    pub site: String,
    /// The domain that was probed.
    pub domain: String,
    /// The site gives what is demanded. Otherwise mail would be kept.
    pub passed: bool,
    /// The reason's token, where it did not pass.
    pub reason: Option<String>,
    /// Through which host and how it passed, or the reply that a message would have got.
    pub text: String,
    /// Recipients that were waiting for it and are tried now.
    pub released: usize,
}
