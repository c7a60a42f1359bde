//! Sessions of TLS 1.3, where the server's signature is encrypted: complete handshakes tell
//! its scheme, the certificates that go with each, and the tickets, with the early data that
//! they allow. Schemes that were used are taken out until the server refuses the rest.

use waxseal_model::{
    Cause, Observed, Why,
    audit::{SignatureList, Tickets},
    tls::TlsVersion,
};
use waxseal_wire::tls::{
    private::Established,
    scheme::{self, KeyKind},
};

use super::{Probe, settle};
use crate::{
    attempt::{Attempt, Attempted, InSession},
    offers,
    question::{Question, Reaction},
    state::{RawChain, State},
};

const VERSION: TlsVersion = TlsVersion::Tls13;

/// See the module.
#[derive(Debug, Default)]
pub struct Tls13Sessions {
    settled: bool,
    refused: Vec<u16>,
    unoffered: Option<u16>,
    failed: Option<Why>,
    tickets: Observed<Option<Tickets>>,
    early_data: Observed<u32>,
}

impl Probe for Tls13Sessions {
    fn name(&self) -> &'static str {
        "sessions of TLS 1.3"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.settled || self.failed.is_some() || state.accepts(VERSION) != Some(true) {
            return None;
        }
        let mut unseen = every_scheme();
        unseen.retain(|s| !state.schemes.contains(&(VERSION, *s)) && !self.refused.contains(s));
        if unseen.is_empty() {
            return None;
        }
        let mut offered = unseen;
        if self.tickets.is_seen() {
            offered.truncate(offers::MOST_SCHEMES);
        } else {
            // Many servers have one scheme, which the real handshake showed: no session without.
            let shown = state.shown_schemes(VERSION);
            offered.truncate(offers::MOST_SCHEMES.saturating_sub(shown.len()));
            offered.extend(shown);
        }
        let mut spec = state.tls13_session_hello();
        // Certificates of older digests may be in the chain: that is another extension.
        spec.signature_schemes = offered;
        Some(Question::Attempt(Attempt::Session { spec: Box::new(spec), then: InSession::Tickets }))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Attempt(Attempt::Session { spec, .. }) = question else { return };
        match reaction {
            Reaction::Attempted(outcome) => {
                let Attempted::Session { established, .. } = *outcome else { return };
                self.note(state, &established, &spec.signature_schemes);
            }
            Reaction::Refused { .. } => self.refused.extend_from_slice(&spec.signature_schemes),
            Reaction::Unanswered(why) => self.failed = Some(why),
            other => self.failed = Some(Why::new(Cause::Protocol, other.describe())),
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let failed = why.or(self.failed.as_ref()).cloned();
        match state.accepts(VERSION) {
            Some(true) => self.list(state, failed.as_ref()),
            Some(false) => {
                let why = Why::new(Cause::NotApplicable, "TLS 1.3 is not accepted");
                settle(&mut self.early_data, &why);
            }
            None => {}
        }
        let unknown = Why::new(Cause::Prerequisite, "no session of TLS 1.3 could be established");
        settle(&mut self.early_data, failed.as_ref().unwrap_or(&unknown));
        let audit = state.audit();
        audit.early_data = self.early_data.clone();
        if self.tickets.is_seen() {
            audit.tickets = self.tickets.clone();
        }
    }
}

impl Tls13Sessions {
    fn note(&mut self, state: &mut State, session: &Established, offered: &[u16]) {
        if !self.tickets.is_seen() {
            let lifetime = session.tickets.iter().map(|t| t.lifetime).max();
            let count = u32::try_from(session.tickets.len()).unwrap_or(u32::MAX);
            self.tickets =
                Observed::seen(lifetime.map(|lifetime| Tickets { version: VERSION, count, lifetime }));
            let most = session.tickets.iter().filter_map(|t| t.max_early_data).max();
            self.early_data = Observed::seen(most.unwrap_or(0));
        }
        state.note_suite(VERSION, u32::from(session.flight.suite));
        if let Some(certificates) = session.flight.certificates.clone().filter(|c| !c.is_empty()) {
            let sni = state.sni.clone();
            state.note_chain(RawChain { version: VERSION, sni, possession_proven: false, certificates });
        }
        match session.signature_scheme {
            Some(scheme) if offered.contains(&scheme) => state.note_scheme(VERSION, scheme),
            Some(scheme) => {
                self.unoffered = Some(scheme);
                self.settled = true;
            }
            None => self.failed = Some(Why::new(Cause::Protocol, "the server's signature cannot be read")),
        }
    }

    fn list(&self, state: &mut State, failed: Option<&Why>) {
        let chosen: Vec<String> = state
            .schemes
            .iter()
            .filter(|(version, _)| *version == VERSION)
            .map(|(_, code)| scheme::label(*code))
            .collect();
        // Refusals say something of schemes only where a session came about: there are servers
        // whose groups the private client does not know.
        let established = self.tickets.is_seen();
        let fact = match failed {
            Some(why) if chosen.is_empty() => Observed::Failed { why: why.clone() },
            None if chosen.is_empty() => {
                Observed::failed(Cause::Unsupported, "no session of TLS 1.3 could be established to see it")
            }
            _ => Observed::seen(SignatureList {
                chosen,
                complete: failed.is_none() && established,
                unoffered: self.unoffered.map(scheme::label),
            }),
        };
        state.audit().signature_algorithms.insert(VERSION, fact);
    }
}

/// Schemes that TLS 1.3 allows in handshakes: no PKCS #1 v1.5, no DSA, no SHA-1 (RFC 8446
/// section 4.2.3), and post-quantum ones.
fn every_scheme() -> Vec<u16> {
    let usual = scheme::usual();
    let rank = |code: &u16| usual.iter().position(|u| u == code).unwrap_or(usize::MAX);
    let mut all: Vec<u16> = scheme::all()
        .iter()
        .map(|(code, _)| *code)
        .filter(|code| match scheme::key_kind(*code) {
            KeyKind::Rsa => (0x0804..=0x0806).contains(code),
            KeyKind::RsaPss | KeyKind::EdDsa | KeyKind::MlDsa => true,
            KeyKind::Ecdsa => !scheme::is_md5_or_sha1(*code) && *code != 0x0303,
            KeyKind::Dsa | KeyKind::Other => false,
        })
        .collect();
    all.sort_by_key(rank);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn sessions_of(server: &Simulated) -> (usize, State) {
        let mut state = State::new(None);
        state.set_version(VERSION, Observed::seen(true));
        let asked = run(&mut Tls13Sessions::default(), &mut state, server);
        (asked, state)
    }

    #[test]
    fn schemes_are_taken_out_until_the_rest_is_refused() {
        let server = Simulated { schemes: vec![0x0804, 0x0805], ..Simulated::modern() };
        let (asked, mut state) = sessions_of(&server);
        assert!(asked >= 2, "{asked}");
        let list = state.audit().signature_algorithms[&VERSION].get().unwrap().clone();
        assert_eq!(list.chosen, ["rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384"]);
        assert_eq!(state.audit().early_data, Observed::seen(0));
        assert_eq!(state.audit().tickets.get().cloned().flatten().map(|t| t.count), Some(1));
    }

    #[test]
    fn a_server_with_one_scheme_that_was_seen_before_has_sessions_all_the_same() {
        let server = Simulated { schemes: vec![0x0403], ..Simulated::modern() };
        let mut state = State::new(None);
        state.set_version(VERSION, Observed::seen(true));
        state.note_scheme(VERSION, 0x0403);
        run(&mut Tls13Sessions::default(), &mut state, &server);
        assert_eq!(state.audit().early_data, Observed::seen(0));
        let list = state.audit().signature_algorithms[&VERSION].get().unwrap().clone();
        assert_eq!((list.chosen, list.complete), (vec!["ecdsa_secp256r1_sha256".to_owned()], true));
    }

    #[test]
    fn groups_that_the_private_client_lacks_say_nothing_of_schemes() {
        let (_, mut state) = sessions_of(&Simulated { groups: vec![30], ..Simulated::modern() });
        let list = state.audit().signature_algorithms[&VERSION].clone();
        assert!(!list.is_seen(), "{list:?}");
        let mut seen = State::new(None);
        seen.set_version(VERSION, Observed::seen(true));
        seen.note_scheme(VERSION, 0x0804);
        run(&mut Tls13Sessions::default(), &mut seen, &Simulated { groups: vec![30], ..Simulated::modern() });
        let list = seen.audit().signature_algorithms[&VERSION].get().unwrap().clone();
        assert_eq!((list.chosen.len(), list.complete), (1, false));
    }

    #[test]
    fn silence_leaves_early_data_open() {
        let (_, mut state) = sessions_of(&Simulated { silent: true, ..Simulated::modern() });
        assert!(!state.audit().early_data.is_seen());
        assert!(!state.audit().signature_algorithms[&VERSION].is_seen());
    }
}
