//! How each sender delivers now, and the whole view.

use waxseal_model::{
    DnssecStatus, DomainEvidence, Evidence, Usage, Why,
    evidence::MailRouting,
    sender::{Attack, AttackView, Outcome, SenderView},
};

use super::{
    attack,
    profile::{Sender, Under, Words, all},
    sight::{self, Candidate, Maybe, Sight, Traits},
};
use crate::{
    delivery::{
        self, Action, AtLast, Dane, Decision, Failure, Level, MxAnswer, Observation, PolicyFacts, Protection,
        Requirement, decide, deliver, requirement,
    },
    text,
};

/// How each sender delivers to a target, now and with an attacker on the path; none where
/// other mail servers do not deliver to it. `now` is in seconds since 1970-01-01 UTC.
pub fn views(evidence: &Evidence, now: i64) -> Vec<SenderView> {
    let relay = |e: &waxseal_model::EndpointEvidence| e.endpoint.usage == Usage::Relay;
    let applies = match &evidence.domain {
        Some(_) => evidence.endpoints.is_empty() || evidence.endpoints.iter().any(relay),
        None => evidence.endpoints.iter().any(relay),
    };
    if !applies {
        return Vec::new();
    }
    all().iter().map(|sender| view(sender, evidence, now)).collect()
}

/// How a delivery ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    /// An attacker gets to read the mail.
    pub(super) read: bool,
    pub(super) reply: Option<String>,
    pub(super) why: String,
}

impl End {
    pub(super) fn undetermined(why: &Why) -> Self {
        let why = why.text.trim_end_matches('.').to_owned();
        Self { outcome: Outcome::Undetermined, read: false, reply: None, why }
    }
}

/// How one sender delivers, which need not be one of the list. Where other mail servers do
/// not deliver to the target, the answer means nothing: [`views`] has none there.
pub fn view(sender: &Sender, evidence: &Evidence, now: i64) -> SenderView {
    let all = Traits::all(sender);
    let over = |end: &dyn Fn(&Sight<'_>) -> End| {
        let ends: Vec<(Traits, End)> =
            all.iter().map(|&traits| (traits, end(&Sight { evidence, traits, now }))).collect();
        agreed(sender, ends)
    };
    let today = over(&|sight| end_now(sender, sight));
    let attacks: Vec<AttackView> = if takes_no_mail(evidence) {
        Vec::new()
    } else {
        let attacks = [Attack::StripStarttls, Attack::SwapMx, Attack::OtherCertificate];
        attacks.into_iter().map(|a| attack_view(a, over(&|sight| attack::end(a, sender, sight)))).collect()
    };
    // Of equals the first.
    let worst = attacks.iter().rev().max_by_key(|a| harm(a.outcome, a.read_by_attacker));
    let in_attack =
        || worst.and_then(|a| a.reply.clone()).or_else(|| attacks.iter().find_map(|a| a.reply.clone()));
    // What it says under attack is not what it says today, where that is not known.
    let refuses = matches!(today.outcome, Outcome::Deferred | Outcome::Bounced);
    let reply = if refuses { today.reply } else { in_attack() };
    let (under_attack, read_under_attack) =
        worst.map_or((today.outcome, false), |a| (a.outcome, a.read_by_attacker));
    SenderView {
        sender: sender.id.clone(),
        title: sender.title.clone(),
        outcome: today.outcome,
        under_attack,
        read_under_attack,
        reply,
        why: format!("{}.", text::sentence(&today.why)),
        attacks,
    }
}

fn attack_view(attack: Attack, end: End) -> AttackView {
    AttackView { attack, outcome: end.outcome, read_by_attacker: end.read, reply: end.reply, why: end.why }
}

/// For choosing the worst for secrecy: what is known to be read comes before what is not
/// known, and that before all that the attacker cannot read.
pub(super) fn harm(outcome: Outcome, read: bool) -> (u8, Outcome) {
    let step = match (read, outcome) {
        (true, _) => 2,
        (false, Outcome::Undetermined) => 1,
        (false, _) => 0,
    };
    (step, outcome)
}

/// The one end, if all that a sender may be like leads to it.
fn agreed(sender: &Sender, ends: Vec<(Traits, End)>) -> End {
    let key = |end: &End| (end.outcome, end.read);
    let Some((_, first)) = ends.first() else {
        let why = Why::new(waxseal_model::Cause::Internal, "nothing is known of the sender");
        return End::undetermined(&why);
    };
    if ends.iter().all(|(_, end)| key(end) == key(first)) {
        return first.clone();
    }
    // An end that is open in itself stays so with its own reason.
    if let Some((_, open)) = ends.iter().find(|(_, end)| end.outcome == Outcome::Undetermined) {
        return open.clone();
    }
    let unknown = |what: &str, half: &dyn Fn(&Traits) -> bool| {
        let of = |wanted: bool| {
            let mut keys: Vec<_> =
                ends.iter().filter(|(t, _)| half(t) == wanted).map(|(_, e)| key(e)).collect();
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        let (with, without) = (of(true), of(false));
        (!with.is_empty() && !without.is_empty() && with != without)
            .then(|| format!("it is not known whether {} {what}", sender.title))
    };
    let what = [
        unknown("honours MTA-STS", &|t| t.mta_sts),
        unknown("honours DANE", &|t| t.dane),
        unknown("requires TLS of every domain", &|t| t.rule != first_rule(&ends)),
        unknown("goes on in clear after a failed handshake", &|t| t.clear_after_failed_tls),
        unknown("still uses outdated versions of TLS", &|t| t.oldest < waxseal_model::tls::TlsVersion::Tls12),
        unknown("uses TLS 1.3", &|t| t.newest == waxseal_model::tls::TlsVersion::Tls13),
    ];
    let why: Vec<String> = what.into_iter().flatten().collect();
    let why = if why.is_empty() { "too little is known of the sender".to_owned() } else { why.join("; ") };
    End { outcome: Outcome::Undetermined, read: false, reply: None, why }
}

fn first_rule(ends: &[(Traits, End)]) -> super::RuleLevel {
    ends.first().map_or(super::RuleLevel::May, |(t, _)| t.rule)
}

fn takes_no_mail(evidence: &Evidence) -> bool {
    evidence.domain.as_ref().is_some_and(|d| {
        matches!(d.routing, MailRouting::NullMx | MailRouting::NoSuchDomain | MailRouting::NoMailHost)
    })
}

/// How a delivery ends now.
fn end_now(sender: &Sender, sight: &Sight<'_>) -> End {
    if let Some(end) = sight.evidence.domain.as_ref().and_then(|d| without_hosts(sender, sight, d)) {
        return end;
    }
    let candidates = sight::candidates(sight.evidence);
    let mut tried: Vec<(Candidate<'_>, Decided)> = Vec::new();
    let mut open: Option<Why> = None;
    let mut rest = candidates.as_slice();
    while let Some(first) = rest.first() {
        let equal = rest.iter().take_while(|c| c.preference == first.preference).count();
        let (group, later) = rest.split_at(equal);
        rest = later;
        let mut delivered: Option<(Candidate<'_>, Decided)> = None;
        let before = open.clone();
        for candidate in group {
            match decided(sight, candidate) {
                Err(why) => open = open.or(Some(why)),
                Ok(d) => {
                    // Senders choose among equals at random: the worst of what may happen.
                    if let Some(new) = strength(&d.decision)
                        && delivered
                            .as_ref()
                            .and_then(|(_, old)| strength(&old.decision))
                            .is_none_or(|old| new < old)
                    {
                        delivered = Some((*candidate, d));
                    }
                    tried.push((*candidate, d));
                }
            }
        }
        if let Some((candidate, d)) = delivered {
            // Whether an earlier host takes the mail would have to be known.
            return before.map_or_else(|| delivered_end(&candidate, &d), |why| End::undetermined(&why));
        }
    }
    open.map_or_else(|| refused_end(sender, sight, &tried), |why| End::undetermined(&why))
}

/// The end for a domain whose names lead to no host.
fn without_hosts(sender: &Sender, sight: &Sight<'_>, domain: &DomainEvidence) -> Option<End> {
    let by = |mx: MxAnswer| {
        let facts = PolicyFacts { mx, ..sight.plain() };
        let d = Decided::new(&facts, &Observation::Unreachable);
        Some(ended(sender, sight, None, &d))
    };
    match domain.routing {
        MailRouting::NullMx => by(MxAnswer::NullMx),
        MailRouting::NoSuchDomain => by(MxAnswer::NoSuchDomain),
        MailRouting::NoMailHost => Some(End {
            outcome: Outcome::Bounced,
            read: false,
            reply: None,
            why: "the domain has neither MX nor address records".into(),
        }),
        MailRouting::Unknown if domain.mx_answer.status == DnssecStatus::Bogus => {
            if sight.traits.dane {
                return by(MxAnswer::Bogus);
            }
            let text = "the MX records do not verify by DNSSEC, and what senders make of them that do not check \
                        was not tested";
            Some(End::undetermined(&Why::new(waxseal_model::Cause::Resolver, text)))
        }
        MailRouting::Unknown => {
            let text = format!("the MX records could not be looked up: {}", domain.mx_answer.reason);
            Some(End::undetermined(&Why::new(waxseal_model::Cause::Resolver, text)))
        }
        MailRouting::Mx | MailRouting::ImplicitMx | MailRouting::NullMxWithOthers => {
            let none = sight::candidates(sight.evidence).is_empty();
            none.then(|| {
                let why = Why::new(waxseal_model::Cause::Name, "no MX host is known");
                End::undetermined(&sight.evidence.no_endpoint.clone().unwrap_or(why))
            })
        }
    }
}

/// A decision with what led to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    pub(super) requirement: Requirement,
    pub(super) observation: Observation,
    pub(super) decision: Decision,
    pub(super) under: Under,
}

impl Decided {
    pub(super) fn new(facts: &PolicyFacts, observation: &Observation) -> Self {
        let requirement = requirement(facts);
        let decision = decide(&requirement, observation);
        let under = match (decision.failure, requirement.level()) {
            (Some(Failure::TlsaLookup | Failure::DaneRequired), _) => Under::Dane,
            (Some(Failure::NotInPolicy), _) => Under::MtaSts,
            (_, Level::Dane | Level::DaneOnly) => Under::Dane,
            (_, Level::MtaSts) => Under::MtaSts,
            (_, Level::Encrypt) if facts.dane == Dane::UnusableOnly => Under::Dane,
            _ => Under::Rule,
        };
        Self { requirement, observation: *observation, decision, under }
    }
}

/// The decision on a candidate as things are.
fn decided(sight: &Sight<'_>, candidate: &Candidate<'_>) -> Result<Decided, Why> {
    let facts = sight.facts(candidate);
    // A host that is out of the question need not be seen.
    let observations = match sight.observation(candidate) {
        Ok(observations) => observations,
        Err(why) if facts.values.iter().all(|f| requirement(f).refusal().is_some()) => {
            Maybe::one_of(vec![Observation::Unreachable], &why)
        }
        Err(why) => return Err(why),
    };
    settle(&facts, &observations)
}

/// The decision, if all that facts and observations may be leads to the same.
pub(super) fn settle(facts: &Maybe<PolicyFacts>, seen: &Maybe<Observation>) -> Result<Decided, Why> {
    let combinations = facts.values.iter().flat_map(|f| seen.values.iter().map(move |o| (f, o)));
    let all: Vec<Decided> = combinations.map(|(f, o)| Decided::new(f, o)).collect();
    let nothing = || Why::new(waxseal_model::Cause::Internal, "nothing is known of the host");
    let first = all.first().copied().ok_or_else(nothing)?;
    let same = |d: &Decided| outcome(&d.decision) == outcome(&first.decision);
    if all.iter().all(same) {
        Ok(first)
    } else {
        Err(facts.why.clone().or_else(|| seen.why.clone()).unwrap_or_else(nothing))
    }
}

pub(super) fn outcome(decision: &Decision) -> Outcome {
    match decision.action {
        Action::Deliver(permit) => match permit.protection() {
            Protection::Clear { .. } => Outcome::Clear,
            Protection::Encrypted => Outcome::Encrypted,
            Protection::Authenticated { .. } => Outcome::Authenticated,
        },
        Action::NextMx(AtLast::Defer) => Outcome::Deferred,
        Action::NextMx(AtLast::Bounce) | Action::Bounce => Outcome::Bounced,
    }
}

fn strength(decision: &Decision) -> Option<u8> {
    match decision.action {
        Action::Deliver(permit) => Some(permit.protection().strength()),
        Action::NextMx(_) | Action::Bounce => None,
    }
}

fn delivered_end(candidate: &Candidate<'_>, d: &Decided) -> End {
    let why = format!("{} ({})", d.decision.why(), candidate.host);
    End { outcome: outcome(&d.decision), read: false, reply: None, why }
}

/// The end where no host takes the mail.
fn refused_end(sender: &Sender, sight: &Sight<'_>, tried: &[(Candidate<'_>, Decided)]) -> End {
    let hosts: Vec<_> = tried.iter().map(|(_, d)| (d.requirement, d.observation)).collect();
    let failure = match deliver(&hosts).map(|d| d.outcome) {
        Some(delivery::Outcome::Deferred { failure, .. } | delivery::Outcome::Bounced { failure, .. }) => {
            failure
        }
        Some(delivery::Outcome::Delivered { .. }) | None => {
            let why = Why::new(waxseal_model::Cause::Internal, "no MX host was tried");
            return End::undetermined(&why);
        }
    };
    // The failure that can be mended, if there is one beside hosts that do not answer.
    let telling = |d: &&(Candidate<'_>, Decided)| d.1.decision.failure != Some(Failure::Unreachable);
    let of = |d: &&(Candidate<'_>, Decided)| d.1.decision.failure == Some(failure);
    match tried.iter().find(telling).or_else(|| tried.iter().find(of)) {
        Some((candidate, d)) => ended(sender, sight, Some(candidate), d),
        None => End::undetermined(&Why::new(waxseal_model::Cause::Internal, "no MX host was tried")),
    }
}

/// The end that one decision means, in the sender's words.
pub(super) fn ended(
    sender: &Sender,
    sight: &Sight<'_>,
    candidate: Option<&Candidate<'_>>,
    d: &Decided,
) -> End {
    let host = candidate.map_or("", |c| c.host);
    let mut why = d.decision.why().to_owned();
    if !host.is_empty() {
        why = format!("{why} ({host})");
    }
    let reply = d.decision.failure.and_then(|failure| {
        let address = candidate.map_or_else(String::new, sight::address_of);
        let domain = sight.evidence.domain.as_ref().map_or(host, |d| d.name.as_str());
        let own = sender.reply(failure, d.under, &Words { host, address: &address, domain });
        // Domains that take no mail: the reply is the standards' (RFC 7505, RFC 5321).
        own.or_else(|| {
            let by_standard = matches!(failure, Failure::NullMx | Failure::NoSuchDomain);
            by_standard.then(|| failure.reply().to_string())
        })
    });
    End { outcome: outcome(&d.decision), read: false, reply, why }
}
