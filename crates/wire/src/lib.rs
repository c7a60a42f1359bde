//! Bytes to values and back, without a socket in sight.
//!
//! Parts, in the order in which a scan meets them:
//!
//! - [`target`]: what the user typed, to a domain, a host or an address.
//! - [`text`]: bytes from strangers, made safe to print.
//! - [`smtp`]: replies, EHLO, what a service is and which software it runs; commands and
//!   mail data as a server reads them.
//! - [`sasl`]: logins as a server sees them, and the file of passwords.
//! - [`tls`]: hellos, records and the server's first flight, suites and groups.
//! - [`x509`]: certificates, the path to a root, names, signatures.
//! - [`sts`], [`tlsrpt`], [`dane`]: the records and files in which a domain publishes how
//!   mail to it is protected; [`reading`] is what their parsers return.
//! - [`lint`]: the same texts in the forms in which people keep them.
//! - [`query`]: what evaluations ask the name service, and the answers they are given.
//! - [`spf`], [`dkim`], [`dmarc`]: who may send as a domain.
//! - [`message`]: who a message says it is from.
//! - [`caa`]: who may issue certificates.
//! - [`compose`]: messages written; [`dsn`]: notices to senders.
//!
//! This crate must not open sockets or files, read the environment, a clock or a source
//! of randomness: whatever it needs is handed in. It has no opinion: a certificate of
//! 1024 bits is a fact here, and a finding elsewhere.
//!
//! Everything that comes from a peer is hostile until proven otherwise: every parser is
//! bounded in time and memory, and returns an error where it cannot go on.

pub mod caa;
pub mod compose;
pub mod dane;
pub mod dkim;
pub mod dmarc;
pub mod dsn;
mod fields;
pub mod lint;
pub mod message;
pub mod query;
pub mod reading;
pub mod sasl;
pub mod smtp;
pub mod spf;
pub mod sts;
mod tags;
pub mod target;
pub mod text;
pub mod tls;
pub mod tlsrpt;
pub mod x509;
mod zone;
