//! Curves before TLS 1.3: those that did not show themselves while suites were listed, alone,
//! until they are refused. A server refuses ECDSA where the curve of its certificate is not
//! on offer, so that curve stays on offer, last, unless RSA suites do.

use waxseal_model::{
    Cause, Observed, Why,
    tls::{GroupFacts, SuiteOrder, TlsVersion},
};
use waxseal_wire::tls::{flight::KeyExchange, groups};

use super::{Probe, settle};
use crate::{
    offers,
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct EveryCurve {
    settled: bool,
    /// The curve of the certificate was chosen though it stood last: it may hide others.
    is_partial: bool,
    failed: Option<Why>,
}

impl Probe for EveryCurve {
    fn name(&self) -> &'static str {
        "every curve"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let version = state.newest_before_tls13()?;
        if self.settled || self.failed.is_some() || !state.has_ecdhe_before_tls13() {
            return None;
        }
        let chosen = chosen_in(state, version);
        let unseen: Vec<u16> = offers::every_curve().into_iter().filter(|g| !chosen.contains(g)).collect();
        if unseen.is_empty() {
            self.settled = true;
            return None;
        }
        Some(Question::Hello(Box::new(state.curve_hello(version, unseen))))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Accepted(flight) => match &flight.key_exchange {
                Some(KeyExchange::Ecdhe { group, .. }) => {
                    let is_new = !chosen_in(state, flight.version).contains(group);
                    state.note_flight(spec, &flight);
                    if !is_new {
                        self.settled = true;
                        self.is_partial = state.facts.suite_order.get() != Some(&SuiteOrder::Client);
                    }
                }
                _ => {
                    self.failed = Some(Why::new(Cause::Protocol, "the server's key exchange cannot be read"))
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
        let Some(version) = state.newest_before_tls13() else {
            let why = Why::new(Cause::NotApplicable, "no version before TLS 1.3 is accepted");
            settle(&mut state.facts.weak_groups, &why);
            return;
        };
        let open = why.or(self.failed.as_ref()).cloned();
        let none = !state.has_ecdhe_before_tls13() && open.is_none();
        let complete = none || self.settled;
        let chosen: Vec<_> = chosen_in(state, version).into_iter().map(groups::named).collect();
        let old_ones = state.groups_by_version.iter().filter(|(v, _)| *v < TlsVersion::Tls13);
        let mut weak: Vec<u16> = old_ones.map(|(_, g)| *g).filter(|g| is_weak(*g)).collect();
        weak.dedup();
        if complete || !weak.is_empty() {
            state.facts.weak_groups = Observed::seen(weak.into_iter().map(groups::named).collect());
        }
        let not_begun = Why::new(Cause::Prerequisite, "no suite with an elliptic curve was chosen");
        let why = open.as_ref().unwrap_or(&not_begun);
        settle(&mut state.facts.weak_groups, why);
        let fact = if complete || !chosen.is_empty() {
            Observed::seen(GroupFacts { chosen, complete: complete && !self.is_partial })
        } else {
            Observed::NotTried { why: why.clone() }
        };
        state.audit().groups.insert(version, fact);
        settle(&mut state.facts.group_facts, why);
        state.settle_groups();
    }
}

fn chosen_in(state: &State, version: TlsVersion) -> Vec<u16> {
    state.groups_by_version.iter().filter(|(v, _)| *v == version).map(|(_, g)| *g).collect()
}

fn is_weak(group: u16) -> bool {
    groups::is_weak(group) || groups::is_withdrawn(group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        rich_hello::RichHello,
        simulated::{Simulated, ecdsa_certificate, run},
    };

    fn curves_of(server: &Simulated) -> State {
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, server);
        run(&mut EveryCurve::default(), &mut state, server);
        state
    }

    fn groups(state: &State) -> GroupFacts {
        state.facts.audit.as_ref().unwrap().groups[&TlsVersion::Tls12].get().unwrap().clone()
    }

    #[test]
    fn every_curve_is_found_the_weak_ones_too() {
        let server = Simulated { groups: vec![29, 23, 16, 9], server_order: true, ..Simulated::modern() };
        let state = curves_of(&server);
        assert!(groups(&state).complete);
        let mut found: Vec<u16> = groups(&state).chosen.iter().map(|g| g.code).collect();
        found.sort_unstable();
        assert_eq!(found, [9, 16, 23, 29]);
        assert_eq!(state.facts.weak_groups.get().map(Vec::len), Some(2));
    }

    #[test]
    fn the_curve_of_an_ecdsa_certificate_may_hide_others_of_a_server_with_an_order() {
        let server = Simulated {
            versions: vec![TlsVersion::Tls12],
            suites: vec![0xc02b],
            groups: vec![23, 24],
            certificate_curve: Some(23),
            server_order: true,
            ..Simulated::modern()
        };
        let mut state = State::new(None);
        state.chains.push(crate::state::RawChain {
            version: TlsVersion::Tls12,
            sni: None,
            possession_proven: false,
            certificates: vec![ecdsa_certificate()],
        });
        run(&mut RichHello::default(), &mut state, &server);
        run(&mut EveryCurve::default(), &mut state, &server);
        assert!(!groups(&state).complete);
    }

    #[test]
    fn a_server_without_curves_has_none() {
        let server = Simulated { suites: vec![0x002f], ..Simulated::modern() };
        let state = curves_of(&server);
        assert_eq!(groups(&state), GroupFacts { chosen: Vec::new(), complete: true });
    }
}
