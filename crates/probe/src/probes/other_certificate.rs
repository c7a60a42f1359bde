//! The certificate of the other kind: a server may hold an RSA and an ECDSA certificate,
//! and one of them may be stale. Only suites of the kind that was not seen are offered.

use waxseal_model::Why;
use waxseal_wire::{
    tls::{
        scheme::{self, KeyKind},
        suites::Authentication,
    },
    x509,
};

use super::Probe;
use crate::{
    offers::{self, LARGEST_OFFER},
    question::{Question, Reaction},
    state::State,
};

/// See the module.
#[derive(Debug, Default)]
pub struct OtherCertificate {
    asked: bool,
}

impl Probe for OtherCertificate {
    fn name(&self) -> &'static str {
        "certificate of the other kind"
    }

    fn ask(&mut self, state: &State) -> Option<Question> {
        if self.asked {
            return None;
        }
        let version = state.newest_before_tls13()?;
        let kinds: Vec<String> = state
            .chains
            .iter()
            .filter_map(|c| c.certificates.first())
            .filter_map(|der| x509::facts(der).ok())
            .map(|f| f.key.algorithm)
            .collect();
        let (has_rsa, has_ec) =
            (kinds.iter().any(|k| k == "RSA"), kinds.iter().any(|k| k == "EC" || k.starts_with("Ed")));
        let wanted = match (has_rsa, has_ec) {
            (true, false) => Authentication::Ecdsa,
            (false, true) => Authentication::Rsa,
            _ => return None,
        };
        self.asked = true;
        let offered = offers::before_tls13()
            .filter(|c| offers::is_signed_by(*c, wanted))
            .filter(|c| offers::fits(*c, version))
            .take(LARGEST_OFFER)
            .collect();
        let mut spec = state.hello(version, offered);
        let is_rsa = |s: u16| matches!(scheme::key_kind(s), KeyKind::Rsa | KeyKind::RsaPss);
        spec.signature_schemes.retain(|s| is_rsa(*s) == (wanted == Authentication::Rsa));
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        let Question::Hello(spec) = question else { return };
        if let Reaction::Accepted(flight) = reaction {
            state.note_flight(spec, &flight);
        }
    }

    /// Chains are facts of their own: a kind that was not seen is simply not among them.
    fn finish(&mut self, _state: &mut State, _why: Option<&Why>) {}
}
