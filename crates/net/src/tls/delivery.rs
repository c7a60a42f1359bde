//! TLS for connections that carry mail: sessions are resumed, each kind of requirement for
//! itself, and the library's own verifier has a say about certificates.
//!
//! What is offered is what the handshake of a scan offers, without the signatures by SHA-1
//! that only serve to describe old servers: TLS 1.3 and 1.2, forward secrecy, a server
//! certificate in every case. A client certificate is never given. The handshake takes every
//! certificate, if only the server owns its key: a requirement may ask for no name at all,
//! or for TLSA records. Who decides gets the chain, on resumed sessions too.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, HandshakeKind,
    RootCertStore, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::WebPkiSupportedAlgorithms,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;
use waxseal_model::tls::{Group, Suite, TlsVersion};
use waxseal_wire::{
    tls::{groups, suites},
    x509::RootStore,
};

use super::{
    PROVIDER, TlsFailure, TlsFailureKind, TlsStream, failure, milliseconds, snapshot, sni,
    tap::Tap,
    timed_out,
    verifier::{signature12, signature13},
};

/// Kinds of requirement whose sessions are remembered; when there are more, those that were
/// used longest ago are forgotten.
const MOST_KEYS: usize = 2000;

/// Sessions of one kind: up to so many tickets of one host.
const SESSIONS: usize = 8;

/// Certificates above the leaf that the library's verifier is given.
const MOST_INTERMEDIATES: usize = 30;

/// The TLS client for deliveries. One for a relay: it holds the sessions to be resumed.
#[derive(Debug)]
pub struct DeliveryTls {
    kinds: Mutex<Kinds>,
}

#[derive(Debug, Default)]
struct Kinds {
    by_key: HashMap<String, Kind>,
    /// Counts uses, so that the oldest can be told.
    uses: u64,
}

#[derive(Debug)]
struct Kind {
    config: Arc<ClientConfig>,
    used: u64,
}

/// A connection in TLS.
#[derive(Debug)]
pub struct Secured<S> {
    /// What follows goes through here. Shutting it down sends close_notify.
    pub stream: TlsStream<S>,
    /// What was negotiated.
    pub facts: Negotiated,
    /// The certificates as presented, DER, leaf first, of a resumed session as they were in
    /// its first handshake. The server proved to own the leaf.
    pub chain: Vec<Vec<u8>>,
}

/// What was negotiated.
#[derive(Debug, Clone)]
pub struct Negotiated {
    /// The version, TLS 1.2 or 1.3.
    pub version: TlsVersion,
    /// The suite.
    pub suite: Suite,
    /// Key exchange group; none where the library does not tell, as in sessions of TLS 1.2
    /// that are resumed.
    pub group: Option<Group>,
    /// An earlier session was resumed.
    pub resumed: bool,
    /// Milliseconds from the ClientHello to the end of the handshake.
    pub milliseconds: u32,
}

impl Default for DeliveryTls {
    fn default() -> Self {
        Self::new()
    }
}

impl DeliveryTls {
    /// A client that remembers nothing yet.
    pub fn new() -> Self {
        Self { kinds: Mutex::default() }
    }

    /// Makes a handshake by `deadline`. `key` names host and requirement: only what was
    /// negotiated under the same key is resumed, so that a session to a server that nobody
    /// asked for its name never counts as one to a server that was. `server_name` goes into
    /// SNI if it is a DNS name.
    ///
    /// # Errors
    /// Says what ended the handshake. A chain is accepted whatever it is, but a wrong
    /// handshake signature is an error.
    pub async fn handshake<S>(
        &self,
        stream: S,
        key: &str,
        server_name: &str,
        deadline: Instant,
    ) -> Result<Secured<S>, TlsFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let started = Instant::now();
        let (tap, seen) = Tap::new(stream);
        let failed = |kind: TlsFailureKind| TlsFailure {
            kind,
            server_hello: failure::server_hello(&snapshot(&seen).first),
            chain: Vec::new(),
            milliseconds: milliseconds(started),
        };
        let internal = |detail: &str| failed(TlsFailureKind::Internal { detail: detail.to_owned() });
        let (name, sent) = sni(Some(server_name));
        let config = self.config(key, sent.is_some()).map_err(|error| internal(&error.to_string()))?;
        let stream = match timeout_at(deadline, TlsConnector::from(config).connect(name, tap)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(failed(failure::from_io(&error, &snapshot(&seen)))),
            Err(_) => return Err(failed(timed_out(started, &snapshot(&seen)))),
        };
        let connection = stream.get_ref().1;
        let facts = negotiated(connection, milliseconds(started));
        let facts = facts.ok_or_else(|| internal("the TLS library does not tell what was negotiated"))?;
        let presented = connection.peer_certificates().unwrap_or_default();
        let chain = presented.iter().map(|certificate| certificate.to_vec()).collect();
        Ok(Secured { stream, facts, chain })
    }

    /// The configuration for a key, with the sessions that may be resumed under it.
    fn config(&self, key: &str, with_sni: bool) -> Result<Arc<ClientConfig>, Error> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.uses += 1;
        let used = kinds.uses;
        if let Some(kind) = kinds.by_key.get_mut(key)
            && kind.config.enable_sni == with_sni
        {
            kind.used = used;
            return Ok(Arc::clone(&kind.config));
        }
        let verifier = Arc::new(OwnerOfKey { algorithms: PROVIDER.signature_verification_algorithms });
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.enable_sni = with_sni;
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let config = Arc::new(config);
        kinds.make_room();
        kinds.by_key.insert(key.to_owned(), Kind { config: Arc::clone(&config), used });
        Ok(config)
    }
}

impl Kinds {
    /// Forgets the older half when all places are taken.
    fn make_room(&mut self) {
        if self.by_key.len() < MOST_KEYS {
            return;
        }
        let mut used: Vec<u64> = self.by_key.values().map(|kind| kind.used).collect();
        let (_, median, _) = used.select_nth_unstable(MOST_KEYS / 2);
        let median = *median;
        self.by_key.retain(|_, kind| kind.used > median);
    }
}

fn negotiated(connection: &ClientConnection, milliseconds: u32) -> Option<Negotiated> {
    Some(Negotiated {
        version: TlsVersion::from_code(u16::from(connection.protocol_version()?))?,
        suite: suites::suite(u32::from(u16::from(connection.negotiated_cipher_suite()?.suite()))),
        group: connection.negotiated_key_exchange_group().map(|group| groups::named(u16::from(group.name()))),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        milliseconds,
    })
}

/// Takes every certificate whose key the server proves to own, and has no memory: one
/// serves many connections at a time.
#[derive(Debug)]
struct OwnerOfKey {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for OwnerOfKey {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature12(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature13(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The library's own verifier, for the second opinion that a connection with mail needs
/// beside ours (decision 0005).
#[derive(Debug)]
pub struct SecondOpinion {
    roots: RootCertStore,
}

impl SecondOpinion {
    /// A verifier that trusts the same roots, as far as the library can read them.
    pub fn new(roots: &RootStore) -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.ders().map(CertificateDer::from));
        Self { roots: store }
    }

    /// Whether the library finds a path from a chain (DER, leaf first) to the roots, valid at
    /// `now` (seconds since 1970-01-01 UTC).
    ///
    /// # Errors
    /// It finds none; the library's words.
    pub fn path(&self, chain: &[Vec<u8>], now: i64) -> Result<(), String> {
        let Some((leaf, above)) = chain.split_first() else {
            return Err("no certificate was presented".to_owned());
        };
        let leaf = CertificateDer::from(leaf.as_slice());
        let above: Vec<_> =
            above.iter().take(MOST_INTERMEDIATES).map(|der| CertificateDer::from(der.as_slice())).collect();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
        let algorithms = PROVIDER.signature_verification_algorithms.all;
        ParsedCertificate::try_from(&leaf)
            .and_then(|leaf| {
                verify_server_cert_signed_by_trust_anchor(&leaf, &self.roots, &above, now, algorithms)
            })
            .map_err(|error| words(&error))
    }

    /// Whether the library finds the first certificate of a chain to be for a DNS name.
    pub fn is_for(chain: &[Vec<u8>], name: &str) -> bool {
        let Some(leaf) = chain.first() else { return false };
        let leaf = CertificateDer::from(leaf.as_slice());
        match (ParsedCertificate::try_from(&leaf), ServerName::try_from(name)) {
            (Ok(leaf), Ok(name)) => verify_server_name(&leaf, &name).is_ok(),
            _ => false,
        }
    }
}

/// Why the library does not trust a chain, for people.
fn words(error: &Error) -> String {
    match error {
        // The library has no word of its own for it.
        Error::InvalidCertificate(CertificateError::Other(other))
            if format!("{other:?}").contains("UnsupportedCertVersion") =>
        {
            "a certificate of X.509 version 1 is not taken".to_owned()
        }
        Error::InvalidCertificate(certificate) => certificate.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
