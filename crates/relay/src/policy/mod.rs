//! From a domain to a route: names, DANE, MTA-STS and the rules of the operator.
//!
//! The parts, in the order in which a domain meets them:
//!
//! - [`lookup`]: the router, which remembers routes and asks for a domain once at a time;
//! - [`rules`]: what the operator demands, and where mail is handed on;
//! - [`dnssec`]: whether DNSSEC can be relied on here;
//! - [`names`]: MX hosts, addresses and TLSA records, and how far each can be trusted;
//! - [`sts`]: MTA-STS policies, kept over restarts;
//! - `assembly`, `order`: all of that as routes;
//! - [`explain`], [`text`]: the same for a person who asks why;
//! - [`words`]: a requirement and where it comes from, for logs and queues;
//! - [`observation`]: what a server presented, by the standards of a hop.
//!
//! What is demanded follows from facts by [`waxseal_judge::delivery::requirement()`]; nothing
//! here decides about a message.

mod assembly;
pub mod dnssec;
pub mod explain;
pub mod lookup;
pub mod names;
pub mod observation;
mod order;
pub mod rules;
pub mod sts;
pub mod text;
pub mod words;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

#[cfg(test)]
pub(crate) mod testing;

/// Says what time it is: seconds since 1970-01-01 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The clock of the system.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
