//! Where mail for a domain goes, and what is known of the way before any connection.

use std::{net::IpAddr, sync::Arc, time::Instant};

use waxseal_judge::delivery::{MxAnswer, PolicyFacts, Requirement, requirement};
use waxseal_model::policy::StsPolicy;
use waxseal_store::spool::Envelope;
use waxseal_wire::dane::TlsaRecord;

/// What a message itself asks for (RFC 8689).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Wishes {
    /// It came with REQUIRETLS.
    pub require_tls: bool,
    /// Its header has `TLS-Required: No`.
    pub tls_required_no: bool,
}

impl Wishes {
    /// What a message with this envelope demands of every host. A notice, known by its null
    /// sender, that came with REQUIRETLS only asks for it: it must not be lost because a host
    /// on the way back lacks it (RFC 8689 section 5). Where a host offers REQUIRETLS it is
    /// passed on all the same.
    pub fn of(envelope: &Envelope) -> Self {
        Self {
            require_tls: envelope.require_tls && !envelope.sender.is_empty(),
            tls_required_no: envelope.tls_required_no,
        }
    }
}

/// The way to a domain.
#[derive(Debug, Clone)]
pub struct Route {
    /// The domain, lower case, A-labels.
    pub domain: String,
    /// The answer for its MX records; `Secure` for a host that the operator named: what the
    /// configuration says needs no proof.
    pub mx: MxAnswer,
    /// What went wrong with names, as a sentence, where something did.
    pub trouble: Option<String>,
    /// Hosts in the order of preference, those of one preference in random order. At least
    /// one, unless `mx` says why there is none.
    pub hops: Vec<Hop>,
    /// The MTA-STS policy in force, whatever its mode, for reports.
    pub sts: Option<StsPolicy>,
    /// The names of all hosts as one key: domains with the same MX hosts share a site.
    pub site: Arc<str>,
    /// Which rule of the operator holds where none is for a single MX host, in words: `your
    /// rule "partner.example"`.
    pub rule: String,
    /// Until when all of this may be used.
    pub valid_until: Instant,
}

/// One host on the way.
#[derive(Debug, Clone)]
pub struct Hop {
    /// The name, A-labels, no trailing dot.
    pub name: String,
    /// The preference of its MX record.
    pub preference: u16,
    /// The port, 25 unless the operator set another.
    pub port: u16,
    /// Its addresses in the order in which they are tried, both families.
    pub addresses: Vec<IpAddr>,
    /// What went wrong with its names, as a sentence, where something did.
    pub trouble: Option<String>,
    /// What the requirement rests on, without the wishes of a message.
    pub facts: PolicyFacts,
    /// Its TLSA records, those that cannot be used among them, if they were asked for and
    /// are secure.
    pub tlsa: Vec<TlsaRecord>,
    /// Names that DANE-TA compares (RFC 7672 section 3.2.2): the TLSA base domain first,
    /// which goes into SNI as well.
    pub dane_names: Vec<String>,
    /// Names that the operator's rule allows; the domain itself where the rule names none. One
    /// with a dot before it stands for all names below it.
    pub operator_names: Vec<String>,
    /// SHA-256 of SubjectPublicKeyInfo that the operator's rule allows.
    pub fingerprints: Vec<[u8; 32]>,
    /// Which rule of the operator holds at this host, in words: `your rule "partner.example"`.
    pub rule: Arc<str>,
    /// `TLS-Required: No` counts.
    pub honours_tls_required_no: bool,
}

impl Hop {
    /// What this host has to give for a message with these wishes.
    pub fn requirement(&self, wishes: Wishes) -> Requirement {
        requirement(&PolicyFacts {
            require_tls: wishes.require_tls,
            tls_required_no: wishes.tls_required_no && self.honours_tls_required_no,
            ..self.facts
        })
    }

    /// The name for SNI: the TLSA base domain where DANE counts (RFC 7672 section 8.1),
    /// otherwise the host's.
    pub fn server_name(&self) -> &str {
        self.dane_names.first().filter(|_| !self.tlsa.is_empty()).unwrap_or(&self.name)
    }
}

/// Finds routes.
pub trait Router: Send + Sync + 'static {
    /// The way to a domain for mail from this sender (an address without angle brackets,
    /// empty for the null sender). Never fails: what went wrong stands in the route.
    fn route<'a>(
        &'a self,
        domain: &'a str,
        sender: &'a str,
    ) -> std::pin::Pin<Box<dyn Future<Output = Arc<Route>> + Send + 'a>>;

    /// The same, for a probe that wants to see what was mended: what was found to be wrong
    /// (a failed lookup, a policy that could not be fetched) is asked again rather than taken
    /// from a cache, and the `id` of an MTA-STS policy is looked up anew.
    fn route_anew<'a>(
        &'a self,
        domain: &'a str,
        sender: &'a str,
    ) -> std::pin::Pin<Box<dyn Future<Output = Arc<Route>> + Send + 'a>> {
        self.route(domain, sender)
    }
}
