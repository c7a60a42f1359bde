//! Certificates and keys of a server, from files.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    InconsistentKeys, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
};
use waxseal_wire::x509;

use super::ServerTlsFiles;

/// No file of certificates or keys is larger.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Why there is no TLS. Names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServerTlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// In the words of the system.
        source: io::Error,
    },
    /// A file is too large to be what it should be.
    #[error("{path} has more than {} MB: it holds no certificate or key", MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// No certificate is in it.
    #[error("{path} holds no certificate: it needs a block -----BEGIN CERTIFICATE-----, ours first")]
    NoCertificate {
        /// Which.
        path: PathBuf,
    },
    /// A certificate in it is damaged.
    #[error("{path}: certificate {number} cannot be read: {detail}")]
    BadCertificate {
        /// Which file.
        path: PathBuf,
        /// Which certificate, from 1.
        number: usize,
        /// What is wrong.
        detail: String,
    },
    /// No key is in it.
    #[error("{path} holds no private key: it needs a block -----BEGIN PRIVATE KEY-----")]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The key wants a passphrase.
    #[error(
        "the key in {path} is encrypted: decrypt it (openssl pkey -in FILE -out FILE), and let only the relay read it"
    )]
    EncryptedKey {
        /// Which.
        path: PathBuf,
    },
    /// The key is damaged, or of a kind that TLS cannot use.
    #[error("the key in {path} cannot be used: {detail}")]
    BadKey {
        /// Which.
        path: PathBuf,
        /// In the words of the TLS library.
        detail: String,
    },
    /// The key belongs to another certificate.
    #[error("the key in {key} does not belong to the first certificate in {certificate}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
    },
    /// The authorities for clients cannot be used.
    #[error("{path}: no certificate in it can be an authority for clients: {detail}")]
    BadAuthority {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The TLS library itself.
    #[error("TLS could not be set up: {detail}")]
    Library {
        /// In its words.
        detail: String,
    },
}

impl ServerTlsError {
    pub(super) fn library(error: &rustls::Error) -> Self {
        Self::Library { detail: error.to_string() }
    }
}

/// Our certificate with its key, and when it expires.
pub(super) fn certified_key(
    files: &ServerTlsFiles,
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, i64), ServerTlsError> {
    let chain = certificates(&files.certificate)?;
    let bad = |detail| ServerTlsError::BadCertificate { path: files.certificate.clone(), number: 1, detail };
    let leaf =
        chain.first().ok_or_else(|| ServerTlsError::NoCertificate { path: files.certificate.clone() })?;
    let expires = x509::facts(leaf).map_err(|error| bad(error.to_string()))?.not_after;
    let path = || files.key.clone();
    let pem = read(&files.key)?;
    let key = match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(key) => key,
        Err(_)
            if contains(&pem, b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
                || contains(&pem, b"Proc-Type: 4,ENCRYPTED") =>
        {
            return Err(ServerTlsError::EncryptedKey { path: path() });
        }
        Err(_) => return Err(ServerTlsError::NoKey { path: path() }),
    };
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| ServerTlsError::BadKey { path: path(), detail: error.to_string() })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Keys whose public half the library does not tell are taken on trust.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok((certified, expires)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(ServerTlsError::Mismatch { certificate: files.certificate.clone(), key: path() })
        }
        Err(error) => Err(bad(error.to_string())),
    }
}

/// Judges certificates of clients by the authorities in a file.
pub(super) fn client_verifier(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ServerTlsError> {
    let bad = |detail: String| ServerTlsError::BadAuthority { path: path.to_owned(), detail };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| bad(error.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerTlsError> {
    let pem = read(path)?;
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        found.push(certificate.map_err(|error| ServerTlsError::BadCertificate {
            path: path.to_owned(),
            number: found.len() + 1,
            detail: error.to_string(),
        })?);
    }
    if found.is_empty() {
        return Err(ServerTlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, ServerTlsError> {
    let unreadable = |source| ServerTlsError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ServerTlsError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
