//! The state of a certificate in two or three words.

use waxseal_model::{
    Finding, PresentedChain, Report, Severity, VerdictKind, certificate::PathOutcome,
    evidence::EndpointEvidence, observed::Observed,
};

use crate::{
    style::Role,
    table::Cell,
    when::{self, Term},
};

/// Checks whose verdict says whether the name fits begin so.
const NAME_CHECKS: &str = "certificate.name";

/// One cell for all chains of an endpoint. Worst words first, in capitals, so that they
/// are seen without colour; `valid` is said only where path, dates and name are.
pub(crate) fn cell(report: &Report, endpoint: &EndpointEvidence, now: i64) -> Cell {
    let chains = match &endpoint.evidence.chains {
        Observed::Seen { value } if !value.is_empty() => for_named(value),
        Observed::Seen { .. } => return (Role::Notice, "none presented".into()),
        Observed::NotTried { .. } | Observed::Failed { .. } => return (Role::Notice, "not seen".into()),
    };
    let mut words: Vec<String> = Vec::new();
    let mut unsure: Vec<String> = Vec::new();
    for chain in &chains {
        problems(chain, now, &mut words, &mut unsure);
    }
    let name = name_verdict(report, &endpoint.endpoint.id());
    if name == Some(VerdictKind::Found) {
        push(&mut words, "WRONG NAME");
    }
    let left = shortest(&chains, now);
    for (check, word) in [
        ("certificate.weak_key", "WEAK KEY".to_owned()),
        ("certificate.weak_signature", "WEAK SIGNATURE".to_owned()),
        ("certificate.expires_soon", format!("ENDS in {left}")),
    ] {
        if grave(report, &endpoint.endpoint.id(), check) {
            push(&mut words, &word);
        }
    }
    if !words.is_empty() {
        return (Role::Bad, words.join(", "));
    }
    if let Some(reason) = unsure.first() {
        return (Role::Notice, format!("{reason}, {left}"));
    }
    match name {
        Some(VerdictKind::Clear) => (Role::Good, format!("valid, {left}")),
        _ => (Role::Plain, format!("trusted, {left}; name not compared")),
    }
}

fn problems(chain: &PresentedChain, now: i64, words: &mut Vec<String>, unsure: &mut Vec<String>) {
    match &chain.path {
        Observed::Seen { value } => match value.outcome {
            PathOutcome::Trusted => {}
            PathOutcome::Unsupported => push(unsure, "not verifiable here"),
            outcome => push(words, outcome_words(outcome)),
        },
        Observed::NotTried { .. } | Observed::Failed { .. } => push(unsure, "path not checked"),
    }
    let Some(leaf) = chain.leaf() else { return };
    match Term::new(leaf.not_before, leaf.not_after, now) {
        Term::Left(_) => {}
        Term::Over(seconds) => push(words, &format!("EXPIRED {} ago", when::span(seconds))),
        Term::Future(_) => push(words, &format!("NOT YET VALID (from {})", when::date(leaf.not_before))),
    }
}

fn push(words: &mut Vec<String>, word: &str) {
    if !words.iter().any(|w| w == word) {
        words.push(word.to_owned());
    }
}

fn outcome_words(outcome: PathOutcome) -> &'static str {
    match outcome {
        PathOutcome::Trusted => "trusted",
        PathOutcome::SelfSignedLeaf => "SELF-SIGNED",
        PathOutcome::UnknownRoot => "UNKNOWN ROOT",
        PathOutcome::IssuerMissing => "ISSUER MISSING",
        PathOutcome::LeafIssuerMissing => "ISSUER NOT FOUND",
        PathOutcome::BadSignature => "BAD SIGNATURE",
        PathOutcome::NotACa => "ISSUER IS NO CA",
        PathOutcome::PathTooLong => "PATH TOO LONG",
        PathOutcome::WrongPurpose => "NOT FOR SERVERS",
        PathOutcome::NameConstraint => "OUTSIDE ITS CA'S NAMES",
        PathOutcome::Unsupported => "not verifiable here",
    }
}

/// True if a check found something at an endpoint that makes mail fail.
fn grave(report: &Report, endpoint: &str, check: &str) -> bool {
    let here = |f: &&Finding| f.endpoint.as_deref() == Some(endpoint) && f.check == check;
    report.findings.iter().filter(here).any(|f| f.severity >= Severity::High)
}

/// The worst verdict on the name at an endpoint; none where no check looked at it.
fn name_verdict(report: &Report, endpoint: &str) -> Option<VerdictKind> {
    let verdicts = report
        .verdicts
        .iter()
        .filter(|v| v.endpoint.as_deref() == Some(endpoint) && v.check.starts_with(NAME_CHECKS));
    verdicts.map(|v| v.verdict).max_by_key(|v| match v {
        VerdictKind::Clear => 0,
        VerdictKind::Undetermined => 1,
        VerdictKind::Found => 2,
    })
}

/// What the certificate that ends first has left.
/// The chains for clients that name the server, as all that verify do; what others get
/// counts where nothing else was seen.
fn for_named(chains: &[PresentedChain]) -> Vec<&PresentedChain> {
    let named: Vec<&PresentedChain> = chains.iter().filter(|c| c.sni.is_some()).collect();
    if named.is_empty() { chains.iter().collect() } else { named }
}

fn shortest(chains: &[&PresentedChain], now: i64) -> String {
    let ends = chains.iter().filter_map(|c| c.leaf()).map(|leaf| leaf.not_after).min();
    ends.map_or_else(|| "no leaf".into(), |end| when::span(end.saturating_sub(now)))
}
