//! Suites and groups of TLS 1.3, both at once: a hello without a key share makes the server
//! name its suite and its group in a HelloRetryRequest, so that not even a post-quantum key
//! has to be made. What was chosen is taken out of both lists. Suites are offered in an order
//! that no server has, so that its choices tell whose order decides. Servers that refuse
//! hellos without a key share are asked with real ones.

use waxseal_model::{
    Cause, Observed, Why,
    audit::SuiteList,
    tls::{GroupFacts, SuiteOrder, TlsVersion},
};
use waxseal_wire::tls::{groups, hello::KeyShare, suites};

use super::Probe;
use crate::{
    offers,
    question::{Question, Reaction},
    shares,
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Tls13Lists {
    begun: bool,
    suites: Vec<u16>,
    groups: Vec<u16>,
    /// In the order chosen, each with what stood before it in the offer.
    chosen: Vec<(u16, Vec<u16>)>,
    stage: Stage,
    with_shares: bool,
    /// No key share could be made for some groups, in a server that insists on one.
    is_partial: bool,
    answered: bool,
    failed: Option<Why>,
}

/// Where the search stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Suites and groups that were not chosen yet.
    #[default]
    Both,
    /// Those were refused: groups that were not chosen, with every suite.
    Groups,
    /// Suites that were not chosen, with every group.
    Suites,
    /// Nothing is left to ask.
    Complete,
}

impl Probe for Tls13Lists {
    fn name(&self) -> &'static str {
        "suites and groups of TLS 1.3"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.failed.is_some() || state.accepts(TlsVersion::Tls13) != Some(true) {
            return None;
        }
        if !self.begun {
            self.begun = true;
            self.suites = offers::every_tls13_suite();
            self.groups = offers::tls13_groups().collect();
        }
        let unchosen = |all: &[u16], left: &[u16]| {
            if left.is_empty() { all.to_vec() } else { left.to_vec() }
        };
        let every_group: Vec<u16> = offers::tls13_groups().collect();
        let (suites, groups) = match self.stage {
            Stage::Both => {
                (unchosen(&offers::every_tls13_suite(), &self.suites), unchosen(&every_group, &self.groups))
            }
            Stage::Groups => (offers::every_tls13_suite(), self.groups.clone()),
            Stage::Suites => (self.suites.clone(), every_group),
            Stage::Complete => return None,
        };
        let mut spec = state.hello(TlsVersion::Tls13, suites);
        spec.groups = groups;
        spec.key_share = if self.with_shares {
            KeyShare::Given(shares::public_values(&spec.groups))
        } else {
            KeyShare::Empty
        };
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Retry { group: Some(group), suite } => {
                state.note_retry(Some(group), suite);
                self.take(&spec.suites, suite, Some(group));
            }
            // A suite would do, and none of the groups: that refuses the groups.
            Reaction::Retry { group: None, .. } => self.refused(),
            Reaction::Accepted(flight) if flight.version == TlsVersion::Tls13 => {
                state.note_flight(spec, &flight);
                self.take(&spec.suites, flight.suite, flight.key_share_group());
            }
            Reaction::Refused { .. } => self.refused(),
            Reaction::Unanswered(why) => self.failed = Some(why),
            Reaction::Accepted(_)
            | Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                let text = "the answer to a TLS 1.3 hello was of another version";
                self.failed = Some(Why::new(Cause::Protocol, text));
            }
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let version = TlsVersion::Tls13;
        match state.accepts(version) {
            Some(true) => {}
            Some(false) => return state.settle_groups(),
            None => return,
        }
        let complete = self.is_complete();
        let why = (!complete).then(|| {
            let unproven = Why::new(Cause::Declined, "every hello that was to list them was refused");
            why.or(self.failed.as_ref()).cloned().unwrap_or(unproven)
        });
        let order = self.order().filter(|_| complete);
        let mut list: Vec<u16> = self.chosen.iter().map(|(suite, _)| *suite).collect();
        let seen = state.facts.suites_seen.iter().filter(|s| s.version == version);
        let seen: Vec<u16> = seen.filter_map(|s| u16::try_from(s.suite.code).ok()).collect();
        list.extend(seen.iter().filter(|s| !self.chosen.iter().any(|(c, _)| c == *s)));
        if order == Some(SuiteOrder::Client) {
            let usual = |code: &u16| offers::TLS13.iter().position(|s| s == code).unwrap_or(usize::MAX);
            list.sort_by_key(usual);
        }
        let names = list.iter().map(|code| suites::suite(u32::from(*code)).name).collect();
        state.facts.suites.insert(version, names);
        let facts =
            SuiteList { complete, why_incomplete: why, order, chacha_by_client: None, inferred: Vec::new() };
        state.audit().suite_lists.insert(version, Observed::seen(facts));
        self.settle_version(state, complete);
    }
}

impl Tls13Lists {
    fn take(&mut self, offered: &[u16], suite: u16, group: Option<u16>) {
        self.answered = true;
        let before = offered.iter().copied().take_while(|code| *code != suite).collect();
        if !self.chosen.iter().any(|(chosen, _)| *chosen == suite) {
            self.chosen.push((suite, before));
        }
        let known = self.suites.len() + self.groups.len();
        self.suites.retain(|code| *code != suite);
        self.groups.retain(|code| Some(*code) != group);
        if known == self.suites.len() + self.groups.len() {
            // Nothing new came of what should have been new: it would go on for ever.
            self.failed =
                Some(Why::new(Cause::Protocol, "the server's choices do not follow what is offered"));
        }
        self.skip_what_is_empty();
    }

    fn refused(&mut self) {
        self.stage = match self.stage {
            // Not a single answer yet: perhaps it is the missing key share.
            Stage::Both if !self.answered && !self.with_shares => {
                self.with_shares = true;
                self.is_partial = true;
                Stage::Both
            }
            Stage::Both => Stage::Groups,
            Stage::Groups => Stage::Suites,
            Stage::Suites | Stage::Complete => Stage::Complete,
        };
        self.skip_what_is_empty();
    }

    fn skip_what_is_empty(&mut self) {
        if self.stage == Stage::Groups && self.groups.is_empty() {
            self.stage = Stage::Suites;
        }
        if self.stage == Stage::Suites && self.suites.is_empty() {
            self.stage = Stage::Complete;
        }
    }

    /// The rest was refused, by a server that took something: who refuses all of it, though
    /// TLS 1.3 is accepted, refuses it for another reason.
    fn is_complete(&self) -> bool {
        self.stage == Stage::Complete && self.failed.is_none() && self.answered
    }

    fn order(&self) -> Option<SuiteOrder> {
        let mut passed_over = self.chosen.iter().flat_map(|(_, before)| before);
        let contradicted = passed_over.any(|code| self.chosen.iter().any(|(chosen, _)| chosen == code));
        match self.chosen.len() {
            0 | 1 => None,
            _ if contradicted => Some(SuiteOrder::Server),
            _ => Some(SuiteOrder::Client),
        }
    }

    fn settle_version(&self, state: &mut State, complete: bool) {
        let version = TlsVersion::Tls13;
        let seen = state.groups_by_version.iter().filter(|(v, _)| *v == version);
        let chosen: Vec<_> = seen.map(|(_, group)| groups::named(*group)).collect();
        let complete = complete && !self.is_partial;
        if !chosen.is_empty() {
            state.audit().groups.insert(version, Observed::seen(GroupFacts { chosen, complete }));
        }
        // With real key shares the hybrids were offered too.
        if self.is_complete() {
            state.no_more_post_quantum();
        }
        state.settle_groups();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn listed(server: &Simulated) -> (usize, State) {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls13, Observed::seen(true));
        let asked = run(&mut Tls13Lists::default(), &mut state, server);
        (asked, state)
    }

    fn list(state: &State) -> SuiteList {
        state.facts.audit.as_ref().unwrap().suite_lists[&TlsVersion::Tls13].get().unwrap().clone()
    }

    #[test]
    fn suites_and_groups_come_together() {
        let server = Simulated { groups: vec![0x11ec, 29, 23, 24, 25, 30], ..Simulated::modern() };
        let (asked, state) = listed(&server);
        assert!(asked <= 6 + 3, "{asked}");
        assert_eq!(state.facts.suites[&TlsVersion::Tls13].len(), 2);
        let mut groups = state.groups.clone();
        groups.sort_unstable();
        assert_eq!(groups, [23, 24, 25, 29, 30, 0x11ec]);
        assert!(list(&state).complete && state.facts.group_facts.get().unwrap().complete);
        assert_eq!(state.facts.post_quantum, Observed::seen(true));
        assert_eq!(list(&state).order, Some(SuiteOrder::Client));
    }

    #[test]
    fn the_servers_order_shows_against_an_unusual_offer() {
        let server =
            Simulated { suites: vec![0x1302, 0x1303, 0x1301], server_order: true, ..Simulated::modern() };
        let (_, state) = listed(&server);
        assert_eq!(list(&state).order, Some(SuiteOrder::Server));
        let names: Vec<String> =
            server.suites.iter().map(|code| suites::suite(u32::from(*code)).name).collect();
        assert_eq!(state.facts.suites[&TlsVersion::Tls13], names);
    }

    #[test]
    fn many_suites_and_one_group_do_not_hide_each_other() {
        let server = Simulated {
            suites: vec![0x1301, 0x1302, 0x1303, 0x1304, 0x1305],
            groups: vec![24],
            ..Simulated::modern()
        };
        let (_, state) = listed(&server);
        assert_eq!(state.facts.suites[&TlsVersion::Tls13].len(), 5);
        assert_eq!(state.groups, [24]);
        assert_eq!(state.facts.post_quantum, Observed::seen(false));
    }

    #[test]
    fn a_server_that_cannot_bear_the_missing_key_share_is_listed_with_key_shares() {
        let server = Simulated { refuses_empty_share: true, ..Simulated::modern() };
        let (_, state) = listed(&server);
        assert_eq!(state.facts.suites[&TlsVersion::Tls13].len(), 2);
        let facts = state.facts.audit.as_ref().unwrap().groups[&TlsVersion::Tls13].get().unwrap().clone();
        assert_eq!((facts.chosen.len(), facts.complete), (3, false));
    }

    #[test]
    fn another_hello_without_a_group_is_the_end_of_the_groups() {
        let server = Simulated { retries_without_group: true, ..Simulated::modern() };
        let (_, state) = listed(&server);
        assert!(list(&state).complete && state.facts.group_facts.get().unwrap().complete);
        assert_eq!((state.facts.suites[&TlsVersion::Tls13].len(), state.groups.len()), (2, 3));
    }

    #[test]
    fn an_order_that_follows_the_clients_hardware_is_the_servers() {
        let server =
            Simulated { suites: vec![0x1301, 0x1302, 0x1303], guesses_hardware: true, ..Simulated::modern() };
        assert_eq!(list(&listed(&server).1).order, Some(SuiteOrder::Server));
        // NSS
        let server = Simulated { suites: vec![0x1301, 0x1303, 0x1302], server_order: true, ..server };
        let server = Simulated { guesses_hardware: false, ..server };
        assert_eq!(list(&listed(&server).1).order, Some(SuiteOrder::Server));
    }

    #[test]
    fn a_server_that_refuses_all_of_it_is_not_listed_as_having_nothing() {
        // TLS 1.3 is accepted, by what else was seen, and yet every question is refused.
        let server = Simulated { versions: vec![TlsVersion::Tls12], ..Simulated::modern() };
        let (_, state) = listed(&server);
        assert!(!list(&state).complete && list(&state).why_incomplete.is_some());
        assert!(!state.facts.post_quantum.is_seen());
    }

    #[test]
    fn silence_is_no_end_of_the_list() {
        let (_, state) = listed(&Simulated { silent: true, ..Simulated::modern() });
        assert!(!list(&state).complete);
        assert!(!state.facts.post_quantum.is_seen());
    }
}
