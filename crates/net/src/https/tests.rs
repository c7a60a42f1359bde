//! Requests to a scripted HTTPS server within the process.

use std::{collections::BTreeMap, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::egress::EgressRules;

const HOST: &str = "mta-sts.example.com";

/// A server that answers every request with the same bytes and then closes, or stays silent.
struct Server {
    egress: Egress,
    roots: RootStore,
    asked: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Server {
    async fn new(name: &str, answer: &'static [u8], stay: bool) -> Self {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.distinguished_name.push(DnType::CommonName, "test root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let roots = RootStore::from_ders("test", vec![root.self_signed(&root_key).unwrap().der().to_vec()]);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key)).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let real = listener.local_addr().unwrap().port();
        let asked: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
                let mut buffer = [0; 2048];
                let Ok(n @ 1..) = tls.read(&mut buffer).await else { continue };
                noted.lock().unwrap().push(String::from_utf8_lossy(&buffer[..n]).into_owned());
                let _ = tls.write_all(answer).await;
                if stay {
                    let _ = tls.read(&mut buffer).await;
                }
                let _ = tls.shutdown().await;
            }
        });
        let rules = EgressRules { port_map: BTreeMap::from([(PORT, real)]), ..EgressRules::default() };
        Self { egress: Egress::new(rules), roots, asked }
    }

    async fn get(&self) -> HttpsExchange {
        self.get_within(Duration::from_secs(20)).await
    }

    async fn get_within(&self, total: Duration) -> HttpsExchange {
        let request = HttpsRequest {
            host: HOST,
            path: "/.well-known/mta-sts.txt",
            user_agent: "waxseal",
            body_bytes: 1000,
            step: Duration::from_secs(20),
            total,
        };
        get(&self.egress, Ok(&self.roots), &["127.0.0.1".parse().unwrap()], &request).await
    }
}

#[tokio::test]
async fn a_file_arrives_with_its_type_and_the_request_is_what_the_standard_asks() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    let server = Server::new(HOST, answer, false).await;
    let exchange = server.get().await;
    let response = exchange.result.unwrap();
    assert_eq!((response.status, response.body), (200, Ok(b"hello".to_vec())));
    assert_eq!(response.content_type.as_deref(), Some("text/plain"));
    assert_eq!(exchange.chain.len(), 1);
    let asked = server.asked.lock().unwrap().join("");
    assert!(asked.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(HOST), "{asked}");
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let answer = b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n";
    let server = Server::new(HOST, answer, false).await;
    let response = server.get().await.result.unwrap();
    assert_eq!((response.status, response.location.as_deref()), (301, Some("https://elsewhere.example/")));
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_for_another_name_or_of_a_stranger_gets_no_request() {
    let server = Server::new("www.example.com", b"", false).await;
    let error = server.get().await.result.unwrap_err();
    assert!(error.to_string().contains("it is for www.example.com"), "{error}");
    let mut stranger = Server::new(HOST, b"", false).await;
    stranger.roots = RootStore::from_ders("none", Vec::new());
    let error = stranger.get().await.result.unwrap_err();
    assert!(matches!(error, HttpsError::Certificate { .. }), "{error}");
    assert!(server.asked.lock().unwrap().is_empty() && stranger.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn too_much_and_too_slow_and_cut_short_have_no_body() {
    let big: &'static [u8] =
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n".as_slice(), &[b'x'; 2000]].concat().leak();
    let body = Server::new(HOST, big, false).await.get().await.result.unwrap().body;
    assert!(matches!(body, Err(HttpsError::TooLarge { limit: 1000, .. })), "{body:?}");
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nabc";
    let body = Server::new(HOST, cut, false).await.get().await.result.unwrap().body;
    assert!(matches!(body, Err(HttpsError::Http { .. })), "{body:?}");
    let server = Server::new(HOST, cut, true).await;
    let body = server.get_within(Duration::from_millis(300)).await.result.unwrap().body;
    assert!(matches!(body, Err(HttpsError::Timeout { .. })), "{body:?}");
}

#[tokio::test]
async fn what_is_not_http_is_said_to_be_so() {
    for answer in [b"220 mail ESMTP\r\n".as_slice(), b"\x00\x01\x02", b""] {
        let error = Server::new(HOST, answer, false).await.get().await.result.unwrap_err();
        assert!(matches!(error, HttpsError::Http { .. }), "{error}");
    }
    let endless: &'static [u8] =
        [b"HTTP/1.1 200 OK\r\n".as_slice(), b"X-Field: y\r\n".repeat(5000).as_slice()].concat().leak();
    let error = Server::new(HOST, endless, false).await.get().await.result.unwrap_err();
    assert!(matches!(error, HttpsError::Http { .. }), "{error}");
}

#[tokio::test]
async fn an_address_inside_is_not_visited_where_the_rules_forbid_it() {
    let server = Server::new(HOST, b"", false).await;
    let egress = Egress::new(EgressRules { public_only: true, ..EgressRules::default() });
    let request = HttpsRequest {
        host: HOST,
        path: "/",
        user_agent: "waxseal",
        body_bytes: 1000,
        step: Duration::from_secs(5),
        total: Duration::from_secs(5),
    };
    for address in ["127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:7f00:1::1", "100.64.0.1"] {
        let exchange = get(&egress, Ok(&server.roots), &[address.parse().unwrap()], &request).await;
        let error = exchange.result.unwrap_err();
        assert_eq!(error.why().cause, Cause::Forbidden, "{address}: {error}");
    }
    assert_eq!(egress.connections(), 0);
}

#[tokio::test]
async fn what_is_posted_arrives_with_its_type() {
    let server = Server::new(HOST, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", false).await;
    let request = HttpsRequest {
        host: HOST,
        path: "/v1/tlsrpt?x=y",
        user_agent: "waxseal",
        body_bytes: 1000,
        step: Duration::from_secs(20),
        total: Duration::from_secs(20),
    };
    let content = Bytes::from_static(b"\x1f\x8bgzip");
    let message = HttpsPost { request, port: PORT, content_type: "application/tlsrpt+gzip", content };
    let exchange = post(&server.egress, Ok(&server.roots), &["127.0.0.1".parse().unwrap()], &message).await;
    assert_eq!(exchange.result.unwrap().status, 201);
    let asked = server.asked.lock().unwrap().join("");
    assert!(asked.starts_with("POST /v1/tlsrpt?x=y HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("content-type: application/tlsrpt+gzip\r\n"), "{asked}");
    assert!(
        asked.contains("content-length: 6\r\n") && asked.contains(&format!("host: {HOST}\r\n")),
        "{asked}"
    );
    let elsewhere = HttpsPost { port: 8443, ..message };
    assert_eq!(elsewhere.message().unwrap().headers()["host"], format!("{HOST}:8443"));
}
