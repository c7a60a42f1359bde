//! A command that is sent in one write with STARTTLS (CVE-2011-0411).

use waxseal_model::{Cause, Observed, Why, audit::StarttlsInjection as Fact};

use super::{Probe, settle};
use crate::{
    attempt::{Attempt, Attempted},
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct StarttlsInjection {
    asked: bool,
    fact: Observed<Fact>,
}

impl Probe for StarttlsInjection {
    fn name(&self) -> &'static str {
        "command along with STARTTLS"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.asked || !state.starttls {
            return None;
        }
        // The handshake must be one that succeeds as a rule.
        let private = match (state.facts.handshake.is_seen(), state.newest_before_tls13()) {
            (true, _) => None,
            (false, Some(version)) => Some(Box::new(state.session_hello(version))),
            (false, None) => return None,
        };
        self.asked = true;
        Some(Question::Attempt(Attempt::Injection(private)))
    }

    fn learn(&mut self, _state: &mut State, _question: &Question, reaction: Reaction) {
        self.fact = match reaction {
            Reaction::Attempted(outcome) => match *outcome {
                Attempted::Injected(fact) => Observed::seen(fact),
                _ => return,
            },
            Reaction::Unanswered(why) => Observed::Failed { why },
            other => Observed::failed(Cause::Protocol, other.describe()),
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let reason = if state.starttls {
            let unknown = Why::new(Cause::Prerequisite, "no handshake could be completed to see it");
            why.cloned().unwrap_or(unknown)
        } else {
            Why::new(Cause::NotApplicable, "with implicit TLS nothing can be sent before TLS")
        };
        settle(&mut self.fact, &reason);
        state.audit().starttls_injection = self.fact.clone();
    }
}
