//! The lab's DNS: a private tree from its own root, signed at start, and the server
//! that answers for all of it.
//!
//! - [`spec`]: what a zone holds and how it is signed, or mis-signed.
//! - [`sign`]: zone-file text to signed records, and DS records into the parent.
//! - [`zone`]: finding record sets, and the proofs that something is not there.
//! - [`answer`]: one query to one answer, as a recursive resolver would give it.
//! - [`server`]: UDP and TCP.

pub(crate) mod answer;
pub(crate) mod server;
mod sign;
pub(crate) mod spec;
pub(crate) mod tree;
mod zone;

#[cfg(test)]
mod tests;
