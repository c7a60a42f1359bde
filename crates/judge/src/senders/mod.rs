//! Kinds of senders, and how each of them delivers to a target.
//!
//! What a sender honours is data, with its source: `senders/*.toml`, one file a sender.
//! What is not known from a source stands there as unknown, and a view that depends on it
//! says that it could not be determined.
//!
//! - `profile`: a sender as its file describes it.
//! - `sight`: what the evidence says of each MX host, for a sender of a certain kind.
//! - `view`: the outcome now; `attack`: the outcome with an attacker on the path.

mod attack;
mod certificate;
mod profile;
mod sight;
mod view;

pub use profile::{Answer, Claim, ReplyTemplate, Rule, RuleLevel, Sender, TlsRange, Under, all, find};
pub use view::{view, views};

#[cfg(test)]
mod tests;
