//! `waxseal explain` as its users start it: every kind of input, every format, exit codes.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{fs, path::PathBuf};

use assert_cmd::Command;
use serde_json::Value;

const BOUNCE: &str = "Return-Path: <>\n\
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\n\
To: alice@example.org\n\
Subject: Undelivered Mail Returned to Sender\n\
Auto-Submitted: auto-replied\n\
MIME-Version: 1.0\n\
Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\
\n\
--b\n\
Content-Type: text/plain\n\
\n\
<bob@example.net>: host mx.example.net[192.0.2.7] said: 552 5.2.2 Mailbox full\n\
(in reply to RCPT TO command)\n\
\n\
--b\n\
Content-Type: message/delivery-status\n\
\n\
Reporting-MTA: dns; mx.example.org\n\
\n\
Final-Recipient: rfc822; bob@example.net\n\
Action: failed\n\
Status: 5.2.2\n\
Remote-MTA: dns; mx.example.net\n\
Diagnostic-Code: smtp; 552 5.2.2 Mailbox full\n\
\n\
--b--\n";

fn explain(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("waxseal"));
    let output = command
        .arg("explain")
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .write_stdin(input.to_owned())
        .output()
        .unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn json(arguments: &[&str], input: &str) -> Value {
    let mut all = vec!["--json"];
    all.extend(arguments);
    let (code, out, err) = explain(&all, input);
    assert_eq!(code, 0, "{out}\n{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_line_is_answered_from_an_argument_its_words_or_standard_input() {
    let line = "451 4.7.6 STARTTLS required but not advertised";
    let answer = json(&[line], "");
    assert_eq!((&answer["cause"], &answer["side"]), (&"starttls_missing".into(), &"recipient_server".into()));
    for member in
        ["family", "retry", "scope", "confidence", "evidence", "fix", "next", "runner_up", "schema_version"]
    {
        assert!(answer.get(member).is_some(), "{member}: {answer}");
    }
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(json(&words, "")["cause"], answer["cause"]);
    assert_eq!(json(&["-"], line)["cause"], answer["cause"]);
    assert_eq!(json(&[], line)["cause"], answer["cause"]);
    let (code, text, _) = explain(&[line], "");
    assert_eq!(code, 0);
    assert!(text.starts_with("The recipient's server did not offer TLS"), "{text}");
    assert!(
        text.contains("Who acts") && text.contains("Retry") && text.contains("waxseal diagnose"),
        "{text}"
    );
}

#[test]
fn a_bounce_is_read_from_a_file_a_maildir_and_a_mailbox() {
    let folder = scratch("explain");
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir(folder.join(sub)).unwrap();
        fs::write(folder.join(sub).join("1.example"), BOUNCE).unwrap();
    }
    let one = folder.join("cur/1.example");
    let answer = json(&[one.to_str().unwrap()], "");
    assert_eq!(answer["cause"], "mailbox_full");
    assert_eq!(answer["event"]["recipient"], "bob@example.net");
    // What is still being delivered is left out.
    let all = json(&[folder.to_str().unwrap()], "");
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");

    let mailbox = folder.join("mbox");
    let entry = format!("From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n{BOUNCE}\n");
    fs::write(&mailbox, entry.repeat(7)).unwrap();
    assert_eq!(json(&[mailbox.to_str().unwrap()], "").as_array().unwrap().len(), 7);
    let (code, text, _) = explain(&[mailbox.to_str().unwrap()], "");
    assert_eq!(code, 0);
    assert!(text.starts_with("7 events in 1 file, of 1 cause."), "{text}");
    let (_, each, _) = explain(&["--each", mailbox.to_str().unwrap()], "");
    assert_eq!(each.matches("bob@example.net").count() / 7 * 7, each.matches("bob@example.net").count());

    let (code, lines, _) = explain(&["--format", "sisimai", one.to_str().unwrap()], "");
    assert_eq!(code, 0);
    let row: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(row["reason"], "mailboxfull");
    assert_eq!((&row["status"], &row["reply"]), (&"5.2.2".into(), &"552".into()));
    let (_, lines, _) = explain(&["--format", "jsonl", mailbox.to_str().unwrap()], "");
    assert_eq!(lines.lines().count(), 7);
}

#[test]
fn what_is_no_error_says_so_and_exits_with_3() {
    for text in
        ["I like trains and tea", "\u{0}\u{1}\u{2}", "From: a@example.org\nSubject: Lunch?\n\nAt noon?\n"]
    {
        let (code, out, err) = explain(&["-"], text);
        assert_eq!(code, 3, "{text:?}: {out}\n{err}");
        assert!(!out.trim().is_empty(), "{text:?}");
        let (code, out, _) = explain(&["--format", "sisimai", "-"], text);
        assert_eq!((code, out.as_str()), (3, ""), "{text:?}");
    }
    let (code, out, _) = explain(&["--json", "-"], "I like trains and tea");
    assert_eq!((code, out.trim()), (3, "[]"));
}

#[test]
fn the_reference_answers_to_codes_causes_providers_and_a_list() {
    for (word, said) in [
        ("4.7.29", "google.tls-required"),
        ("550", "RCPT TO"),
        ("starttls_missing", "Who acts"),
        ("google", "Gmail"),
        ("google.tls-required", "Source"),
    ] {
        let (code, out, err) = explain(&[word], "");
        assert_eq!(code, 0, "{word}: {err}");
        assert!(out.contains(said), "{word}: {out}");
        let (_, out, _) = explain(&["--json", word], "");
        assert!(serde_json::from_str::<Value>(&out).unwrap().get("kind").is_some(), "{out}");
    }
    let (code, out, _) = explain(&["--list"], "");
    assert_eq!(code, 0);
    let (_, families, _) = explain(&["--list", "--json"], "");
    let families: Value = serde_json::from_str(&families).unwrap();
    assert_eq!(families.as_array().unwrap().len(), 16, "{families}");
    for cause in families[0]["causes"].as_array().unwrap() {
        assert!(out.contains(cause["cause"].as_str().unwrap()));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = scratch("unreadable");
    let dangling = folder.join("dangling.eml");
    std::os::unix::fs::symlink(folder.join("nowhere"), &dangling).unwrap();
    let (code, _, err) = explain(&[folder.to_str().unwrap()], "");
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("dangling.eml cannot be read"), "{err}");
}

#[test]
fn a_word_that_names_nothing_is_wrong_usage() {
    for (word, said) in [
        ("nosuch.eml", "neither a file"),
        ("/nosuch/folder", "neither a file"),
        ("smtp_tls_missing", "starttls_missing"),
        ("", "is empty"),
    ] {
        let (code, out, err) = explain(&[word], "");
        assert_eq!((code, out.as_str()), (2, ""), "{word}: {err}");
        assert!(err.contains(said), "{word}: {err}");
    }
}
