//! The certificate of clients that name no server: DANE senders of old, devices, some
//! libraries. Asked only where there is a name to leave out.

use waxseal_model::{Cause, Observed, Why, audit::WithoutSni as Fact, tls::TlsVersion};
use waxseal_wire::{tls::hello::HelloSpec, x509};

use super::{Probe, settle};
use crate::{
    attempt::{Attempt, Attempted, InSession},
    offers::MODERN_FIRST,
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct WithoutSni {
    asked: bool,
    fact: Observed<Fact>,
}

impl Probe for WithoutSni {
    fn name(&self) -> &'static str {
        "certificate without SNI"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.asked || state.sni.is_none() || state.leaf_without_sni.is_some() {
            return None;
        }
        self.asked = true;
        let Some(version) = state.newest_before_tls13() else { return in_tls13(state) };
        if version == TlsVersion::Ssl3 {
            return None;
        }
        let mut spec = state.hello(version, MODERN_FIRST.to_vec());
        spec.server_name = None;
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        self.fact = match reaction {
            Reaction::Attempted(outcome) => match *outcome {
                Attempted::Session { established, .. } => {
                    let leaf = established.flight.certificates.as_deref().and_then(<[_]>::first);
                    leaf.map_or(Observed::seen(Fact::NoCertificate), |leaf| certificate(state, leaf))
                }
                _ => return,
            },
            Reaction::Accepted(flight) => {
                if let Some(spec) = question.spec() {
                    state.note_flight(spec, &flight);
                }
                match flight.certificates.as_deref().and_then(<[_]>::first) {
                    Some(leaf) => certificate(state, leaf),
                    None => Observed::seen(Fact::NoCertificate),
                }
            }
            Reaction::Refused { alert } => Observed::seen(Fact::Refused { alert }),
            Reaction::Unanswered(why) => Observed::Failed { why },
            Reaction::Retry { .. }
            | Reaction::Ssl2 { .. }
            | Reaction::Established { .. }
            | Reaction::OtherVersion(_) => {
                Observed::failed(Cause::Protocol, "the answer was of another version than the hello")
            }
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let reason = match (&state.sni, state.newest_before_tls13()) {
            (None, _) => Why::new(Cause::NotApplicable, "no name was sent in the first place"),
            (_, Some(_)) => Why::new(Cause::Prerequisite, "the question was not come to"),
            (_, None) => Why::new(Cause::Prerequisite, "no version is known to be accepted"),
        };
        if let Some(leaf) = state.leaf_without_sni.clone().filter(|_| !self.fact.is_seen()) {
            self.fact = certificate(state, &leaf);
        }
        let why = why.filter(|_| reason.cause != Cause::NotApplicable).unwrap_or(&reason);
        settle(&mut self.fact, why);
        state.audit().without_sni = self.fact.clone();
    }
}

/// In TLS 1.3 the certificate is encrypted: a whole session shows it.
fn in_tls13(state: &State) -> Option<Question> {
    let spec = HelloSpec { server_name: None, ..state.tls13_session_hello() };
    let attempt = Attempt::Session { spec: Box::new(spec), then: InSession::Tickets };
    (state.accepts(TlsVersion::Tls13) == Some(true)).then_some(Question::Attempt(attempt))
}

fn certificate(state: &State, leaf: &[u8]) -> Observed<Fact> {
    let with_sni = state.chains.iter().filter(|c| c.sni.is_some());
    let same = with_sni.filter_map(|c| c.certificates.first()).any(|other| other == leaf);
    match x509::facts(leaf) {
        Ok(facts) => {
            let mut names = facts.dns_names;
            if names.is_empty() {
                names.extend(facts.common_name);
            }
            Observed::seen(Fact::Certificate { leaf_sha256: facts.sha256, same, names })
        }
        Err(error) => Observed::failed(Cause::Protocol, format!("the certificate cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        probes::simulated::{Simulated, ecdsa_certificate, run},
        state::RawChain,
    };

    fn asked(sni: Option<&str>, server: &Simulated) -> (usize, Observed<Fact>) {
        let mut state = State::new(sni.map(str::to_owned));
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        let asked = run(&mut WithoutSni::default(), &mut state, server);
        (asked, state.audit().without_sni.clone())
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let server = Simulated { needs_sni: true, ..Simulated::modern() };
        assert_eq!(
            asked(Some("mx.example.com"), &server),
            (1, Observed::seen(Fact::Refused { alert: Some(112) }))
        );
    }

    #[test]
    fn without_a_name_there_is_nothing_to_leave_out() {
        let (asked, fact) = asked(None, &Simulated::modern());
        assert_eq!((asked, fact.why().map(|w| w.cause)), (0, Some(Cause::NotApplicable)));
    }

    #[test]
    fn the_certificate_of_another_question_without_sni_is_enough() {
        let mut state = State::new(Some("mx.example.com".into()));
        state.set_version(TlsVersion::Tls12, Observed::seen(true));
        let leaf = ecdsa_certificate();
        state.leaf_without_sni = Some(leaf.clone());
        state.note_chain(RawChain {
            version: TlsVersion::Tls12,
            sni: state.sni.clone(),
            possession_proven: false,
            certificates: vec![leaf],
        });
        assert_eq!(run(&mut WithoutSni::default(), &mut state, &Simulated::modern()), 0);
        assert!(matches!(state.audit().without_sni.get(), Some(Fact::Certificate { same: true, .. })));
    }
}
