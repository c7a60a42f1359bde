//! The program as its users start it: exit codes, errors, files, formats.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{net::TcpListener, path::PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn waxseal() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("waxseal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAXSEAL_")) {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").timeout(std::time::Duration::from_secs(120));
    command
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = waxseal().args(arguments).output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn lab(arguments: &[&str]) -> (i32, String, String) {
    let mut all = vec!["check", "--lab", "--timeout", "2"];
    all.extend(arguments);
    run(&all)
}

fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_demonstration_is_right_about_every_domain() {
    let (code, out, err) = run(&["check", "--lab"]);
    assert_eq!(code, 0, "{out}\n{err}");
    assert!(err.contains("verdicts are what the lab expects"), "{err}");
    assert!(out.contains("plaintext.lab.test"), "{out}");
}

#[test]
fn exit_codes_follow_threshold_grade_and_what_could_be_tested() {
    assert_eq!(lab(&["healthy.lab.test"]).0, 0);
    assert_eq!(lab(&["expired.lab.test"]).0, 1);
    assert_eq!(lab(&["expired.lab.test", "--fail-on", "critical"]).0, 0);
    assert_eq!(lab(&["healthy.lab.test", "--min-grade", "A+"]).0, 0);
    assert_eq!(lab(&["sts-testing.lab.test", "--min-grade", "A"]).0, 1);
    assert_eq!(lab(&["sts-testing.lab.test", "--min-grade", "B"]).0, 0);
    assert_eq!(lab(&["tarpit.lab.test"]).0, 3);
    assert_eq!(lab(&["tarpit.lab.test", "--inconclusive", "ok"]).0, 0);
    assert_eq!(lab(&["null-mx.lab.test"]).0, 0);
    assert_eq!(lab(&["tarpit.lab.test", "expired.lab.test"]).0, 1);
}

#[test]
fn wrong_usage_is_one_sentence_and_exit_code_2() {
    for (arguments, expected) in [
        (&["check"][..], "nothing to check"),
        (&["check", ""], "waxseal: "),
        (&["check", "exa mple.com"], "waxseal: "),
        (&["check", "example.com:0"], "waxseal: "),
        (&["check", "example.com:99999"], "waxseal: "),
        (&["check", "https://example.com"], "waxseal: "),
        (&["check", "[::1:25"], "waxseal: "),
        (&["check", "example.com", "--dns", "nowhere"], "name server"),
        (&["check", "example.com", "--ca-file", "/does/not/exist"], "/does/not/exist"),
        (&["check", "127.0.0.1:25", "--trust-anchor", "/does/not/exist"], "/does/not/exist"),
        (&["check", "example.com", "--profile", "nonsense"], "bcp195"),
        (&["check", "example.com", "--fail-on", "nonsense"], "critical, high"),
        (&["check", "example.com", "--port-map", "25"], "25:10025"),
        (&["check", "--targets-file", "/does/not/exist"], "/does/not/exist"),
        (&["check", "127.0.0.1:1", "--helo", "a\r\nRCPT TO:<b@c>"], "--helo"),
        (&["check", "127.0.0.1:1", "--evidence", "/does/not/exist/e.json"], "/does/not/exist/e.json"),
        (&["check", "127.0.0.1:1", "--budget", "0"], "1..=1000"),
        (&["check", "127.0.0.1:1", "--timeout", "nan"], "seconds"),
        (&["judge", "/does/not/exist"], "/does/not/exist"),
        (&["checks", "no.such.check"], "no.such.check"),
        (&["nonsense"], "nonsense"),
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {out}{err}");
        assert!(out.is_empty(), "{arguments:?} wrote data: {out}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[test]
fn an_audit_of_a_closed_port_says_so_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (code, out, _) = run(&["audit", &format!("127.0.0.1:{port}"), "--this-port-only"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("refused the connection") && out.lines().count() < 80, "{out}");
    assert!(!out.contains("Who can connect") && !out.contains("Attacks"), "{out}");
}

#[test]
fn a_closed_port_is_explained_and_undetermined() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    drop(listener);
    let (code, out, _) = run(&["check", &target]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("refused"), "{out}");
}

#[test]
fn a_private_address_is_refused_with_public() {
    let (code, out, _) = run(&["check", "127.0.0.1:25", "--public"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("not a public address"), "{out}");
}

#[test]
fn an_unknown_domain_is_a_sentence_about_the_name() {
    let (code, out, _) = lab(&["no-such-domain.lab.test"]);
    assert!(code == 1 || code == 3, "{code}: {out}");
    assert!(out.contains("does not exist"), "{out}");
}

#[test]
fn json_keeps_its_interface_and_its_schema() {
    let schema: Value = serde_json::from_str(&run(&["schema"]).1).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (_, out, _) = lab(&["wrong-name.lab.test", "--json"]);
    let one: Value = serde_json::from_str(&out).unwrap();
    let (_, out, _) = lab(&["healthy.lab.test", "bogus.lab.test", "--json"]);
    let several: Value = serde_json::from_str(&out).unwrap();
    assert!(validator.is_valid(&one) && validator.is_valid(&several));
    assert_eq!(several.as_array().map(Vec::len), Some(2));
    let (_, out, _) = run(&["check", "--lab", "--json"]);
    let all: Value = serde_json::from_str(&out).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&all).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for member in ["schema_version", "target", "grade", "endpoints", "verdicts", "findings", "cost"] {
        assert!(one.get(member).is_some(), "{member}");
    }
    for path in [
        "/grade/letter",
        "/grade/encryption",
        "/grade/authentication",
        "/grade/caps",
        "/endpoints/0/host",
        "/endpoints/0/address",
        "/endpoints/0/port",
        "/endpoints/0/tls",
        "/endpoints/0/evidence",
        "/verdicts/0/check",
        "/verdicts/0/verdict",
        "/verdicts/0/why",
        "/findings/0/check",
        "/findings/0/severity",
        "/findings/0/confidence",
        "/findings/0/endpoint",
        "/findings/0/title",
        "/findings/0/detail",
        "/findings/0/fix",
        "/cost/connections",
        "/cost/milliseconds",
    ] {
        assert!(one.pointer(path).is_some(), "{path}");
    }
    assert_eq!(one.pointer("/endpoints/0/tls").and_then(Value::as_str), Some("starttls"));
}

#[test]
fn evidence_is_judged_again_to_the_same_verdict() {
    let folder = scratch("evidence");
    let file = folder.join("evidence.json");
    let path = file.to_str().unwrap();
    let (first, before, _) = lab(&["self-signed.lab.test", "--json", "--evidence", path]);
    let (second, after, _) = run(&["judge", path, "--json"]);
    assert_eq!(first, second);
    let before: Value = serde_json::from_str(&before).unwrap();
    let after: Value = serde_json::from_str(&after).unwrap();
    assert_eq!(before.get("findings"), after.get("findings"));
    assert_eq!(before.get("grade"), after.get("grade"));
    std::fs::write(&file, "{\"schema_version\": 1}").unwrap();
    assert_eq!(run(&["judge", path]).0, 2);
}

#[test]
fn a_transcript_shows_the_conversation() {
    let (_, out, _) = lab(&["healthy.lab.test", "--transcript"]);
    for line in ["EHLO ", "STARTTLS", "220 ", "TLS established", "QUIT"] {
        assert!(out.contains(line), "{line}");
    }
}

#[test]
fn colour_comes_only_when_asked_for() {
    assert!(!lab(&["expired.lab.test"]).1.contains('\x1b'));
    assert!(lab(&["expired.lab.test", "--color", "always"]).1.contains('\x1b'));
    let forced =
        waxseal().args(["check", "--lab", "expired.lab.test"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(String::from_utf8_lossy(&forced.stdout).contains('\x1b'));
    let none = waxseal()
        .args(["check", "--lab", "expired.lab.test"])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&none.stdout).contains('\x1b'));
}

#[test]
fn every_check_has_a_manual_page() {
    let (code, list, _) = run(&["checks"]);
    assert_eq!(code, 0);
    assert!(list.contains("certificate.expired"), "{list}");
    let (code, page, _) = run(&["checks", "certificate.expired"]);
    assert_eq!(code, 0);
    assert!(page.contains("Method") || page.contains("METHOD"), "{page}");
    assert_eq!(run(&["checks", "tls."]).0, 0);
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, out, _) = run(&["completions", shell]);
        assert_eq!(code, 0, "{shell}");
        assert!(out.contains("waxseal"), "{shell}");
    }
    let folder = scratch("man");
    assert_eq!(run(&["man", folder.to_str().unwrap()]).0, 0);
    let page = std::fs::read_to_string(folder.join("waxseal-check.1")).unwrap();
    assert!(page.contains("server\\-name") || page.contains("server-name"), "{page}");
}

#[test]
fn targets_come_from_standard_input_too() {
    let output = waxseal()
        .args(["check", "--lab", "--json", "-"])
        .write_stdin("# list\r\nhealthy.lab.test\r\n\r\nexpired.lab.test, second\r\n")
        .output()
        .unwrap();
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reports.as_array().map(Vec::len), Some(2));
}

#[test]
fn each_kind_of_trouble_is_a_sentence_that_says_who_erred() {
    let troubles = [
        ("mx-loop.lab.test", "is an alias (CNAME) of itself"),
        ("servfail.lab.test", "answered SERVFAIL"),
        ("closed-port.lab.test", "refused the connection"),
        ("imap.lab.test", "it looks like an IMAP server"),
        ("endless-greeting.lab.test", "more than 128 lines"),
        ("endless-bytes.lab.test", "does not speak SMTP"),
        ("huge-certificate.lab.test", "too large"),
        ("greeting-554.lab.test", "554 5.7.1"),
        ("ehlo-drop.lab.test", "closed the connection at EHLO"),
    ];
    let mut arguments = vec!["--json"];
    arguments.extend(troubles.iter().map(|(name, _)| *name));
    let (code, out, _) = lab(&arguments);
    assert_eq!(code, 3);
    let reports: Vec<Value> = serde_json::from_str(&out).unwrap();
    for ((name, words), report) in troubles.iter().zip(&reports) {
        let summary = report.pointer("/grade/summary").and_then(Value::as_str).unwrap();
        assert!(summary.contains(words), "{name}: {summary}");
        assert!(report.pointer("/grade/letter").is_some_and(Value::is_null), "{name} was graded");
    }
}

#[test]
fn a_resolver_that_does_not_answer_is_not_the_domains_fault() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (code, out, _) = run(&["check", "example.com", "--dns", &closed, "--timeout", "1"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("not with the domain"), "{out}");
    assert_eq!(out.matches("no DNS server answers").count(), 2, "said too often: {out}");
    assert!(!out.contains("Identity"), "{out}");
}

#[test]
fn a_target_named_twice_is_tested_once() {
    let (_, out, _) = lab(&["--json", "healthy.lab.test", "HEALTHY.lab.test.", "user@healthy.lab.test"]);
    assert!(out.starts_with('{'), "one target is one object");
}

#[test]
fn evidence_that_cannot_be_judged_is_refused_with_the_reason() {
    let folder = scratch("bad-evidence");
    for (name, bytes, reason) in [
        ("binary", &b"\x00\xff\xfe"[..], "no text"),
        ("empty", b"", "the file is empty"),
        ("none", b"[]", "nothing to judge"),
        ("other", b"[1, 2]", "no evidence of waxseal"),
        ("newer", b"{\"schema_version\": 99}", "schema_version 99"),
        ("cut", b"{\"schema_version\": 1, ", "cut off"),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, bytes).unwrap();
        let (code, out, err) = run(&["judge", file.to_str().unwrap()]);
        assert_eq!(code, 2, "{name}: {out}{err}");
        assert!(err.contains(reason), "{name}: {err}");
    }
}

#[test]
fn symbols_are_ascii_where_the_locale_is() {
    let output = waxseal().args(["check", "--lab", "expired.lab.test"]).env("LC_ALL", "C").output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.is_ascii(), "{page}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("waxseal"))
        .arg("schema")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_scan_and_says_how_far_it_came() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("waxseal"))
        .args(["check", &silent.local_addr().unwrap().to_string(), "--timeout", "60"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let _connection = silent.accept().unwrap();
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("interrupted: 0 of 1 targets"), "{said}");
}

#[test]
fn a_configuration_file_gives_defaults_and_its_errors_have_a_line() {
    let folder = scratch("config");
    let file = folder.join("config.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "# severe\nfail-on = \"info\"\n").unwrap();
    assert_eq!(lab(&["healthy.lab.test", "--config", path]).0, 1);
    assert_eq!(lab(&["healthy.lab.test", "--config", path, "--fail-on", "high"]).0, 0);
    std::fs::write(&file, "fail-on = \"high\"\nfail_on = \"low\"\n").unwrap();
    let (code, _, err) = lab(&["healthy.lab.test", "--config", path]);
    assert_eq!(code, 2);
    assert!(err.contains("config.toml, line 2: there is no option 'fail_on'"), "{err}");
    assert_eq!(run(&["check", "--config", "/does/not/exist", "example.com"]).0, 2);
}
