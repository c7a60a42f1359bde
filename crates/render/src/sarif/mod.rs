//! SARIF 2.1.0 for code hosts (GitHub, GitLab, Azure) and viewers.
//!
//! Parts: `rules` (the checks that are referred to, with their manuals), `places` (where a
//! finding is, for readers that know files alone).
//!
//! A finding is a result; what could not be determined is a notification of the invocation and
//! never a result, so that nobody takes it for good or bad. Severity gives the level: critical
//! and high are errors, medium warnings, low notes; what is only worth knowing is of the kind
//! `informational`, which by section 3.27.10 has the level `none`. GitHub reads
//! `security-severity` off the rule: there stands the worst of this run.

mod places;
mod rules;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use waxseal_model::{Finding, Report, Severity, VerdictKind, finding::VerdictEntry};

use crate::{guard::harmless, json::pretty, manual::Manual, when};
use rules::Rules;

/// What a document tells beside the reports.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Version of the program.
    pub version: &'a str,
    /// Every check.
    pub rules: &'a [Manual<'a>],
    /// How the program ends.
    pub exit_code: u8,
    /// The file that the targets were read from, as it was named, and the line of each by
    /// [`waxseal_model::Target::argument`]: findings are shown there.
    pub list: Option<(&'a str, &'a BTreeMap<String, u32>)>,
}

/// Reports as one document with one run.
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn sarif(reports: &[Report], run: &Run<'_>) -> Result<String, serde_json::Error> {
    let rules = Rules::new(reports, run.rules);
    let mut prints = Fingerprints::default();
    let results: Vec<Value> = reports
        .iter()
        .flat_map(|r| r.findings.iter().map(move |f| (r, f)))
        .map(|(report, finding)| result(report, finding, run, &rules, &mut prints))
        .collect();
    let targets: Vec<Value> = reports
        .iter()
        .map(|r| {
            json!({
                "target": clean(&r.target),
                "letter": r.grade.letter,
                "summary": clean(&r.grade.summary),
                "scanned": format!("{}Z", when::iso(r.started_at)),
            })
        })
        .collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "waxseal",
                "version": run.version,
                "semanticVersion": run.version,
                "rules": rules.descriptors(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(reports, run, &rules)],
            "results": results,
            "properties": { "targets": targets },
        }],
    }))
}

fn result(
    report: &Report,
    finding: &Finding,
    run: &Run<'_>,
    rules: &Rules<'_>,
    prints: &mut Fingerprints,
) -> Value {
    let place = report.place(finding);
    let informational = finding.severity == Severity::Info;
    let mut value = json!({
        "ruleId": finding.check,
        "ruleIndex": rules.index(&finding.check),
        "kind": if informational { "informational" } else { "fail" },
        "level": level(finding.severity),
        "message": { "text": message(finding) },
        "locations": [places::location(report, finding.endpoint.as_deref(), run)],
        "partialFingerprints": prints.of(report, finding, place.as_deref()),
        "rank": f64::from(finding.importance.min(100)),
        "properties": {
            "severity": finding.severity,
            "security-severity": security_severity(finding.severity),
            "confidence": finding.confidence,
            "target": clean(&report.target),
            "fix": lines(&finding.fix),
            "retest": clean(&finding.retest),
        },
    });
    if let (Some(object), Some(_)) = (value.as_object_mut(), &report.comparison) {
        let state = if report.is_new(finding) { "new" } else { "unchanged" };
        object.insert("baselineState".to_owned(), state.into());
    }
    value
}

/// Title, cause and effect, what to do, how to test again. The first sentence has to do where
/// there is little room.
fn message(finding: &Finding) -> String {
    let Finding { title, detail, fix, retest, .. } = finding;
    let mut out = format!("{}. {}", title.trim_end_matches('.'), detail);
    if !fix.is_empty() {
        out.push_str(&format!("\n\nFix:\n{fix}"));
    }
    if !retest.is_empty() {
        out.push_str(&format!("\n\nTest again: {retest}"));
    }
    // `[text](target)` is a link (section 3.11.6): foreign text gets none.
    lines(&out).replace("](", "] (")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
        Severity::Info => "none",
    }
}

/// The middle of the band that code hosts give to the word: over 9.0 critical, from 7.0 high,
/// from 4.0 medium, from 0.1 low.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// How the run went: successful if every target could be judged.
fn invocation(reports: &[Report], run: &Run<'_>, rules: &Rules<'_>) -> Value {
    let mut notes = Vec::new();
    for report in reports {
        if report.grade.letter.is_none() {
            let text = format!("{}: no grade. {}", report.target, report.grade.summary);
            notes.push(json!({
                "level": "warning",
                "message": { "text": lines(&text).replace("](", "] (") },
                "locations": [places::location(report, None, run)],
            }));
        }
        notes.extend(open_questions(report, run, rules));
    }
    let mut value = json!({
        "executionSuccessful": matches!(run.exit_code, 0 | 1),
        "exitCode": run.exit_code,
        "exitCodeDescription": exit_description(run.exit_code),
        "toolExecutionNotifications": notes,
    });
    let started = reports.iter().map(|r| r.started_at).min();
    if let (Some(object), Some(at)) = (value.as_object_mut(), started) {
        object.insert("startTimeUtc".to_owned(), format!("{}Z", when::iso(at)).into());
    }
    value
}

/// What the codes mean, as `--help` has it.
fn exit_description(code: u8) -> &'static str {
    match code {
        0 => "nothing at or above the threshold",
        1 => "findings at or above the threshold",
        3 => "could not be determined",
        130 => "interrupted",
        _ => "internal error",
    }
}

/// Checks without an answer: one notification for each place and reason.
fn open_questions(report: &Report, run: &Run<'_>, rules: &Rules<'_>) -> Vec<Value> {
    let mut open: BTreeMap<(Option<&str>, &str), Vec<&str>> = BTreeMap::new();
    for VerdictEntry { check, endpoint, why, .. } in
        report.verdicts.iter().filter(|v| v.verdict == VerdictKind::Undetermined)
    {
        open.entry((endpoint.as_deref(), why)).or_default().push(check);
    }
    open.into_iter()
        .map(|((endpoint, why), checks)| {
            let place = endpoint.unwrap_or(&report.target);
            let text = format!("{place}: could not be determined: {why} ({})", checks.join(", "));
            let mut note = Map::new();
            note.insert("level".into(), "note".into());
            note.insert("message".into(), json!({ "text": clean(&text).replace("](", "] (") }));
            note.insert("locations".into(), json!([places::location(report, endpoint, run)]));
            if let [check] = checks.as_slice() {
                note.insert("associatedRule".into(), json!({ "id": check, "index": rules.index(check) }));
            }
            Value::Object(note)
        })
        .collect()
}

/// What tells a finding from one run to the next: check, target, host and port. Titles count
/// days and addresses move, so that neither is part of it; several findings of one check at
/// one place are numbered.
#[derive(Default)]
struct Fingerprints(BTreeMap<u64, u32>);

impl Fingerprints {
    fn of(&mut self, report: &Report, finding: &Finding, place: Option<&str>) -> Value {
        let target = report.target_parsed.argument();
        let hash = fnv1a(&[&finding.check, &target, place.unwrap_or_default()]);
        let number = self.0.entry(hash).or_insert(0);
        *number += 1;
        let print = format!("{hash:016x}:{number}");
        // The first is the only one that GitHub reads.
        json!({ "primaryLocationLineHash": print, "waxseal/v1": print })
    }
}

/// FNV-1a with 64 bits (RFC 9923): the same on every machine and in every version.
fn fnv1a(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn clean(text: &str) -> String {
    harmless(text).into_owned()
}

/// Text of several lines, each made harmless.
fn lines(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(&[]), 0xcbf2_9ce4_8422_2325);
        // The published value of "a" followed by a zero byte's round.
        assert_eq!(fnv1a(&["a"]), 0xaf63_dc4c_8601_ec8c_u64.wrapping_mul(0x0100_0000_01b3));
        assert_ne!(fnv1a(&["ab", "c"]), fnv1a(&["a", "bc"]));
    }

    #[test]
    fn foreign_text_makes_no_links() {
        let finding = Finding {
            check: "x".into(),
            severity: Severity::Low,
            confidence: waxseal_model::Confidence::High,
            endpoint: None,
            title: "[a](https://example.com)".into(),
            detail: "b\u{1b}".into(),
            fix: String::new(),
            retest: String::new(),
            importance: 0,
        };
        assert_eq!(message(&finding), "[a] (https://example.com). b\\x1b");
    }
}
