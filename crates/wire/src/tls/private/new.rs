//! A handshake of TLS 1.3, from the ServerHello to both Finished (RFC 8446 section 2).

use super::{
    Fault,
    entropy::Entropy,
    exchange::KeyPair,
    hash::Hash,
    old::alert,
    prf::{derive_secret, expand_label, extract},
    protect::Protection,
    record::{Messages, RecordReader, body, handshake_message, kind, plain},
    session::{self, CertificateEntry, Established, Session},
    suite::Parameters,
};
use crate::tls::{
    bytes::Cursor,
    bytes::{put_vector8, put_vector24},
    flight::{ServerFlight, message},
    hello::extension,
};

/// Certificates that are read of one message.
const MAX_CERTIFICATES: usize = 100;

/// What the handshake begins with.
pub(super) struct Start {
    pub(super) flight: ServerFlight,
    pub(super) parameters: Parameters,
    /// ClientHello to ServerHello; after a retry with the hash of the first in its place.
    pub(super) transcript: Vec<u8>,
    pub(super) rest: Vec<u8>,
    pub(super) keys: Vec<KeyPair>,
    pub(super) hello_retry: bool,
    pub(super) entropy: Entropy,
}

/// The handshake.
pub struct NewHandshake {
    established: Established,
    parameters: Parameters,
    transcript: Vec<u8>,
    /// The secrets of the handshake itself.
    handshake: Secrets,
    /// What the secrets of the session come from.
    master: Vec<u8>,
    read: Protection,
    records: RecordReader,
    messages: Messages,
    /// The context of a CertificateRequest.
    request: Option<Vec<u8>>,
    output: Vec<u8>,
    session: Option<(Protection, Protection, Secrets)>,
    entropy: Entropy,
}

/// The secrets of both directions.
pub(super) struct Secrets {
    parameters: Parameters,
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Secrets {
    /// Derived under two labels from a secret and the messages so far.
    fn derive(parameters: Parameters, secret: &[u8], labels: [&str; 2], transcript: &[u8]) -> Self {
        let [client, server] = labels.map(|label| derive_secret(parameters.hash, secret, label, transcript));
        Self { parameters, client, server }
    }

    fn protection(&self, secret: &[u8]) -> Result<Protection, Fault> {
        let hash = self.parameters.hash;
        let length = u16::try_from(self.parameters.key).unwrap_or_default();
        let key = expand_label(hash, secret, "key", &[], length);
        Protection::new(&self.parameters, &key, expand_label(hash, secret, "iv", &[], 12))
    }

    /// The content of Finished under one of the secrets.
    fn verify_data(&self, secret: &[u8], transcript: &[u8]) -> Vec<u8> {
        let hash = self.parameters.hash;
        let key = expand_label(hash, secret, "finished", &[], length_of(hash));
        hash.hmac(&key, &[&hash.of(&[transcript])])
    }

    /// The next keys of the server (section 7.2).
    pub(super) fn next_server(&mut self) -> Result<Protection, Fault> {
        let hash = self.parameters.hash;
        self.server = expand_label(hash, &self.server, "traffic upd", &[], length_of(hash));
        self.protection(&self.server)
    }

    /// Our next keys.
    pub(super) fn next_client(&mut self) -> Result<Protection, Fault> {
        let hash = self.parameters.hash;
        self.client = expand_label(hash, &self.client, "traffic upd", &[], length_of(hash));
        self.protection(&self.client)
    }
}

fn length_of(hash: Hash) -> u16 {
    u16::try_from(hash.length()).unwrap_or_default()
}

impl NewHandshake {
    /// Takes the ServerHello.
    pub(super) fn begin(start: Start) -> Result<Self, Fault> {
        let Start { flight, parameters, transcript, rest, keys, hello_retry, entropy } = start;
        let hash = parameters.hash;
        let share = flight.extension(extension::KEY_SHARE).and_then(|content| {
            let mut cursor = Cursor(content);
            Some((cursor.u16()?, cursor.vector16()?))
        });
        let (group, public) =
            share.ok_or_else(|| Fault::Protocol("its ServerHello holds no key share".into()))?;
        let pair = keys
            .iter()
            .find(|pair| pair.group() == group)
            .ok_or_else(|| Fault::Protocol("it chose a group without a key share of ours".into()))?;
        let shared = pair.agree(public)?;
        let nothing = vec![0; hash.length()];
        let early = extract(hash, &nothing, &nothing);
        let secret = extract(hash, &derive_secret(hash, &early, "derived", &[]), &shared);
        let master = extract(hash, &derive_secret(hash, &secret, "derived", &[]), &nothing);
        let labels = ["c hs traffic", "s hs traffic"];
        let handshake = Secrets::derive(parameters, &secret, labels, &transcript);
        let read = handshake.protection(&handshake.server)?;
        let mut records = RecordReader::default();
        records.push(&rest);
        let established = Established {
            flight,
            group: Some(group),
            signature_scheme: None,
            master_secret: Vec::new(),
            client_verify_data: Vec::new(),
            tickets: Vec::new(),
            entries: Vec::new(),
            encrypted_extensions: Vec::new(),
            hello_retry,
        };
        Ok(Self {
            established,
            parameters,
            transcript,
            handshake,
            master,
            read,
            records,
            messages: Messages::default(),
            request: None,
            output: Vec::new(),
            session: None,
            entropy,
        })
    }

    /// Bytes to send.
    pub(super) fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Takes bytes from the wire; true once both sides have finished.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        self.records.push(bytes);
        while self.session.is_none() {
            let record = match self.records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => return Err(Fault::no_record(&error, self.records.pending())),
            };
            // For middleboxes, which means nothing (appendix D.4).
            if record.kind == kind::CHANGE_CIPHER_SPEC {
                continue;
            }
            let (kind, payload) = if record.kind == kind::APPLICATION_DATA {
                self.read.open(record)?
            } else {
                (record.kind, record.payload)
            };
            match kind {
                kind::HANDSHAKE => self.messages.push(&payload),
                kind::ALERT => alert(&payload)?,
                other => {
                    return Err(Fault::Protocol(format!("a record of type {other} came before Finished")));
                }
            }
            while let Some((kind, message)) = self.messages.next().map_err(Fault::Protocol)? {
                self.read_message(kind, &message)?;
            }
        }
        Ok(self.session.is_some())
    }

    fn read_message(&mut self, kind: u8, message: &[u8]) -> Result<(), Fault> {
        let short = || Fault::Protocol(format!("its message of type {kind} ends too early"));
        let content = body(message);
        match kind {
            message::ENCRYPTED_EXTENSIONS => {
                self.established.encrypted_extensions = extensions(content).ok_or_else(short)?;
            }
            message::CERTIFICATE_REQUEST => {
                self.request = Some(Cursor(content).vector8().ok_or_else(short)?.to_vec());
                self.established.flight.certificate_requested = true;
            }
            message::CERTIFICATE => {
                let (certificates, entries) = certificates(content).ok_or_else(short)?;
                self.established.flight.ocsp = entries.first().and_then(|entry| entry.ocsp.clone());
                self.established.flight.certificates = Some(certificates);
                self.established.entries = entries;
            }
            message::CERTIFICATE_VERIFY => {
                self.established.signature_scheme = Some(Cursor(content).u16().ok_or_else(short)?);
            }
            message::FINISHED => {
                let expected = self.handshake.verify_data(&self.handshake.server, &self.transcript);
                if content != expected {
                    return Err(Fault::Protocol("the server's Finished is wrong".into()));
                }
                self.transcript.extend_from_slice(message);
                return self.finish_ours();
            }
            other => return Err(Fault::Protocol(format!("a message of type {other} came before Finished"))),
        }
        self.transcript.extend_from_slice(message);
        Ok(())
    }

    /// Sends our Certificate, if one is wanted, and Finished.
    fn finish_ours(&mut self) -> Result<(), Fault> {
        let labels = ["c ap traffic", "s ap traffic"];
        let session = Secrets::derive(self.parameters, &self.master, labels, &self.transcript);
        let mut messages = Vec::new();
        if let Some(context) = &self.request {
            let mut content = Vec::new();
            put_vector8(&mut content, context);
            put_vector24(&mut content, &[]);
            messages = handshake_message(message::CERTIFICATE, &content);
            self.transcript.extend_from_slice(&messages);
        }
        let verify_data = self.handshake.verify_data(&self.handshake.client, &self.transcript);
        messages.extend(handshake_message(message::FINISHED, &verify_data));
        let mut write = self.handshake.protection(&self.handshake.client)?;
        self.output.extend(plain(kind::CHANGE_CIPHER_SPEC, 0x0303, &[1]));
        self.output.extend(write.seal(kind::HANDSHAKE, &messages, &mut self.entropy)?);
        let (read, write) = (session.protection(&session.server)?, session.protection(&session.client)?);
        self.session = Some((read, write, session));
        Ok(())
    }

    /// The session.
    pub(super) fn into_session(self) -> Result<Session, Fault> {
        let unfinished = || Fault::Protocol("the handshake is not finished".into());
        let (read, write, secrets) = self.session.ok_or_else(unfinished)?;
        let (established, records, entropy) = (self.established, self.records, self.entropy);
        let secrets = Some(secrets);
        Ok(Session::new(session::Parts { established, read, write, records, entropy, secrets }))
    }
}

/// A list of extensions with its length before it.
fn extensions(content: &[u8]) -> Option<Vec<(u16, Vec<u8>)>> {
    let mut list = Cursor(Cursor(content).vector16()?);
    let mut found = Vec::new();
    while !list.is_empty() {
        found.push((list.u16()?, list.vector16()?.to_vec()));
    }
    Some(found)
}

/// The certificates in a Certificate message, and what came with each (section 4.4.2).
fn certificates(content: &[u8]) -> Option<(Vec<Vec<u8>>, Vec<CertificateEntry>)> {
    let mut cursor = Cursor(content);
    cursor.vector8()?;
    let mut list = Cursor(cursor.vector24()?);
    let (mut certificates, mut entries) = (Vec::new(), Vec::new());
    while !list.is_empty() && entries.len() < MAX_CERTIFICATES {
        certificates.push(list.vector24()?.to_vec());
        let mut entry = CertificateEntry::default();
        let mut extensions = Cursor(list.vector16()?);
        while !extensions.is_empty() {
            let (number, content) = (extensions.u16()?, extensions.vector16()?);
            match number {
                extension::STATUS_REQUEST => entry.ocsp = message::ocsp_response(content),
                extension::SIGNED_CERTIFICATE_TIMESTAMP => entry.scts = Some(content.to_vec()),
                _ => {}
            }
        }
        entries.push(entry);
    }
    Some((certificates, entries))
}
