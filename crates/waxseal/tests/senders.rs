//! One sender's view on the command line: exit codes, text, JSON, and the list of senders.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end at the first surprise")]

use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::{Value, json};

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("waxseal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAXSEAL_")) {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR")).timeout(std::time::Duration::from_secs(120));
    let output = command.args(arguments).output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn lab(arguments: &[&str]) -> (i32, String, String) {
    run(&[&["check", "--lab", "--timeout", "2"], arguments].concat())
}

/// The text without line breaks, for looking up sentences.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Evidence of a healthy lab domain, with what a test wants to be published.
fn evidence(name: &str, sts: &Value, dane: &Value) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("senders");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    let file = path.to_str().unwrap().to_owned();
    lab(&["healthy.lab.test", "--evidence", &file]);
    let mut whole: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    whole["domain"]["policies"]["sts"] = sts.clone();
    whole["domain"]["mx_answer"]["status"] = json!("insecure");
    for endpoint in whole["endpoints"].as_array_mut().unwrap() {
        endpoint["evidence"]["dane"] = dane.clone();
    }
    std::fs::write(&path, whole.to_string()).unwrap();
    file
}

fn nothing() -> Value {
    json!({"state": "seen", "value": null})
}

fn failed() -> Value {
    json!({"state": "failed", "why": {"cause": "timeout", "text": "no answer within 2 s"}})
}

fn enforced() -> Value {
    json!({"state": "seen", "value": {
        "id": "1", "mode": "enforce", "mx": ["*.healthy.lab.test"], "max_age": 604_800
    }})
}

#[test]
fn the_exit_code_follows_the_senders_verdict_and_not_the_findings() {
    assert_eq!(lab(&["healthy.lab.test", "--as", "tls-gateway"]).0, 0);
    assert_eq!(lab(&["plaintext.lab.test", "--as", "postfix-may"]).0, 1);
    assert_eq!(lab(&["plaintext.lab.test", "--as", "tls-gateway"]).0, 1);
    assert_eq!(lab(&["tarpit.lab.test", "--as", "tls-gateway"]).0, 3);
    assert_eq!(lab(&["tarpit.lab.test", "--as", "tls-gateway", "--inconclusive", "ok"]).0, 0);
    assert_eq!(lab(&["null-mx.lab.test", "--as", "gmail"]).0, 1);
    // An expired certificate is a finding, and no obstacle to a sender that compares none.
    assert_eq!(lab(&["expired.lab.test"]).0, 1);
    assert_eq!(lab(&["expired.lab.test", "--as", "tls-gateway"]).0, 0);
    assert_eq!(lab(&["expired.lab.test", "--as", "postfix-verify"]).0, 1);
    assert_eq!(lab(&["expired.lab.test", "healthy.lab.test", "--as", "postfix-verify"]).0, 1);
}

#[test]
fn under_attack_asks_for_more() {
    let file = evidence("plain.json", &nothing(), &nothing());
    assert_eq!(run(&["judge", &file, "--at-scan-time", "--as", "gmail"]).0, 0);
    let (code, out, _) = run(&["judge", &file, "--at-scan-time", "--as", "gmail", "--under-attack"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("attacker removes or refuses STARTTLS"), "{out}");
    let file = evidence("enforced.json", &enforced(), &nothing());
    let (code, out, _) = run(&["judge", &file, "--at-scan-time", "--as", "gmail", "--under-attack"]);
    assert_eq!(code, 0, "{out}");
    assert!(flat(&out).contains("proves who it is") && out.contains("deferred"), "{out}");
}

#[test]
fn what_could_not_be_found_out_is_undetermined_for_those_who_look_at_it() {
    let file = evidence("failed.json", &failed(), &failed());
    let (code, out, _) = run(&["judge", &file, "--at-scan-time", "--as", "gmail"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("MTA-STS policy: no answer within 2 s"), "{out}");
    assert_eq!(run(&["judge", &file, "--at-scan-time", "--as", "postfix-may"]).0, 0);
}

#[test]
fn the_verdict_comes_first_and_the_table_has_every_sender() {
    let (_, out, _) = lab(&["plaintext.lab.test", "--as", "tls-gateway"]);
    let first = out.lines().next().unwrap();
    assert!(first.starts_with("A gateway that requires TLS to plaintext.lab.test today: does not"), "{out}");
    assert!(out.contains("Its reply: 451 4.7.6 STARTTLS required but not advertised"), "{out}");
    assert!(!out.contains("Gmail"), "{out}");
    let (_, out, _) = lab(&["plaintext.lab.test"]);
    for title in ["Who delivers to you", "Gmail", "Exchange Online", "Postfix, dane", "Exim", "Yahoo"] {
        assert!(out.contains(title), "{title}: {out}");
    }
}

#[test]
fn json_has_the_one_sender_or_all() {
    let (_, out, _) = lab(&["plaintext.lab.test", "--as", "postfix-may", "--json"]);
    let one: Value = serde_json::from_str(&out).unwrap();
    let senders = one["senders"].as_array().unwrap();
    assert_eq!(senders.len(), 1);
    assert_eq!(senders[0]["sender"], "postfix-may");
    assert_eq!(senders[0]["outcome"], "clear");
    assert_eq!(senders[0]["read_under_attack"], true);
    assert_eq!(senders[0]["attacks"].as_array().unwrap().len(), 3);
    let (_, out, _) = lab(&["plaintext.lab.test", "--json"]);
    let all: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(all["senders"].as_array().unwrap().len(), 10);
}

#[test]
fn a_submission_server_is_no_business_of_other_mail_servers() {
    let (code, out, _) = lab(&["healthy.lab.test", "--submission", "--as", "gmail"]);
    assert_eq!(code, 3, "{out}");
    assert!(flat(&out).contains("it is for submission"), "{out}");
}

#[test]
fn wrong_usage_names_what_is_known() {
    for (arguments, expected) in [
        (&["check", "example.com", "--as", "nobody"][..], "gmail, exchange-online, yahoo"),
        (&["check", "example.com", "--under-attack"], "--as"),
        (&["check", "example.com", "--as", "gmail", "--as", "yahoo"], "--as"),
        (&["senders", "nobody"], "tls-gateway"),
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {out}{err}");
        assert!(out.is_empty() && err.contains(expected), "{arguments:?}: {err}");
    }
}

#[test]
fn the_senders_are_listed_with_their_sources() {
    let (code, out, _) = run(&["senders"]);
    assert_eq!(code, 0);
    for id in ["gmail", "exchange-online", "postfix-dane", "legacy-tls10"] {
        assert!(out.contains(id), "{id}: {out}");
    }
    let (_, out, _) = run(&["senders", "exchange-online"]);
    assert!(out.contains("DANE: yes") && flat(&out).contains("4.7.323 tlsa-invalid"), "{out}");
    let (_, out, _) = run(&["senders", "--json"]);
    let all: Value = serde_json::from_str(&out).unwrap();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 10);
    assert!(all.iter().all(|s| s["dane"]["source"].as_str().is_some_and(|t| !t.is_empty())));
    let (_, out, _) = run(&["senders", "yahoo", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["requiretls"]["answer"], "unknown");
}
