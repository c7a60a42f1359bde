//! Certificates: what they say, whether a path leads to a root, whose name they bear.
//!
//! Parts: [`facts()`] reads one certificate, [`path()`] looks for a path from a presented
//! chain to a [`RootStore`], [`matches_host`] compares names, [`verify_signature`] checks
//! the signature of a TLS handshake. [`ocsp_facts`], [`crl_facts`] and [`sct_list`] read what
//! others say about a certificate; [`WeakKeys`] are keys that everybody can have.
//!
//! A scanner must be able to say what is wrong with a certificate that a client refuses,
//! so X.509 v1, RSA of 512 bits and MD5 are read and verified here. Nothing in this
//! module makes such a certificate acceptable: outcomes are facts, and checks judge them.

mod algorithms;
mod constraints;
mod crl;
mod der;
mod dn;
mod extensions;
mod facts;
mod keys;
mod modulus;
mod names;
mod ocsp;
mod parsed;
mod path;
mod roots;
mod rsa;
mod sct;
mod signature;
mod signed;
mod weak_keys;

pub use crl::{CrlError, MAX_CRL, crl_facts};
pub use facts::{MAX_CERTIFICATE, X509Error, der_of, facts, sha256_hex};
pub use keys::KeyFileError;
pub(crate) use keys::{is_spki, spki_in_file, spki_of, verify_with_key};
pub use modulus::share_a_prime;
pub use names::{NameMatch, matches_host};
pub use ocsp::{MAX_OCSP, OcspError, ocsp_facts, ocsp_request};
pub use path::{issuer_of, path};
pub use roots::{RootStore, RootsError};
pub use rsa::rsa_key_bits;
pub(crate) use rsa::rsa_key_of;
pub use sct::{SctError, sct_list};
pub use signature::{SignatureError, verify_signature};
pub use weak_keys::{WeakKeys, WeakKeysError};
