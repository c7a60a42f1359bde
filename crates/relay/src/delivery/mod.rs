//! Delivery: conversations with MX hosts, and when to hold them.
//!
//! - [`job`]: what is to be delivered, and what an attempt came to.
//! - [`attempt`]: hosts in their order, until every recipient has an answer.
//! - [`conversation`]: what is said to one host; `pool` keeps conversations for the next
//!   message, `probe` holds one without a message.
//! - [`notices`]: what its sender is to be told, and when.
//! - [`outcome`]: delivered, deferred or failed: decided there and nowhere else.
//! - [`reason`]: why, as tokens.

pub mod attempt;
pub mod conversation;
pub mod job;
pub mod notices;
pub mod outcome;
mod pool;
mod probe;
pub mod reason;
