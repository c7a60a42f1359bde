//! Evidence in, judgement out: verdicts, findings and a grade.
//!
//! Parts, in the order in which a judgement is made:
//!
//! - [`mod@profile`]: the rules to judge by, as data (`profiles/*.toml`).
//! - `case`: what a check is shown: the evidence, one endpoint of it, the profile, `now`.
//! - [`mod@checks`]: one file for each check, and the list of them. A check's doc comment is
//!   its manual; [`checks()`] gives it to the command line and to every report.
//! - `fixes`: what to change, by subject and mail server (`fixes/*.toml`).
//! - [`mod@publish`]: the records and files that a domain should publish, filled in.
//! - `dane`: what TLSA records say of an endpoint.
//! - `state`: whether an endpoint is in clear, broken or encrypted, and whether its
//!   certificate can be used; checks and grade share these answers.
//! - `suites`: what is known of suites, by class and by list.
//! - `grade`: two marks and the letter, every cap named.
//! - [`mod@delivery`]: whether a message may go to an MX host and how; a relay decides by it
//!   too.
//! - [`mod@senders`]: kinds of senders as data, and how each of them delivers.
//! - [`compare()`]: what changed since an earlier scan.
//! - [`mod@clients`]: real clients' hellos as data, and what they would negotiate.
//! - [`top_fixes`]: the few fixes that matter most.
//!
//! This crate never does I/O, never reads a clock and never asks a server anything: `now`
//! is handed in, so that old evidence can be judged again. "Could not be tested" stays
//! undetermined here; it is never turned into good or bad.

mod case;
mod check;
pub mod checks;
pub mod clients;
mod compare;
mod dane;
pub mod delivery;
mod fixes;
mod grade;
mod names;
pub mod profile;
pub mod publish;
mod revocation;
pub mod senders;
mod state;
mod suites;
mod text;

#[cfg(test)]
mod fixtures;

use std::sync::LazyLock;

use waxseal_model::{
    Evidence, Finding, Grade, Severity, Verdict, VerdictKind, client::ClientView, finding::VerdictEntry,
    sender::SenderView,
};

pub use check::{Check, Scope};
pub use compare::compare;
pub use profile::{Profile, profile, profile_names};

use case::Case;

/// What was concluded from the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Letter and marks.
    pub grade: Grade,
    /// Each check's answer for the domain or for each endpoint it applies to.
    pub verdicts: Vec<VerdictEntry>,
    /// What is wrong, worst first, and within a severity by importance.
    pub findings: Vec<Finding>,
    /// How each kind of sender delivers, now and under attack.
    pub senders: Vec<SenderView>,
    /// How real clients would negotiate TLS; empty unless the evidence is an audit's.
    pub clients: Vec<ClientView>,
}

/// Judges evidence by the rules of a profile. `now` is in seconds since 1970-01-01 UTC:
/// certificates expire by it.
pub fn judge(evidence: &Evidence, profile: &Profile, now: i64) -> Judgement {
    let mut verdicts = Vec::new();
    let mut findings = Vec::new();
    let domain_case = Case { evidence, domain: evidence.domain.as_ref(), endpoint: None, profile, now };
    for check in checks::ALL.iter().filter(|c| c.scope == Scope::Domain) {
        if let Some(verdict) = domain_case.run(check) {
            record(check, None, verdict, &mut verdicts, &mut findings);
        }
    }
    for endpoint in &evidence.endpoints {
        let case = Case { endpoint: Some(endpoint), ..domain_case };
        for check in checks::ALL.iter().filter(|c| c.scope != Scope::Domain) {
            if let Some(verdict) = case.run(check) {
                record(check, Some(endpoint.endpoint.id()), verdict, &mut verdicts, &mut findings);
            }
        }
    }
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| b.importance.cmp(&a.importance))
            .then_with(|| a.check.cmp(&b.check))
            .then_with(|| a.endpoint.cmp(&b.endpoint))
    });
    Judgement {
        grade: grade::grade(evidence, profile, now),
        verdicts,
        findings,
        senders: senders::views(evidence, now),
        clients: clients::views(evidence),
    }
}

/// Files one verdict: an entry for the list, and its findings.
fn record(
    check: &Check,
    endpoint: Option<String>,
    verdict: Verdict,
    verdicts: &mut Vec<VerdictEntry>,
    findings: &mut Vec<Finding>,
) {
    let (kind, why) = match verdict {
        Verdict::Clear => (VerdictKind::Clear, String::new()),
        Verdict::Undetermined(why) => (VerdictKind::Undetermined, why.text),
        Verdict::Found(found) => {
            let title = found.first().map(|f| f.title.clone()).unwrap_or_default();
            findings.extend(found);
            (VerdictKind::Found, title)
        }
    };
    verdicts.push(VerdictEntry { check: check.id.to_owned(), endpoint, verdict: kind, why });
}

/// A check as people look it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckInfo {
    /// `certificate.expired`.
    pub id: &'static str,
    /// What it finds, in one line.
    pub title: &'static str,
    /// Its manual in Markdown: what it means, method, effect, fix, sources.
    pub manual: &'static str,
}

static MANUALS: LazyLock<Vec<String>> = LazyLock::new(|| checks::ALL.iter().map(|c| c.manual()).collect());

static INFOS: LazyLock<Vec<CheckInfo>> = LazyLock::new(|| {
    let infos = checks::ALL.iter().zip(MANUALS.iter());
    infos.map(|(c, manual)| CheckInfo { id: c.id, title: c.title.trim_ascii(), manual }).collect()
});

/// Every check with its manual, by theme.
pub fn checks() -> &'static [CheckInfo] {
    &INFOS
}

/// The `n` fixes that matter most: one for each check and host, most important first.
/// Findings that are only worth knowing (info) are left out.
pub fn top_fixes(findings: &[Finding], n: usize) -> Vec<&Finding> {
    let mut ranked: Vec<&Finding> =
        findings.iter().filter(|f| f.severity > Severity::Info && !f.fix.is_empty()).collect();
    ranked.sort_by(|a, b| b.importance.cmp(&a.importance).then_with(|| b.severity.cmp(&a.severity)));
    let mut chosen: Vec<&Finding> = Vec::new();
    for finding in ranked {
        if chosen.len() == n {
            break;
        }
        if !chosen
            .iter()
            .any(|c| c.fix == finding.fix || (c.check == finding.check && host(c) == host(finding)))
        {
            chosen.push(finding);
        }
    }
    chosen
}

/// The host of a finding's endpoint, without address and port.
fn host(finding: &Finding) -> Option<&str> {
    finding
        .endpoint
        .as_deref()
        .map(|e| e.split_once('[').filter(|(h, _)| !h.is_empty()).map_or(e, |(h, _)| h))
}

/// Entry point for fuzzing: judges evidence in JSON, if it is evidence, by every profile.
/// Returns the number of findings.
pub fn fuzz_judge(json: &[u8]) -> usize {
    let Ok(evidence) = serde_json::from_slice::<Evidence>(json) else { return 0 };
    profile_names()
        .iter()
        .filter_map(|name| profile(name))
        .map(|p| judge(&evidence, p, evidence.started_at).findings.len())
        .sum()
}

#[cfg(test)]
mod tests;
