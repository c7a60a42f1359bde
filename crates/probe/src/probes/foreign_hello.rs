//! Hellos that are meant for another service (ALPACA): a name in SNI that is not the server's,
//! protocols in ALPN that are not mail's. Both at once; only if that is refused, each alone.

use waxseal_model::{Cause, Observed, Why, audit::ForeignHello as Fact, tls::TlsVersion};
use waxseal_wire::tls::hello::HelloSpec;

use super::{Probe, settle};
use crate::{
    attempt::{Attempt, Attempted, InSession},
    offers::MODERN_FIRST,
    question::{Question, Reaction},
    state::State,
};

/// application_layer_protocol_negotiation (RFC 7301).
const ALPN: u16 = 16;
/// A name that no server can have (RFC 6761).
const FOREIGN_NAME: &str = "www.foreign.invalid";
/// A protocol that no mail server speaks.
const FOREIGN_PROTOCOL: &[u8] = b"h2";

/// See the module.
#[derive(Debug, Default)]
pub struct ForeignHello {
    stage: Stage,
    sni: Observed<bool>,
    alpn: Observed<bool>,
    /// Something was accepted, or refused in so many words: refusals are about what is foreign.
    is_proven: bool,
}

/// Which foreign things the next hello carries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Both,
    Sni,
    Alpn,
    /// Nothing foreign at all: whether the server goes along with the rest of the hello.
    Control,
    Over,
}

/// unrecognized_name and no_application_protocol: nothing else is meant by them.
const ABOUT_WHAT_IS_FOREIGN: [u8; 2] = [112, 120];

impl Probe for ForeignHello {
    fn name(&self) -> &'static str {
        "hello for another service"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        let version = state.accepted_versions().into_iter().find(|v| *v > TlsVersion::Ssl3)?;
        let mut spec = hello(state, version);
        if self.stage == Stage::Over {
            return None;
        }
        if matches!(self.stage, Stage::Both | Stage::Sni) {
            spec.server_name = Some(FOREIGN_NAME.to_owned());
        }
        if matches!(self.stage, Stage::Both | Stage::Alpn) {
            let length = u8::try_from(FOREIGN_PROTOCOL.len()).unwrap_or_default();
            let list = [&[0, length + 1, length], FOREIGN_PROTOCOL].concat();
            spec.extra_extensions.push((ALPN, list));
        }
        if version < TlsVersion::Tls13 {
            return Some(Question::Hello(Box::new(spec)));
        }
        // In TLS 1.3 servers look at protocols after their ServerHello: a whole session tells.
        Some(Question::Attempt(Attempt::Session { spec: Box::new(spec), then: InSession::Tickets }))
    }

    fn learn(&mut self, state: &mut State, _question: &Question, reaction: Reaction) {
        let accepted = match reaction {
            Reaction::Accepted(flight) => {
                // The certificate for another name is none of the target's.
                state.note_suite(flight.version, u32::from(flight.suite));
                Observed::seen(true)
            }
            // Servers may look at names and protocols only after the key share is settled.
            Reaction::Retry { .. } => {
                Observed::failed(Cause::Protocol, "the server asked for another key share first")
            }
            Reaction::Attempted(outcome) if matches!(*outcome, Attempted::Session { .. }) => {
                Observed::seen(true)
            }
            Reaction::Refused { alert } => {
                self.is_proven |= alert.is_some_and(|alert| ABOUT_WHAT_IS_FOREIGN.contains(&alert));
                Observed::seen(false)
            }
            Reaction::Unanswered(why) => Observed::Failed { why },
            Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::Attempted(_)
            | Reaction::OtherVersion(_) => {
                Observed::failed(Cause::Protocol, "the answer was of another version than the hello")
            }
        };
        self.is_proven |= accepted == Observed::seen(true);
        self.stage = match (self.stage, accepted) {
            (Stage::Both, Observed::Seen { value: true }) => {
                (self.sni, self.alpn) = (Observed::seen(true), Observed::seen(true));
                Stage::Over
            }
            (Stage::Both, Observed::Seen { value: false }) => Stage::Sni,
            (Stage::Both, fact) => {
                (self.sni, self.alpn) = (fact.clone(), fact);
                Stage::Over
            }
            (Stage::Sni, fact) => {
                self.sni = fact;
                Stage::Alpn
            }
            (Stage::Alpn, fact) => {
                self.alpn = fact;
                if self.is_proven { Stage::Over } else { Stage::Control }
            }
            (Stage::Control | Stage::Over, _) => Stage::Over,
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let no_version = Why::new(Cause::Prerequisite, "no version is known to be accepted");
        let why = why.unwrap_or(&no_version);
        settle(&mut self.sni, why);
        settle(&mut self.alpn, why);
        for fact in [&mut self.sni, &mut self.alpn] {
            if !self.is_proven && *fact == Observed::seen(false) {
                let text = "nothing shows that it was refused for what is foreign in it";
                *fact = Observed::failed(Cause::Declined, text);
            }
        }
        let fact = Fact { sni_accepted: self.sni.clone(), alpn_accepted: self.alpn.clone() };
        state.audit().foreign_hello = match (&self.sni, &self.alpn) {
            (Observed::NotTried { why }, Observed::NotTried { .. }) => {
                Observed::NotTried { why: why.clone() }
            }
            _ => Observed::seen(fact),
        };
    }
}

fn hello(state: &State, version: TlsVersion) -> HelloSpec {
    if version < TlsVersion::Tls13 {
        return state.hello(version, MODERN_FIRST.to_vec());
    }
    state.tls13_session_hello()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::simulated::{Simulated, run};

    fn foreign(server: &Simulated) -> (usize, Observed<Fact>) {
        let mut state = State::new(Some("mx.example.com".into()));
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        let asked = run(&mut ForeignHello::default(), &mut state, server);
        (asked, state.audit().foreign_hello.clone())
    }

    #[test]
    fn one_hello_shows_that_a_server_minds_neither() {
        let (asked, fact) = foreign(&Simulated::modern());
        assert_eq!(asked, 1);
        let fact = fact.get().cloned().unwrap();
        assert_eq!((fact.sni_accepted, fact.alpn_accepted), (Observed::seen(true), Observed::seen(true)));
    }

    #[test]
    fn what_it_minds_is_told_apart() {
        let strict = Simulated { strict_name: Some("mx.example.com".into()), ..Simulated::modern() };
        let (asked, fact) = foreign(&strict);
        assert_eq!(asked, 3);
        let fact = fact.get().cloned().unwrap();
        assert_eq!((fact.sni_accepted, fact.alpn_accepted), (Observed::seen(false), Observed::seen(true)));
    }

    #[test]
    fn a_server_that_refuses_the_rest_of_the_hello_too_minds_nothing_foreign() {
        // The private client has none of its groups.
        let server = Simulated { groups: vec![30], ..Simulated::modern() };
        let mut state = State::new(Some("mx.example.com".into()));
        state.set_version(TlsVersion::Tls13, Observed::seen(true));
        let asked = run(&mut ForeignHello::default(), &mut state, &server);
        let fact = state.audit().foreign_hello.get().cloned().unwrap();
        assert_eq!((asked, fact.sni_accepted.is_seen(), fact.alpn_accepted.is_seen()), (4, false, false));
    }

    #[test]
    fn silence_says_nothing() {
        let (_, fact) = foreign(&Simulated { silent: true, ..Simulated::modern() });
        assert!(!fact.get().unwrap().sni_accepted.is_seen());
    }
}
