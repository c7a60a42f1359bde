//! OpenSSL's client against the lab, where this machine has it: TLS 1.0 for real, the
//! verify codes that certificates and TLSA records are meant to give, and the RSA-1024 key
//! with PSS.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy.toml allows these in tests, but does not know the helpers of one"
)]

mod common;

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use common::names::{ask, records};
use domain::base::iana::Rtype;
use waxseal_lab::Lab;

async fn lab() -> Lab {
    let others = ["sts-", "tlsrpt-", "spf-", "dkim-", "dmarc-", "caa-"];
    common::lab(|label| {
        label == "sts-and-dane-mismatch" || !others.iter().any(|kind| label.starts_with(kind))
    })
    .await
}

/// Root certificate on disk, since OpenSSL takes it from nowhere else.
struct RootFile(PathBuf);

impl RootFile {
    fn write(lab: &Lab) -> Self {
        let path =
            std::env::temp_dir().join(format!("waxseal-lab-{}-{}.pem", std::process::id(), lab.dns().port()));
        std::fs::write(&path, lab.ca_pem()).unwrap();
        Self(path)
    }
}

impl Drop for RootFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What `openssl s_client` prints after STARTTLS with a host; none without OpenSSL.
async fn s_client(lab: &Lab, root: &RootFile, host: &str, options: &[&str]) -> String {
    let address = SocketAddr::new(lab.address(host).unwrap(), lab.port_map()[&25]);
    let mut command = Command::new("openssl");
    command
        .args(["s_client", "-starttls", "smtp", "-connect", &address.to_string()])
        .arg("-CAfile")
        .arg(&root.0)
        .args(if options.contains(&"-dane_tlsa_domain") { vec![] } else { vec!["-verify_hostname", host] })
        .args(options)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok_and(|o| o.status.success());
    if !found {
        eprintln!("SKIPPED: no openssl on this machine, the lab was not compared with it");
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_completes_tls_1_0_and_nothing_newer_there() {
    if !has_openssl() {
        return;
    }
    let lab = lab().await;
    let root = RootFile::write(&lab);
    let host = "mx.tls10-only.lab.test";
    let refused = s_client(&lab, &root, host, &["-tls1_2"]).await;
    assert!(refused.contains("Cipher is (NONE)"), "{refused}");
    for suite in ["AES128-SHA", "AES256-SHA"] {
        let output =
            s_client(&lab, &root, host, &["-tls1", "-cipher", &format!("{suite}:@SECLEVEL=0")]).await;
        if output.contains("no protocols available") || output.contains("nknown option") {
            eprintln!("SKIPPED: this OpenSSL was built without TLS 1.0");
            return;
        }
        for part in
            ["Protocol  : TLSv1\n", suite, "Secure Renegotiation IS supported", "Verify return code: 0 (ok)"]
        {
            assert!(output.contains(part), "{part} not in: {output}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_finds_the_verify_code_that_each_certificate_is_meant_to_give() {
    if !has_openssl() {
        return;
    }
    let lab = lab().await;
    let root = RootFile::write(&lab);
    for (domain, code) in [
        ("healthy", 0),
        ("rsa-ecdsa", 0),
        ("chain-order", 0),
        ("expires-soon", 0),
        ("x509-v1", 0),
        ("not-yet-valid", 9),
        ("expired", 10),
        ("self-signed", 18),
        ("missing-intermediate", 21),
        ("wrong-name", 62),
    ] {
        let output = s_client(&lab, &root, &format!("mx.{domain}.lab.test"), &[]).await;
        assert!(output.contains(&format!("Verify return code: {code} (")), "{domain}: {output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_accepts_the_signatures_of_the_weak_key() {
    if !has_openssl() {
        return;
    }
    let lab = lab().await;
    let root = RootFile::write(&lab);
    for (version, kind) in [("-tls1_3", "RSA-PSS"), ("-tls1_2", "RSA-PSS")] {
        let output = s_client(&lab, &root, "mx.weak-key.lab.test", &[version]).await;
        assert!(output.contains(&format!("Peer signature type: {kind}")), "{version}: {output}");
        assert!(output.contains("Server public key is 1024 bit"), "{version}: {output}");
    }
    let options = ["-tls1_2", "-sigalgs", "RSA+SHA256:ECDSA+SHA256"];
    let output = s_client(&lab, &root, "mx.weak-key.lab.test", &options).await;
    assert!(output.contains("Peer signature type: RSA\n"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_finds_dane_right_or_wrong_as_the_catalogue_says() {
    if !has_openssl() {
        return;
    }
    let lab = lab().await;
    let root = RootFile::write(&lab);
    for (domain, code) in [
        ("healthy", 0),
        ("dane-only", 0),
        ("dane-3-1-1", 0),
        ("dane-3-0-1", 0),
        ("dane-3-1-2", 0),
        ("dane-3-1-0", 0),
        ("dane-3-0-0", 0),
        ("dane-2-0-1", 0),
        ("dane-2-1-1", 0),
        ("dane-2-1-2", 0),
        ("dane-ee-expired", 0),
        ("dane-ee-self-signed", 0),
        ("dane-ee-wrong-name", 0),
        ("dane-ta-private", 0),
        ("dane-ta-root-in-chain", 0),
        ("dane-some-unusable", 0),
        ("dane-one-matches", 0),
        ("dane-rollover", 0),
        ("dane-stale-kind", 0),
        ("dane-many-records", 0),
        ("dane-sni", 0),
        ("dane-ta-expired", 10),
        ("dane-ta-wrong-name", 62),
        ("dane-ta-next-hop", 62),
        ("broken-tlsa", 65),
        ("sts-and-dane-mismatch", 65),
        ("dane-sha512-mismatch", 65),
        ("dane-rsa-only-record", 65),
        // OpenSSL misses the issuer before it misses a match.
        ("dane-ta-not-in-chain", 20),
    ] {
        let host = format!("mx.{domain}.lab.test");
        let (reply, _) = ask(&lab, &format!("_25._tcp.{host}"), Rtype::TLSA).await;
        let published: Vec<String> = records(&reply).iter().map(|r| r.replace(['(', ')'], "")).collect();
        let mut options = vec!["-dane_tlsa_domain", host.as_str(), "-dane_ee_no_namechecks"];
        options.extend(published.iter().flat_map(|r| ["-dane_tlsa_rrdata", r.as_str()]));
        let output = s_client(&lab, &root, &host, &options).await;
        assert!(
            output.contains(&format!("Verify return code: {code} (")),
            "{domain} {published:?}: {output}"
        );
    }
}
