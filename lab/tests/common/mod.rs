//! A mail client of few words, for the tests of the lab.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod names;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use waxseal_lab::{Lab, LabOptions};

/// Far longer than anything here takes; a hung test fails instead of hanging on.
const PATIENCE: Duration = Duration::from_secs(30);

/// First labels of all domains, but those that lead out of loopback.
pub(crate) fn labels() -> Vec<String> {
    let domains = LabOptions::default().domains();
    domains.iter().map(|d| d.name.strip_suffix(".lab.test").unwrap().to_owned()).collect()
}

/// A lab of the domains whose first labels are wanted: tests run side by side, and a whole
/// lab takes hundreds of the sockets that a process may have.
pub(crate) async fn lab(wanted: impl Fn(&str) -> bool) -> Lab {
    Lab::start(LabOptions::only(labels().into_iter().filter(|l| wanted(l)))).await.unwrap()
}

/// A connection that sends lines and reads replies.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
}

impl Client<TcpStream> {
    /// Connects to a host of the lab without reading the greeting.
    pub(crate) async fn connect(lab: &Lab, host: &str, port: u16) -> Self {
        let address = SocketAddr::new(lab.address(host).unwrap(), lab.port_map()[&port]);
        Self::new(TcpStream::connect(address).await.unwrap())
    }

    /// Connects, reads the greeting, says EHLO and STARTTLS, and completes the handshake.
    pub(crate) async fn starttls(lab: &Lab, host: &str) -> std::io::Result<Client<TlsStream<TcpStream>>> {
        let mut client = Self::connect(lab, host, 25).await;
        client.reply().await;
        client.say("EHLO client.test").await;
        assert_eq!(client.say("STARTTLS").await[..3], *"220", "{host}");
        client.secure(lab, host).await
    }

    /// TLS with the lab's root as the only trusted one.
    pub(crate) async fn secure(self, lab: &Lab, host: &str) -> std::io::Result<Client<TlsStream<TcpStream>>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(lab.ca_pem().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        timeout(PATIENCE, connector.connect(name, self.stream)).await.unwrap().map(Client::new)
    }
}

impl Client<TcpStream> {
    /// The certificates that a host shows to a client that asks for it by name, in DER.
    pub(crate) async fn chain(lab: &Lab, host: &str) -> Vec<Vec<u8>> {
        Self::chain_for_name(lab, host, host).await
    }

    /// The certificates that a host shows to a client that asks for `name`.
    pub(crate) async fn chain_for_name(lab: &Lab, host: &str, name: &str) -> Vec<Vec<u8>> {
        let mut client = Self::connect(lab, host, 25).await;
        client.reply().await;
        client.say("EHLO client.test").await;
        assert_eq!(client.say("STARTTLS").await[..3], *"220", "{host}");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let secured = timeout(PATIENCE, connector.connect(name, client.stream)).await.unwrap().unwrap();
        let shown = secured.get_ref().1.peer_certificates().unwrap();
        shown.iter().map(|c| c.to_vec()).collect()
    }
}

/// Takes any certificate, but insists that the server has its key.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let supported = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, &supported)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let supported = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &supported)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends a command; the reply.
    pub(crate) async fn say(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// The next reply with all its lines; empty when the server closed.
    pub(crate) async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let Some(line) = self.line().await else { return reply };
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// The next line with its end; none when the server closed.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            match timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await.unwrap() {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// What was read beyond the last line.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer
    }
}
