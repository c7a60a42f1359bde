//! What happens when TLS is to begin.

use std::{io::Result, sync::Arc, time::Duration};

use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{Site, lines::Stream};
use crate::{
    error::LabError,
    pki::{
        Chain, Leaf,
        authority::{Authority, Identity},
    },
    tls10,
};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// Fatal alert internal_error (RFC 8446 section 6) in a TLS 1.2 record.
const INTERNAL_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// A server's TLS; the default is sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) leaf: Leaf,
    pub(crate) kind: Kind,
    pub(crate) sni: Sni,
}

/// What the name that a client asks for (SNI, RFC 6066 section 3) does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sni {
    /// Nothing: everybody gets the same certificates.
    #[default]
    Ignored,
    /// Clients that ask for the host's name get its certificate, all others get a
    /// self-signed one of another key, as servers of many domains have it.
    Chooses,
}

/// Which TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// TLS 1.2 and 1.3.
    #[default]
    Modern,
    /// TLS 1.2 only.
    Only12,
    /// TLS 1.3 only.
    Only13,
    /// Modern, and asks the client for a certificate without insisting.
    AsksForClientCertificate,
    /// TLS 1.0 only; needs an RSA certificate.
    Only10,
    /// The alert `internal_error` as answer to any hello.
    AlwaysAlert,
    /// A TCP reset as answer to any hello.
    AlwaysReset,
}

/// The parts of [`Tls`] made ready to serve.
#[derive(Clone)]
pub(crate) enum Engine {
    Rustls(TlsAcceptor),
    Tls10(tls10::Server),
    AlwaysAlert,
    AlwaysReset,
}

impl Engine {
    /// Makes ready what `tls` describes, with the certificates of `host`.
    pub(crate) fn new(
        tls: Tls,
        host: &str,
        identity: Identity,
        authority: &Authority,
    ) -> std::result::Result<Self, LabError> {
        let versions: &[&SupportedProtocolVersion] = match tls.kind {
            Kind::Modern | Kind::AsksForClientCertificate => &[&TLS13, &TLS12],
            Kind::Only12 => &[&TLS12],
            Kind::Only13 => &[&TLS13],
            Kind::Only10 => {
                let (Some(certified), Some(key)) = (identity.rsa, identity.rsa_pkcs8) else {
                    return Err(LabError::certificate("TLS 1.0", &"it takes an RSA key"));
                };
                return Ok(Self::Tls10(tls10::Server {
                    chain: Arc::new(certified.cert.clone()),
                    key: Arc::new(key),
                }));
            }
            Kind::AlwaysAlert => return Ok(Self::AlwaysAlert),
            Kind::AlwaysReset => return Ok(Self::AlwaysReset),
        };
        let fail = |e: &dyn std::fmt::Display| LabError::certificate("TLS", &e);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|e| fail(&e))?;
        let builder = if tls.kind == Kind::AsksForClientCertificate {
            let mut roots = RootCertStore::empty();
            roots.add(authority.root().clone()).map_err(|e| fail(&e))?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|e| fail(&e))?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let stranger = match tls.sni {
            Sni::Ignored => None,
            Sni::Chooses => {
                let leaf = Leaf { chain: Chain::SelfSigned, ..Leaf::default() };
                Some((host.to_owned(), authority.issue("default.invalid", leaf)?))
            }
        };
        let config = builder.with_cert_resolver(Arc::new(ByClient { identity, stranger }));
        Ok(Self::Rustls(TlsAcceptor::from(Arc::new(config))))
    }

    /// Begins TLS as the server; none where this engine never gets that far.
    pub(crate) async fn accept(&self, mut tcp: TcpStream, site: &Site) -> Result<Option<Box<dyn Stream>>> {
        match self {
            Self::Rustls(acceptor) => match timeout(HANDSHAKE, acceptor.accept(tcp)).await {
                Ok(Ok(stream)) => {
                    let version = stream.get_ref().1.protocol_version();
                    site.note(format!("handshake completed, {version:?}"));
                    Ok(Some(Box::new(stream)))
                }
                Ok(Err(error)) => {
                    site.note(format!("handshake failed: {error}"));
                    Ok(None)
                }
                Err(_) => {
                    site.note("handshake took too long");
                    Ok(None)
                }
            },
            Self::Tls10(server) => match timeout(HANDSHAKE, tls10::accept(tcp, server)).await {
                Ok(Ok(stream)) => {
                    site.note("handshake completed, TLSv1_0");
                    Ok(Some(Box::new(stream)))
                }
                Ok(Err(error)) => {
                    site.note(format!("handshake failed: {error}"));
                    Ok(None)
                }
                Err(_) => {
                    site.note("handshake took too long");
                    Ok(None)
                }
            },
            Self::AlwaysAlert => {
                hello(&mut tcp).await?;
                tcp.write_all(&INTERNAL_ERROR).await?;
                tcp.shutdown().await?;
                Ok(None)
            }
            Self::AlwaysReset => {
                hello(&mut tcp).await?;
                tcp.set_zero_linger()?;
                Ok(None)
            }
        }
    }
}

/// Waits for the first record, whatever it is.
async fn hello(tcp: &mut TcpStream) -> Result<()> {
    let mut header = [0; 5];
    if timeout(HANDSHAKE, tcp.read_exact(&mut header)).await.is_ok_and(|r| r.is_ok()) {
        let [.., high, low] = header;
        let mut body = vec![0; usize::from(u16::from_be_bytes([high, low])).min(1 << 14)];
        let _ = timeout(Duration::from_secs(1), tcp.read_exact(&mut body)).await;
    }
    Ok(())
}

/// Gives ECDSA to clients that can, RSA to the others.
#[derive(Debug)]
struct ByClient {
    identity: Identity,
    /// The name that clients must ask for, and what they get if they do not.
    stranger: Option<(String, Identity)>,
}

impl ResolvesServerCert for ByClient {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |k: &&Arc<CertifiedKey>| k.key.choose_scheme(hello.signature_schemes()).is_some();
        let identity = match &self.stranger {
            Some((name, other)) if hello.server_name() != Some(name) => other,
            _ => &self.identity,
        };
        identity.ecdsa.iter().chain(&identity.rsa).find(fits).cloned()
    }
}
