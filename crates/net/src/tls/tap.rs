//! A stream that remembers the first bytes that came through it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Enough for a ServerHello without its extensions, or for a greeting in clear.
const KEPT_BYTES: usize = 256;

/// What came through a [`Tap`].
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    /// How many bytes came.
    pub(crate) received: u64,
    /// The first of them.
    pub(crate) first: Vec<u8>,
}

/// Passes bytes both ways and remembers the first that were read, which the TLS library
/// does not tell: they show what speaks there if it is not TLS.
#[derive(Debug)]
pub struct Tap<S> {
    stream: S,
    seen: Arc<Mutex<Seen>>,
}

impl<S> Tap<S> {
    pub(crate) fn new(stream: S) -> (Self, Arc<Mutex<Seen>>) {
        let seen = Arc::new(Mutex::default());
        (Self { stream, seen: Arc::clone(&seen) }, seen)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        let new = buf.filled().get(before..).unwrap_or_default();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.received += new.len() as u64;
        let room = KEPT_BYTES.saturating_sub(seen.first.len());
        seen.first.extend(new.iter().take(room));
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
