//! CSV, JUnit, SARIF, Nagios, JSON Lines, and changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use waxseal_model::{
    Comparison, Letter, Report, Severity, Threshold,
    change::{Change, ChangeKind, Direction},
};
use waxseal_render::{
    Style, changes, csv, jsonl, junit, manual::Manual, nagios, nagios::State, sarif, sarif::Run,
};

use crate::{samples, xml};

pub(crate) fn threshold() -> Threshold {
    Threshold { fail_on: Severity::High, min_grade: None, inconclusive_is_fine: false, only_new: false }
}

const RULES: [Manual<'static>; 1] = [Manual {
    id: "certificate.expired",
    title: "A certificate of the chain has expired.",
    markdown: "A certificate of the chain has expired.\n\n# Effect\nSenders that verify refuse it.\n# Fix\nRenew it.\n",
}];

pub(crate) fn run() -> Run<'static> {
    Run { version: "0.1.0", rules: &RULES, exit_code: 1, list: None }
}

/// Comparisons made by hand: one finding is new, one is mended.
pub(crate) fn compared() -> Report {
    let mut report = samples::self_signed();
    let change = |direction, kind, text: &str| Change {
        direction,
        kind,
        place: Some("mail.example.net:587".into()),
        check: None,
        severity: None,
        text: text.into(),
        before: None,
        after: None,
    };
    let expired = &report.findings[1];
    report.comparison = Some(Comparison {
        since: samples::NOW - 7 * 86_400,
        letter_before: Some(Letter::C),
        changes: vec![
            Change {
                before: Some("C".into()),
                after: Some("D".into()),
                place: None,
                ..change(Direction::Worse, ChangeKind::Letter, "The letter went from C to D")
            },
            Change {
                check: Some(expired.check.clone()),
                severity: Some(expired.severity),
                ..change(Direction::Worse, ChangeKind::NewFinding, &expired.title)
            },
            Change {
                check: Some("tls.sweet32".into()),
                severity: Some(Severity::Medium),
                after: Some("no answer within 5 s".into()),
                ..change(Direction::Unknown, ChangeKind::LostFinding, "3DES is offered")
            },
            Change {
                before: Some("3 1 1 00".into()),
                after: Some("3 1 1 11".into()),
                ..change(Direction::Neutral, ChangeKind::Policy, "The TLSA records (DANE): changed")
            },
            Change {
                check: Some("tls.rc4".into()),
                severity: Some(Severity::Medium),
                ..change(Direction::Better, ChangeKind::MendedFinding, "RC4 is offered")
            },
        ],
    });
    report
}

fn reports() -> Vec<Report> {
    samples::all().into_iter().map(|(_, report)| report).collect()
}

fn parsed(reports: &[Report], run: &Run<'_>) -> Value {
    serde_json::from_str(&sarif(reports, run).unwrap()).unwrap()
}

#[test]
fn each_format_looks_as_recorded() {
    let two = [samples::self_signed(), samples::unreachable()];
    insta::assert_snapshot!("formats_csv", csv(&two).replace("\r\n", "\n"));
    insta::assert_snapshot!("formats_junit", junit(&two, &threshold()));
    insta::assert_snapshot!("formats_sarif", sarif(&two, &run()).unwrap());
    insta::assert_snapshot!("formats_nagios", nagios(&two, &threshold(), samples::NOW).1);
    insta::assert_snapshot!("formats_changes", changes(&compared(), &Style::plain()));
}

#[test]
fn json_lines_are_the_reports_one_a_line() {
    let all = reports();
    let text = jsonl(&all).unwrap();
    let back: Vec<Report> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(back, all);
    assert_eq!(jsonl(&[]).unwrap(), "");
}

/// The cells of a table of RFC 4180.
pub(crate) fn cells(csv: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![]];
    let mut chars = csv.chars().peekable();
    while let Some(quote) = chars.next() {
        assert_eq!(quote, '"', "a field without quotes");
        let mut field = String::new();
        loop {
            match chars.next().expect("an open quote") {
                '"' if chars.peek() == Some(&'"') => field.push(chars.next().unwrap()),
                '"' => break,
                c => field.push(c),
            }
        }
        rows.last_mut().unwrap().push(field);
        match chars.next() {
            Some(',') => {}
            Some('\r') => {
                assert_eq!(chars.next(), Some('\n'));
                rows.push(vec![]);
            }
            other => panic!("{other:?} behind a field"),
        }
    }
    assert_eq!(rows.pop(), Some(vec![]));
    rows
}

#[test]
fn a_table_has_a_row_for_every_target_finding_and_open_or_clear_check() {
    for (name, report) in samples::all() {
        let rows = cells(&csv(std::slice::from_ref(&report)));
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{name}");
        let others = report.verdicts.iter().filter(|v| v.verdict.word() != "found").count();
        assert_eq!(rows.len(), 2 + report.findings.len() + others, "{name}");
        assert_eq!(rows[1][5], "grade");
    }
    let rows = cells(&csv(&[compared()]));
    let news: Vec<&str> = rows.iter().filter(|r| r[6] == "found").map(|r| r[9].as_str()).collect();
    assert_eq!(news, ["no", "yes", "no"]);
}

#[test]
fn junit_keeps_the_rules_of_its_schemas() {
    for (name, report) in samples::all() {
        xml::assert_junit(&junit(std::slice::from_ref(&report), &threshold()), name);
    }
    xml::assert_junit(&junit(&reports(), &threshold()), "all");
    xml::assert_junit(&junit(&[], &threshold()), "none");
}

#[test]
fn junit_fails_by_the_threshold_and_never_passes_what_is_open() {
    let count = |report: Report, threshold: Threshold, element: &str| {
        junit(&[report], &threshold).matches(&format!("<{element} ")).count()
    };
    let at = |fail_on| Threshold { fail_on, ..threshold() };
    assert_eq!(count(samples::self_signed(), at(Severity::High), "failure"), 2);
    assert_eq!(count(samples::self_signed(), at(Severity::Medium), "failure"), 3);
    assert_eq!(count(samples::self_signed(), at(Severity::Critical), "failure"), 0);
    let least = Threshold { min_grade: Some(Letter::C), ..at(Severity::Critical) };
    assert_eq!(count(samples::self_signed(), least, "failure"), 1);
    let open = samples::unreachable().verdicts.iter().filter(|v| v.verdict.word() == "undetermined").count();
    assert_eq!(count(samples::unreachable(), threshold(), "skipped"), open);
    assert_eq!(count(samples::unreachable(), threshold(), "error"), 1);
    let fine = Threshold { inconclusive_is_fine: true, ..threshold() };
    assert_eq!(count(samples::unreachable(), fine, "error"), 0);
    assert_eq!(count(samples::null_mx(), threshold(), "error"), 0);
    let new = Threshold { only_new: true, ..threshold() };
    assert_eq!(count(compared(), new, "failure"), 1);
}

#[test]
fn monitoring_gets_one_line_with_figures_and_a_state() {
    let of = |reports: &[Report], threshold: Threshold| nagios(reports, &threshold, samples::NOW);
    for (report, state) in [
        (samples::healthy(), State::Ok),
        (samples::self_signed(), State::Critical),
        (samples::unreachable(), State::Unknown),
        (samples::null_mx(), State::Ok),
    ] {
        let (told, text) = of(&[report], threshold());
        assert_eq!(told, state, "{text}");
        let first = text.lines().next().unwrap();
        assert!(first.starts_with(&format!("{} - ", state.word())), "{first}");
        assert_eq!(text.matches('|').count(), 1, "{text}");
    }
    let critical = Threshold { fail_on: Severity::Critical, ..threshold() };
    assert_eq!(of(&[samples::self_signed()], critical).0, State::Warning);
    let (state, text) =
        of(&[samples::unreachable(), samples::self_signed(), samples::healthy()], threshold());
    assert_eq!(state, State::Critical);
    assert!(text.starts_with("CRITICAL - mail.example.net:587 D"), "{text}");
    assert!(text.contains("certificate_days=-3"), "{text}");
    assert_eq!(of(&[], threshold()).0, State::Unknown);
    let new = Threshold { only_new: true, ..threshold() };
    assert!(of(&[compared()], new).1.contains("1 new"));
    let codes = [State::Ok, State::Warning, State::Critical, State::Unknown].map(State::code);
    assert_eq!(codes, [0, 1, 2, 3]);
}

#[test]
fn sarif_has_what_code_hosts_demand() {
    let all = reports();
    let value = parsed(&all, &run());
    assert_eq!(value["version"], "2.1.0");
    let run = &value["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: Vec<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted() && ids.iter().collect::<BTreeSet<_>>().len() == ids.len());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), all.iter().map(|r| r.findings.len()).sum::<usize>());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], rules[index]["id"]);
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains(':') && !uri.starts_with('/'), "{uri}");
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
        assert!(["error", "warning", "note", "none"].contains(&result["level"].as_str().unwrap()));
        let score: f64 = rules[index]["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
        assert!((0.0..=10.0).contains(&score));
        assert_eq!(result["kind"] == "informational", result["level"] == "none");
        assert!(result["partialFingerprints"]["primaryLocationLineHash"].is_string());
    }
    let expired = &rules[ids.iter().position(|id| *id == "certificate.expired").unwrap()];
    assert!(expired["help"]["text"].as_str().unwrap().contains("Effect:\n"), "{expired}");
    assert_eq!(
        expired["fullDescription"]["text"],
        "A certificate of the chain has expired. Senders that verify refuse it."
    );
}

#[test]
fn what_is_open_is_a_notification_and_no_result() {
    let value = parsed(&[samples::unreachable()], &Run { exit_code: 3, ..run() });
    let run = &value["runs"][0];
    assert_eq!(run["results"], serde_json::json!([]));
    let invocation = &run["invocations"][0];
    assert_eq!(
        (invocation["exitCode"].as_u64(), &invocation["executionSuccessful"]),
        (Some(3), &false.into())
    );
    let notes = invocation["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notes.len(), 2, "one for the target, one for all checks at the address: {notes:#?}");
    assert!(notes[1]["message"]["text"].as_str().unwrap().contains("tls.compression"));
}

#[test]
fn fingerprints_are_unique_and_do_not_move_with_days_and_addresses() {
    let prints = |report: &Report| -> Vec<String> {
        let value = parsed(std::slice::from_ref(report), &run());
        let results = value["runs"][0]["results"].as_array().unwrap().clone();
        let print =
            |r: &Value| r["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().to_owned();
        results.iter().map(print).collect()
    };
    let report = samples::self_signed();
    let mut later = report.clone();
    later.findings[1].title = "The certificate expired 30 days ago (2026-11-19)".into();
    later.endpoints[0].endpoint.address = "198.51.100.99".parse().unwrap();
    let id = later.endpoints[0].endpoint.id();
    later.findings.iter_mut().for_each(|f| f.endpoint = Some(id.clone()));
    assert_eq!(prints(&report), prints(&later));
    // Written down, so that a change of the program that would close and open every alert is seen.
    assert_eq!(prints(&report)[0], "db46a6a9c57c014c:1");
    let all: Vec<String> = reports().iter().flat_map(prints).collect();
    assert!(all.len() >= all.iter().collect::<BTreeSet<_>>().len());
    let several = prints(&samples::healthy());
    assert_eq!(several.len(), several.iter().collect::<BTreeSet<_>>().len());
}

#[test]
fn a_list_of_targets_is_where_findings_are_shown() {
    let lines = BTreeMap::from([("mail.example.net:587".to_owned(), 7)]);
    let listed = Run { list: Some(("./conf/mail hosts.txt", &lines)), ..run() };
    let value = parsed(&[samples::self_signed(), samples::plaintext_only()], &listed);
    let place = |at: usize| &value["runs"][0]["results"][at]["locations"][0]["physicalLocation"];
    assert_eq!(place(0)["artifactLocation"]["uri"], "conf/mail%20hosts.txt");
    assert_eq!(place(0)["region"]["startLine"], 7);
    assert_eq!(place(3)["artifactLocation"]["uri"], "plain.example/mx.plain.example/25");
}

#[test]
fn news_are_told_only_with_something_to_compare_with() {
    let states = |report: &Report| -> Vec<Value> {
        let value = parsed(std::slice::from_ref(report), &run());
        let results = value["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|r| r["baselineState"].clone()).collect()
    };
    assert!(states(&samples::self_signed()).iter().all(Value::is_null));
    assert_eq!(states(&compared()), ["unchanged", "new", "unchanged"]);
    assert_eq!(changes(&samples::self_signed(), &Style::plain()), "");
    let mut same = compared();
    same.comparison.as_mut().unwrap().changes.clear();
    assert!(changes(&same, &Style::plain()).contains("nothing changed since 2026-11-15"));
}

/// Run with the published schema at hand (it is not part of the project):
/// `WAXSEAL_SARIF_SCHEMA=sarif-schema-2.1.0.json cargo test -p waxseal-render --test render sarif`.
#[test]
fn sarif_is_valid_by_the_published_schema() {
    let Some(path) = std::env::var_os("WAXSEAL_SARIF_SCHEMA") else { return };
    let mut schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    // A pattern of it is no regular expression.
    schema["definitions"]["run"]["properties"]["language"] = serde_json::json!({});
    schema["definitions"]["toolComponent"]["properties"]["language"] = serde_json::json!({});
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut all = reports();
    all.push(compared());
    for reports in [&all[..], &[]] {
        let value = parsed(reports, &run());
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}
