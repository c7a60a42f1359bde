//! SPF (RFC 7208): who may send with a domain in the envelope.
//!
//! Parts: [`parse()`] reads a record, [`evaluate()`] is check_host for one address and
//! keeps a trail of every step, [`cost()`] counts what a record and its includes need.
//!
//! Nothing here asks DNS: see [`crate::query`].

mod cost;
mod evaluate;
mod macros;
mod record;

pub use cost::{CostStep, cost};
pub use evaluate::{Evaluation, SpfQuery, evaluate};
pub use record::{Directive, Mechanism, Qualifier, Record, SpfSyntaxError, facts, is_spf, parse};

#[cfg(test)]
mod suite;
