//! Groups for key exchange. With TLS 1.3, a hello without a key share makes the server
//! name its group in a HelloRetryRequest, so that not even a post-quantum key has to be
//! made. Groups that showed themselves elsewhere are left out; a refusal of all the others
//! clears them, the post-quantum ones among them. Servers that refuse such a hello are
//! asked with real key shares.

use waxseal_model::{
    Cause, Observed, Why,
    tls::{GroupFacts, SuiteOrder, TlsVersion},
};
use waxseal_wire::tls::{groups, hello::KeyShare};

use super::{Probe, settle};
use crate::{
    offers,
    question::{Question, Reaction},
    shares,
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Groups {
    stage: Stage,
    /// Some groups could not be asked for: those that no key share can be made for here, or
    /// that an ECDSA certificate hides.
    is_partial: bool,
    saw_retry: bool,
    failed: Option<Why>,
}

/// Where the search stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Asking for groups that were not seen.
    #[default]
    Others,
    /// All others were refused, but no HelloRetryRequest was ever seen: make sure that the
    /// server answers hellos without a key share at all.
    Verify,
    /// The server refuses hellos without a key share: ask with key shares.
    Shares,
    /// Nothing is left to ask.
    Complete,
}

impl Probe for Groups {
    fn name(&self) -> &'static str {
        "groups"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.failed.is_some() || self.stage == Stage::Complete {
            return None;
        }
        if state.accepts(TlsVersion::Tls13) == Some(false) {
            return self.ask_before_tls13(state);
        }
        let wanted = match self.stage {
            Stage::Others | Stage::Shares => {
                let mut unseen: Vec<u16> =
                    offers::tls13_groups().filter(|g| !state.groups.contains(g)).collect();
                // One of the finite-field groups stands for the others: each would cost a
                // connection and change no verdict.
                if state.groups.iter().any(|g| is_finite_field(*g)) {
                    unseen.retain(|g| !is_finite_field(*g));
                }
                // A server that prefers classical groups shows its post-quantum ones only
                // when asked for them alone.
                if self.saw_retry && !state.facts.post_quantum.is_seen() {
                    unseen.retain(|g| groups::is_post_quantum(*g));
                }
                unseen
            }
            Stage::Verify => state
                .groups
                .iter()
                .copied()
                .filter(|g| offers::tls13_groups().any(|known| known == *g))
                .collect(),
            Stage::Complete => Vec::new(),
        };
        if wanted.is_empty() {
            return None;
        }
        let mut spec = state.hello(TlsVersion::Tls13, offers::TLS13.to_vec());
        spec.groups = wanted;
        spec.key_share = match self.stage {
            Stage::Shares => KeyShare::Given(shares::public_values(&spec.groups)),
            _ => KeyShare::Empty,
        };
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Retry { group: None, .. } => {
                // A suite would do, and none of the groups: that refuses the groups.
                self.saw_retry = true;
                self.refused(state, spec.max_version, &spec.groups);
            }
            Reaction::Retry { group: Some(group), suite } => {
                self.saw_retry = true;
                state.set_version(TlsVersion::Tls13, Observed::seen(true));
                state.note_suite(TlsVersion::Tls13, u32::from(suite));
                if self.stage == Stage::Verify {
                    self.complete(state);
                } else if spec.groups.contains(&group) {
                    state.note_group(group);
                } else {
                    self.failed = Some(Why::new(
                        Cause::Protocol,
                        format!("the server asked for group 0x{group:04x}, which was not offered"),
                    ));
                }
            }
            Reaction::Accepted(flight) => {
                let known = state.groups.len();
                state.note_flight(spec, &flight);
                if spec.max_version < TlsVersion::Tls13 && state.groups.len() == known {
                    // The curve of the certificate, chosen again though it stood last. Only
                    // who follows the client's order has no other.
                    self.is_partial = state.facts.suite_order.get() != Some(&SuiteOrder::Client);
                    self.stage = Stage::Complete;
                }
                let with_share = self.stage == Stage::Shares
                    && flight.key_share_group().is_some_and(|g| spec.groups.contains(&g));
                if with_share {
                    return;
                }
                if spec.max_version == TlsVersion::Tls13 {
                    // It went on without a key share, or with an older version.
                    self.failed = Some(Why::new(
                        Cause::Protocol,
                        "the server did not ask for a key share where it had none",
                    ));
                }
            }
            Reaction::Refused { .. } => self.refused(state, spec.max_version, &spec.groups),
            Reaction::Unanswered(why) => self.failed = Some(why),
            Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                self.failed =
                    Some(Why::new(Cause::Protocol, "the answer was of another version than the hello"));
            }
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let why = why
            .or(self.failed.as_ref())
            .cloned()
            .unwrap_or_else(|| Why::new(Cause::NotApplicable, "the server chose no suite that uses a group"));
        if !state.groups.is_empty() {
            let complete = self.stage == Stage::Complete
                && !self.is_partial
                && !state.groups.iter().any(|g| is_finite_field(*g));
            let chosen: Vec<_> = state.groups.iter().map(|g| groups::named(*g)).collect();
            state.facts.groups = chosen.iter().map(|g| g.name.clone()).collect();
            state.facts.group_facts = Observed::seen(GroupFacts { chosen, complete });
        }
        settle(&mut state.facts.group_facts, &why);
        if state.accepts(TlsVersion::Tls13) == Some(false) {
            // All post-quantum groups belong to TLS 1.3.
            settle_with(&mut state.facts.post_quantum, false);
        }
        settle(&mut state.facts.post_quantum, &why);
    }
}

/// Gives a fact that nothing was learned about a value that follows from others.
fn settle_with<T>(fact: &mut Observed<T>, value: T) {
    if !fact.is_seen() {
        *fact = Observed::seen(value);
    }
}

/// Finite-field Diffie-Hellman of RFC 7919.
fn is_finite_field(group: u16) -> bool {
    (0x0100..=0x01ff).contains(&group)
}

impl Groups {
    fn refused(&mut self, state: &mut State, version: TlsVersion, offered: &[u16]) {
        if version < TlsVersion::Tls13 {
            self.stage = Stage::Complete;
            return;
        }
        match self.stage {
            // Only the post-quantum ones were asked for: they are cleared, others remain.
            Stage::Others if offered.iter().all(|g| groups::is_post_quantum(*g)) && self.saw_retry => {
                if !state.facts.post_quantum.is_seen() {
                    state.facts.post_quantum = Observed::seen(false);
                }
            }
            Stage::Others if self.saw_retry => self.complete(state),
            Stage::Others if state.accepts(TlsVersion::Tls13) == Some(true) => {
                self.stage = Stage::Verify;
            }
            Stage::Verify => {
                self.is_partial = true;
                self.stage = Stage::Shares;
            }
            // All that a key share can be made of here was offered, the hybrids among them.
            Stage::Shares => self.complete(state),
            Stage::Others | Stage::Complete => {
                self.failed = Some(Why::new(
                    Cause::Prerequisite,
                    "no answer showed TLS 1.3, so its groups cannot be asked for",
                ));
            }
        }
    }

    fn complete(&mut self, state: &mut State) {
        self.stage = Stage::Complete;
        if !state.facts.post_quantum.is_seen() {
            state.facts.post_quantum = Observed::seen(false);
        }
    }

    /// Without TLS 1.3: the curves of ECDHE suites, by the same removal.
    fn ask_before_tls13(&self, state: &State) -> Option<Question> {
        let version = state.newest_before_tls13()?;
        if !state.has_ecdhe_before_tls13() {
            return None;
        }
        let unseen: Vec<u16> = offers::CURVES.iter().copied().filter(|g| !state.groups.contains(g)).collect();
        if unseen.is_empty() {
            return None;
        }
        let spec = state.curve_hello(version, unseen);
        Some(Question::Hello(Box::new(spec)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, ecdsa_certificate, handshake, run};

    fn groups_of(server: &Simulated, known: &[u16]) -> (usize, State) {
        let mut state = State::new(None);
        for version in TlsVersion::ALL {
            state.set_version(version, Observed::seen(server.versions.contains(&version)));
        }
        for group in known {
            state.note_group(*group);
        }
        let asked = run(&mut Groups::default(), &mut state, server);
        (asked, state)
    }

    #[test]
    fn what_is_known_already_costs_two_questions() {
        let server = Simulated { groups: vec![29, 23], ..Simulated::modern() };
        let (asked, state) = groups_of(&server, &[29, 23]);
        assert_eq!(asked, 2, "one refusal, one to verify that key-share-less hellos work");
        let facts = state.facts.group_facts.get().unwrap();
        assert!(facts.complete);
        assert_eq!(state.facts.post_quantum, Observed::seen(false));
    }

    #[test]
    fn a_hidden_post_quantum_group_is_found() {
        // It prefers X25519 and P-256 to the hybrid.
        let server = Simulated { groups: vec![29, 23, 0x11ec], server_order: true, ..Simulated::modern() };
        let (_, state) = groups_of(&server, &[]);
        assert_eq!(state.facts.post_quantum, Observed::seen(true));
        assert!(state.facts.group_facts.get().unwrap().complete);
    }

    #[test]
    fn a_server_that_cannot_do_without_key_share_is_asked_with_some() {
        let server = Simulated { refuses_empty_share: true, groups: vec![29, 24], ..Simulated::modern() };
        let (_, state) = groups_of(&server, &[29]);
        assert_eq!(state.groups, [29, 24]);
        assert_eq!(state.facts.post_quantum, Observed::seen(false));
        assert!(!state.facts.group_facts.get().unwrap().complete, "no key share was made for every group");
        let server = Simulated { groups: vec![29, 0x11ec], ..server };
        assert_eq!(groups_of(&server, &[29]).1.facts.post_quantum, Observed::seen(true));
    }

    #[test]
    fn without_an_answer_on_tls13_nothing_is_said_of_its_groups() {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls13, Observed::failed(Cause::Timeout, "no answer in time"));
        let server = Simulated { versions: vec![TlsVersion::Tls12], ..Simulated::modern() };
        run(&mut Groups::default(), &mut state, &server);
        assert!(!state.facts.post_quantum.is_seen() && !state.facts.group_facts.is_seen());
    }

    #[test]
    fn curves_of_tls12_alone_are_listed() {
        let server =
            Simulated { versions: vec![TlsVersion::Tls12], groups: vec![23, 24], ..Simulated::modern() };
        let mut state = State::new(None);
        for version in TlsVersion::ALL {
            state.set_version(version, Observed::seen(version == TlsVersion::Tls12));
        }
        state.note_suite(TlsVersion::Tls12, 0xc02f);
        run(&mut Groups::default(), &mut state, &server);
        let facts = state.facts.group_facts.get().unwrap();
        assert_eq!(facts.chosen.iter().map(|g| g.code).collect::<Vec<_>>(), [23, 24]);
        assert!(facts.complete);
    }

    fn ecdsa_alone(server_order: bool) -> State {
        let server = Simulated {
            versions: vec![TlsVersion::Tls12],
            suites: vec![0xc02b, 0xc02c],
            groups: vec![29, 23, 24],
            certificate_curve: Some(23),
            server_order,
            ..Simulated::modern()
        };
        let mut state = State::new(None);
        for version in TlsVersion::ALL {
            state.set_version(version, Observed::seen(version == TlsVersion::Tls12));
        }
        state.note_second_handshake(&handshake(0xc02b), vec![ecdsa_certificate()]);
        let order = if server_order { SuiteOrder::Server } else { SuiteOrder::Client };
        state.facts.suite_order = Observed::seen(order);
        run(&mut Groups::default(), &mut state, &server);
        state
    }

    #[test]
    fn the_curve_of_an_ecdsa_certificate_does_not_hide_the_others() {
        let state = ecdsa_alone(false);
        let facts = state.facts.group_facts.get().unwrap();
        assert_eq!(facts.chosen.iter().map(|g| g.code).collect::<Vec<_>>(), [29, 23, 24]);
        assert!(facts.complete);
        let state = ecdsa_alone(true);
        assert!(
            !state.facts.group_facts.get().unwrap().complete,
            "P-384 is never shown by the server's order"
        );
    }
}
