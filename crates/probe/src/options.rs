//! How a scan of one endpoint is bounded, and what it says about itself.

use std::time::Duration;

pub use crate::probes::every_suite::Thoroughness;

/// Limits and names for probing one endpoint.
#[derive(Debug, Clone)]
pub struct ProbeOptions {
    /// The longest wait for one step: a connection, a reply, a handshake.
    pub step_timeout: Duration,
    /// The longest time for one endpoint altogether.
    pub total_timeout: Duration,
    /// The most connections to one endpoint.
    pub budget: u32,
    /// The name for EHLO; none sends the address literal of our side, which is always
    /// valid (RFC 5321 section 4.1.3).
    pub helo: Option<String>,
    /// The name for SNI and for comparing certificates, instead of the host's.
    pub server_name: Option<String>,
    /// The way TLS starts was chosen by the user, so it is not changed when the server
    /// turns out to speak the other one.
    pub tls_start_fixed: bool,
    /// The most bytes of a server's handshake that are read.
    pub largest_flight: usize,
    /// Everything is asked, not only what a grade needs.
    pub audit: Option<AuditOptions>,
}

/// How an audit is done.
#[derive(Debug, Clone, Default)]
pub struct AuditOptions {
    /// How versions before the newest one are listed.
    pub thoroughness: Thoroughness,
    /// How many connections to one address may be open at a time; 0 and 1 are the same. More
    /// than one is for one's own servers.
    pub parallel: u8,
    /// At least this long from the start of one connection to an address to the next.
    pub interval: Duration,
    /// Other ports of mail on the same address are looked at too.
    pub siblings: bool,
}

/// At most this many connections an endpoint in a standard check.
pub const STANDARD_BUDGET: u32 = 20;

/// At most this many connections an endpoint in an audit: a stock server takes about a
/// hundred, one that accepts every suite that OpenSSL has, in every version, some two
/// hundred.
pub const AUDIT_BUDGET: u32 = 250;

impl Default for ProbeOptions {
    fn default() -> Self {
        Self {
            step_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(120),
            budget: STANDARD_BUDGET,
            helo: None,
            server_name: None,
            tls_start_fixed: false,
            largest_flight: 256 * 1024,
            audit: None,
        }
    }
}

impl ProbeOptions {
    /// How long taking leave may take: it must not delay the scan.
    pub fn leave(&self) -> Duration {
        self.step_timeout.min(Duration::from_millis(500))
    }
}
