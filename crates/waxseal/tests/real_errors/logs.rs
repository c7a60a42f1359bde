//! The same lines as one log, counted by `waxseal logs`.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{case::Told, stage::Stage};

/// Counts everything: each line is a known program's, and each delivery is told once.
pub(crate) fn judge(stage: &Stage, all: &[Told]) {
    let lines: Vec<&str> = all.iter().filter_map(|told| told.lines.as_deref()).collect();
    let file = stage.roots.with_file_name("all.log");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(["logs", "--json", "--utc-offset", "+00:00"])
        .arg(&file)
        .env("XDG_CONFIG_HOME", stage.roots.parent().unwrap())
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told["files"][0]["recognised"], told["files"][0]["lines"], "{}", told["files"]);
    let number = |name: &str| told[name].as_u64().unwrap();
    assert_eq!(told["programs"].as_array().unwrap().len(), 3, "{}", told["programs"]);
    let deliveries = lines.iter().filter(|lines| lines.lines().next_back().is_some_and(is_delivery)).count();
    assert_eq!(number("deferred") + number("failed"), deliveries as u64);
    eprintln!("{} lines of real servers counted, {deliveries} failed deliveries", number("lines"));
}

/// True for a line that says what became of a recipient.
fn is_delivery(line: &str) -> bool {
    [" to=<", " == ", " ** "].iter().any(|mark| line.contains(mark))
}
