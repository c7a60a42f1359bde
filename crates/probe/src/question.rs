//! One hello, and what came back.

use waxseal_model::{
    Cause, Why,
    tls::{Handshake, TlsVersion},
};
use waxseal_net::{
    attempt::Then,
    tls::{CertificateKind, TlsFailure},
};
use waxseal_wire::tls::{
    alert::alert_name,
    flight::{Answer, ServerFlight},
    hello::{HelloSpec, KeyShare, NotOffered, chosen_was_offered},
};

use crate::attempt::{Attempt, Attempted};

/// Alerts about the form of a hello: illegal_parameter and decode_error. Some servers
/// send them where they mean that nothing in it suits them.
const ABOUT_FORM: [u8; 2] = [47, 50];

/// A question that costs one connection.
#[derive(Debug, Clone)]
pub enum Question {
    /// A hand-made ClientHello.
    Hello(Box<HelloSpec>),
    /// An SSLv2 CLIENT-HELLO.
    Ssl2,
    /// A real handshake, for a certificate of one kind alone: only so does TLS 1.3 show
    /// its certificate.
    Handshake(CertificateKind),
    /// A hand-made ClientHello, and if the server goes along, something after its flight.
    Then(Box<HelloSpec>, Then),
    /// A conversation of the private client.
    Attempt(Attempt),
}

impl Question {
    /// The hello, if this is one and little more.
    pub fn spec(&self) -> Option<&HelloSpec> {
        match self {
            Self::Hello(spec) | Self::Then(spec, _) => Some(spec),
            Self::Ssl2 | Self::Handshake(_) | Self::Attempt(_) => None,
        }
    }

    /// The same to be changed.
    pub fn spec_mut(&mut self) -> Option<&mut HelloSpec> {
        match self {
            Self::Hello(spec) | Self::Then(spec, _) => Some(spec),
            Self::Ssl2 | Self::Handshake(_) | Self::Attempt(_) => None,
        }
    }
}

/// What a question led to, in the ways that matter to a probe.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// The server goes on with the handshake.
    Accepted(Box<ServerFlight>),
    /// TLS 1.3: the server asks for a key share of this group.
    Retry {
        /// The group it wants; none where none of those offered will do.
        group: Option<u16>,
        /// The suite it chose.
        suite: u16,
    },
    /// The server goes on in a version that was not offered, where a client has to end.
    OtherVersion(TlsVersion),
    /// A real handshake was completed.
    Established {
        /// What was negotiated.
        handshake: Box<Handshake>,
        /// DER, leaf first.
        chain: Vec<Vec<u8>>,
    },
    /// What came of an attempt, or of what followed a hello.
    Attempted(Box<Attempted>),
    /// SSLv2: the server speaks it, with these kinds of suites.
    Ssl2 {
        /// Three-byte codes; empty is possible (CVE-2015-3197).
        kinds: Vec<u32>,
    },
    /// The server refused: an alert, or an orderly close where a known good hello works.
    Refused {
        /// Number of the alert, if there was one.
        alert: Option<u8>,
    },
    /// The question could not be put, or nothing usable came back: no verdict.
    Unanswered(Why),
}

impl Reaction {
    /// Sorts an answer to `question`. An orderly close without an alert is a refusal:
    /// some servers send no alerts.
    pub fn of(question: &Question, answer: Answer) -> Self {
        if let Some(spec) = question.spec()
            && let Err(choice) = chosen_was_offered(spec, &answer)
        {
            match choice {
                // A signature scheme out of order does not make the suite less accepted.
                NotOffered::Scheme(_) => {}
                NotOffered::Version(version) => return Self::OtherVersion(version),
                _ => return Self::protocol(choice.to_string()),
            }
        }
        let has_share = |spec: &HelloSpec| matches!(spec.key_share, KeyShare::Given(_));
        match answer {
            // It chose, and then could not go on: for a client that is a refusal.
            Answer::Hello(flight) => match flight.alert {
                Some((_, alert)) if !flight.done => Self::Refused { alert: Some(alert) },
                _ => Self::Accepted(flight),
            },
            Answer::HelloRetry { group: None, .. } if question.spec().is_none_or(has_share) => {
                Self::protocol("the server asked for another hello without naming a group")
            }
            Answer::HelloRetry { suite, group, .. } => Self::Retry { group, suite },
            Answer::Ssl2(hello) => Self::Ssl2 { kinds: hello.kinds },
            Answer::Alert { description, .. } => Self::Refused { alert: Some(description) },
            Answer::NotTls(what) => Self::protocol(format!("the answer to a TLS hello was {what}")),
            Answer::Nothing | Answer::Ssl2Error(_) => Self::Refused { alert: None },
            Answer::Malformed(what) => {
                Self::protocol(format!("the server's TLS records are malformed: {what}"))
            }
            Answer::TooLarge => Self::Unanswered(Why::new(
                Cause::TooLarge,
                "the server sent more handshake data than any sane certificate chain needs",
            )),
        }
    }

    /// Sorts the failure of a real handshake.
    pub fn of_failure(failure: &TlsFailure) -> Self {
        match failure.alert() {
            Some(alert) => Self::Refused { alert: Some(alert) },
            None => Self::Unanswered(failure.why()),
        }
    }

    fn protocol(text: impl Into<String>) -> Self {
        Self::Unanswered(Why::new(Cause::Protocol, text))
    }

    /// Only a server that speaks TLS or SSL answers so.
    pub fn proves_tls(&self) -> bool {
        !matches!(self, Self::Refused { alert: None } | Self::Unanswered(_))
    }

    /// The connection ended without an alert.
    pub fn is_mute(&self) -> bool {
        matches!(self, Self::Refused { alert: None })
    }

    /// This may be the answer to what was offered, or to something else: to us, or to a
    /// hello that is longer than the server can read.
    pub fn is_ambiguous(&self, question: &Question) -> bool {
        let is_old = question.spec().is_some_and(|spec| spec.max_version < TlsVersion::Tls13);
        match self {
            Self::Refused { alert: None } => true,
            Self::Refused { alert: Some(alert) } => is_old && ABOUT_FORM.contains(alert),
            _ => false,
        }
    }

    /// A phrase for transcripts.
    pub fn describe(&self) -> String {
        match self {
            Self::Accepted(flight) => format!(
                "{} {}",
                flight.version.label(),
                waxseal_wire::tls::suites::suite(u32::from(flight.suite)).name
            ),
            Self::Established { handshake, .. } => {
                format!("{} {}", handshake.version.label(), handshake.suite.name)
            }
            Self::Retry { group: Some(group), .. } => {
                format!("HelloRetryRequest for {}", waxseal_wire::tls::groups::named(*group).name)
            }
            Self::Retry { group: None, .. } => "HelloRetryRequest without a group".to_owned(),
            Self::OtherVersion(version) => {
                format!("the server chose {} without being offered it", version.label())
            }
            Self::Attempted(outcome) => outcome.describe(),
            Self::Ssl2 { kinds, .. } => format!("SSLv2 with {} kinds of suites", kinds.len()),
            Self::Refused { alert: Some(alert) } => format!("refused: alert {alert} {}", alert_name(*alert)),
            Self::Refused { alert: None } => "refused: closed without an alert".to_owned(),
            Self::Unanswered(why) => format!("no answer: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_meant_for_something_else_is_ambiguous() {
        let old = Question::Hello(Box::default());
        let new =
            Question::Hello(Box::new(HelloSpec { max_version: TlsVersion::Tls13, ..HelloSpec::default() }));
        let refused = |alert| Reaction::Refused { alert };
        assert!(refused(None).is_ambiguous(&old) && refused(None).is_ambiguous(&new));
        assert!(refused(Some(50)).is_ambiguous(&old) && !refused(Some(50)).is_ambiguous(&new));
        assert!(!refused(Some(40)).is_ambiguous(&old));
    }

    #[test]
    fn only_an_answer_in_tls_proves_tls() {
        assert!(!Reaction::Refused { alert: None }.proves_tls());
        assert!(Reaction::Refused { alert: Some(70) }.proves_tls());
        assert!(!Reaction::Unanswered(Why::new(Cause::Timeout, "no answer")).proves_tls());
    }
}
