//! Real programs that send mail, and how each of them would negotiate TLS with a server.
//!
//! What a client offers is data, with its source: `clients/*.toml`, one file a client,
//! recorded or documented, never guessed. What is not known is left out there, and a
//! negotiation that depends on it says that it cannot be told.
//!
//! - `profile`: a client as its file describes it.
//! - `all`: the list of them.
//! - `offer`: its hello in codes, and as one to be sent.
//! - `server`: what the evidence says of the other side.
//! - `suite`: whether the two can use a suite, and which one they take.
//! - `group`: which group they agree on.
//! - `view`: how it ends, by the lists or by what came back to the real hello.

mod all;
mod group;
mod offer;
mod profile;
mod server;
mod suite;
mod view;

pub use all::{all, find};
pub use offer::hello;
pub use profile::{Action, AfterFailure, Client, Hello, Limits, Method, RenegotiationInfo, Source};
pub use view::{applies, views};

#[cfg(test)]
mod tests;
