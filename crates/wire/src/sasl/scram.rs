//! SCRAM-SHA-256 as a server (RFC 5802, RFC 7677): the password stays with the client.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    exchange::{Channel, SaslError},
    passwords::{MAX_USER, Passwords},
    secret::ScramSecret,
};

/// Longest nonce of a client that is taken, in bytes.
const MAX_NONCE: usize = 256;

/// What comes next.
#[derive(Debug)]
pub(super) enum ScramStep {
    /// Send this.
    Challenge(Vec<u8>),
    /// The proof is right; the client wants ours yet.
    Proved { user: String, last: Vec<u8> },
}

/// One login.
#[derive(Debug)]
pub(super) struct Scram {
    channel: Channel,
    plus: bool,
    begun: Option<Begun>,
}

/// After the first message of the client.
#[derive(Debug)]
struct Begun {
    user: String,
    secret: ScramSecret,
    /// What `c=` has to hold: the header of the first message and the binding.
    binding: String,
    /// Both nonces.
    nonce: String,
    /// The first messages of both sides, with the comma behind.
    messages: String,
}

impl Scram {
    pub(super) fn new(channel: Channel, plus: bool) -> Self {
        Self { channel, plus, begun: None }
    }

    pub(super) fn step(&mut self, response: &[u8], passwords: &Passwords) -> Result<ScramStep, SaslError> {
        let text = std::str::from_utf8(response).map_err(|_| SaslError::Malformed)?;
        match self.begun.take() {
            None => self.first(text, passwords),
            Some(begun) => begun.last(text),
        }
    }

    /// `n,,n=user,r=nonce`.
    fn first(&mut self, text: &str, passwords: &Passwords) -> Result<ScramStep, SaslError> {
        let mut parts = text.splitn(3, ',');
        let (Some(flag), Some(other), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SaslError::Malformed);
        };
        let binding = self.binding(flag, other)?;
        let mut attributes = bare.split(',');
        let name = attributes.next().and_then(|a| a.strip_prefix("n=")).ok_or(SaslError::Malformed)?;
        let theirs = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(SaslError::Malformed)?;
        let user = sasl_name(name).ok_or(SaslError::Malformed)?;
        if other.strip_prefix("a=").is_some_and(|other| sasl_name(other).as_ref() != Some(&user)) {
            return Err(SaslError::Authorisation);
        }
        let printable = theirs.bytes().all(|b| b.is_ascii_graphic());
        if theirs.is_empty() || theirs.len() > MAX_NONCE || !printable {
            return Err(SaslError::Malformed);
        }
        let secret = passwords.scram(&user);
        let nonce = format!("{theirs}{}", self.channel.nonce);
        let salt = BASE64_STANDARD.encode(secret.salt());
        let challenge = format!("r={nonce},s={salt},i={}", secret.iterations());
        let messages = format!("{bare},{challenge},");
        self.begun = Some(Begun { user, secret, binding, nonce, messages });
        Ok(ScramStep::Challenge(challenge.into_bytes()))
    }

    /// What the last message has to repeat, by the first part of the first one.
    fn binding(&self, flag: &str, other: &str) -> Result<String, SaslError> {
        if !(other.is_empty() || other.starts_with("a=")) {
            return Err(SaslError::Malformed);
        }
        let mut bound = format!("{flag},{other},").into_bytes();
        match (flag, self.plus, self.channel.binding) {
            ("n", false, _) => {}
            // It could bind and believes that we cannot, which is wrong where we offered to.
            ("y", false, None) => {}
            ("p=tls-exporter", true, Some(exporter)) => bound.extend_from_slice(&exporter),
            ("n" | "y", ..) => return Err(SaslError::Binding),
            _ if flag.starts_with("p=") => return Err(SaslError::Binding),
            _ => return Err(SaslError::Malformed),
        }
        Ok(BASE64_STANDARD.encode(bound))
    }
}

impl Begun {
    /// `c=binding,r=nonce,p=proof`.
    fn last(self, text: &str) -> Result<ScramStep, SaslError> {
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(SaslError::Malformed)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|a| a.strip_prefix("c=")).ok_or(SaslError::Malformed)?;
        let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(SaslError::Malformed)?;
        if nonce != self.nonce {
            return Err(SaslError::Malformed);
        }
        if binding != self.binding {
            return Err(SaslError::Binding);
        }
        let proof: [u8; 32] = BASE64_STANDARD
            .decode(proof)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(SaslError::Malformed)?;
        let messages = format!("{}{without_proof}", self.messages);
        if !self.secret.proves(messages.as_bytes(), &proof) {
            return Err(SaslError::Credentials);
        }
        let ours = BASE64_STANDARD.encode(self.secret.signature(messages.as_bytes()));
        Ok(ScramStep::Proved { user: self.user, last: format!("v={ours}").into_bytes() })
    }
}

/// A name in which `=2C` is a comma and `=3D` is `=` (RFC 5802 section 5.1).
fn sasl_name(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('=') {
        name.push_str(before);
        let (code, behind) = behind.split_at_checked(2)?;
        name.push(match code {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        rest = behind;
    }
    name.push_str(rest);
    ((1..=MAX_USER).contains(&name.len()) && !name.contains(char::is_control)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sasl::{
        Exchange, Mechanism, Step,
        hash::Cost,
        passwords::{Salts, password_line},
    };

    const SALT: [u8; 16] =
        [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
    const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const LAST: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    /// The user of RFC 7677 section 3.
    fn passwords() -> Passwords {
        let salts = Salts { hash: [1; 16], scram: Some(SALT) };
        let line = password_line("user", b"pencil", Cost::least(), 4096, &salts).unwrap();
        Passwords::parse(&line, [0; 32]).unwrap()
    }

    fn exchange(plus: bool, binding: Option<[u8; 32]>) -> Exchange {
        let mechanism = if plus { Mechanism::ScramSha256Plus } else { Mechanism::ScramSha256 };
        Exchange::new(mechanism, Channel { nonce: NONCE.into(), binding })
    }

    fn challenge(step: Step) -> String {
        let Step::Challenge(bytes) = step else { panic!("{step:?}") };
        String::from_utf8(bytes).unwrap()
    }

    fn failure(step: Step) -> SaslError {
        let Step::Failed(error) = step else { panic!("{step:?}") };
        error
    }

    #[test]
    fn the_example_of_rfc_7677_logs_in() {
        let passwords = passwords();
        let mut login = exchange(false, None);
        assert_eq!(challenge(login.step(None, &passwords)), "");
        let first = login.step(Some(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &passwords);
        assert_eq!(challenge(first), FIRST);
        let last = login.step(Some(LAST.as_bytes()), &passwords);
        assert_eq!(challenge(last), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        let done = login.step(Some(b""), &passwords);
        assert!(matches!(done, Step::Done { user } if user == "user"));
        assert_eq!(failure(login.step(Some(b""), &passwords)), SaslError::Malformed);
    }

    #[test]
    fn a_wrong_proof_and_an_unknown_user_fail_alike() {
        let passwords = passwords();
        for user in ["user", "nobody"] {
            let mut login = exchange(false, None);
            let first = format!("n,,n={user},r=rOprNGfwEbeRWgbNEkqO");
            let challenge = challenge(login.step(Some(first.as_bytes()), &passwords));
            assert!(challenge.ends_with(",i=4096"), "{challenge}");
            let wrong = LAST.replace("dHzb", "dHzc");
            assert_eq!(
                failure(login.step(Some(wrong.as_bytes()), &passwords)),
                SaslError::Credentials,
                "{user}"
            );
        }
        let of = |user: &str| {
            let first = format!("n,,n={user},r=x");
            challenge(exchange(false, None).step(Some(first.as_bytes()), &passwords))
        };
        assert_eq!(of("nobody"), of("nobody"), "what is made up stays the same");
        assert_ne!(of("nobody"), of("noone"));
    }

    #[test]
    fn the_channel_is_bound_and_nobody_talks_a_client_out_of_it() {
        let passwords = passwords();
        let first = |flag: &str| format!("{flag},,n=user,r=rOprNGfwEbeRWgbNEkqO");
        for (plus, binding, flag, error) in [
            (false, Some([7; 32]), "y", SaslError::Binding),
            (false, Some([7; 32]), "p=tls-exporter", SaslError::Binding),
            (true, Some([7; 32]), "n", SaslError::Binding),
            (true, Some([7; 32]), "p=tls-unique", SaslError::Binding),
            (true, None, "p=tls-exporter", SaslError::Binding),
            (false, None, "x", SaslError::Malformed),
        ] {
            let mut login = exchange(plus, binding);
            assert_eq!(failure(login.step(Some(first(flag).as_bytes()), &passwords)), error, "{flag}");
        }
        // With another channel's binding the last message does not fit.
        let mut login = exchange(true, Some([7; 32]));
        challenge(login.step(Some(first("p=tls-exporter").as_bytes()), &passwords));
        let other = BASE64_STANDARD.encode([&b"p=tls-exporter,,"[..], &[8; 32]].concat());
        let last = LAST.replace("biws", &other);
        assert_eq!(failure(login.step(Some(last.as_bytes()), &passwords)), SaslError::Binding);
    }

    #[test]
    fn what_is_not_of_the_form_is_malformed() {
        let passwords = passwords();
        for first in [
            "",
            "n",
            "n,,",
            "n,,n=user",
            "n,,r=x,n=user",
            "n,,n=,r=x",
            "n,,n=a=2c,r=x",
            "n,,n=user,r=",
            "n,x,n=user,r=x",
        ] {
            assert_eq!(
                failure(exchange(false, None).step(Some(first.as_bytes()), &passwords)),
                SaslError::Malformed,
                "{first}"
            );
        }
        for last in ["", "c=biws", LAST.split(",p=").next().unwrap(), "c=biws,r=other,p=AAAA"] {
            let mut login = exchange(false, None);
            challenge(login.step(Some(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &passwords));
            assert_eq!(
                failure(login.step(Some(last.as_bytes()), &passwords)),
                SaslError::Malformed,
                "{last}"
            );
        }
        let other = b"n,a=eve,n=user,r=x";
        assert_eq!(failure(exchange(false, None).step(Some(other), &passwords)), SaslError::Authorisation);
        assert_eq!(sasl_name("a=2Cb=3D").as_deref(), Some("a,b="));
    }
}
