//! A TLS 1.0 server (RFC 2246), since no library that is still kept offers one: RSA key
//! exchange with AES-CBC and HMAC-SHA1, secure renegotiation acknowledged (RFC 5746),
//! nothing else. It completes real handshakes, so that what only speaks TLS 1.0 can be
//! shown and tested.
//!
//! It must never protect anything: it makes no attempt to run in constant time, and
//! answers padding and MAC errors so that they can be told apart.
//!
//! - [`prf`]: key derivation and Finished.
//! - [`record`]: records in clear and sealed.
//! - [`handshake`]: the messages, and their order.

mod handshake;
mod prf;
mod record;

#[cfg(test)]
mod tests;

use std::{io::Result, sync::Arc};

use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    net::TcpStream,
    select,
};

use record::{ALERT, APPLICATION_DATA, Cipher, Records};

/// Most application data in a record; well below the 2^14 of the protocol.
const CHUNK: usize = 4096;
/// Alert close_notify, level warning.
const CLOSE_NOTIFY: [u8; 2] = [1, 0];

/// What the server needs: a certificate chain and its RSA key in PKCS#8.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) chain: Arc<Vec<CertificateDer<'static>>>,
    pub(crate) key: Arc<Vec<u8>>,
}

/// Completes a handshake; the stream within, which lives as long as both ends.
pub(crate) async fn accept(tcp: TcpStream, server: &Server) -> Result<DuplexStream> {
    let mut records = Records::new(tcp);
    let keys = match handshake::accept(&mut records, server).await {
        Ok(keys) => keys,
        Err(failure) => {
            records.write(ALERT, &[2, failure.alert()]).await?;
            return Err(failure.into());
        }
    };
    let (inner, outer) = duplex(4 * CHUNK);
    tokio::spawn(async move {
        // Ends with either side; nobody is left to tell about an error.
        let _ = pump(records, keys.0, keys.1, inner).await;
    });
    Ok(outer)
}

/// Moves application data between the sealed records and the plain stream.
async fn pump(records: Records<TcpStream>, open: Cipher, seal: Cipher, plain: DuplexStream) -> Result<()> {
    let (reader, writer) = records.split();
    let (plain_read, plain_write) = split(plain);
    // Either direction may end alone: what the other still has to say is worth hearing
    // only when it is the server's.
    let inward = inward(reader, open, plain_write);
    let outward = outward(writer, seal, plain_read);
    tokio::pin!(outward);
    select! {
        result = inward => { result?; outward.await }
        result = &mut outward => result,
    }
}

async fn inward(
    mut records: Records<ReadHalf<TcpStream>>,
    mut open: Cipher,
    mut plain: WriteHalf<DuplexStream>,
) -> Result<()> {
    while let Some((kind, sealed)) = records.read().await? {
        let data = open.open(kind, sealed)?;
        match kind {
            APPLICATION_DATA => plain.write_all(&data).await?,
            ALERT => break,
            // Renegotiation is not wanted, and may be ignored (RFC 2246 section 7.4.1.1).
            _ => {}
        }
    }
    plain.shutdown().await
}

async fn outward(
    mut records: Records<WriteHalf<TcpStream>>,
    mut seal: Cipher,
    mut plain: ReadHalf<DuplexStream>,
) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = plain.read(&mut buffer).await?;
        if length == 0 {
            let sealed = seal.seal(ALERT, &CLOSE_NOTIFY)?;
            records.write(ALERT, &sealed).await?;
            return records.shutdown().await;
        }
        let sealed = seal.seal(APPLICATION_DATA, buffer.get(..length).unwrap_or_default())?;
        records.write(APPLICATION_DATA, &sealed).await?;
    }
}
