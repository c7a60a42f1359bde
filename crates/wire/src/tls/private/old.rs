//! A handshake up to TLS 1.2, from the end of the server's flight to both Finished (RFC
//! 5246 section 7.3, RFC 6101 section 5.5).

use waxseal_model::tls::TlsVersion;

use super::{
    Fault,
    entropy::Entropy,
    exchange,
    hash::Hash,
    prf::{Prf, Side},
    protect::{Material, Protection},
    record::{Messages, RecordReader, body, handshake_message, kind, messages, plain},
    session::{self, Established, Session, Ticket},
    suite::Parameters,
};
use crate::tls::{
    alert::{CLOSE_NOTIFY, FATAL},
    flight::{KeyExchange, ServerFlight, message},
};

/// SSLv3 says that there is no client certificate by a warning.
const NO_CERTIFICATE: u8 = 41;
/// Heartbeats that are kept.
const MAX_HEARTBEATS: usize = 8;

/// What the handshake begins with.
pub(super) struct Start {
    pub(super) flight: ServerFlight,
    pub(super) parameters: Parameters,
    /// The ClientHello and the server's messages.
    pub(super) transcript: Vec<u8>,
    /// Bytes that came after the flight.
    pub(super) rest: Vec<u8>,
    pub(super) client_random: [u8; 32],
    /// Highest version of our hello.
    pub(super) offered: TlsVersion,
    /// The master secret of the session that we wish to resume.
    pub(super) resumed_secret: Option<Vec<u8>>,
    pub(super) entropy: Entropy,
}

/// The handshake.
pub struct OldHandshake {
    flight: ServerFlight,
    prf: Prf,
    transcript: Vec<u8>,
    master: Vec<u8>,
    write: Protection,
    /// The server's keys, and whether its ChangeCipherSpec has come.
    read: Protection,
    encrypted: bool,
    records: RecordReader,
    messages: Messages,
    tickets: Vec<Ticket>,
    heartbeats: Vec<Vec<u8>>,
    client_verify_data: Vec<u8>,
    output: Vec<u8>,
    done: bool,
    entropy: Entropy,
}

impl OldHandshake {
    /// Takes the server's flight and makes the answer.
    pub(super) fn begin(start: Start) -> Result<Self, Fault> {
        let Start { flight, parameters, mut transcript, rest, client_random, .. } = start;
        let mut entropy = start.entropy;
        let prf = Prf::of(flight.version, parameters.hash);
        let mut clear = Vec::new();
        let master = match (flight.resumed, start.resumed_secret) {
            (true, Some(secret)) => secret,
            (true, None) => return Err(Fault::Protocol("it resumed a session that was not offered".into())),
            (false, _) => {
                let exchanged = exchange::exchange(&flight, start.offered, &mut entropy)?;
                clear = client_messages(&flight, &exchanged.body, &mut transcript);
                if flight.extended_master_secret {
                    prf.extended_master_secret(&exchanged.premaster, &transcript)
                } else {
                    prf.master_secret(&exchanged.premaster, &client_random, &flight.random)
                }
            }
        };
        let (write, read) = keys(&flight, &parameters, prf, &master, &client_random)?;
        let mut records = RecordReader::default();
        records.push(&rest);
        let tickets = messages(&transcript)
            .iter()
            .filter(|(kind, _)| *kind == message::NEW_SESSION_TICKET)
            .filter_map(|(_, ticket)| Ticket::old(body(ticket)))
            .collect();
        let mut handshake = Self {
            flight,
            prf,
            transcript,
            master,
            write,
            read,
            encrypted: false,
            records,
            messages: Messages::default(),
            tickets,
            heartbeats: Vec::new(),
            client_verify_data: Vec::new(),
            output: clear,
            done: false,
            entropy,
        };
        if !handshake.flight.resumed {
            handshake.finish_ours()?;
        }
        Ok(handshake)
    }

    /// Bytes to send.
    pub(super) fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// The contents of the heartbeat records that have come.
    pub(super) fn heartbeats(&self) -> &[Vec<u8>] {
        &self.heartbeats
    }

    /// Takes bytes from the wire; true once both sides have finished.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        self.records.push(bytes);
        while !self.done {
            let record = match self.records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => return Err(Fault::no_record(&error, self.records.pending())),
            };
            if record.kind == kind::CHANGE_CIPHER_SPEC && !self.encrypted {
                self.encrypted = true;
                continue;
            }
            let (kind, payload) =
                if self.encrypted { self.read.open(record)? } else { (record.kind, record.payload) };
            match kind {
                kind::HANDSHAKE => self.messages.push(&payload),
                kind::ALERT => alert(&payload)?,
                // A heartbeat may come at any time.
                kind::HEARTBEAT => {
                    if self.heartbeats.len() < MAX_HEARTBEATS {
                        self.heartbeats.push(payload);
                    }
                }
                other => {
                    return Err(Fault::Protocol(format!("a record of type {other} came before Finished")));
                }
            }
            while let Some((kind, message)) = self.messages.next().map_err(Fault::Protocol)? {
                self.read_message(kind, &message)?;
            }
        }
        Ok(self.done)
    }

    fn read_message(&mut self, kind: u8, message: &[u8]) -> Result<(), Fault> {
        match kind {
            message::HELLO_REQUEST => {}
            message::NEW_SESSION_TICKET if !self.encrypted => {
                self.tickets.extend(Ticket::old(body(message)));
                self.transcript.extend_from_slice(message);
            }
            message::FINISHED if self.encrypted => {
                let expected = self.prf.verify_data(&self.master, &self.transcript, Side::Server);
                if body(message) != expected {
                    return Err(Fault::Protocol("the server's Finished is wrong".into()));
                }
                self.transcript.extend_from_slice(message);
                if self.flight.resumed {
                    self.finish_ours()?;
                }
                self.done = true;
            }
            other => return Err(Fault::Protocol(format!("a message of type {other} came before Finished"))),
        }
        Ok(())
    }

    /// Sends our ChangeCipherSpec and Finished.
    fn finish_ours(&mut self) -> Result<(), Fault> {
        self.client_verify_data = self.prf.verify_data(&self.master, &self.transcript, Side::Client);
        let finished = handshake_message(message::FINISHED, &self.client_verify_data);
        self.transcript.extend_from_slice(&finished);
        self.output.extend(plain(kind::CHANGE_CIPHER_SPEC, self.flight.version.code(), &[1]));
        self.output.extend(self.write.seal(kind::HANDSHAKE, &finished, &mut self.entropy)?);
        Ok(())
    }

    /// The session.
    pub(super) fn into_session(self) -> Session {
        let (group, signature_scheme) = match &self.flight.key_exchange {
            Some(KeyExchange::Ecdhe { group, scheme, .. }) => (Some(*group), *scheme),
            Some(KeyExchange::Dhe { scheme, .. }) => (None, *scheme),
            Some(KeyExchange::Rsa { .. } | KeyExchange::Other) | None => (None, None),
        };
        let established = Established {
            group,
            signature_scheme,
            master_secret: self.master,
            client_verify_data: self.client_verify_data,
            tickets: self.tickets,
            entries: Vec::new(),
            encrypted_extensions: Vec::new(),
            hello_retry: false,
            flight: self.flight,
        };
        let (read, write, records, entropy) = (self.read, self.write, self.records, self.entropy);
        Session::new(session::Parts { established, read, write, records, entropy, secrets: None })
    }
}

/// An alert in a handshake: only a warning lets it go on.
pub(super) fn alert(payload: &[u8]) -> Result<(), Fault> {
    match *payload {
        [level, description, ..] if level >= FATAL || description == CLOSE_NOTIFY => {
            Err(Fault::Alert { level, description })
        }
        _ => Ok(()),
    }
}

/// The records with our messages in clear, which are added to the transcript.
fn client_messages(flight: &ServerFlight, exchange: &[u8], transcript: &mut Vec<u8>) -> Vec<u8> {
    let mut records = Vec::new();
    let mut send = |message: Vec<u8>| {
        records.extend(plain(kind::HANDSHAKE, flight.version.code(), &message));
        transcript.extend(message);
    };
    if flight.certificate_requested && flight.version > TlsVersion::Ssl3 {
        send(handshake_message(message::CERTIFICATE, &[0, 0, 0]));
    }
    send(handshake_message(message::CLIENT_KEY_EXCHANGE, exchange));
    if flight.certificate_requested && flight.version <= TlsVersion::Ssl3 {
        let warning = plain(kind::ALERT, flight.version.code(), &[1, NO_CERTIFICATE]);
        return [warning, records].concat();
    }
    records
}

/// The keys of both directions, ours first (RFC 5246 section 6.3).
fn keys(
    flight: &ServerFlight,
    parameters: &Parameters,
    prf: Prf,
    master: &[u8],
    client_random: &[u8; 32],
) -> Result<(Protection, Protection), Fault> {
    let seed = [&flight.random[..], client_random].concat();
    let (mac, key, iv) = (parameters.mac.map_or(0, Hash::length), parameters.key, parameters.iv());
    let mut block = prf.expand(master, "key expansion", &seed, 2 * (mac + key + iv)).into_iter();
    let mut cut = |length: usize| -> Vec<u8> { block.by_ref().take(length).collect() };
    let [client_mac, server_mac] = [cut(mac), cut(mac)];
    let [client_key, server_key] = [cut(key), cut(key)];
    let [client_iv, server_iv] = [cut(iv), cut(iv)];
    let mut client = Material { mac: client_mac, key: client_key, iv: client_iv };
    let mut server = Material { mac: server_mac, key: server_key, iv: server_iv };
    if let Some(length) = parameters.stretched {
        stretch(prf, [&mut client, &mut server], client_random, &flight.random, length);
    }
    let etm = flight.encrypt_then_mac && parameters.is_cbc();
    let write = Protection::old(parameters, flight.version, client, etm)?;
    Ok((write, Protection::old(parameters, flight.version, server, etm)?))
}

/// Makes the keys of an export suite from the few secret bytes (RFC 2246 section 6.3.1,
/// RFC 6101 section 6.2.2).
fn stretch(prf: Prf, [client, server]: [&mut Material; 2], ours: &[u8], theirs: &[u8], length: usize) {
    let iv = client.iv.len();
    if prf == Prf::Ssl3 {
        for (material, first, second) in [(client, ours, theirs), (server, theirs, ours)] {
            material.key = Hash::Md5.of(&[&material.key, first, second]);
            material.key.truncate(length);
            material.iv = Hash::Md5.of(&[first, second]);
            material.iv.truncate(iv);
        }
        return;
    }
    let seed = [ours, theirs].concat();
    client.key = prf.expand(&client.key, "client write key", &seed, length);
    server.key = prf.expand(&server.key, "server write key", &seed, length);
    let mut ivs = prf.expand(&[], "IV block", &seed, 2 * iv);
    server.iv = ivs.split_off(iv);
    client.iv = ivs;
}
