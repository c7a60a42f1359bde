//! The same lines given to `waxseal diagnose`, which goes and looks: everything on the stage is
//! broken still, so that it has to confirm them, find a truer cause than the line names, or
//! say that it takes a password, a message or a crowd to see it.

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use serde_json::Value;

use crate::{
    case::{CONFIRMED, Told},
    stage::Stage,
};

/// Diagnoses side by side.
const SIDE_BY_SIDE: usize = 4;
/// Names a file that takes all verdicts, for a closer look.
const KEEP: &str = "WAXSEAL_REAL_VERDICTS";

/// Diagnoses everything, says what ended otherwise than it should, and fails if anything did.
pub(crate) fn judge(stage: &Stage, all: &[Told]) {
    let anchor = stage.roots.with_file_name("anchor.txt");
    fs::write(&anchor, stage.lab.trust_anchor()).unwrap();
    let waiting = Mutex::new(all.iter());
    let next = || waiting.lock().unwrap().next();
    let verdicts = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(told) = next() {
                    let verdict = verdict(stage, &anchor, told);
                    verdicts.lock().unwrap().push(verdict);
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().unwrap();
    if let Some(file) = env::var_os(KEEP) {
        let lines: Vec<&str> = verdicts.iter().map(|verdict| verdict.says.as_str()).collect();
        fs::write(file, lines.join("\n") + "\n").unwrap();
    }
    let confirmed = verdicts.iter().filter(|verdict| verdict.ending == CONFIRMED).count();
    eprintln!("{} errors of real servers diagnosed, {confirmed} confirmed", verdicts.len());
    let wrong: Vec<String> = verdicts
        .iter()
        .filter(|verdict| verdict.ending != verdict.wanted)
        .map(|verdict| format!("{}; wanted {}", verdict.says, verdict.wanted))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How a diagnosis ended.
struct Verdict {
    wanted: &'static str,
    /// The word, or the cause that it is rather.
    ending: String,
    says: String,
}

fn verdict(stage: &Stage, anchor: &Path, told: &Told) -> Verdict {
    let Told { by, case, lines } = told;
    let (answer, complaint) = diagnose(stage, anchor, case.given, lines.as_deref().unwrap_or_default());
    let answer = answer.as_array().and_then(|all| all.last()).unwrap_or(&answer);
    let confirmation = &answer["confirmation"];
    let ending = confirmation["rather"]["cause"].as_str().or(confirmation["verdict"].as_str());
    let cause = answer["cause"].as_str().unwrap_or("nothing");
    let says = confirmation["says"].as_str().unwrap_or(&complaint);
    Verdict {
        wanted: case.ending,
        ending: ending.unwrap_or("nothing").to_owned(),
        says: format!("{by}, {} ({}): {cause}: {says}", case.what, case.domain),
    }
}

/// The answer of `waxseal diagnose` as JSON, and what it said beside.
fn diagnose(stage: &Stage, anchor: &Path, given: &[&str], lines: &str) -> (Value, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(["diagnose", "--json", "--rcpt", "--timeout", "3", "--control", "healthy.lab.test"])
        .args(["--dns", &stage.lab.dns().to_string(), "--ca-file"])
        .arg(&stage.roots)
        .arg("--trust-anchor")
        .arg(anchor)
        .args(given)
        .arg("-")
        .env("XDG_CONFIG_HOME", stage.roots.parent().unwrap())
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
