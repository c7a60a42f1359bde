//! Hellos put to real servers on loopback: OpenSSL's `s_server` and GnuTLS's
//! `gnutls-serv`. Where a program is missing, its tests say so loudly and are skipped.

#![allow(clippy::print_stderr, clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use waxseal_model::tls::{SuiteClass, TlsVersion};
use waxseal_wire::tls::{
    alert, dh,
    flight::{Answer, FlightReader, FlightState, KeyExchange, Limits, ServerFlight},
    groups,
    hello::{HelloSpec, KeyShare, chosen_was_offered, client_hello},
    scheme, ssl2, suites,
};

/// Long enough for a busy machine; no test waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether a program can be run at all.
fn have(program: &str) -> bool {
    let argument = if program == "openssl" { "version" } else { "--version" };
    let found =
        Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("SKIPPED: {program} is not installed, this test has tested nothing");
    }
    found
}

fn openssl(arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    // The system's configuration must not decide what the server accepts.
    command.env("OPENSSL_CONF", "/dev/null").args(arguments).stdin(Stdio::null());
    command
}

/// Certificate and key, made once.
fn identity() -> &'static (PathBuf, PathBuf) {
    static IDENTITY: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let (certificate, key) = (folder.join("hello-cert.pem"), folder.join("hello-key.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=mx.example.com",
                "-days",
                "2",
            ])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        (certificate, key)
    })
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
    fn openssl(options: &[&str]) -> Self {
        let (certificate, key) = identity();
        let mut process = openssl(&["s_server", "-accept", "127.0.0.1:0", "-www"])
            .arg("-cert")
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .args(options)
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

    fn gnutls(priority: &str) -> Self {
        let (certificate, key) = identity();
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

    /// Sends bytes and reads the answer.
    fn ask_raw(&self, hello: &[u8]) -> Answer {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(hello).unwrap();
        let mut reader = FlightReader::new(Limits::default());
        let mut buffer = [0; 4096];
        while reader.state() == FlightState::NeedMore {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => reader.push(buffer.get(..count).unwrap()),
                Err(e) if e.kind() == ErrorKind::ConnectionReset => break,
                Err(e) => panic!("{e}"),
            }
        }
        let answer = reader.finish();
        let _ = stream.write_all(&answer.farewell());
        answer
    }

    /// Sends a hello; the answer must lie within the offer.
    fn ask(&self, spec: &HelloSpec) -> Answer {
        let answer = self.ask_raw(&client_hello(spec));
        assert_eq!(chosen_was_offered(spec, &answer), Ok(()));
        answer
    }

    fn flight(&self, spec: &HelloSpec) -> ServerFlight {
        match self.ask(spec) {
            Answer::Hello(flight) => *flight,
            other => panic!("{other:?}"),
        }
    }
}

/// A hello that asks for all that shows in a first flight.
fn rich(version: TlsVersion) -> HelloSpec {
    HelloSpec {
        max_version: version,
        suites: suites::for_version(version),
        groups: groups::curves_for_tls12().into_iter().rev().collect(),
        signature_schemes: scheme::usual(),
        server_name: Some("mx.example.com".to_owned()),
        compression: vec![1, 0],
        renegotiation_info: true,
        extended_master_secret: true,
        encrypt_then_mac: true,
        session_ticket: true,
        heartbeat: true,
        status_request: true,
        random: [0x5a; 32],
        ..HelloSpec::default()
    }
}

/// A TLS 1.3 hello that leaves the key share to the server.
fn asking_for_a_group(groups: Vec<u16>) -> HelloSpec {
    HelloSpec {
        min_version: TlsVersion::Tls13,
        groups,
        suites: suites::for_version(TlsVersion::Tls13),
        key_share: KeyShare::Empty,
        session_id: vec![0xa5; 32],
        compression: Vec::new(),
        ..rich(TlsVersion::Tls13)
    }
}

#[test]
fn openssl_answers_a_rich_hello_of_tls12() {
    if !have("openssl") {
        return;
    }
    let server = Server::openssl(&[]);
    let flight = server.flight(&rich(TlsVersion::Tls12));
    assert_eq!((flight.version, flight.done), (TlsVersion::Tls12, true));
    assert!(suites::is_aead(u32::from(flight.suite)), "{}", suites::suite(u32::from(flight.suite)).name);
    assert!(flight.secure_renegotiation && flight.extended_master_secret && flight.session_ticket);
    assert!(
        !flight.encrypt_then_mac
            && !flight.heartbeat
            && flight.ocsp.is_none()
            && !flight.certificate_requested
    );
    assert_eq!(flight.compression, 0);
    assert_eq!(flight.downgrade_sentinel(), Some(TlsVersion::Tls12), "the server knows TLS 1.3");
    assert!(matches!(flight.key_exchange, Some(KeyExchange::Ecdhe { scheme: Some(_), .. })));
    assert_eq!(flight.problems, [""; 0]);
    let der = openssl(&["x509", "-outform", "DER", "-in"]).arg(&identity().0).output().unwrap().stdout;
    assert_eq!(flight.certificates, Some(vec![der]));

    let cbc = HelloSpec { suites: suites::of_class(SuiteClass::Cbc), ..rich(TlsVersion::Tls12) };
    assert!(server.flight(&cbc).encrypt_then_mac);
}

#[test]
fn openssl_answers_in_each_old_version_that_it_has() {
    if !have("openssl") {
        return;
    }
    let server = Server::openssl(&["-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1"]);
    for version in [TlsVersion::Tls10, TlsVersion::Tls11] {
        let flight = server.flight(&rich(version));
        assert_eq!((flight.version, flight.done), (version, true));
        assert_eq!(flight.downgrade_sentinel(), Some(TlsVersion::Tls11));
        assert!(flight.certificates.is_some());
        assert!(!matches!(flight.key_exchange, Some(KeyExchange::Ecdhe { scheme: Some(_), .. })));
    }
    let bare = HelloSpec { suites: vec![0x002f], renegotiation_info: true, ..HelloSpec::default() };
    let flight = server.flight(&bare);
    assert!(flight.secure_renegotiation, "the signal stands for the extension");
    assert_eq!(flight.key_exchange, None);
    let refused = server.ask(&rich(TlsVersion::Ssl3));
    assert!(matches!(refused, Answer::Alert { level: 2, .. }), "{refused:?}");
}

#[test]
fn openssl_chooses_within_each_class_that_it_has() {
    if !have("openssl") {
        return;
    }
    let server = Server::openssl(&["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-tls1_2"]);
    for class in [
        SuiteClass::Null,
        SuiteClass::Anonymous,
        SuiteClass::RsaKeyExchange,
        SuiteClass::Dhe,
        SuiteClass::Cbc,
    ] {
        let offer =
            suites::of_class(class).into_iter().filter(|c| !suites::needs_shared_secret(u32::from(*c)));
        let flight = server.flight(&HelloSpec { suites: offer.collect(), ..rich(TlsVersion::Tls12) });
        assert!(suites::classes(u32::from(flight.suite)).contains(&class), "{class:?}: {flight:?}");
        assert!(flight.done);
    }
}

#[test]
fn openssl_shows_its_prime() {
    if !have("openssl") {
        return;
    }
    let server = Server::openssl(&["-cipher", "DHE:@SECLEVEL=0", "-tls1_2"]);
    let spec = HelloSpec {
        suites: suites::of_class(SuiteClass::Dhe),
        groups: Vec::new(),
        ..rich(TlsVersion::Tls12)
    };
    let Some(KeyExchange::Dhe { p, scheme: Some(_), .. }) = server.flight(&spec).key_exchange else {
        panic!("DHE was expected")
    };
    assert!(dh::known_prime(&p).is_some_and(|name| name.starts_with("RFC")), "{:?}", dh::facts(&p));
}

#[test]
fn openssl_names_each_group_without_a_key_share() {
    if !have("openssl") {
        return;
    }
    let server =
        Server::openssl(&["-tls1_3", "-groups", "X25519:P-256:P-384:P-521:X448:ffdhe2048:ffdhe3072"]);
    for group in [29, 23, 24, 25, 30, 0x0100, 0x0101] {
        let answer = server.ask(&asking_for_a_group(vec![group]));
        let expected = matches!(&answer, Answer::HelloRetry { group: Some(g), .. } if *g == group);
        assert!(expected, "{}: {answer:?}", groups::named(group).name);
    }
    let refused = server.ask(&asking_for_a_group(vec![0x11ec, 0x0104]));
    assert!(matches!(refused, Answer::Alert { level: 2, .. }), "{refused:?}");
}

#[test]
fn openssl_takes_a_key_share() {
    if !have("openssl") {
        return;
    }
    let server = Server::openssl(&["-tls1_3"]);
    // The base point of x25519 does for a public key: nobody will use the secret.
    let mut share = vec![0; 32];
    share.splice(..1, [9]);
    let spec = HelloSpec {
        key_share: KeyShare::Given(vec![(groups::X25519, share)]),
        ..asking_for_a_group(vec![29])
    };
    let flight = server.flight(&spec);
    assert_eq!((flight.version, flight.done), (TlsVersion::Tls13, true));
    assert_eq!(flight.session_id, spec.session_id);
}

#[test]
fn openssl_honours_the_fallback_signal() {
    if !have("openssl") {
        return;
    }
    let server = Server::openssl(&[]);
    let answer = server.ask(&HelloSpec { fallback_scsv: true, ..rich(TlsVersion::Tls12) });
    assert_eq!(answer, Answer::Alert { level: 2, description: alert::INAPPROPRIATE_FALLBACK });
}

#[test]
fn openssl_refuses_sslv2() {
    if !have("openssl") {
        return;
    }
    let answer = Server::openssl(&[]).ask_raw(&ssl2::sslv2_client_hello([0x5a; 16]));
    assert!(matches!(answer, Answer::Alert { level: 2, .. } | Answer::Nothing), "{answer:?}");
}

#[test]
fn names_and_properties_agree_with_openssl() {
    if !have("openssl") {
        return;
    }
    let output = openssl(&["ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]).output().unwrap();
    let listing = String::from_utf8(output.stdout).unwrap();
    let mut compared = 0;
    for line in listing.lines() {
        // 0xC0,0x2F - IANA-NAME - OPENSSL-NAME  TLSv1.2 Kx=ECDH Au=RSA Enc=AESGCM(128) Mac=AEAD
        let words: Vec<&str> = line.split_whitespace().collect();
        let [code, _, name, _, _, version, kx, au, encryption, mac, ..] = words.as_slice() else {
            panic!("unknown form: {line}")
        };
        let code = u32::from_str_radix(&code.replace("0x", "").replace(',', ""), 16).unwrap();
        assert_eq!(suites::name(code), Some(*name), "{line}");
        let properties = suites::properties(code).unwrap();
        let bits = encryption.rsplit_once('(').map_or("0", |(_, bits)| bits.trim_end_matches(')'));
        assert_eq!(properties.bits.to_string(), bits.replace("168", "112"), "{line}");
        assert_eq!(suites::is_aead(code), *mac == "Mac=AEAD", "{line}");
        let ephemeral = matches!(*kx, "Kx=DH" | "Kx=ECDH" | "Kx=DHEPSK" | "Kx=ECDHEPSK" | "Kx=any");
        assert_eq!(suites::is_ephemeral(code), ephemeral, "{line}");
        assert_eq!(suites::classes(code).contains(&SuiteClass::Anonymous), *au == "Au=None", "{line}");
        let first = suites::min_version(code).map(TlsVersion::label).unwrap().replace("TLS 1.0", "TLSv1");
        assert_eq!(first.replace("TLS ", "TLSv"), *version, "{line}");
        compared += 1;
    }
    assert!(compared > 20, "{listing}");
}

#[test]
fn gnutls_answers_old_and_new_hellos() {
    if !have("gnutls-serv") || !have("openssl") {
        return;
    }
    let server = Server::gnutls("NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+SHA1");
    for version in [TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12] {
        let flight = server.flight(&rich(version));
        assert_eq!((flight.version, flight.done), (version, true));
        assert!(flight.certificates.is_some_and(|chain| chain.len() == 1));
        assert!(flight.secure_renegotiation && flight.extended_master_secret);
    }
    for group in [23, 24, 25, 29, 30, 0x0100, 0x0102] {
        let answer = server.ask(&asking_for_a_group(vec![group]));
        let expected = matches!(&answer, Answer::HelloRetry { group: Some(g), .. } if *g == group);
        assert!(expected, "{}: {answer:?}", groups::named(group).name);
    }
    let answer = server.ask(&HelloSpec { fallback_scsv: true, ..rich(TlsVersion::Tls11) });
    assert_eq!(answer, Answer::Alert { level: 2, description: alert::INAPPROPRIATE_FALLBACK });
    let refused = server.ask_raw(&ssl2::sslv2_client_hello([0x5a; 16]));
    assert!(!matches!(refused, Answer::Ssl2(_) | Answer::Hello(_)), "{refused:?}");
}
