//! Curves that should no longer be used (under 224 bits, or withdrawn by RFC 8422): an
//! ECDHE hello that offers nothing else, but for the curve of an ECDSA certificate.

use waxseal_model::{Cause, Observed, Why};
use waxseal_wire::tls::{flight::KeyExchange, groups};

use super::{Probe, settle};
use crate::{
    question::{Question, Reaction},
    state::State,
};

/// So many found are bad enough without the rest of the list.
const ENOUGH: usize = 2;

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
        if self.settled || self.failed.is_some() || self.found.len() >= ENOUGH {
            return None;
        }
        let version = state.newest_before_tls13()?;
        let unseen = groups::weak_or_withdrawn().into_iter().filter(|g| !self.found.contains(g)).collect();
        Some(Question::Hello(Box::new(state.curve_hello(version, unseen))))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Accepted(flight) => match &flight.key_exchange {
                Some(KeyExchange::Ecdhe { group, .. }) if spec.groups.contains(group) => {
                    state.note_flight(spec, &flight);
                    if is_weak(*group) {
                        self.found.push(*group);
                    } else {
                        // The curve of the certificate: offered last, chosen all the same. Who
                        // can use this certificate always offers it.
                        self.settled = true;
                    }
                }
                _ => {
                    self.failed =
                        Some(Why::new(Cause::Protocol, "the key exchange of the server cannot be read"));
                }
            },
            Reaction::Refused { .. } => self.settled = true,
            Reaction::Unanswered(why) => self.failed = Some(why),
            Reaction::Retry { .. }
            | Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                self.failed =
                    Some(Why::new(Cause::Protocol, "the answer was of another version than the hello"));
            }
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        if self.settled || !self.found.is_empty() {
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

fn is_weak(group: u16) -> bool {
    groups::is_weak(group) || groups::is_withdrawn(group)
}

#[cfg(test)]
mod tests {
    use waxseal_model::tls::TlsVersion;

    use super::*;
    use crate::probes::simulated::{Simulated, ecdsa_certificate, handshake, run};

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

    #[test]
    fn a_weak_curve_shows_behind_an_ecdsa_certificate() {
        let weak = *groups::weak_or_withdrawn().first().unwrap();
        let sound = Simulated {
            suites: vec![0xc02b],
            groups: vec![23],
            certificate_curve: Some(23),
            ..Simulated::modern()
        };
        for (server, expected) in
            [(sound.clone(), vec![]), (Simulated { groups: vec![23, weak], ..sound }, vec![weak])]
        {
            let mut state = State::new(None);
            state.set_version(TlsVersion::Tls12, Observed::seen(true));
            state.note_second_handshake(&handshake(0xc02b), vec![ecdsa_certificate()]);
            run(&mut WeakGroups::default(), &mut state, &server);
            let found: Vec<u16> = state.facts.weak_groups.get().unwrap().iter().map(|g| g.code).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn two_of_them_are_enough() {
        let server = Simulated { groups: groups::weak_or_withdrawn(), ..Simulated::modern() };
        let (asked, fact) = weak_groups_of(&server);
        assert_eq!((asked, fact.get().map(Vec::len)), (2, Some(2)));
    }
}
