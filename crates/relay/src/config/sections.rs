//! The sections of the file and their defaults. A comment here is the manual of the key.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use super::values::{Fingerprint, HostName, NamePattern, Network, NextHop, Size, Span};

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The name that the relay gives itself: greeting, EHLO, `Received`, notices. It should
    /// have an address, and the address its PTR record.
    pub hostname: HostName,
    /// The folder for the queue and what was learnt of policies.
    pub spool: PathBuf,
    /// The operator's socket; none: `control.sock` in the folder.
    pub control: Option<PathBuf>,
    /// So many bytes of messages are kept in memory besides, so that a message that goes
    /// out at once is not read back from the disk.
    #[serde(default = "Server::memory")]
    pub memory: Size,
}

impl Server {
    fn memory() -> Size {
        Size(64 << 20)
    }

    /// Where the operator's socket lies.
    pub fn control_socket(&self) -> PathBuf {
        self.control.clone().unwrap_or_else(|| self.spool.join("control.sock"))
    }
}

/// `[[listen]]`: an address where mail is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// `0.0.0.0:25`, `[::]:587`.
    pub address: SocketAddr,
    /// What is spoken there.
    #[serde(default)]
    pub kind: ListenKind,
    /// Nothing but EHLO, STARTTLS and QUIT before TLS stands.
    #[serde(default)]
    pub require_tls: bool,
}

/// What is spoken at an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenKind {
    /// SMTP with STARTTLS (port 25).
    #[default]
    Smtp,
    /// Submission with STARTTLS (port 587, RFC 6409).
    Submission,
    /// Submission with implicit TLS (port 465, RFC 8314).
    Submissions,
}

/// `[tls]`: our certificate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Our certificate and those above it, PEM.
    pub certificate: Option<PathBuf>,
    /// Its key, PEM.
    pub key: Option<PathBuf>,
    /// Clients with a certificate by one of these authorities (PEM) may relay.
    pub client_ca: Option<PathBuf>,
    /// Authorities that the certificates of MX hosts are checked with (PEM), instead of the
    /// system's.
    pub roots: Option<PathBuf>,
}

/// `[access]`: who may send through the relay. Nobody else may, whatever the recipient.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// Clients at these addresses, without logging in.
    pub networks: Vec<Network>,
    /// Users who log in: a file of lines made by `waxseal relay password USER`.
    pub passwords: Option<PathBuf>,
    /// Clients at these addresses may say XCLIENT.
    pub xclient: Vec<Network>,
    /// Mail for these domains is taken from anybody.
    pub recipients: Vec<NamePattern>,
    /// AUTH without TLS is offered to clients on this machine.
    pub plain_auth_on_loopback: bool,
}

impl Default for Access {
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1/128"];
        Self {
            networks: loopback.iter().filter_map(|n| n.parse().ok()).collect(),
            passwords: None,
            xclient: Vec::new(),
            recipients: Vec::new(),
            plain_auth_on_loopback: false,
        }
    }
}

/// `[limits]`: of what clients may do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a message.
    pub message_size: Size,
    /// Recipients of a message.
    pub recipients: u32,
    /// Sessions at a time.
    pub connections: u32,
    /// Sessions at a time from one address.
    pub connections_per_client: u32,
    /// Messages a minute from one address; 0: no limit.
    pub messages_per_minute: u32,
    /// Errors after which a session is ended.
    pub errors: u32,
    /// Time for the next command.
    pub command_timeout: Span,
    /// Time for the next piece of a message.
    pub data_timeout: Span,
    /// Time for a session as a whole.
    pub session_time: Span,
    /// Bytes of the disk that stay free: below, no message is taken (452 4.3.1).
    pub free_space: Size,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: Size(50 << 20),
            recipients: 1000,
            connections: 1000,
            connections_per_client: 100,
            messages_per_minute: 0,
            errors: 20,
            command_timeout: Span::seconds(300),
            data_timeout: Span::seconds(600),
            session_time: Span::seconds(4 * 3600),
            free_space: Size(256 << 20),
        }
    }
}

/// `[dns]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dns {
    /// Recursive name servers, `127.0.0.1:53`; none: those of the system.
    pub servers: Vec<SocketAddr>,
    /// A file with DS or DNSKEY records to trust instead of the root's.
    pub trust_anchor: Option<PathBuf>,
    /// Whether DNSSEC is relied on.
    pub dnssec: Dnssec,
}

/// Whether DNSSEC is relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dnssec {
    /// If a trial at start shows that signed answers come through.
    #[default]
    Auto,
    /// No: no DANE.
    Off,
}

/// `[policy]`: how well mail has to be protected on its way out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// For domains without a rule of their own.
    pub default: TlsLevel,
    /// Where nothing demands TLS and it fails: over a new connection in clear.
    pub clear_after_failure: bool,
    /// A message with `TLS-Required: No` (RFC 8689) goes without DANE and MTA-STS; a rule
    /// here holds all the same.
    pub honour_tls_required_no: Yes,
    /// `[[policy.rule]]`: the most specific one holds.
    pub rule: Vec<Rule>,
}

/// True unless it is said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Yes(pub bool);

impl Default for Yes {
    fn default() -> Self {
        Self(true)
    }
}

/// `[[policy.rule]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The recipient domain.
    pub domain: NamePattern,
    /// Only at these MX hosts.
    pub mx: Option<NamePattern>,
    /// Only for mail from this address, or `@` and a domain.
    pub sender: Option<String>,
    /// What is demanded.
    pub tls: TlsLevel,
    /// The certificate must be for one of these names, whatever the DNS says.
    #[serde(default)]
    pub names: Vec<HostName>,
    /// The server's key must be one of these.
    #[serde(default)]
    pub fingerprints: Vec<Fingerprint>,
    /// DANE and MTA-STS of the domain do not count: the one way to loosen. It is logged with
    /// each delivery.
    #[serde(default)]
    pub override_published: bool,
    /// As `clear_after_failure` of `[policy]`, for this domain.
    pub clear_after_failure: Option<bool>,
    /// Why this rule is there, in your words; shown where it holds.
    pub reason: Option<String>,
}

/// What is demanded of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsLevel {
    /// No TLS, even where it is offered. A published policy still demands it.
    None,
    /// TLS where it is offered.
    #[default]
    Opportunistic,
    /// TLS, to whomever.
    Require,
    /// TLS with a valid certificate for the MX host, or for one of `names`.
    Verify,
    /// TLS with one of the `fingerprints`.
    Fingerprint,
    /// What the domain's MTA-STS policy demands; without one, as `verify`.
    Sts,
    /// DANE where it is published, otherwise TLS where it is offered.
    Dane,
    /// DANE or nothing.
    DaneOnly,
}

/// `[[route]]`: mail that does not go to the MX hosts of its domain.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteRule {
    /// The recipient domain.
    pub domain: NamePattern,
    /// Where it goes.
    pub next_hop: NextHop,
}

/// `[delivery]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// When a message is tried again.
    pub retry: Retry,
    /// For how long.
    pub expire: Span,
    /// After which times the sender is told that a message still waits.
    pub delay_notices: Vec<Span>,
    /// Connections at a time to one MX site.
    pub connections_per_site: u32,
    /// Connections at a time in all.
    pub connections: u32,
    /// Messages over one connection.
    pub messages_per_connection: u32,
    /// How long a connection may be kept for the next message.
    pub idle: Span,
    /// Recipients in one transaction.
    pub recipients_per_message: u32,
    /// Where port 25 of MX hosts lies: another port for tests.
    pub port: u16,
    /// Time for a connection to stand.
    pub connect_timeout: Span,
    /// Time for the reply to a command.
    pub command_timeout: Span,
    /// Time for the reply to the end of a message (RFC 5321 section 4.5.3.2.6).
    pub final_timeout: Span,
    /// How often a site without TLS is asked whether it has it by now: at first, and at the most.
    pub watch: [Span; 2],
    /// How long recipients that are done with can be looked up.
    pub keep: Span,
    /// And how many messages of them at the most.
    pub keep_messages: u64,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            retry: Retry::default(),
            expire: Span::seconds(7 * 86_400),
            delay_notices: vec![Span::seconds(4 * 3600), Span::seconds(24 * 3600)],
            connections_per_site: 20,
            connections: 500,
            messages_per_connection: 1000,
            idle: Span::seconds(60),
            recipients_per_message: 100,
            port: 25,
            connect_timeout: Span::seconds(30),
            command_timeout: Span::seconds(300),
            final_timeout: Span::seconds(600),
            watch: [Span::seconds(60), Span::seconds(300)],
            keep: Span::seconds(3 * 86_400),
            keep_messages: 100_000,
        }
    }
}

/// When a message is tried again: a known schedule, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "\"ess\", \"exo\", \"postfix\", \"exim\", or a list of times such as [\"5m\", \"1h\"]"
)]
pub enum Retry {
    /// A schedule by its name.
    Preset(Preset),
    /// The waiting times, the last of them over and over.
    List(Vec<Span>),
}

impl Default for Retry {
    fn default() -> Self {
        Self::Preset(Preset::Ess)
    }
}

/// The known schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Broadcom's Email Security: from 400 seconds, doubling, then every 12 hours.
    Ess,
    /// Exchange Online: 15, 15, then every 60 minutes.
    Exo,
    /// Postfix: as long as the message is old, from 300 to 4000 seconds.
    Postfix,
    /// Exim: every 15 minutes for 2 hours, then growing by half, then every 6 hours.
    Exim,
}

/// `[tlsrpt]`: reports to receiving domains (RFC 8460).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsRpt {
    /// Whether they are sent.
    #[serde(default = "yes")]
    pub send: bool,
    /// Whom to ask about a report.
    pub contact: String,
    /// Who sends it.
    pub organisation: String,
    /// The address that reports by mail come from.
    pub from: String,
    /// The domain that signs them (DKIM); none: not signed.
    pub dkim_domain: Option<HostName>,
    /// The selector of the key in the DNS.
    pub dkim_selector: Option<String>,
    /// The key, PEM.
    pub dkim_key: Option<PathBuf>,
    /// Reports of a day go out at a random moment within this time after midnight UTC; what a
    /// run before left behind, within this time after the start. Four hours at most.
    #[serde(default = "TlsRpt::spread")]
    pub spread: Span,
    /// Reports by HTTPS may go to addresses that are not public as well: for tests. Whoever
    /// asks for reports names the host.
    #[serde(default)]
    pub private_hosts: bool,
}

impl TlsRpt {
    /// Four hours: what RFC 8460 section 5.5 allows at most.
    pub(super) const MOST_SPREAD: i64 = 4 * 3600;

    fn spread() -> Span {
        Span::seconds(3600)
    }
}

fn yes() -> bool {
    true
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// One JSON object for each event: a file, or `-` for standard output.
    pub json: Option<PathBuf>,
    /// One line for each event: a file, or `-` for standard error.
    pub human: Option<PathBuf>,
}

impl Default for Log {
    fn default() -> Self {
        Self { json: None, human: Some("-".into()) }
    }
}

/// `[metrics]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Where Prometheus finds `/metrics`, and a load balancer `/health`.
    pub listen: Option<SocketAddr>,
}
