//! From a domain to a route: names, DANE, MTA-STS and the rules of the operator.
//!
//! - [`observation`]: what a server presented, by the standards of a hop.
//! - [`rules`]: what the operator demands, and where mail is handed on.
//! - [`words`]: a requirement and where it comes from, for logs and queues.

pub mod observation;
pub mod rules;
pub mod words;

#[cfg(test)]
pub(crate) mod testing;
