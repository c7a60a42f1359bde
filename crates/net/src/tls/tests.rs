//! Handshakes with a rustls server within the process, and with scripted ones.

use std::{io, time::Duration};

use rcgen::{CertifiedKey, KeyPair, PKCS_RSA_SHA256};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::SupportedKxGroup,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use waxseal_model::Cause;
use waxseal_wire::tls::{
    flight::Answer,
    hello::{HelloSpec, client_hello},
};

use super::*;
use crate::{
    error::NetError,
    exchange::{Ended, Exchange, exchange_flight},
    session::{SessionLimits, SmtpSession},
    transcript::Transcript,
};

const NAME: &str = "mx.example";

type Versions = &'static [&'static SupportedProtocolVersion];

static BOTH: Versions = &[&TLS13, &TLS12];
static ONLY_TLS12: Versions = &[&TLS12];
static ONLY_TLS13: Versions = &[&TLS13];

/// A server to be: what it presents and what it insists on.
struct Server {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    staple: Vec<u8>,
    versions: Versions,
    groups: Vec<&'static dyn SupportedKxGroup>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

/// Presents any certificate with any key, also where the two do not belong together.
#[derive(Debug)]
struct Always(Arc<rustls::sign::CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

type Accepted = tokio_rustls::server::TlsStream<DuplexStream>;

impl Server {
    fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
        Self::with(cert.der().clone(), &signing_key.serialize_der())
    }

    fn with(cert: CertificateDer<'static>, key: &[u8]) -> Self {
        Self {
            chain: vec![cert],
            key: PrivateKeyDer::Pkcs8(key.to_vec().into()),
            staple: Vec::new(),
            versions: BOTH,
            groups: PROVIDER.kx_groups.clone(),
            clients: None,
        }
    }

    /// Asks for a client certificate; without `required` it goes on without.
    fn asking(mut self, required: bool) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(self.chain[0].clone()).unwrap();
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&PROVIDER));
        let builder = if required { builder } else { builder.allow_unauthenticated() };
        self.clients = Some(builder.build().unwrap());
        self
    }

    /// Accepts one connection over a pipe.
    fn start(self) -> (DuplexStream, JoinHandle<io::Result<Accepted>>) {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let provider = CryptoProvider { kx_groups: self.groups, ..(**PROVIDER).clone() };
        let key = provider.key_provider.load_private_key(self.key).unwrap();
        let mut certified = rustls::sign::CertifiedKey::new(self.chain, key);
        certified.ocsp = Some(self.staple).filter(|staple| !staple.is_empty());
        let builder = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(self.versions)
            .unwrap();
        let builder = match self.clients {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let config = builder.with_cert_resolver(Arc::new(Always(Arc::new(certified))));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (ours, tokio::spawn(async move { acceptor.accept(theirs).await }))
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

async fn connect(server: Server) -> (TlsConnection<DuplexStream>, Accepted) {
    let (ours, accepted) = server.start();
    let connection = handshake(ours, Some(NAME), soon()).await.unwrap();
    (connection, accepted.await.unwrap().unwrap())
}

/// The failure that a server causes which answers with these bytes and closes.
async fn failure_after(bytes: &[u8]) -> TlsFailure {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    theirs.write_all(bytes).await.unwrap();
    let server = tokio::spawn(async move {
        // The hello is read, so that closing is an orderly end.
        let _ = theirs.read(&mut [0; 4096]).await;
    });
    let failure = handshake(ours, Some(NAME), soon()).await.unwrap_err();
    server.await.unwrap();
    failure
}

#[tokio::test]
async fn tls13_with_a_post_quantum_group_is_negotiated_and_reported() {
    let server = Server::new();
    let presented = server.chain[0].to_vec();
    let (connection, accepted) = connect(server).await;
    assert_eq!(accepted.get_ref().1.server_name(), Some(NAME));
    assert_eq!(accepted.get_ref().1.alpn_protocol(), None);
    assert_eq!(connection.sni.as_deref(), Some(NAME));
    assert_eq!(connection.chain, [presented]);
    let facts = connection.facts;
    assert_eq!(facts.version, TlsVersion::Tls13);
    assert_eq!((facts.suite.code, facts.suite.name.as_str()), (0x1302, "TLS_AES_256_GCM_SHA384"));
    assert_eq!(facts.group.unwrap().name, "X25519MLKEM768");
    assert_eq!(facts.signature_scheme.as_deref(), Some("ecdsa_secp256r1_sha256"));
    assert!(!facts.hello_retry && !facts.ocsp_stapled && !facts.client_certificate_requested);
}

#[tokio::test]
async fn a_tls12_server_with_an_rsa_key_is_reported_as_such() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    let cert = params.self_signed(&key).unwrap();
    let mut server = Server::with(cert.der().clone(), &key.serialize_der());
    server.versions = ONLY_TLS12;
    server.groups = vec![kx_group::X25519];
    let (connection, _accepted) = connect(server).await;
    let facts = connection.facts;
    assert_eq!(facts.version, TlsVersion::Tls12);
    assert!(facts.suite.name.starts_with("TLS_ECDHE_RSA_WITH_"), "{}", facts.suite.name);
    assert_eq!(facts.group.unwrap().name, "x25519");
    assert!(facts.signature_scheme.unwrap().starts_with("rsa_pss_rsae_"));
}

#[tokio::test]
async fn a_server_that_wants_another_key_share_is_seen_to_retry() {
    let mut server = Server::new();
    server.groups = vec![kx_group::SECP256R1];
    let (connection, _accepted) = connect(server).await;
    assert!(connection.facts.hello_retry);
    assert_eq!(connection.facts.group.unwrap().name, "secp256r1");
}

#[tokio::test]
async fn a_request_for_a_client_certificate_is_noted_in_both_versions() {
    for versions in [ONLY_TLS13, ONLY_TLS12] {
        let mut server = Server::new().asking(false);
        server.versions = versions;
        let (connection, _accepted) = connect(server).await;
        assert!(connection.facts.client_certificate_requested, "{versions:?}");
    }
}

#[tokio::test]
async fn a_server_that_insists_on_a_client_certificate_says_so_by_an_alert() {
    let mut server = Server::new().asking(true);
    server.versions = ONLY_TLS12;
    let (ours, accepted) = server.start();
    let failure = handshake(ours, Some(NAME), soon()).await.unwrap_err();
    assert!(accepted.await.unwrap().is_err());
    assert!(failure.alert().is_some(), "{failure}");
    assert!(failure.to_string().contains("client certificate"), "{failure}");
    assert!(!failure.old_tls_possible());
    assert_eq!(failure.chain.len(), 1);

    // In TLS 1.3 the client is done before the server refuses: the first read tells.
    let mut server = Server::new().asking(true);
    server.versions = ONLY_TLS13;
    let (ours, accepted) = server.start();
    let connection = handshake(ours, Some(NAME), soon()).await.unwrap();
    assert!(connection.facts.client_certificate_requested);
    assert!(accepted.await.unwrap().is_err());
    let transcript = Transcript::new(Instant::now()).within_tls();
    let mut session = SmtpSession::new(connection.stream, transcript, SessionLimits::default(), soon());
    let error = session.read_reply("greeting").await.unwrap_err();
    assert_eq!(error, NetError::Alert { stage: "greeting", alert: 116 });
    assert!(error.to_string().contains("certificate_required"));
}

#[tokio::test]
async fn a_stapled_response_is_noted() {
    for versions in [ONLY_TLS13, ONLY_TLS12] {
        let mut server = Server::new();
        server.versions = versions;
        server.staple = b"not looked into here".to_vec();
        let (connection, _accepted) = connect(server).await;
        assert!(connection.facts.ocsp_stapled, "{versions:?}");
        assert_eq!(connection.staple.as_deref(), Some(&b"not looked into here"[..]));
    }
}

#[tokio::test]
async fn no_name_and_addresses_are_not_sent_in_sni() {
    for name in [None, Some("192.0.2.1"), Some("2001:db8::1"), Some("not a name")] {
        let (ours, accepted) = Server::new().start();
        let connection = handshake(ours, name, soon()).await.unwrap();
        assert_eq!(connection.sni, None, "{name:?}");
        assert_eq!(accepted.await.unwrap().unwrap().get_ref().1.server_name(), None, "{name:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_x509_version_1_is_taken_and_its_signature_checked() {
    let cert = CertificateDer::from_pem_slice(include_bytes!("../../testdata/x509-v1.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../testdata/x509-v1.key.pem")).unwrap();
    for versions in [ONLY_TLS13, ONLY_TLS12] {
        let mut server = Server::with(cert.clone(), key.secret_der());
        server.versions = versions;
        let (connection, _accepted) = connect(server).await;
        assert_eq!(connection.chain, [cert.to_vec()]);
    }
}

#[tokio::test]
async fn a_server_without_the_key_of_its_certificate_fails() {
    let v1 = CertificateDer::from_pem_slice(include_bytes!("../../testdata/x509-v1.pem")).unwrap();
    for versions in [ONLY_TLS13, ONLY_TLS12] {
        // By the library's own check, and by ours where the library does not read it.
        for cert in [Server::new().chain[0].clone(), v1.clone()] {
            let mut server = Server::new();
            server.versions = versions;
            server.chain = vec![cert];
            let (ours, accepted) = server.start();
            let failure = handshake(ours, Some(NAME), soon()).await.unwrap_err();
            assert!(matches!(failure.kind, TlsFailureKind::BadSignature { .. }), "{failure}");
            assert!(accepted.await.unwrap().is_err());
        }
    }
}

#[tokio::test]
async fn an_smtp_session_goes_on_within_tls_and_ends_with_close_notify() {
    let (connection, mut accepted) = connect(Server::new()).await;
    let server = tokio::spawn(async move {
        let mut got = [0; 21];
        accepted.read_exact(&mut got).await.unwrap();
        accepted.write_all(b"250-mx.example\r\n250 AUTH PLAIN\r\n").await.unwrap();
        accepted.read_exact(&mut got[..6]).await.unwrap();
        accepted.write_all(b"221 bye\r\n").await.unwrap();
        // Without close_notify this would be an error.
        accepted.read(&mut got).await
    });
    let transcript = Transcript::new(Instant::now()).within_tls();
    let mut session =
        SmtpSession::new(connection.stream, transcript.clone(), SessionLimits::default(), soon());
    let reply = session.command("EHLO client.example", "EHLO").await.unwrap();
    assert_eq!(reply.lines, ["mx.example", "AUTH PLAIN"]);
    session.quit(Duration::from_secs(5)).await;
    assert_eq!(server.await.unwrap().unwrap(), 0);
    assert!(transcript.lines().iter().all(|line| line.tls));
}

#[tokio::test]
async fn plaintext_in_answer_to_a_client_hello_is_recognised() {
    for bytes in [&b"220 mx.example ESMTP Postfix\r\n"[..], b"SSH-2.0-OpenSSH_9.2p1\r\n", b"22"] {
        let failure = failure_after(bytes).await;
        assert_eq!(failure.why().cause, Cause::Protocol, "{failure}");
        assert!(failure.not_tls().is_some(), "{failure}");
        assert!(!failure.old_tls_possible());
    }
}

#[tokio::test]
async fn an_alert_is_given_with_its_number_and_name() {
    let failure = failure_after(&[0x15, 3, 1, 0, 2, 2, 70]).await;
    assert_eq!(failure.alert(), Some(70));
    assert!(failure.to_string().contains("alert 70 (protocol_version)"), "{failure}");
    assert!(failure.old_tls_possible());
}

#[tokio::test]
async fn a_server_hello_of_tls10_is_no_common_ground() {
    let mut hello = vec![2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    let mut record = vec![0x16, 3, 1, 0, 42];
    record.extend(hello);
    let failure = failure_after(&record).await;
    assert_eq!(failure.server_hello, Some(TlsVersion::Tls10));
    assert!(matches!(failure.kind, TlsFailureKind::NothingInCommon { .. }), "{failure}");
    assert!(failure.to_string().contains("TLS 1.0"), "{failure}");
    assert!(failure.old_tls_possible());
}

#[tokio::test]
async fn a_message_beyond_all_measure_is_too_large() {
    // A handshake message that announces 16 MB.
    let failure = failure_after(&[0x16, 3, 3, 0, 4, 11, 0xff, 0xff, 0xff]).await;
    assert_eq!(failure.why().cause, Cause::TooLarge, "{failure}");
}

#[tokio::test]
async fn a_close_and_a_reset_are_told_apart() {
    let failure = failure_after(b"").await;
    assert_eq!(failure.kind, TlsFailureKind::Closed { received: 0 });

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    server.set_zero_linger().unwrap();
    drop(server);
    let failure = handshake(ours, Some(NAME), soon()).await.unwrap_err();
    assert_eq!(failure.kind, TlsFailureKind::Reset { received: 0 });
    assert_eq!(failure.why().cause, Cause::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_trickles_its_handshake_ends_at_the_deadline() {
    let (ours, mut server) = tokio::io::duplex(1 << 16);
    let trickle = tokio::spawn(async move {
        for byte in [0x16, 3, 3, 0x10, 0].into_iter().chain([0; 1000]) {
            if server.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let started = Instant::now();
    let failure = handshake(ours, Some(NAME), started + Duration::from_secs(12)).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 12);
    assert_eq!(failure.why().cause, Cause::Timeout);
    assert!(matches!(failure.kind, TlsFailureKind::Timeout { received: 11..=13, .. }), "{failure}");
    trickle.abort();
}

#[tokio::test]
async fn a_hand_made_hello_sees_the_chain_that_the_library_sees() {
    let mut server = Server::new();
    server.versions = ONLY_TLS12;
    let presented = server.chain[0].to_vec();
    let (ours, accepted) = server.start();
    let hello = client_hello(&HelloSpec {
        suites: vec![0xc02b, 0xc02c],
        groups: vec![23, 29],
        signature_schemes: scheme::usual(),
        random: [7; 32],
        ..HelloSpec::default()
    });
    let Exchange { answer, ended } = exchange_flight(ours, &hello, soon(), 1 << 16).await;
    assert_eq!(ended, Ended::Complete);
    let Answer::Hello(flight) = answer else { panic!("{answer:?}") };
    assert!(flight.done);
    assert_eq!(flight.certificates, Some(vec![presented]));
    assert!(accepted.await.unwrap().is_err());
}

#[tokio::test]
async fn a_handshake_for_one_kind_of_certificate_gets_that_kind_or_an_alert() {
    // The server has ECDSA alone.
    let (ours, accepted) = Server::new().start();
    let connection = handshake_for(ours, Some(NAME), Some(CertificateKind::Ecdsa), soon()).await.unwrap();
    assert_eq!(connection.facts.signature_scheme.as_deref(), Some("ecdsa_secp256r1_sha256"));
    accepted.await.unwrap().unwrap();
    let (ours, accepted) = Server::new().start();
    let failure = handshake_for(ours, Some(NAME), Some(CertificateKind::Rsa), soon()).await.unwrap_err();
    assert_eq!(failure.alert(), Some(40), "{failure}");
    assert!(accepted.await.unwrap().is_err());
}
