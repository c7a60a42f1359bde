//! `waxseal diagnose`: the page, the JSON, exit codes, and what is asked for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end at the first surprise")]

use std::{fs, path::PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// Exit code, standard output, standard error.
fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("waxseal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAXSEAL_")) {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("NO_COLOR");
    let output = command
        .timeout(std::time::Duration::from_secs(120))
        .arg("diagnose")
        .args(arguments)
        .write_stdin(input)
        .output()
        .unwrap();
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

const MISSING: &str = "451 4.7.6 STARTTLS required but not advertised";

#[test]
fn confirmed_is_exit_code_1_and_the_page_goes_from_words_to_fix() {
    let (code, out, err) = run(&[MISSING, "--lab", "--to", "plaintext.lab.test"], "");
    assert_eq!(code, 1, "{out}{err}");
    let order = [
        "did not offer TLS",
        "Who acts",
        "\nTested\n",
        "offers no STARTTLS",
        "\nConfirmed: ",
        "\nFix at the recipient",
    ];
    let places: Vec<Option<usize>> = order.iter().map(|part| out.find(part)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{out}");
    assert!(!out.contains("RECIPIENT-DOMAIN"), "{out}");
    assert!(out.contains("waxseal check plaintext.lab.test"), "{out}");
}

#[test]
fn refuted_is_exit_code_0_unless_something_else_is_wrong() {
    let (code, out, err) = run(&[MISSING, "--lab", "--to", "healthy.lab.test"], "");
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("\nRefuted: STARTTLS is offered now"), "{out}");
    let (code, out, err) = run(&[MISSING, "--lab", "--to", "expired.lab.test"], "");
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("\nRefuted: rather at mx.expired.lab.test"), "{out}");
}

#[test]
fn what_could_not_be_tested_is_exit_code_3() {
    let (code, out, err) = run(&[MISSING, "--lab", "--to", "closed-port.lab.test"], "");
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("\nCould not be tested because "), "{out}");
    let (code, out, err) = run(&["535 5.7.8 Error: authentication failed"], "");
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("waxseal never sends a password"), "{out}");
    let (code, out, err) = run(&["-"], "The quick brown fox\n");
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    assert!(err.contains("nothing in the text can be diagnosed"), "{err}");
}

#[test]
fn a_bounce_or_a_log_line_says_itself_whom_it_is_about() {
    let line = "Jan  5 10:00:00 mx1 postfix/smtp[4242]: 4Xyz12AbCd: to=<bob@plaintext.lab.test>, \
                relay=mx.plaintext.lab.test[192.0.2.1]:25, delay=1.2, delays=0.1/0/1/0.1, dsn=4.7.4, status=deferred \
                (TLS is required, but was not offered by host mx.plaintext.lab.test[192.0.2.1])\n";
    let (code, out, err) = run(&["-", "--lab", "--json"], line);
    assert_eq!(code, 1, "{out}{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["cause"], "starttls_missing");
    assert_eq!(json["event"]["recipient"], "bob@plaintext.lab.test");
    let confirmation = &json["confirmation"];
    assert_eq!(confirmation["verdict"], "confirmed");
    assert_eq!(confirmation["connections"], 1);
    assert!(confirmation["says"].as_str().unwrap().starts_with("Confirmed: at mx.plaintext.lab.test"));
    let observations = confirmation["observations"].as_array().unwrap();
    assert!(observations.iter().any(|o| o["bearing"] == "supports"), "{confirmation}");
    let bounce = file(
        "diagnose-bounce.eml",
        "From: MAILER-DAEMON@mx1.example.com (Mail Delivery System)\nTo: alice@spf-good.lab.test\n\
         Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\n\n\
         --B\nContent-Type: text/plain\n\nThe mail system\n\n--B\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx1.example.com\n\nFinal-Recipient: rfc822; bob@plaintext.lab.test\n\
         Action: failed\nStatus: 5.7.23\nRemote-MTA: dns; mx.plaintext.lab.test\n\
         Diagnostic-Code: smtp; 550 5.7.23 SPF validation failed: domain of alice@spf-good.lab.test does not designate \
         192.0.2.7 as permitted sender\n\n--B--\n",
    );
    let (code, out, err) = run(&[bounce.to_str().unwrap(), "--lab"], "");
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("SPF of spf-good.lab.test says fail for 192.0.2.7"), "{out}");
}

#[test]
fn what_lacks_is_one_clear_error_where_nobody_can_be_asked() {
    for (arguments, words) in [
        (&[MISSING][..], "--to DOMAIN or --server HOST:PORT"),
        (&["550 5.7.23 SPF check failed", "--from", "example.com"], "--address IP"),
        (&["550 5.7.23 SPF check failed"], "--from DOMAIN"),
        (&["450 4.7.25 Client host rejected: cannot find your reverse hostname"], "--address IP"),
        (&["550 5.1.1 User unknown", "--rcpt"], "--to ADDRESS"),
        (&[MISSING, "--server", "bob@example.com"], "--server: "),
        (&[MISSING, "--to", "exa mple.com"], "--to: "),
        (&["/does/not/exist.eml", "--address", "x"], "--address"),
    ] {
        let (code, out, err) = run(arguments, "");
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
}

#[test]
fn commands_to_go_on_with_repeat_the_text() {
    let (code, out, err) = run(&["550 5.1.1 bob's mailbox: User unknown", "--to", "example.com"], "");
    assert_eq!(code, 3, "{out}{err}");
    let expected = r"  waxseal diagnose '550 5.1.1 bob'\''s mailbox: User unknown' --to example.com --rcpt";
    assert!(out.contains(expected), "{out}");
}

#[test]
fn several_recipients_are_several_verdicts() {
    let line = |domain: &str, id: &str| {
        format!(
            "Jan  5 10:00:00 mx1 postfix/smtp[4242]: {id}: to=<bob@{domain}.lab.test>, relay=none, delay=1.2, \
             delays=0.1/0/1/0.1, dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for \
             name={domain}.lab.test type=AAAA: Host not found)\n"
        )
    };
    let text = line("gone", "4Xyz12AbCd") + &line("gone", "4Xyz13AbCd") + &line("healthy", "4Xyz14AbCd");
    let (code, out, err) = run(&["-", "--lab", "--json"], &text);
    assert_eq!(code, 1, "{out}{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let verdicts: Vec<&str> =
        json.as_array().unwrap().iter().map(|d| d["confirmation"]["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["confirmed", "refuted"]);
}

#[test]
fn pages_fit_into_their_columns_and_are_harmless() {
    for width in ["40", "80", "120"] {
        let (_, out, err) = run(
            &[
                "454 4.7.0 TLS not available \u{1b}[2J",
                "--lab",
                "--to",
                "starttls-454.lab.test",
                "--width",
                width,
            ],
            "",
        );
        assert!(out.contains("Tested"), "{out}{err}");
        assert!(!out.contains('\u{1b}'), "{out}");
        let columns: usize = width.parse().unwrap();
        // Settings to be copied are never broken.
        let prose = out.split("\nFix ").next().unwrap();
        let long: Vec<&str> =
            prose.lines().filter(|l| l.chars().count() > columns && l.contains(' ')).collect();
        assert!(long.iter().all(|l| l.trim().split(' ').count() == 1), "{width}: {long:#?}");
    }
}
