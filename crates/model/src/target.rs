//! What the user named.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a scan was asked to look at. Parsing lives in `waxseal_wire::target`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// A mail domain: its MX hosts are looked up.
    Domain {
        /// The name in A-labels, lower case, without a trailing dot.
        name: String,
        /// The name as it was typed.
        given: String,
        /// The local part was given too (`user@domain`); it is not used for probing.
        mailbox: bool,
    },
    /// A host and port: its addresses are looked up, MX records are not.
    Host {
        /// The name in A-labels, lower case, without a trailing dot.
        name: String,
        /// The name as it was typed.
        given: String,
        /// TCP port.
        port: u16,
    },
    /// One address and port: no name is looked up.
    Address {
        /// IPv4 or IPv6.
        address: IpAddr,
        /// TCP port.
        port: u16,
    },
}

impl Target {
    /// The name by which reports call this target, as typed.
    pub fn label(&self) -> String {
        match self {
            Self::Domain { given, .. } => given.clone(),
            Self::Host { given, port, .. } => format!("{given}:{port}"),
            Self::Address { address, port } => std::net::SocketAddr::new(*address, *port).to_string(),
        }
    }

    /// The same target in the form the command line takes, in A-labels.
    pub fn argument(&self) -> String {
        match self {
            Self::Domain { name, .. } => name.clone(),
            Self::Host { name, port, .. } => format!("{name}:{port}"),
            Self::Address { .. } => self.label(),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label())
    }
}
