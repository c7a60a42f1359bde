//! Whether any ephemeral key exchange is accepted. Nearly always another answer has shown
//! it already; a server that prefers RSA key exchange is asked for it directly.

use waxseal_model::{Cause, Observed, Why};
use waxseal_wire::tls::suites;

use super::{Probe, settle};
use crate::{
    offers,
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct ForwardSecrecy {
    asked: bool,
}

impl Probe for ForwardSecrecy {
    fn name(&self) -> &'static str {
        "ephemeral key exchange alone"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.asked || state.facts.forward_secrecy.is_seen() {
            return None;
        }
        let version = state.newest_before_tls13()?;
        self.asked = true;
        let offered = offers::before_tls13()
            .filter(|c| suites::is_ephemeral(u32::from(*c)))
            .filter(|c| offers::fits(*c, version))
            .take(offers::LARGEST_OFFER)
            .collect();
        Some(Question::Hello(Box::new(state.hello(version, offered))))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        state.facts.forward_secrecy = match reaction {
            Reaction::Accepted(flight) => {
                state.note_flight(spec, &flight);
                Observed::seen(true)
            }
            Reaction::Refused { .. } => Observed::seen(false),
            Reaction::Unanswered(why) => Observed::Failed { why },
            Reaction::Retry { .. }
            | Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                Observed::failed(Cause::Protocol, "the answer was of another version than the hello")
            }
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let why = why.cloned().unwrap_or_else(|| {
            Why::new(Cause::Prerequisite, "no version before TLS 1.3 could be used to ask")
        });
        settle(&mut state.facts.forward_secrecy, &why);
    }
}

#[cfg(test)]
mod tests {
    use waxseal_model::tls::TlsVersion;

    use super::*;
    use crate::probes::simulated::{Simulated, run};

    #[test]
    fn a_server_with_rsa_key_exchange_alone_has_none() {
        let server = Simulated { suites: vec![0x002f, 0x009c], ..Simulated::modern() };
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        assert_eq!(run(&mut ForwardSecrecy::default(), &mut state, &server), 1);
        assert_eq!(state.facts.forward_secrecy, Observed::seen(false));
    }

    #[test]
    fn what_is_known_is_not_asked() {
        let mut state = State::new(None);
        state.note_suite(TlsVersion::Tls13, 0x1301);
        assert_eq!(run(&mut ForwardSecrecy::default(), &mut state, &Simulated::modern()), 0);
        assert_eq!(state.facts.forward_secrecy, Observed::seen(true));
    }
}
