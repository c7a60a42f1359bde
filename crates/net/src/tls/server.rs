//! TLS for those who connect to us: TLS 1.2 and 1.3 with forward secrecy, our certificate
//! from files that can be read anew while sessions go on, and client certificates where an
//! authority for them is named.
//!
//! A client may show any certificate: many mail servers show the one they have whenever
//! they are asked, and ending the handshake would drive their mail into clear text. Whether
//! it counts is said in [`ClientCertificate::trusted`].

mod files;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, LazyLock, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ProtocolVersion, ServerConfig, ServerConnection,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsAcceptor;
use waxseal_model::tls::{Suite, TlsVersion};
use waxseal_wire::{
    text::neutralise,
    tls::{alert::alert_name, suites},
    x509,
};

pub use self::files::ServerTlsError;
use crate::error::seconds;

/// The encrypted stream of a client.
pub type ServerTlsStream<S> = tokio_rustls::server::TlsStream<S>;

/// Algorithms, chosen explicitly, as for connections of our own.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// The label of RFC 9266 section 2.
const CHANNEL_BINDING: &[u8] = b"EXPORTER-Channel-Binding";

/// Where certificate and key lie, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTlsFiles {
    /// Our certificate and those above it.
    pub certificate: PathBuf,
    /// Its key, not encrypted.
    pub key: PathBuf,
    /// Authorities whose certificates count for clients; without them none is asked for.
    pub client_ca: Option<PathBuf>,
}

/// Takes handshakes with what was read last.
#[derive(Debug)]
pub struct ServerTls {
    files: ServerTlsFiles,
    current: RwLock<Arc<Current>>,
    /// Keys of tickets stay when certificates are read anew: sessions go on.
    tickets: Arc<dyn rustls::server::ProducesTickets>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    expires: i64,
}

/// A client that speaks TLS.
#[derive(Debug)]
pub struct AcceptedTls<S> {
    /// What follows goes through here.
    pub stream: ServerTlsStream<S>,
    /// What was negotiated.
    pub facts: ServerTlsFacts,
}

/// What was negotiated with a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTlsFacts {
    /// The version.
    pub version: TlsVersion,
    /// The suite.
    pub suite: Suite,
    /// The client's certificate, if it showed one.
    pub client: Option<ClientCertificate>,
    /// The `tls-exporter` channel binding (RFC 9266); only with TLS 1.3, as section 3 asks.
    pub binding: Option<[u8; 32]>,
}

/// The certificate of a client, which proved to own it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// It is valid now, for clients, and by one of the authorities.
    pub trusted: bool,
    /// Its first DNS name, or its common name, or `sha256:` and its fingerprint; harmless.
    pub name: String,
}

/// Why a handshake with a client failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptFailure {
    /// It took too long.
    #[error("the client did not finish the TLS handshake within {}", seconds(.after))]
    Timeout {
        /// How long we waited.
        after: Duration,
    },
    /// The client went away.
    #[error("the client closed the connection during the TLS handshake")]
    Closed,
    /// The client ended it.
    #[error("the client ended the TLS handshake with alert {alert} ({})", alert_name(*.alert))]
    Alert {
        /// The alert's number (RFC 8446 section 6).
        alert: u8,
    },
    /// The client offers nothing that we take, or does not speak TLS.
    #[error("the TLS handshake failed: {detail}")]
    Protocol {
        /// In the words of the TLS library.
        detail: String,
    },
    /// This system failed.
    #[error("reading or writing failed during the TLS handshake: {detail}")]
    Io {
        /// In the words of the system.
        detail: String,
    },
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(files: ServerTlsFiles) -> Result<Self, ServerTlsError> {
        let tickets = aws_lc_rs::Ticketer::new().map_err(|error| ServerTlsError::library(&error))?;
        let current = RwLock::new(Arc::new(Current::read(&files, &tickets)?));
        Ok(Self { files, current, tickets })
    }

    /// Reads the files again. Sessions that go on keep what they began with.
    ///
    /// # Errors
    /// As [`load`](Self::load); what was read before stays in use.
    pub fn reload(&self) -> Result<(), ServerTlsError> {
        let fresh = Arc::new(Current::read(&self.files, &self.tickets)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The files.
    pub fn files(&self) -> &ServerTlsFiles {
        &self.files
    }

    /// When our certificate expires: seconds since 1970-01-01 UTC.
    pub fn expires(&self) -> i64 {
        self.current().expires
    }

    /// Makes the handshake with a client by `deadline`.
    ///
    /// # Errors
    /// Says what ended it. The stream is gone.
    pub async fn accept<S>(&self, stream: S, deadline: Instant) -> Result<AcceptedTls<S>, AcceptFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let current = self.current();
        let started = Instant::now();
        let accept = TlsAcceptor::from(Arc::clone(&current.config)).accept(stream);
        let stream = match timeout_at(deadline, accept).await {
            Ok(result) => result.map_err(|error| AcceptFailure::from_io(&error))?,
            Err(_) => return Err(AcceptFailure::Timeout { after: started.elapsed() }),
        };
        let facts = current.facts(stream.get_ref().1).ok_or_else(|| AcceptFailure::Protocol {
            detail: "the TLS library does not tell what was negotiated".into(),
        })?;
        Ok(AcceptedTls { stream, facts })
    }

    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Current {
    fn read(
        files: &ServerTlsFiles,
        tickets: &Arc<dyn rustls::server::ProducesTickets>,
    ) -> Result<Self, ServerTlsError> {
        let (key, expires) = files::certified_key(files, &PROVIDER)?;
        let clients =
            files.client_ca.as_deref().map(|path| files::client_verifier(path, &PROVIDER)).transpose()?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| ServerTlsError::library(&error))?;
        let builder = match &clients {
            Some(verifier) => builder.with_client_cert_verifier(Arc::new(AnyClient(Arc::clone(verifier)))),
            None => builder.with_no_client_auth(),
        };
        // Whatever name the client asks for (RFC 8461 section 7.1).
        let mut config = builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key)));
        config.ticketer = Arc::clone(tickets);
        config.send_tls13_tickets = 1;
        Ok(Self { config: Arc::new(config), clients, expires })
    }

    fn facts(&self, connection: &ServerConnection) -> Option<ServerTlsFacts> {
        let version = connection.protocol_version()?;
        let suite = suites::suite(u32::from(u16::from(connection.negotiated_cipher_suite()?.suite())));
        let client = connection.peer_certificates().and_then(|chain| self.client(chain));
        let binding = (version == ProtocolVersion::TLSv1_3)
            .then(|| connection.export_keying_material([0; 32], CHANNEL_BINDING, Some(b"")).ok());
        Some(ServerTlsFacts {
            version: TlsVersion::from_code(u16::from(version))?,
            suite,
            client,
            binding: binding.flatten(),
        })
    }

    /// Judges a certificate now, be it of this handshake or of the one that is resumed.
    fn client(&self, chain: &[CertificateDer<'_>]) -> Option<ClientCertificate> {
        let (leaf, above) = chain.split_first()?;
        let verifier = self.clients.as_ref()?;
        let trusted = verifier.verify_client_cert(leaf, above, UnixTime::now()).is_ok();
        Some(ClientCertificate { trusted, name: name_of(leaf) })
    }
}

/// What a client is called in logs and in the queue.
fn name_of(certificate: &[u8]) -> String {
    let facts = x509::facts(certificate).ok();
    let name = facts.and_then(|facts| facts.dns_names.into_iter().next().or(facts.common_name));
    let name = name.map(|name| neutralise(name.as_bytes(), 255)).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| format!("sha256:{}", x509::sha256_hex(certificate)))
}

impl AcceptFailure {
    fn from_io(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(Error::AlertReceived(alert)) => Self::Alert { alert: u8::from(*alert) },
            Some(other) => Self::Protocol { detail: other.to_string() },
            None => match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionAborted => Self::Closed,
                _ => Self::Io { detail: error.to_string() },
            },
        }
    }
}

/// Takes any certificate that a client shows, if it proves to own it.
#[derive(Debug)]
struct AnyClient(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
