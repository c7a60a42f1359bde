//! Which classes of suites are accepted. All suites of the classes that are not settled
//! yet are offered together; the server's choice settles the classes of that suite, and a
//! refusal clears all that are left. So a sound server costs two questions, and each
//! class that is accepted about one more.

use std::collections::{BTreeMap, VecDeque};

use waxseal_model::{
    Cause, Observed, Why,
    tls::{ClassFact, NegotiatedSuite, SuiteClass, TlsVersion},
};
use waxseal_wire::tls::suites;

use super::{Probe, settle};
use crate::{
    offers::{self, LARGEST_OFFER},
    question::{Question, Reaction},
    state::State,
};

/// Broken classes: nobody should accept them.
const BROKEN: &[SuiteClass] = &[
    SuiteClass::Null,
    SuiteClass::Anonymous,
    SuiteClass::Export,
    SuiteClass::Des,
    SuiteClass::Rc2,
    SuiteClass::Rc4,
    SuiteClass::TripleDes,
    SuiteClass::Idea,
    SuiteClass::Seed,
];

/// Classes that are dated rather than broken.
const DATED: &[SuiteClass] = &[SuiteClass::RsaKeyExchange, SuiteClass::Dhe, SuiteClass::Cbc];

/// One pass: these classes, in this version.
#[derive(Debug, Clone)]
struct Pass {
    version: TlsVersion,
    classes: Vec<SuiteClass>,
    /// Suites still to be offered for them, in offers that every server can read.
    rest: Vec<u16>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct SuiteClasses {
    passes: Option<VecDeque<Pass>>,
    facts: BTreeMap<SuiteClass, ClassFact>,
    failed: Option<Why>,
}

impl Probe for SuiteClasses {
    fn name(&self) -> &'static str {
        "classes of suites"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.failed.is_some() {
            return None;
        }
        let passes = self.passes.get_or_insert_with(|| plan(state));
        while let Some(pass) = passes.front_mut() {
            let facts = &self.facts;
            let open: Vec<SuiteClass> =
                pass.classes.iter().copied().filter(|c| !facts.get(c).is_some_and(|f| f.accepted)).collect();
            pass.rest.retain(|code| touches(*code, &open));
            if pass.rest.is_empty() {
                passes.pop_front();
                continue;
            }
            let offered: Vec<u16> = pass.rest.iter().copied().take(LARGEST_OFFER).collect();
            return Some(Question::Hello(Box::new(state.hello(pass.version, offered))));
        }
        None
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Accepted(flight) => {
                state.note_flight(spec, &flight);
                let code = u32::from(flight.suite);
                // What an anonymous suite uses besides says nothing of the suites that
                // careful clients choose from.
                let anonymous = offers::is_anonymous(flight.suite);
                for class in suites::classes(code) {
                    if !anonymous || BROKEN.contains(&class) {
                        self.accept(class, flight.version, code);
                    }
                }
                note_etm(state, code, flight.encrypt_then_mac);
                self.drop_offered(&[flight.suite]);
            }
            Reaction::Refused { .. } => {
                self.drop_offered(&spec.suites);
                let over = self.passes.as_ref().and_then(|p| p.front()).is_some_and(|p| p.rest.is_empty());
                if over {
                    self.clear(spec.max_version);
                }
            }
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
        let open = why.or(self.failed.as_ref());
        let unsettled: Vec<SuiteClass> = match open {
            None => Vec::new(),
            Some(_) => self.passes.iter().flatten().flat_map(|p| p.classes.clone()).collect(),
        };
        let reason = open.cloned().unwrap_or_else(|| {
            Why::new(Cause::Prerequisite, "no version before TLS 1.3 could be used to ask about it")
        });
        let tls13_alone = only_tls13(state);
        for class in SuiteClass::ALL {
            let fact = match self.facts.remove(&class) {
                Some(fact) if fact.accepted || !unsettled.contains(&class) => Observed::seen(fact),
                // TLS 1.3 has none of these classes.
                None if tls13_alone => Observed::seen(ClassFact {
                    accepted: false,
                    examples: Vec::new(),
                    offered_in: vec![TlsVersion::Tls13],
                }),
                Some(_) | None => Observed::NotTried { why: reason.clone() },
            };
            state.facts.suite_classes.insert(class, fact);
        }
        settle_followers(state, &reason);
    }
}

impl SuiteClasses {
    fn drop_offered(&mut self, gone: &[u16]) {
        if let Some(pass) = self.passes.as_mut().and_then(VecDeque::front_mut) {
            pass.rest.retain(|code| !gone.contains(code));
        }
    }

    fn accept(&mut self, class: SuiteClass, version: TlsVersion, code: u32) {
        let fact = self.fact(class);
        fact.accepted = true;
        fact.examples.push(NegotiatedSuite { version, suite: suites::suite(code) });
        if !fact.offered_in.contains(&version) {
            fact.offered_in.push(version);
        }
    }

    /// The pass at the front is over: what was not accepted is cleared for its version.
    fn clear(&mut self, version: TlsVersion) {
        let Some(pass) = self.passes.as_mut().and_then(VecDeque::pop_front) else { return };
        for class in pass.classes {
            let fact = self.fact(class);
            if !fact.offered_in.contains(&version) {
                fact.offered_in.push(version);
            }
        }
    }

    fn fact(&mut self, class: SuiteClass) -> &mut ClassFact {
        self.facts.entry(class).or_insert_with(|| ClassFact {
            accepted: false,
            examples: Vec::new(),
            offered_in: Vec::new(),
        })
    }
}

/// Facts that come from the answers to this probe: encrypt-then-MAC and the parameters of
/// DHE.
fn settle_followers(state: &mut State, reason: &Why) {
    let class = |c: SuiteClass| state.facts.suite_classes.get(&c).and_then(Observed::get).map(|f| f.accepted);
    let (dhe, cbc) = (class(SuiteClass::Dhe), class(SuiteClass::Cbc));
    let cleared = |what: &str| Why::new(Cause::NotApplicable, format!("the server accepts no {what} suite"));
    let dh_why = if dhe == Some(false) { cleared("DHE") } else { reason.clone() };
    settle(&mut state.facts.dh, &dh_why);
    let etm_why = if cbc == Some(false) { cleared("CBC") } else { reason.clone() };
    settle(&mut state.facts.encrypt_then_mac, &etm_why);
}

fn only_tls13(state: &State) -> bool {
    state.accepts(TlsVersion::Tls13) == Some(true)
        && [TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12]
            .into_iter()
            .all(|v| state.accepts(v) == Some(false))
}

/// The passes: at the newest version before TLS 1.3, broken classes first; then, where an
/// older version is accepted too, the broken ones there, since RC4 and 3DES are sometimes
/// left on for old versions alone.
fn plan(state: &State) -> VecDeque<Pass> {
    let mut passes = VecDeque::new();
    let accepted: Vec<TlsVersion> =
        state.accepted_versions().into_iter().filter(|v| *v <= TlsVersion::Tls12).collect();
    if let Some(newest) = accepted.first() {
        passes.push_back(pass(*newest, BROKEN));
        passes.push_back(pass(*newest, DATED));
        if *newest == TlsVersion::Tls12
            && let Some(oldest) = oldest_with_extensions(&accepted)
        {
            passes.push_back(pass(oldest, BROKEN));
        }
    }
    passes
}

/// The oldest version below TLS 1.2; SSLv3, which knows no extensions and with them no
/// curves, only where there is no other. Export suites ended with TLS 1.0 (RFC 4346
/// appendix A.5).
fn oldest_with_extensions(accepted: &[TlsVersion]) -> Option<TlsVersion> {
    let older = || accepted.iter().copied().filter(|v| *v < TlsVersion::Tls12);
    older().filter(|v| *v > TlsVersion::Ssl3).min().or_else(|| older().min())
}

fn pass(version: TlsVersion, classes: &[SuiteClass]) -> Pass {
    let anonymous_wanted = classes.contains(&SuiteClass::Anonymous);
    let mut rest: Vec<u16> = offers::before_tls13()
        .filter(|code| touches(*code, classes))
        .filter(|code| anonymous_wanted || !offers::is_anonymous(*code))
        .filter(|code| offers::fits(*code, version))
        .collect();
    // Servers that follow the client's order then show the broken ciphers of suites with a
    // certificate first. Usual suites come before rare ones: some servers do not read a
    // list beyond its first 64.
    rest.sort_by_key(|code| (offers::is_anonymous(*code), !offers::MODERN_FIRST.contains(code)));
    Pass { version, classes: classes.to_vec(), rest }
}

fn touches(code: u16, classes: &[SuiteClass]) -> bool {
    suites::classes(u32::from(code)).iter().any(|c| classes.contains(c))
}

/// Takes whether encrypt-then-MAC was echoed, which servers do only with a CBC suite.
pub(crate) fn note_etm(state: &mut State, code: u32, echoed: bool) {
    if suites::classes(code).contains(&SuiteClass::Cbc) && !state.facts.encrypt_then_mac.is_seen() {
        state.facts.encrypt_then_mac = Observed::seen(echoed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn classes_of(server: &Simulated) -> (usize, Vec<SuiteClass>, State) {
        let mut state = State::new(None);
        for version in &server.versions {
            state.set_version(*version, Observed::seen(true));
        }
        for version in TlsVersion::ALL {
            state.set_version(version, Observed::seen(false));
        }
        let asked = run(&mut SuiteClasses::default(), &mut state, server);
        let accepted = state
            .facts
            .suite_classes
            .iter()
            .filter(|(_, f)| f.get().is_some_and(|f| f.accepted))
            .map(|(c, _)| *c)
            .collect();
        (asked, accepted, state)
    }

    #[test]
    fn a_modern_server_is_cleared_in_few_questions() {
        let (asked, accepted, state) = classes_of(&Simulated::modern());
        assert!(asked <= 3, "{asked} questions");
        assert!(accepted.is_empty(), "{accepted:?}");
        assert!(state.facts.suite_classes.values().all(Observed::is_seen));
        assert_eq!(state.facts.dh.why().map(|w| w.cause), Some(Cause::NotApplicable));
    }

    #[test]
    fn a_stock_server_shows_its_classes() {
        let (asked, accepted, state) = classes_of(&Simulated::stock());
        assert!(asked <= 7, "{asked} questions");
        use SuiteClass::{Anonymous, Cbc, Dhe, RsaKeyExchange};
        assert_eq!(accepted, [Anonymous, RsaKeyExchange, Dhe, Cbc]);
        assert!(state.facts.dh.is_seen());
    }

    #[test]
    fn rc4_left_on_for_old_versions_alone_is_found() {
        let server = Simulated {
            versions: vec![TlsVersion::Tls10, TlsVersion::Tls12],
            only_before_tls12: vec![0x0005],
            suites: vec![0xc02f, 0x002f, 0x0005],
            ..Simulated::modern()
        };
        let (_, accepted, _) = classes_of(&server);
        assert!(accepted.contains(&SuiteClass::Rc4), "{accepted:?}");
    }

    #[test]
    fn what_only_the_oldest_version_has_is_found() {
        // An export suite, which TLS 1.1 abolished.
        let server = Simulated {
            versions: vec![TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12],
            only_in_tls10: vec![0x0003],
            suites: vec![0xc02f, 0x002f, 0x0003],
            ..Simulated::modern()
        };
        let (_, accepted, _) = classes_of(&server);
        assert!(accepted.contains(&SuiteClass::Export), "{accepted:?}");
    }

    #[test]
    fn silence_is_no_clearance() {
        let (_, accepted, state) = classes_of(&Simulated { silent: true, ..Simulated::stock() });
        assert!(accepted.is_empty());
        assert!(state.facts.suite_classes.values().all(|f| !f.is_seen()));
    }

    #[test]
    fn a_server_of_tls13_alone_needs_no_question() {
        let server = Simulated { versions: vec![TlsVersion::Tls13], ..Simulated::modern() };
        let (asked, accepted, state) = classes_of(&server);
        assert_eq!((asked, accepted.len()), (0, 0));
        assert!(state.facts.suite_classes.values().all(Observed::is_seen));
    }

    #[test]
    fn a_cut_scan_leaves_open_classes_undetermined() {
        let server = Simulated::stock();
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        let mut probe = SuiteClasses::default();
        let question = probe.ask(&state).unwrap();
        probe.learn(&mut state, &question, server.answer(&question));
        probe.finish(&mut state, Some(&Why::new(Cause::Budget, "the budget is spent")));
        let rc4 = state.facts.suite_classes.get(&SuiteClass::Rc4).unwrap();
        assert_eq!(rc4.why().map(|w| w.cause), Some(Cause::Budget));
        assert!(state.facts.suite_classes.get(&SuiteClass::Anonymous).unwrap().is_seen());
    }
}
