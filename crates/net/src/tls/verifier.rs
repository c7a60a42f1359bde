//! What the TLS library asks of its user, answered for observation: every chain is taken
//! and noted, a signature is checked, a client certificate is never given.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use rustls::{
    DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use waxseal_wire::{
    tls::scheme::{KeyKind, key_kind},
    x509::{SignatureError, verify_signature},
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::CertificateKind;

/// What the server presented.
#[derive(Debug, Default, Clone)]
pub(crate) struct Presented {
    /// DER, leaf first, in the order sent.
    pub(crate) chain: Vec<Vec<u8>>,
    /// The OCSP response that was stapled, if one was.
    pub(crate) staple: Option<Vec<u8>>,
    /// The scheme of the handshake signature.
    pub(crate) scheme: Option<SignatureScheme>,
}

/// Accepts every certificate and notes it; whether it is any good is judged elsewhere.
/// The handshake signature must be right all the same: without it the chain would prove
/// nothing about the server.
#[derive(Debug)]
pub(crate) struct RecordingVerifier {
    algorithms: WebPkiSupportedAlgorithms,
    wanted: Option<CertificateKind>,
    presented: Mutex<Presented>,
}

impl RecordingVerifier {
    /// Offers the schemes of certificates of the kind `wanted`, or all.
    pub(crate) fn new(algorithms: WebPkiSupportedAlgorithms, wanted: Option<CertificateKind>) -> Self {
        Self { algorithms, wanted, presented: Mutex::default() }
    }

    pub(crate) fn presented(&self) -> Presented {
        self.presented.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_scheme(&self, dss: &DigitallySignedStruct) {
        self.presented.lock().unwrap_or_else(PoisonError::into_inner).scheme = Some(dss.scheme);
    }
}

/// Our own verdict on a handshake signature, where the library does not read the
/// certificate (X.509 v1) or declines the key or the digest (RSA under 2048 bits, SHA-1).
fn verify(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    public_key(cert)
        .ok_or(SignatureError::BadKey)
        .and_then(|key| verify_signature(key, u16::from(dss.scheme), message, dss.signature()))
        .map(|()| HandshakeSignatureValid::assertion())
        .map_err(|error| Error::Other(OtherError(Arc::new(error))))
}

/// The verdict on the signature of a TLS 1.2 handshake: the library's, else ours.
pub(super) fn signature12(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls12_signature(message, cert, dss, algorithms).or_else(|_| verify(message, cert, dss))
}

/// The same for TLS 1.3.
pub(super) fn signature13(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    match verify_tls13_signature(message, cert, dss, algorithms) {
        // A scheme that TLS 1.3 does not allow.
        Err(error @ Error::PeerMisbehaved(_)) => Err(error),
        result => result.or_else(|_| verify(message, cert, dss)),
    }
}

/// The SubjectPublicKeyInfo of a certificate of any version.
fn public_key<'a>(cert: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    let (_, cert) = X509Certificate::from_der(cert).ok()?;
    Some(cert.tbs_certificate.subject_pki.raw)
}

/// Whether a scheme may stand in a hello that wants certificates of one kind. PKCS #1
/// stands in both: TLS 1.3 does not sign handshakes with it, but ECDSA certificates are
/// often issued by RSA authorities, and some servers send only chains whose signatures
/// are all on offer (RFC 8446 section 4.2.3).
fn fits(scheme: u16, wanted: CertificateKind) -> bool {
    let is_pkcs1 = matches!(scheme, 0x0201 | 0x0401 | 0x0501 | 0x0601);
    match key_kind(scheme) {
        KeyKind::Rsa | KeyKind::RsaPss => is_pkcs1 || wanted == CertificateKind::Rsa,
        KeyKind::Ecdsa | KeyKind::EdDsa => wanted == CertificateKind::Ecdsa,
        KeyKind::Dsa | KeyKind::MlDsa | KeyKind::Other => false,
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut presented = self.presented.lock().unwrap_or_else(PoisonError::into_inner);
        presented.chain = std::iter::once(end_entity).chain(intermediates).map(|c| c.to_vec()).collect();
        presented.staple = (!ocsp_response.is_empty()).then(|| ocsp_response.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note_scheme(dss);
        signature12(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note_scheme(dss);
        signature13(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.algorithms.supported_schemes();
        // Last, for servers with TLS 1.2 that can do no better; TLS 1.3 excludes both.
        schemes.extend([SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy]);
        if let Some(wanted) = self.wanted {
            schemes.retain(|scheme| fits(u16::from(*scheme), wanted));
        }
        schemes
    }
}

/// Notes that a client certificate was asked for, and gives none.
#[derive(Debug, Default)]
pub(crate) struct NoClientCertificate {
    asked: AtomicBool,
}

impl NoClientCertificate {
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for NoClientCertificate {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
