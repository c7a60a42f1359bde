//! What the evidence says of each MX host, to a sender of a certain kind.
//!
//! A fact that is missing is not guessed: it keeps every value that it may have, and why.
//! Only if all of them lead to the same end is there an answer.

use waxseal_model::{
    Cause, DnsAnswer, DnssecStatus, EndpointEvidence, Evidence, Observed, TlsStart, Usage, Why,
    evidence::MxHost,
    policy::{self, DaneFacts},
    smtp::StarttlsOffer,
    tls::{TlsEvidence, TlsVersion},
};

use super::{
    certificate,
    profile::{Answer, RuleLevel, Sender},
};
use crate::{
    dane::{self, FailureKind},
    delivery::{
        AddressAnswer, Certificate, Dane, MxAnswer, Observation, Operator, OperatorLevel, PolicyFacts, Sts,
        StsMode, TlsSeen, Tlsa,
    },
    state::{self, Protection},
};

/// A fact with every value that it may have, the likeliest first.
#[derive(Debug, Clone)]
pub(super) struct Maybe<T> {
    /// Never empty.
    pub(super) values: Vec<T>,
    /// Why there are several.
    pub(super) why: Option<Why>,
}

impl<T> Maybe<T> {
    pub(super) fn is(value: T) -> Self {
        Self { values: vec![value], why: None }
    }

    pub(super) fn one_of(values: Vec<T>, why: &Why) -> Self {
        Self { values, why: Some(why.clone()) }
    }
}

/// What a sender is like, with nothing left unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traits {
    /// Follows TLSA records, and so validates DNSSEC.
    pub(super) dane: bool,
    /// Compares dates even with DANE-EE.
    pub(super) dates_beside_dane: bool,
    /// Takes the common name of a certificate without DNS names.
    pub(super) common_name: bool,
    pub(super) mta_sts: bool,
    pub(super) rule: RuleLevel,
    pub(super) clear_after_failed_tls: bool,
    pub(super) oldest: TlsVersion,
    pub(super) newest: TlsVersion,
}

impl Traits {
    /// Everything that a sender may be like, as far as its file leaves that open.
    pub(super) fn all(sender: &Sender) -> Vec<Self> {
        let answers = |answer: Answer| match answer {
            Answer::Yes => vec![true],
            Answer::No => vec![false],
            Answer::Unknown => vec![false, true],
        };
        let rules = sender.rule.level.map_or(vec![RuleLevel::May, RuleLevel::Encrypt], |level| vec![level]);
        let oldest = sender.tls.minimum.map_or(vec![TlsVersion::Tls12, TlsVersion::Tls10], |v| vec![v]);
        let newest = sender.tls.maximum.map_or(vec![TlsVersion::Tls13, TlsVersion::Tls12], |v| vec![v]);
        // What is not known of it, and goes beyond the standard, is not assumed.
        let dates_beside_dane = sender.dates_beside_dane.as_ref().is_some_and(|c| c.answer == Answer::Yes);
        let common_name = sender.common_name.as_ref().is_some_and(|c| c.answer == Answer::Yes);
        let mut all = Vec::new();
        for dane in answers(sender.dane.answer) {
            for mta_sts in answers(sender.mta_sts.answer) {
                for clear_after_failed_tls in answers(sender.clear_after_failed_tls.answer) {
                    for rule in &rules {
                        for (oldest, newest) in
                            oldest.iter().flat_map(|o| newest.iter().map(move |n| (*o, *n)))
                        {
                            let rule = *rule;
                            all.push(Self {
                                dane,
                                dates_beside_dane,
                                common_name,
                                mta_sts,
                                rule,
                                clear_after_failed_tls,
                                oldest,
                                newest,
                            });
                        }
                    }
                }
            }
        }
        all
    }
}

/// An address of an MX host, or a host without any that was tested.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    /// Lower is tried first.
    pub(super) preference: u16,
    /// Host name, or the address.
    pub(super) host: &'a str,
    pub(super) mx_host: Option<&'a MxHost>,
    pub(super) endpoint: Option<&'a EndpointEvidence>,
}

/// What the evidence says, seen by one kind of sender.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) traits: Traits,
    pub(super) now: i64,
}

/// All candidates by preference.
pub(super) fn candidates(evidence: &Evidence) -> Vec<Candidate<'_>> {
    let relays = || evidence.endpoints.iter().filter(|e| e.endpoint.usage == Usage::Relay);
    let mut all = Vec::new();
    let Some(domain) = &evidence.domain else {
        return relays()
            .map(|e| Candidate {
                preference: 0,
                host: name_of(evidence, e),
                mx_host: None,
                endpoint: Some(e),
            })
            .collect();
    };
    for mx in &domain.hosts {
        let base = Candidate {
            preference: mx.preference.unwrap_or(0),
            host: &mx.name,
            mx_host: Some(mx),
            endpoint: None,
        };
        let belongs = |e: &&EndpointEvidence| {
            e.endpoint.host.as_deref() == Some(mx.name.as_str())
                || (mx.ip_literal && mx.addresses.contains(&e.endpoint.address))
        };
        let before = all.len();
        all.extend(relays().filter(belongs).map(|e| Candidate { endpoint: Some(e), ..base }));
        if all.len() == before {
            all.push(base);
        }
    }
    all.sort_by_key(|c| c.preference);
    all
}

fn name_of<'a>(evidence: &'a Evidence, e: &'a EndpointEvidence) -> &'a str {
    let given = match &evidence.target {
        waxseal_model::Target::Host { name, .. } => name.as_str(),
        waxseal_model::Target::Domain { .. } | waxseal_model::Target::Address { .. } => "the server",
    };
    e.endpoint.host.as_deref().unwrap_or(given)
}

impl<'a> Sight<'a> {
    /// Everything that the sender may know of a delivery to a candidate.
    pub(super) fn facts(&self, candidate: &Candidate<'a>) -> Maybe<PolicyFacts> {
        let (mx, address) = (self.mx(), self.address(candidate));
        let (dane, sts) = (self.dane(candidate), self.sts(candidate.host));
        let mut values = Vec::new();
        for (mx, address) in mx.values.iter().flat_map(|m| address.values.iter().map(move |a| (*m, *a))) {
            for (dane, sts) in dane.values.iter().flat_map(|d| sts.values.iter().map(move |s| (*d, *s))) {
                values.push(PolicyFacts { mx, address, dane, sts, ..self.plain() });
            }
        }
        Maybe { values, why: dane.why.or(sts.why).or(mx.why).or(address.why) }
    }

    /// What depends on the sender alone.
    pub(super) fn plain(&self) -> PolicyFacts {
        let level = match self.traits.rule {
            RuleLevel::May => OperatorLevel::May,
            RuleLevel::Encrypt => OperatorLevel::Encrypt,
            RuleLevel::Verify => OperatorLevel::Verify,
            RuleLevel::Secure => OperatorLevel::Secure,
            RuleLevel::Dane => OperatorLevel::Dane,
        };
        let operator = Operator {
            level,
            override_published: false,
            clear_after_failure: self.traits.clear_after_failed_tls,
        };
        let dane = if self.traits.dane { Dane::None } else { Dane::NotAsked };
        PolicyFacts { operator, dane, ..PolicyFacts::PLAIN }
    }

    /// The MX answer, where it led to hosts.
    pub(super) fn mx(&self) -> Maybe<MxAnswer> {
        if !self.traits.dane {
            return Maybe::is(MxAnswer::Insecure);
        }
        let both = || vec![MxAnswer::Insecure, MxAnswer::Secure];
        let Some(domain) = &self.evidence.domain else {
            let why = Why::new(Cause::NotApplicable, "the target is a host: whose MX it is, is not known");
            return Maybe::one_of(both(), &why);
        };
        match domain.mx_answer.status {
            DnssecStatus::Secure => Maybe::is(MxAnswer::Secure),
            DnssecStatus::Insecure => Maybe::is(MxAnswer::Insecure),
            DnssecStatus::Bogus => Maybe::is(MxAnswer::Bogus),
            DnssecStatus::Indeterminate => Maybe::one_of(both(), &indeterminate(&domain.mx_answer)),
        }
    }

    fn address(&self, candidate: &Candidate<'_>) -> Maybe<AddressAnswer> {
        if !self.traits.dane {
            return Maybe::is(AddressAnswer::Insecure);
        }
        let answers = candidate.mx_host.map_or(&self.evidence.host_addresses, |m| &m.answers);
        let rtype = match candidate.endpoint.map(|e| e.endpoint.address) {
            Some(ip) if ip.is_ipv6() => "AAAA",
            _ => "A",
        };
        // A host whose answers are all of no use has no endpoint either.
        let bogus = answers.iter().any(|a| a.status == DnssecStatus::Bogus);
        match answers.iter().find(|a| a.rtype == rtype) {
            _ if candidate.endpoint.is_none() && bogus => Maybe::is(AddressAnswer::Bogus),
            Some(a) if a.status == DnssecStatus::Secure => Maybe::is(AddressAnswer::Secure),
            // Whether an address is insecure or its status unknown makes no difference to
            // a delivery: the TLSA answer carries it along.
            _ => Maybe::is(AddressAnswer::Insecure),
        }
    }

    /// The TLSA records (RFC 7672 section 2.2).
    fn dane(&self, candidate: &Candidate<'_>) -> Maybe<Dane> {
        if !self.traits.dane {
            return Maybe::is(Dane::NotAsked);
        }
        let unknown = |why: &Why| Maybe::one_of(vec![Dane::None, Dane::Usable, Dane::LookupFailed], why);
        let Some(endpoint) = candidate.endpoint else {
            return unknown(&Why::new(Cause::NotAsked, format!("{} was not tested", candidate.host)));
        };
        match &endpoint.evidence.dane {
            Observed::Seen { value: None } => Maybe::is(Dane::None),
            Observed::Seen { value: Some(facts) } => match dane_of(facts) {
                Ok(dane) => Maybe::is(dane),
                Err(why) => unknown(&why),
            },
            Observed::Failed { why } if why.cause == Cause::Name => Maybe::is(Dane::None),
            // Records belong to names: an MX that is an address has none.
            Observed::NotTried { .. } if candidate.mx_host.is_some_and(|m| m.ip_literal) => {
                Maybe::is(Dane::None)
            }
            Observed::NotTried { why } | Observed::Failed { why } => unknown(&about("the TLSA records", why)),
        }
    }

    /// The MTA-STS policy, for a sender that has it by the rules (RFC 8461).
    pub(super) fn sts(&self, host: &str) -> Maybe<Sts> {
        if !self.traits.mta_sts {
            return Maybe::is(Sts::None);
        }
        let unknown = |why: &Why| {
            let policy = |lists_mx| Sts::Policy { mode: StsMode::Enforce, lists_mx, refresh_failed: false };
            Maybe::one_of(vec![Sts::None, policy(true), policy(false)], why)
        };
        let Some(domain) = &self.evidence.domain else {
            let text =
                "the target is a host: which domains it serves, and their MTA-STS policies, are not known";
            return unknown(&Why::new(Cause::NotApplicable, text));
        };
        match &domain.policies.sts {
            Observed::Seen { value: None } => Maybe::is(Sts::None),
            Observed::Seen { value: Some(p) } => {
                let policy =
                    |mode| Sts::Policy { mode, lists_mx: state::sts_covers(p, host), refresh_failed: false };
                Maybe::is(match p.mode {
                    policy::StsMode::None => Sts::None,
                    policy::StsMode::Testing => policy(StsMode::Testing),
                    policy::StsMode::Enforce => policy(StsMode::Enforce),
                })
            }
            Observed::NotTried { why } | Observed::Failed { why } => {
                unknown(&about("the MTA-STS policy", why))
            }
        }
    }

    /// Everything that the sender may see at a candidate; an error where nothing is known.
    pub(super) fn observation(&self, candidate: &Candidate<'a>) -> Result<Maybe<Observation>, Why> {
        let Some(e) = candidate.endpoint else { return without_endpoint(candidate).map(Maybe::is) };
        if let Some(Some(_)) = e.evidence.smtp.plaintext_after_220.get() {
            let text =
                "plaintext follows the 220 to STARTTLS, which some senders drop and others do not pass";
            return Err(Why::new(Cause::Prerequisite, text));
        }
        match state::protection(e) {
            Protection::Unreached(why) => self.unreached(why).map(Maybe::is),
            Protection::Plaintext(_) => Ok(Maybe::is(before_tls(e))),
            Protection::Broken(_) => Ok(Maybe::is(Observation::HandshakeFailed)),
            Protection::Unknown(why) => Err(why),
            Protection::Encrypted(best) => match self.common_version(&e.evidence.tls, best)? {
                Some(failed) => Ok(Maybe::is(failed)),
                None => Ok(self.within_tls(e)),
            },
        }
    }

    /// A port that does not answer us may answer others; that it does not is believed if
    /// another of the target's does, or if it says so itself.
    fn unreached(&self, why: Why) -> Result<Observation, Why> {
        let answered = self.evidence.endpoints.iter().any(|e| e.evidence.reached());
        match why.cause {
            Cause::Refused | Cause::Protocol => Ok(Observation::Unreachable),
            Cause::Timeout | Cause::Unreachable | Cause::Closed if answered => Ok(Observation::Unreachable),
            _ => Err(why),
        }
    }

    /// None if the sender and the server have a version of TLS in common.
    fn common_version(&self, tls: &TlsEvidence, best: TlsVersion) -> Result<Option<Observation>, Why> {
        let range = self.traits.oldest..=self.traits.newest;
        if range.contains(&best) {
            return Ok(None);
        }
        let mut unknown = None;
        for version in TlsVersion::ALL.into_iter().filter(|v| range.contains(v)) {
            match state::accepts(tls, version) {
                Ok(true) => return Ok(None),
                Ok(false) => {}
                Err(why) => unknown = Some(why),
            }
        }
        match unknown {
            Some(why) => Err(why),
            None if best < self.traits.oldest => Ok(Some(Observation::TlsTooOld)),
            None => Ok(Some(Observation::HandshakeFailed)),
        }
    }

    fn within_tls(&self, e: &EndpointEvidence) -> Maybe<Observation> {
        let facts = &e.evidence;
        let domain = self.evidence.domain.as_ref().map(|d| d.name.as_str());
        let names = certificate::Names { domain, common_name: self.traits.common_name };
        let certificate = match certificate::by_pkix(facts, &names, self.now) {
            Ok(certificate) => Maybe::is(certificate),
            Err(why) => {
                let valid = Certificate { for_operator: true, ..Certificate::VALID };
                Maybe::one_of(vec![valid, Certificate::NONE], &why)
            }
        };
        let records = facts.dane.get().and_then(Option::as_ref).filter(|_| self.traits.dane);
        let tlsa = match records.map(|d| certificate::by_tlsa(facts, d, self.now)) {
            Some(Ok(tlsa)) => Maybe::is(tlsa),
            Some(Err(why)) => Maybe::one_of(vec![Tlsa::Ee, Tlsa::Mismatch], &why),
            None if !self.traits.dane || facts.dane.is_seen() => Maybe::is(Tlsa::NotApplicable),
            None => {
                let why = facts.dane.why().cloned();
                Maybe { values: vec![Tlsa::Ee, Tlsa::Mismatch], why }
            }
        };
        let requiretls = facts.smtp.ehlo_tls.get().is_some_and(|e| e.keyword("REQUIRETLS").is_some());
        let mut values = Vec::new();
        for certificate in &certificate.values {
            let seen = |tlsa: &Tlsa| {
                let too_old = self.traits.dates_beside_dane && *tlsa == Tlsa::Ee && !certificate.in_date;
                let tlsa = if too_old { Tlsa::TaOutOfDate } else { *tlsa };
                Observation::Tls(TlsSeen { certificate: *certificate, tlsa, fingerprint: false, requiretls })
            };
            values.extend(tlsa.values.iter().map(seen));
        }
        Maybe { values, why: certificate.why.or(tlsa.why) }
    }
}

/// What a DANE answer means to a sender.
fn dane_of(facts: &DaneFacts) -> Result<Dane, Why> {
    match dane::lookup_failure(facts).map(|f| f.kind) {
        Some(FailureKind::Bogus | FailureKind::ServerError) => return Ok(Dane::LookupFailed),
        // That no answer reached us says nothing of what reaches others.
        Some(FailureKind::NoAnswer) => {
            let text = format!("the TLSA records could not be looked up: {}", facts.reason);
            return Err(Why::new(Cause::Resolver, text));
        }
        None => {}
    }
    match facts.status {
        DnssecStatus::Insecure => Ok(Dane::None),
        DnssecStatus::Bogus | DnssecStatus::Indeterminate => {
            Err(Why::new(Cause::Resolver, format!("the DNSSEC status of {} is indeterminate", facts.name)))
        }
        DnssecStatus::Secure if facts.tlsa.is_empty() && facts.records.is_empty() => Ok(Dane::None),
        DnssecStatus::Secure if facts.tlsa.iter().any(|r| r.unusable.is_none()) => Ok(Dane::Usable),
        DnssecStatus::Secure if !facts.tlsa.is_empty() => Ok(Dane::UnusableOnly),
        // Evidence without details: records that were compared are usable.
        DnssecStatus::Secure if facts.matches.is_some() => Ok(Dane::Usable),
        DnssecStatus::Secure => Err(Why::new(
            Cause::NotAsked,
            format!("whether the records of {} can be used is not known", facts.name),
        )),
    }
}

fn before_tls(e: &EndpointEvidence) -> Observation {
    let offered = matches!(e.evidence.smtp.starttls_offer.get(), Some(StarttlsOffer::Advertised));
    if offered && e.endpoint.tls == TlsStart::Starttls {
        Observation::StarttlsRefused
    } else {
        Observation::NoStarttls
    }
}

/// A host that has no tested address.
fn without_endpoint(candidate: &Candidate<'_>) -> Result<Observation, Why> {
    let Some(mx) = candidate.mx_host else { return Ok(Observation::Unreachable) };
    if let Some(failed) = mx.answers.iter().find(|a| !a.is_conclusive()) {
        return Err(Why::new(Cause::Resolver, format!("the addresses of {}: {}", mx.name, failed.reason)));
    }
    if mx.addresses.is_empty() {
        return Ok(Observation::Unreachable);
    }
    Err(Why::new(Cause::Budget, format!("{} was not tested", mx.name)))
}

fn indeterminate(answer: &DnsAnswer) -> Why {
    let text = format!("the DNSSEC status of the MX records of {} is indeterminate", answer.name);
    Why::new(Cause::Resolver, text)
}

/// A reason with what it is about.
fn about(what: &str, why: &Why) -> Why {
    Why::new(why.cause, format!("{what}: {}", why.text))
}

/// The DNSSEC status of the MX answer as evidence has it; none where the target is a host.
pub(super) fn mx_is_signed(evidence: &Evidence) -> Result<bool, Why> {
    let Some(domain) = &evidence.domain else {
        return Err(Why::new(Cause::NotApplicable, "the target is a host: whose MX it is, is not known"));
    };
    match domain.mx_answer.status {
        DnssecStatus::Secure => Ok(true),
        DnssecStatus::Insecure => Ok(false),
        DnssecStatus::Bogus | DnssecStatus::Indeterminate => Err(indeterminate(&domain.mx_answer)),
    }
}

/// True if the candidate has an address to which a connection can be made or led.
pub(super) fn has_address(candidate: &Candidate<'_>) -> bool {
    candidate.endpoint.is_some() || candidate.mx_host.is_some_and(|m| !m.addresses.is_empty())
}

/// The candidate's address, for replies.
pub(super) fn address_of(candidate: &Candidate<'_>) -> String {
    let tested = candidate.endpoint.map(|e| e.endpoint.address);
    let first = || candidate.mx_host.and_then(|m| m.addresses.first().copied());
    tested.or_else(first).map_or_else(String::new, |ip| ip.to_string())
}
