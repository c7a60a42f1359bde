//! The server's side of a handshake, SSL 3.0 to TLS 1.2 (RFC 5246 section 7.3), and of one
//! that takes up a session.

use std::time::Duration;

use aws_lc_rs::rand;
use tokio::time::timeout;

use super::{
    Failure, Server,
    behaviour::{
        ALONE, ClientCertificate, EarlyCcs, Heartbeat, Names, Padding, SSL3, Sentinel, TLS11, TLS12,
    },
    bytes::{length8, length16, length24, message},
    choice::{Choice, admit, choose, version},
    cipher::ciphers,
    exchange::{Half, Opened, offer},
    hello::{
        ALPN, ClientHello, DEFLATE, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, HEARTBEAT, POINT_FORMATS,
        RENEGOTIATION_INFO, SESSION_TICKET, ServerHello,
    },
    messages::{Event, Messages},
    prf::{Derivation, Side},
    record::{CHANGE_CIPHER_SPEC, Records},
    session::Session,
    suites::Exchange,
};
use crate::servers::{Site, breakdown::Stage};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const NEW_SESSION_TICKET: u8 = 4;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
const CERTIFICATE_VERIFY: u8 = 15;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const FINISHED: u8 = 20;

/// rsa_sign and ecdsa_sign, and schemes for them (RFC 5246 section 7.4.4).
const CERTIFICATE_TYPES: [u8; 2] = [1, 64];
const CERTIFICATE_SCHEMES: [u8; 8] = [4, 1, 4, 3, 5, 1, 5, 3];
/// A ticket is the name of a session that the server keeps.
const TICKET: usize = 48;
const SESSION_ID: usize = 32;
/// handshake_failure.
const HANDSHAKE_FAILURE: u8 = 40;
/// How long a client that is not sound is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is known after a handshake, for another one within the session.
#[derive(Debug, Clone)]
pub(super) struct Established {
    pub(super) version: u16,
    /// The content of both Finished messages.
    client_verify: Vec<u8>,
    server_verify: Vec<u8>,
    /// Renegotiation is bound to this handshake (RFC 5746).
    pub(super) secure: bool,
    pub(super) heartbeat: Heartbeat,
}

/// Makes a handshake. `pending` are bytes of it that were read already; `previous` is the
/// handshake that made the session in which this one takes place.
pub(super) async fn accept(
    records: &mut Records,
    server: &Server,
    site: &Site,
    previous: Option<&Established>,
    pending: Vec<u8>,
) -> Result<Established, Failure> {
    let heartbeat = previous.map_or(Heartbeat::Absent, |p| p.heartbeat);
    let mut messages = Messages::new(records, site, heartbeat, server.behaviour.framing, pending);
    let hello = messages.next(CLIENT_HELLO).await?;
    let mut hello = ClientHello::parse(&hello).ok_or(Failure::Message)?;
    messages.pass(Stage::Hello)?;
    admit(&server.behaviour, &server.host, &mut hello)?;
    let mut work = Handshake::new(server, messages, hello, previous)?;
    match work.resumable() {
        Some(session) => work.resume(session).await,
        None => work.full().await,
    }
}

/// A handshake under way.
struct Handshake<'a> {
    server: &'a Server,
    messages: Messages<'a>,
    hello: ClientHello,
    version: u16,
    random: [u8; 32],
    /// The content of renegotiation_info in the server's hello, if it has one.
    renegotiation: Option<Vec<u8>>,
}

/// What both sides derive keys from.
struct Keys<'a> {
    choice: &'a Choice,
    master: &'a [u8],
    encrypt_then_mac: bool,
}

impl<'a> Handshake<'a> {
    fn new(
        server: &'a Server,
        messages: Messages<'a>,
        hello: ClientHello,
        previous: Option<&Established>,
    ) -> Result<Self, Failure> {
        let behaviour = &server.behaviour;
        let version = version(behaviour, &hello)?;
        messages.records.version = version;
        let theirs = hello.renegotiation();
        let renegotiation = match previous {
            None if theirs.is_some_and(|t| !t.is_empty()) => {
                return Err(Failure::Renegotiation(HANDSHAKE_FAILURE));
            }
            None => theirs.filter(|_| behaviour.renegotiation_info).map(|_| Vec::new()),
            Some(previous) if previous.secure => match theirs {
                Some(theirs) if theirs == previous.client_verify => {
                    Some([&previous.client_verify[..], &previous.server_verify].concat())
                }
                None if behaviour.unbound_renegotiation => None,
                _ => return Err(Failure::Renegotiation(HANDSHAKE_FAILURE)),
            },
            Some(_) => None,
        };
        let mut random = [0; 32];
        rand::fill(&mut random).map_err(|_| Failure::Key)?;
        mark(&mut random, behaviour.sentinel, version);
        Ok(Self { server, messages, hello, version, random, renegotiation })
    }

    /// The session that the client takes up, if it may.
    fn resumable(&self) -> Option<Session> {
        let resumption = &self.server.behaviour.resumption;
        let ticket = self.hello.extension(SESSION_TICKET).filter(|t| !t.is_empty());
        let by_ticket =
            ticket.filter(|_| resumption.tickets.is_some()).and_then(|t| self.server.memory.session(t));
        let by_id = || match self.hello.session_id.as_slice() {
            [] => None,
            id => self.server.memory.session(id).filter(|_| resumption.ids),
        };
        by_ticket.or_else(by_id).filter(|session| {
            session.version == self.version
                && self.hello.suites.contains(&session.suite.code)
                && (!session.extended || self.hello.extension(EXTENDED_MASTER_SECRET).is_some())
        })
    }

    async fn full(&mut self) -> Result<Established, Failure> {
        if self.hello.extension(SESSION_TICKET).is_some_and(|t| !t.is_empty())
            || !self.hello.session_id.is_empty()
        {
            self.messages.pass(Stage::Resumption)?;
        }
        let behaviour = &self.server.behaviour;
        let choice = choose(behaviour, &self.hello, self.version)?;
        let id = match behaviour.resumption.ids && !self.wants_ticket() {
            true => random_bytes(SESSION_ID)?,
            false => Vec::new(),
        };
        let extended =
            behaviour.extended_master_secret && self.hello.extension(EXTENDED_MASTER_SECRET).is_some();
        let hello = self.server_hello(&choice, id.clone(), extended);
        let etm = has(&hello, ENCRYPT_THEN_MAC);
        self.set_heartbeat(&hello);
        let half = self.send_flight(&choice, &hello).await?;
        self.messages.pass(Stage::Flight)?;
        let (verify, premaster) = self.client_flight(&choice, half).await?;
        let derivation = derivation(&choice);
        let master = match extended {
            true => {
                derivation.master(&premaster, &derivation.transcript_hash(&self.messages.transcript), true)
            }
            false => derivation.master(&premaster, &[self.hello.random, self.random].concat(), false),
        };
        if verify {
            self.messages.next(CERTIFICATE_VERIFY).await?;
        }
        let keys = Keys { choice: &choice, master: &master, encrypt_then_mac: etm };
        let client_verify = self.client_finished(&keys).await?;
        let session =
            Session { version: self.version, suite: choice.suite, master: master.clone(), extended };
        self.send_ticket(&session).await?;
        if !id.is_empty() {
            self.server.memory.keep(id, session);
        }
        let server_verify = self.server_finished(&keys).await?;
        Ok(self.established(client_verify, server_verify))
    }

    /// The abbreviated handshake (RFC 5246 section 7.3, RFC 5077 section 3.1).
    async fn resume(&mut self, session: Session) -> Result<Established, Failure> {
        self.messages.pass(Stage::Resumption)?;
        let choice = Choice { version: self.version, suite: session.suite, group: None, scheme: None };
        let mut id = self.hello.session_id.clone();
        if self.server.behaviour.resumption.longer_id && self.wants_ticket() && !id.is_empty() {
            id.resize(SESSION_ID, b'x');
        }
        let hello = self.server_hello(&choice, id, session.extended);
        self.set_heartbeat(&hello);
        self.messages.send(&[message(SERVER_HELLO, &hello.body())]).await?;
        self.send_ticket(&session).await?;
        let etm = has(&hello, ENCRYPT_THEN_MAC);
        let keys = Keys { choice: &choice, master: &session.master, encrypt_then_mac: etm };
        let server_verify = self.server_finished(&keys).await?;
        let client_verify = self.client_finished(&keys).await?;
        Ok(self.established(client_verify, server_verify))
    }

    fn established(&self, client_verify: Vec<u8>, server_verify: Vec<u8>) -> Established {
        Established {
            version: self.version,
            client_verify,
            server_verify,
            secure: self.renegotiation.is_some(),
            heartbeat: self.messages.heartbeat,
        }
    }

    fn wants_ticket(&self) -> bool {
        self.server.behaviour.resumption.tickets.is_some() && self.hello.extension(SESSION_TICKET).is_some()
    }

    fn set_heartbeat(&mut self, hello: &ServerHello) {
        if has(hello, HEARTBEAT) {
            self.messages.heartbeat = self.server.behaviour.heartbeat;
        }
    }

    fn server_hello(&self, choice: &Choice, session_id: Vec<u8>, extended: bool) -> ServerHello {
        let behaviour = &self.server.behaviour;
        let mut extensions = Vec::new();
        let mut add = |kind: u16, wanted: bool, content: &[u8]| {
            // Nothing is answered that was not asked.
            if wanted && self.hello.extension(kind).is_some() {
                extensions.push((kind, content.to_vec()));
            }
        };
        add(EXTENDED_MASTER_SECRET, extended, &[]);
        add(
            ENCRYPT_THEN_MAC,
            behaviour.encrypt_then_mac && choice.suite.is_cbc() && self.version > SSL3,
            &[],
        );
        add(HEARTBEAT, behaviour.heartbeat != Heartbeat::Absent, &[1]);
        add(SESSION_TICKET, self.wants_ticket(), &[]);
        add(POINT_FORMATS, choice.suite.exchange == Exchange::Ecdhe, &[1, 0]);
        let smtp = self.hello.protocols().iter().any(|p| p == b"smtp");
        add(ALPN, behaviour.alpn == super::behaviour::Alpn::Strict && smtp, &length16(&length8(b"smtp")));
        if let Some(content) = &self.renegotiation {
            extensions.push((RENEGOTIATION_INFO, length8(content)));
        }
        let deflate = behaviour.deflate && self.hello.compression.contains(&DEFLATE);
        ServerHello {
            version: self.version,
            random: self.random,
            session_id,
            suite: choice.suite.code,
            compression: if deflate { DEFLATE } else { 0 },
            extensions,
        }
    }

    /// Sends everything from ServerHello to ServerHelloDone.
    async fn send_flight(&mut self, choice: &Choice, hello: &ServerHello) -> Result<Half, Failure> {
        let mut flight = vec![message(SERVER_HELLO, &hello.body())];
        if !choice.suite.exchange.is_anonymous() {
            flight.push(message(CERTIFICATE, &self.certificates()));
        }
        let (half, exchange) = offer(self.server, choice, &[self.hello.random, self.random].concat())?;
        if let Some(body) = exchange {
            flight.push(message(SERVER_KEY_EXCHANGE, &body));
        }
        if self.asks_for_certificate(choice) {
            let schemes = if self.version >= TLS12 { length16(&CERTIFICATE_SCHEMES) } else { Vec::new() };
            // No authority is named: any certificate would do.
            let body = [length8(&CERTIFICATE_TYPES), schemes, vec![0, 0]].concat();
            flight.push(message(CERTIFICATE_REQUEST, &body));
        }
        flight.push(message(SERVER_HELLO_DONE, &[]));
        self.messages.send(&flight).await?;
        Ok(half)
    }

    fn asks_for_certificate(&self, choice: &Choice) -> bool {
        self.server.behaviour.client_certificate != ClientCertificate::NotAsked
            && !choice.suite.exchange.is_anonymous()
    }

    fn certificates(&self) -> Vec<u8> {
        let own = self.hello.server_name().is_some_and(|n| n.eq_ignore_ascii_case(&self.server.host));
        let chain = match (&self.server.stranger, self.server.behaviour.names) {
            (Some(stranger), Names::OtherCertificate) if !own => stranger,
            _ => &self.server.chain,
        };
        length24(&chain.iter().flat_map(|c| length24(c)).collect::<Vec<_>>())
    }

    /// Reads up to ClientKeyExchange: whether CertificateVerify follows, and the premaster
    /// secret.
    async fn client_flight(&mut self, choice: &Choice, half: Half) -> Result<(bool, Vec<u8>), Failure> {
        let mut half = Some(half);
        let mut certificate = None;
        // One ChangeCipherSpec too early, a certificate, and the key exchange at most.
        for _ in 0..3 {
            match self.messages.event().await? {
                Event::ChangeCipherSpec => self.early_ccs(choice)?,
                Event::Message(CERTIFICATE, body) if self.asks_for_certificate(choice) => {
                    certificate = Some(body.len() > 3);
                }
                Event::Message(CLIENT_KEY_EXCHANGE, body) => {
                    if certificate != Some(true)
                        && self.server.behaviour.client_certificate == ClientCertificate::Demanded
                        && self.asks_for_certificate(choice)
                    {
                        return Err(Failure::NoCertificate);
                    }
                    self.messages.pass(Stage::KeyExchange)?;
                    let half = half.take().ok_or(Failure::Message)?;
                    let (secret, opened) = half.agree(choice, self.hello.version, &body)?;
                    self.react(opened).await?;
                    return Ok((certificate == Some(true), secret));
                }
                Event::Message(..) => return Err(Failure::Message),
            }
        }
        Err(Failure::Message)
    }

    /// ChangeCipherSpec before ClientKeyExchange: with CVE-2014-0224 the keys come from a
    /// master secret that is empty.
    fn early_ccs(&mut self, choice: &Choice) -> Result<(), Failure> {
        self.messages.pass(Stage::EarlyCcs)?;
        if self.server.behaviour.early_ccs == EarlyCcs::Refused {
            return Err(Failure::Message);
        }
        let seed = [self.random, self.hello.random].concat();
        let (open, _) = ciphers(derivation(choice), choice.suite, &[], &seed, false);
        self.messages.records.open = Some(open);
        Ok(())
    }

    /// What a block gets that is not quite right.
    async fn react(&mut self, opened: Opened) -> Result<(), Failure> {
        let padding = self.server.behaviour.padding;
        let alien = opened == Opened::Alien;
        let told = match padding {
            Padding::Uniform => false,
            Padding::Strong | Padding::StrongByClosing => alien,
            Padding::Weak => opened != Opened::Right,
            Padding::Erratic => opened != Opened::Right && self.server.memory.third_turn(),
            Padding::StrongAlone => alien && timeout(ALONE, self.messages.records.arrival()).await.is_err(),
        };
        match (told, padding) {
            (false, _) => Ok(()),
            (true, Padding::StrongByClosing) => Err(Failure::Silent),
            (true, _) => Err(Failure::Padding),
        }
    }

    /// Reads ChangeCipherSpec and Finished; its content.
    async fn client_finished(&mut self, keys: &Keys<'_>) -> Result<Vec<u8>, Failure> {
        let derivation = derivation(keys.choice);
        let event = timeout(PATIENCE, self.messages.event()).await.map_err(|_| Failure::Closed)??;
        if event != Event::ChangeCipherSpec {
            return Err(Failure::Message);
        }
        self.messages.records.open = Some(self.ciphers(keys).0);
        let expected = derivation.verify_data(keys.master, Side::Client, &self.messages.transcript);
        if self.messages.next(FINISHED).await? != expected {
            return Err(Failure::Finished);
        }
        Ok(expected)
    }

    /// Sends ChangeCipherSpec and Finished; its content.
    async fn server_finished(&mut self, keys: &Keys<'_>) -> Result<Vec<u8>, Failure> {
        let verify =
            derivation(keys.choice).verify_data(keys.master, Side::Server, &self.messages.transcript);
        self.messages.records.write(CHANGE_CIPHER_SPEC, &[1]).await?;
        self.messages.records.seal = Some(self.ciphers(keys).1);
        self.messages.send(&[message(FINISHED, &verify)]).await?;
        Ok(verify)
    }

    fn ciphers(&self, keys: &Keys<'_>) -> (super::cipher::Cipher, super::cipher::Cipher) {
        let seed = [self.random, self.hello.random].concat();
        ciphers(derivation(keys.choice), keys.choice.suite, keys.master, &seed, keys.encrypt_then_mac)
    }

    /// Sends a new ticket for a session if the client wants one (RFC 5077 section 3.3).
    async fn send_ticket(&mut self, session: &Session) -> Result<(), Failure> {
        let Some(lifetime) = self.server.behaviour.resumption.tickets.filter(|_| self.wants_ticket()) else {
            return Ok(());
        };
        let ticket = random_bytes(TICKET)?;
        let body = [&lifetime.to_be_bytes()[..], &length16(&ticket)].concat();
        self.server.memory.keep(ticket, session.clone());
        self.messages.send(&[message(NEW_SESSION_TICKET, &body)]).await
    }
}

fn derivation(choice: &Choice) -> Derivation {
    Derivation { version: choice.version, hash: choice.suite.prf_hash() }
}

fn has(hello: &ServerHello, kind: u16) -> bool {
    hello.extensions.iter().any(|(k, _)| *k == kind)
}

fn random_bytes(length: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).map_err(|_| Failure::Key)?;
    Ok(bytes)
}

/// Marks a downgrade in the last eight bytes (RFC 8446 section 4.1.3).
fn mark(random: &mut [u8; 32], sentinel: Sentinel, version: u16) {
    let last = match (sentinel, version) {
        (Sentinel::None, _) | (Sentinel::Of12, TLS12..) => return,
        (Sentinel::Of13, TLS12..) => 1,
        (_, ..=TLS11) => 0,
    };
    if let Some(tail) = random.last_chunk_mut::<8>() {
        *tail = *b"DOWNGRD\0";
        tail[7] = last;
    }
}
