//! Delivery: conversations with MX hosts, and when to hold them.
//!
//! - [`scheduler`]: when each recipient is tried, and how many at a time; with [`retry`],
//!   [`breaker`], [`clock`] and, inside, `memory`, `site`, `watch` and `settle`.
//! - [`snapshot`]: the queue as an operator looks at it.
//! - [`job`]: what is to be delivered, and what an attempt came to.
//! - [`attempt`]: hosts in their order, until every recipient has an answer.
//! - [`conversation`]: what is said to one host; `pool` keeps conversations for the next
//!   message, `probe` holds one without a message.
//! - [`notices`]: what its sender is to be told, and when.
//! - [`outcome`]: delivered, deferred or failed: decided there and nowhere else.
//! - [`reason`]: why, as tokens.

pub mod attempt;
pub mod breaker;
pub(crate) mod chance;
pub mod clock;
pub mod conversation;
mod domains;
pub mod job;
mod memory;
pub mod notices;
pub mod outcome;
mod pool;
mod probe;
pub mod reason;
mod reason_ids;
pub mod retry;
pub mod scheduler;
mod settle;
mod site;
pub mod snapshot;
mod watch;
