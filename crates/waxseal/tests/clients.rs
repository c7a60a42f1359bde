//! The list of clients on the command line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end at the first surprise")]

use assert_cmd::Command;
use serde_json::Value;

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("waxseal"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAXSEAL_")) {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    let output = command.args(arguments).output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_list_names_every_client_with_its_source() {
    let (code, out, _) = run(&["clients"]);
    assert_eq!(code, 0);
    assert!(out.contains("postfix-3.7-openssl-3.0") && out.contains("recorded"), "{out}");
    assert!(out.contains("documented") && out.contains("TLS 1.2 to TLS 1.3"), "{out}");
    let (code, out, _) = run(&["clients", "--json"]);
    let list: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert!(list.iter().all(|c| c["source"]["what"].is_string()));
}

#[test]
fn one_client_shows_what_it_offers_and_what_is_not_known() {
    let (code, out, _) = run(&["clients", "exchange-2019-windows-server-2019"]);
    assert_eq!(code, 0);
    assert!(out.contains("names the server (SNI): not known"), "{out}");
    assert!(out.contains("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"), "{out}");
    assert!(out.contains("not documented, but concluded"), "{out}");
    let (_, out, _) = run(&["clients", "sendmail-8.17-openssl-3.0"]);
    assert!(out.contains("primes of less than 2048 bits"), "{out}");
    let (code, _, err) = run(&["clients", "nobody"]);
    assert_eq!(code, 2);
    assert!(err.contains("go-1.24"), "{err}");
}
