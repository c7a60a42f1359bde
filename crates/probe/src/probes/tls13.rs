//! Whether TLS 1.3 is accepted, where the real handshake did not tell: the server may have
//! groups or signature schemes that the TLS library does not know. A hello without a key
//! share makes it name its group (HelloRetryRequest). A server that objects to that form
//! is asked again with key shares.

use waxseal_model::{Cause, Observed, Why, tls::TlsVersion};
use waxseal_wire::tls::{alert, hello::KeyShare};

use super::Probe;
use crate::{
    offers,
    question::{Question, Reaction},
    shares,
    state::State,
};

/// insufficient_security: the suites are too weak for the server.
const INSUFFICIENT_SECURITY: u8 = 71;
/// Alerts by which a server says that it has nothing in common with the hello, rather than
/// that it cannot bear its form.
const ABOUT_CONTENT: [u8; 3] = [alert::HANDSHAKE_FAILURE, alert::PROTOCOL_VERSION, INSUFFICIENT_SECURITY];

/// See the module.
#[derive(Debug, Default)]
pub struct Tls13 {
    asked: u8,
    settled: bool,
}

impl Probe for Tls13 {
    fn name(&self) -> &'static str {
        "TLS 1.3"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.settled || self.asked > 1 || state.accepts(TlsVersion::Tls13).is_some() {
            return None;
        }
        self.asked += 1;
        let mut spec = state.hello(TlsVersion::Tls13, offers::TLS13.to_vec());
        spec.groups = offers::tls13_groups().collect();
        spec.key_share = match self.asked {
            1 => KeyShare::Empty,
            _ => KeyShare::Given(shares::usual(&spec.groups)),
        };
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Retry { group, suite } => {
                self.settled = true;
                state.note_retry(group, suite);
            }
            Reaction::Accepted(flight) => {
                self.settled = true;
                state.note_flight(spec, &flight);
            }
            Reaction::Refused { alert } => {
                let about_content = alert.is_some_and(|a| ABOUT_CONTENT.contains(&a));
                if about_content || self.asked > 1 {
                    self.settled = true;
                    state.set_version(TlsVersion::Tls13, Observed::seen(false));
                }
            }
            // It knows nothing of the list that names TLS 1.3 alone.
            Reaction::OtherVersion(_) => {
                self.settled = true;
                state.set_version(TlsVersion::Tls13, Observed::seen(false));
            }
            Reaction::Unanswered(why) => {
                self.settled = true;
                state.set_version(TlsVersion::Tls13, Observed::Failed { why });
            }
            Reaction::Ssl2 { .. } | Reaction::Established { .. } | Reaction::Attempted(_) => {
                self.settled = true;
                let text = "the answer to a TLS 1.3 hello was of another version";
                state.set_version(TlsVersion::Tls13, Observed::failed(Cause::Protocol, text));
            }
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        if let Some(why) = why
            && !state.facts.versions.contains_key(&TlsVersion::Tls13)
        {
            state.set_version(TlsVersion::Tls13, Observed::NotTried { why: why.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn asked_of(server: &Simulated) -> (usize, State) {
        let mut state = State::new(None);
        let asked = run(&mut Tls13::default(), &mut state, server);
        (asked, state)
    }

    #[test]
    fn a_server_with_a_rare_group_alone_is_found_to_accept_it() {
        // secp521r1, which the TLS library does not offer.
        let (asked, state) = asked_of(&Simulated { groups: vec![25], ..Simulated::modern() });
        assert_eq!((asked, state.accepts(TlsVersion::Tls13)), (1, Some(true)));
        assert_eq!(state.groups, [25]);
    }

    #[test]
    fn a_server_that_begins_and_cannot_end_a_handshake_does_not_accept_it() {
        let mut state = State::new(None);
        state.server_failed = true;
        run(&mut Tls13::default(), &mut state, &Simulated::modern());
        assert_eq!(state.accepts(TlsVersion::Tls13), Some(false));
        assert!(state.facts.suites_seen.is_empty(), "{:?}", state.facts.suites_seen);
        // RSA key exchange asks for no signature, so its flight proves nothing there.
        let by_rsa = Simulated { suites: vec![0x002f], ..Simulated::stock() };
        let hello = Question::Hello(Box::new(state.hello(TlsVersion::Tls12, vec![0x002f])));
        assert!(matches!(by_rsa.answer(&hello), Reaction::Accepted(_)));
        assert!(matches!(state.as_far_as_proven(by_rsa.answer(&hello)), Reaction::Refused { .. }));
    }

    #[test]
    fn a_server_that_only_lacks_common_ground_with_the_library_accepts_it() {
        // The real handshake ended with handshake_failure: an RSA-PSS key, for instance.
        let (_, state) = asked_of(&Simulated::modern());
        assert_eq!(state.accepts(TlsVersion::Tls13), Some(true));
    }

    #[test]
    fn an_old_server_refuses_it_by_version() {
        let (asked, state) =
            asked_of(&Simulated { versions: vec![TlsVersion::Tls12], ..Simulated::modern() });
        assert_eq!((asked, state.accepts(TlsVersion::Tls13)), (1, Some(false)));
    }

    #[test]
    fn a_server_that_cannot_bear_the_missing_key_share_is_asked_with_one() {
        let (asked, state) = asked_of(&Simulated { refuses_empty_share: true, ..Simulated::modern() });
        assert_eq!((asked, state.accepts(TlsVersion::Tls13)), (2, Some(true)));
        assert_eq!(state.groups, [23]);
    }

    #[test]
    fn silence_is_no_refusal() {
        let (asked, state) = asked_of(&Simulated { silent: true, ..Simulated::modern() });
        assert_eq!((asked, state.accepts(TlsVersion::Tls13)), (1, None));
    }
}
