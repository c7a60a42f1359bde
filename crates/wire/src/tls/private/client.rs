//! From the hello to a session.

use waxseal_model::tls::TlsVersion;

use super::{
    Fault,
    entropy::Entropy,
    exchange::{GROUPS, KeyPair},
    new::{self, NewHandshake},
    old::{self, OldHandshake},
    prf::message_hash,
    session::Session,
    suite::Parameters,
};
use crate::tls::{
    bytes::put_vector16,
    flight::{Answer, Parts, ServerFlight},
    groups,
    hello::{HelloSpec, KeyShare, client_hello, client_hello_message, extension},
    suites,
};

/// Key shares in a first hello: larger ones are made when they are asked for.
const FIRST_SHARES: usize = 3;

/// A session to resume up to TLS 1.2, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    /// The secret of [`super::Established::master_secret`].
    pub master_secret: Vec<u8>,
    /// The session id of the hello: that of the session, or, beside a ticket, any that is
    /// not empty, by whose return the server tells that it resumes (RFC 5077 section 3.4).
    pub session_id: Vec<u8>,
    /// The ticket, if it is to be resumed by one.
    pub ticket: Option<Vec<u8>>,
}

/// A client with a hello to send.
#[derive(Debug)]
pub struct Client {
    spec: HelloSpec,
    keys: Vec<KeyPair>,
    /// After a retry: what stands in the transcript before the second hello.
    before: Option<Vec<u8>>,
    resumed_secret: Option<Vec<u8>>,
    entropy: Entropy,
}

/// How the answer to a hello goes on.
pub enum Step {
    /// The server wants another hello: send that of this client, and read again.
    Retry(Box<Client>),
    /// The handshake goes on: send its output, push what comes.
    Handshake(Handshake),
}

/// A handshake on its way.
pub enum Handshake {
    /// Up to TLS 1.2.
    Old(Box<OldHandshake>),
    /// TLS 1.3.
    New(Box<NewHandshake>),
}

impl Client {
    /// A client that says what `spec` says. Its random bytes, its session id where `spec`
    /// has none and its key shares are drawn from `seed`, which must never be used again.
    pub fn new(mut spec: HelloSpec, seed: [u8; 32]) -> Self {
        let mut entropy = Entropy::new(seed);
        spec.random = entropy.array();
        let mut keys = Vec::new();
        // Without an id, there are servers that resume whatever session they made last.
        if spec.session_id.is_empty() {
            spec.session_id = entropy.bytes(32);
        }
        if spec.max_version >= TlsVersion::Tls13 {
            let known = spec.groups.iter().filter(|group| GROUPS.contains(group)).take(FIRST_SHARES);
            keys = known.filter_map(|group| KeyPair::new(*group, &mut entropy)).collect();
            spec.key_share = share_of(&keys);
        }
        Self { spec, keys, before: None, resumed_secret: None, entropy }
    }

    /// A client that wishes to resume a session of TLS 1.2 or older.
    pub fn resuming(mut spec: HelloSpec, resumption: Resumption, seed: [u8; 32]) -> Self {
        spec.session_id = resumption.session_id;
        spec.max_version = spec.max_version.min(TlsVersion::Tls12);
        if let Some(ticket) = resumption.ticket {
            spec.session_ticket = false;
            spec.extra_extensions.push((extension::SESSION_TICKET, ticket));
        }
        Self { resumed_secret: Some(resumption.master_secret), ..Self::new(spec, seed) }
    }

    /// What its hello says.
    pub fn spec(&self) -> &HelloSpec {
        &self.spec
    }

    /// The hello, as records.
    pub fn hello(&self) -> Vec<u8> {
        client_hello(&self.spec)
    }

    /// Takes the answer to the hello.
    ///
    /// # Errors
    /// The server refused, answered something else, or chose what we have no means for.
    pub fn answer(self, parts: Parts) -> Result<Step, Fault> {
        let Parts { answer, transcript, rest } = parts;
        match answer {
            Answer::Hello(flight) if flight.done && flight.alert.is_none() => {
                self.go_on(*flight, transcript, rest)
            }
            Answer::HelloRetry { suite, group, cookie, .. } if self.before.is_none() => {
                self.again(suite, group, cookie, &transcript).map(|client| Step::Retry(Box::new(client)))
            }
            other => Err(Fault::of_answer(other)),
        }
    }

    fn go_on(self, flight: ServerFlight, messages: Vec<u8>, rest: Vec<u8>) -> Result<Step, Fault> {
        let parameters = parameters(flight.suite)?;
        if flight.compression != 0 {
            return Err(Fault::Unsupported("compression".into()));
        }
        let hello_retry = self.before.is_some();
        let mut transcript = self.before.unwrap_or_default();
        transcript.extend(client_hello_message(&self.spec));
        transcript.extend(messages);
        let entropy = self.entropy;
        let handshake = if flight.version >= TlsVersion::Tls13 {
            let keys = self.keys;
            let start = new::Start { flight, parameters, transcript, rest, keys, hello_retry, entropy };
            Handshake::New(Box::new(NewHandshake::begin(start)?))
        } else {
            let start = old::Start {
                flight,
                parameters,
                transcript,
                rest,
                client_random: self.spec.random,
                offered: self.spec.max_version,
                resumed_secret: self.resumed_secret,
                entropy,
            };
            Handshake::Old(Box::new(OldHandshake::begin(start)?))
        };
        Ok(Step::Handshake(handshake))
    }

    /// The second hello (RFC 8446 section 4.1.2): the same but for the key share and the
    /// cookie.
    fn again(
        mut self,
        suite: u16,
        group: Option<u16>,
        cookie: Option<Vec<u8>>,
        retry: &[u8],
    ) -> Result<Self, Fault> {
        let hash = parameters(suite)?.hash;
        let mut before = message_hash(hash, &client_hello_message(&self.spec));
        before.extend_from_slice(retry);
        if let Some(group) = group {
            let name = groups::named(group).name;
            let pair = KeyPair::new(group, &mut self.entropy)
                .ok_or_else(|| Fault::Unsupported(format!("key exchange over {name}")))?;
            self.keys = vec![pair];
            self.spec.key_share = share_of(&self.keys);
        }
        if let Some(cookie) = cookie {
            let mut content = Vec::new();
            put_vector16(&mut content, &cookie);
            self.spec.extra_extensions.push((extension::COOKIE, content));
        }
        self.before = Some(before);
        Ok(self)
    }
}

fn parameters(suite: u16) -> Result<Parameters, Fault> {
    Parameters::of(suite)
        .ok_or_else(|| Fault::Unsupported(format!("the suite {}", suites::suite(u32::from(suite)).name)))
}

fn share_of(keys: &[KeyPair]) -> KeyShare {
    KeyShare::Given(keys.iter().map(|pair| (pair.group(), pair.public().to_vec())).collect())
}

impl Handshake {
    /// Bytes to send. There may be some from the beginning, and after the last push.
    pub fn output(&mut self) -> Vec<u8> {
        match self {
            Self::Old(handshake) => handshake.output(),
            Self::New(handshake) => handshake.output(),
        }
    }

    /// Takes bytes from the wire; an empty push reads what came together with the server's
    /// flight. True once both sides have finished.
    ///
    /// # Errors
    /// The server broke off, or does not hold the keys that were agreed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        match self {
            Self::Old(handshake) => handshake.push(bytes),
            Self::New(handshake) => handshake.push(bytes),
        }
    }

    /// The contents of the heartbeat records that have come in the handshake.
    pub fn heartbeats(&self) -> &[Vec<u8>] {
        match self {
            Self::Old(handshake) => handshake.heartbeats(),
            Self::New(_) => &[],
        }
    }

    /// The session, once [`Self::push`] has returned true.
    ///
    /// # Errors
    /// The handshake is not finished.
    pub fn into_session(self) -> Result<Session, Fault> {
        match self {
            Self::Old(handshake) => Ok(handshake.into_session()),
            Self::New(handshake) => handshake.into_session(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_has_an_id_of_its_own_or_the_one_of_the_session() {
        let spec = HelloSpec { suites: vec![0x002f], ..HelloSpec::default() };
        let fresh = Client::new(spec.clone(), [1; 32]);
        assert_eq!(fresh.spec().session_id.len(), 32);
        assert_ne!(fresh.spec().session_id, Client::new(spec.clone(), [2; 32]).spec().session_id);
        let before = Resumption { master_secret: vec![3; 48], session_id: vec![4; 31], ticket: None };
        assert_eq!(Client::resuming(spec, before, [1; 32]).spec().session_id, [4; 31]);
    }
}
