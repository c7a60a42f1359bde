//! Real mail and TLS servers on loopback, for tests and for the benchmark.
//!
//! The lab (`waxseal-lab`) is our own idea of how servers behave; these are the servers
//! themselves, as Debian ships them. Parts, in the order in which they are used:
//!
//! - [`packages`]: finds a server's programs, or fetches Debian's packages and unpacks
//!   them beside the build: mail servers cannot be installed next to one another.
//! - [`certificate`]: a certificate authority and a certificate, made by `openssl`;
//!   [`flawed`]: certificates with a flaw.
//! - [`server`]: a process of our own in a folder of its own, stopped when dropped.
//! - [`namespace`]: mounts and a network of our own, for programs that ask the system's
//!   resolver and know no port but 25; [`unbound`]: the resolver there.
//! - [`posttls_finger`]: Postfix's own probe, to compare with.
//! - [`postfix`], [`exim`], [`opensmtpd`], [`tls_server`]: one kind of server each; the
//!   mail servers also send. [`scripted`]: a server whose replies a test chooses.
//! - [`submit`]: hands a message to a server; [`source`]: many, numbered; [`sink`]: takes them.
//!
//! Everything here needs what the machine may lack (root, packages, `openssl`):
//! [`PeerError::Unavailable`] says what, and the caller skips loudly. A server that is
//! there and does not start is [`PeerError::Failed`], and no reason to skip.
//!
//! This crate never listens on anything but loopback, never ends a process that it has
//! not started, and is no part of the product: it is only ever a dev-dependency.

pub mod certificate;
pub mod exim;
pub mod flawed;
pub mod namespace;
pub mod opensmtpd;
pub mod packages;
pub mod postfix;
pub mod posttls_finger;
pub mod scripted;
pub mod server;
pub mod sink;
pub mod source;
pub mod submit;
pub mod tls_server;
pub mod unbound;

use std::fmt;

pub use exim::Exim;
pub use opensmtpd::OpenSmtpd;
pub use postfix::Postfix;
pub use posttls_finger::PosttlsFinger;
pub use scripted::Scripted;
pub use sink::Sink;
pub use source::Source;
pub use tls_server::TlsServer;
pub use unbound::Unbound;

/// Environment variable that turns real servers off when its value is `off`.
pub const SWITCH: &str = "WAXSEAL_PEERS";

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// This machine has no means for it: skip, and say why.
    #[error("{0}")]
    Unavailable(String),
    /// It should have worked: a defect here or in the set-up.
    #[error("{0}")]
    Failed(String),
}

/// The servers that this crate starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Postfix with OpenSSL.
    Postfix,
    /// Exim with GnuTLS.
    Exim,
    /// OpenSMTPD with OpenSSL.
    OpenSmtpd,
    /// `openssl s_server`.
    Openssl,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Postfix, Self::Exim, Self::OpenSmtpd, Self::Openssl];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postfix => "Postfix",
            Self::Exim => "Exim",
            Self::OpenSmtpd => "OpenSMTPD",
            Self::Openssl => "openssl s_server",
        })
    }
}

/// Makes sure that a server can be started, fetching its packages if need be, and says
/// where its program is.
///
/// # Errors
/// As [`PeerError`] says.
pub fn prepare(kind: Kind) -> Result<String, PeerError> {
    let program = match kind {
        Kind::Postfix => postfix::programs()?.path("usr/lib/postfix/sbin/master"),
        Kind::Exim => exim::programs()?.path("usr/sbin/exim4"),
        Kind::OpenSmtpd => opensmtpd::programs()?.path("usr/sbin/smtpd"),
        Kind::Openssl => packages::program("openssl", "openssl")?,
    };
    Ok(program.display().to_string())
}
