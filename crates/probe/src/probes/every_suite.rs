//! Every suite before TLS 1.3, by version: all that are left are offered, the chosen one is
//! taken out, until the server refuses the rest. Each answer also shows a group and a
//! signature scheme, those that were not seen yet being offered first.
//!
//! Where the server follows its own order, the sequence of its choices is that order, so
//! nothing is left out; where it follows the client's, suites that showed themselves before
//! are not asked for again. Versions before the newest one are not listed all over: what the
//! newer version lacks is offered, and of what it has, a sample of every key exchange and
//! every cipher; only if that comes out as expected, the rest is inferred.
//!
//! There are servers that stop reading after 64 suites and refuse the rest unseen. So the first
//! refusal of a long list counts only if the same list with an accepted suite at its end is
//! gone along with.

use std::collections::VecDeque;

use waxseal_model::{
    Cause, Observed, Why,
    audit::SuiteList,
    tls::{SuiteOrder, TlsVersion},
};
use waxseal_net::attempt::Then;
use waxseal_wire::tls::{
    hello::HelloSpec,
    suites::{self, Authentication, Cipher, KeyExchange, Mac, Mode},
};

use super::Probe;
use crate::{
    attempt::Attempted,
    offers,
    question::{Question, Reaction},
    state::State,
};

/// So many suites are read by every server.
const SURELY_READ: usize = 64;

/// Whether older versions are listed by a sample, or suite by suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Thoroughness {
    /// By a sample of what a newer version has.
    #[default]
    Sample,
    /// Each suite in each version.
    Each,
}

/// See the module.
#[derive(Debug)]
pub struct EverySuite {
    thoroughness: Thoroughness,
    listings: Option<VecDeque<Listing>>,
    /// The server reads long lists to their end; none as long as that was not asked.
    reads_all: Option<bool>,
    /// What was refused, and in which version, until it is known whether it was read.
    doubted: Option<(TlsVersion, Vec<u16>)>,
    failed: Option<Why>,
}

/// What is found out about one version.
#[derive(Debug)]
struct Listing {
    version: TlsVersion,
    /// What is still to be offered, in pieces that the server can read.
    rest: Vec<u16>,
    /// In the order chosen.
    chosen: Vec<u16>,
    /// In a newer version; a sample of them is left to be asked for.
    expected: Vec<u16>,
    /// The sample was not what was expected, so that nothing is inferred.
    is_surprising: bool,
    /// For each choice, what stood before it in the offer.
    passed_over: Vec<Vec<u16>>,
    /// A piece was refused after something had been chosen: choices from different pieces do
    /// not show the server's order.
    pieces: Pieces,
}

/// How a list that does not fit into one hello comes into order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pieces {
    /// All choices came from one piece so far.
    One,
    /// That piece is refused by now.
    Over,
    /// Choices came from several.
    Several,
    /// They were, or are being, offered together once more.
    Joined,
}

impl EverySuite {
    /// Lists all versions that are accepted.
    pub fn new(thoroughness: Thoroughness) -> Self {
        Self { thoroughness, listings: None, reads_all: None, doubted: None, failed: None }
    }
}

impl Probe for EverySuite {
    fn name(&self) -> &'static str {
        "every suite"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.failed.is_some() {
            return None;
        }
        if self.listings.is_none() {
            self.listings = Some(versions(state).into_iter().map(|v| Listing::new(v, state)).collect());
        }
        if let Some((version, piece)) = &self.doubted {
            return known_last(state, *version, piece).map(|spec| Question::Hello(Box::new(spec)));
        }
        let thoroughness = self.thoroughness;
        let listings = self.listings.as_mut()?;
        for at in 0..listings.len() {
            let newer = listings.iter().take(at).next_back().map(Listing::found);
            let listing = listings.get_mut(at)?;
            if let Some(newer) = newer.filter(|_| thoroughness == Thoroughness::Sample) {
                listing.expect(&newer);
            }
            listing.join_pieces(state);
            if let Some(question) = listing.ask(state) {
                return Some(question);
            }
        }
        None
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Some(spec) = question.spec() else { return };
        let version = spec.max_version;
        let Some(listing) = self.listings.iter_mut().flatten().find(|l| l.version == version) else { return };
        if let Some((_, piece)) = self.doubted.take() {
            match reaction {
                Reaction::Unanswered(why) => self.failed = Some(why),
                // It stops reading: shorter lists from now on.
                Reaction::Refused { .. } if state.offer_fewer_than(piece.len()) => {
                    self.reads_all = Some(false)
                }
                _ => {
                    self.reads_all = Some(true);
                    listing.refused(&piece);
                }
            }
            return;
        }
        match without_reply(state, question, reaction) {
            Reaction::Accepted(flight) => {
                state.note_flight(spec, &flight);
                super::suite_classes::note_etm(state, u32::from(flight.suite), flight.encrypt_then_mac);
                listing.take(&spec.suites, flight.suite, flight.version == version);
            }
            Reaction::Refused { .. } => {
                let is_long = spec.suites.len() > SURELY_READ && !listing.rest.is_empty();
                if is_long && self.reads_all.is_none() && known_last(state, version, &spec.suites).is_some() {
                    self.doubted = Some((version, spec.suites.clone()));
                } else {
                    listing.refused(&spec.suites);
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
        let why = why.or(self.failed.as_ref()).cloned();
        let listings = self.listings.take().unwrap_or_default();
        for version in versions(state) {
            let seen = seen_in(state, version);
            let listing = listings.iter().find(|l| l.version == version);
            let (names, list) = match listing {
                Some(listing) => listing.result(state, why.as_ref()),
                None => partial(&seen, why.as_ref()),
            };
            state.facts.suites.insert(version, names);
            state.audit().suite_lists.insert(version, list);
        }
        if let Some(kinds) = Some(seen_kinds(state)).filter(|_| state.accepts(TlsVersion::Ssl2) == Some(true))
        {
            // The server's own hello lists all that it has.
            state.facts.suites.insert(TlsVersion::Ssl2, kinds);
            let list = SuiteList {
                complete: true,
                why_incomplete: None,
                order: None,
                chacha_by_client: None,
                inferred: Vec::new(),
            };
            state.audit().suite_lists.insert(TlsVersion::Ssl2, Observed::seen(list));
        }
    }
}

/// A hello with the refused `piece`, but for one suite at its end that is known to be accepted.
fn known_last(state: &State, version: TlsVersion, piece: &[u16]) -> Option<HelloSpec> {
    let known = seen_in(state, version).into_iter().find(|code| !piece.contains(code))?;
    let (_, others) = piece.split_last()?;
    Some(listing_hello(state, version, others.iter().copied().chain([known]).collect()))
}

fn listing_hello(state: &State, version: TlsVersion, offered: Vec<u16>) -> HelloSpec {
    let mut spec = state.hello(version, offered);
    spec.groups = state.unseen_first(&offers::every_curve());
    spec.signature_schemes = state.unseen_schemes_first(version);
    if version == TlsVersion::Ssl3 {
        spec.server_name = None;
    }
    spec
}

/// Files the reply to what followed the hello, and leaves the rest.
fn without_reply(state: &mut State, question: &Question, reaction: Reaction) -> Reaction {
    match (question, reaction) {
        (Question::Then(_, Then::Robot { block, .. }), Reaction::Attempted(outcome)) => match *outcome {
            Attempted::Replied { flight, reply } => {
                state.robot.note(*block, reply);
                Reaction::Accepted(flight)
            }
            other => Reaction::Attempted(Box::new(other)),
        },
        (_, reaction) => reaction,
    }
}

/// The versions to list, newest first.
fn versions(state: &State) -> Vec<TlsVersion> {
    state.accepted_versions().into_iter().filter(|v| *v <= TlsVersion::Tls12).collect()
}

/// Two-byte suites that were chosen in a version by any question.
fn seen_in(state: &State, version: TlsVersion) -> Vec<u16> {
    let seen = state.facts.suites_seen.iter().filter(|s| s.version == version);
    seen.filter_map(|s| u16::try_from(s.suite.code).ok()).collect()
}

fn seen_kinds(state: &State) -> Vec<String> {
    let seen = state.facts.suites_seen.iter().filter(|s| s.version == TlsVersion::Ssl2);
    seen.map(|s| s.suite.name.clone()).collect()
}

fn name(code: u16) -> String {
    suites::suite(u32::from(code)).name
}

/// A list of a version that was not come to.
fn partial(seen: &[u16], why: Option<&Why>) -> (Vec<String>, Observed<SuiteList>) {
    let unproven = || Why::new(Cause::Declined, "every hello that was to list them was refused");
    let why = why.cloned().unwrap_or_else(unproven);
    let list = SuiteList {
        complete: false,
        why_incomplete: Some(why),
        order: None,
        chacha_by_client: None,
        inferred: Vec::new(),
    };
    (seen.iter().copied().map(name).collect(), Observed::seen(list))
}

impl Listing {
    fn new(version: TlsVersion, state: &State) -> Self {
        let kinds: Vec<Authentication> =
            seen_in(state, version).iter().filter_map(|c| suites::authentication(u32::from(*c))).collect();
        let mut rest = offers::every_suite(version, &kinds);
        let mut chosen = Vec::new();
        if state.facts.suite_order.get() == Some(&SuiteOrder::Client) {
            chosen = seen_in(state, version);
            rest.retain(|code| !chosen.contains(code));
        }
        Self {
            version,
            rest,
            chosen,
            expected: Vec::new(),
            is_surprising: false,
            passed_over: Vec::new(),
            pieces: Pieces::One,
        }
    }

    /// All that is known to be accepted, chosen or not.
    fn found(&self) -> Vec<u16> {
        self.chosen.iter().chain(&self.expected).copied().collect()
    }

    /// Takes the suites of a newer version out of what must be asked for one by one.
    fn expect(&mut self, newer: &[u16]) {
        if self.is_surprising || !self.expected.is_empty() {
            return;
        }
        let expected = |code: &u16| offers::fits(*code, self.version) && self.rest.contains(code);
        self.expected = newer.iter().copied().filter(expected).collect();
        self.rest.retain(|code| !self.expected.contains(code));
        // Who shares a secret with somebody does so in the newest version.
        let needs_secret = |code: &u16| suites::needs_shared_secret(u32::from(*code));
        if !newer.iter().any(needs_secret) {
            self.rest.retain(|code| !needs_secret(code));
        }
    }

    fn ask(&self, state: &State) -> Option<Question> {
        let offered = if self.rest.is_empty() { self.sample() } else { self.rest.clone() };
        if offered.is_empty() {
            return None;
        }
        let spec = listing_hello(state, self.version, offered);
        // RSA key exchanges are few: where one is on offer, use it for two questions.
        let is_rsa = |code: &u16| suites::key_exchange(u32::from(*code)) == Some(KeyExchange::Rsa);
        match state.robot.next_beside().filter(|_| spec.suites.iter().any(is_rsa)) {
            Some(then) => Some(Question::Then(Box::new(spec), then)),
            None => Some(Question::Hello(Box::new(spec))),
        }
    }

    /// Expected suites with a key exchange or a cipher that was not chosen yet in this
    /// version; those that settle both first.
    fn sample(&self) -> Vec<u16> {
        let seen: Vec<Factors> = self.chosen.iter().filter_map(|code| factors(*code)).collect();
        let open = |code: u16| {
            let Some((exchange, cipher)) = factors(code) else { return 2 };
            u8::from(!seen.iter().any(|s| s.0 == exchange)) + u8::from(!seen.iter().any(|s| s.1 == cipher))
        };
        let mut sample: Vec<u16> = self.expected.iter().copied().filter(|code| open(*code) > 0).collect();
        if sample.iter().any(|code| open(*code) == 2) {
            sample.retain(|code| open(*code) == 2);
        }
        sample
    }

    fn take(&mut self, offered: &[u16], suite: u16, is_same_version: bool) {
        self.rest.retain(|code| *code != suite);
        self.expected.retain(|code| *code != suite);
        if is_same_version && !self.chosen.contains(&suite) {
            self.passed_over.push(offered.iter().copied().take_while(|code| *code != suite).collect());
            self.chosen.push(suite);
            if self.pieces == Pieces::Over {
                self.pieces = Pieces::Several;
            }
        }
    }

    fn refused(&mut self, offered: &[u16]) {
        if self.rest.is_empty() {
            // Of what a newer version has, this one lacks something: ask for each.
            self.is_surprising = true;
            let refused = |code: &u16| offered.contains(code);
            self.rest = std::mem::take(&mut self.expected).into_iter().filter(|c| !refused(c)).collect();
        } else {
            self.rest.retain(|code| !offered.contains(code));
            if self.pieces == Pieces::One && !self.chosen.is_empty() {
                self.pieces = Pieces::Over;
            }
        }
    }

    /// The server's order shows only among suites that were offered together.
    fn join_pieces(&mut self, state: &State) {
        let by_server = self.order(state) == Some(SuiteOrder::Server);
        if self.pieces == Pieces::Several && by_server && self.is_complete() {
            self.pieces = Pieces::Joined;
            self.rest = std::mem::take(&mut self.chosen);
            self.passed_over.clear();
        }
    }

    fn is_complete(&self) -> bool {
        // A version that is accepted has a suite: who refuses them all refuses something else.
        self.rest.is_empty() && self.sample().is_empty() && !self.found().is_empty()
    }

    fn result(&self, state: &State, why: Option<&Why>) -> (Vec<String>, Observed<SuiteList>) {
        let complete = self.is_complete();
        if !complete {
            let mut seen = self.chosen.clone();
            seen.extend(seen_in(state, self.version).into_iter().filter(|c| !self.chosen.contains(c)));
            return partial(&seen, why);
        }
        let order = self.order(state);
        let mut list = self.found();
        match order {
            Some(SuiteOrder::Server) => self.sort_as_newer(&mut list, state),
            _ => suites::best_first(&mut list),
        }
        let inferred: Vec<String> = self.expected.iter().copied().map(name).collect();
        let list_facts =
            SuiteList { complete, why_incomplete: None, order, chacha_by_client: None, inferred };
        (list.into_iter().map(name).collect(), Observed::seen(list_facts))
    }

    /// Whose order this version follows, by its own choices where they tell.
    fn order(&self, state: &State) -> Option<SuiteOrder> {
        if self.found().len() < 2 {
            return None;
        }
        // With the client's order, whatever stood before the choice is not accepted.
        let contradicted = self.passed_over.iter().flatten().any(|code| self.chosen.contains(code));
        match (state.facts.suite_order.get(), contradicted) {
            // Neither the one nor the other: some devices choose by rules of their own.
            (Some(SuiteOrder::Client), true) => None,
            (_, true) => Some(SuiteOrder::Server),
            (Some(order), false) => Some(*order),
            (None, false) => (self.passed_over.len() > 1).then_some(SuiteOrder::Client),
        }
    }

    /// Inferred suites go where the newer version has them.
    fn sort_as_newer(&self, list: &mut [u16], state: &State) {
        if self.expected.is_empty() {
            return;
        }
        let newer = state.facts.suites.get(&TlsVersion::Tls12).cloned().unwrap_or_default();
        let position = |code: &u16| newer.iter().position(|n| *n == name(*code)).unwrap_or(usize::MAX);
        list.sort_by_key(position);
    }
}

/// What a suite is made of, as far as it can be refused apart: key exchange with
/// authentication, and cipher with its MAC.
type Factors = ((KeyExchange, Authentication), (Cipher, u16, Mode, Mac));

fn factors(code: u16) -> Option<Factors> {
    suites::properties(u32::from(code))
        .map(|p| ((p.key_exchange, p.authentication), (p.cipher, p.bits, p.mode, p.mac)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        legacy_versions::LegacyVersions,
        rich_hello::RichHello,
        simulated::{Simulated, run},
        suite_order::SuiteOrder as OrderProbe,
    };

    /// The lists, and how many questions they took.
    fn listed(server: &Simulated, thoroughness: Thoroughness) -> (usize, State) {
        let mut state = State::new(Some("mx.example.com".into()));
        run(&mut RichHello::default(), &mut state, server);
        run(&mut LegacyVersions::default(), &mut state, server);
        run(&mut OrderProbe::default(), &mut state, server);
        let asked = run(&mut EverySuite::new(thoroughness), &mut state, server);
        (asked, state)
    }

    fn names(codes: &[u16]) -> Vec<String> {
        codes.iter().copied().map(name).collect()
    }

    fn list(state: &State, version: TlsVersion) -> SuiteList {
        let lists = &state.facts.audit.as_ref().unwrap().suite_lists;
        lists[&version].get().unwrap().clone()
    }

    fn sorted(state: &State, version: TlsVersion) -> Vec<String> {
        let mut names = state.facts.suites[&version].clone();
        names.sort();
        names
    }

    fn expected(server: &Simulated, version: TlsVersion) -> Vec<String> {
        let fits = |code: &u16| offers::fits(*code, version) && !offers::is_of_tls13(*code);
        let here = |code: &u16| {
            (version < TlsVersion::Tls12 || !server.only_before_tls12.contains(code))
                && (version == TlsVersion::Tls10 || !server.only_in_tls10.contains(code))
        };
        let mut names: Vec<String> =
            server.suites.iter().copied().filter(fits).filter(here).map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn lists_are_complete_in_every_version() {
        let server = Simulated::stock();
        for thoroughness in [Thoroughness::Sample, Thoroughness::Each] {
            let (_, state) = listed(&server, thoroughness);
            for version in [TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12] {
                assert_eq!(sorted(&state, version), expected(&server, version), "{version:?}");
                assert!(list(&state, version).complete);
            }
        }
    }

    #[test]
    fn suites_of_newer_versions_are_listed_where_they_are_taken() {
        // CBC with SHA-256 belongs to TLS 1.2, elliptic curves to TLS 1.0.
        let server = Simulated {
            versions: vec![TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls12],
            suites: vec![0xc027, 0xc013, 0x002f],
            disregards_versions: true,
            ..Simulated::stock()
        };
        let (_, state) = listed(&server, Thoroughness::Sample);
        let mut all = names(&server.suites);
        all.sort();
        for version in [TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls12] {
            assert_eq!(sorted(&state, version), all, "{version:?}");
        }
    }

    #[test]
    fn a_server_that_stops_reading_is_offered_shorter_lists() {
        // The last of those that common libraries have is far beyond the first 64.
        let rare = offers::every_suite(TlsVersion::Tls12, &[])[110];
        let server = Simulated {
            versions: vec![TlsVersion::Tls12],
            suites: vec![0xc02f, 0x002f, rare],
            suites_read: 64,
            ..Simulated::modern()
        };
        let (_, state) = listed(&server, Thoroughness::Sample);
        assert_eq!(sorted(&state, TlsVersion::Tls12), expected(&server, TlsVersion::Tls12));
        assert!(state.most_suites.is_some());
    }

    #[test]
    fn no_more_schemes_are_offered_than_every_server_reads() {
        let server = Simulated {
            suites: vec![0xc02f, 0xc030, 0xc013, 0x009e, 0xcca8],
            schemes: vec![0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601],
            most_schemes: offers::MOST_SCHEMES,
            ..Simulated::stock()
        };
        let (_, state) = listed(&server, Thoroughness::Sample);
        assert_eq!(sorted(&state, TlsVersion::Tls12), expected(&server, TlsVersion::Tls12));
    }

    #[test]
    fn a_sample_costs_less_and_says_what_is_inferred() {
        let server = Simulated::stock();
        let (sample, state) = listed(&server, Thoroughness::Sample);
        let (each, all) = listed(&server, Thoroughness::Each);
        assert!(sample < each, "{sample} and {each}");
        assert!(list(&state, TlsVersion::Tls12).inferred.is_empty());
        assert!(!list(&state, TlsVersion::Tls10).inferred.is_empty());
        assert!(list(&all, TlsVersion::Tls10).inferred.is_empty());
    }

    #[test]
    fn what_old_versions_have_alone_is_listed_there() {
        let server = Simulated {
            suites: vec![0xc02f, 0xc013, 0x002f, 0x0005, 0x000a],
            only_before_tls12: vec![0x0005],
            only_in_tls10: vec![0x000a],
            ..Simulated::stock()
        };
        let (_, state) = listed(&server, Thoroughness::Sample);
        for version in [TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12] {
            assert_eq!(sorted(&state, version), expected(&server, version), "{version:?}");
        }
    }

    #[test]
    fn the_servers_order_is_that_of_its_choices_even_over_several_pieces() {
        // The last one is so rare that it goes into a later piece.
        let order = [0x002f, 0xc013, 0xc02f, 0x0084, 0xc061];
        let server = Simulated {
            versions: vec![TlsVersion::Tls12],
            suites: order.to_vec(),
            server_order: true,
            ..Simulated::modern()
        };
        let (_, state) = listed(&server, Thoroughness::Sample);
        assert_eq!(state.facts.suites[&TlsVersion::Tls12], names(&order));
        assert_eq!(list(&state, TlsVersion::Tls12).order, Some(SuiteOrder::Server));
        let mut small = State::new(None);
        run(&mut RichHello::default(), &mut small, &server);
        small.most_suites = Some(8);
        run(&mut EverySuite::new(Thoroughness::Sample), &mut small, &server);
        assert_eq!(small.facts.suites[&TlsVersion::Tls12], names(&order), "in pieces of eight");
    }

    #[test]
    fn blocks_of_robot_go_along_with_suites_of_rsa() {
        let server = Simulated { oracle: true, ..Simulated::stock() };
        let (_, state) = listed(&server, Thoroughness::Each);
        assert!(state.robot.next().is_some(), "the oracle wants confirming");
        let sound = Simulated {
            suites: (0x002f..=0x0035)
                .chain([0x003c, 0x003d, 0x0041, 0x0084, 0x009c, 0x009d, 0xc09c, 0xc09d])
                .collect(),
            ..Simulated::stock()
        };
        let (_, state) = listed(&sound, Thoroughness::Each);
        assert_eq!(state.robot.fact().and_then(|f| f.get().map(|f| f.oracle)), Some(None));
    }

    #[test]
    fn a_server_that_refuses_all_of_it_is_not_listed_as_having_nothing() {
        let mut state = State::new(None);
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        let server = Simulated { versions: vec![TlsVersion::Tls10], ..Simulated::modern() };
        run(
            &mut EverySuite::new(Thoroughness::Sample),
            &mut state,
            &Simulated { suites: Vec::new(), ..server },
        );
        let list = list(&state, TlsVersion::Tls12);
        assert!(!list.complete && list.why_incomplete.is_some());
    }

    #[test]
    fn silence_leaves_a_list_incomplete_and_says_why() {
        let server = Simulated::stock();
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, &server);
        run(&mut EverySuite::new(Thoroughness::Sample), &mut state, &Simulated { silent: true, ..server });
        let list = list(&state, TlsVersion::Tls12);
        assert!(!list.complete);
        assert_eq!(list.why_incomplete.map(|why| why.cause), Some(Cause::Timeout));
        assert_eq!(state.facts.suites[&TlsVersion::Tls12], names(&[0xc02f]));
    }
}
