//! Delivery: conversations with MX hosts, and when to hold them.
//!
//! - [`job`]: what is to be delivered, and what an attempt came to.
//! - [`notices`]: what its sender is to be told, and when.
//! - [`outcome`]: delivered, deferred or failed: decided there and nowhere else.

pub mod job;
pub mod notices;
pub mod outcome;
