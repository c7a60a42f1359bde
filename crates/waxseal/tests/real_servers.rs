//! `waxseal check` on the servers that people run, compared with what `openssl s_client`
//! finds on the same server. They need root and Debian's packages: `waxseal-peers` says
//! what is missing, and then a test ends with a line that says `SKIPPED`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

use std::{
    collections::BTreeSet,
    io::Write,
    net::SocketAddr,
    path::Path,
    process::{Command, Output, Stdio},
};

use waxseal_model::{
    Cause, Observed, Report, Severity,
    tls::{SuiteClass, SuiteOrder, TlsVersion},
};
use waxseal_peers::{
    Exim, OpenSmtpd, PeerError, Postfix, TlsServer, certificate, exim, opensmtpd, postfix, server::Folder,
};

/// Name in the servers' certificates.
const HOST: &str = "mx.example.com";

/// The server, or none after a loud line.
fn or_skip<T>(started: Result<T, PeerError>) -> Option<T> {
    match started {
        Ok(server) => Some(server),
        Err(PeerError::Unavailable(why)) => {
            eprintln!("SKIPPED: {why}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Ports of tests say nothing of how TLS starts: `more` says it, by `--starttls` or else.
fn waxseal(address: SocketAddr, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(["check", &address.to_string(), "--server-name", HOST])
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn report(address: SocketAddr, more: &[&str]) -> Report {
    let output = waxseal(address, &[&["--json"], more].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!("{e}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

/// All that `openssl s_client` prints of a connection by STARTTLS.
fn s_client(address: SocketAddr, arguments: &[&str]) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-starttls", "smtp", "-connect", &address.to_string(), "-servername", HOST])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"QUIT\r\n");
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Whether a handshake with these limits succeeds. `@SECLEVEL=0` lets OpenSSL offer what
/// it would else hide.
fn accepts(address: SocketAddr, version: &str, ciphers: &str, more: &[&str]) -> bool {
    let ciphers = format!("{ciphers}:@SECLEVEL=0");
    let arguments = [&["-brief", version, "-cipher", &ciphers], more].concat();
    s_client(address, &arguments).contains("CONNECTION ESTABLISHED")
}

fn versions_are_right(report: &Report, address: SocketAddr) {
    let seen = &report.endpoints[0].evidence.tls.versions;
    let asked = [
        ("-tls1", TlsVersion::Tls10),
        ("-tls1_1", TlsVersion::Tls11),
        ("-tls1_2", TlsVersion::Tls12),
        ("-tls1_3", TlsVersion::Tls13),
    ];
    for (flag, version) in asked {
        let truth = accepts(address, flag, "ALL", &[]);
        assert_eq!(seen[&version], Observed::seen(truth), "{version:?}");
    }
    // Debian builds both libraries without these; OpenSSL's client cannot even ask. SSLv2
    // is asked last, and left out where everything before it took all connections.
    for version in [TlsVersion::Ssl2, TlsVersion::Ssl3] {
        let fact = &seen[&version];
        let left_out =
            version == TlsVersion::Ssl2 && fact.why().is_some_and(|why| why.cause == Cause::Budget);
        assert!(*fact == Observed::seen(false) || left_out, "{version:?}: {fact:?}");
    }
}

fn classes_are_right(report: &Report, address: SocketAddr) {
    let seen = |class: SuiteClass| match &report.endpoints[0].evidence.tls.suite_classes[&class] {
        Observed::Seen { value } => value.accepted,
        other => panic!("{class:?}: {other:?}"),
    };
    let asked = [
        (SuiteClass::Null, "eNULL"),
        (SuiteClass::Anonymous, "aNULL"),
        (SuiteClass::RsaKeyExchange, "kRSA"),
        (SuiteClass::Dhe, "kDHE:!aNULL"),
        (SuiteClass::Cbc, "SHA1:SHA256:SHA384:!AESGCM:!aNULL:!eNULL"),
    ];
    for (class, ciphers) in asked {
        assert_eq!(seen(class), accepts(address, "-tls1_2", ciphers, &[]), "{class:?}");
    }
    let absent = [SuiteClass::Export, SuiteClass::Des, SuiteClass::Rc2, SuiteClass::Rc4, SuiteClass::Idea];
    for class in absent {
        assert!(!seen(class), "{class:?}: Debian's libraries have none");
    }
}

fn groups_are_right(report: &Report, address: SocketAddr) {
    let facts = report.endpoints[0].evidence.tls.group_facts.get().expect("groups");
    let chosen: Vec<&str> = facts.chosen.iter().map(|group| group.name.as_str()).collect();
    let asked = [
        ("X25519", "x25519"),
        ("X448", "x448"),
        ("P-256", "secp256r1"),
        ("P-384", "secp384r1"),
        ("P-521", "secp521r1"),
        ("ffdhe2048", "ffdhe2048"),
    ];
    for (openssl, name) in asked {
        if accepts(address, "-tls1_3", "ALL", &["-groups", openssl]) {
            assert!(chosen.contains(&name) || !facts.complete, "{name} is accepted; found {chosen:?}");
        } else {
            assert!(!chosen.contains(&name), "{name} is refused; found {chosen:?}");
        }
    }
}

/// The certificate that was sent, and OpenSSL's verdict on it with the same roots.
fn certificate_is_right(report: &Report, address: SocketAddr, file: &Path, roots: &[&str]) {
    let output =
        Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]).arg(file).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let fingerprint = text.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    let chains = report.endpoints[0].evidence.chains.get().expect("chains");
    let proven = chains.iter().find(|chain| chain.possession_proven).expect("a complete handshake");
    assert_eq!(proven.leaf().unwrap().sha256, fingerprint);
    assert_eq!(proven.certificates.len(), 2);
    let (code, words) = proven.path.get().expect("a path").outcome.openssl();
    let said = s_client(address, roots);
    let expected = format!("Verify return code: {code} ({words})");
    assert!(said.contains(&expected), "{expected}: {said}");
}

#[test]
fn postfix_is_described_as_it_is_in_twenty_connections() {
    let Some(postfix) = or_skip(Postfix::start(&postfix::Options::default())) else { return };
    let (address, ca) = (postfix.address(), postfix.certificate().ca.to_str().unwrap().to_owned());
    let report = report(address, &["--starttls", "--ca-file", &ca]);

    let counted = postfix.connections();
    assert!(counted <= 20, "{counted} connections by Postfix's log");
    assert_eq!(report.cost.connections as usize, counted);
    assert!(!postfix.log().contains("improper command pipelining"), "{}", postfix.log());

    versions_are_right(&report, address);
    classes_are_right(&report, address);
    groups_are_right(&report, address);
    certificate_is_right(&report, address, &postfix.certificate().certificate, &["-CAfile", &ca]);
    let tls = &report.endpoints[0].evidence.tls;
    assert!(tls.handshake.is_seen());
    assert!(tls.group_facts.get().is_some_and(|groups| groups.complete), "{:?}", tls.group_facts);
    assert_eq!(tls.suite_order, Observed::seen(SuiteOrder::Client), "Postfix's default");
}

#[test]
fn a_root_that_is_not_known_is_said_in_openssl_words() {
    let Some(postfix) = or_skip(Postfix::start(&postfix::Options::default())) else { return };
    let report = report(postfix.address(), &["--starttls"]);
    certificate_is_right(&report, postfix.address(), &postfix.certificate().certificate, &[]);
    assert!(report.findings.iter().any(|finding| finding.check.starts_with("certificate.")));
}

#[test]
fn postfix_that_was_hardened_is_told_from_a_stock_one() {
    let options = postfix::Options {
        settings: vec![
            "smtpd_tls_protocols = >=TLSv1.2".into(),
            "smtpd_tls_exclude_ciphers = aNULL, kRSA, kDHE".into(),
            "tls_preempt_cipherlist = yes".into(),
        ],
        ..Default::default()
    };
    let Some(postfix) = or_skip(Postfix::start(&options)) else { return };
    let ca = postfix.certificate().ca.to_str().unwrap();
    let report = report(postfix.address(), &["--starttls", "--ca-file", ca]);
    let tls = &report.endpoints[0].evidence.tls;
    assert_eq!(tls.versions[&TlsVersion::Tls10], Observed::seen(false));
    assert_eq!(tls.suite_order, Observed::seen(SuiteOrder::Server), "tls_preempt_cipherlist");
    versions_are_right(&report, postfix.address());
    classes_are_right(&report, postfix.address());
    assert!(postfix.connections() <= 20 + 24, "ours, and those of openssl since");
}

#[test]
fn certificates_by_rsa_and_ecdsa_are_both_seen() {
    let mut files = Vec::new();
    let mut folders = Vec::new();
    for key in [certificate::Key::Rsa, certificate::Key::Ecdsa] {
        let folder = Folder::new("certificates").unwrap();
        let options = certificate::Options { key, ..Default::default() };
        let Some(issued) = or_skip(certificate::issue(folder.path(), &options)) else { return };
        files.extend([issued.key, issued.chain].map(|path| path.display().to_string()));
        folders.push(folder);
    }
    let settings = vec![format!("smtpd_tls_chain_files = {}", files.join(", "))];
    let Some(postfix) = or_skip(Postfix::start(&postfix::Options { settings, ..Default::default() })) else {
        return;
    };
    let report = report(postfix.address(), &["--starttls"]);
    let chains = report.endpoints[0].evidence.chains.get().expect("chains");
    let kinds: BTreeSet<_> =
        chains.iter().filter_map(|chain| Some(chain.leaf()?.key.algorithm.as_str())).collect();
    assert_eq!(kinds, BTreeSet::from(["EC", "RSA"]));
    assert!(postfix.connections() <= 20);
}

#[test]
fn implicit_tls_is_tested_and_told_from_starttls() {
    let options = postfix::Options { implicit_tls: true, ..Default::default() };
    let Some(postfix) = or_skip(Postfix::start(&options)) else { return };
    let (address, ca) = (postfix.address(), postfix.certificate().ca.to_str().unwrap().to_owned());
    let right = report(address, &["--implicit", "--ca-file", &ca]);
    assert!(right.endpoints[0].evidence.tls.handshake.is_seen(), "{:?}", right.verdicts);
    let wrong = report(address, &["--starttls", "--ca-file", &ca, "--timeout", "3"]);
    assert!(wrong.findings.iter().any(|found| found.check == "smtp.wrong_mode"), "{:?}", wrong.verdicts);
}

#[test]
fn exim_with_gnutls_is_described_as_it_is() {
    let Some(exim) = or_skip(Exim::start(&exim::Options::default())) else { return };
    let (address, ca) = (exim.address(), exim.certificate().ca.to_str().unwrap().to_owned());
    let report = report(address, &["--starttls", "--ca-file", &ca]);
    versions_are_right(&report, address);
    classes_are_right(&report, address);
    groups_are_right(&report, address);
    certificate_is_right(&report, address, &exim.certificate().certificate, &["-CAfile", &ca]);
}

#[test]
fn opensmtpd_whose_tls_is_broken_is_called_broken() {
    let Some(server) = or_skip(OpenSmtpd::start(&opensmtpd::Options::default())) else { return };
    let (address, ca) = (server.address(), server.certificate().ca.to_str().unwrap().to_owned());
    if accepts(address, "-tls1_2", "ALL", &[]) || accepts(address, "-tls1_3", "ALL", &[]) {
        eprintln!("SKIPPED: this OpenSMTPD's TLS works");
        return;
    }
    let output = waxseal(address, &["--starttls", "--ca-file", &ca]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    let report = report(address, &["--starttls", "--ca-file", &ca]);
    let why = report.endpoints[0].evidence.tls.handshake.why().expect("no handshake");
    assert_eq!(why.cause, Cause::Declined, "{why}");
    let broken = report.findings.iter().find(|finding| finding.check == "tls.handshake");
    let broken = broken.unwrap_or_else(|| panic!("no finding says so: {:?}", report.findings));
    assert!(broken.severity >= Severity::High, "{broken:?}");
    assert!(broken.detail.contains("internal_error") || broken.detail.contains("80"), "{broken:?}");
}

#[test]
fn a_server_that_only_our_library_cannot_shake_hands_with_is_not_called_broken() {
    // A group that the library does not have: other clients get TLS here.
    let arguments = ["-tls1_3", "-curves", "P-521"];
    let Some(server) = or_skip(TlsServer::openssl(&certificate::Options::default(), &arguments)) else {
        return;
    };
    let report = report(server.address(), &["--implicit", "--timeout", "3"]);
    let facts = &report.endpoints[0].evidence.tls;
    assert_eq!(facts.versions.get(&TlsVersion::Tls13), Some(&Observed::seen(true)));
    assert!(!facts.handshake.is_seen());
    assert_eq!(report.grade.letter, None, "{}", report.grade.summary);
    assert!(report.findings.iter().all(|f| f.check != "tls.handshake"), "{:?}", report.findings);
}
