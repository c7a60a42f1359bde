//! Schemes by which a server signs handshakes of TLS 1.2: those that did not show themselves
//! while suites were listed, alone, until they are refused. Some servers sign with what they
//! were not offered (RFC 5246 section 7.4.3 forbids it): that ends the search, as they take
//! no notice of the list.

use waxseal_model::{Cause, Observed, Why, audit::SignatureList, tls::TlsVersion};
use waxseal_wire::tls::{
    flight::{KeyExchange, ServerFlight},
    scheme,
    suites::{self, Authentication},
};

use super::Probe;
use crate::{
    offers::{self, MOST_SCHEMES},
    question::{Question, Reaction},
    state::State,
};

const VERSION: TlsVersion = TlsVersion::Tls12;

/// See the module.
#[derive(Debug, Default)]
pub struct SignatureSchemes {
    settled: bool,
    refused: Vec<u16>,
    unoffered: Option<u16>,
    failed: Option<Why>,
}

impl Probe for SignatureSchemes {
    fn name(&self) -> &'static str {
        "signature schemes"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.settled || self.failed.is_some() || state.accepts(VERSION) != Some(true) {
            return None;
        }
        // Suites with a signature that were chosen before: a refusal is about the schemes.
        let offered: Vec<u16> = signed_suites(state);
        let mut unseen = state.unseen_schemes(VERSION);
        unseen.retain(|s| !self.refused.contains(s));
        unseen.truncate(MOST_SCHEMES);
        if offered.is_empty() || unseen.is_empty() {
            return None;
        }
        let mut spec = state.hello(VERSION, offered);
        spec.groups = offers::every_curve();
        spec.signature_schemes = unseen;
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Accepted(flight) => match signed_with(&flight) {
                Some(scheme) if spec.signature_schemes.contains(&scheme) => state.note_flight(spec, &flight),
                Some(scheme) => {
                    self.unoffered = Some(scheme);
                    self.settled = true;
                }
                None => {
                    self.failed = Some(Why::new(Cause::Protocol, "the server's signature cannot be read"));
                }
            },
            Reaction::Refused { .. } => self.refused.extend_from_slice(&spec.signature_schemes),
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
        if state.accepts(VERSION) == Some(true) {
            let chosen: Vec<u16> =
                state.schemes.iter().filter(|(v, _)| *v == VERSION).map(|(_, s)| *s).collect();
            let why = why.or(self.failed.as_ref()).cloned();
            // The search ended by itself: nothing was left to offer, or nothing to sign.
            let complete = why.is_none();
            let fact = match why {
                Some(why) if chosen.is_empty() => Observed::Failed { why },
                _ => Observed::seen(SignatureList {
                    chosen: chosen.iter().map(|s| scheme::label(*s)).collect(),
                    complete,
                    unoffered: self.unoffered.map(scheme::label),
                }),
            };
            state.audit().signature_algorithms.insert(VERSION, fact);
        }
        let mut names: Vec<String> = Vec::new();
        for (_, code) in &state.schemes {
            let name = scheme::label(*code);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        state.facts.signature_algorithms = names;
    }
}

/// Suites of TLS 1.2 that were chosen and in which the server signs.
fn signed_suites(state: &State) -> Vec<u16> {
    let seen = state.facts.suites_seen.iter().filter(|s| s.version == VERSION);
    let codes = seen.filter_map(|s| u16::try_from(s.suite.code).ok());
    let signs = |code: &u16| {
        suites::is_ephemeral(u32::from(*code))
            && !matches!(
                suites::authentication(u32::from(*code)),
                Some(Authentication::Anonymous | Authentication::SharedSecret)
            )
    };
    codes.filter(signs).collect()
}

fn signed_with(flight: &ServerFlight) -> Option<u16> {
    match &flight.key_exchange {
        Some(KeyExchange::Ecdhe { scheme, .. } | KeyExchange::Dhe { scheme, .. }) => *scheme,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{
        rich_hello::RichHello,
        simulated::{Simulated, run},
    };

    fn schemes_of(server: &Simulated) -> (SignatureList, State) {
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, server);
        run(&mut SignatureSchemes::default(), &mut state, server);
        let list = state.facts.audit.as_ref().unwrap().signature_algorithms[&VERSION].get().unwrap().clone();
        (list, state)
    }

    #[test]
    fn every_scheme_is_found() {
        let server = Simulated { schemes: vec![0x0804, 0x0401, 0x0201], ..Simulated::modern() };
        let (list, state) = schemes_of(&server);
        assert_eq!(list.chosen, ["rsa_pss_rsae_sha256", "rsa_pkcs1_sha256", "rsa_pkcs1_sha1"]);
        assert!(list.complete && list.unoffered.is_none());
        assert_eq!(state.facts.signature_algorithms, list.chosen);
    }

    #[test]
    fn a_rare_scheme_is_found_though_servers_read_but_so_many() {
        let all = offers::every_scheme();
        assert!(all.len() > MOST_SCHEMES);
        let (first, last) = (all[0], all[all.len() - 1]);
        let server =
            Simulated { schemes: vec![first, last], most_schemes: MOST_SCHEMES, ..Simulated::modern() };
        let (list, _) = schemes_of(&server);
        assert_eq!(list.chosen, [scheme::label(first), scheme::label(last)]);
        assert!(list.complete);
    }

    #[test]
    fn a_server_that_takes_no_notice_of_the_list_is_told_apart() {
        let server = Simulated { schemes: vec![0x0201], ignores_schemes: true, ..Simulated::modern() };
        let (list, _) = schemes_of(&server);
        assert_eq!(list.chosen, ["rsa_pkcs1_sha1"]);
        assert_eq!(list.unoffered.as_deref(), Some("rsa_pkcs1_sha1"));
    }

    #[test]
    fn without_a_signature_there_is_nothing_to_list() {
        let (list, _) = schemes_of(&Simulated { suites: vec![0x002f], ..Simulated::modern() });
        assert!(list.chosen.is_empty() && list.complete);
    }
}
