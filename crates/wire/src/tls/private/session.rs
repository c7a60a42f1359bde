//! What a handshake leads to: facts, and a session in which bytes are exchanged.

use super::{
    Fault,
    entropy::Entropy,
    new::Secrets,
    protect::Protection,
    record::{Messages, RecordReader, body, kind},
};
use crate::tls::{
    bytes::Cursor,
    flight::{ServerFlight, message},
    hello::extension,
};

/// Longest content of one record.
const MAX_CONTENT: usize = 1 << 14;
/// Tickets that are kept; a server may send them without end.
const MAX_TICKETS: usize = 16;

/// A session ticket (RFC 5077 section 3.3, RFC 8446 section 4.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// How long it may be used, in seconds; 0 leaves it to the client (TLS 1.2).
    pub lifetime: u32,
    /// What the server wants back.
    pub ticket: Vec<u8>,
    /// TLS 1.3: bytes of early data that it allows; none without the extension, which
    /// allows none.
    pub max_early_data: Option<u32>,
}

impl Ticket {
    /// Reads the body of a NewSessionTicket of TLS 1.2.
    pub(super) fn old(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(body);
        let lifetime = u32::from_be_bytes(cursor.array()?);
        Some(Self { lifetime, ticket: cursor.vector16()?.to_vec(), max_early_data: None })
    }

    /// Reads the body of a NewSessionTicket of TLS 1.3.
    fn new(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(body);
        let lifetime = u32::from_be_bytes(cursor.array()?);
        cursor.array::<4>()?;
        cursor.vector8()?;
        let ticket = cursor.vector16()?.to_vec();
        let mut max_early_data = None;
        let mut extensions = Cursor(cursor.vector16()?);
        while !extensions.is_empty() {
            let (number, content) = (extensions.u16()?, extensions.vector16()?);
            if number == extension::EARLY_DATA {
                max_early_data = Some(u32::from_be_bytes(Cursor(content).array()?));
            }
        }
        Some(Self { lifetime, ticket, max_early_data })
    }
}

/// What comes with one certificate of TLS 1.3 (RFC 8446 section 4.4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateEntry {
    /// The OCSP response, DER.
    pub ocsp: Option<Vec<u8>>,
    /// The content of signed_certificate_timestamp (RFC 6962 section 3.3.1).
    pub scts: Option<Vec<u8>>,
}

/// The facts of a handshake that was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Established {
    /// The server's flight. In TLS 1.3 certificates, staple and the request for a client
    /// certificate were encrypted, and have been filled in.
    pub flight: ServerFlight,
    /// The group of the key exchange, if it was over one.
    pub group: Option<u16>,
    /// The scheme of the server's signature; none where nothing was signed, or before TLS
    /// 1.2, which has no choice.
    pub signature_scheme: Option<u16>,
    /// Up to TLS 1.2: the secret that resumption needs.
    pub master_secret: Vec<u8>,
    /// Up to TLS 1.2: the content of our Finished, by which a renegotiation is bound (RFC
    /// 5746).
    pub client_verify_data: Vec<u8>,
    /// Tickets that have come so far. In TLS 1.3 they come after the handshake.
    pub tickets: Vec<Ticket>,
    /// TLS 1.3: what came with each certificate, in the order of
    /// [`ServerFlight::certificates`].
    pub entries: Vec<CertificateEntry>,
    /// TLS 1.3: the encrypted extensions, number and content.
    pub encrypted_extensions: Vec<(u16, Vec<u8>)>,
    /// TLS 1.3: the server asked for another hello first.
    pub hello_retry: bool,
}

impl Established {
    /// The timestamps of the leaf that came in the handshake, and not in the certificate or
    /// the OCSP response: the content of signed_certificate_timestamp.
    pub fn scts(&self) -> Option<&[u8]> {
        let entry = self.entries.first().and_then(|entry| entry.scts.as_deref());
        entry.or_else(|| self.flight.extension(extension::SIGNED_CERTIFICATE_TIMESTAMP))
    }

    /// The protocol chosen by ALPN (RFC 7301).
    pub fn alpn(&self) -> Option<&[u8]> {
        let number = extension::ALPN;
        let encrypted = self.encrypted_extensions.iter().find(|(n, _)| *n == number);
        let content = encrypted.map(|(_, content)| content.as_slice());
        let list = Cursor(content.or_else(|| self.flight.extension(number))?).vector16()?;
        Cursor(list).vector8()
    }
}

/// What came in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The type of its record.
    pub kind: u8,
    /// Its content: of a handshake record one whole message with its header.
    pub payload: Vec<u8>,
}

/// A session that was negotiated: content in and out, as bytes on the wire.
pub struct Session {
    established: Established,
    read: Protection,
    write: Protection,
    records: RecordReader,
    messages: Messages,
    entropy: Entropy,
    /// TLS 1.3: where the next keys come from.
    secrets: Option<Secrets>,
    output: Vec<u8>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("suite", &self.established.flight.suite).finish_non_exhaustive()
    }
}

/// What a session is made of.
pub(super) struct Parts {
    pub(super) established: Established,
    pub(super) read: Protection,
    pub(super) write: Protection,
    pub(super) records: RecordReader,
    pub(super) entropy: Entropy,
    pub(super) secrets: Option<Secrets>,
}

impl Session {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { established, read, write, records, entropy, secrets } = parts;
        let messages = Messages::default();
        Self { established, read, write, records, messages, entropy, secrets, output: Vec::new() }
    }

    /// The facts; tickets are added to them as they come.
    pub fn established(&self) -> &Established {
        &self.established
    }

    /// Bytes to send for content of a type, in as many records as it takes.
    ///
    /// # Errors
    /// A defect of ours.
    pub fn seal(&mut self, kind: u8, content: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut out = self.take_output();
        let parts = if content.is_empty() { vec![content] } else { content.chunks(MAX_CONTENT).collect() };
        for part in parts {
            out.extend(self.write.seal(kind, part, &mut self.entropy)?);
        }
        Ok(out)
    }

    /// Bytes to send that nobody asked for: answers to changes of keys.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Takes bytes from the wire.
    pub fn push(&mut self, bytes: &[u8]) {
        self.records.push(bytes);
    }

    /// The next content that is complete. Tickets and changes of keys are taken in on the
    /// way.
    ///
    /// # Errors
    /// What came is no record of this session.
    pub fn next_message(&mut self) -> Result<Option<Message>, Fault> {
        loop {
            while let Some((kind, message)) = self.messages.next().map_err(Fault::Protocol)? {
                if !self.take_in(kind, &message)? {
                    return Ok(Some(Message { kind: kind::HANDSHAKE, payload: message }));
                }
            }
            let record = match self.records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(None),
                Err(error) => return Err(Fault::no_record(&error, self.records.pending())),
            };
            let is_new = self.secrets.is_some();
            if is_new && record.kind == kind::CHANGE_CIPHER_SPEC {
                continue;
            }
            if is_new && record.kind == kind::ALERT && record.payload.len() == 2 {
                return Ok(Some(Message { kind: record.kind, payload: record.payload }));
            }
            let (kind, payload) = self.read.open(record)?;
            if kind == kind::HANDSHAKE {
                self.messages.push(&payload);
            } else {
                return Ok(Some(Message { kind, payload }));
            }
        }
    }

    /// Takes in a message of TLS 1.3 that belongs to the session itself; false for others.
    fn take_in(&mut self, kind: u8, message: &[u8]) -> Result<bool, Fault> {
        let Some(secrets) = &mut self.secrets else { return Ok(false) };
        match kind {
            message::NEW_SESSION_TICKET => {
                if let Some(ticket) = Ticket::new(body(message))
                    && self.established.tickets.len() < MAX_TICKETS
                {
                    self.established.tickets.push(ticket);
                }
                Ok(true)
            }
            message::KEY_UPDATE => {
                self.read = secrets.next_server()?;
                if body(message) == [1] {
                    let answer = super::record::handshake_message(message::KEY_UPDATE, &[0]);
                    let sealed = self.write.seal(kind::HANDSHAKE, &answer, &mut self.entropy)?;
                    self.output.extend(sealed);
                    self.write = secrets.next_client()?;
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
