//! Facts about one target, with no opinion.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    certificate::PresentedChain,
    dns::DnsAnswer,
    identity::IdentityEvidence,
    observed::{Observed, Why},
    policy::{DaneFacts, PolicyEvidence},
    smtp::{Conversation, TranscriptLine},
    target::Target,
    tls::TlsEvidence,
};

/// All that was observed about one target: enough to judge it again without a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// See [`crate::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the program that observed it.
    pub waxseal_version: String,
    /// What was asked for.
    pub target: Target,
    /// When the scan began, seconds since 1970-01-01 UTC.
    pub started_at: i64,
    /// Names and policies; none where the target is a host or an address.
    pub domain: Option<DomainEvidence>,
    /// For host targets: how the addresses were found.
    pub host_addresses: Vec<DnsAnswer>,
    /// One entry for each address and port that was to be reached, reached or not.
    pub endpoints: Vec<EndpointEvidence>,
    /// Why there is no endpoint at all, where there is none.
    pub no_endpoint: Option<Why>,
    /// What it cost.
    pub cost: Cost,
}

/// What a scan cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// TCP connections to mail servers.
    pub connections: u32,
    /// Wall time.
    pub milliseconds: u64,
}

/// Names of a mail domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DomainEvidence {
    /// A-labels.
    pub name: String,
    /// The answer for MX.
    pub mx_answer: DnsAnswer,
    /// What the MX answer means.
    pub routing: MailRouting,
    /// The MX hosts in order of preference; the domain itself with implicit MX.
    pub hosts: Vec<MxHost>,
    /// Published policies.
    pub policies: PolicyEvidence,
    /// SPF, DKIM and DMARC.
    #[serde(default)]
    pub identity: IdentityEvidence,
}

/// Where mail to a domain goes (RFC 5321 section 5.1, RFC 7505).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailRouting {
    /// To its MX hosts.
    Mx,
    /// There is no MX: to the domain's own address.
    ImplicitMx,
    /// `MX 0 .`: the domain accepts no mail.
    NullMx,
    /// The null MX stands beside others, which RFC 7505 forbids.
    NullMxWithOthers,
    /// The domain does not exist.
    NoSuchDomain,
    /// Neither MX nor address: mail cannot be delivered.
    NoMailHost,
    /// It could not be found out.
    Unknown,
}

/// One MX host and its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MxHost {
    /// Lower is tried first; none for an implicit MX.
    pub preference: Option<u16>,
    /// A-labels.
    pub name: String,
    /// The MX points to an address instead of a name, which RFC 5321 forbids.
    pub ip_literal: bool,
    /// The name is an alias (RFC 2181 section 10.3 forbids it): what of.
    pub cname: Option<String>,
    /// The A and AAAA answers.
    pub answers: Vec<DnsAnswer>,
    /// The addresses, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// The reverse names of each address, in the order of `addresses`.
    pub reverse: Vec<Observed<Vec<String>>>,
}

/// How TLS starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsStart {
    /// In clear first, then the STARTTLS command (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
}

/// What a port is used for: severities depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// Between mail servers (port 25): opportunistic, plaintext is the alternative.
    Relay,
    /// From users and applications (465, 587, 2525): passwords travel here.
    Submission,
}

/// One address and port, and how TLS starts there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// Host name in A-labels, where one is known.
    pub host: Option<String>,
    /// The address.
    pub address: IpAddr,
    /// The port by the rules of mail, even where the connection was led elsewhere.
    pub port: u16,
    /// How TLS starts.
    pub tls: TlsStart,
    /// What the port is used for.
    pub usage: Usage,
    /// Where the connection really went, if a port map led it elsewhere.
    pub connected_to: Option<SocketAddr>,
}

impl Endpoint {
    /// The name of this endpoint in verdicts and findings, in the form mail logs use:
    /// `mx1.example.com[192.0.2.25]:25`, or `192.0.2.25:25` without a name.
    pub fn id(&self) -> String {
        match &self.host {
            Some(host) => format!("{host}[{}]:{}", self.address, self.port),
            None => SocketAddr::new(self.address, self.port).to_string(),
        }
    }

    /// The argument of `waxseal check` that tests this endpoint alone.
    pub fn argument(&self) -> String {
        match &self.host {
            Some(host) => format!("{host}:{}", self.port),
            None => SocketAddr::new(self.address, self.port).to_string(),
        }
    }
}

/// All that was observed at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointEvidence {
    /// Which.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// What.
    pub evidence: EndpointFacts,
}

/// The facts of one endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointFacts {
    /// Preference of the MX that led here.
    pub mx_preference: Option<u16>,
    /// The name that certificates are to be compared with; none if none is known.
    pub reference_name: Option<String>,
    /// SMTP.
    pub smtp: Conversation,
    /// TLS.
    pub tls: TlsEvidence,
    /// The chains that were presented, one for each kind of key and handshake that got
    /// a different one.
    pub chains: Observed<Vec<PresentedChain>>,
    /// TLSA records for this endpoint; `Seen(None)` means that there are none.
    pub dane: Observed<Option<DaneFacts>>,
    /// What was said, line by line.
    pub transcript: Vec<TranscriptLine>,
    /// What it cost.
    pub cost: Cost,
}

impl EndpointFacts {
    /// True if SMTP or TLS was spoken at all: the port answered.
    pub fn reached(&self) -> bool {
        self.smtp.connected.is_seen()
    }
}
