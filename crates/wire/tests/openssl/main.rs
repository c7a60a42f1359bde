//! Certificates, paths and signatures against OpenSSL's command line, with rustls-webpki
//! as a second opinion on paths.
//!
//! OpenSSL makes the certificates that no modern library will (X.509 v1, RSA-512, MD5),
//! and says what it thinks of them. Without the command the tests say so and pass.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do, and skipping must be seen"
)]

mod facts;
mod paths;
mod pki;
mod revocation;
mod signatures;
