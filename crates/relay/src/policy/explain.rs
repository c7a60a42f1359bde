//! Why mail to a domain goes where it goes, and under which protection: for a person who asks
//! (`waxseal relay policy DOMAIN`).
//!
//! Nothing is connected to: what would happen is what the decision function says of each case.

use std::net::IpAddr;

use serde::Serialize;
use tokio::time::Instant;
use waxseal_judge::delivery::{
    Action, AddressAnswer, AtLast, Certificate, Dane, Decision, MxAnswer, Observation, OperatorLevel,
    PolicyFacts, Protection, Requirement, Sts, StsMode, TlsSeen, Tlsa, decide, requirement,
};
use waxseal_model::policy::StsMode as PolicyMode;

use super::{
    assembly::{Destination, Known},
    dnssec::DnssecState,
    words,
};
use crate::route::{Hop, Route, Wishes};

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The recipient domain.
    pub domain: String,
    /// The sender that was asked about, if one was; rules may depend on it.
    pub sender: Option<String>,
    /// The operator's route for it, where there is one: `[10.0.0.5]:25`.
    pub next_hop: Option<String>,
    /// What the answer for MX records was.
    pub mx: &'static str,
    /// What went wrong with names.
    pub trouble: Option<String>,
    /// The rule that holds where none is for a single MX host.
    pub rule: String,
    /// Whether DNSSEC is relied on, and why not.
    pub dnssec: String,
    /// The MTA-STS policy.
    pub sts: StsExplained,
    /// The hosts in an order in which they may be tried; none where mail has nowhere to go.
    pub hosts: Vec<HostExplained>,
    /// What becomes of mail that has nowhere to go.
    pub nowhere: Option<String>,
    /// For how many seconds more the answers behind all this count.
    pub valid_for: u64,
}

/// What is known of the domain's MTA-STS policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StsExplained {
    /// The domain whose policy counts; none for an address.
    pub domain: Option<String>,
    /// The `id` in its TXT record now.
    pub record_id: Option<String>,
    /// The policy that counts.
    pub policy: Option<PolicyExplained>,
    /// Why the policy could not be had or refreshed.
    pub failure: Option<String>,
    /// Why it is not known whether there is a record.
    pub doubt: Option<String>,
}

/// A policy that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyExplained {
    /// Its `id`.
    pub id: String,
    /// `enforce`, `testing`, `none`.
    pub mode: &'static str,
    /// The patterns of MX hosts.
    pub mx: Vec<String>,
    /// When it was fetched, seconds since 1970-01-01 UTC.
    pub fetched_at: i64,
    /// Until when it counts.
    pub expires_at: i64,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostExplained {
    /// Its name.
    pub name: String,
    /// Of its MX record.
    pub preference: u16,
    /// Where it is connected to.
    pub port: u16,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// What DNSSEC says of them.
    pub address: &'static str,
    /// What its TLSA records say.
    pub dane: &'static str,
    /// The records in presentation form.
    pub tlsa: Vec<String>,
    /// What the MTA-STS policy says of it.
    pub sts: &'static str,
    /// The rule that holds at this host.
    pub rule: String,
    /// The level of the rule, as the configuration spells it.
    pub rule_level: &'static str,
    /// What is demanded, and by whom.
    pub policy: String,
    /// What went wrong with its names.
    pub trouble: Option<String>,
    /// What becomes of a message there, case by case.
    pub cases: Vec<Case>,
}

/// What becomes of a message in one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// What the host does.
    pub when: &'static str,
    /// What follows.
    pub then: String,
}

/// All about a route.
pub(super) fn explain(route: &Route, known: &Known, sender: &str, dnssec: &DnssecState) -> Explanation {
    let dnssec = match dnssec {
        DnssecState::Works => "is relied on".to_owned(),
        DnssecState::Unknown(why) => format!("is relied on, though not yet tested: {why}"),
        DnssecState::Broken(_) | DnssecState::Off => dnssec.why_not().unwrap_or_default(),
    };
    let nowhere = route.hops.is_empty().then(|| nowhere(route)).flatten();
    Explanation {
        domain: route.domain.clone(),
        sender: (!sender.is_empty()).then(|| sender.to_owned()),
        next_hop: known.destination.by_operator.then(|| next_hop(&known.destination)),
        mx: mx_word(route.mx, &known.destination),
        trouble: route.trouble.clone(),
        rule: route.rule.clone(),
        dnssec,
        sts: sts(known),
        hosts: route.hops.iter().map(host).collect(),
        nowhere,
        valid_for: known.until.saturating_duration_since(Instant::now()).as_secs(),
    }
}

fn next_hop(destination: &Destination) -> String {
    let Destination { host, literal, port, .. } = destination;
    if *literal { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn mx_word(mx: MxAnswer, destination: &Destination) -> &'static str {
    match mx {
        _ if destination.literal => "not asked for: the host is named",
        MxAnswer::Secure => "secure by DNSSEC",
        MxAnswer::Insecure => "not signed",
        MxAnswer::Bogus => "bogus by DNSSEC",
        MxAnswer::Failed => "no answer",
        MxAnswer::NullMx => "null MX: the domain takes no mail",
        MxAnswer::NoSuchDomain => "the domain does not exist, or has no host for mail",
        MxAnswer::Ourselves => "this relay itself",
    }
}

/// What becomes of mail that has no host to go to: the answer for MX records says it.
fn nowhere(route: &Route) -> Option<String> {
    let facts = PolicyFacts { mx: route.mx, ..PolicyFacts::PLAIN };
    let decision = decide(&requirement(&facts), &Observation::Unreachable);
    decision.reply().map(|_| then(&decision))
}

fn sts(known: &Known) -> StsExplained {
    let policy = known.sts.kept.as_ref().map(|kept| PolicyExplained {
        id: kept.policy.id.clone(),
        mode: match kept.policy.mode {
            PolicyMode::Enforce => "enforce",
            PolicyMode::Testing => "testing",
            PolicyMode::None => "none",
        },
        mx: kept.policy.mx.clone(),
        fetched_at: kept.fetched_at,
        expires_at: kept.expires_at,
    });
    StsExplained {
        domain: known.destination.policy_domain().map(str::to_owned),
        record_id: known.sts.record.clone(),
        policy,
        failure: known.sts.failure.clone(),
        doubt: known.sts.doubt.clone(),
    }
}

fn host(hop: &Hop) -> HostExplained {
    let needs = hop.requirement(Wishes::default());
    HostExplained {
        name: hop.name.clone(),
        preference: hop.preference,
        port: hop.port,
        addresses: hop.addresses.clone(),
        address: match hop.facts.address {
            AddressAnswer::Secure => "secure by DNSSEC",
            AddressAnswer::Insecure => "not signed",
            AddressAnswer::Bogus => "bogus by DNSSEC",
            AddressAnswer::Failed => "no answer",
        },
        dane: match hop.facts.dane {
            Dane::NotAsked => "not used",
            Dane::None => "no TLSA records that count",
            Dane::Usable => "TLSA records, secure and usable",
            Dane::UnusableOnly => "TLSA records, secure, none of them usable",
            Dane::LookupFailed => "not to be found out",
        },
        tlsa: hop.tlsa.iter().map(ToString::to_string).collect(),
        sts: match hop.facts.sts {
            Sts::None => "no policy",
            Sts::FetchFailed => "announced, not to be had",
            Sts::Policy { mode: StsMode::Testing, lists_mx: true, .. } => "testing, names this host",
            Sts::Policy { mode: StsMode::Testing, lists_mx: false, .. } => "testing, does not name this host",
            Sts::Policy { mode: StsMode::Enforce, lists_mx: true, .. } => "enforce, names this host",
            Sts::Policy { mode: StsMode::Enforce, lists_mx: false, .. } => "enforce, does not name this host",
        },
        rule: hop.rule.to_string(),
        rule_level: words::level_word(hop.facts.operator.level),
        policy: words::policy(hop, Wishes::default()),
        trouble: hop.trouble.clone(),
        cases: cases(hop, &needs),
    }
}

/// What may be met at a host. Where the requirement settles the matter before any connection,
/// that is the one case.
fn cases(hop: &Hop, requirement: &Requirement) -> Vec<Case> {
    let case = |when, observation: &Observation| Case { when, then: then(&decide(requirement, observation)) };
    if requirement.refusal().is_some() {
        return vec![case("whatever it does", &Observation::Unreachable)];
    }
    if hop.addresses.is_empty() {
        return vec![case("it has no address", &Observation::Unreachable)];
    }
    if requirement.avoids_tls() {
        return vec![case("TLS is left alone", &Observation::NotTried)];
    }
    let usable = hop.facts.dane == Dane::Usable;
    let tlsa = if usable { Tlsa::Ee } else { Tlsa::NotApplicable };
    let good = TlsSeen {
        certificate: Certificate { for_operator: true, ..Certificate::VALID },
        tlsa,
        fingerprint: true,
        requiretls: false,
    };
    let with = |certificate| Observation::Tls(TlsSeen { certificate, ..good });
    let certificate = good.certificate;
    let mut cases = vec![
        case("all is well", &Observation::Tls(good)),
        case("STARTTLS is not offered", &Observation::NoStarttls),
        case("STARTTLS is refused or the handshake fails", &Observation::HandshakeFailed),
        case("the certificate is not trusted", &with(Certificate { trusted: false, ..certificate })),
        case("the certificate has expired", &with(Certificate { in_date: false, ..certificate })),
        case(
            "the certificate is for another name",
            &with(Certificate { for_mx: false, for_operator: false, ..certificate }),
        ),
    ];
    if usable {
        let mismatch = TlsSeen { tlsa: Tlsa::Mismatch, ..good };
        cases.push(case("no TLSA record matches", &Observation::Tls(mismatch)));
    }
    if hop.facts.operator.level == OperatorLevel::Fingerprint {
        let other = TlsSeen { fingerprint: false, ..good };
        cases.push(case("its key is none of those pinned", &Observation::Tls(other)));
    }
    cases
}

/// A decision in words.
fn then(decision: &Decision) -> String {
    let reply = || decision.reply().map(|reply| reply.to_string()).unwrap_or_default();
    match decision.action {
        Action::Deliver(permit) => match permit.protection() {
            Protection::Clear { new_connection: false } => "delivered in clear".to_owned(),
            Protection::Clear { new_connection: true } => {
                "delivered in clear over a new connection".to_owned()
            }
            Protection::Encrypted => "delivered, encrypted, to whomever".to_owned(),
            Protection::Authenticated { for_domain: true, .. } => {
                format!("delivered, encrypted and authenticated: {}", decision.why())
            }
            Protection::Authenticated { for_domain: false, .. } => format!(
                "delivered, encrypted, to the host that an unsigned MX record names: {}",
                decision.why()
            ),
        },
        Action::NextMx(AtLast::Defer) => format!("not here; kept and tried again: {}", reply()),
        Action::NextMx(AtLast::Bounce) => format!("not here; returned after the last host: {}", reply()),
        Action::Bounce => format!("returned at once: {}", reply()),
    }
}
