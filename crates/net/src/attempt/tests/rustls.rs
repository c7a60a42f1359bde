//! Sessions with a rustls server within the process.

use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::PrivateKeyDer,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use waxseal_model::{audit::Renegotiation, tls::TlsVersion};

use super::{MAX_BYTES, client, soon, spec};
use crate::{
    attempt::{
        PrivateStream, handshake,
        renegotiate::{Binding, renegotiate},
    },
    session::{SessionLimits, SmtpSession},
    transcript::Transcript,
};

/// A TLS acceptor with a staple.
pub(super) fn acceptor(version: &'static SupportedProtocolVersion) -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["mx.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert_with_ocsp(vec![cert.der().clone()], key, b"a response".to_vec())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Both ends of a session.
async fn pair(
    version: &'static SupportedProtocolVersion,
    ours: TlsVersion,
) -> (PrivateStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let accepted: JoinHandle<_> = tokio::spawn(async move { acceptor(version).accept(far).await });
    let stream = handshake(near, client(ours), soon(), MAX_BYTES).await.unwrap();
    (stream, accepted.await.unwrap().unwrap())
}

#[tokio::test]
async fn smtp_is_spoken_within_and_the_staple_is_kept() {
    for (version, ours) in [(&TLS12, TlsVersion::Tls12), (&TLS13, TlsVersion::Tls13)] {
        let (stream, mut server) = pair(version, ours).await;
        assert_eq!(stream.established().flight.version, ours);
        assert_eq!(stream.established().flight.ocsp.as_deref(), Some(&b"a response"[..]));
        let transcript = Transcript::new(tokio::time::Instant::now());
        let mut session = SmtpSession::new(stream, transcript, SessionLimits::default(), soon());
        server.write_all(b"250-mx.example\r\n250 SIZE\r\n").await.unwrap();
        let reply = session.command("EHLO a.example", "EHLO").await.unwrap();
        assert_eq!(reply.lines.len(), 2);
        let mut got = [0; 16];
        server.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"EHLO a.example\r\n");
        // The goodbye is one that TLS knows.
        tokio::join!(session.quit(std::time::Duration::from_secs(5)), async {
            let mut rest = Vec::new();
            server.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"QUIT\r\n");
        });
    }
}

#[tokio::test]
async fn much_data_goes_both_ways() {
    let (mut stream, mut server) = pair(&TLS13, TlsVersion::Tls13).await;
    let data: Vec<u8> = (0..200_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let copy = data.clone();
    let echo = tokio::spawn(async move {
        let mut got = vec![0; copy.len()];
        server.read_exact(&mut got).await.unwrap();
        assert!(got == copy);
        server.write_all(&got).await.unwrap();
        server.shutdown().await.unwrap();
    });
    stream.write_all(&data).await.unwrap();
    stream.flush().await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert!(back == data);
    echo.await.unwrap();
}

#[tokio::test]
async fn keys_are_changed_when_the_server_changes_its_own() {
    let (mut stream, mut server) = pair(&TLS13, TlsVersion::Tls13).await;
    for word in [b"one", b"two"] {
        server.get_mut().1.refresh_traffic_keys().unwrap();
        server.write_all(word).await.unwrap();
        server.flush().await.unwrap();
        let mut got = [0; 3];
        stream.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, word);
        stream.write_all(&got).await.unwrap();
        stream.flush().await.unwrap();
        server.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, word);
    }
}

#[tokio::test]
async fn rustls_does_not_renegotiate() {
    let (stream, mut server) = pair(&TLS12, TlsVersion::Tls12).await;
    // The library sends its alert with the next thing that it sends.
    let reading = tokio::spawn(async move {
        server.read_exact(&mut [0; 6]).await.unwrap();
        server.write_all(b"250 OK\r\n").await.unwrap();
        server.flush().await.unwrap();
    });
    let spec = spec(TlsVersion::Tls12);
    let answer = renegotiate(stream, &spec, Binding::Secure, soon()).await;
    assert_eq!(answer, Ok(Renegotiation::Refused { alert: Some(100) }));
    reading.await.unwrap();
}
