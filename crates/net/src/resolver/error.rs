//! Why a resolver could not be set up.

use std::path::PathBuf;

/// A configuration from which no resolver can be made: the fault is ours or the user's,
/// never that of a domain.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The system's resolver configuration could not be read.
    #[error(
        "cannot read {}, where this system names its DNS servers: {source}; name one with --dns ADDR:PORT",
        path.display()
    )]
    SystemConfig {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system's resolver configuration names no usable server.
    #[error("{} names no DNS server; name one with --dns ADDR:PORT", path.display())]
    NoServers {
        /// The file.
        path: PathBuf,
    },
    /// The trust anchor text is not DS or DNSKEY records in zone-file form.
    #[error("the trust anchor cannot be used: {0}")]
    TrustAnchor(String),
}
