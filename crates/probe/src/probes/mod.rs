//! One file a probe. A probe looks at what is known, puts its next question, and takes
//! the answer into the state. It never touches a socket: the caller carries questions.

pub mod ccs_injection;
pub mod chacha_first;
pub mod every_curve;
pub mod every_suite;
pub mod fallback_scsv;
pub mod foreign_hello;
pub mod forward_secrecy;
pub mod groups;
pub mod heartbleed;
pub mod legacy_versions;
pub mod other_certificate;
pub mod rich_hello;
pub mod robot;
pub mod sessions;
pub mod signature_schemes;
pub mod ssl2;
pub mod starttls_injection;
pub mod suite_classes;
pub mod suite_order;
pub mod tls13;
pub mod tls13_lists;
pub mod tls13_sessions;
pub mod tolerance;
pub mod weak_groups;
pub mod without_sni;

#[cfg(test)]
pub(crate) mod simulated;

use waxseal_model::{Cause, Observed, Why};

use crate::{
    question::{Question, Reaction},
    state::State,
};

/// A probe: a few questions with one purpose.
pub trait Probe: Send {
    /// For transcripts.
    fn name(&self) -> &'static str;

    /// The next question, given what is known; none when there is nothing left to ask.
    fn ask(&mut self, state: &State) -> Option<Question>;

    /// Takes an answer into the state.
    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction);

    /// Ends the probe, answered or not: facts that it could not settle get `why`, or say
    /// that they do not apply. With `why` none, it ended by itself.
    fn finish(&mut self, state: &mut State, why: Option<&Why>);
}

/// Replaces "not asked" by a reason.
pub(crate) fn settle<T>(fact: &mut Observed<T>, why: &Why) {
    if matches!(fact, Observed::NotTried { why } if why.cause == Cause::NotAsked) {
        *fact = Observed::NotTried { why: why.clone() };
    }
}
