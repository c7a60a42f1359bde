//! A heartbeat that claims one byte more than it carries (CVE-2014-0160), put to servers that
//! offer heartbeats. Those that do not cannot be asked, and need not be.

use waxseal_model::{Cause, Observed, Why, audit::Heartbleed as Fact, tls::TlsVersion};
use waxseal_net::attempt::heartbleed::{Outcome, When};

use super::{Probe, settle};
use crate::{
    attempt::{Attempt, Attempted},
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug)]
pub struct Heartbleed {
    /// What to ask next.
    next: Option<When>,
    fact: Observed<Fact>,
}

impl Default for Heartbleed {
    fn default() -> Self {
        Self { next: Some(When::InHandshake), fact: Observed::default() }
    }
}

impl Probe for Heartbleed {
    fn name(&self) -> &'static str {
        "false heartbeat"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let version = state.newest_before_tls13()?;
        if state.facts.heartbeat.get() != Some(&true) {
            return None;
        }
        let when = self.next.take()?;
        let mut spec = state.session_hello(version);
        // Hellos of SSLv3 have no extensions: where a server of SSLv3 alone offers heartbeats, it
        // is in answer to newer ones.
        spec.max_version = version.max(TlsVersion::Tls10);
        Some(Question::Attempt(Attempt::Heartbleed { spec: Box::new(spec), when }))
    }

    fn learn(&mut self, _state: &mut State, question: &Question, reaction: Reaction) {
        let first =
            matches!(question, Question::Attempt(Attempt::Heartbleed { when: When::InHandshake, .. }));
        self.fact = match reaction {
            Reaction::Attempted(outcome) => match *outcome {
                Attempted::Heartbleed(Outcome::Known(fact)) => Observed::seen(fact),
                Attempted::Heartbleed(Outcome::RefusedInHandshake) => {
                    self.next = first.then_some(When::InSession);
                    Observed::failed(Cause::Declined, "the server refuses heartbeats in a handshake")
                }
                _ => return,
            },
            Reaction::Unanswered(why) => {
                // It may be that a heartbeat in the handshake was too much for it.
                self.next = (first && why.cause == Cause::Closed).then_some(When::InSession);
                Observed::Failed { why }
            }
            other => Observed::failed(Cause::Protocol, other.describe()),
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        if let Some(false) = state.facts.heartbeat.get() {
            self.fact = Observed::seen(Fact::NoHeartbeat);
        }
        let old = [TlsVersion::Tls12, TlsVersion::Tls11, TlsVersion::Tls10, TlsVersion::Ssl3];
        let reason = if old.into_iter().all(|v| state.accepts(v) == Some(false)) {
            Why::new(Cause::NotApplicable, "heartbeats are offered before TLS 1.3 only, which is refused")
        } else {
            why.cloned().unwrap_or_else(|| {
                Why::new(Cause::Prerequisite, "it is not known whether the server offers heartbeats")
            })
        };
        settle(&mut self.fact, &reason);
        state.audit().heartbleed = self.fact.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probe after this reaction to its first question.
    fn after(reaction: Reaction) -> Heartbleed {
        let (mut probe, mut state) = (Heartbleed::default(), State::new(None));
        let when = probe.next.take().unwrap();
        let question = Question::Attempt(Attempt::Heartbleed { spec: Box::default(), when });
        probe.learn(&mut state, &question, reaction);
        probe
    }

    fn heartbeat(outcome: Outcome) -> Reaction {
        Reaction::Attempted(Box::new(Attempted::Heartbleed(outcome)))
    }

    #[test]
    fn who_refuses_heartbeats_in_a_handshake_is_asked_in_a_session() {
        let probe = after(heartbeat(Outcome::RefusedInHandshake));
        assert_eq!((probe.next, probe.fact.is_seen()), (Some(When::InSession), false));
        let closed = after(Reaction::Unanswered(Why::new(Cause::Closed, "reset")));
        assert_eq!((closed.next, closed.fact.is_seen()), (Some(When::InSession), false));
    }

    #[test]
    fn an_answer_ends_the_questions_and_silence_does_too() {
        let probe = after(heartbeat(Outcome::Known(Fact::Answered { beyond: 1 })));
        assert_eq!((probe.next, probe.fact), (None, Observed::seen(Fact::Answered { beyond: 1 })));
        let silent = after(Reaction::Unanswered(Why::new(Cause::Timeout, "no answer")));
        assert_eq!((silent.next, silent.fact.is_seen()), (None, false));
    }
}
