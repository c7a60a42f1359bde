//! The certificate of the other kind: a server may hold an RSA and an ECDSA certificate,
//! and one of them may be stale. Only suites of the kind that was not seen are offered; to
//! a server of TLS 1.3 alone, which encrypts its certificate, only signature schemes of
//! that kind, in a real handshake.

use waxseal_model::{Why, tls::TlsVersion};
use waxseal_net::tls::CertificateKind;
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
        let wanted = unseen_kind(state)?;
        let Some(version) = state.newest_before_tls13() else {
            if state.accepts(TlsVersion::Tls13) != Some(true) {
                return None;
            }
            self.asked = true;
            return Some(Question::Handshake(wanted));
        };
        self.asked = true;
        let authentication = match wanted {
            CertificateKind::Rsa => Authentication::Rsa,
            CertificateKind::Ecdsa => Authentication::Ecdsa,
        };
        let mut offered: Vec<u16> = offers::before_tls13()
            .filter(|c| offers::is_signed_by(*c, authentication))
            .filter(|c| offers::fits(*c, version))
            .collect();
        // A choice of ECDHE tells how to ask for groups.
        offered.sort_by_key(|c| !offers::is_ecdhe(*c));
        offered.truncate(LARGEST_OFFER);
        let mut spec = state.hello(version, offered);
        let is_rsa = |s: u16| matches!(scheme::key_kind(s), KeyKind::Rsa | KeyKind::RsaPss);
        spec.signature_schemes.retain(|s| is_rsa(*s) == (wanted == CertificateKind::Rsa));
        Some(Question::Hello(Box::new(spec)))
    }

    fn learn(&mut self, state: &mut State, question: &Question, reaction: Reaction) {
        match (question, reaction) {
            (Question::Hello(spec), Reaction::Accepted(flight)) => state.note_flight(spec, &flight),
            (Question::Handshake(_), Reaction::Established { handshake, chain }) => {
                state.note_second_handshake(&handshake, chain);
            }
            _ => {}
        }
    }

    /// Chains are facts of their own: a kind that was not seen is simply not among them.
    fn finish(&mut self, _state: &mut State, _why: Option<&Why>) {}
}

/// The kind of certificate that was not seen, if the other one was.
fn unseen_kind(state: &State) -> Option<CertificateKind> {
    let leaves = state.chains.iter().filter_map(|c| c.certificates.first());
    let kinds: Vec<String> =
        leaves.filter_map(|der| x509::facts(der).ok()).map(|f| f.key.algorithm).collect();
    let has_rsa = kinds.iter().any(|k| k == "RSA");
    let has_ec = kinds.iter().any(|k| k == "EC" || k.starts_with("Ed"));
    match (has_rsa, has_ec) {
        (true, false) => Some(CertificateKind::Ecdsa),
        (false, true) => Some(CertificateKind::Rsa),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use waxseal_model::Observed;

    use super::*;
    use crate::probes::simulated::{Simulated, ecdsa_certificate, handshake, run};

    fn state_of(version: TlsVersion) -> State {
        let mut state = State::new(None);
        for other in TlsVersion::ALL {
            state.set_version(other, Observed::seen(other == version));
        }
        state.note_second_handshake(&handshake(0x1301), vec![ecdsa_certificate()]);
        state
    }

    #[test]
    fn a_server_of_tls13_alone_shows_its_other_certificate_in_a_real_handshake() {
        let server = Simulated {
            versions: vec![TlsVersion::Tls13],
            certificates: vec![(CertificateKind::Rsa, vec![1, 2, 3])],
            ..Simulated::modern()
        };
        let mut state = state_of(TlsVersion::Tls13);
        assert_eq!(run(&mut OtherCertificate::default(), &mut state, &server), 1);
        assert_eq!(state.chains.len(), 2);
        assert!(state.chains.iter().all(|chain| chain.possession_proven));
    }

    #[test]
    fn a_server_with_one_certificate_refuses() {
        let server = Simulated { versions: vec![TlsVersion::Tls13], ..Simulated::modern() };
        let mut state = state_of(TlsVersion::Tls13);
        assert_eq!(run(&mut OtherCertificate::default(), &mut state, &server), 1);
        assert_eq!(state.chains.len(), 1);
    }

    #[test]
    fn before_tls13_a_hello_suffices() {
        let mut state = state_of(TlsVersion::Tls12);
        let question = OtherCertificate::default().ask(&state);
        assert!(matches!(question, Some(Question::Hello(spec)) if spec.max_version == TlsVersion::Tls12));
        state.chains.clear();
        assert!(OtherCertificate::default().ask(&state).is_none(), "nothing to be the other of");
    }
}
