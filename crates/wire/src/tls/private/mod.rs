//! A TLS client for probing alone: it speaks what no library speaks any more, from SSLv3
//! to TLS 1.3, and can be stopped at any step. Mail is never delivered with it.
//!
//! Parts, in the order in which a handshake meets them:
//!
//! - `entropy`: random bytes out of a seed that the caller hands in.
//! - `hash`, `prf`: how secrets become keys, in every version.
//! - `suite`: which suites can be completed.
//! - `record`, `protect`: records, cut out of the stream and decrypted.
//! - `exchange`: the client's part of the key exchange.
//! - `client`: from the hello to a `session`; `old` up to TLS 1.2, `new` TLS 1.3.
//! - [`robot`], [`heartbeat`], [`early_ccs`]: the bytes of attacks, and what answers to them
//!   mean.
//!
//! Bytes go in and bytes come out; sockets and time are the caller's. The server's
//! signatures are not verified here, and nothing that is sent is worth protecting: the
//! primitives that are old (RC4, DES, RSA of 512 bits) need not run in constant time.

mod client;
pub mod early_ccs;
mod entropy;
mod exchange;
mod fault;
mod hash;
pub mod heartbeat;
mod new;
mod old;
mod prf;
mod protect;
mod record;
mod reply;
pub mod robot;
mod session;
mod suite;

pub use client::{Client, Handshake, Resumption, Step};
pub use entropy::Entropy;
pub use exchange::{GROUPS, KeyPair};
pub use fault::Fault;
pub use record::{NoRecord, Record, RecordReader, kind, plain};
pub use reply::Reply;
pub use session::{CertificateEntry, Established, Message, Session, Ticket};
pub use suite::is_supported;
