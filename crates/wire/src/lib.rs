//! Bytes to values and back, without a socket in sight.
//!
//! Parts, in the order in which a scan meets them:
//!
//! - [`target`]: what the user typed, to a domain, a host or an address.
//! - [`text`]: bytes from strangers, made safe to print.
//! - [`smtp`]: replies, EHLO, what a service is and which software it runs.
//! - [`tls`]: hellos, records and the server's first flight, suites and groups.
//! - [`x509`]: certificates, the path to a root, names, signatures.
//!
//! This crate must not open sockets or files, read the environment, a clock or a source
//! of randomness: whatever it needs is handed in. It has no opinion: a certificate of
//! 1024 bits is a fact here, and a finding elsewhere.
//!
//! Everything that comes from a peer is hostile until proven otherwise: every parser is
//! bounded in time and memory, and returns an error where it cannot go on.

pub mod smtp;
pub mod target;
pub mod text;
pub mod tls;
pub mod x509;
