//! SSLv2, last: it needs a hello of its own form, and some devices take it ill.

use waxseal_model::{Cause, Observed, Why, tls::TlsVersion};

use super::Probe;
use crate::{
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Ssl2 {
    asked: bool,
}

impl Probe for Ssl2 {
    fn name(&self) -> &'static str {
        "SSLv2"
    }

    fn ask(&mut self, _state: &State) -> Option<Question> {
        (!std::mem::replace(&mut self.asked, true)).then_some(Question::Ssl2)
    }

    fn learn(&mut self, state: &mut State, _question: &Question, reaction: Reaction) {
        let fact = match reaction {
            Reaction::Ssl2 { kinds, .. } => {
                for kind in kinds {
                    state.note_suite(TlsVersion::Ssl2, kind);
                }
                Observed::seen(true)
            }
            Reaction::Refused { .. } => Observed::seen(false),
            Reaction::Unanswered(why) => Observed::Failed { why },
            Reaction::Accepted(_)
            | Reaction::Retry { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                Observed::failed(Cause::Protocol, "the answer to an SSLv2 hello was of another version")
            }
        };
        state.set_version(TlsVersion::Ssl2, fact);
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        if let Some(why) = why {
            state.set_version(TlsVersion::Ssl2, Observed::NotTried { why: why.clone() });
        }
    }
}
