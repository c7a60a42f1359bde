//! Curves that should no longer be used (under 224 bits, or withdrawn by RFC 8422): an
//! ECDHE hello that offers nothing else.

use waxseal_model::{Cause, Observed, Why};
use waxseal_wire::tls::{flight::KeyExchange, groups};

use super::{Probe, settle};
use crate::{
    offers::{self, MODERN_FIRST},
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct WeakGroups {
    found: Vec<u16>,
    settled: bool,
    failed: Option<Why>,
}

impl Probe for WeakGroups {
    fn name(&self) -> &'static str {
        "weak curves alone"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.settled || self.failed.is_some() {
            return None;
        }
        let version = state.newest_before_tls13()?;
        let offered = MODERN_FIRST
            .iter()
            .copied()
            .filter(|s| offers::is_ecdhe(*s))
            .filter(|s| offers::fits(*s, version))
            .collect();
        let mut spec = state.hello(version, offered);
        spec.groups = groups::weak_or_withdrawn().into_iter().filter(|g| !self.found.contains(g)).collect();
        if spec.groups.is_empty() {
            return None;
        }
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Accepted(flight) => match &flight.key_exchange {
                Some(KeyExchange::Ecdhe { group, .. }) if spec.groups.contains(group) => {
                    state.note_flight(spec, &flight);
                    self.found.push(*group);
                }
                _ => {
                    self.failed =
                        Some(Why::new(Cause::Protocol, "the server used a curve that was not offered"));
                }
            },
            Reaction::Refused { .. } => self.settled = true,
            Reaction::Unanswered(why) => self.failed = Some(why),
            Reaction::Retry { .. } | Reaction::Ssl2 { .. } => {
                self.failed =
                    Some(Why::new(Cause::Protocol, "the answer was of another version than the hello"));
            }
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        if self.settled || !self.found.is_empty() {
            // What was found is bad enough without the rest of the list.
            state.facts.weak_groups = Observed::seen(self.found.iter().map(|g| groups::named(*g)).collect());
        } else {
            let why = why
                .or(self.failed.as_ref())
                .cloned()
                .unwrap_or_else(|| Why::new(Cause::NotApplicable, "no version before TLS 1.3 is accepted"));
            settle(&mut state.facts.weak_groups, &why);
        }
    }
}

#[cfg(test)]
mod tests {
    use waxseal_model::tls::TlsVersion;

    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn weak_groups_of(server: &Simulated) -> (usize, Observed<Vec<waxseal_model::tls::Group>>) {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        state.note_suite(TlsVersion::Tls12, 0xc02f);
        let asked = run(&mut WeakGroups::default(), &mut state, server);
        (asked, state.facts.weak_groups)
    }

    #[test]
    fn a_sound_server_refuses_them_at_once() {
        assert_eq!(weak_groups_of(&Simulated::modern()), (1, Observed::seen(vec![])));
    }

    #[test]
    fn a_weak_curve_is_named() {
        let weak = *groups::weak_or_withdrawn().first().unwrap();
        let server = Simulated { groups: vec![23, weak], ..Simulated::modern() };
        let (_, fact) = weak_groups_of(&server);
        assert_eq!(fact.get().unwrap().first().map(|g| g.code), Some(weak));
    }
}
