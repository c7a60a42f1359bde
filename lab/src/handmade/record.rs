//! Records over a TCP stream, in clear and sealed (RFC 5246 section 6.2).

use std::io::{Error, ErrorKind};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Failure, behaviour::TLS10, cipher::Cipher};

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
pub(super) const HEARTBEAT: u8 = 24;

/// Levels of alerts.
pub(super) const WARNING: u8 = 1;
pub(super) const FATAL: u8 = 2;

/// Largest record: 2^14 bytes of data and 2048 of protection.
const MAX_RECORD: usize = (1 << 14) + 2048;
/// Most data in a record.
const MAX_DATA: usize = 1 << 14;
const HEADER: usize = 5;

/// A connection.
pub(super) struct Records {
    stream: TcpStream,
    received: Vec<u8>,
    /// The version that records carry.
    pub(super) version: u16,
    /// Opens the client's records; none while they are in clear.
    pub(super) open: Option<Cipher>,
    /// Seals the server's records.
    pub(super) seal: Option<Cipher>,
}

impl Records {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, received: Vec::new(), version: TLS10, open: None, seal: None }
    }

    /// Type and plaintext of the next record; none when the peer closed. Nothing is lost if
    /// this is given up while it waits.
    pub(super) async fn read(&mut self) -> Result<Option<(u8, Vec<u8>)>, Failure> {
        loop {
            if let Some((kind, sealed)) = self.cut()? {
                return match &mut self.open {
                    None => Ok(Some((kind, sealed))),
                    Some(cipher) => Ok(Some((kind, cipher.open(kind, sealed)?))),
                };
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// A whole record off the front of what was received.
    fn cut(&mut self) -> Result<Option<(u8, Vec<u8>)>, Failure> {
        let Some(&[kind, major, _, high, low]) = self.received.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) || major != 3 || length > MAX_RECORD {
            return Err(Error::new(ErrorKind::InvalidData, "no TLS record").into());
        }
        if self.received.len() < HEADER + length {
            return Ok(None);
        }
        let body = self.received.drain(..HEADER + length).skip(HEADER).collect();
        Ok(Some((kind, body)))
    }

    /// Receives more. False when the peer closed.
    async fn more(&mut self) -> Result<bool, Failure> {
        Ok(self.stream.read_buf(&mut self.received).await? > 0)
    }

    /// The first bytes received, once there are so many; none if the peer closed before.
    /// They are read again as records.
    pub(super) async fn first(&mut self, length: usize) -> Result<Option<&[u8]>, Failure> {
        while self.received.len() < length {
            if !self.more().await? {
                return Ok(None);
            }
        }
        Ok(self.received.get(..length))
    }

    /// Whether anything was received that was not read.
    pub(super) fn has_more(&self) -> bool {
        !self.received.is_empty()
    }

    /// Waits until anything more has arrived.
    pub(super) async fn arrival(&mut self) -> Result<bool, Failure> {
        Ok(self.has_more() || self.more().await?)
    }

    /// Sends data in as many records as it takes.
    pub(super) async fn write(&mut self, kind: u8, data: &[u8]) -> Result<(), Failure> {
        let [major, minor] = self.version.to_be_bytes();
        let mut out = Vec::new();
        for piece in data.chunks(MAX_DATA) {
            let body = match &mut self.seal {
                None => piece.to_vec(),
                Some(cipher) => cipher.seal(kind, piece)?,
            };
            let [high, low] = u16::try_from(body.len()).map_err(|_| ErrorKind::InvalidInput)?.to_be_bytes();
            out.extend([kind, major, minor, high, low]);
            out.extend(body);
        }
        self.raw(&out).await
    }

    /// Sends bytes as they are.
    pub(super) async fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    pub(super) async fn alert(&mut self, level: u8, code: u8) -> Result<(), Failure> {
        self.write(ALERT, &[level, code]).await
    }

    pub(super) async fn shutdown(&mut self) -> Result<(), Failure> {
        Ok(self.stream.shutdown().await?)
    }

    /// The stream itself, for an end that is not TLS.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }
}
