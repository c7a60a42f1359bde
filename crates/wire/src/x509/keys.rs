//! Public keys by themselves, as TLSA records name them.

use rustls_pki_types::{
    CertificateDer, CertificateSigningRequestDer, PrivateKeyDer, SubjectPublicKeyInfoDer, pem::PemObject,
};
use thiserror::Error;
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

use super::{parsed::Parsed, signature::SignatureError};

/// Why a file gives no public key: one sentence with what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// A private key, which stays where it is.
    #[error(
        "it holds a private key: give the certificate, or the public key (openssl pkey -in key.pem -pubout)"
    )]
    PrivateKey,
    /// A certificate request.
    #[error(
        "it holds a certificate request: give the certificate, or the public key (openssl req -in request.pem \
         -noout -pubkey)"
    )]
    Request,
    /// Neither PEM nor DER of the right kind.
    #[error("it is no certificate and no public key, neither in PEM nor in DER")]
    Unreadable,
}

/// The SubjectPublicKeyInfo of a certificate, in DER as it stands there; none if the
/// certificate cannot be read.
pub(crate) fn spki_of(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(Parsed::new(certificate).ok()?.certificate.subject_pki.raw.to_vec())
}

/// True if the bytes are one SubjectPublicKeyInfo and nothing else.
pub(crate) fn is_spki(der: &[u8]) -> bool {
    SubjectPublicKeyInfo::from_der(der).is_ok_and(|(rest, _)| rest.is_empty())
}

/// Verifies the signature of a certificate with a public key that belongs to no certificate.
pub(crate) fn verify_with_key(certificate: &[u8], spki: &[u8]) -> Result<(), SignatureError> {
    let (_, key) = SubjectPublicKeyInfo::from_der(spki).map_err(|_| SignatureError::BadKey)?;
    Parsed::new(certificate).map_err(|_| SignatureError::BadKey)?.verify_with(&key)
}

/// The SubjectPublicKeyInfo in a file: of its first certificate or public key in PEM, or of the
/// one certificate or public key in DER.
///
/// # Errors
/// The file holds neither; the error says what to give instead.
pub(crate) fn spki_in_file(bytes: &[u8]) -> Result<Vec<u8>, KeyFileError> {
    if is_spki(bytes) {
        return Ok(bytes.to_vec());
    }
    if let Some(spki) = spki_of(bytes) {
        return Ok(spki);
    }
    let certificate = CertificateDer::pem_slice_iter(bytes).find_map(Result::ok);
    if let Some(spki) = certificate.and_then(|der| spki_of(&der)) {
        return Ok(spki);
    }
    let key = SubjectPublicKeyInfoDer::pem_slice_iter(bytes).find_map(Result::ok);
    if let Some(key) = key.filter(|key| is_spki(key)) {
        return Ok(key.to_vec());
    }
    if PrivateKeyDer::pem_slice_iter(bytes).any(|found| found.is_ok()) {
        return Err(KeyFileError::PrivateKey);
    }
    if CertificateSigningRequestDer::pem_slice_iter(bytes).any(|found| found.is_ok()) {
        return Err(KeyFileError::Request);
    }
    Err(KeyFileError::Unreadable)
}
