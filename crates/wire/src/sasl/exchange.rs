//! One login, from the first word to its end.

use super::{
    passwords::{Password, Passwords},
    plain,
    scram::{Scram, ScramStep},
};

/// How a client may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// SCRAM-SHA-256-PLUS, bound to the TLS channel (RFC 7677, RFC 9266).
    ScramSha256Plus,
    /// SCRAM-SHA-256 (RFC 5802, RFC 7677).
    ScramSha256,
    /// PLAIN (RFC 4616).
    Plain,
    /// LOGIN, which old clients know alone.
    Login,
}

impl Mechanism {
    /// All, the best first.
    pub const ALL: [Self; 4] = [Self::ScramSha256Plus, Self::ScramSha256, Self::Plain, Self::Login];

    /// The name as it is registered.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// The mechanism of a name, in any letter case.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }
}

/// What SCRAM is given from outside.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Random text for this login alone: printable ASCII without commas.
    pub nonce: String,
    /// The `tls-exporter` of this channel (RFC 9266); none without TLS 1.3. Where it is
    /// given, SCRAM-SHA-256-PLUS is offered.
    pub binding: Option<[u8; 32]>,
}

/// What comes next in a login.
#[derive(Debug)]
pub enum Step {
    /// Send this, in base64, and hand in the answer.
    Challenge(Vec<u8>),
    /// The login is good if this password is the user's; the exchange is over.
    Check {
        /// Who wants to log in.
        user: String,
        /// With what.
        password: Password,
    },
    /// The client has proved that it knows the password; the exchange is over.
    Done {
        /// Who logged in.
        user: String,
    },
    /// Not logged in; the exchange is over.
    Failed(SaslError),
}

/// Why a login failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SaslError {
    /// The client does not keep to the mechanism.
    #[error("malformed response")]
    Malformed,
    /// The user does not exist, or the proof is wrong: nobody is told which.
    #[error("user name or password is wrong")]
    Credentials,
    /// To act as somebody else is not given.
    #[error("logging in as somebody else is not supported")]
    Authorisation,
    /// The channel is not the one that the client sees, or it was talked out of binding to
    /// it: somebody is in between.
    #[error("channel binding does not match")]
    Binding,
}

/// One login.
#[derive(Debug)]
pub struct Exchange(State);

#[derive(Debug)]
enum State {
    Plain,
    /// LOGIN, before the user name.
    LoginUser,
    LoginPassword {
        user: String,
    },
    Scram(Box<Scram>),
    /// SCRAM, after our last word.
    ScramDone {
        user: String,
    },
    Over,
}

impl Exchange {
    /// A login by a mechanism.
    pub fn new(mechanism: Mechanism, channel: Channel) -> Self {
        Self(match mechanism {
            Mechanism::Plain => State::Plain,
            Mechanism::Login => State::LoginUser,
            Mechanism::ScramSha256 => State::Scram(Box::new(Scram::new(channel, false))),
            Mechanism::ScramSha256Plus => State::Scram(Box::new(Scram::new(channel, true))),
        })
    }

    /// Goes on with what the client sent, decoded; none at the beginning, where it sent no
    /// initial response.
    pub fn step(&mut self, response: Option<&[u8]>, passwords: &Passwords) -> Step {
        let state = std::mem::replace(&mut self.0, State::Over);
        let Some(response) = response else {
            let challenge: &[u8] = if matches!(state, State::LoginUser) { plain::USERNAME } else { b"" };
            self.0 = state;
            return Step::Challenge(challenge.to_vec());
        };
        match state {
            State::Plain => plain::plain(response),
            State::LoginUser => match plain::user(response) {
                Ok(user) => {
                    self.0 = State::LoginPassword { user };
                    Step::Challenge(plain::PASSWORD.to_vec())
                }
                Err(error) => Step::Failed(error),
            },
            State::LoginPassword { user } => plain::check(user, response),
            State::Scram(mut scram) => match scram.step(response, passwords) {
                Ok(ScramStep::Challenge(challenge)) => {
                    self.0 = State::Scram(scram);
                    Step::Challenge(challenge)
                }
                Ok(ScramStep::Proved { user, last }) => {
                    self.0 = State::ScramDone { user };
                    Step::Challenge(last)
                }
                Err(error) => Step::Failed(error),
            },
            // The client has nothing more to say (RFC 4422 section 3.6).
            State::ScramDone { user } if response.is_empty() => Step::Done { user },
            State::ScramDone { .. } | State::Over => Step::Failed(SaslError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sasl::{Cost, Salts, password_line};

    fn passwords() -> Passwords {
        let salts = Salts { hash: [1; 16], scram: Some([2; 16]) };
        let line = password_line("bob", b"pencil", Cost::least(), 4096, &salts).unwrap();
        Passwords::parse(&line, [0; 32]).unwrap()
    }

    fn exchange(mechanism: Mechanism) -> Exchange {
        Exchange::new(mechanism, Channel { nonce: "3rfcNHYJY1ZVvWVs7j".into(), binding: None })
    }

    fn check(step: Step, passwords: &Passwords) -> Option<String> {
        let Step::Check { user, password } = step else { panic!("{step:?}") };
        passwords.candidate(&user).matches(&password).then_some(user)
    }

    #[test]
    fn plain_and_login_hand_out_what_is_to_be_checked() {
        let passwords = passwords();
        let mut plain = exchange(Mechanism::Plain);
        assert!(matches!(plain.step(None, &passwords), Step::Challenge(c) if c.is_empty()));
        let step = plain.step(Some(b"\0bob\0pencil"), &passwords);
        assert_eq!(check(step, &passwords).as_deref(), Some("bob"));
        assert!(matches!(plain.step(Some(b""), &passwords), Step::Failed(SaslError::Malformed)));

        let mut login = exchange(Mechanism::Login);
        assert!(matches!(login.step(None, &passwords), Step::Challenge(c) if c == b"Username:"));
        assert!(matches!(login.step(Some(b"bob"), &passwords), Step::Challenge(c) if c == b"Password:"));
        let step = login.step(Some(b"pen"), &passwords);
        assert_eq!(check(step, &passwords), None);
    }

    #[test]
    fn names_of_mechanisms_are_found() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::of(&mechanism.name().to_ascii_lowercase()), Some(mechanism));
        }
        assert_eq!(Mechanism::of("CRAM-MD5"), None);
    }

    proptest! {
        #[test]
        fn nobody_gets_in_by_chance(
            which in 0usize..4,
            responses in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..40),
                    "(n|y|p=tls-exporter),,n=bob,r=[a-z]{0,8}|c=biws,r=[a-z]{0,8}3rfcNHYJY1ZVvWVs7j,p=[A-Za-z0-9=]{0,44}"
                        .prop_map(String::into_bytes),
                ],
                0..5,
            ),
        ) {
            let passwords = passwords();
            let mut login = exchange(Mechanism::ALL[which]);
            for response in &responses {
                match login.step(Some(response), &passwords) {
                    Step::Done { .. } => prop_assert!(false, "logged in by {:?}", responses),
                    Step::Check { user, password } => {
                        prop_assert!(!passwords.candidate(&user).matches(&password), "{:?}", responses);
                    }
                    Step::Challenge(_) | Step::Failed(_) => {}
                }
            }
        }
    }
}
