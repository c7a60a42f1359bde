use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("waxseal-server-tls-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issued(authority: &Authority, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// Files of a server named `mx.example.com`, by an authority.
fn files(folder: &Folder, by: &Authority, clients: Option<&Authority>) -> ServerTlsFiles {
    let (certificate, key) = issued(by, "mx.example.com");
    ServerTlsFiles {
        certificate: folder.write("cert.pem", &certificate.pem()),
        key: folder.write("key.pem", &key.serialize_pem()),
        client_ca: clients.map(|authority| folder.write("ca.pem", &authority.pem())),
    }
}

fn client(by: &Authority, own: Option<(rcgen::Certificate, KeyPair)>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(by.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            builder.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
        }
    };
    TlsConnector::from(Arc::new(config))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// One handshake; what the server saw, and whether the client resumed.
async fn meet(server: &ServerTls, client: &TlsConnector) -> (Result<ServerTlsFacts, AcceptFailure>, bool) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let name = ServerName::try_from("mx.example.com").unwrap();
    let connect = async {
        let mut stream = client.connect(name, theirs).await.ok()?;
        // A byte brings the ticket along.
        stream.read_exact(&mut [0]).await.ok()?;
        Some(stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed))
    };
    let accept = async {
        let mut accepted = server.accept(ours, soon()).await?;
        let _ = accepted.stream.write_all(b"!").await;
        let _ = accepted.stream.flush().await;
        Ok(accepted.facts)
    };
    let (facts, resumed) = tokio::join!(accept, connect);
    (facts, resumed.unwrap_or(false))
}

#[tokio::test]
async fn a_client_is_greeted_and_resumes_even_after_a_reload() {
    let (folder, ca) = (Folder::new(), authority("ca"));
    let server = ServerTls::load(files(&folder, &ca, None)).unwrap();
    let client = client(&ca, None);
    let (facts, resumed) = meet(&server, &client).await;
    let facts = facts.unwrap();
    assert_eq!((facts.version, facts.client, resumed), (TlsVersion::Tls13, None, false));
    assert!(facts.suite.name.starts_with("TLS_"), "{:?}", facts.suite);
    assert!(facts.binding.is_some());
    server.reload().unwrap();
    let (facts, resumed) = meet(&server, &client).await;
    assert!(facts.is_ok() && resumed);
}

#[tokio::test]
async fn a_new_certificate_is_used_after_a_reload_and_a_bad_one_is_not() {
    let (folder, old, new) = (Folder::new(), authority("old"), authority("new"));
    let paths = files(&folder, &old, None);
    let server = ServerTls::load(paths.clone()).unwrap();
    let trusts_new = client(&new, None);
    let alert = meet(&server, &trusts_new).await.0.unwrap_err();
    assert_eq!(alert, AcceptFailure::Alert { alert: 48 }, "unknown_ca");
    fs::write(&paths.key, "no key").unwrap();
    assert!(matches!(server.reload(), Err(ServerTlsError::NoKey { .. })));
    assert!(meet(&server, &client(&old, None)).await.0.is_ok(), "what was there stays");
    files(&folder, &new, None);
    server.reload().unwrap();
    assert!(meet(&server, &trusts_new).await.0.is_ok());
}

#[tokio::test]
async fn client_certificates_count_only_by_the_authority_and_any_other_is_no_obstacle() {
    let (folder, ca, clients) = (Folder::new(), authority("ca"), authority("clients"));
    let server = ServerTls::load(files(&folder, &ca, Some(&clients))).unwrap();
    for (own, expected) in [
        (None, None),
        (Some(issued(&clients, "sender.example.com")), Some(true)),
        (Some(issued(&authority("other"), "sender.example.com")), Some(false)),
    ] {
        let client = client(&ca, own);
        for _ in 0..2 {
            let facts = meet(&server, &client).await.0.unwrap();
            assert_eq!(facts.client.as_ref().map(|c| c.trusted), expected, "also when resumed");
            assert!(facts.client.is_none_or(|c| c.name == "sender.example.com"));
        }
    }
}

#[tokio::test]
async fn whoever_does_not_speak_tls_is_told_apart() {
    let (folder, ca) = (Folder::new(), authority("ca"));
    let server = ServerTls::load(files(&folder, &ca, None)).unwrap();
    let (ours, mut theirs) = tokio::io::duplex(1024);
    theirs.write_all(b"EHLO client\r\n").await.unwrap();
    let failure = server.accept(ours, soon()).await.unwrap_err();
    assert!(matches!(failure, AcceptFailure::Protocol { .. }), "{failure}");
    let (ours, theirs) = tokio::io::duplex(1024);
    drop(theirs);
    assert_eq!(server.accept(ours, soon()).await.unwrap_err(), AcceptFailure::Closed);
    let (ours, _theirs) = tokio::io::duplex(1024);
    let failure = server.accept(ours, Instant::now()).await.unwrap_err();
    assert!(matches!(failure, AcceptFailure::Timeout { .. }), "{failure}");
}

#[test]
fn each_mistake_in_the_files_is_named() {
    let (folder, ca) = (Folder::new(), authority("ca"));
    let good = files(&folder, &ca, None);
    let other_key = folder.write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    let text = folder.write("text.pem", "hello");
    let encrypted = folder.write(
        "encrypted.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let damaged =
        folder.write("damaged.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    let with = |certificate: &Path, key: &Path, client_ca: Option<&Path>| {
        let files = ServerTlsFiles {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            client_ca: client_ca.map(Path::to_owned),
        };
        ServerTls::load(files).unwrap_err()
    };
    let missing = Path::new("/nonexistent/cert.pem");
    for (error, words) in [
        (with(missing, &good.key, None), "/nonexistent/cert.pem cannot be read"),
        (with(&text, &good.key, None), "holds no certificate"),
        (with(&damaged, &good.key, None), "certificate 1 cannot be read"),
        (with(&good.certificate, &text, None), "holds no private key"),
        (with(&good.certificate, &good.certificate, None), "holds no private key"),
        (with(&good.certificate, &encrypted, None), "is encrypted"),
        (with(&good.certificate, &other_key, None), "does not belong"),
        (with(&good.certificate, &good.key, Some(&text)), "holds no certificate"),
        (with(&good.certificate, &good.key, Some(&damaged)), "can be an authority"),
    ] {
        assert!(error.to_string().contains(words), "{error} / {words}");
    }
    let expires = ServerTls::load(good).unwrap().expires();
    assert!(expires > 1_700_000_000, "{expires}");
}
