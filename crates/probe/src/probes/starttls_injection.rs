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
    /// It closed without a word, which it may do for other reasons: whether it still goes along
    /// with a hello is to be seen.
    is_doubtful: bool,
}

impl Probe for StarttlsInjection {
    fn name(&self) -> &'static str {
        "command along with STARTTLS"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.is_doubtful {
            return state.known_good(&Question::Ssl2);
        }
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
        if std::mem::take(&mut self.is_doubtful) {
            if !matches!(reaction, Reaction::Accepted(_) | Reaction::Retry { .. }) {
                let text = "the server closed the connection, and did not take a hello after that either";
                self.fact = Observed::failed(Cause::Closed, text);
            }
            return;
        }
        self.fact = match reaction {
            Reaction::Attempted(outcome) => match *outcome {
                Attempted::Injected(fact) => {
                    self.is_doubtful = fact == Fact::Refused { reply: None };
                    Observed::seen(fact)
                }
                _ => return,
            },
            Reaction::Unanswered(why) => Observed::Failed { why },
            other => Observed::failed(Cause::Protocol, other.describe()),
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        if self.is_doubtful {
            let text = "the server closed the connection, and nothing shows that it was for the command";
            self.fact = Observed::Failed { why: why.cloned().unwrap_or(Why::new(Cause::Closed, text)) };
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        rich_hello::RichHello,
        simulated::{Simulated, run},
    };

    /// The fact, of a server that closed without a word and is then as `later` says.
    fn after_a_close(later: &Simulated) -> Observed<Fact> {
        let mut state = State { starttls: true, ..State::new(None) };
        run(&mut RichHello::default(), &mut state, &Simulated::modern());
        let mut probe = StarttlsInjection::default();
        let question = probe.ask(&state).unwrap();
        let closed = Attempted::Injected(Fact::Refused { reply: None });
        probe.learn(&mut state, &question, Reaction::Attempted(Box::new(closed)));
        run(&mut probe, &mut state, later);
        state.audit().starttls_injection.clone()
    }

    #[test]
    fn a_close_is_a_refusal_only_where_the_server_goes_on_with_others() {
        assert_eq!(after_a_close(&Simulated::modern()), Observed::seen(Fact::Refused { reply: None }));
        let gone = Simulated { silent: true, ..Simulated::modern() };
        assert!(!after_a_close(&gone).is_seen());
    }
}
