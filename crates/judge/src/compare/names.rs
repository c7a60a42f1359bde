//! Mail hosts that came or went, and published policies that changed.

use waxseal_model::{
    Cause, DnsAnswer, DomainEvidence, Observed, Report,
    change::{Change, ChangeKind, Direction},
    dns::{DnsOutcome, DnsRecord, RecordData},
    evidence::{MailRouting, MxHost},
    policy::{CaaFacts, DaneFacts, StsMode, StsPolicy},
};

use super::{change, without};
use crate::text;

/// What is published, as text: nothing, or something. The outer level is what is not known.
type Published = Observed<Option<String>>;

/// Appends the differences.
pub(super) fn compare(before: &Report, after: &Report, changes: &mut Vec<Change>) {
    if let (Some(was), Some(is)) = (&before.domain, &after.domain) {
        hosts(was, is, changes);
        policies(was, is, changes);
    }
    for e in &after.endpoints {
        let place = e.endpoint.argument();
        let first = after.endpoints.iter().find(|o| o.endpoint.argument() == place);
        let was = before.endpoints.iter().find(|o| o.endpoint.argument() == place);
        if let Some(was) = was.filter(|_| first.is_some_and(|f| std::ptr::eq(f, e))) {
            let (was, is) = (tlsa(&was.evidence.dane), tlsa(&e.evidence.dane));
            publication("The TLSA records (DANE)", Some(&place), &was, &is, changes);
        }
    }
}

fn hosts(was: &DomainEvidence, is: &DomainEvidence, changes: &mut Vec<Change>) {
    if was.routing == MailRouting::Unknown || is.routing == MailRouting::Unknown {
        return;
    }
    let names = |d: &DomainEvidence| {
        let name = |h: &MxHost| match h.preference {
            Some(preference) => format!("{preference} {}", h.name),
            None => format!("{} (without MX)", h.name),
        };
        d.hosts.iter().map(name).collect::<Vec<_>>()
    };
    let (old, new) = (names(was), names(is));
    let (came, gone) = (without(&new, &old), without(&old, &new));
    let text = match (came.is_empty(), gone.is_empty()) {
        (true, true) if was.routing == is.routing => return,
        (true, true) => "Mail takes another way to the domain".to_owned(),
        (false, true) => format!("New mail hosts: {}", text::list(&came)),
        (true, false) => format!("No longer mail hosts: {}", text::list(&gone)),
        (false, false) => {
            format!("New mail hosts: {}; no longer: {}", text::list(&came), text::list(&gone))
        }
    };
    let lists = |names: &[String], routing| match routing {
        _ if !names.is_empty() => Some(names.join(", ")),
        MailRouting::NullMx => Some("null MX".to_owned()),
        MailRouting::NoSuchDomain => Some("no such domain".to_owned()),
        _ => None,
    };
    changes.push(Change {
        before: lists(&old, was.routing),
        after: lists(&new, is.routing),
        ..change(Direction::Neutral, ChangeKind::Host, None, text)
    });
}

fn policies(was: &DomainEvidence, is: &DomainEvidence, changes: &mut Vec<Change>) {
    sts(was, is, changes);
    let reports = |d: &DomainEvidence| {
        d.policies.tlsrpt.as_ref().map(|record| record.as_ref().and_then(|r| sorted(&r.rua)))
    };
    publication("The TLS-RPT record", None, &reports(was), &reports(is), changes);
    for facts in &is.policies.caa {
        if let Some(earlier) = was.policies.caa.iter().find(|f| f.name == facts.name) {
            let what = format!("What CAA says for {}", facts.name);
            publication(&what, None, &caa(earlier), &caa(facts), changes);
        }
    }
    let spf = |d: &DomainEvidence| d.identity.spf.as_ref().map(|facts| sorted(&facts.records));
    publication("The SPF record", None, &spf(was), &spf(is), changes);
    let dmarc = |d: &DomainEvidence| {
        d.identity.dmarc.as_ref().map(|facts| facts.record.as_ref().map(|r| r.text.clone()))
    };
    publication("The DMARC record", None, &dmarc(was), &dmarc(is), changes);
}

fn sts(was: &DomainEvidence, is: &DomainEvidence, changes: &mut Vec<Change>) {
    let text = |policy: &StsPolicy| {
        let (mode, id, hosts) = (policy.mode.word(), &policy.id, policy.mx.join(" "));
        format!("mode {mode}, mx {hosts}, max_age {}, id {id}", policy.max_age)
    };
    let both = (was.policies.sts.get(), is.policies.sts.get());
    if let (Some(Some(old)), Some(Some(new))) = both
        && old.mode != new.mode
    {
        let strength = |mode| match mode {
            StsMode::None => 0,
            StsMode::Testing => 1,
            StsMode::Enforce => 2,
        };
        let weaker = strength(new.mode) < strength(old.mode);
        let direction = if weaker { Direction::Worse } else { Direction::Better };
        let words = format!("MTA-STS went from {} to {}", old.mode.word(), new.mode.word());
        changes.push(Change {
            before: Some(text(old)),
            after: Some(text(new)),
            ..change(direction, ChangeKind::Policy, None, words)
        });
        return;
    }
    let published = |d: &DomainEvidence| d.policies.sts.as_ref().map(|p| p.as_ref().map(text));
    publication("The MTA-STS policy", None, &published(was), &published(is), changes);
}

fn tlsa(dane: &Observed<Option<DaneFacts>>) -> Published {
    match dane {
        Observed::Seen { value: Some(facts) } if no_answer(facts.outcome) => {
            Observed::failed(Cause::Resolver, facts.reason.clone())
        }
        other => other.as_ref().map(|facts| facts.as_ref().and_then(|f| sorted(&f.records))),
    }
}

fn caa(facts: &CaaFacts) -> Published {
    let record = |r: &DnsRecord| match &r.data {
        RecordData::Caa { flags, tag, value } => Some(format!("{flags} {tag} {value}")),
        _ => None,
    };
    match &facts.answer {
        Observed::Seen { value: answer } if no_answer(answer.outcome) => {
            Observed::failed(Cause::Resolver, answer.reason.clone())
        }
        other => {
            let records = |a: &DnsAnswer| a.records.iter().filter_map(record).collect::<Vec<_>>();
            other.as_ref().map(|answer| sorted(&records(answer)))
        }
    }
}

/// True where a query ended without telling whether there are records.
fn no_answer(outcome: DnsOutcome) -> bool {
    match outcome {
        DnsOutcome::Records | DnsOutcome::NoData | DnsOutcome::NxDomain => false,
        DnsOutcome::ServerError | DnsOutcome::Timeout | DnsOutcome::Unusable => true,
    }
}

/// Records in one line; their order means nothing.
fn sorted(records: &[String]) -> Option<String> {
    let mut records = records.to_vec();
    records.sort_unstable();
    (!records.is_empty()).then(|| records.join(", "))
}

fn publication(what: &str, place: Option<&str>, was: &Published, is: &Published, changes: &mut Vec<Change>) {
    let (direction, text, before, after) = match (was.get(), is) {
        (Some(Some(old)), Observed::Failed { why }) => {
            let text = format!("{what} could not be looked up again");
            (Direction::Unknown, text, Some(old.clone()), Some(why.text.clone()))
        }
        (Some(None), Observed::Seen { value: Some(new) }) => {
            (Direction::Better, format!("{what}: published now"), None, Some(new.clone()))
        }
        (Some(Some(old)), Observed::Seen { value: None }) => {
            let text = format!("{what}: not there any more, or of no use");
            (Direction::Worse, text, Some(old.clone()), None)
        }
        (Some(Some(old)), Observed::Seen { value: Some(new) }) if old != new => {
            (Direction::Neutral, format!("{what}: changed"), Some(old.clone()), Some(new.clone()))
        }
        _ => return,
    };
    changes.push(Change { before, after, ..change(direction, ChangeKind::Policy, place, text) });
}
