//! The certificates that are trusted.

use std::collections::HashMap;

use rustls_pki_types::{CertificateDer, pem::PemObject};
use thiserror::Error;

use super::{dn::CanonicalName, parsed::Parsed};

/// Certificates that end a path. Every certificate of the store is a trust anchor, self-
/// signed or not, since someone put it there (`openssl verify -partial_chain`).
#[derive(Debug, Clone)]
pub struct RootStore {
    label: String,
    ders: Vec<Vec<u8>>,
    by_subject: HashMap<CanonicalName, Vec<usize>>,
    skipped: usize,
}

/// Why a file of roots is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RootsError {
    /// It contains no certificate that can be read.
    #[error("{label} contains no certificate: give a PEM file with \"-----BEGIN CERTIFICATE-----\" blocks")]
    NoCertificate {
        /// What the caller named it.
        label: String,
    },
    /// It is not PEM.
    #[error("{label} is no valid PEM file: {what}")]
    Pem {
        /// What the caller named it.
        label: String,
        /// Where it goes wrong.
        what: String,
    },
}

impl RootStore {
    /// A store of the certificates in a PEM file. `label` names it in reports:
    /// `file lab-ca.pem`.
    ///
    /// # Errors
    /// The text is not PEM, or without a readable certificate.
    pub fn from_pem(label: impl Into<String>, pem: &[u8]) -> Result<Self, RootsError> {
        let label = label.into();
        let ders: Result<Vec<Vec<u8>>, _> =
            CertificateDer::pem_slice_iter(pem).map(|found| found.map(|der| der.to_vec())).collect();
        let ders = ders.map_err(|error| RootsError::Pem { label: label.clone(), what: error.to_string() })?;
        let store = Self::from_ders(label, ders);
        if store.is_empty() {
            return Err(RootsError::NoCertificate { label: store.label });
        }
        Ok(store)
    }

    /// A store of certificates in DER. Those that cannot be read are left out and counted
    /// by [`RootStore::skipped`]; duplicates are stored once.
    pub fn from_ders(label: impl Into<String>, ders: Vec<Vec<u8>>) -> Self {
        let mut store =
            Self { label: label.into(), ders: Vec::new(), by_subject: HashMap::new(), skipped: 0 };
        for der in ders {
            match Parsed::new(&der).map(|parsed| parsed.subject) {
                Ok(subject) => store.insert(subject, der),
                Err(_) => store.skipped += 1,
            }
        }
        store
    }

    fn insert(&mut self, subject: CanonicalName, der: Vec<u8>) {
        let same_name = self.by_subject.entry(subject).or_default();
        if same_name.iter().all(|at| self.ders.get(*at) != Some(&der)) {
            same_name.push(self.ders.len());
            self.ders.push(der);
        }
    }

    /// What the store is called in reports.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Number of certificates.
    pub fn len(&self) -> usize {
        self.ders.len()
    }

    /// True without any certificate: no path can be found then.
    pub fn is_empty(&self) -> bool {
        self.ders.is_empty()
    }

    /// Number of certificates that could not be read and were left out.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The certificates, in DER.
    pub fn ders(&self) -> impl Iterator<Item = &[u8]> {
        self.ders.iter().map(Vec::as_slice)
    }

    /// Label and number, as reports print it: `system (142 roots)`.
    pub fn describe(&self) -> String {
        let noun = if self.len() == 1 { "root" } else { "roots" };
        format!("{} ({} {noun})", self.label, self.len())
    }

    /// The certificates of a subject.
    pub(super) fn of_subject(&self, subject: &CanonicalName) -> impl Iterator<Item = &[u8]> {
        let found = self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        found.iter().filter_map(|at| self.ders.get(*at)).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn pem() -> String {
        let params = CertificateParams::new(vec!["ca.example.com".to_owned()]).unwrap();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn a_bundle_is_read_and_doubles_count_once() {
        let (one, two) = (pem(), pem());
        let text = format!("# a remark\n{one}{two}{one}");
        let store = RootStore::from_pem("file ca.pem", text.as_bytes()).unwrap();
        assert_eq!((store.len(), store.skipped(), store.ders().count()), (2, 0, 2));
        assert_eq!(store.describe(), "file ca.pem (2 roots)");
    }

    #[test]
    fn unreadable_certificates_are_counted() {
        let store = RootStore::from_ders("system", vec![b"no certificate".to_vec()]);
        assert_eq!((store.len(), store.skipped(), store.is_empty()), (0, 1, true));
    }

    #[test]
    fn files_without_certificates_say_what_to_give() {
        let error = RootStore::from_pem("file key.pem", b"hello").unwrap_err();
        assert_eq!(error, RootsError::NoCertificate { label: "file key.pem".into() });
        let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        let error = RootStore::from_pem("file ca.pem", broken.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("file ca.pem is no valid PEM file: "), "{error}");
    }
}
