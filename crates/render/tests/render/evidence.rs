//! Evidence files, good and bad.

use serde_json::{Value, json};
use waxseal_model::Evidence;
use waxseal_render::evidence::{EvidenceError, from_json, to_json};

use crate::samples;

fn sample() -> Evidence {
    samples::one_bad_mx_of_two().to_evidence()
}

fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = serde_json::to_value(sample()).unwrap();
    change(&mut value);
    serde_json::to_vec(&value).unwrap()
}

#[test]
fn what_is_written_is_read_back() {
    let all: Vec<Evidence> = samples::all().iter().map(|(_, r)| r.to_evidence()).collect();
    assert_eq!(from_json(to_json(&all).unwrap().as_bytes()).unwrap(), all);
    let one = vec![sample()];
    assert_eq!(from_json(to_json(&one).unwrap().as_bytes()).unwrap(), one);
    assert_eq!(from_json(b"[]").unwrap(), Vec::new());
}

#[test]
fn a_report_is_read_as_the_evidence_that_it_rests_on() {
    let report = samples::one_bad_mx_of_two();
    let printed = waxseal_render::json(std::slice::from_ref(&report)).unwrap();
    assert_eq!(from_json(printed.as_bytes()).unwrap(), vec![sample()]);
}

#[test]
fn a_byte_order_mark_and_unknown_members_are_passed_over() {
    let mut file = b"\xef\xbb\xbf".to_vec();
    file.extend(changed(|v| v["from_the_future"] = json!([1, 2])));
    assert_eq!(from_json(&file).unwrap(), vec![sample()]);
}

#[test]
fn a_newer_version_is_refused_whatever_else_it_holds() {
    let file = br#"[{"schema_version": 1}, {"schema_version": 7, "shape": "unknown"}]"#;
    let error = from_json(file).unwrap_err();
    assert_eq!(error, EvidenceError::Newer { entry: 2, found: 7 });
    assert!(error.to_string().contains("newer waxseal"), "{error}");
}

#[test]
fn each_bad_file_gets_its_own_sentence() {
    assert_eq!(from_json(b" \n").unwrap_err(), EvidenceError::Empty);
    assert_eq!(from_json(b"{\"a\xff\"}").unwrap_err(), EvidenceError::NotText(3));
    assert_eq!(from_json(b"{\"a\": 1}").unwrap_err(), EvidenceError::NotEvidence { entry: 1 });
    let cut = changed(|_| {});
    let cut = &cut[..cut.len() / 2];
    assert!(matches!(from_json(cut).unwrap_err(), EvidenceError::NotJson { line: 1, .. }));
    let report = serde_json::to_value(samples::healthy()).unwrap();
    let mixed = serde_json::to_vec(&json!([sample(), report])).unwrap();
    assert_eq!(from_json(&mixed).unwrap_err(), EvidenceError::Mixed);
    for text in ["220 mx ESMTP", "{} {}", "nul", "\"text\"", "[1]", "[[]]", "17"] {
        assert!(from_json(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn damage_is_named_with_its_place() {
    let error = from_json(&changed(|v| v["started_at"] = json!("yesterday"))).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, EvidenceError::Damaged { line: 1, .. }), "{error:?}");
    assert!(text.contains("yesterday") && text.matches("line").count() == 1, "{text}");
    let error = from_json(&changed(|v| {
        v.as_object_mut().unwrap().remove("endpoints");
    }));
    assert!(error.unwrap_err().to_string().contains("endpoints"));
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let file = "[".repeat(100_000);
    assert!(matches!(from_json(file.as_bytes()).unwrap_err(), EvidenceError::NotJson { .. }));
}

#[test]
fn what_the_parser_quotes_from_the_file_is_harmless() {
    let error = from_json(&changed(|v| v["endpoints"] = json!("\u{1b}[31m\u{202e}"))).unwrap_err();
    assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
    assert!(!error.to_string().contains('\u{202e}'));
}
