//! What happens when TLS is to begin.

use std::{io::Result, sync::Arc, time::Duration};

use rustls::{
    NamedGroup, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ProducesTickets, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{Site, breakdown::Stage, lines::Stream};
use crate::{
    error::LabError,
    handmade::{
        self, RsaKey,
        behaviour::{Behaviour, Names, Order, TLS10},
        break_down,
    },
    pki::{
        Chain, Keys, Leaf,
        authority::{Authority, Identity},
        weak,
    },
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
    pub(crate) modern: Modern,
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
    /// Clients that ask for another name are refused.
    Strict,
    /// Clients that do not ask for the host's name are refused.
    Demanded,
}

/// What the library's TLS 1.2 and 1.3 are like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Modern {
    /// Bytes of early data (0-RTT) that tickets allow.
    pub(crate) early_data: u32,
    pub(crate) tickets: Tickets,
    /// No post-quantum group.
    pub(crate) classic_groups: bool,
    /// Only `smtp` is a protocol (ALPN).
    pub(crate) strict_alpn: bool,
    /// The server's order of suites decides.
    pub(crate) own_order: bool,
}

/// Which sessions are taken up again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tickets {
    /// The library's default: session ids in TLS 1.2, two tickets for a day in TLS 1.3.
    #[default]
    Usual,
    /// None.
    None,
    /// This many tickets in TLS 1.3, and tickets in TLS 1.2, with this lifetime in seconds.
    Many(usize, u32),
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
    /// Modern, and ends the session of a client without a certificate.
    DemandsClientCertificate,
    /// Up to TLS 1.2, by hand; needs an RSA certificate.
    Handmade(&'static Behaviour),
    /// TLS 1.3 by the library for those who offer it, by hand for the others; likewise.
    Both(&'static Behaviour),
    /// The alert `internal_error` as answer to any hello.
    AlwaysAlert,
    /// A TCP reset as answer to any hello.
    AlwaysReset,
}

impl Kind {
    /// TLS 1.0 alone, as a server of its time has it; needs an RSA certificate.
    pub(crate) const ONLY10: Self = Self::Handmade(&ONLY10);
}

const ONLY10: Behaviour = Behaviour {
    versions: (TLS10, TLS10),
    suites: &[0x0035, 0x002f],
    order: Order::Server,
    extended_master_secret: false,
    encrypt_then_mac: false,
    ..Behaviour::SOUND
};

/// The parts of [`Tls`] made ready to serve.
#[derive(Clone)]
pub(crate) enum Engine {
    Rustls(TlsAcceptor),
    Handmade(Box<handmade::Server>),
    Both(TlsAcceptor, Box<handmade::Server>),
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
            Kind::Modern | Kind::AsksForClientCertificate | Kind::DemandsClientCertificate => {
                &[&TLS13, &TLS12]
            }
            Kind::Only12 => &[&TLS12],
            Kind::Only13 | Kind::Both(_) => &[&TLS13],
            Kind::Handmade(behaviour) => {
                return Ok(Self::Handmade(Box::new(by_hand(behaviour, host, &identity, authority)?)));
            }
            Kind::AlwaysAlert => return Ok(Self::AlwaysAlert),
            Kind::AlwaysReset => return Ok(Self::AlwaysReset),
        };
        let by_hand = match tls.kind {
            Kind::Both(behaviour) => Some(by_hand(behaviour, host, &identity, authority)?),
            _ => None,
        };
        let acceptor = TlsAcceptor::from(Arc::new(modern(tls, host, identity, authority, versions)?));
        Ok(match by_hand {
            Some(server) => Self::Both(acceptor, Box::new(server)),
            None => Self::Rustls(acceptor),
        })
    }

    /// Begins TLS as the server; none where this engine never gets that far.
    pub(crate) async fn accept(&self, mut tcp: TcpStream, site: &Site) -> Result<Option<Box<dyn Stream>>> {
        let by_library = match self {
            Self::Both(..) => handmade::offers_tls13(&tcp).await?,
            _ => true,
        };
        match self {
            Self::Handmade(server) => accept_by_hand(tcp, server, site).await,
            Self::Both(_, server) if !by_library => accept_by_hand(tcp, server, site).await,
            Self::Rustls(acceptor) | Self::Both(acceptor, _) => {
                if let Some(how) = site.breaks(Stage::Hello) {
                    hello(&mut tcp).await?;
                    break_down(tcp, how).await?;
                    return Ok(None);
                }
                accept_by_library(tcp, acceptor, site).await
            }
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

async fn accept_by_library(
    tcp: TcpStream,
    acceptor: &TlsAcceptor,
    site: &Site,
) -> Result<Option<Box<dyn Stream>>> {
    match timeout(HANDSHAKE, acceptor.accept(tcp)).await {
        Ok(Ok(stream)) => {
            let version = stream.get_ref().1.protocol_version();
            site.note(format!("handshake completed, {version:?}"));
            return Ok(Some(Box::new(stream)));
        }
        Ok(Err(error)) => site.note(format!("handshake failed: {error}")),
        Err(_) => site.note("handshake took too long"),
    }
    Ok(None)
}

async fn accept_by_hand(
    tcp: TcpStream,
    server: &handmade::Server,
    site: &Site,
) -> Result<Option<Box<dyn Stream>>> {
    match timeout(HANDSHAKE, handmade::accept(tcp, server, site)).await {
        Ok(Ok((stream, version))) => {
            site.note(format!("handshake completed, version {version:#06x}"));
            return Ok(Some(Box::new(stream)));
        }
        Ok(Err(error)) => site.note(format!("handshake failed: {error}")),
        Err(_) => site.note("handshake took too long"),
    }
    Ok(None)
}

/// A server by hand.
fn by_hand(
    behaviour: &Behaviour,
    host: &str,
    identity: &Identity,
    authority: &Authority,
) -> std::result::Result<handmade::Server, LabError> {
    let key = match &identity.rsa_pkcs8 {
        Some(pkcs8) => RsaKey::from_pkcs8(pkcs8),
        None => weak::WeakRsa::by_hand(),
    };
    let (Some(certified), Some(key)) = (&identity.rsa, key) else {
        return Err(LabError::certificate(host, &"a TLS by hand takes an RSA key"));
    };
    let mut server = handmade::Server::new(host, Arc::new(certified.cert.clone()), key, *behaviour);
    if behaviour.names == Names::OtherCertificate {
        let leaf = Leaf { chain: Chain::SelfSigned, keys: Keys::Rsa, ..Leaf::default() };
        server.stranger = authority.issue("default.invalid", leaf)?.rsa.map(|c| Arc::new(c.cert.clone()));
    }
    Ok(server)
}

/// The library's configuration.
fn modern(
    tls: Tls,
    host: &str,
    identity: Identity,
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> std::result::Result<ServerConfig, LabError> {
    let fail = |e: &dyn std::fmt::Display| LabError::certificate("TLS", &e);
    let mut provider = aws_lc_rs::default_provider();
    if tls.modern.classic_groups {
        provider.kx_groups.retain(|g| CLASSIC.contains(&g.name()));
    }
    let provider = Arc::new(provider);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|e| fail(&e))?;
    let builder = match tls.kind {
        Kind::AsksForClientCertificate | Kind::DemandsClientCertificate => {
            let demanded = tls.kind == Kind::DemandsClientCertificate;
            builder.with_client_cert_verifier(client_verifier(authority, provider, demanded)?)
        }
        _ => builder.with_no_client_auth(),
    };
    let stranger = match tls.sni {
        Sni::Ignored => None,
        Sni::Strict => Some((host.to_owned(), Stranger::RefusedIfNamed)),
        Sni::Chooses => {
            let leaf = Leaf { chain: Chain::SelfSigned, ..Leaf::default() };
            Some((host.to_owned(), Stranger::Gets(Box::new(authority.issue("default.invalid", leaf)?))))
        }
        Sni::Demanded => Some((host.to_owned(), Stranger::Refused)),
    };
    let mut config = builder.with_cert_resolver(Arc::new(ByClient { identity, stranger }));
    config.max_early_data_size = tls.modern.early_data;
    config.ignore_client_order = tls.modern.own_order;
    if tls.modern.strict_alpn {
        config.alpn_protocols = vec![b"smtp".to_vec()];
    }
    match tls.modern.tickets {
        Tickets::Usual => {}
        Tickets::None => {
            config.send_tls13_tickets = 0;
            config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        }
        Tickets::Many(count, lifetime) => {
            config.send_tls13_tickets = count;
            let usual = aws_lc_rs::Ticketer::new().map_err(|e| fail(&e))?;
            config.ticketer = Arc::new(Lasting { usual, lifetime });
        }
    }
    Ok(config)
}

/// Groups from before post-quantum ones.
const CLASSIC: [NamedGroup; 3] = [NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1];

fn client_verifier(
    authority: &Authority,
    provider: Arc<CryptoProvider>,
    demanded: bool,
) -> std::result::Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, LabError> {
    let fail = |e: &dyn std::fmt::Display| LabError::certificate("TLS", &e);
    let mut roots = RootCertStore::empty();
    roots.add(authority.root().clone()).map_err(|e| fail(&e))?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if demanded { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|e| fail(&e))
}

/// The library's tickets with another lifetime.
#[derive(Debug)]
struct Lasting {
    usual: Arc<dyn ProducesTickets>,
    lifetime: u32,
}

impl ProducesTickets for Lasting {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.lifetime
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.usual.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.usual.decrypt(cipher)
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

/// What becomes of clients that do not ask for the host's name.
#[derive(Debug)]
enum Stranger {
    /// They get this.
    Gets(Box<Identity>),
    /// They are refused.
    Refused,
    /// They are refused, unless they ask for no name at all.
    RefusedIfNamed,
}

/// Gives ECDSA to clients that can, RSA to the others.
#[derive(Debug)]
struct ByClient {
    identity: Identity,
    /// The name that clients must ask for, and what becomes of those that do not.
    stranger: Option<(String, Stranger)>,
}

impl ResolvesServerCert for ByClient {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |k: &&Arc<CertifiedKey>| k.key.choose_scheme(hello.signature_schemes()).is_some();
        let identity = match &self.stranger {
            Some((name, other)) if hello.server_name() != Some(name) => match other {
                Stranger::Gets(identity) => identity,
                Stranger::RefusedIfNamed if hello.server_name().is_none() => &self.identity,
                Stranger::Refused | Stranger::RefusedIfNamed => return None,
            },
            _ => &self.identity,
        };
        identity.ecdsa.iter().chain(&identity.rsa).find(fits).cloned()
    }
}
