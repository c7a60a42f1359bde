//! The options about who sends: what they add to a report, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{fs, path::PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("waxseal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAXSEAL_")) {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("NO_COLOR");
    let output = command.timeout(std::time::Duration::from_secs(120)).args(arguments).output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn an_address_a_selector_and_a_message_are_looked_at_and_cost_no_grade() {
    let message = file(
        "identity.eml",
        "Return-Path: <bounce@healthy.lab.test>\nFrom: a@healthy.lab.test\n\
         DKIM-Signature: v=1; a=rsa-sha256; d=healthy.lab.test; s=fromfile; h=from; bh=AA==; b=AA==\n\nHi\n",
    );
    let plain = ["check", "--lab", "--timeout", "2", "healthy.lab.test", "--json"];
    let (_, out, err) = run(&plain);
    let before: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}\n{err}"));
    let mut arguments = plain.to_vec();
    arguments.extend(["--sending-ip", "192.0.2.7", "--sending-ip", "2001:db8::7", "--selector", "s1"]);
    arguments.extend(["--message", message.to_str().unwrap()]);
    let (code, out, err) = run(&arguments);
    assert_eq!(code, 0, "{err}");
    let after: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(before["grade"], after["grade"]);
    let identity = &after["domain"]["identity"];
    let results: Vec<&str> = identity["spf_evaluations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["outcome"]["value"]["result"].as_str().unwrap())
        .collect();
    assert_eq!(results.len(), 2, "{identity}");
    let selectors: Vec<&str> =
        identity["dkim_keys"].as_array().unwrap().iter().map(|k| k["selector"].as_str().unwrap()).collect();
    assert_eq!(selectors, ["fromfile", "s1"]);
    assert_eq!(identity["message"]["value"]["from"], "healthy.lab.test");
    let verdicts = after["verdicts"].as_array().unwrap();
    for check in
        ["spf.record", "spf.evaluation", "dkim.keys", "dmarc.record", "caa.records", "smtp.requiretls"]
    {
        assert!(verdicts.iter().any(|v| v["check"] == check), "{check} gave no verdict");
    }
}

#[test]
fn the_page_has_the_section_and_the_trail() {
    let (_, out, err) =
        run(&["check", "--lab", "--timeout", "2", "healthy.lab.test", "--sending-ip", "192.0.2.7"]);
    assert!(out.contains("\nIdentity (information, not part of the letter)\n"), "{out}\n{err}");
    assert!(out.contains("SPF of healthy.lab.test for 192.0.2.7:"), "{out}");
}

#[test]
fn bad_input_is_one_sentence_and_exit_code_2() {
    let empty = file("empty.eml", "no header here\n");
    let empty = empty.to_str().unwrap();
    for (arguments, expected) in [
        (&["check", "example.com", "--sending-ip", "mx.example.com"][..], "--sending-ip"),
        (&["check", "example.com", "--selector", "s1._domainkey.example.com"], "--selector s1"),
        (&["check", "example.com", "--message", "/does/not/exist"], "/does/not/exist"),
        (&["check", "example.com", "--message", empty], "no message to work with"),
        (&["check", "127.0.0.1:25", "--selector", "s1"], "about a mail domain"),
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}
