//! The lab's servers. Each is a value that says in what it differs from a sound server:
//!
//! 1. If [`smtp::Smtp`], [`crate::pki::Leaf`] or [`raw::Raw`] has a field or variant for the
//!    new behaviour, nothing is to be written here.
//! 2. Otherwise add a variant (for instance to [`smtp::StartTls`]) and the arm that acts.
//! 3. Add the domain that shows it to a file in `catalogue/`: name, one line for people,
//!    what a right verdict finds.
//! 4. The tests over the catalogue then start it, speak to it and compare it with OpenSSL.
//!
//! - [`listen`]: sockets, counting, limits.
//! - [`smtp`]: a small but real conversation, with its deviations.
//! - [`greeting`]: the ways to begin one.
//! - [`breakdown`]: servers that work until they do not.
//! - [`tls`]: what happens after STARTTLS.
//! - [`raw`]: services that are not SMTP, or hardly.
//! - [`https`]: the host of an MTA-STS policy.
//! - [`issuer`]: an issuer that is asked about certificates.

pub(crate) mod breakdown;
pub(crate) mod greeting;
pub(crate) mod https;
pub(crate) mod issuer;
pub(crate) mod lines;
pub(crate) mod listen;
pub(crate) mod raw;
pub(crate) mod smtp;
pub(crate) mod tls;

use crate::log::Log;
use breakdown::{Breakdown, How, Stage};

/// What listens at a port.
#[derive(Debug, Clone)]
pub(crate) enum Service {
    /// SMTP with STARTTLS or none.
    Smtp(smtp::Smtp),
    /// SMTP within TLS from the first byte.
    ImplicitTls(smtp::Smtp),
    /// A web server with an MTA-STS policy.
    Policy(https::Policy),
    /// An issuer that is asked about certificates, by plain HTTP.
    Issuer(issuer::Issuer),
    /// Anything else.
    Raw(raw::Raw),
}

impl Service {
    /// The mail server, if it is one.
    pub(crate) fn smtp(&self) -> Option<&smtp::Smtp> {
        match self {
            Self::Smtp(smtp) | Self::ImplicitTls(smtp) => Some(smtp),
            Self::Policy(_) | Self::Issuer(_) | Self::Raw(_) => None,
        }
    }
}

/// Where a connection arrived.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The host's full name.
    pub(crate) host: String,
    /// The port that the server stands for.
    pub(crate) port: u16,
    /// Which connection to it this is, from 1.
    pub(crate) number: u32,
    /// Where events go.
    pub(crate) log: Log,
    /// How the server breaks down, if it does.
    pub(crate) breakdown: Option<Breakdown>,
    /// The client came too often.
    pub(crate) crowded: bool,
}

impl Site {
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.log.push(&self.host, self.port, text.into());
    }

    /// How the server breaks down at this stage of this connection, if it does.
    pub(crate) fn breaks(&self, stage: Stage) -> Option<How> {
        let due = self.breakdown.filter(|b| b.stage == stage && self.number >= b.from)?;
        self.note(format!("breaks down: {:?} at {stage:?}", due.how));
        Some(due.how)
    }
}
