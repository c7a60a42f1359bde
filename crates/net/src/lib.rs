//! waxseal's way to the network: names with DNSSEC, connections, pacing, SMTP sessions
//! and TLS.
//!
//! The parts, in the order in which a connection meets them:
//! * [`resolver`]: names, validated by us from a trust anchor;
//! * [`pacing`]: when the next connection to an address may be made;
//! * [`egress`]: the only place where outgoing TCP connections are opened, except those to
//!   the name servers that the user or the system chose;
//! * [`connection`]: a TCP connection, made quick;
//! * [`listen`]: addresses on which clients are awaited;
//! * [`session`]: SMTP replies and commands, bounded in time and bytes;
//! * [`transcript`]: what was said, line by line, with times;
//! * [`tls`]: a real handshake by the TLS library that also delivers mail, and with
//!   [`tls::server`] takes it;
//! * [`exchange`]: a hand-made hello and the answer to it;
//! * [`attempt`]: what goes on from there: handshakes in any version, and attacks that do no
//!   harm;
//! * [`https`]: one file by HTTPS, as MTA-STS asks for it;
//! * [`sts`]: the policy file of MTA-STS;
//! * [`tlsa`]: below which names TLSA records lie;
//! * [`http`]: plain HTTP, for OCSP and revocation lists;
//! * [`memory`]: what is remembered of all that, within bounds;
//! * [`roots`]: the root certificates of the system or of a file;
//! * [`error`]: what went wrong, and who erred.
//!
//! This crate moves bytes and keeps time. It must not decide what to ask a server (the
//! probes do), nor whether an answer is good or bad (the judge does), and it never prints.

pub mod attempt;
pub mod connection;
pub mod egress;
pub mod error;
pub mod exchange;
pub mod http;
pub mod https;
pub mod listen;
pub mod memory;
pub mod pacing;
pub mod resolver;
pub mod roots;
pub mod session;
pub mod sts;
pub mod tls;
pub mod tlsa;
pub mod transcript;

pub use error::NetError;
