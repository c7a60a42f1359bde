//! Handshakes for delivery with a rustls server within the process.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::TlsAcceptor;

use super::*;

const NAME: &str = "mx.example";
/// 2026-01-01.
const NOW: i64 = 1_767_225_600;

/// A root and a leaf for [`NAME`], valid until the end of a year.
struct Pki {
    root: Vec<u8>,
    leaf: Vec<u8>,
    key: KeyPair,
}

fn pki(until: i32) -> Pki {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.not_before = date_time_ymd(2020, 1, 1);
    ca.not_after = date_time_ymd(2040, 1, 1);
    let root = ca.self_signed(&ca_key).unwrap().der().to_vec();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    leaf.not_before = date_time_ymd(2020, 1, 1);
    leaf.not_after = date_time_ymd(until, 1, 1);
    Pki { root, leaf: leaf.signed_by(&key, &issuer).unwrap().der().to_vec(), key }
}

struct Server(TlsAcceptor);

impl Server {
    fn new(pki: &Pki, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pki.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![pki.leaf.clone().into()], key)
            .unwrap();
        Self(TlsAcceptor::from(Arc::new(config)))
    }

    /// Greets within TLS, so that session tickets arrive, and tells the SNI.
    async fn serve(&self, stream: DuplexStream) -> Option<String> {
        let mut stream = self.0.accept(stream).await.unwrap();
        stream.write_all(b"250 ok\r\n").await.unwrap();
        stream.get_ref().1.server_name().map(str::to_owned)
    }
}

async fn connect(
    tls: &DeliveryTls,
    server: &Server,
    key: &str,
    name: &str,
) -> (Secured<DuplexStream>, Option<String>) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let deadline = Instant::now() + Duration::from_secs(10);
    let (secured, sni) = tokio::join!(tls.handshake(ours, key, name, deadline), server.serve(theirs));
    let mut secured = secured.unwrap();
    secured.stream.read_exact(&mut [0; 8]).await.unwrap();
    (secured, sni)
}

#[tokio::test]
async fn sessions_are_resumed_under_their_own_key_alone_and_bring_their_chain_along() {
    for (versions, version) in [(&[&TLS12][..], TlsVersion::Tls12), (&[&TLS13][..], TlsVersion::Tls13)] {
        let pki = pki(2040);
        let server = Server::new(&pki, versions);
        let tls = DeliveryTls::new();
        let mut resumed = Vec::new();
        for key in ["encrypt mx", "encrypt mx", "verify mx", "encrypt mx", "verify mx"] {
            let (secured, sni) = connect(&tls, &server, key, NAME).await;
            assert_eq!(secured.facts.version, version);
            assert_eq!(secured.chain, std::slice::from_ref(&pki.leaf), "{key}");
            assert_eq!(sni.as_deref(), Some(NAME));
            resumed.push(secured.facts.resumed);
        }
        assert_eq!(resumed, [false, true, false, true, true], "{version:?}");
    }
}

#[tokio::test]
async fn a_host_without_a_dns_name_gets_no_sni() {
    let server = Server::new(&pki(2040), &[&TLS13]);
    let tls = DeliveryTls::new();
    for (name, wanted) in [("192.0.2.1", None), ("mx.example.", Some(NAME)), ("under_score!", None)] {
        assert_eq!(connect(&tls, &server, "key", name).await.1.as_deref(), wanted, "{name}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_own_its_certificate_is_refused() {
    let (honest, thief) = (pki(2040), pki(2040));
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(thief.key.serialize_der()));
    let key = PROVIDER.key_provider.load_private_key(key).unwrap();
    let stolen = rustls::sign::CertifiedKey::new(vec![honest.leaf.into()], key);
    let config = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(stolen)));
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let accepting = tokio::spawn(TlsAcceptor::from(Arc::new(config)).accept(theirs));
    let deadline = Instant::now() + Duration::from_secs(10);
    let failure = DeliveryTls::new().handshake(ours, "key", NAME, deadline).await.unwrap_err();
    assert!(matches!(failure.kind, TlsFailureKind::BadSignature { .. }), "{failure}");
    assert!(accepting.await.unwrap().is_err());
}

#[tokio::test]
async fn what_is_no_tls_and_what_never_answers_is_told() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    theirs.write_all(b"500 what\r\n").await.unwrap();
    let tls = DeliveryTls::new();
    let soon = Instant::now() + Duration::from_millis(50);
    let failure = tls.handshake(ours, "key", NAME, soon).await.unwrap_err();
    assert!(matches!(failure.kind, TlsFailureKind::NotTls { .. }), "{failure}");
    let (ours, _theirs) = tokio::io::duplex(1 << 16);
    let failure = tls.handshake(ours, "key", NAME, soon).await.unwrap_err();
    assert!(matches!(failure.kind, TlsFailureKind::Timeout { .. }), "{failure}");
}

#[test]
fn nothing_outdated_is_offered() {
    let verifier = OwnerOfKey { algorithms: PROVIDER.signature_verification_algorithms };
    let schemes = verifier.supported_verify_schemes();
    assert!(schemes.contains(&SignatureScheme::ECDSA_NISTP256_SHA256));
    assert!(!schemes.contains(&SignatureScheme::RSA_PKCS1_SHA1));
    assert!(!schemes.contains(&SignatureScheme::ECDSA_SHA1_Legacy));
    for suite in &PROVIDER.cipher_suites {
        let name = format!("{:?}", suite.suite());
        assert!(name.contains("GCM") || name.contains("CHACHA20"), "{name}");
        assert!(name.starts_with("TLS13") || name.contains("ECDHE"), "{name}");
    }
}

#[test]
fn of_many_keys_those_used_last_are_kept() {
    let tls = DeliveryTls::new();
    for number in 0..MOST_KEYS * 2 {
        tls.config("often", true).unwrap();
        tls.config(&number.to_string(), true).unwrap();
    }
    let first = tls.config("often", true).unwrap();
    let kinds = tls.kinds.lock().unwrap();
    assert!(kinds.by_key.len() <= MOST_KEYS);
    assert!(Arc::ptr_eq(&first, &kinds.by_key["often"].config));
    assert!(kinds.by_key.contains_key(&(MOST_KEYS * 2 - 1).to_string()));
    assert!(!kinds.by_key.contains_key("0"));
}

#[test]
fn the_second_opinion_wants_trust_dates_and_names() {
    let good = pki(2040);
    let opinion = SecondOpinion::new(&RootStore::from_ders("root", vec![good.root.clone()]));
    let chain = [good.leaf.clone()];
    assert_eq!(opinion.path(&chain, NOW), Ok(()));
    let expired = opinion.path(&chain, 2_300_000_000).unwrap_err();
    assert!(expired.contains("expired") && !expired.contains("Other("), "{expired}");
    assert!(opinion.path(&chain, -5).is_err(), "not yet valid");
    assert!(opinion.path(&[], NOW).is_err());
    assert!(opinion.path(&[b"nonsense".to_vec()], NOW).is_err());
    assert!(opinion.path(&[pki(2040).leaf], NOW).is_err(), "another root");
    assert!(SecondOpinion::is_for(&chain, NAME));
    assert!(!SecondOpinion::is_for(&chain, "mx.example.org"));
    assert!(!SecondOpinion::is_for(&[], NAME));
    assert!(!SecondOpinion::is_for(&chain, "no name"));
}
