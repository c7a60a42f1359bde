//! Several MX hosts: one outcome of their decisions.

use super::{
    decide::{Action, AtLast, Decision, Permit, decide},
    failure::{Failure, Reply},
    observation::Observation,
    requirement::Requirement,
};

/// How a delivery ends, over all MX hosts that were tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The decision on each host that was tried, in the order of the MX records.
    pub decisions: Vec<Decision>,
    /// The end.
    pub outcome: Outcome,
}

/// The end of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Delivered to the host of this number, from 0.
    Delivered {
        /// Which.
        host: usize,
        /// How.
        permit: Permit,
    },
    /// Kept, and tried again.
    Deferred {
        /// Why, of the host where that was decided first.
        failure: Failure,
        /// The reply to keep beside the message.
        reply: Reply,
    },
    /// Returned.
    Bounced {
        /// Why, of the host where that was decided first.
        failure: Failure,
        /// The reply to return.
        reply: Reply,
    },
}

/// Tries MX hosts in the order given, which is that of their preference: a host that is
/// better protected is never tried earlier for that (RFC 7672 section 2.2.1).
///
/// The first that takes the message ends it. Otherwise a host that may yet take it keeps
/// the message, whatever the others said; only with REQUIRETLS one that never will be good
/// enough returns it. None where there is no host.
pub fn deliver(hosts: &[(Requirement, Observation)]) -> Option<Delivery> {
    let mut decisions = Vec::new();
    for (host, (requirement, observation)) in hosts.iter().enumerate() {
        let decision = decide(requirement, observation);
        decisions.push(decision);
        match decision.action {
            Action::Deliver(permit) => {
                return Some(Delivery { decisions, outcome: Outcome::Delivered { host, permit } });
            }
            Action::Bounce => break,
            Action::NextMx(_) => {}
        }
    }
    let ends = |wanted: &[Action]| decisions.iter().find(|d| wanted.contains(&d.action)).copied();
    let outcome = match ends(&[Action::Bounce, Action::NextMx(AtLast::Bounce)]) {
        Some(d) => Outcome::Bounced { failure: d.failure?, reply: d.reply()? },
        None => {
            let d = ends(&[Action::NextMx(AtLast::Defer)])?;
            Outcome::Deferred { failure: d.failure?, reply: d.reply()? }
        }
    };
    Some(Delivery { decisions, outcome })
}
