//! The certificate of clients that name no server: DANE senders of old, devices, some
//! libraries. Asked only where there is a name to leave out.

use waxseal_model::{Cause, Observed, Why, audit::WithoutSni as Fact, tls::TlsVersion};
use waxseal_wire::x509;

use super::{Probe, settle};
use crate::{
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
        let version = state.newest_before_tls13()?;
        if self.asked
            || state.sni.is_none()
            || version == TlsVersion::Ssl3
            || state.leaf_without_sni.is_some()
        {
            return None;
        }
        self.asked = true;
        let mut spec = state.hello(version, MODERN_FIRST.to_vec());
        spec.server_name = None;
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        self.fact = match reaction {
            Reaction::Accepted(flight) => {
                state.note_flight(spec, &flight);
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
            | Reaction::Attempted(_) => {
                Observed::failed(Cause::Protocol, "the answer was of another version than the hello")
            }
        };
    }

    fn finish(&mut self, state: &mut State, why: Option<&Why>) {
        let reason = match (&state.sni, state.newest_before_tls13()) {
            (None, _) => Why::new(Cause::NotApplicable, "no name was sent in the first place"),
            (_, Some(_)) => Why::new(Cause::Prerequisite, "the question was not come to"),
            (_, None) => Why::new(
                Cause::Unsupported,
                "in TLS 1.3 alone the certificate is encrypted; it was not asked for without SNI",
            ),
        };
        if let Some(leaf) = state.leaf_without_sni.clone().filter(|_| !self.fact.is_seen()) {
            self.fact = certificate(state, &leaf);
        }
        let why = why.filter(|_| reason.cause != Cause::NotApplicable).unwrap_or(&reason);
        settle(&mut self.fact, why);
        state.audit().without_sni = self.fact.clone();
    }
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
