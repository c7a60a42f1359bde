//! What must survive a crash: the queue of the relay, and what it learnt of its peers.
//!
//! - [`spool`]: messages and what became of each of their recipients. A trait with
//!   promises; a backend is a module beside it, and one suite of tests holds all of them to
//!   the promises.
//! - [`ledger`]: MTA-STS policies and tallies for TLS reports, which a restart must not lose.
//!
//! This crate keeps and finds. It never decides when a message is tried again or whether
//! it may be delivered.

mod database;
pub mod ledger;
pub mod spool;
