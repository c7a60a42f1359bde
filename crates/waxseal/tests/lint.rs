//! `waxseal lint` as its users start it: kinds, inputs, formats, exit codes.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::{Value, json};

const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: *.example.com\r\nmax_age: 604800\r\n";
const RECORD: &str = "v=STSv1; id=20260101;";
const REPORTS: &str = "v=TLSRPTv1; rua=mailto:a@example.com,https://example.com/r";

/// Exit code, standard output, standard error.
fn run(arguments: &[&str], stdin: &str) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("waxseal"));
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("CLICOLOR_FORCE");
    let output = command.arg("lint").args(arguments).write_stdin(stdin).output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn json_of(arguments: &[&str], stdin: &str) -> (i32, Value) {
    let mut all = arguments.to_vec();
    all.push("--json");
    let (code, out, err) = run(&all, stdin);
    assert!(code < 2, "{arguments:?}: {err}");
    (code, serde_json::from_str(&out).unwrap())
}

fn tlsa() -> String {
    format!("3 1 1 {}", "ab".repeat(32))
}

fn file(name: &str, content: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("lint");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn every_kind_reads_a_valid_text() {
    let policy = file("policy.txt", POLICY);
    let data = "ab".repeat(32);
    for (arguments, parsed) in [
        (
            vec!["sts", policy.to_str().unwrap()],
            json!({"version": "STSv1", "mode": "enforce", "mx": ["*.example.com"], "max_age": 604_800}),
        ),
        (vec!["sts-record", RECORD], json!({"version": "STSv1", "id": "20260101"})),
        (
            vec!["tlsrpt-record", REPORTS],
            json!({"version": "TLSRPTv1", "rua": ["mailto:a@example.com", "https://example.com/r"]}),
        ),
        (vec!["tlsa", &tlsa()], json!([{"usage": 3, "selector": 1, "matching_type": 1, "data": data}])),
    ] {
        let (code, found) = json_of(&arguments, "");
        assert_eq!(code, 0, "{arguments:?}: {found}");
        assert_eq!(found["kind"], arguments[0]);
        assert_eq!(found["valid"], true);
        assert_eq!(found["errors"], json!([]), "{arguments:?}");
        assert_eq!(found["warnings"], json!([]), "{arguments:?}");
        assert_eq!(found["parsed"], parsed);
    }
}

#[test]
fn every_kind_refuses_an_invalid_text() {
    for (kind, text) in [
        ("sts", "version: STSv1\nmode: on\n"),
        ("sts-record", "v=STSv1; id=a-b;"),
        ("tlsrpt-record", "v=TLSRPTv1; rua=http://example.com/r"),
        ("tlsa", "3 1 1 abcd"),
    ] {
        let (code, found) = json_of(&[kind, "-"], text);
        assert_eq!(code, 1, "{kind}: {found}");
        assert_eq!((&found["valid"], &found["parsed"]), (&json!(false), &Value::Null), "{found}");
        assert!(found["errors"][0].as_str().is_some_and(|error| !error.is_empty()));
        let (code, out, _) = run(&[kind, "-"], text);
        assert_eq!(code, 1);
        assert!(out.lines().next().unwrap().contains("INVALID"), "{out}");
        assert!(out.contains("  error "), "{out}");
    }
}

#[test]
fn text_output_says_what_was_read() {
    let (code, out, _) = run(&["sts", "-"], &format!("\u{feff}{POLICY}"));
    assert_eq!(code, 0, "{out}");
    for part in
        ["valid  standard input", "warning line 1: ", "mode    enforce", "mx      *.example.com", "7 days"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
}

#[test]
fn hosts_must_be_covered() {
    let policy = file("hosts.txt", POLICY);
    let policy = policy.to_str().unwrap();
    assert_eq!(run(&["sts", policy, "--mx", "mx1.example.com", "--mx", "MX2.example.com."], "").0, 0);
    let (code, out, _) = run(&["sts", policy, "--mx", "mx1.example.com,mx.example.net"], "");
    assert_eq!(code, 1);
    assert!(out.contains("mx.example.net"), "{out}");
    assert_eq!(run(&["sts", policy, "--mx", "a b"], "").0, 2);
}

#[test]
fn several_inputs_are_an_array() {
    let (good, bad) = (file("good.txt", POLICY), file("bad.txt", "mode: on\n"));
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let (code, found) = json_of(&["sts", good, bad], "");
    assert_eq!(code, 1);
    assert_eq!(found.as_array().map(Vec::len), Some(2));
    assert_eq!((&found[0]["input"], &found[0]["valid"]), (&json!(good), &json!(true)));
    assert_eq!((&found[1]["input"], &found[1]["valid"]), (&json!(bad), &json!(false)));
}

#[test]
fn records_come_in_many_forms() {
    let zone = file(
        "zone",
        &format!(
            "$ORIGIN example.com.\n@ IN MX 10 mx\n_mta-sts IN TXT ( \"v=STSv1; \" \"id=20260101;\" )\n\
             _smtp._tls IN TXT \"{REPORTS}\"\n_25._tcp.mx IN TLSA {}\n",
            tlsa()
        ),
    );
    let zone = zone.to_str().unwrap();
    for arguments in [
        vec!["sts-record", zone],
        vec!["tlsrpt-record", zone],
        vec!["tlsa", zone],
        vec!["sts-record", "\"v=STSv1; \" \"id=20260101;\""],
        vec!["sts-record", "_mta-sts.example.com. 300 IN TXT \"v=STSv1; id=20260101;\""],
        vec!["tlsa", &format!("_25._tcp.mx.example.com. 300 IN TLSA {}", tlsa())],
    ] {
        let (code, found) = json_of(&arguments, "");
        assert_eq!((code, &found["warnings"]), (0, &json!([])), "{arguments:?}: {found}");
    }
    let record = tlsa();
    let mut words = vec!["tlsa"];
    words.extend(record.split(' '));
    assert_eq!(json_of(&words, "").1["parsed"].as_array().map(Vec::len), Some(1), "a shell took it apart");
}

#[test]
fn what_cannot_be_read_is_wrong_usage() {
    for arguments in [
        &["sts", "/does/not/exist"][..],
        &["sts-record", "/does/not/exist"],
        &["tlsa", "no-such-file.zone"],
        &["sts"],
        &["sts-record"],
        &["nonsense", "x"],
        &[],
    ] {
        let (code, out, err) = run(arguments, "");
        assert_eq!(code, 2, "{arguments:?}: {out}{err}");
        assert!(out.is_empty() && !err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_help_shows_examples() {
    for kind in ["sts", "sts-record", "tlsrpt-record", "tlsa"] {
        let (code, out, _) = run(&[kind, "--help"], "");
        assert_eq!(code, 0);
        assert!(out.contains(&format!("waxseal lint {kind} ")), "{out}");
    }
}
