//! A real handshake by the TLS library that also delivers mail (rustls).
//!
//! It speaks TLS 1.2 and 1.3 with forward secrecy, a post-quantum group first. What it
//! cannot say (older versions, suites that nobody should use) is asked by hand-made
//! hellos, see [`crate::exchange`]. Certificates are recorded, not judged. Connections that
//! carry mail are made by [`delivery`].

pub mod delivery;
mod failure;
pub mod server;
mod tap;
mod verifier;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, ClientConnection, HandshakeKind,
    client::Resumption,
    crypto::{
        CryptoProvider,
        aws_lc_rs::{self, kx_group},
    },
    pki_types::ServerName,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;
use waxseal_model::tls::{Handshake, TlsVersion};
use waxseal_wire::tls::{groups, scheme, suites};

pub use self::failure::{TlsFailure, TlsFailureKind};
use self::{
    tap::{Seen, Tap},
    verifier::{NoClientCertificate, Presented, RecordingVerifier},
};

/// The encrypted stream, as [`crate::session::SmtpSession`] takes it.
pub type TlsStream<S> = tokio_rustls::client::TlsStream<Tap<S>>;

/// A handshake that succeeded.
#[derive(Debug)]
pub struct TlsConnection<S> {
    /// What follows goes through here. Shutting it down sends close_notify.
    pub stream: TlsStream<S>,
    /// What was negotiated.
    pub facts: Handshake,
    /// The certificates as presented, DER, leaf first. The server proved to own the leaf.
    pub chain: Vec<Vec<u8>>,
    /// The OCSP response that was stapled, as it came; none if none was.
    pub staple: Option<Vec<u8>>,
    /// The name that was sent in SNI, if one was.
    pub sni: Option<String>,
}

/// Algorithms, chosen explicitly: another provider in the dependency tree must not be
/// picked up by accident.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    Arc::new(CryptoProvider {
        kx_groups: vec![
            kx_group::X25519MLKEM768,
            kx_group::X25519,
            kx_group::SECP256R1,
            kx_group::SECP384R1,
            // Only for servers that take nothing of the above.
            kx_group::SECP256R1MLKEM768,
            kx_group::MLKEM768,
            kx_group::MLKEM1024,
        ],
        ..aws_lc_rs::default_provider()
    })
});

/// Whether the handshake offers this group (IANA code).
pub fn offers_group(code: u16) -> bool {
    PROVIDER.kx_groups.iter().any(|group| u16::from(group.name()) == code)
}

/// The kinds of certificate that mail servers hold side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateKind {
    /// RSA.
    Rsa,
    /// ECDSA or EdDSA.
    Ecdsa,
}

/// Makes a complete handshake by `deadline`, without resumption and without ALPN, and
/// with SNI if `server_name` is a DNS name.
///
/// # Errors
/// Says what ended the handshake. A chain is accepted whatever it is, but a wrong
/// handshake signature is an error.
pub async fn handshake<S>(
    stream: S,
    server_name: Option<&str>,
    deadline: Instant,
) -> Result<TlsConnection<S>, TlsFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    handshake_for(stream, server_name, None, deadline).await
}

/// Like [`handshake`], but offers only signature schemes for certificates of the kind
/// `wanted`, if one is given.
///
/// # Errors
/// As [`handshake`]; a server without such a certificate sends an alert.
pub async fn handshake_for<S>(
    stream: S,
    server_name: Option<&str>,
    wanted: Option<CertificateKind>,
    deadline: Instant,
) -> Result<TlsConnection<S>, TlsFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let verifier = Arc::new(RecordingVerifier::new(PROVIDER.signature_verification_algorithms, wanted));
    let client_auth = Arc::new(NoClientCertificate::default());
    let (name, sni) = sni(server_name);
    let (tap, seen) = Tap::new(stream);
    let started = Instant::now();
    let failed = |kind: TlsFailureKind| {
        let first = snapshot(&seen).first;
        TlsFailure {
            kind,
            server_hello: failure::server_hello(&first),
            chain: verifier.presented().chain,
            milliseconds: milliseconds(started),
        }
    };
    let config = config(&verifier, &client_auth, sni.is_some())
        .map_err(|error| failed(TlsFailureKind::Internal { detail: error.to_string() }))?;
    let connect = TlsConnector::from(Arc::new(config)).connect(name, tap);
    let stream = match timeout_at(deadline, connect).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            let kind = match failure::from_io(&error, &snapshot(&seen)) {
                TlsFailureKind::AlertReceived { alert } if client_auth.was_asked() => {
                    TlsFailureKind::ClientCertificate { alert }
                }
                other => other,
            };
            return Err(failed(kind));
        }
        Err(_) => return Err(failed(timed_out(started, &snapshot(&seen)))),
    };
    let presented = verifier.presented();
    let facts = facts(stream.get_ref().1, &presented, client_auth.was_asked(), milliseconds(started));
    match facts {
        Some(facts) => {
            let Presented { chain, staple, .. } = presented;
            Ok(TlsConnection { stream, facts, chain, staple, sni })
        }
        None => Err(failed(TlsFailureKind::Internal {
            detail: "the TLS library does not tell what was negotiated".into(),
        })),
    }
}

fn config(
    verifier: &Arc<RecordingVerifier>,
    client_auth: &Arc<NoClientCertificate>,
    with_sni: bool,
) -> Result<ClientConfig, rustls::Error> {
    let verifier: Arc<RecordingVerifier> = Arc::clone(verifier);
    let client_auth: Arc<NoClientCertificate> = Arc::clone(client_auth);
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(client_auth);
    config.enable_sni = with_sni;
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The name for the library, and the name that goes out in SNI. An address must not be
/// sent there (RFC 6066 section 3); where nothing is sent the library still wants a name.
fn sni(server_name: Option<&str>) -> (ServerName<'static>, Option<String>) {
    let name = server_name.map(|name| name.trim_end_matches('.').to_owned());
    match name.as_deref().map(|name| ServerName::try_from(name.to_owned())) {
        Some(Ok(dns @ ServerName::DnsName(_))) => (dns, name),
        _ => (ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), None),
    }
}

fn facts(
    connection: &ClientConnection,
    presented: &Presented,
    client_certificate_requested: bool,
    milliseconds: u32,
) -> Option<Handshake> {
    let version = TlsVersion::from_code(u16::from(connection.protocol_version()?))?;
    let suite = suites::suite(u32::from(u16::from(connection.negotiated_cipher_suite()?.suite())));
    let group =
        connection.negotiated_key_exchange_group().map(|group| groups::named(u16::from(group.name())));
    Some(Handshake {
        version,
        suite,
        group,
        hello_retry: connection.handshake_kind() == Some(HandshakeKind::FullWithHelloRetryRequest),
        signature_scheme: presented.scheme.map(|code| scheme::label(u16::from(code))),
        ocsp_stapled: presented.staple.is_some(),
        client_certificate_requested,
        milliseconds,
    })
}

fn timed_out(started: Instant, seen: &Seen) -> TlsFailureKind {
    if failure::is_not_tls(&seen.first) {
        TlsFailureKind::NotTls { first: seen.first.clone() }
    } else {
        TlsFailureKind::Timeout { after: started.elapsed(), received: seen.received }
    }
}

fn snapshot(seen: &Mutex<Seen>) -> Seen {
    seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn milliseconds(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
