//! Why a lab could not be started.

use std::net::IpAddr;

/// Why a lab could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The machine does not have the loopback address.
    #[error(
        "cannot listen on {address}: {source}. The lab needs addresses of 127.0.0.0/8; where the system has only \
         127.0.0.1 (macOS, BSD), add each one first: sudo ifconfig lo0 alias {address}"
    )]
    Address {
        /// The address.
        address: IpAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A real port could not be listened at.
    #[error(
        "cannot listen at port {port} of {address}: {source}. Real ports need root and a machine, or a network \
         namespace, where nobody else has them"
    )]
    RealPort {
        /// The address.
        address: IpAddr,
        /// The port.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// No port was free on all addresses, often enough tried.
    #[error("found no port that is free on all of the lab's addresses, in {tries} tries")]
    NoFreePort {
        /// How often it was tried.
        tries: u32,
    },
    /// A zone could not be built or signed: a mistake in the lab.
    #[error("the lab's zone {apex}: {reason}")]
    Zone {
        /// The zone's name.
        apex: String,
        /// What is wrong.
        reason: String,
    },
    /// A key or certificate could not be made: a mistake in the lab.
    #[error("the lab's certificate for {name}: {reason}")]
    Certificate {
        /// Whose certificate.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A socket could not be used.
    #[error("cannot {what}: {source}")]
    Socket {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl LabError {
    pub(crate) fn zone(apex: &impl std::fmt::Display, reason: &impl std::fmt::Display) -> Self {
        Self::Zone { apex: apex.to_string(), reason: reason.to_string() }
    }

    pub(crate) fn certificate(name: &str, reason: &impl std::fmt::Display) -> Self {
        Self::Certificate { name: name.to_owned(), reason: reason.to_string() }
    }
}
