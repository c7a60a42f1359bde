//! TLS as far as it is in clear: the ClientHello that asks, and the server's answer.
//!
//! - [`suites`], [`groups`], [`scheme`], [`dh`], [`alert`]: what the codes on the wire mean.
//! - [`hello`]: a ClientHello made to measure; [`ssl2`]: that of SSLv2.
//! - [`flight`]: the server's first flight, read as it arrives.
//!
//! None of these encrypts, decrypts or verifies; the random bytes of a hello are handed in.
//! [`private`] goes on where they end: a client that completes handshakes, for probing
//! alone.

mod bytes;

pub mod alert;
pub mod dh;
pub mod flight;
pub mod groups;
pub mod hello;
pub mod private;
pub mod scheme;
pub mod ssl2;
pub mod suites;
