//! The record layer (RFC 2246 section 6).

use std::io::{Error, ErrorKind, Result};

use aes::{Aes128, Aes256};
use cbc::{
    Decryptor, Encryptor,
    cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding},
};
use hmac::Hmac;
use sha1::Sha1;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::TcpStream,
};

use super::prf::hmac;

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
/// TLS 1.0 on the wire.
pub(super) const VERSION: [u8; 2] = [3, 1];

/// Largest record: 2^14 bytes of data and 2048 of protection.
const MAX_RECORD: usize = (1 << 14) + 2048;
const BLOCK: usize = 16;
/// HMAC-SHA1.
pub(super) const MAC: usize = 20;

/// Records over a stream.
pub(super) struct Records<S> {
    stream: S,
}

impl Records<TcpStream> {
    pub(super) fn split(self) -> (Records<ReadHalf<TcpStream>>, Records<WriteHalf<TcpStream>>) {
        let (reader, writer) = split(self.stream);
        (Records { stream: reader }, Records { stream: writer })
    }
}

impl<S> Records<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream }
    }
}

impl<S: AsyncRead + Unpin> Records<S> {
    /// Type and content of the next record; none when the peer closed.
    pub(super) async fn read(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        let mut header = [0; 5];
        match self.stream.read_exact(&mut header).await {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(e),
        }
        let [kind, major, _, high, low] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind) || major != 3 || length > MAX_RECORD {
            return Err(Error::new(ErrorKind::InvalidData, "no TLS record"));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Some((kind, body)))
    }
}

impl<S: AsyncWrite + Unpin> Records<S> {
    pub(super) async fn write(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        let length = u16::try_from(body.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        let [major, minor] = VERSION;
        let [high, low] = length.to_be_bytes();
        self.stream.write_all(&[&[kind, major, minor, high, low], body].concat()).await?;
        self.stream.flush().await
    }

    pub(super) async fn shutdown(&mut self) -> Result<()> {
        self.stream.shutdown().await
    }
}

/// Keys and state of one direction: AES-CBC with the last block of a record as the next
/// one's initialisation vector, and HMAC-SHA1 over what is encrypted.
pub(super) struct Cipher {
    pub(super) mac_key: Vec<u8>,
    /// 16 or 32 bytes.
    pub(super) key: Vec<u8>,
    pub(super) iv: Vec<u8>,
    pub(super) sequence: u64,
}

impl Cipher {
    /// A record's content from its plaintext.
    pub(super) fn seal(&mut self, kind: u8, data: &[u8]) -> Result<Vec<u8>> {
        let mut block = [data, &self.mac(kind, data)?].concat();
        // The padding's bytes each say how many follow them.
        let padding = BLOCK - (block.len() + 1) % BLOCK;
        let padding = u8::try_from(padding % BLOCK).unwrap_or(0);
        block.extend(std::iter::repeat_n(padding, usize::from(padding) + 1));
        let sealed = match self.key.len() {
            16 => Encryptor::<Aes128>::new_from_slices(&self.key, &self.iv)
                .map(|c| c.encrypt_padded_vec::<NoPadding>(&block)),
            _ => Encryptor::<Aes256>::new_from_slices(&self.key, &self.iv)
                .map(|c| c.encrypt_padded_vec::<NoPadding>(&block)),
        };
        let sealed = sealed.map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        self.chain(&sealed);
        Ok(sealed)
    }

    /// A record's plaintext from its content.
    pub(super) fn open(&mut self, kind: u8, sealed: Vec<u8>) -> Result<Vec<u8>> {
        let bad = |what| Error::new(ErrorKind::InvalidData, what);
        let block = match self.key.len() {
            16 => Decryptor::<Aes128>::new_from_slices(&self.key, &self.iv)
                .map(|c| c.decrypt_padded_vec::<NoPadding>(&sealed)),
            _ => Decryptor::<Aes256>::new_from_slices(&self.key, &self.iv)
                .map(|c| c.decrypt_padded_vec::<NoPadding>(&sealed)),
        };
        let mut data =
            block.map_err(|_| bad("key of a wrong length"))?.map_err(|_| bad("no whole number of blocks"))?;
        self.chain(&sealed);
        let padding = usize::from(*data.last().ok_or_else(|| bad("empty record"))?);
        let length = data.len().checked_sub(padding + 1 + MAC).ok_or_else(|| bad("bad padding"))?;
        let mac: Vec<u8> = data.iter().copied().skip(length).take(MAC).collect();
        data.truncate(length);
        if self.mac(kind, &data)? != mac {
            return Err(bad("bad MAC"));
        }
        Ok(data)
    }

    fn mac(&mut self, kind: u8, data: &[u8]) -> Result<Vec<u8>> {
        let length = u16::try_from(data.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        let sequence = self.sequence.to_be_bytes();
        self.sequence = self.sequence.wrapping_add(1);
        Ok(hmac::<Hmac<Sha1>>(&self.mac_key, &[&sequence, &[kind], &VERSION, &length.to_be_bytes(), data]))
    }

    fn chain(&mut self, sealed: &[u8]) {
        if let Some(last) = sealed.last_chunk::<BLOCK>() {
            self.iv = last.to_vec();
        }
    }
}
