//! The server's first flight in clear, read as it arrives.
//!
//! Bytes are pushed as they come; records and handshake messages may be split and joined
//! at any place, and the answer does not depend on where. Up to TLS 1.2 the flight is
//! read to ServerHelloDone, or to the ChangeCipherSpec of a session that is resumed; in
//! TLS 1.3 all that follows the ServerHello is encrypted, so that it ends there. Whatever
//! comes after the end (SMTP in plaintext after an alert is a common sight) is not looked
//! at, but kept for who goes on with the handshake ([`FlightReader::into_parts`]).

pub(super) mod message;

use waxseal_model::tls::TlsVersion;

use super::{
    alert::{CLOSE_NOTIFY, FATAL, close_alert, close_alert_in},
    bytes::Cursor,
    hello::extension,
    ssl2::{self, Ssl2Hello},
};
use crate::text::neutralise;

/// Bounds for one flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all, record headers included.
    pub total_bytes: usize,
}

impl Default for Limits {
    /// 256 KiB: the longest chains in use have some 20 KB, and lists of client CAs up to
    /// 64 KB.
    fn default() -> Self {
        Self { total_bytes: 256 * 1024 }
    }
}

/// Whether there is more to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlightState {
    /// The flight goes on.
    NeedMore,
    /// The answer is complete; further bytes are ignored.
    Done,
}

/// What a server answered to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A ServerHello and what came with it. `done` tells whether it is the whole flight.
    Hello(Box<ServerFlight>),
    /// TLS 1.3: the server asks for another hello (RFC 8446 section 4.1.4).
    HelloRetry {
        /// The version chosen.
        version: TlsVersion,
        /// The suite chosen.
        suite: u16,
        /// The group that it wants a key share of.
        group: Option<u16>,
        /// The cookie to be returned, if it sent one.
        cookie: Option<Vec<u8>>,
    },
    /// It ended the handshake before a ServerHello, or sent a warning and no more.
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// See [`super::alert::alert_name`].
        description: u8,
    },
    /// It answered in SSLv2.
    Ssl2(Ssl2Hello),
    /// It refused in SSLv2, with this error code (1 is: no common cipher).
    Ssl2Error(u16),
    /// Something else than TLS; the text is its first line, made harmless.
    NotTls(String),
    /// It closed without a byte.
    Nothing,
    /// TLS that makes no sense, in words.
    Malformed(String),
    /// More than [`Limits`] allows, without a ServerHello.
    TooLarge,
}

impl Answer {
    /// What to send before closing the connection that this answer came on: the alerts of
    /// [`close_alert_in`] in the version that the server chose, so that its log shows a
    /// client that left and no protocol error. Empty where the server ended it itself.
    pub fn farewell(&self) -> Vec<u8> {
        match self {
            Self::Hello(flight) if flight.alert.is_none() => close_alert_in(flight.version),
            Self::HelloRetry { version, .. } => close_alert_in(*version),
            Self::Alert { level, .. } if *level < FATAL => close_alert(),
            Self::Malformed(_) | Self::TooLarge => close_alert(),
            _ => Vec::new(),
        }
    }
}

/// The server's first flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFlight {
    /// The version chosen (in TLS 1.3 from supported_versions).
    pub version: TlsVersion,
    /// The suite chosen.
    pub suite: u16,
    /// The compression method chosen.
    pub compression: u8,
    /// The server's random bytes.
    pub random: [u8; 32],
    /// The session id; echoed in TLS 1.3.
    pub session_id: Vec<u8>,
    /// The extensions of the ServerHello as they came: number and content.
    pub extensions: Vec<(u16, Vec<u8>)>,
    /// renegotiation_info came (RFC 5746).
    pub secure_renegotiation: bool,
    /// RFC 7627.
    pub extended_master_secret: bool,
    /// RFC 7366; servers answer so only with CBC suites.
    pub encrypt_then_mac: bool,
    /// A session ticket will follow (RFC 5077).
    pub session_ticket: bool,
    /// RFC 6520.
    pub heartbeat: bool,
    /// The stapled OCSP response, DER: CertificateStatus came and is not empty.
    pub ocsp: Option<Vec<u8>>,
    /// The certificates in DER, leaf first, as they came; none without a Certificate
    /// message.
    pub certificates: Option<Vec<Vec<u8>>>,
    /// The ServerKeyExchange, if one came.
    pub key_exchange: Option<KeyExchange>,
    /// The server asks for a client certificate.
    pub certificate_requested: bool,
    /// The flight came to its end: the ServerHello in TLS 1.3; before that ServerHelloDone,
    /// or ChangeCipherSpec where a session is resumed.
    pub done: bool,
    /// Up to TLS 1.2: ChangeCipherSpec came where the certificate would have come, as it
    /// does when a session is resumed (RFC 5246 section 7.3).
    pub resumed: bool,
    /// A warning that came on the way, by its description: 112 where the server has no
    /// certificate for the name in SNI and goes on with another.
    pub warning: Option<u8>,
    /// The alert that broke off the flight: level and description.
    pub alert: Option<(u8, u8)>,
    /// What was wrong with it, in words. What was read before remains true.
    pub problems: Vec<String>,
}

impl ServerFlight {
    /// The version that the server marks as less than its best, by the end of its random
    /// (RFC 8446 section 4.1.3): TLS 1.2 means that it knows TLS 1.3; TLS 1.1 that it was
    /// driven to that or lower though it knows TLS 1.2 at least.
    pub fn downgrade_sentinel(&self) -> Option<TlsVersion> {
        match self.random.last_chunk::<8>()? {
            b"DOWNGRD\x01" => Some(TlsVersion::Tls12),
            b"DOWNGRD\x00" => Some(TlsVersion::Tls11),
            _ => None,
        }
    }

    /// The group of the server's key share in a TLS 1.3 ServerHello.
    pub fn key_share_group(&self) -> Option<u16> {
        self.extension(extension::KEY_SHARE).and_then(|content| Cursor(content).u16())
    }

    /// The content of an extension of the ServerHello.
    pub fn extension(&self, number: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(n, _)| *n == number).map(|(_, content)| content.as_slice())
    }
}

/// The server's part of an ephemeral key exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyExchange {
    /// Over a named curve.
    Ecdhe {
        /// The group.
        group: u16,
        /// The server's public value: a point, or the u-coordinate of x25519 and x448.
        public: Vec<u8>,
        /// Scheme of the signature, in TLS 1.2 with an authenticated suite.
        scheme: Option<u16>,
    },
    /// Over a finite field.
    Dhe {
        /// The prime, big-endian.
        p: Vec<u8>,
        /// The generator.
        g: Vec<u8>,
        /// The server's public value.
        y: Vec<u8>,
        /// Scheme of the signature, in TLS 1.2 with an authenticated suite.
        scheme: Option<u16>,
    },
    /// A temporary RSA key, as export suites use it.
    Rsa {
        /// The modulus, big-endian.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: Vec<u8>,
    },
    /// Another form: explicit curves, PSK hints, SRP.
    Other,
}

/// Record types.
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;

/// Longest record: 2^14 and 2048 bytes for compression and encryption (RFC 5246 section
/// 6.2.3).
pub(super) const MAX_RECORD: usize = (1 << 14) + 2048;
/// How much of an answer that is not TLS is shown.
const MAX_TEXT: usize = 200;
/// More complaints about one flight help nobody.
const MAX_PROBLEMS: usize = 8;

/// The answer in bytes that are all there, within the default limits.
pub fn read(bytes: &[u8]) -> Answer {
    let mut reader = FlightReader::new(Limits::default());
    reader.push(bytes);
    reader.finish()
}

/// An answer with what is needed to go on from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The answer.
    pub answer: Answer,
    /// The handshake messages of the answer as they came, headers included, for the hash
    /// over the handshake (RFC 5246 section 7.4.9); HelloRequest has no place in it.
    pub transcript: Vec<u8>,
    /// Bytes that came after the end of the answer. The ChangeCipherSpec of a resumed
    /// session is among them.
    pub rest: Vec<u8>,
}

/// Collects the flight.
#[derive(Debug, Clone)]
pub struct FlightReader {
    limits: Limits,
    received: usize,
    /// Bytes that are no complete record yet.
    pending: Vec<u8>,
    /// Handshake bytes that are no complete message yet.
    handshake: Vec<u8>,
    /// Bytes of an alert that is not complete yet.
    alert: Vec<u8>,
    /// The last warning.
    warning: Option<u8>,
    /// A TLS record was read, so that what follows is TLS too.
    is_tls: bool,
    flight: Option<Box<ServerFlight>>,
    answer: Option<Answer>,
    transcript: Vec<u8>,
}

impl FlightReader {
    /// A reader with bounds.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            received: 0,
            pending: Vec::new(),
            handshake: Vec::new(),
            alert: Vec::new(),
            warning: None,
            is_tls: false,
            flight: None,
            answer: None,
            transcript: Vec::new(),
        }
    }

    /// Takes bytes from the server.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.answer.is_some() {
            return;
        }
        let room = self.limits.total_bytes.saturating_sub(self.received);
        let (taken, beyond) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.received += taken.len();
        self.pending.extend_from_slice(taken);
        self.read_records();
        if self.answer.is_none() && !beyond.is_empty() {
            self.too_large();
        }
    }

    /// Whether more is to come.
    pub fn state(&self) -> FlightState {
        if self.answer.is_some() { FlightState::Done } else { FlightState::NeedMore }
    }

    /// The answer as [`Self::finish`] gives it, with all that is needed to go on.
    pub fn into_parts(mut self) -> Parts {
        let transcript = std::mem::take(&mut self.transcript);
        let rest = if self.answer.is_some() { std::mem::take(&mut self.pending) } else { Vec::new() };
        Parts { answer: self.finish(), transcript, rest }
    }

    /// The answer: complete, or what there is if the peer closed or fell silent.
    pub fn finish(mut self) -> Answer {
        if let Some(answer) = self.answer.take() {
            return answer;
        }
        if let Some(flight) = self.flight.take() {
            return self.hello(flight);
        }
        if let Some(description) = self.warning {
            return Answer::Alert { level: 1, description };
        }
        if self.received == 0 {
            return Answer::Nothing;
        }
        if !self.is_tls && matches!(recognise(&self.pending), Protocol::Other) {
            return Answer::NotTls(first_line(&self.pending));
        }
        let unread = self.pending.len() + self.handshake.len() + self.alert.len();
        Answer::Malformed(format!("it ended in the middle of a record or message ({unread} bytes were left)"))
    }

    fn read_records(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        let mut used = 0;
        while self.answer.is_none() {
            match self.read_record(pending.get(used..).unwrap_or_default()) {
                0 => break,
                taken => used += taken,
            }
        }
        pending.drain(..used);
        self.pending = pending;
    }

    /// Reads one record from the front; returns how many bytes it took, 0 where there is
    /// none yet.
    fn read_record(&mut self, bytes: &[u8]) -> usize {
        if !self.is_tls {
            match recognise(bytes) {
                Protocol::Unclear => return 0,
                Protocol::Tls => self.is_tls = true,
                Protocol::Ssl2 => return self.read_ssl2(bytes),
                Protocol::Other => {
                    self.read_text(bytes);
                    return 0;
                }
            }
        }
        let mut cursor = Cursor(bytes);
        let (Some(kind), Some(version), Some(length)) = (cursor.u8(), cursor.u16(), cursor.u16()) else {
            return 0;
        };
        let length = usize::from(length);
        if !(20..=24).contains(&kind) || version >> 8 != 3 || length > MAX_RECORD {
            self.broken(format!("a record begins with {}", hex_start(bytes)));
            return 0;
        }
        let Some(payload) = cursor.take(length) else { return 0 };
        match kind {
            HANDSHAKE => self.read_handshake(payload),
            ALERT => self.read_alert(payload),
            CHANGE_CIPHER_SPEC => {
                if self.ends_resumed() {
                    return 0;
                }
            }
            other => self.broken(format!("a record of type {other} came in the middle of the handshake")),
        }
        5 + length
    }

    /// Takes a ChangeCipherSpec: directly after the ServerHello of TLS 1.2 and older it
    /// means that a session is resumed. Anywhere else it is for middlebox compatibility
    /// (RFC 8446 appendix D.4), or out of place.
    fn ends_resumed(&mut self) -> bool {
        let flight = self.flight.take_if(|f| f.certificates.is_none() && f.key_exchange.is_none());
        let Some(mut flight) = flight else { return false };
        flight.resumed = true;
        flight.done = true;
        self.answer = Some(self.hello(flight));
        true
    }

    fn read_ssl2(&mut self, bytes: &[u8]) -> usize {
        let Some(record) = ssl2::record_length(bytes).and_then(|length| bytes.get(..length)) else {
            return 0;
        };
        self.answer = Some(match ssl2::parse(record) {
            ssl2::Message::Hello(hello) => Answer::Ssl2(hello),
            ssl2::Message::Error(code) => Answer::Ssl2Error(code),
            ssl2::Message::Unreadable => Answer::Malformed(format!("it begins with {}", hex_start(bytes))),
        });
        record.len()
    }

    /// Something else than TLS: its first line is enough.
    fn read_text(&mut self, bytes: &[u8]) {
        if bytes.contains(&b'\n') || bytes.len() >= MAX_TEXT {
            self.answer = Some(Answer::NotTls(first_line(bytes)));
        }
    }

    fn read_alert(&mut self, payload: &[u8]) {
        self.alert.extend_from_slice(payload);
        let alerts = std::mem::take(&mut self.alert);
        let mut cursor = Cursor(&alerts);
        while let Some([level, description]) = cursor.array::<2>() {
            // Many servers warn of an unknown name in SNI, and go on.
            if level < FATAL && description != CLOSE_NOTIFY {
                self.warning = Some(description);
                continue;
            }
            self.answer = Some(match self.flight.take() {
                Some(mut flight) => {
                    flight.alert = Some((level, description));
                    self.hello(flight)
                }
                None => Answer::Alert { level, description },
            });
            return;
        }
        self.alert = cursor.0.to_vec();
    }

    fn read_handshake(&mut self, payload: &[u8]) {
        self.handshake.extend_from_slice(payload);
        let mut handshake = std::mem::take(&mut self.handshake);
        let mut cursor = Cursor(&handshake);
        let mut left = handshake.len();
        while self.answer.is_none() {
            let (Some(kind), Some(length)) = (cursor.u8(), cursor.u24()) else { break };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > self.limits.total_bytes {
                self.too_large();
                return;
            }
            let Some(body) = cursor.take(length) else { break };
            if kind != message::HELLO_REQUEST {
                let start = handshake.len() - left;
                self.transcript.extend(handshake.iter().skip(start).take(4 + length));
            }
            left = cursor.0.len();
            self.read_message(kind, body);
        }
        handshake.drain(..handshake.len() - left);
        self.handshake = handshake;
    }

    fn read_message(&mut self, kind: u8, body: &[u8]) {
        let Some(mut flight) = self.flight.take() else {
            self.read_first_message(kind, body);
            return;
        };
        match message::read(kind, body, &mut flight) {
            Ok(()) => {}
            Err(problem) if flight.problems.len() < MAX_PROBLEMS => flight.problems.push(problem),
            Err(_) => {}
        }
        if flight.done {
            self.answer = Some(self.hello(flight));
        } else {
            self.flight = Some(flight);
        }
    }

    fn read_first_message(&mut self, kind: u8, body: &[u8]) {
        match kind {
            message::HELLO_REQUEST => {}
            message::SERVER_HELLO => match message::server_hello(body) {
                Ok(message::Hello::Server(flight)) if flight.done => self.answer = Some(self.hello(flight)),
                Ok(message::Hello::Server(flight)) => self.flight = Some(flight),
                Ok(message::Hello::Retry { version, suite, group, cookie }) => {
                    self.answer = Some(Answer::HelloRetry { version, suite, group, cookie });
                }
                Err(problem) => self.answer = Some(Answer::Malformed(problem)),
            },
            other => {
                self.answer = Some(Answer::Malformed(format!(
                    "the handshake begins with a message of type {other} instead of a ServerHello"
                )));
            }
        }
    }

    fn hello(&self, mut flight: Box<ServerFlight>) -> Answer {
        flight.warning = self.warning;
        Answer::Hello(flight)
    }

    /// Ends the reading at the limit. What the ServerHello told remains of use.
    fn too_large(&mut self) {
        let limit = self.limits.total_bytes;
        self.answer = Some(match self.flight.take() {
            Some(mut flight) => {
                flight.problems.push(format!("the flight is longer than {limit} bytes"));
                self.hello(flight)
            }
            None => Answer::TooLarge,
        });
    }

    /// Ends the reading: with what the ServerHello told, if there was one.
    fn broken(&mut self, problem: String) {
        self.answer = Some(match self.flight.take() {
            Some(mut flight) => {
                flight.problems.push(problem);
                self.hello(flight)
            }
            None => Answer::Malformed(problem),
        });
    }
}

enum Protocol {
    Unclear,
    Tls,
    Ssl2,
    Other,
}

/// Tells from the first bytes what a peer speaks. The types of TLS records are control
/// characters, with which no text protocol begins.
fn recognise(bytes: &[u8]) -> Protocol {
    match *bytes {
        [] => Protocol::Unclear,
        [first, ..] if !(20..=24).contains(&first) && first & 0x80 == 0 => Protocol::Other,
        [20..=24, 3, ..] => Protocol::Tls,
        [a, b, c, ..] if ssl2::is_start([a, b, c]) => Protocol::Ssl2,
        [_] | [0x80..=0xff, _] => Protocol::Unclear,
        _ => Protocol::Other,
    }
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    neutralise(line.get(..MAX_TEXT).unwrap_or(line), MAX_TEXT)
}

/// The first bytes in hex, and as text where they are text.
fn hex_start(bytes: &[u8]) -> String {
    let start = bytes.get(..5).unwrap_or(bytes);
    let hex: Vec<String> = start.iter().map(|byte| format!("{byte:02x}")).collect();
    if start.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        format!("{} (\"{}\")", hex.join(" "), neutralise(start, MAX_TEXT))
    } else {
        hex.join(" ")
    }
}

#[cfg(test)]
pub(super) mod tests;
