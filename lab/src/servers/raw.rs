//! Services that are not SMTP, or hardly.

use std::{io::Result, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A service that is not a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw {
    /// Takes the connection and says nothing.
    Silent,
    /// These bytes, then the end.
    Banner(&'static [u8]),
    /// A greeting that goes on line after line.
    EndlessGreeting,
    /// Bytes without a line end, for ever.
    EndlessBytes,
}

/// How long a service goes on at most.
const LONGEST: Duration = Duration::from_secs(120);
/// Bytes sent at most, so that nothing is for ever after all.
const MOST: usize = 256 << 20;

/// Serves one connection.
pub(crate) async fn serve(mut tcp: TcpStream, raw: Raw) -> Result<()> {
    let work = async {
        match raw {
            Raw::Silent => drain(&mut tcp).await,
            Raw::Banner(bytes) => {
                tcp.write_all(bytes).await?;
                // One answer of the client is awaited, so that it can read ours first.
                let _ = tcp.read(&mut [0; 512]).await?;
                tcp.shutdown().await
            }
            Raw::EndlessGreeting => {
                flood(&mut tcp, &b"220-There is always one more line\r\n".repeat(64)).await
            }
            Raw::EndlessBytes => flood(&mut tcp, &[b'x'; 4096]).await,
        }
    };
    timeout(LONGEST, work).await.unwrap_or(Ok(()))
}

async fn drain(tcp: &mut TcpStream) -> Result<()> {
    let mut buffer = [0; 4096];
    while tcp.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Writes as fast as the client reads.
async fn flood(tcp: &mut TcpStream, piece: &[u8]) -> Result<()> {
    let mut sent = 0usize;
    while sent < MOST {
        tcp.write_all(piece).await?;
        sent = sent.saturating_add(piece.len());
    }
    Ok(())
}
