//! One TLS 1.2 hello that asks for every extension: the answer tells whether TLS 1.2 is
//! accepted, the certificate, compression, extended master secret, secure renegotiation,
//! tickets, heartbeat and the downgrade signal, without another connection.

use waxseal_model::{Cause, Observed, Why, tls::TlsVersion};
use waxseal_wire::tls::{alert, flight::ServerFlight, hello::extension};

use super::{Probe, settle};
use crate::{
    offers::{self, MODERN_FIRST},
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct RichHello {
    asked: u8,
    settled: bool,
}

impl Probe for RichHello {
    fn name(&self) -> &'static str {
        "TLS 1.2 hello with all extensions"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.settled {
            return None;
        }
        let offered = match self.asked {
            0 => MODERN_FIRST.to_vec(),
            1 => other_suites(),
            _ => return None,
        };
        self.asked += 1;
        let mut spec = state.hello(TlsVersion::Tls12, offered);
        // Certificate timestamps are welcome (RFC 6962 section 3.3.1).
        spec.extra_extensions.push((extension::SIGNED_CERTIFICATE_TIMESTAMP, Vec::new()));
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        match reaction {
            Reaction::Accepted(flight) => {
                self.settled = true;
                state.note_flight(spec, &flight);
                state.rich_choice = Some((flight.version, flight.suite));
                if flight.version < TlsVersion::Tls12 {
                    state.set_version(TlsVersion::Tls12, Observed::seen(false));
                }
                note_extensions(state, &flight);
                if flight.downgrade_sentinel() == Some(TlsVersion::Tls12) {
                    state.doubt_absence_of_tls13();
                }
            }
            Reaction::Refused { alert } => {
                let about_version = alert == Some(alert::PROTOCOL_VERSION);
                // Another alert may only mean that no suite was in common: ask once more.
                if about_version || self.asked > 1 {
                    self.settled = true;
                    state.set_version(TlsVersion::Tls12, Observed::seen(false));
                }
            }
            Reaction::Unanswered(why) => {
                self.settled = true;
                state.set_version(TlsVersion::Tls12, Observed::Failed { why });
            }
            Reaction::Retry { .. }
            | Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                self.settled = true;
                state.set_version(
                    TlsVersion::Tls12,
                    Observed::failed(Cause::Protocol, "the answer to a TLS 1.2 hello was of another version"),
                );
            }
        }
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let why = match (why, state.accepts(TlsVersion::Tls12)) {
            (Some(why), _) => why.clone(),
            (None, Some(false)) => Why::new(Cause::NotApplicable, "TLS 1.2 is not accepted here"),
            (None, _) => Why::new(Cause::Prerequisite, "no TLS 1.2 handshake could be seen"),
        };
        if state.accepts(TlsVersion::Tls12).is_none() && !matches!(why.cause, Cause::Prerequisite) {
            state.set_version(TlsVersion::Tls12, Observed::NotTried { why: why.clone() });
        }
        let facts = &mut state.facts;
        settle(&mut facts.compression, &why);
        settle(&mut facts.extended_master_secret, &why);
        settle(&mut facts.secure_renegotiation, &why);
        settle(&mut facts.heartbeat, &why);
        settle(&mut facts.session_ticket, &why);
        settle(&mut facts.downgrade_sentinel, &why);
    }
}

/// Suites that may be used in TLS 1.2 and are not in the first hello, up to the number that
/// all servers can read; anonymous ones first, since there are mail servers without any
/// certificate.
fn other_suites() -> Vec<u16> {
    let mut others: Vec<u16> = offers::before_tls13().filter(|code| !MODERN_FIRST.contains(code)).collect();
    others.sort_by_key(|code| !offers::is_anonymous(*code));
    others.truncate(offers::LARGEST_OFFER);
    others
}

/// Takes what the extensions of a flight tell. In versions before TLS 1.2 the same
/// extensions exist, so an old server is read too.
pub(crate) fn note_extensions(state: &mut State, flight: &ServerFlight) {
    let facts = &mut state.facts;
    if !facts.compression.is_seen() {
        let methods = match flight.compression {
            0 => Vec::new(),
            1 => vec!["DEFLATE".to_owned()],
            64 => vec!["LZS".to_owned()],
            other => vec![format!("method {other}")],
        };
        facts.compression = Observed::seen(methods);
        facts.extended_master_secret = Observed::seen(flight.extended_master_secret);
        facts.secure_renegotiation = Observed::seen(flight.secure_renegotiation);
        facts.heartbeat = Observed::seen(flight.heartbeat);
        facts.session_ticket = Observed::seen(flight.session_ticket);
        facts.downgrade_sentinel = Observed::seen(flight.downgrade_sentinel().is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, run};

    #[test]
    fn a_modern_server_tells_all_in_one_question() {
        let server = Simulated::modern();
        let mut state = State::new(Some("mx.example.com".into()));
        let asked = run(&mut RichHello::default(), &mut state, &server);
        assert_eq!(asked, 1);
        assert_eq!(state.accepts(TlsVersion::Tls12), Some(true));
        assert_eq!(state.facts.extended_master_secret, Observed::seen(true));
        assert_eq!(state.facts.compression, Observed::seen(vec![]));
        assert_eq!(state.chains.len(), 1);
    }

    #[test]
    fn a_server_of_tls13_alone_is_cleared_of_tls12_by_its_alert() {
        let server = Simulated { versions: vec![TlsVersion::Tls13], ..Simulated::modern() };
        let mut state = State::new(None);
        assert_eq!(run(&mut RichHello::default(), &mut state, &server), 1);
        assert_eq!(state.accepts(TlsVersion::Tls12), Some(false));
        assert!(!state.facts.compression.is_seen());
    }

    #[test]
    fn a_server_with_rare_suites_is_asked_twice_before_a_verdict() {
        // Only TLS_RSA_WITH_SEED_CBC_SHA, which the first hello does not offer.
        let server = Simulated { suites: vec![0x0096], ..Simulated::modern() };
        let mut state = State::new(None);
        assert_eq!(run(&mut RichHello::default(), &mut state, &server), 2);
        assert_eq!(state.accepts(TlsVersion::Tls12), Some(true));
    }

    #[test]
    fn a_server_without_a_certificate_is_found_by_its_anonymous_suites() {
        // TLS_DH_anon_WITH_AES_128_GCM_SHA256.
        let server =
            Simulated { versions: vec![TlsVersion::Tls12], suites: vec![0x00a6], ..Simulated::modern() };
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, &server);
        assert_eq!(state.accepts(TlsVersion::Tls12), Some(true));
        assert_eq!(state.rich_choice, Some((TlsVersion::Tls12, 0x00a6)));
    }

    #[test]
    fn an_old_server_answers_with_its_own_version() {
        let server =
            Simulated { versions: vec![TlsVersion::Tls10], suites: vec![0x002f], ..Simulated::modern() };
        let mut state = State::new(None);
        run(&mut RichHello::default(), &mut state, &server);
        assert_eq!(state.accepts(TlsVersion::Tls12), Some(false));
        assert_eq!(state.accepts(TlsVersion::Tls10), Some(true));
    }
}
