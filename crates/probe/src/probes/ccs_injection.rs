//! ChangeCipherSpec before the keys are agreed (CVE-2014-0224): at most one question to most
//! servers, two to those that close without an alert, two to those that take it.

use waxseal_model::{Cause, Observed, Why, audit::CcsInjection as Fact, tls::TlsVersion};
use waxseal_net::attempt::Then;
use waxseal_wire::tls::private::early_ccs::{self, Meaning, Question as Early};

use super::{Probe, settle};
use crate::{
    attempt::Attempted,
    offers,
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct CcsInjection {
    stage: Stage,
    fact: Observed<Fact>,
    failed: Option<Why>,
}

/// What is asked next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    First,
    /// It closed without an alert.
    CcsAlone,
    /// It seems to have taken it.
    Confirm,
    Over,
}

impl Probe for CcsInjection {
    fn name(&self) -> &'static str {
        "early ChangeCipherSpec"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let version = state.newest_before_tls13()?;
        let early = match self.stage {
            Stage::First => Early::Both,
            Stage::CcsAlone => Early::CcsAlone,
            Stage::Confirm => Early::RecordAlone,
            Stage::Over => return None,
        };
        let mut spec = state.hello(version, offers::accepted_first(state, version));
        if version == TlsVersion::Ssl3 {
            spec.server_name = None;
        }
        // A vulnerable server decrypts with the keys of the agreed suite; compression would
        // come between.
        spec.compression = vec![0];
        Some(Question::Then(Box::new(spec), Then::EarlyCcs(early)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Then(spec, Then::EarlyCcs(early)) = question else { return };
        let reply = match reaction {
            Reaction::Attempted(outcome) => match *outcome {
                Attempted::Replied { flight, reply } => {
                    state.note_flight(spec, &flight);
                    reply
                }
                _ => return,
            },
            Reaction::Unanswered(why) => return self.give_up(why),
            other => return self.give_up(Why::new(Cause::Protocol, other.describe())),
        };
        let unknown = || Why::new(Cause::Protocol, format!("the answer to it tells nothing: {reply}"));
        self.stage = match early_ccs::meaning(*early, reply) {
            Meaning::Known(fact @ Fact::Accepted { .. }) => {
                self.fact = Observed::seen(fact);
                Stage::Confirm
            }
            Meaning::Known(fact) => {
                self.fact = Observed::seen(fact);
                Stage::Over
            }
            Meaning::EndedSilently => Stage::CcsAlone,
            Meaning::Confirmed => Stage::Over,
            Meaning::NotConfirmed => {
                let text = "a record by itself is refused in the same way, so nothing follows from it";
                return self.give_up(Why::new(Cause::Protocol, text));
            }
            Meaning::Unknown => return self.give_up(unknown()),
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        if let Some(why) = self.failed.as_ref().or(why.filter(|_| self.stage != Stage::Over)) {
            self.fact = Observed::Failed { why: why.clone() };
        }
        let old = [TlsVersion::Tls12, TlsVersion::Tls11, TlsVersion::Tls10, TlsVersion::Ssl3];
        let reason = if old.into_iter().all(|v| state.accepts(v) == Some(false)) {
            Why::new(Cause::NotApplicable, "it is a fault of versions before TLS 1.3, which are refused")
        } else {
            Why::new(Cause::Prerequisite, "no handshake before TLS 1.3 could be begun")
        };
        settle(&mut self.fact, &reason);
        state.audit().ccs_injection = self.fact.clone();
    }
}

impl CcsInjection {
    fn give_up(&mut self, why: Why) {
        self.failed = Some(why);
        self.stage = Stage::Over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        rich_hello::RichHello,
        simulated::{Simulated, run},
    };

    fn asked_of(server: &Simulated) -> (usize, Observed<Fact>) {
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, server);
        let asked = run(&mut CcsInjection::default(), &mut state, server);
        (asked, state.audit().ccs_injection.clone())
    }

    #[test]
    fn a_sound_server_is_asked_once_and_a_faulty_one_twice() {
        assert_eq!(asked_of(&Simulated::modern()), (1, Observed::seen(Fact::Refused { alert: Some(10) })));
        let faulty = Simulated { early_ccs: true, ..Simulated::modern() };
        assert_eq!(asked_of(&faulty), (2, Observed::seen(Fact::Accepted { alert: 20 })));
    }

    #[test]
    fn silence_is_no_refusal() {
        let server = Simulated::modern();
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, &server);
        run(&mut CcsInjection::default(), &mut state, &Simulated { silent: true, ..server });
        assert_eq!(state.audit().ccs_injection.why().map(|w| w.cause), Some(Cause::Timeout));
    }
}
