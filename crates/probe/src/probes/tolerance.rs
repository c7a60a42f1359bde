//! Hellos with something in them that a sound server ignores: reserved values (GREASE),
//! unknown extensions, versions yet to come, unusual lengths. Those that can go together are
//! put together; only if the whole is refused, each is tried alone.

use std::collections::VecDeque;

use waxseal_model::{
    Cause, Observed, Why,
    audit::{Novelty, Tolerance as Fact},
    tls::TlsVersion,
};
use waxseal_wire::tls::hello::{Ending, HelloSpec};

use super::Probe;
use crate::{
    offers::{self, MODERN_FIRST},
    question::{Question, Reaction},
    state::State,
};

/// Reserved for GREASE as suite, group, signature scheme, extension or version (RFC 8701).
const GREASE: [u16; 4] = [0x1a1a, 0x2a2a, 0x3a3a, 0x4a4a];
/// An extension that is not assigned (IANA "TLS ExtensionType Values").
const UNKNOWN_EXTENSION: u16 = 0x5abc;
/// A version after TLS 1.3, as the fixed part of a hello would have said it.
const FUTURE_VERSION: u16 = 0x0305;

/// Novelties that one hello can carry.
const TOGETHER: [&[Novelty]; 3] = [
    &[Novelty::Grease, Novelty::UnknownExtension, Novelty::LongHello],
    &[Novelty::FutureVersion, Novelty::EmptyLastExtension],
    &[Novelty::MiddleLength],
];

/// See the module.
#[derive(Debug, Default)]
pub struct Tolerance {
    waiting: Option<VecDeque<Vec<Novelty>>>,
    facts: Vec<Fact>,
    /// Refused alone, in a hello of this version.
    refused: Vec<(Novelty, TlsVersion)>,
    /// Versions in which a hello of this probe was accepted, and those in which one without any
    /// novelty was asked for.
    proven: Vec<TlsVersion>,
    controlled: Vec<TlsVersion>,
}

impl Probe for Tolerance {
    fn name(&self) -> &'static str {
        "tolerance of novelties"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let version = newest(state)?;
        let waiting = self.waiting.get_or_insert_with(|| TOGETHER.iter().map(|n| n.to_vec()).collect());
        let spec = match waiting.front() {
            Some(novelties) => hello(state, version, novelties),
            // A refusal is about the novelty only where the rest of the hello is accepted.
            None => base(state, self.unproven()?),
        };
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        let version = spec.max_version;
        if matches!(reaction, Reaction::Accepted(_) | Reaction::Retry { .. }) {
            self.proven.push(version);
        }
        let Some(novelties) = self.waiting.as_mut().and_then(VecDeque::pop_front) else {
            self.controlled.push(version);
            return;
        };
        let tolerated = match reaction {
            Reaction::Accepted(flight) => {
                state.note_flight(spec, &flight);
                Observed::seen(true)
            }
            Reaction::Retry { .. } => Observed::seen(true),
            Reaction::Refused { .. } | Reaction::Unanswered(_) | Reaction::OtherVersion(_)
                if novelties.len() > 1 =>
            {
                let alone = novelties.into_iter().map(|n| vec![n]);
                self.waiting.get_or_insert_default().extend(alone);
                return;
            }
            Reaction::Refused { .. } => {
                self.refused.extend(novelties.into_iter().map(|novelty| (novelty, version)));
                return;
            }
            Reaction::Unanswered(why) => Observed::Failed { why },
            Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                Observed::failed(Cause::Protocol, "the answer was of another version than the hello")
            }
        };
        let facts = novelties.into_iter().map(|novelty| Fact { novelty, tolerated: tolerated.clone() });
        self.facts.extend(facts);
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let no_version = Why::new(Cause::Prerequisite, "no version is known to be accepted");
        let why = why.unwrap_or(&no_version);
        let mut facts = std::mem::take(&mut self.facts);
        for (novelty, version) in std::mem::take(&mut self.refused) {
            let tolerated = if self.proven.contains(&version) {
                Observed::seen(false)
            } else {
                Observed::failed(Cause::Declined, "nothing shows that the hello was refused for this")
            };
            facts.push(Fact { novelty, tolerated });
        }
        for novelty in TOGETHER.iter().flat_map(|n| n.iter().copied()) {
            if !facts.iter().any(|f| f.novelty == novelty) {
                facts.push(Fact { novelty, tolerated: Observed::NotTried { why: why.clone() } });
            }
        }
        facts.sort_by_key(|f| f.novelty);
        state.audit().tolerance = facts;
    }
}

impl Tolerance {
    /// A version in which something was refused and nothing accepted so far.
    fn unproven(&self) -> Option<TlsVersion> {
        let mut versions = self.refused.iter().map(|(_, version)| *version);
        versions.find(|v| !self.proven.contains(v) && !self.controlled.contains(v))
    }
}

/// The newest version that is accepted, as far as hellos with extensions go.
fn newest(state: &State) -> Option<TlsVersion> {
    state.accepted_versions().into_iter().find(|v| *v > TlsVersion::Ssl3)
}

/// A hello that the server goes along with, but for these novelties.
fn hello(state: &State, newest: TlsVersion, novelties: &[Novelty]) -> HelloSpec {
    // What stands in the fixed part counts only before TLS 1.3.
    let old = state.newest_before_tls13().filter(|v| *v > TlsVersion::Ssl3);
    let is_old = novelties.contains(&Novelty::FutureVersion) || novelties.contains(&Novelty::MiddleLength);
    let mut spec = base(state, old.filter(|_| is_old).unwrap_or(newest));
    for novelty in novelties {
        add(&mut spec, *novelty);
    }
    spec
}

/// The same without any novelty.
fn base(state: &State, version: TlsVersion) -> HelloSpec {
    if version == TlsVersion::Tls13 {
        return state.tls13_hello();
    }
    let mut spec = state.hello(version, usual_suites(state, version));
    // A refusal must not be about groups: those that were chosen before come first.
    spec.groups.sort_by_key(|group| !state.groups.contains(group));
    spec
}

/// A few suites, so that the hello stays short; those that were chosen before first.
fn usual_suites(state: &State, version: TlsVersion) -> Vec<u16> {
    let seen = state.facts.suites_seen.iter().filter(|s| s.version == version);
    let mut few: Vec<u16> = seen.filter_map(|s| u16::try_from(s.suite.code).ok()).take(12).collect();
    few.extend(MODERN_FIRST.iter().copied().filter(|s| offers::fits(*s, version)).take(8));
    few
}

fn add(spec: &mut HelloSpec, novelty: Novelty) {
    match novelty {
        Novelty::Grease => {
            let [suite, group, scheme, extension] = GREASE;
            spec.suites.insert(0, suite);
            spec.groups.insert(0, group);
            spec.signature_schemes.insert(0, scheme);
            spec.extra_extensions.push((extension, vec![0]));
        }
        Novelty::UnknownExtension => spec.extra_extensions.push((UNKNOWN_EXTENSION, vec![1, 2, 3])),
        Novelty::FutureVersion => spec.legacy_version = Some(FUTURE_VERSION),
        Novelty::LongHello => spec.ending = Ending::Long,
        Novelty::EmptyLastExtension => spec.ending = Ending::EmptyExtension,
        Novelty::MiddleLength => {
            spec.groups.truncate(4);
            spec.ending = Ending::MiddleLength;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        rich_hello::RichHello,
        simulated::{Simulated, run},
    };

    fn tolerance_of(server: &Simulated) -> (usize, Vec<Fact>) {
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, server);
        state.set_version(TlsVersion::Tls13, Observed::seen(true));
        let asked = run(&mut Tolerance::default(), &mut state, server);
        (asked, state.audit().tolerance.clone())
    }

    fn refused(facts: &[Fact]) -> Vec<Novelty> {
        facts.iter().filter(|f| f.tolerated == Observed::seen(false)).map(|f| f.novelty).collect()
    }

    #[test]
    fn a_sound_server_takes_three_hellos() {
        let (asked, facts) = tolerance_of(&Simulated::modern());
        assert_eq!((asked, facts.len()), (3, 6));
        assert!(facts.iter().all(|f| f.tolerated == Observed::seen(true)), "{facts:?}");
    }

    #[test]
    fn what_a_server_cannot_bear_is_found_among_what_it_can() {
        for novelty in TOGETHER.iter().flat_map(|n| n.iter().copied()) {
            let server = Simulated { intolerant: vec![novelty], ..Simulated::modern() };
            assert_eq!(refused(&tolerance_of(&server).1), [novelty]);
        }
    }

    #[test]
    fn a_server_that_refuses_hellos_without_novelties_too_is_not_intolerant() {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        let server = Simulated { suites: Vec::new(), ..Simulated::modern() };
        run(&mut Tolerance::default(), &mut state, &server);
        let facts = state.audit().tolerance.clone();
        assert!(facts.len() == 6 && facts.iter().all(|f| !f.tolerated.is_seen()), "{facts:?}");
    }

    #[test]
    fn silence_is_no_intolerance() {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls13, Observed::seen(true));
        run(&mut Tolerance::default(), &mut state, &Simulated { silent: true, ..Simulated::modern() });
        let facts = state.audit().tolerance.clone();
        assert!(facts.len() == 6 && facts.iter().all(|f| !f.tolerated.is_seen()));
    }

    #[test]
    fn without_a_known_version_nothing_is_asked() {
        let mut state = State::new(None);
        assert_eq!(run(&mut Tolerance::default(), &mut state, &Simulated::modern()), 0);
        assert!(state.audit().tolerance.iter().all(|f| !f.tolerated.is_seen()));
    }
}
