//! Formats, files and comparisons as users of the program meet them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end at the first surprise")]

use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("waxseal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAXSEAL_")) {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR")).timeout(std::time::Duration::from_secs(120));
    let output = command.args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn lab(arguments: &[&str]) -> (i32, String, String) {
    run(&[&["check", "--lab", "--timeout", "2"], arguments].concat())
}

/// A folder with the evidence of two domains, one of them at fault, and the path of a file in
/// it by its name.
fn scanned(name: &str) -> (String, impl Fn(&str) -> String + use<>) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = move |file: &str| folder.join(file).to_str().unwrap().to_owned();
    let evidence = path("evidence.json");
    let (code, ..) = lab(&["healthy.lab.test", "expired.lab.test", "--evidence", &evidence]);
    assert_eq!(code, 1);
    (evidence, path)
}

#[test]
fn one_run_writes_every_format_and_prints_another() {
    let (evidence, path) = scanned("every-format");
    let formats = ["text", "html", "markdown", "json", "jsonl", "csv", "junit", "sarif", "nagios"];
    let files: Vec<String> = formats.iter().map(|f| format!("{f}={}", path(f))).collect();
    let mut arguments = vec!["judge", &evidence, "--format", "csv"];
    files.iter().for_each(|file| arguments.extend(["--output", file]));
    let (code, printed, err) = run(&arguments);
    assert_eq!((code, err.as_str()), (1, ""));
    let file = |format: &str| std::fs::read_to_string(path(format)).unwrap();
    assert_eq!(printed, file("csv"));
    assert!(printed.starts_with("\"target\",\"letter\""), "{printed}");
    assert_eq!(file("json").parse::<Value>().unwrap().as_array().unwrap().len(), 2);
    assert_eq!(file("jsonl").lines().filter(|line| line.parse::<Value>().is_ok()).count(), 2);
    assert!(file("junit").starts_with("<?xml"));
    assert_eq!(file("sarif").parse::<Value>().unwrap()["runs"][0]["invocations"][0]["exitCode"], 1);
    assert!(file("nagios").starts_with("CRITICAL - expired.lab.test D"));
    assert!(file("html").starts_with("<!DOCTYPE html>") && file("html").contains("expired.lab.test"));
    assert!(file("markdown").contains("expired.lab.test"));
    assert!(file("text").starts_with("grade  target"));
}

#[test]
fn the_threshold_decides_in_every_format() {
    let (evidence, _) = scanned("thresholds");
    for format in ["text", "html", "markdown", "json", "jsonl", "csv", "junit", "sarif"] {
        let judge = |more: &[&str]| run(&[&["judge", &evidence, "--format", format], more].concat()).0;
        assert_eq!(judge(&[]), 1, "{format}");
        assert_eq!(judge(&["--fail-on", "critical"]), 0, "{format}");
        assert_eq!(judge(&["--fail-on", "critical", "--min-grade", "B"]), 1, "{format}");
    }
    let (_, out, _) = run(&["judge", &evidence, "--format", "junit", "--fail-on", "critical"]);
    assert!(!out.contains("<failure"), "{out}");
}

#[test]
fn monitoring_gets_its_own_exit_codes_and_errors_on_standard_output() {
    let (evidence, _) = scanned("nagios");
    let nagios = |arguments: &[&str]| run(&[arguments, &["--format", "nagios"]].concat());
    assert_eq!(nagios(&["judge", &evidence]).0, 2);
    assert_eq!(nagios(&["judge", &evidence, "--fail-on", "critical"]).0, 1);
    assert_eq!(nagios(&["check", "--lab", "--timeout", "2", "healthy.lab.test"]).0, 0);
    for wrong in [
        &["judge", "/does/not/exist"][..],
        &["judge", &evidence, "--fail-on", "nonsense"],
        &["judge", &evidence, "--as", "gmail"],
        &["check", "exa mple.com"],
    ] {
        let (code, out, err) = nagios(wrong);
        assert_eq!((code, err.as_str()), (3, ""), "{wrong:?}: {out}");
        assert!(out.starts_with("UNKNOWN - ") && out.lines().count() == 1, "{wrong:?}: {out}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_known_before_the_scan() {
    let (code, out, err) = run(&["check", "192.0.2.1:25", "-o", "sarif=/does/not/exist/a"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("/does/not/exist/a cannot be written"), "{err}");
}

#[test]
fn sarif_points_into_the_list_of_targets() {
    let (_, path) = scanned("listed");
    let list = path("domains.txt");
    std::fs::write(&list, "# ours\n\nexpired.lab.test\n").unwrap();
    let (_, out, _) = lab(&["--targets-file", &list, "--format", "sarif"]);
    let place = &out.parse::<Value>().unwrap()["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 3);
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("/domains.txt"));
}

/// The evidence with TLS 1.0 accepted by `expired.lab.test`, or not.
fn with_tls10(evidence: &str, accepted: bool) -> String {
    let mut all: Value = std::fs::read_to_string(evidence).unwrap().parse().unwrap();
    for target in all.as_array_mut().unwrap().iter_mut().filter(|t| t["target"]["name"] == "expired.lab.test")
    {
        for endpoint in target["endpoints"].as_array_mut().unwrap() {
            let tls10 = serde_json::json!({ "state": "seen", "value": accepted });
            endpoint["evidence"]["tls"]["versions"]["TLSv1.0"] = tls10;
        }
    }
    all.to_string()
}

#[test]
fn a_baseline_tells_what_changed_and_lets_only_new_findings_fail() {
    let (evidence, path) = scanned("baseline");
    let (old, new) = (path("old.json"), path("new.json"));
    std::fs::write(&old, with_tls10(&evidence, false)).unwrap();
    std::fs::write(&new, with_tls10(&evidence, true)).unwrap();
    let judge = |file: &str, more: &[&str]| run(&[&["judge", file, "--baseline", &old], more].concat());
    let (code, out, _) = judge(&new, &[]);
    assert_eq!(code, 1);
    assert!(out.contains("expired.lab.test: changed since"), "{out}");
    assert!(out.contains("TLS 1.0 is accepted now"), "{out}");
    assert!(out.contains("healthy.lab.test: nothing changed since"), "{out}");
    assert_eq!(judge(&new, &["--only-new"]).0, 0, "the old certificate is no news");
    assert_eq!(judge(&new, &["--only-new", "--fail-on", "low"]).0, 1);
    assert_eq!(judge(&old, &["--only-new", "--fail-on", "info"]).0, 0);
    let (_, out, _) = judge(&new, &["--json"]);
    let reports: Value = out.parse().unwrap();
    let schema: Value = run(&["schema"]).1.parse().unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&reports));
    assert_eq!(reports[0]["comparison"]["changes"], serde_json::json!([]));
    assert_eq!(reports[1]["comparison"]["changes"][0]["kind"], "new_finding");
    let reports_as_baseline = path("reports.json");
    std::fs::write(&reports_as_baseline, out).unwrap();
    let (_, out, _) = run(&["judge", &new, "--baseline", &reports_as_baseline]);
    assert_eq!(out.matches("nothing changed since").count(), 2, "{out}");
}

#[test]
fn a_target_that_the_baseline_lacks_is_new_as_a_whole() {
    let (evidence, _) = scanned("lacking");
    let arguments = ["self-signed.lab.test", "--baseline", &evidence, "--only-new"];
    let (code, _, err) = lab(&arguments);
    assert_eq!(code, 1);
    assert!(err.contains("holds no earlier scan of self-signed.lab.test"), "{err}");
    assert_eq!(lab(&["healthy.lab.test", "--only-new"]).0, 2, "it needs a baseline");
}
