//! What an operator says about sessions, with what holds where nothing is said.

use std::{net::IpAddr, sync::Arc, time::Duration};

use waxseal_wire::sasl::Passwords;

use crate::config::values::{NamePattern, Network};

/// What is spoken on an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SMTP between servers, with STARTTLS: port 25.
    Smtp,
    /// Submission (RFC 6409), with STARTTLS: port 587. Only for those who may relay.
    Submission,
    /// Submission within TLS from the first byte (RFC 8314): port 465. Likewise.
    Submissions,
}

impl Kind {
    /// A submission server: it adds what a message lacks, and is for those who may relay.
    pub fn is_submission(self) -> bool {
        self != Self::Smtp
    }
}

/// One address on which clients are awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// What is spoken.
    pub kind: Kind,
    /// No mail without TLS. On port 25 this turns senders away that know no better (RFC 3207
    /// section 4 forbids it on a public MX).
    pub require_tls: bool,
}

/// All about sessions but addresses and certificates.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Our name: greeting, EHLO, `Received`.
    pub hostname: String,
    /// Who may send.
    pub access: Access,
    /// How much of everything.
    pub limits: Limits,
    /// How long a message is tried: it sets when trying ends.
    pub expire: Duration,
}

impl Settings {
    /// Everything as it is where nothing is said, for a host of this name.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            access: Access::default(),
            limits: Limits::default(),
            expire: Duration::from_hours(7 * 24),
        }
    }
}

/// Who may send. Nobody else may, to whatever recipient: there is no way to an open relay
/// but to list the networks of all.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Clients at these addresses, without logging in. Default: none.
    pub networks: Vec<Network>,
    /// Users that may log in. Default: none, and AUTH is not offered.
    pub passwords: Option<Arc<Passwords>>,
    /// Clients at these addresses may say for whom they speak, by XCLIENT. Default: none.
    pub xclient: Vec<Network>,
    /// Mail to these domains is taken from everybody. Default: none. `*` counts for nothing.
    pub recipients: Vec<NamePattern>,
    /// AUTH is offered without TLS to clients on this machine. Default: no.
    pub plain_auth_on_loopback: bool,
}

impl Access {
    /// The address lies in a network that may relay.
    pub fn is_trusted_network(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Sessions from one address are not counted: it is one of the operator's own.
    pub fn is_uncounted(&self, address: IpAddr) -> bool {
        self.is_trusted_network(address) || self.may_xclient(address)
    }

    /// The address may say XCLIENT.
    pub fn may_xclient(&self, address: IpAddr) -> bool {
        self.xclient.iter().any(|network| network.contains(address))
    }

    /// Mail to this domain (lower case, A-labels) is taken from everybody.
    pub fn is_own_recipient(&self, domain: &str) -> bool {
        self.recipients.iter().any(|pattern| match pattern {
            NamePattern::Exact(name) => name == domain,
            NamePattern::Below(name) => domain
                .strip_suffix(name.as_str())
                .is_some_and(|label| label.len() > 1 && label.ends_with('.')),
            NamePattern::Any => false,
        })
    }
}

/// How much of everything. A zero switches a limit off only where this is said.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a message as it comes, without our own header lines. Default: 50 MiB.
    pub message_size: u64,
    /// Bytes of all messages that are coming in at a time, which are kept in memory until they
    /// are whole. Default: 512 MiB.
    pub memory: u64,
    /// Recipients of a message. RFC 5321 section 4.5.3.1.8 wants at least 100. Default: 1000.
    pub recipients: usize,
    /// `Received` fields that a message may have; with more it is in a loop. Default: 50.
    pub hops: usize,
    /// Bytes of a line of a message; 0: any, which is the default. RFC 5322 has 998, and
    /// servers exist that refuse more.
    pub line: usize,
    /// Sessions at a time. Default: 1000.
    pub connections: usize,
    /// Sessions at a time from one address (of IPv6: a /64), unless it lies in the networks
    /// that may relay or may say XCLIENT. Default: 50.
    pub connections_per_client: usize,
    /// Messages a minute from one address, in bursts of as many; 0: any, which is the
    /// default.
    pub messages_per_minute: u32,
    /// Commands that were wrong or refused for good since the last message that was taken,
    /// after which a session ends. Default: 20.
    pub errors: u32,
    /// Commands that do nothing (NOOP, RSET, VRFY, EHLO …) between two messages, after which
    /// each counts as an error. Default: 100.
    pub idle_commands: u32,
    /// Failed logins after which a session ends. Default: 3.
    pub failed_logins: u32,
    /// Failed logins within ten minutes from one address, after which it cannot log in until
    /// they are over. Default: 10.
    pub failed_logins_per_client: u32,
    /// Time for a whole command. Default: 5 minutes (RFC 5321 section 4.5.3.2.7).
    pub command_timeout: Duration,
    /// Time until the next piece of a message. Default: 10 minutes.
    pub data_timeout: Duration,
    /// Time for all of a message's data, however steadily it drips. Default: 1 hour.
    pub message_time: Duration,
    /// Time for a session; it ends at the next command. Default: 4 hours.
    pub session_time: Duration,
    /// Time that messages that are being sent get when the relay stops. Default: 30 seconds.
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 50 << 20,
            memory: 512 << 20,
            recipients: 1000,
            hops: 50,
            line: 0,
            connections: 1000,
            connections_per_client: 50,
            messages_per_minute: 0,
            errors: 20,
            idle_commands: 100,
            failed_logins: 3,
            failed_logins_per_client: 10,
            command_timeout: Duration::from_mins(5),
            data_timeout: Duration::from_mins(10),
            message_time: Duration::from_hours(1),
            session_time: Duration::from_hours(4),
            stop_grace: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_domains_are_our_own() {
        let patterns = ["example.com", ".example.net", "*"];
        let recipients = patterns.iter().map(|p| p.parse().unwrap()).collect();
        let access = Access { recipients, ..Access::default() };
        for (domain, own) in [
            ("example.com", true),
            ("sub.example.com", false),
            ("notexample.com", false),
            ("a.example.net", true),
            ("a.b.example.net", true),
            ("example.net", false),
            (".example.net", false),
            ("badexample.net", false),
            ("example.org", false),
            ("", false),
        ] {
            assert_eq!(access.is_own_recipient(domain), own, "{domain}");
        }
        assert!(!Access::default().is_trusted_network("127.0.0.1".parse().unwrap()));
    }
}
