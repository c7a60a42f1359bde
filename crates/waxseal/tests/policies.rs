//! `waxseal policy generate`, `waxseal dane`, `check --earlier` and `check --story` as
//! people call them, in the lab.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn json(arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = run(arguments);
    (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}")))
}

#[test]
fn what_is_generated_passes_the_lints() {
    let (code, out, _) = run(&["policy", "generate", "--lab", "unsigned.lab.test", "--mode", "enforce"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("mode: enforce") && out.contains("DNSSEC"), "{out}");
    let (_, publication) = json(&["policy", "generate", "--lab", "healthy.lab.test", "--json"]);
    let file = scratch("generated").join("mta-sts.txt");
    std::fs::write(&file, publication["files"][0]["content"].as_str().unwrap()).unwrap();
    let lint = ["lint", "sts", file.to_str().unwrap(), "--mx", "mx.healthy.lab.test"];
    assert_eq!(run(&lint).0, 0);
    for record in publication["records"].as_array().unwrap() {
        let data = record["data"].as_str().unwrap();
        let kind = match record["name"].as_str().unwrap() {
            name if name.starts_with("_mta-sts.") => "sts-record",
            name if name.starts_with("_smtp._tls.") => "tlsrpt-record",
            _ => "tlsa",
        };
        let (code, out, err) = run(&["lint", kind, data]);
        assert_eq!(code, 0, "{kind} {data}: {out}{err}");
    }
}

#[test]
fn what_cannot_be_published_for_is_said_and_a_bad_address_for_reports_refused() {
    let (code, _, err) = run(&["policy", "generate", "--lab", "null-mx.lab.test"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("accepts no mail"), "{err}");
    let (code, _, err) = run(&["policy", "generate", "example.com", "--rua", "http://example.com"]);
    assert_eq!(code, 2);
    assert!(err.contains("http"), "{err}");
}

#[test]
fn dane_says_what_matches_and_what_would_with_the_next_key() {
    let (code, view) = json(&["dane", "--lab", "mx.healthy.lab.test", "--json"]);
    assert_eq!((code, view["servers"][0]["verdict"].as_str()), (0, Some("valid")), "{view}");
    let fits = view["fit_now"].as_array().unwrap();
    assert!(fits[0]["data"].as_str().unwrap().starts_with("3 1 1 "), "{fits:?}");
    let (code, view) = json(&["dane", "--lab", "mx.broken-tlsa.lab.test", "--json"]);
    assert_eq!((code, view["servers"][0]["verdict"].as_str()), (1, Some("mismatch")));
    assert!(view["findings"][0]["check"].as_str().unwrap().starts_with("dane."));
    let key = scratch("next-key").join("next.pem");
    std::fs::write(&key, NEXT_KEY).unwrap();
    let (_, out, err) = run(&["dane", "--lab", "mx.healthy.lab.test", "--next", key.to_str().unwrap()]);
    assert!(out.contains(&format!("TLSA  3 1 1 {NEXT_KEY_SHA256}")), "{out}{err}");
    let (code, _, err) = run(&["dane", "--lab", "mx.healthy.lab.test", "--next", "/does/not/exist"]);
    assert_eq!(code, 2, "{err}");
    let (code, _, err) = run(&["dane", "192.0.2.1"]);
    assert_eq!(code, 2);
    assert!(err.contains("belong to names"), "{err}");
}

/// A public key, and the SHA-256 of its DER by `openssl pkey -pubin -outform DER | sha256sum`.
const NEXT_KEY: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEC5oC28YNXDJx7oY4WGx2Q5hrugcX\n\
vNZ4+MNEghYSuDyrF32DA2ScUKwBsIM+qdrNBln9fp4mT8pr4fpPq4FK3Q==\n\
-----END PUBLIC KEY-----\n";
const NEXT_KEY_SHA256: &str = "f1d31e0c38d00415ada3d63b578065eb3d8b94a88cf0b96c009094950e81f760";

#[test]
fn a_policy_that_is_gone_is_found_with_the_evidence_of_an_earlier_check() {
    let file = scratch("earlier").join("before.json");
    let name = file.to_str().unwrap();
    let (code, _, err) = run(&["check", "--lab", "sts-enforce.lab.test", "--evidence", name]);
    assert_eq!(code, 0, "{err}");
    let stored = std::fs::read_to_string(&file).unwrap().replace("sts-enforce.lab", "dane-only.lab");
    std::fs::write(&file, stored).unwrap();
    let (_, out, _) = run(&["check", "--lab", "dane-only.lab.test", "--earlier", name]);
    assert!(out.contains("sts.removed"), "{out}");
    let (code, _, err) = run(&["check", "--lab", "dane-only.lab.test", "--earlier", "/does/not/exist"]);
    assert_eq!(code, 2);
    assert!(err.contains("/does/not/exist"), "{err}");
}

#[test]
fn the_demonstration_tells_letter_reason_exposure_and_what_to_paste() {
    let (code, out, err) = run(&["check", "--lab"]);
    assert_eq!(code, 0, "{err}");
    for words in [
        "an attacker on the path can read the mail",
        "Refused by",
        "_25._tcp.mx.broken-tlsa.lab.test.  TLSA  3 1 1 ",
        "mode: ",
    ] {
        assert!(out.contains(words), "{words} is missing: {out}");
    }
    let (_, one, _) = run(&["check", "--lab", "healthy.lab.test", "--story"]);
    assert!(one.contains("A+") && one.contains("Safe"), "{one}");
}
