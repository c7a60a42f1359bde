//! The relay: takes mail, keeps it safe, delivers it under the TLS that policy demands,
//! and tells what became of it.
//!
//! The way of a message, each part a module:
//!
//! - [`session`]: the client's words; a message leaves it as a
//!   [`NewMessage`](waxseal_store::spool::NewMessage).
//! - [`intake`]: makes it durable, and only then lets `250` be said.
//! - [`policy`]: from a domain to a [`Route`](route::Route): hosts, and what each has to give.
//! - [`delivery`]: conversations with those hosts; when, how many at a time, what follows.
//!   [`delivery::outcome`] alone decides between delivered, deferred and failed.
//! - [`notice`]: what the sender of a message is told (RFC 3464).
//! - [`report`]: what receiving domains are told (TLS-RPT, RFC 8460).
//! - [`event`]: what happened; [`log`] writes it down, [`metrics`] counts it.
//! - [`control`]: the operator's socket.
//! - [`config`]: the file that says all of it.
//! - [`run`]: puts the parts together.

pub mod config;
pub mod control;
pub mod delivery;
pub mod event;
pub mod intake;
pub mod log;
pub mod metrics;
pub mod notice;
pub mod policy;
pub mod report;
pub mod route;
pub mod run;
pub mod session;
