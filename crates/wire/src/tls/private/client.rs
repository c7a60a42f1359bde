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
    use proptest::prelude::*;

    use super::*;
    use crate::tls::{
        flight::{FlightReader, Limits},
        private::record::{handshake_message, kind, plain},
        scheme,
    };

    fn client(version: TlsVersion) -> Client {
        let spec = HelloSpec {
            max_version: version,
            suites: suites::for_version(version),
            groups: GROUPS.to_vec(),
            signature_schemes: scheme::usual(),
            ..HelloSpec::default()
        };
        Client::new(spec, [3; 32])
    }

    /// All that a server says, to a client that goes as far as it can.
    fn run(mut client: Client, flights: [&[u8]; 2], rest: &[u8]) -> Result<bool, Fault> {
        for flight in flights {
            let mut reader = FlightReader::new(Limits::default());
            reader.push(flight);
            match client.answer(reader.into_parts())? {
                Step::Retry(again) => client = *again,
                Step::Handshake(mut handshake) => {
                    let done = handshake.push(rest)?;
                    let _ = handshake.output();
                    if done {
                        let mut session = handshake.into_session()?;
                        while session.next_message()?.is_some() {}
                    }
                    return Ok(done);
                }
            }
        }
        Ok(false)
    }

    fn server_hello(version: u16, suite: u16, random: [u8; 32], extensions: &[u8]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend_from_slice(&random);
        body.push(0);
        body.extend_from_slice(&suite.to_be_bytes());
        body.push(0);
        put_vector16(&mut body, extensions);
        handshake_message(2, &body)
    }

    #[test]
    fn hellos_of_tls13_carry_shares_and_are_never_the_same() {
        let spec = client(TlsVersion::Tls13).spec().clone();
        let KeyShare::Given(shares) = &spec.key_share else { panic!("{:?}", spec.key_share) };
        assert_eq!(shares.iter().map(|(group, _)| *group).collect::<Vec<_>>(), [29, 23, 24]);
        assert_eq!(spec.session_id.len(), 32);
        let other = Client::new(spec.clone(), [4; 32]);
        assert_ne!(other.spec().random, spec.random);
    }

    #[test]
    fn a_second_retry_is_refused() {
        let random: [u8; 32] =
            super::super::hash::Hash::Sha256.of(&[b"HelloRetryRequest"]).try_into().unwrap();
        let extensions = [0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 25];
        let retry = plain(kind::HANDSHAKE, 0x0303, &server_hello(0x0303, 0x1301, random, &extensions));
        let end = run(client(TlsVersion::Tls13), [&retry, &retry], &[]);
        assert!(matches!(end, Err(Fault::Protocol(_))), "{end:?}");
        let unknown = [0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0x11, 0xec];
        let retry = plain(kind::HANDSHAKE, 0x0303, &server_hello(0x0303, 0x1301, random, &unknown));
        let end = run(client(TlsVersion::Tls13), [&retry, &retry], &[]);
        assert!(matches!(end, Err(Fault::Unsupported(_))), "{end:?}");
    }

    #[test]
    fn a_session_that_was_not_offered_is_not_resumed() {
        let hello = plain(kind::HANDSHAKE, 0x0303, &server_hello(0x0303, 0x002f, [1; 32], &[]));
        let flight = [hello, plain(kind::CHANGE_CIPHER_SPEC, 0x0303, &[1])].concat();
        assert!(run(client(TlsVersion::Tls12), [&flight, &[]], &[]).is_err());
        let resumption =
            Resumption { master_secret: vec![1; 48], session_id: vec![2; 32], ticket: Some(vec![3]) };
        let spec = HelloSpec { suites: vec![0x002f], session_ticket: true, ..HelloSpec::default() };
        let resuming = Client::resuming(spec, resumption, [3; 32]);
        assert_eq!(resuming.spec().session_id, [2; 32]);
        assert_eq!(resuming.spec().extra_extensions, [(35, vec![3])]);
        assert_eq!(run(resuming, [&flight, &[]], &[]), Ok(false));
    }

    proptest! {
        #[test]
        fn any_flight_is_answered_without_harm(
            version in 0x0300..0x0305u16,
            suite in prop::sample::select(vec![0x0003u16, 0x002f, 0x0033, 0xc013, 0x0034, 0xc02f, 0xcca8, 0x1301]),
            extensions in prop::collection::vec(any::<u8>(), 0..40),
            exchange in prop::collection::vec(any::<u8>(), 0..150),
            rest in prop::collection::vec(any::<u8>(), 0..150),
            kinds in prop::collection::vec(20..25u8, 0..3),
        ) {
            let messages = [
                server_hello(version, suite, [1; 32], &extensions),
                handshake_message(12, &exchange),
                handshake_message(14, &[]),
            ];
            let flight = plain(kind::HANDSHAKE, 0x0303, &messages.concat());
            let rest: Vec<u8> = kinds.iter().flat_map(|kind| plain(*kind, version, &rest)).collect();
            let _ = run(client(TlsVersion::Tls12), [&flight, &flight], &rest);
            let _ = run(client(TlsVersion::Tls13), [&flight, &flight], &rest);
        }

        #[test]
        fn any_bytes_are_answered_without_harm(
            first in prop::collection::vec(any::<u8>(), 0..100),
            rest in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = run(client(TlsVersion::Tls13), [&first, &rest], &rest);
        }
    }

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
