//! Whether a fallback with the warning signal is refused (RFC 7507): a hello of an older
//! version that the server accepts, with TLS_FALLBACK_SCSV among its suites.

use waxseal_model::{
    Cause, Observed, Why,
    tls::{FallbackScsv as Fact, TlsVersion},
};

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
        // What the server chose in this version before, so that a refusal is about the
        // signal and not about the suites.
        let chosen = state.facts.suites_seen.iter().filter(|s| s.version == older);
        let mut offered: Vec<u16> = chosen.filter_map(|s| u16::try_from(s.suite.code).ok()).collect();
        let others = MODERN_FIRST.iter().copied().filter(|s| offers::fits(*s, older));
        let others: Vec<u16> = others.filter(|s| !offered.contains(s)).collect();
        offered.extend(others);
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
        let all_known = TlsVersion::ALL.into_iter().skip(1).all(|v| state.accepts(v).is_some());
        let reason = match state.accepted_versions().len() {
            1 if all_known => Why::new(
                Cause::NotApplicable,
                "only one version is accepted: there is nothing to fall back to",
            ),
            _ => Why::new(Cause::Prerequisite, "no two versions are known to be accepted"),
        };
        let why = why.filter(|_| reason.cause != Cause::NotApplicable).cloned().unwrap_or(reason);
        settle(&mut state.facts.fallback_scsv, &why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn asked_of(server: &Simulated) -> (usize, Observed<Fact>) {
        let mut state = State::new(None);
        for version in &server.versions {
            state.set_version(*version, Observed::seen(true));
        }
        for version in TlsVersion::ALL {
            state.set_version(version, Observed::seen(false));
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

    #[test]
    fn a_refusal_is_about_the_signal_where_only_rare_suites_are_accepted() {
        // TLS_RSA_WITH_SEED_CBC_SHA, which is not in the usual offer.
        let server = Simulated { suites: vec![0x0096, 0x1301], honours_scsv: false, ..Simulated::modern() };
        let mut state = State::new(None);
        for version in &server.versions {
            state.set_version(*version, Observed::seen(true));
        }
        state.note_suite(TlsVersion::Tls12, 0x0096);
        run(&mut FallbackScsv::default(), &mut state, &server);
        assert_eq!(state.facts.fallback_scsv, Observed::seen(Fact::Ignored));
    }

    #[test]
    fn unknown_versions_are_not_called_refused() {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        state.set_version(TlsVersion::Tls13, Observed::failed(Cause::Timeout, "no answer in time"));
        run(&mut FallbackScsv::default(), &mut state, &Simulated::modern());
        assert_eq!(state.facts.fallback_scsv.why().map(|w| w.cause), Some(Cause::Prerequisite));
    }
}
