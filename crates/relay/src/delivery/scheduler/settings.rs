//! How the scheduler works.

use std::time::Duration;

use crate::delivery::{breaker::BreakerSettings, clock::WallClock, retry::Schedule};

/// How the scheduler works. The defaults are meant for a relay of any size.
#[derive(Debug, Clone)]
pub struct Settings {
    /// When a recipient is tried again.
    pub retry: Schedule,
    /// After which times the sender is told that a message still waits.
    pub delay_notices: Vec<Duration>,
    /// Attempts at a time, in all. Sites that have not taken anything yet, or failed last, get
    /// three quarters of them together.
    pub connections: usize,
    /// Attempts at a time at one site, at the most.
    pub connections_per_site: u32,
    /// Attempts at a time at one site that is not known yet, or was just mended.
    pub first_connections: u32,
    /// Recipients in one attempt.
    pub recipients_per_message: usize,
    /// Bytes of messages that are kept in memory between their coming and their first attempt.
    /// Beyond it they are read from the spool when their turn has come.
    pub body_memory: usize,
    /// Bytes of large bodies (above 1 MiB) that are read from the spool at a time.
    pub large_bodies: u64,
    /// Attempts that have ended and are not noted in the spool yet. Nothing new is tried
    /// beyond it: so many messages at the most go out twice after a crash.
    pub unsettled: usize,
    /// Recipients that come out of their waiting in a second, at the most. New messages are
    /// not counted.
    pub release_per_second: u32,
    /// Domains whose route is looked up for the first time, at a time.
    pub lookups: usize,
    /// When a site is left alone.
    pub breaker: BreakerSettings,
    /// How often a site without TLS is asked whether it has it by now: at first, and at the
    /// most.
    pub watch: [Duration; 2],
    /// Such questions at a time.
    pub probes: usize,
    /// Recipients that stand in a line without an attempt for so long are looked at, whether
    /// their time is up or a delay is to be told; and again after as long.
    pub review: Duration,
    /// The wall clock.
    pub clock: WallClock,
    /// Where chance begins; none for the system's choice.
    pub seed: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            retry: Schedule::Ess,
            delay_notices: vec![4 * HOUR, 24 * HOUR],
            connections: 500,
            connections_per_site: 20,
            first_connections: 5,
            recipients_per_message: 100,
            body_memory: 64 * 1024 * 1024,
            large_bodies: 256 * 1024 * 1024,
            unsettled: 512,
            release_per_second: 5000,
            lookups: 100,
            breaker: BreakerSettings::default(),
            watch: [Duration::from_secs(60), Duration::from_secs(300)],
            probes: 20,
            review: HOUR / 2,
            clock: WallClock::default(),
            seed: None,
        }
    }
}
