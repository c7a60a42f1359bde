//! Wrong padding in RSA key exchange (ROBOT): the blocks that did not find a place beside
//! other hellos, and all of them again where answers differed.

use waxseal_model::{Cause, Observed, Why, tls::SuiteClass};
use waxseal_net::attempt::Then;
use waxseal_wire::tls::suites::{self, KeyExchange};

use super::Probe;
use crate::{
    attempt::Attempted,
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Robot {}

impl Probe for Robot {
    fn name(&self) -> &'static str {
        "wrong padding in RSA key exchange"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let then = state.robot.next()?;
        // One suite that is known to be accepted.
        let chosen =
            state.facts.suites_seen.iter().filter(|s| is_rsa(s.suite.code)).max_by_key(|s| s.version)?;
        let suite = u16::try_from(chosen.suite.code).ok()?;
        Some(Question::Then(Box::new(state.hello(chosen.version, vec![suite])), then))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Then(spec, Then::Robot { block, .. }) = question else { return };
        match reaction {
            Reaction::Attempted(outcome) => {
                if let Attempted::Replied { flight, reply } = *outcome {
                    state.note_flight(spec, &flight);
                    state.robot.note(*block, reply);
                }
            }
            Reaction::Unanswered(why) => state.robot.give_up(why),
            other => state.robot.give_up(Why::new(Cause::Protocol, other.describe())),
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let class = state.facts.suite_classes.get(&SuiteClass::RsaKeyExchange);
        let accepted = class.and_then(Observed::get).map(|fact| fact.accepted);
        let seen = state.facts.suites_seen.iter().any(|s| is_rsa(s.suite.code));
        let fact = match (state.robot.fact(), accepted) {
            (Some(fact), _) => fact,
            (None, Some(false)) if !seen => {
                Observed::not_tried(Cause::NotApplicable, "the server accepts no suite with RSA key exchange")
            }
            (None, _) => {
                let unknown = Why::new(Cause::Prerequisite, "no RSA key exchange could be begun");
                Observed::NotTried { why: why.cloned().unwrap_or(unknown) }
            }
        };
        state.audit().robot = fact;
    }
}

fn is_rsa(code: u32) -> bool {
    code <= 0xffff && suites::key_exchange(code) == Some(KeyExchange::Rsa)
}
