//! What `--json` prints.

use serde_json::Value;
use waxseal_model::Report;
use waxseal_render::json;

use crate::samples;

#[test]
fn the_members_that_programs_rely_on_are_there() {
    let value: Value = serde_json::from_str(&json(&[samples::one_bad_mx_of_two()]).unwrap()).unwrap();
    assert_eq!(value["schema_version"], 1);
    assert_eq!(value["target"], "example.com");
    assert_eq!(value["grade"]["letter"], "D");
    assert_eq!(value["grade"]["encryption"], "good");
    assert_eq!(value["grade"]["authentication"], "none");
    assert_eq!(value["grade"]["caps"].as_array().unwrap().len(), 2);
    let endpoint = &value["endpoints"][1];
    assert_eq!(endpoint["host"], "mx2.example.com");
    assert_eq!(endpoint["address"], "192.0.2.26");
    assert_eq!(endpoint["port"], 25);
    assert_eq!(endpoint["tls"], "starttls");
    assert_eq!(endpoint["evidence"]["tls"]["versions"]["TLSv1.3"]["value"], true);
    let finding = &value["findings"][0];
    for member in ["check", "severity", "confidence", "endpoint", "title", "detail", "fix"] {
        assert!(finding[member].is_string(), "{member}");
    }
    assert_eq!(value["verdicts"][0]["verdict"], "found");
    assert_eq!(value["verdicts"][1]["verdict"], "clear");
    assert_eq!(value["cost"]["connections"], 35);
}

#[test]
fn one_target_is_an_object_and_several_are_an_array() {
    let report = samples::healthy();
    assert!(json(std::slice::from_ref(&report)).unwrap().starts_with('{'));
    let two = json(&[report.clone(), report.clone()]).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Report>>(&two).unwrap(), vec![report.clone(), report]);
    assert_eq!(json(&[]).unwrap(), "[]\n");
}

#[test]
fn a_report_survives_json() {
    for (name, report) in samples::all() {
        let text = json(std::slice::from_ref(&report)).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report, "{name}");
    }
}

#[test]
fn hostile_characters_are_escaped_and_keep_their_meaning() {
    let mut report = samples::healthy();
    let hostile = "a\u{1b}[2J\u{9b}\u{202e}\u{e0041}\u{7f}\nü";
    report.grade.summary = hostile.into();
    let text = json(std::slice::from_ref(&report)).unwrap();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    assert!(text.contains("\\u202e") && text.contains("\\udb40\\udc41") && text.contains('ü'));
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap().grade.summary, hostile);
}

#[test]
fn a_small_report_looks_as_recorded() {
    insta::assert_snapshot!("json_null_mx", json(&[samples::null_mx()]).unwrap());
}
