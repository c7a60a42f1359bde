//! Whether a message may be delivered to an MX host, and how: one decision for everybody
//! who has to make it, the views of senders and a relay alike.
//!
//! Parts, in the order of a delivery:
//!
//! - `facts`: what the sender knows before it connects: names, DANE, MTA-STS, the wishes
//!   of the message, the operator's rule.
//! - `requirement`: what follows from that: [`requirement()`] gives the one
//!   [`Requirement`] that the channel has to meet.
//! - `observation`: what was seen at the MX host.
//! - `decide`: [`decide()`] compares the two and gives the [`Decision`].
//! - `failure`: what can be missing, with its reply and its TLS-RPT result type.
//! - `route`: [`deliver()`] makes one outcome of the decisions over several MX hosts.
//!
//! Everything is denied unless a rule allows it. Nobody but [`decide()`] makes a [`Permit`],
//! and one for delivery in clear takes a proof that only a requirement without any demand
//! gives; one for TLS to whomever, a proof of a requirement that asks no name.
//!
//! The same rules as a table, with sources: `docs/delivery-decisions.toml`.

mod decide;
mod facts;
mod failure;
mod observation;
mod requirement;
mod route;

pub use decide::{Action, AtLast, By, Decision, Permit, Protection, decide};
pub use facts::{AddressAnswer, Dane, MxAnswer, Operator, OperatorLevel, PolicyFacts, Sts, StsMode};
pub use failure::{Failure, Reply, Reported, ResultType};
pub use observation::{Certificate, Observation, TlsSeen, Tlsa};
pub use requirement::{Level, Requirement, requirement};
pub use route::{Delivery, Outcome, deliver};
