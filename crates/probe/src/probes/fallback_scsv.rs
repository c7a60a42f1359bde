//! Whether a fallback with the warning signal is refused (RFC 7507): a hello of an older
//! version that the server accepts, with TLS_FALLBACK_SCSV among its suites.

use waxseal_model::{Cause, Observed, Why, tls::FallbackScsv as Fact};

use super::{Probe, settle};
use crate::{
    offers::{self, MODERN_FIRST},
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct FallbackScsv {
    asked: bool,
}

impl Probe for FallbackScsv {
    fn name(&self) -> &'static str {
        "fallback signal"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.asked {
            return None;
        }
        let versions = state.accepted_versions();
        let older = *versions.get(1)?;
        self.asked = true;
        let offered = MODERN_FIRST.iter().copied().filter(|s| offers::fits(*s, older)).collect();
        let mut spec = state.hello(older, offered);
        spec.fallback_scsv = true;
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        state.facts.fallback_scsv = match reaction {
            Reaction::Accepted(flight) => {
                state.note_flight(spec, &flight);
                Observed::seen(Fact::Ignored)
            }
            Reaction::Refused { alert } => Observed::seen(Fact::Honoured { alert: alert.unwrap_or(0) }),
            Reaction::Unanswered(why) => Observed::Failed { why },
            Reaction::Retry { .. } | Reaction::Ssl2 { .. } => {
                Observed::failed(Cause::Protocol, "the answer was of another version than the hello")
            }
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let one =
            Why::new(Cause::NotApplicable, "only one version is accepted: there is nothing to fall back to");
        let why = if state.accepted_versions().len() > 1 { why.cloned().unwrap_or(one) } else { one };
        settle(&mut state.facts.fallback_scsv, &why);
    }
}

#[cfg(test)]
mod tests {
    use waxseal_model::tls::TlsVersion;

    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn asked_of(server: &Simulated) -> (usize, Observed<Fact>) {
        let mut state = State::new(None);
        for version in &server.versions {
            state.set_version(*version, Observed::seen(true));
        }
        let asked = run(&mut FallbackScsv::default(), &mut state, server);
        (asked, state.facts.fallback_scsv)
    }

    #[test]
    fn it_is_honoured_or_ignored() {
        let good = Simulated { honours_scsv: true, ..Simulated::stock() };
        assert_eq!(asked_of(&good), (1, Observed::seen(Fact::Honoured { alert: 86 })));
        let bad = Simulated { honours_scsv: false, ..Simulated::stock() };
        assert_eq!(asked_of(&bad), (1, Observed::seen(Fact::Ignored)));
    }

    #[test]
    fn a_single_version_is_not_asked() {
        let server = Simulated { versions: vec![TlsVersion::Tls12], ..Simulated::stock() };
        let (asked, fact) = asked_of(&server);
        assert_eq!(asked, 0);
        assert_eq!(fact.why().map(|w| w.cause), Some(Cause::NotApplicable));
    }
}
