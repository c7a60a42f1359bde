//! sslscan finds what the servers are meant to show, and nothing where nothing is.

use std::process::Command;

use super::{address, has, host, lab, run};

#[tokio::test(flavor = "multi_thread")]
async fn sslscan_sees_versions_suites_and_flaws() {
    if !has("sslscan", "--version") {
        return;
    }
    let cases: [(&str, &[&str], &[&str]); 6] = [
        ("handmade", &["TLSv1.2  128 bits  ECDHE-RSA-AES128-GCM-SHA256"], &["TLSv1.1   enabled", "RC4"]),
        ("ssl3", &["SSLv3     enabled", "TLSv1.0   enabled", "TLSv1.1   enabled"], &["SSLv2     enabled"]),
        ("ssl2", &["SSLv2     enabled"], &["SSLv3     enabled"]),
        ("rc4", &["TLS_ECDHE_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_RC4_128_MD5"], &["3DES"]),
        ("null-suites", &["NULL-MD5", "NULL-SHA256"], &["RC4"]),
        ("heartbleed", &["TLSv1.2 vulnerable to heartbleed"], &[]),
    ];
    let lab = lab(&cases.map(|(case, ..)| case)).await;
    for (case, present, absent) in cases {
        let mut command = Command::new("sslscan");
        command.args(["--starttls-smtp", "--no-colour", "--sni-name", &host(case)]);
        command.arg(address(&lab, case, 25).to_string());
        let output = String::from_utf8_lossy(&run(command).await.stdout).into_owned();
        for part in present {
            assert!(output.contains(part), "{case}: {part} not in: {output}");
        }
        for part in absent {
            assert!(!output.contains(part), "{case}: {part} in: {output}");
        }
    }
}
