//! Names, asked of a recursive server and validated here with DNSSEC.
//!
//! The parts, in the order in which an answer meets them:
//! * `anchor`, `system`: where trust begins and which servers are asked;
//! * `transport`: one question to one server, UDP and TCP;
//! * `fetch`: retries, other servers, memory;
//! * `message`, `record`, `rcode`: what came, as values and in words;
//! * `algorithm`, `rrset`: signatures over record sets;
//! * `denial`, `nsec3`: proofs that something does not exist;
//! * `chain`: the way from the anchor to a zone;
//! * `validate`, `status`: what an answer is worth, and why;
//! * `lookup`: one question, with the aliases on the way.
//!
//! Parsing, names and record data come from the `domain` crate. The validation is our
//! own, because the crate's validator calls zones signed with ECDSA P-384 and Ed25519 insecure and
//! gives no zone or date in its reasons; tests compare the two.
//!
//! The AD bit of a server is never read: it says what somebody else checked, over a path
//! that nobody protects.

mod algorithm;
mod anchor;
mod chain;
mod denial;
mod error;
mod fetch;
mod lookup;
mod message;
mod nsec3;
mod rcode;
mod record;
mod rrset;
mod status;
mod system;
mod transport;
mod validate;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;
use waxseal_model::dns::{DnsAnswer, DnsOutcome};

use anchor::TrustAnchors;
use chain::Chain;
use fetch::Fetcher;

pub use error::ResolverError;
pub use message::{MessageError, records_from_message};

/// How names are looked up.
#[derive(Debug, Clone)]
pub struct ResolverConfig {
    /// Recursive servers, asked in this order; empty: those of the system.
    pub servers: Vec<SocketAddr>,
    /// DS or DNSKEY records in zone-file form, for the root or any other zone; `None`:
    /// the keys of the root as IANA publishes them.
    pub trust_anchor: Option<String>,
    /// The most that one lookup may take, validation included.
    pub timeout: Duration,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        Self { servers: Vec::new(), trust_anchor: None, timeout: Duration::from_secs(5) }
    }
}

/// An answer for somebody who acts on it.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The answer.
    pub answer: DnsAnswer,
    /// What may be concluded from it.
    pub trust: Trust,
    /// Until when it counts: the least time to live of all records that led to it, at most an
    /// hour from when they came, and a minute for failures.
    pub until: Instant,
}

/// What may be concluded from an answer, DNSSEC and the way it came taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// It is proven, be it that something is there or that it is not.
    Secure,
    /// It is an answer, and nobody signed it: proven to be so, or signed only in ways that
    /// cannot be checked here (RFC 4035 section 5.2).
    Insecure,
    /// It should verify, and does not.
    Bogus,
    /// There is no answer, or what would prove it did not come. Not to be taken for unsigned:
    /// whoever is on the path can make that happen.
    Failed,
}

/// What [`Resolver::self_test`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelfTest {
    /// What is signed verifies, and so does the absence of what is not there.
    Validates,
    /// Servers answer, and their answers do not verify: what the matter is, one sentence that
    /// names the server.
    DoesNotValidate(String),
    /// No server answers.
    NoAnswer(String),
}

/// Looks names up and validates what comes.
///
/// Answers are remembered within their time to live, at least for a minute and at most for an
/// hour: one run never puts a question twice. The memory is bounded in entries and bytes, so
/// that a resolver may live for months.
#[derive(Debug)]
pub struct Resolver {
    chain: Chain,
    timeout: Duration,
}

impl Resolver {
    /// A resolver, without a word on the network yet.
    ///
    /// # Errors
    /// If the trust anchor is not in zone-file form, or no server is given and the
    /// system names none.
    pub fn new(config: ResolverConfig) -> Result<Self, ResolverError> {
        let anchors = match &config.trust_anchor {
            Some(text) => TrustAnchors::parse(text)?,
            None => TrustAnchors::root()?,
        };
        let servers = if config.servers.is_empty() { system::servers()? } else { config.servers };
        let fetcher = Fetcher::new(servers, config.timeout);
        Ok(Self { chain: Chain::new(fetcher, anchors), timeout: config.timeout })
    }

    /// The records of a type at a name, through aliases, with their DNSSEC status.
    ///
    /// `name` is in A-labels, with or without trailing dot; `rtype` as IANA spells it, or
    /// `TYPE123`. Never fails: what went wrong is in the answer's outcome and reason.
    pub async fn lookup(&self, name: &str, rtype: &str) -> DnsAnswer {
        self.resolve(name, rtype).await.answer
    }

    /// As [`Resolver::lookup`], with what may be concluded from the answer and for how long.
    pub async fn resolve(&self, name: &str, rtype: &str) -> Lookup {
        // On the heap: many lookups are joined into one future, whose size would else
        // exceed the stacks of threads.
        Box::pin(lookup::lookup(&self.chain, name, rtype, Instant::now() + self.timeout)).await
    }

    /// Forgets all answers about these names (A-labels) and the names below them, so that they
    /// are asked for anew.
    pub fn forget<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let names: Vec<message::DomainName> =
            names.into_iter().filter_map(|name| name.parse().ok()).collect();
        self.chain.forget(|owner| names.iter().any(|name| owner.ends_with(name)));
    }

    /// The servers that are asked.
    pub fn servers(&self) -> &[SocketAddr] {
        self.chain.fetcher.servers()
    }

    /// Entries in memory, and about how many bytes they take.
    pub fn remembered(&self) -> (usize, usize) {
        let (answers, links) = (self.chain.fetcher.remembered(), self.chain.links());
        (answers.0 + links.0, answers.1 + links.1)
    }

    /// Whether answers can be validated at all: asks the zone of each trust anchor for its
    /// SOA record, which is there, and for TLSA records, which are not, as a rule. Nothing of
    /// that comes from memory.
    pub async fn self_test(&self) -> SelfTest {
        for zone in self.chain.anchored() {
            // Not from memory: a test says how things are.
            self.chain.forget(|owner| *owner == zone);
            for rtype in ["SOA", "TLSA"] {
                let found = self.resolve(&record::name_text(&zone), rtype).await;
                match (found.trust, found.answer.outcome) {
                    (Trust::Secure, _) => {}
                    (_, DnsOutcome::Timeout) => return SelfTest::NoAnswer(found.answer.reason),
                    (_, DnsOutcome::ServerError) => {
                        return SelfTest::NoAnswer(self.about_servers(&found.answer.reason));
                    }
                    _ => return SelfTest::DoesNotValidate(self.about_servers(&found.answer.reason)),
                }
            }
        }
        SelfTest::Validates
    }

    fn about_servers(&self, reason: &str) -> String {
        let servers: Vec<String> = self.servers().iter().map(ToString::to_string).collect();
        format!("DNS server {}: {reason}", servers.join(", "))
    }
}

/// The name under which an address has its PTR record, without trailing dot
/// (RFC 1035 section 3.5, RFC 3596 section 2.5).
pub fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            let labels: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
            format!("{labels}ip6.arpa")
        }
    }
}

#[cfg(test)]
mod tests;
