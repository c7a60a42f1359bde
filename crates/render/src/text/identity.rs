//! Who may send as the domain and who may issue certificates for its hosts: a line each.
//! Information beside the letter, and only where something of it was looked at.

use std::collections::BTreeSet;

use waxseal_model::{
    DomainEvidence, Observed, Report,
    dns::{DnsOutcome, RecordData},
    identity::{
        Aligned, DkimKeyFacts, DmarcFacts, MessageFacts, SpfEvaluation, SpfFacts, SpfRecordFacts, SpfResult,
        SpfStep,
    },
};

use super::{TextOptions, list};
use crate::{page::Page, style::Role};

/// Title of the section.
pub(crate) const HEADING: &str = "Identity (information, not part of the letter)";
/// Column in which the text of a line begins.
const COLUMN: usize = 8;
/// Keys and authorities that are named, if not all are asked for.
const FEW: usize = 4;
/// Steps of an evaluation that are shown, if not all are asked for.
const STEPS: usize = 40;

pub(crate) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    let Some(domain) = domain(report) else { return };
    page.heading(HEADING);
    for (label, text) in lines(domain, options.verbose) {
        page.entry(&[(Role::Strong, label)], COLUMN, Role::Plain, &text);
    }
    for evaluation in &domain.identity.spf_evaluations {
        trail(page, evaluation, options);
    }
    page.blank();
}

/// The domain, where something of this was looked at.
pub(crate) fn domain(report: &Report) -> Option<&DomainEvidence> {
    report.domain.as_ref().filter(|d| was_looked_at(d))
}

/// One line for each subject, label and text.
pub(crate) fn lines(domain: &DomainEvidence, verbose: bool) -> Vec<(&'static str, String)> {
    let identity = &domain.identity;
    let mut lines = vec![
        ("SPF", said(&identity.spf, spf)),
        ("DKIM", dkim(domain, verbose)),
        ("DMARC", said(&identity.dmarc, dmarc)),
        ("CAA", caa(domain, verbose)),
    ];
    if let Some(facts) = identity.message.get() {
        lines.push(("Message", message(facts)));
    }
    if let Observed::Seen { value: Some(_) } = &identity.bimi {
        lines.push(("BIMI", "a record is published".into()));
    }
    lines
}

/// Where nothing had an answer, the list of what could not be determined says why.
fn was_looked_at(domain: &DomainEvidence) -> bool {
    let identity = &domain.identity;
    identity.spf.is_seen()
        || identity.dmarc.is_seen()
        || !identity.spf_evaluations.is_empty()
        || domain.policies.caa.iter().any(|c| c.answer.is_seen())
}

/// A fact in words, or why it is not known.
fn said<T>(observed: &Observed<T>, words: impl Fn(&T) -> String) -> String {
    match observed {
        Observed::Seen { value } => words(value),
        Observed::NotTried { why } => format!("not tried: {}", why.text),
        Observed::Failed { why } => format!("not known: {}", why.text),
    }
}

fn spf(facts: &SpfFacts) -> String {
    if let Some(error) = &facts.syntax_error {
        return format!("the record cannot be read: {error}");
    }
    match (&facts.record, facts.records.len()) {
        (Some(record), _) => format!("{}{}", strangers(record), said_cost(facts)),
        (None, 0) => "no record".into(),
        (None, n) => format!("{n} records, of which receivers use none"),
    }
}

fn said_cost(facts: &SpfFacts) -> String {
    match facts.cost.get() {
        Some(cost) if cost.uncounted.is_empty() => format!(", {} of 10 lookups", cost.lookups),
        Some(cost) => format!(", at least {} of 10 lookups", cost.lookups),
        None => String::new(),
    }
}

/// What the record makes of hosts that it does not name.
fn strangers(record: &SpfRecordFacts) -> String {
    match (record.all, &record.redirect) {
        (Some(SpfResult::Fail), _) => "strangers fail (-all)".into(),
        (Some(SpfResult::Softfail), _) => "strangers are suspect (~all)".into(),
        (Some(SpfResult::Pass), _) => "EVERY host may send (+all)".into(),
        (Some(_), _) => "says nothing of strangers (?all)".into(),
        (None, Some(domain)) => format!("goes on at {domain} (redirect)"),
        (None, None) => "says nothing of strangers (no all)".into(),
    }
}

fn dkim(domain: &DomainEvidence, verbose: bool) -> String {
    let identity = &domain.identity;
    if identity.dkim_keys.is_empty() {
        return said(&identity.domainkey, |outcome| match outcome {
            DnsOutcome::NxDomain => "no key: _domainkey does not exist".into(),
            _ => "keys may exist; name a selector to look at one (--selector NAME)".into(),
        });
    }
    let keys: Vec<String> = identity.dkim_keys.iter().map(|k| key(k, &domain.name)).collect();
    list(&keys, if verbose { 0 } else { FEW })
}

fn key(facts: &DkimKeyFacts, domain: &str) -> String {
    let name = if facts.domain == domain {
        facts.selector.clone()
    } else {
        format!("{} of {}", facts.selector, facts.domain)
    };
    let what = match (&facts.key, &facts.problem) {
        (Some(key), _) if key.revoked => "revoked".into(),
        (Some(key), _) => {
            let bits =
                key.bits.filter(|_| key.algorithm == "rsa").map(|b| format!(" {b}")).unwrap_or_default();
            let testing = if key.testing { ", testing" } else { "" };
            format!("{}{bits}{testing}", key.algorithm)
        }
        (None, Some(problem)) => problem.clone(),
        (None, None) => said(&facts.answer, |_| "no key".into()),
    };
    format!("{name} ({what})")
}

fn dmarc(facts: &DmarcFacts) -> String {
    let (Some(record), Some(policy)) = (&facts.record, facts.policy) else {
        let problem = facts.walk.iter().find_map(|s| s.problem.as_deref());
        return problem.map_or_else(|| "no record".into(), |p| format!("no usable record: {p}"));
    };
    let tag = facts.policy_tag.as_deref().unwrap_or("p");
    let place = facts.found_at.as_deref().unwrap_or_default();
    let testing = if record.testing { ", one step less applied (t=y)" } else { "" };
    let reports = if record.rua.is_empty() { ", no reports" } else { "" };
    format!("{} ({tag}= at {place}){testing}{reports}", policy.word())
}

/// Who may issue for the mail hosts, by the records as they stand there.
fn caa(domain: &DomainEvidence, verbose: bool) -> String {
    let facts = &domain.policies.caa;
    if facts.is_empty() {
        return if domain.hosts.is_empty() { "no mail host".into() } else { "not tried".into() };
    }
    let mut allowed: BTreeSet<String> = BTreeSet::new();
    for fact in facts {
        let Some(answer) = fact.answer.get() else {
            return said(&fact.answer, |_| String::new());
        };
        let records: Vec<String> = answer
            .records
            .iter()
            .filter_map(|r| match &r.data {
                RecordData::Caa { tag, value, .. } if tag.eq_ignore_ascii_case("issue") => {
                    let issuer = value.split(';').next().unwrap_or_default().trim();
                    Some(if issuer.is_empty() { "nobody".to_owned() } else { issuer.to_owned() })
                }
                _ => None,
            })
            .collect();
        if records.is_empty() {
            allowed.insert("any authority".to_owned());
        }
        allowed.extend(records);
    }
    let names: Vec<String> = allowed.into_iter().collect();
    format!("{} may issue for the mail hosts", list(&names, if verbose { 0 } else { FEW }))
}

/// Whom a message names, and whether these fit together.
fn message(facts: &MessageFacts) -> String {
    let aligned = facts.alignment.get();
    let fits = |a: Option<&Aligned>| match a.map(|a| a.aligned) {
        Some(true) => " (aligned)",
        Some(false) => " (NOT aligned)",
        None => "",
    };
    let mut words = vec![format!("From {}", facts.from.as_deref().unwrap_or("nobody"))];
    if let Some(domain) = &facts.return_path {
        words.push(format!("Return-Path {domain}{}", fits(aligned.and_then(|a| a.spf.as_ref()))));
    }
    for (at, signature) in facts.signatures.iter().enumerate().take(FEW) {
        let fit = fits(aligned.and_then(|a| a.dkim.get(at)));
        words.push(format!("signed by {}{fit}, not verified", signature.domain));
    }
    if facts.signatures.is_empty() {
        words.push("no readable signature".into());
    }
    if let Some(why) = facts.alignment.why() {
        words.push(why.text.clone());
    }
    words.extend(facts.problems.iter().take(FEW).cloned());
    words.join("; ")
}

/// What SPF says of one address.
pub(crate) fn verdict(evaluation: &SpfEvaluation) -> (Role, String) {
    let head = format!("SPF of {} for {}", evaluation.domain, evaluation.ip);
    let outcome = match &evaluation.outcome {
        Observed::Seen { value } => value,
        Observed::NotTried { why } | Observed::Failed { why } => {
            return (Role::Plain, format!("{head}: not known: {}", why.text));
        }
    };
    let role = match outcome.result {
        SpfResult::Pass => Role::Good,
        SpfResult::Fail | SpfResult::Softfail | SpfResult::Permerror => Role::Warning,
        SpfResult::None | SpfResult::Neutral | SpfResult::Temperror => Role::Notice,
    };
    let counts = format!("{} of 10 lookups, {} of 2 void", outcome.lookups, outcome.void_lookups);
    (role, format!("{head}: {} ({}; {counts})", outcome.result.word(), outcome.reason))
}

/// One step of an evaluation.
pub(crate) fn step_words(step: &SpfStep) -> String {
    match step.term.as_str() {
        "" => format!("{}: {}", step.domain, step.says),
        term => format!("{term}: {}", step.says),
    }
}

/// What SPF says of one address, and every step there.
fn trail(page: &mut Page, evaluation: &SpfEvaluation, options: &TextOptions) {
    let (role, head) = verdict(evaluation);
    page.paragraph(2, role, &head);
    let Some(outcome) = evaluation.outcome.get() else { return };
    let shown = if options.verbose { outcome.trail.len() } else { STEPS };
    for step in outcome.trail.iter().take(shown) {
        let indent = 4 + 2 * usize::try_from(step.depth.min(10)).unwrap_or(0);
        page.paragraph(indent, Role::Faint, &step_words(step));
    }
    if outcome.trail.len() > shown {
        page.paragraph(4, Role::Faint, &format!("and {} more (--verbose)", outcome.trail.len() - shown));
    }
    if let Some(explanation) = &outcome.explanation {
        page.paragraph(4, Role::Plain, &format!("The domain says: {explanation}"));
    }
}
