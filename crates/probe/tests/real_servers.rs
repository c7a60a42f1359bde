//! The standard check of real servers on loopback: OpenSSL's `s_server` and GnuTLS's
//! `gnutls-serv` with settings whose truth is known. Where a program is missing, its tests
//! say so loudly and are skipped.

#![allow(
    clippy::print_stderr,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::{
    io::{BufRead, BufReader},
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use waxseal_model::{
    Cause, Endpoint, Observed, TlsStart, Usage, Why,
    evidence::EndpointFacts,
    tls::{FallbackScsv, SuiteClass, TlsVersion},
};
use waxseal_net::{
    egress::{Egress, EgressRules},
    pacing::Pacer,
};
use waxseal_probe::{ProbeOptions, Prober, probe_endpoint};

/// These servers never greet, so each test waits once for so long.
const STEP: Duration = Duration::from_secs(5);

fn have(program: &str) -> bool {
    let argument = if program == "openssl" { "version" } else { "--version" };
    let found =
        Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("SKIPPED: {program} is not installed, this test has tested nothing");
    }
    found
}

/// Files of a certificate and its key.
type Identity = (PathBuf, PathBuf);

fn make(name: &str, key_options: &[&str]) -> Identity {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let files = (folder.join(format!("{name}-cert.pem")), folder.join(format!("{name}-key.pem")));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-subj", "/CN=mx.example.com", "-days", "2"])
        .args(key_options)
        .arg("-keyout")
        .arg(&files.1)
        .arg("-out")
        .arg(&files.0)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    files
}

fn rsa() -> &'static Identity {
    static MADE: OnceLock<Identity> = OnceLock::new();
    MADE.get_or_init(|| make("probe-rsa", &["-newkey", "rsa:2048"]))
}

fn ecdsa() -> &'static Identity {
    static MADE: OnceLock<Identity> = OnceLock::new();
    MADE.get_or_init(|| make("probe-ecdsa", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]))
}

/// A server process that ends with the test.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn openssl(identities: &[&Identity], options: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        // The system's configuration must not decide what the server accepts.
        command.env("OPENSSL_CONF", "/dev/null").args(["s_server", "-accept", "127.0.0.1:0", "-www"]);
        for ((certificate, key), flags) in identities.iter().zip([["-cert", "-key"], ["-dcert", "-dkey"]]) {
            command.arg(flags[0]).arg(certificate).arg(flags[1]).arg(key);
        }
        let mut process = command
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT 127.0.0.1:")?.parse().ok());
        // The pipe must stay open, or the server ends at its next word.
        std::thread::spawn(move || lines.count());
        Self { process, port: port.unwrap_or_else(|| panic!("openssl s_server {options:?} did not start")) }
    }

    fn gnutls((certificate, key): &Identity, priority: &str) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let process = Command::new("gnutls-serv")
            .args(["--echo", "--quiet", "--disable-client-cert", "--priority", priority])
            .arg("--port")
            .arg(port.to_string())
            .arg("--x509certfile")
            .arg(certificate)
            .arg("--x509keyfile")
            .arg(key)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, port };
        for _ in 0..200 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("gnutls-serv {priority} did not start")
    }

    async fn facts(&self) -> EndpointFacts {
        let prober = Prober {
            egress: Egress::new(EgressRules::default()),
            pacer: Pacer::default(),
            roots: Err(Why::new(Cause::NotApplicable, "paths are not the matter here")),
            options: ProbeOptions {
                step_timeout: STEP,
                total_timeout: STEP * 12,
                tls_start_fixed: true,
                ..ProbeOptions::default()
            },
        };
        let endpoint = Endpoint {
            host: None,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: self.port,
            tls: TlsStart::Implicit,
            usage: Usage::Submission,
            connected_to: None,
        };
        let name = Some("mx.example.com".to_owned());
        let facts = probe_endpoint(&prober, endpoint, None, name).await.evidence;
        assert!(facts.cost.connections <= 20, "{} connections", facts.cost.connections);
        facts
    }
}

fn accepted(facts: &EndpointFacts) -> Vec<TlsVersion> {
    assert!(facts.tls.versions.values().all(Observed::is_seen), "{:?}", facts.tls.versions);
    TlsVersion::ALL.into_iter().filter(|v| facts.tls.versions[v].get() == Some(&true)).collect()
}

fn groups(facts: &EndpointFacts) -> Vec<&str> {
    facts.tls.group_facts.get().unwrap().chosen.iter().map(|g| g.name.as_str()).collect()
}

#[tokio::test]
async fn tls13_is_seen_with_a_group_that_the_real_handshake_cannot_use() {
    if !have("openssl") {
        return;
    }
    let facts = Server::openssl(&[rsa()], &["-groups", "P-521"]).facts().await;
    assert!(!facts.tls.handshake.is_seen());
    assert_eq!(accepted(&facts), [TlsVersion::Tls12, TlsVersion::Tls13]);
    assert_eq!(facts.tls.fallback_scsv, Observed::seen(FallbackScsv::Honoured { alert: 86 }));
    assert_eq!(groups(&facts), ["secp521r1"]);
    assert_eq!(facts.tls.post_quantum, Observed::seen(false));
}

#[tokio::test]
async fn a_server_of_tls13_alone_shows_both_its_certificates() {
    if !have("openssl") {
        return;
    }
    let facts = Server::openssl(&[rsa(), ecdsa()], &["-tls1_3"]).facts().await;
    assert_eq!(accepted(&facts), [TlsVersion::Tls13]);
    let chains = facts.chains.get().unwrap();
    let mut kinds: Vec<_> = chains.iter().map(|c| c.certificates[0].key.algorithm.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["EC", "RSA"]);
    assert!(chains.iter().all(|c| c.possession_proven));
    assert!(
        SuiteClass::ALL.iter().all(|c| { facts.tls.suite_classes[c].get().is_some_and(|f| !f.accepted) })
    );
}

#[tokio::test]
async fn an_ecdsa_certificate_does_not_hide_the_other_curves_of_tls12() {
    if !have("openssl") {
        return;
    }
    let options = ["-tls1_2", "-groups", "X25519:P-256:P-384"];
    let facts = Server::openssl(&[ecdsa()], &options).facts().await;
    assert_eq!(accepted(&facts), [TlsVersion::Tls12]);
    let mut groups = groups(&facts);
    groups.sort_unstable();
    assert_eq!(groups, ["secp256r1", "secp384r1", "x25519"]);
    assert_eq!(facts.tls.weak_groups, Observed::seen(vec![]));
}

#[tokio::test]
async fn what_gnutls_was_told_to_leave_out_is_missed() {
    if !have("openssl") || !have("gnutls-serv") {
        return;
    }
    let priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_ETM:%NO_SESSION_HASH:%DISABLE_SAFE_RENEGOTIATION";
    let facts = Server::gnutls(rsa(), priority).facts().await;
    assert_eq!(accepted(&facts), [TlsVersion::Tls12]);
    let tls = &facts.tls;
    assert_eq!(tls.extended_master_secret, Observed::seen(false));
    assert_eq!(tls.encrypt_then_mac, Observed::seen(false));
    assert_eq!(tls.secure_renegotiation, Observed::seen(false));
    let facts = Server::gnutls(rsa(), "NORMAL:-VERS-ALL:+VERS-TLS1.2").facts().await;
    let tls = &facts.tls;
    assert_eq!(tls.extended_master_secret, Observed::seen(true));
    assert_eq!(tls.encrypt_then_mac, Observed::seen(true));
    assert_eq!(tls.secure_renegotiation, Observed::seen(true));
}
