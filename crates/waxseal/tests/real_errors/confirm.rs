//! The same lines given to `waxseal diagnose`, which goes and looks: everything on the stage is
//! broken still, so that it may confirm, name another cause, or say what it could not test.

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{case::Told, stage::Stage};

/// So many must be confirmed at the least; the others need a password, a message or a crowd.
const CONFIRMED: usize = 40;
/// Names a file that takes all verdicts, for a closer look.
const KEEP: &str = "WAXSEAL_REAL_VERDICTS";

/// Diagnoses everything that is explained rightly, and fails if anything is called mended.
pub(crate) fn judge(stage: &Stage, all: &[Told]) {
    let anchor = stage.roots.with_file_name("anchor.txt");
    fs::write(&anchor, stage.lab.trust_anchor()).unwrap();
    let (mut confirmed, mut wrong, mut verdicts) = (0, Vec::new(), Vec::new());
    for told in all {
        let Some(lines) = &told.lines else { continue };
        let (answer, complaint) = diagnose(stage, &anchor, lines);
        let answer = answer.as_array().and_then(|all| all.last()).unwrap_or(&answer);
        let cause = answer["cause"].as_str().unwrap_or("nothing");
        if !told.case.causes.contains(&cause) {
            continue;
        }
        let confirmation = &answer["confirmation"];
        let says = confirmation["says"].as_str().unwrap_or(&complaint);
        let line = format!("{}, {} ({}): {cause}: {says}", told.by, told.case.what, told.case.domain);
        let verdict = confirmation["verdict"].as_str().unwrap_or("none");
        let elsewhere = confirmation["rather"]["cause"].is_string();
        match verdict {
            "confirmed" => confirmed += 1,
            "refuted" if elsewhere => {}
            "untested" => {}
            _ => wrong.push(line.clone()),
        }
        verdicts.push(line);
    }
    if let Some(file) = env::var_os(KEEP) {
        fs::write(file, verdicts.join("\n") + "\n").unwrap();
    }
    eprintln!("{} errors of real servers diagnosed, {confirmed} confirmed", verdicts.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(confirmed >= CONFIRMED, "only {confirmed} confirmed:\n{}", verdicts.join("\n"));
}

/// The answer of `waxseal diagnose` as JSON, and what it said beside.
fn diagnose(stage: &Stage, anchor: &Path, lines: &str) -> (Value, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(["diagnose", "--json", "--rcpt", "--timeout", "3", "--control", "healthy.lab.test"])
        .args(["--dns", &stage.lab.dns().to_string(), "--ca-file"])
        .arg(&stage.roots)
        .arg("--trust-anchor")
        .arg(anchor)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), complaint)
}
