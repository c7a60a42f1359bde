//! OpenSSL's client completes handshakes with the servers by hand, or refuses them as it
//! should.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use super::{address, has, host, lab, run};
use waxseal_lab::Lab;

/// What `openssl s_client` prints.
async fn s_client(lab: &Lab, case: &str, options: &[&str]) -> String {
    let output = run(command(lab, case, options)).await;
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn command(lab: &Lab, case: &str, options: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-starttls", "smtp", "-connect", &address(lab, case, 25).to_string()]);
    if !options.iter().any(|o| o.ends_with("servername")) {
        command.args(["-servername", &host(case)]);
    }
    command.args(options);
    command
}

/// The case, the client's options, and what its output must hold.
type Expected = (&'static str, &'static [&'static str], &'static [&'static str]);

async fn demand(all: &[Expected]) {
    if !has("openssl", "version") {
        return;
    }
    let mut cases: Vec<&str> = all.iter().map(|(case, ..)| *case).collect();
    cases.sort_unstable();
    cases.dedup();
    let lab = lab(&cases).await;
    for (case, options, parts) in all {
        let output = s_client(&lab, case, options).await;
        if output.contains("no protocols available") || output.contains("nknown option") {
            eprintln!("SKIPPED: {case} {options:?}, this OpenSSL was built without");
            continue;
        }
        for part in *parts {
            assert!(output.contains(part), "{case} {options:?}: {part} not in: {output}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_and_kind_of_suite_is_completed() {
    demand(&[
        ("handmade", &[], &["Cipher is ECDHE-RSA-AES256-GCM-SHA384", "Extended master secret: yes"]),
        ("handmade", &["-groups", "P-256"], &["Server Temp Key: ECDH, prime256v1"]),
        ("handmade", &["-cipher", "DHE-RSA-AES128-GCM-SHA256"], &["Server Temp Key: DH, 2048 bits"]),
        ("together", &[], &["Cipher is ECDHE-RSA-AES256-GCM-SHA384"]),
        ("pieces", &[], &["Cipher is ECDHE-RSA-AES256-GCM-SHA384"]),
        ("static-rsa", &[], &["Cipher is AES256-GCM-SHA384"]),
        ("cbc", &["-cipher", "ECDHE-RSA-AES128-SHA256"], &["Cipher is ECDHE-RSA-AES128-SHA256"]),
        ("cbc", &["-cipher", "AES256-SHA"], &["Cipher is AES256-SHA"]),
        ("cbc-bare", &["-cipher", "AES256-SHA"], &["Cipher is AES256-SHA"]),
        ("tls10", &["-tls1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"], &["Protocol  : TLSv1\n"]),
        ("tls10", &["-tls1_1", "-cipher", "DHE-RSA-AES256-SHA:@SECLEVEL=0"], &["Protocol  : TLSv1.1"]),
        ("null-suites", &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"], &["Cipher is NULL-SHA256"]),
        ("null-suites", &["-tls1_2", "-cipher", "NULL-MD5:@SECLEVEL=0"], &["Cipher is NULL-MD5"]),
        (
            "anonymous",
            &["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"],
            &["no peer certificate", "Cipher is ADH-AES128-GCM-SHA256"],
        ),
        ("dh-1024", &["-tls1_2", "-cipher", "DHE:@SECLEVEL=0"], &["Server Temp Key: DH, 1024 bits"]),
        ("dh-512", &["-tls1_2", "-cipher", "DHE:@SECLEVEL=0"], &["dh key too small"]),
        ("marked", &[], &["New, TLSv1.3"]),
        ("marked", &["-tls1_2"], &["Cipher is ECDHE-RSA-AES256-GCM-SHA384"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_with_its_alert() {
    demand(&[
        ("handmade", &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], &["alert number 70"]),
        ("handmade", &["-cipher", "AES256-SHA", "-tls1_2"], &["alert number 40"]),
        ("tls10", &["-tls1_1", "-fallback_scsv", "-cipher", "ALL:@SECLEVEL=0"], &["alert number 86"]),
        ("no-scsv", &["-tls1_1", "-fallback_scsv", "-cipher", "ALL:@SECLEVEL=0"], &["Protocol  : TLSv1.1"]),
        ("strict-names", &["-servername", "www.example.org"], &["alert number 112"]),
        ("strict-names", &["-noservername"], &["Cipher is ECDHE"]),
        ("strict-names", &["-alpn", "h2"], &["alert number 120"]),
        ("strict-names", &["-alpn", "smtp"], &["ALPN protocol: smtp"]),
        ("sni-demanded", &["-noservername"], &["alert number 112"]),
        ("sound", &["-servername", "www.example.org"], &["Cipher is (NONE)"]),
        ("sound", &["-noservername"], &["Cipher is TLS"]),
        ("sound", &["-alpn", "h2"], &["alert number 120"]),
        ("other-certificate", &["-noservername"], &["subject=CN = default.invalid"]),
        ("other-certificate", &[], &["subject=CN = mx.other-certificate.lab.test"]),
        ("asks-certificate", &[], &["Client Certificate Types: RSA sign, ECDSA sign", "Cipher is ECDHE"]),
        ("demands-certificate", &[], &["alert number 40"]),
        ("unoffered-suite", &["-tls1_2", "-cipher", "AES256-SHA"], &["wrong cipher returned"]),
        ("unoffered-group", &["-tls1_2", "-groups", "X25519"], &["wrong curve"]),
        ("renegotiation-no-signal", &[], &["Secure Renegotiation IS NOT supported"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_taken_up_by_id_or_ticket_or_not_at_all() {
    if !has("openssl", "version") {
        return;
    }
    let lab = lab(&["resumption-ids", "long-tickets", "no-resumption", "no-ems", "no-tickets13"]).await;
    let times = |output: &str, part: &str| output.matches(part).count();
    for (case, reused) in [("resumption-ids", 5), ("long-tickets", 5), ("no-ems", 5), ("no-resumption", 0)] {
        let output = s_client(&lab, case, &["-tls1_2", "-reconnect"]).await;
        assert_eq!(times(&output, "Reused, TLSv1.2"), reused, "{case}: {output}");
    }
    let output = s_client(&lab, "long-tickets", &[]).await;
    assert!(output.contains("lifetime hint: 2592000 (seconds)"), "{output}");
    let output = s_client(&lab, "no-ems", &[]).await;
    assert!(output.contains("Extended master secret: no"), "{output}");
    let output = s_client(&lab, "no-tickets13", &["-tls1_2", "-reconnect"]).await;
    assert_eq!(times(&output, "Reused"), 0, "{output}");
}

/// Asks for another handshake and then for a sign of life; what OpenSSL says of it.
async fn renegotiate(lab: &Lab, case: &str) -> String {
    let mut command = command(lab, case, &["-tls1_2", "-legacy_renegotiation"]);
    let work = move || {
        let mut client =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = client.stdin.take().unwrap();
        // OpenSSL takes R for a command only if it comes by itself.
        for line in ["R\n", "NOOP\n", "Q\n"] {
            sleep(Duration::from_millis(700));
            // A client that was cut off reads no more.
            let _ = input.write_all(line.as_bytes());
            let _ = input.flush();
        }
        let output = client.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_handshake_is_completed_or_refused() {
    if !has("openssl", "version") {
        return;
    }
    let cases = [
        ("renegotiation", "250 2.0.0 Still here"),
        ("renegotiation-unbound", "250 2.0.0 Still here"),
        ("renegotiation-both", "250 2.0.0 Still here"),
        ("handmade", "no renegotiation"),
        ("renegotiation-fatal", "alert number 100"),
        ("renegotiation-closed", "unexpected eof"),
        ("renegotiation-no-signal", "no renegotiation"),
    ];
    let lab = lab(&cases.map(|(case, _)| case)).await;
    for (case, part) in cases {
        let output = renegotiate(&lab, case).await;
        assert!(output.contains("RENEGOTIATING"), "{case}: {output}");
        assert!(output.contains(part), "{case}: {output}");
    }
}
