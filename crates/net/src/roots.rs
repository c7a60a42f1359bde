//! Root certificates: the system's, or those of a file.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use waxseal_model::{Cause, Why};
use waxseal_wire::x509::{self, RootStore};

/// No file of root certificates is larger; the bundles of systems have about 250 KB.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Why there are no roots to build paths to.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The system has no root certificates where its OpenSSL would look for them.
    #[error(
        "this system has no root certificates{}: install its package of CA certificates (ca-certificates), \
         or name a file with --ca-file",
        in_brackets(.detail)
    )]
    NoSystemRoots {
        /// The loader's words, if it met an error.
        detail: String,
    },
    /// The file cannot be read.
    #[error("the CA file {path} cannot be read: {source}")]
    Unreadable {
        /// The file as named.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is too large to be a list of certificates.
    #[error("the CA file {path} has more than {} MB: it is not a list of certificates", MAX_FILE_BYTES / 1_048_576)]
    TooLarge {
        /// The file as named.
        path: PathBuf,
    },
    /// The file holds no certificate that can be a root.
    #[error("the CA file {path} cannot be used: {source}")]
    NoCertificate {
        /// The file as named.
        path: PathBuf,
        /// What is wrong with what it contains.
        source: x509::RootsError,
    },
}

impl RootsError {
    /// The reason in the words of evidence.
    pub fn why(&self) -> Why {
        Why::new(Cause::Internal, self.to_string())
    }
}

fn in_brackets(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}

/// The roots that this system trusts: those of SSL_CERT_FILE and SSL_CERT_DIR where set,
/// else of the place where the system keeps them. Reads files: takes some milliseconds.
///
/// # Errors
/// There are none.
pub fn system() -> Result<RootStore, RootsError> {
    let loaded = rustls_native_certs::load_native_certs();
    let ders: Vec<_> = loaded.certs.into_iter().map(|cert| cert.to_vec()).collect();
    let store = RootStore::from_ders("system", ders);
    if store.is_empty() {
        let detail = loaded.errors.first().map(ToString::to_string).unwrap_or_default();
        return Err(RootsError::NoSystemRoots { detail });
    }
    Ok(store)
}

/// The roots of a PEM file, which take the place of the system's.
///
/// # Errors
/// The file cannot be read, or no certificate is in it.
pub fn from_file(path: &Path) -> Result<RootStore, RootsError> {
    let unreadable = |source| RootsError::Unreadable { path: path.to_owned(), source };
    let mut pem = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut pem).map_err(unreadable)?;
    if pem.len() as u64 > MAX_FILE_BYTES {
        return Err(RootsError::TooLarge { path: path.to_owned() });
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    RootStore::from_pem(format!("file {name}"), &pem)
        .map_err(|source| RootsError::NoCertificate { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file(name: &str, content: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("waxseal-roots-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn a_file_with_a_certificate_is_a_store_named_after_it() {
        let made = rcgen::generate_simple_self_signed(vec!["ca.example".to_owned()]).unwrap();
        let path = file("ca.pem", made.cert.pem().as_bytes());
        let store = from_file(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(store.len(), 1);
        assert!(store.label().starts_with("file waxseal-roots-"), "{}", store.label());
    }

    #[test]
    fn each_reason_for_having_no_roots_names_the_file_and_what_is_wrong() {
        let missing = from_file(Path::new("/nonexistent/ca.pem")).unwrap_err();
        assert!(matches!(missing, RootsError::Unreadable { .. }));
        assert!(missing.to_string().contains("/nonexistent/ca.pem cannot be read"), "{missing}");

        for (name, content) in [
            ("empty", &b""[..]),
            ("text", b"not PEM"),
            ("key", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"),
        ] {
            let path = file(name, content);
            let error = from_file(&path).unwrap_err();
            fs::remove_file(&path).unwrap();
            assert!(matches!(error, RootsError::NoCertificate { .. }), "{name}: {error}");
            assert!(error.to_string().contains("BEGIN CERTIFICATE"), "{error}");
        }
        let directory = from_file(&std::env::temp_dir()).unwrap_err();
        assert!(matches!(directory, RootsError::Unreadable { .. }), "{directory}");
    }
}
