//! Every server starts, speaks as it should, and is gone when dropped.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests may do what tests may"
)]

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
};

use waxseal_peers::{
    Exim, OpenSmtpd, PeerError, Postfix, Scripted, TlsServer, certificate, exim, opensmtpd, postfix,
    scripted::{Act, Script},
    submit::{Message, submit},
};

/// What `openssl s_client` says of a server. More words, such as `-starttls smtp`, go to
/// it unchanged.
fn s_client(address: SocketAddr, arguments: &[&str]) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", &address.to_string()])
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

#[test]
fn postfix_offers_tls_counts_connections_and_ends() {
    let Some(postfix) = or_skip(Postfix::start(&postfix::Options::default())) else { return };
    let address = postfix.address();
    let said =
        s_client(address, &["-starttls", "smtp", "-CAfile", postfix.certificate().ca.to_str().unwrap()]);
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}\n{}", postfix.log());
    assert!(said.contains("CN = mx.example.com"), "{said}");
    s_client(address, &["-starttls", "smtp"]);
    assert_eq!(postfix.connections(), 2, "{}", postfix.log());
    drop(postfix);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn postfix_takes_settings_and_implicit_tls() {
    let options = postfix::Options {
        implicit_tls: true,
        settings: vec!["smtpd_tls_mandatory_protocols = TLSv1.2".into()],
        ..Default::default()
    };
    let Some(postfix) = or_skip(Postfix::start(&options)) else { return };
    let said = s_client(postfix.address(), &["-brief"]);
    assert!(said.contains("Protocol version: TLSv1.2"), "{said}\n{}", postfix.log());
}

#[test]
fn exim_offers_tls() {
    let options = exim::Options {
        certificate: certificate::Options { key: certificate::Key::Ecdsa, ..Default::default() },
        ..Default::default()
    };
    let Some(exim) = or_skip(Exim::start(&options)) else { return };
    let ca = exim.certificate().ca.to_str().unwrap().to_owned();
    let said = s_client(exim.address(), &["-starttls", "smtp", "-CAfile", &ca]);
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}\n{}", exim.log());
    assert!(said.contains("id-ecPublicKey") || said.contains("a:PKEY: id-ecPublicKey"), "{said}");
}

#[test]
fn opensmtpd_offers_starttls() {
    let Some(server) = or_skip(OpenSmtpd::start(&opensmtpd::Options::default())) else { return };
    let said = s_client(server.address(), &["-starttls", "smtp"]);
    // The certificate comes, with or without a handshake that succeeds: see
    // docs/real-servers.md.
    assert!(said.contains("CN = mx.example.com"), "{said}\n{}", server.log());
}

#[test]
fn s_server_takes_arguments() {
    let started = TlsServer::openssl(&certificate::Options::default(), &["-tls1_2", "-cipher", "AES128-SHA"]);
    let Some(server) = or_skip(started) else { return };
    let said = s_client(server.address(), &["-brief", "-cipher", "ALL"]);
    assert!(said.contains("Ciphersuite: AES128-SHA"), "{said}");
}

const HELLO: Message<'_> = Message {
    from: "app@example.com",
    to: &["anna@example.net"],
    parameters: "",
    text: "Subject: Hello\n\nHello\n",
};

#[test]
fn a_script_is_kept_to_and_everything_else_is_sound() {
    let free = || "127.0.0.1:0".parse().unwrap();
    let sound = Scripted::start(free(), Script::default()).unwrap();
    submit(sound.address(), &[HELLO, HELLO]).unwrap();
    let full = Script { rcpt: Act::Say("452 4.2.2 Mailbox full"), ..Script::default() };
    let refusing = Scripted::start(free(), full).unwrap();
    let why = submit(refusing.address(), &[HELLO]).unwrap_err().to_string();
    assert!(why.contains("RCPT TO") && why.contains("452 4.2.2 Mailbox full"), "{why}");
    let mute = Script { end_of_data: Act::Close, ..Script::default() };
    let closing = Scripted::start(free(), mute).unwrap();
    assert!(submit(closing.address(), &[HELLO]).is_err());
}

#[test]
fn real_servers_take_a_message() {
    if let Some(postfix) = or_skip(Postfix::start(&postfix::Options::default())) {
        submit(postfix.address(), &[HELLO]).unwrap();
    }
    if let Some(exim) = or_skip(Exim::start(&exim::Options::default())) {
        submit(exim.address(), &[HELLO]).unwrap();
    }
    if let Some(smtpd) = or_skip(OpenSmtpd::start(&opensmtpd::Options::default())) {
        submit(smtpd.address(), &[HELLO]).unwrap();
    }
}
