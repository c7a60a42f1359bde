//! STARTTLS, implicit TLS, and what they change.

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use waxseal_net::tls::server::ServerTlsFiles;

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issued(by: &Authority, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, by).unwrap(), key)
}

/// A relay with a certificate by an authority, whose clients count.
fn relay(settings: Settings, by: &Authority) -> Bench {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("waxseal-session-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = issued(by, "relay.example.com");
    let files = ServerTlsFiles {
        certificate: folder.join("cert.pem"),
        key: folder.join("key.pem"),
        client_ca: Some(folder.join("ca.pem")),
    };
    std::fs::write(&files.certificate, certificate.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    std::fs::write(folder.join("ca.pem"), by.pem()).unwrap();
    let tls = ServerTls::load(files).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    Bench::with_tls(settings, Some(Arc::new(tls)))
}

/// The client's handshake, with a certificate of its own if it has one.
async fn secured(
    talk: Talk,
    by: &Authority,
    own: Option<(rcgen::Certificate, KeyPair)>,
) -> Talk<TlsStream<DuplexStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(by.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            builder.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
        }
    };
    let name = ServerName::try_from("relay.example.com").unwrap();
    let io = TlsConnector::from(Arc::new(config)).connect(name, talk.io).await.unwrap();
    Talk { io, buffer: Vec::new(), task: talk.task }
}

async fn deliver(talk: &mut Talk<TlsStream<DuplexStream>>) {
    talk.ask("RCPT TO:<b@example.org>", "250 ").await;
    talk.ask("DATA", "354 ").await;
    talk.ask("x\r\n.", "250 ").await;
}

#[tokio::test]
async fn starttls_wipes_what_was_and_changes_what_is_offered() {
    let ca = authority();
    let bench = relay(settings(), &ca);
    let mut talk = bench.connect(SMTP, "192.0.2.1");
    talk.expect("220 ").await;
    let reply = talk.ask("EHLO client", "250").await;
    assert!(extensions(&reply).contains(&"STARTTLS") && !reply.contains("REQUIRETLS"), "{reply}");
    talk.ask("MAIL FROM:<>", "250 ").await;
    talk.ask("STARTTLS", "220 2.0.0").await;
    let mut talk = secured(talk, &ca, None).await;
    talk.ask("RCPT TO:<b@example.org>", "503 ").await;
    talk.ask("MAIL FROM:<>", "503 5.5.1 Say EHLO").await;
    let reply = talk.ask("EHLO client", "250").await;
    assert!(!reply.contains("STARTTLS") && extensions(&reply).contains(&"REQUIRETLS"), "{reply}");
    talk.ask("STARTTLS", "503 5.5.1").await;
    talk.ask("MAIL FROM:<> REQUIRETLS", "250 ").await;
    talk.ask("RCPT TO:<b@example.org>", "250 ").await;
    talk.ask("DATA", "354 ").await;
    talk.ask("TLS-Required: No\r\n\r\nx\r\n.", "250 ").await;
    let message = bench.message();
    assert_eq!((message.envelope.require_tls, message.envelope.tls_required_no), (true, false));
    let text = text(&message);
    assert!(
        text.contains(" with ESMTPS id ") && text.contains("\r\n\t(using TLSv1.3 with cipher TLS_"),
        "{text}"
    );
    talk.ask("QUIT", "221 ").await;
    talk.ends().await;
}

#[tokio::test]
async fn what_is_sent_after_starttls_in_clear_ends_the_session() {
    let ca = authority();
    let bench = relay(settings(), &ca);
    let mut talk = bench.connect(SMTP, "192.0.2.1");
    talk.expect("220 ").await;
    talk.ask("EHLO client", "250").await;
    talk.send("STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n").await;
    talk.expect("554 5.5.0").await;
    talk.ends().await;
}

#[tokio::test]
async fn a_failed_handshake_ends_the_session_and_is_told() {
    let ca = authority();
    let bench = relay(settings(), &ca);
    let mut talk = bench.connect(SMTP, "192.0.2.1");
    talk.expect("220 ").await;
    talk.ask("STARTTLS", "220 ").await;
    talk.send("EHLO client\r\n").await;
    // An alert, or nothing: no SMTP any more.
    let mut rest = Vec::new();
    talk.io.read_to_end(&mut rest).await.unwrap();
    talk.task.await.unwrap();
    assert!(!rest.starts_with(b"2"), "{rest:?}");
    assert!(bench.heard()[0].contains("STARTTLS: 454 4.7.0 the TLS handshake failed"), "{:?}", bench.heard());
}

#[tokio::test]
async fn where_tls_is_demanded_nothing_goes_without() {
    let ca = authority();
    let bench = relay(settings(), &ca);
    let listening = Listening { kind: Kind::Smtp, require_tls: true };
    let mut talk = bench.connect(listening, "192.0.2.1");
    talk.expect("220 ").await;
    talk.ask("EHLO client", "250").await;
    talk.ask("MAIL FROM:<>", "530 5.7.0 Must issue a STARTTLS command first").await;
    talk.ask("STARTTLS", "220 ").await;
    let mut talk = secured(talk, &ca, None).await;
    talk.ask("EHLO client", "250").await;
    talk.ask("MAIL FROM:<>", "250 ").await;
    deliver(&mut talk).await;
}

#[tokio::test]
async fn implicit_tls_begins_with_the_handshake_and_users_log_in_there() {
    let ca = authority();
    let mut with_logins = settings();
    with_logins.access.passwords = Some(login::passwords(true));
    let bench = relay(with_logins, &ca);
    let listening = Listening { kind: Kind::Submissions, require_tls: false };
    let talk = bench.connect(listening, "198.51.100.1");
    let mut talk = secured(talk, &ca, None).await;
    talk.expect("220 ").await;
    let reply = talk.ask("EHLO client", "250").await;
    assert!(extensions(&reply).contains(&"AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"), "{reply}");
    talk.ask("MAIL FROM:<>", "530 5.7.0").await;
    let plain = BASE64_STANDARD.encode("\0bob\0pencil");
    talk.ask(&format!("AUTH PLAIN {plain}"), "235 ").await;
    talk.ask("MAIL FROM:<>", "250 ").await;
    deliver(&mut talk).await;
    assert!(text(&bench.message()).contains(" with ESMTPSA id "));
    // On 587 the same needs STARTTLS first.
    let mut talk = bench.connect(SUBMISSION, "198.51.100.1");
    talk.expect("220 ").await;
    let reply = talk.ask("EHLO client", "250").await;
    assert!(!reply.contains("AUTH"), "{reply}");
    talk.ask(&format!("AUTH PLAIN {plain}"), "538 5.7.11").await;
    talk.ask("MAIL FROM:<>", "530 5.7.0 Authentication required: use STARTTLS and log in").await;
}

#[tokio::test]
async fn a_certificate_by_the_authority_may_relay_and_another_is_a_stranger() {
    let (ca, other) = (authority(), authority());
    let bench = relay(settings(), &ca);
    for (own, reply) in [
        (Some(issued(&ca, "sender.example.net")), "250 "),
        (Some(issued(&other, "sender.example.net")), "550 5.7.1"),
        (None, "550 5.7.1"),
    ] {
        let mut talk = bench.connect(SMTP, "198.51.100.1");
        talk.expect("220 ").await;
        talk.ask("STARTTLS", "220 ").await;
        let mut talk = secured(talk, &ca, own).await;
        talk.ask("EHLO client", "250").await;
        talk.ask("MAIL FROM:<>", "250 ").await;
        talk.ask("RCPT TO:<b@example.org>", reply).await;
        if reply == "250 " {
            talk.ask("DATA", "354 ").await;
            talk.ask("x\r\n.", "250 ").await;
        }
    }
    assert_eq!(bench.message().envelope.arrival.user.as_deref(), Some("sender.example.net"));
}

#[tokio::test]
async fn rights_that_a_proxy_gave_up_do_not_come_back_by_starttls() {
    let ca = authority();
    let mut proxied = settings();
    proxied.access.xclient = vec!["192.0.2.9".parse().unwrap()];
    let bench = relay(proxied, &ca);
    let mut talk = bench.connect(SMTP, "192.0.2.9");
    talk.expect("220 ").await;
    talk.ask("XCLIENT ADDR=198.51.100.7", "220 ").await;
    talk.ask("STARTTLS", "220 ").await;
    // Not even by the certificate of the proxy.
    let mut talk = secured(talk, &ca, Some(issued(&ca, "proxy.example.net"))).await;
    talk.ask("EHLO client", "250").await;
    talk.ask("MAIL FROM:<>", "250 ").await;
    talk.ask("RCPT TO:<b@example.org>", "550 5.7.1 198.51.100.7 ").await;
}
