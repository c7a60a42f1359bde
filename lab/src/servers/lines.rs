//! Lines over any stream, with limits on length and idle time.

use std::{
    io::{Error, ErrorKind, Result},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// Anything that a conversation can run over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Longest line taken; RFC 5321 section 4.5.3.1 asks for 1000 at most.
const MAX_LINE: usize = 4096;
/// How long a client may be silent.
const IDLE: Duration = Duration::from_secs(60);

/// A stream read line by line.
pub(crate) struct Lines<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: Stream> Lines<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Lines of which the first bytes are here already.
    pub(crate) fn with_rest(stream: S, rest: Vec<u8>) -> Self {
        Self { stream, buffer: rest }
    }

    /// Bytes that were read and not taken as lines.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// The next line that was read already, without its end.
    pub(crate) fn waiting(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|b| *b == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next line without its end; none when the client closed.
    pub(crate) async fn next(&mut self) -> Result<Option<String>> {
        loop {
            if let Some(line) = self.waiting() {
                return Ok(Some(line));
            }
            if self.buffer.len() > MAX_LINE {
                return Err(Error::new(ErrorKind::InvalidData, "line too long"));
            }
            let read = timeout(IDLE, self.stream.read_buf(&mut self.buffer))
                .await
                .map_err(|_| Error::from(ErrorKind::TimedOut))??;
            if read == 0 {
                return Ok(None);
            }
        }
    }

    /// Sends bytes at once.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        timeout(IDLE, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        })
        .await
        .map_err(|_| Error::from(ErrorKind::TimedOut))?
    }

    /// The stream; bytes already read are dropped, as RFC 3207 section 4.2 demands of
    /// commands that were pipelined behind STARTTLS.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// Ends the outgoing side.
    pub(crate) async fn close(&mut self) {
        let _ = timeout(Duration::from_secs(2), self.stream.shutdown()).await;
    }
}
