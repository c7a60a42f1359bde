//! Certificates: what they say, whether a path leads to a root, whose name they bear.
//!
//! Parts: [`facts()`] reads one certificate, [`path()`] looks for a path from a presented
//! chain to a [`RootStore`], [`matches_host`] compares names, [`verify_signature`] checks
//! the signature of a TLS handshake.
//!
//! A scanner must be able to say what is wrong with a certificate that a client refuses,
//! so X.509 v1, RSA of 512 bits and MD5 are read and verified here. Nothing in this
//! module makes such a certificate acceptable: outcomes are facts, and checks judge them.

mod algorithms;
mod constraints;
mod der;
mod dn;
mod facts;
mod keys;
mod names;
mod parsed;
mod path;
mod roots;
mod rsa;
mod signature;

pub use facts::{MAX_CERTIFICATE, X509Error, der_of, facts, sha256_hex};
pub use keys::KeyFileError;
pub(crate) use keys::{is_spki, spki_in_file, spki_of, verify_with_key};
pub use names::{NameMatch, matches_host};
pub use path::path;
pub use roots::{RootStore, RootsError};
pub use rsa::rsa_key_bits;
pub(crate) use rsa::rsa_key_of;
pub use signature::{SignatureError, verify_signature};
