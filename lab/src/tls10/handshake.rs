//! The server's side of a full handshake with RSA key exchange (RFC 2246 section 7.3).

use std::io::{Error, ErrorKind};

use aws_lc_rs::{
    rand,
    rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey},
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Server,
    prf::{prf, verify_data},
    record::{CHANGE_CIPHER_SPEC, Cipher, HANDSHAKE, MAC, Records, VERSION},
};

/// Suites in order of preference: code, and length of the AES key.
pub(super) const SUITES: [(u16, usize); 2] = [(0x0035, 32), (0x002f, 16)];
/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 section 3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;
/// The empty renegotiation_info extension in a ServerHello.
const RENEGOTIATION_INFO: [u8; 7] = [0, 5, 0xff, 1, 0, 1, 0];
const RENEGOTIATION_TYPE: u16 = 0xff01;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const FINISHED: u8 = 20;

/// Longest handshake message taken from a client.
const MAX_MESSAGE: usize = 1 << 16;
/// Most records that one message may be spread over.
const MAX_RECORDS: usize = 64;
const MASTER: usize = 48;

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the client closed during the handshake")]
    Closed,
    #[error("unexpected or malformed message")]
    Message,
    #[error("the client offers no TLS 1.0")]
    Version,
    #[error("no suite in common")]
    Suite,
    #[error("the client's Finished is wrong")]
    Finished,
    #[error("the server's key does not work")]
    Key,
    #[error(transparent)]
    Stream(#[from] Error),
}

impl Failure {
    /// The alert's code (RFC 2246 section 7.2).
    pub(super) fn alert(&self) -> u8 {
        match self {
            Self::Closed | Self::Message | Self::Stream(_) => 10,
            Self::Version => 70,
            Self::Suite => 40,
            Self::Finished => 51,
            Self::Key => 80,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Stream(e) => e,
            other => Self::new(ErrorKind::InvalidData, other),
        }
    }
}

/// Completes a handshake; how to open the client's records and to seal ours.
pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    records: &mut Records<S>,
    server: &Server,
) -> Result<(Cipher, Cipher), Failure> {
    let mut messages = Messages { records, pending: Vec::new(), transcript: Vec::new() };
    let hello = ClientHello::parse(&messages.next(CLIENT_HELLO).await?).ok_or(Failure::Message)?;
    if hello.version < u16::from_be_bytes(VERSION) {
        return Err(Failure::Version);
    }
    let (suite, key_length) =
        SUITES.into_iter().find(|(code, _)| hello.suites.contains(code)).ok_or(Failure::Suite)?;
    let mut random = [0; 32];
    rand::fill(&mut random).map_err(|_| Failure::Key)?;
    let flight = [
        message(SERVER_HELLO, &server_hello(&random, suite, hello.renegotiation)),
        message(CERTIFICATE, &certificate(server)),
        message(SERVER_HELLO_DONE, &[]),
    ]
    .concat();
    messages.send(&flight).await?;

    let exchange = messages.next(CLIENT_KEY_EXCHANGE).await?;
    let premaster = decrypt(&server.key, exchange.get(2..).unwrap_or_default())?;
    let master = prf(&premaster, "master secret", &[hello.random, random].concat(), MASTER);
    let (mut open, mut seal) = ciphers(&master, &[random, hello.random].concat(), key_length);

    messages.change_cipher_spec().await?;
    let expected = message(FINISHED, &verify_data(&master, "client finished", &messages.transcript));
    let (kind, sealed) = messages.records.read().await?.ok_or(Failure::Closed)?;
    let finished = open.open(kind, sealed).map_err(|_| Failure::Finished)?;
    if kind != HANDSHAKE || finished != expected {
        return Err(Failure::Finished);
    }
    messages.transcript.extend(&finished);

    let finished = message(FINISHED, &verify_data(&master, "server finished", &messages.transcript));
    messages.records.write(CHANGE_CIPHER_SPEC, &[1]).await?;
    let sealed = seal.seal(HANDSHAKE, &finished)?;
    messages.records.write(HANDSHAKE, &sealed).await?;
    Ok((open, seal))
}

/// The client's and the server's cipher from the key block (section 6.3).
pub(super) fn ciphers(master: &[u8], randoms: &[u8], key_length: usize) -> (Cipher, Cipher) {
    const IV: usize = 16;
    let block = prf(master, "key expansion", randoms, 2 * (MAC + key_length + IV));
    let mut rest = block.into_iter();
    let mut take = |n: usize| -> Vec<u8> { rest.by_ref().take(n).collect() };
    let (client_mac, server_mac) = (take(MAC), take(MAC));
    let (client_key, server_key) = (take(key_length), take(key_length));
    let (client_iv, server_iv) = (take(IV), take(IV));
    (
        Cipher { mac_key: client_mac, key: client_key, iv: client_iv, sequence: 0 },
        Cipher { mac_key: server_mac, key: server_key, iv: server_iv, sequence: 0 },
    )
}

/// A handshake message with its header.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &length24(body.len()), body].concat()
}

fn length24(length: usize) -> [u8; 3] {
    let [.., a, b, c] = length.to_be_bytes();
    [a, b, c]
}

fn server_hello(random: &[u8; 32], suite: u16, renegotiation: bool) -> Vec<u8> {
    // An empty session id: sessions are not resumed. The last byte: no compression.
    let mut body = [&VERSION[..], random, &[0], &suite.to_be_bytes(), &[0]].concat();
    if renegotiation {
        body.extend(RENEGOTIATION_INFO);
    }
    body
}

fn certificate(server: &Server) -> Vec<u8> {
    let list: Vec<u8> =
        server.chain.iter().flat_map(|c| [&length24(c.len())[..], c.as_ref()].concat()).collect();
    [&length24(list.len())[..], &list].concat()
}

fn decrypt(pkcs8: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Failure> {
    let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| Failure::Key)?;
    let key = Pkcs1PrivateDecryptingKey::new(key).map_err(|_| Failure::Key)?;
    let mut buffer = vec![0; key.min_output_size()];
    let plain = key.decrypt(sealed, &mut buffer).map_err(|_| Failure::Message)?;
    Ok(plain.to_vec())
}

/// Handshake messages out of records, with the transcript that Finished covers.
struct Messages<'a, S> {
    records: &'a mut Records<S>,
    pending: Vec<u8>,
    transcript: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Messages<'_, S> {
    /// The body of the next message, which must be of this kind.
    async fn next(&mut self, expected: u8) -> Result<Vec<u8>, Failure> {
        for _ in 0..MAX_RECORDS {
            if let [kind, a, b, c, ..] = self.pending[..] {
                let length = u32::from_be_bytes([0, a, b, c]) as usize;
                if kind != expected || length > MAX_MESSAGE {
                    return Err(Failure::Message);
                }
                if self.pending.len() >= 4 + length {
                    let message: Vec<u8> = self.pending.drain(..4 + length).collect();
                    self.transcript.extend(&message);
                    return Ok(message.into_iter().skip(4).collect());
                }
            }
            match self.records.read().await? {
                Some((HANDSHAKE, body)) => self.pending.extend(body),
                Some(_) => return Err(Failure::Message),
                None => return Err(Failure::Closed),
            }
        }
        Err(Failure::Message)
    }

    async fn send(&mut self, flight: &[u8]) -> Result<(), Failure> {
        self.transcript.extend(flight);
        for piece in flight.chunks(1 << 14) {
            self.records.write(HANDSHAKE, piece).await?;
        }
        Ok(())
    }

    async fn change_cipher_spec(&mut self) -> Result<(), Failure> {
        match self.records.read().await? {
            Some((CHANGE_CIPHER_SPEC, body)) if body == [1] && self.pending.is_empty() => Ok(()),
            Some(_) => Err(Failure::Message),
            None => Err(Failure::Closed),
        }
    }
}

/// What matters of a ClientHello (section 7.4.1.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    version: u16,
    random: [u8; 32],
    suites: Vec<u16>,
    /// Secure renegotiation is offered, by suite or extension.
    renegotiation: bool,
}

impl ClientHello {
    /// From a message's body; none if it is malformed.
    pub(super) fn parse(mut body: &[u8]) -> Option<Self> {
        let version = u16::from_be_bytes(*split(&mut body, 2)?.first_chunk()?);
        let random = *split(&mut body, 32)?.first_chunk()?;
        let session = split(&mut body, 1)?.first().copied()?;
        split(&mut body, session.into())?;
        let suites: Vec<u16> = pairs(vector16(&mut body)?).collect();
        let compression = split(&mut body, 1)?.first().copied()?;
        split(&mut body, compression.into())?;
        let mut renegotiation = suites.contains(&RENEGOTIATION_SCSV);
        if !body.is_empty() {
            let mut extensions = vector16(&mut body)?;
            while !extensions.is_empty() {
                let kind = u16::from_be_bytes(*split(&mut extensions, 2)?.first_chunk()?);
                vector16(&mut extensions)?;
                renegotiation |= kind == RENEGOTIATION_TYPE;
            }
        }
        Some(Self { version, random, suites, renegotiation })
    }
}

/// Cuts `length` bytes off the front.
fn split<'a>(from: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (front, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(front)
}

/// A vector with two bytes of length before it.
fn vector16<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(*split(from, 2)?.first_chunk()?);
    split(from, length.into())
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks_exact(2).filter_map(|p| Some(u16::from_be_bytes(*p.first_chunk()?)))
}
