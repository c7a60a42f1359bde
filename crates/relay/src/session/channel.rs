//! The client's connection: bytes in, replies out, one deadline, and the sign to stop.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    sync::watch,
    time::{Instant, Sleep, sleep_until, timeout, timeout_at},
};
use waxseal_net::tls::server::{AcceptFailure, ServerTls, ServerTlsFacts, ServerTlsStream};

use super::sign;

/// Room for what a client says at once.
const ROOM: usize = 16 * 1024;
/// Room while a large message comes.
const LARGE_ROOM: usize = 64 * 1024;
/// Replies that wait for the client to take them; more are sent before going on.
const MOST_REPLIES: usize = 32 * 1024;
/// Time for a client to take our last words.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why there is nothing more to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The client has gone.
    Gone,
    /// It took too long.
    Timeout,
    /// We are to stop.
    Stopping,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// A command: the sign to stop ends the wait.
    Command,
    /// Data of a message, which may come to its end.
    Data,
    /// Data of a message that is large already.
    MuchData,
}

/// Comes to its end when the relay is to stop.
type StopSign = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection in clear or within TLS.
pub(super) struct Channel<S> {
    io: Stream<S>,
    /// What came and is not used up.
    pub(super) input: BytesMut,
    replies: Vec<u8>,
    deadline: Instant,
    /// Wakes at the deadline or before: moving the deadline back costs nothing.
    timer: Pin<Box<Sleep>>,
    stop: StopSign,
    stopping: bool,
}

enum Stream<S> {
    Clear(S),
    Tls(Box<ServerTlsStream<S>>),
    /// A handshake failed: nothing can be said any more.
    Broken,
}

impl<S> Channel<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn new(stream: S, mut stop: watch::Receiver<bool>) -> Self {
        let deadline = Instant::now() + Duration::from_mins(5);
        Self {
            io: Stream::Clear(stream),
            input: BytesMut::new(),
            replies: Vec::new(),
            deadline,
            timer: Box::pin(sleep_until(deadline)),
            stop: Box::pin(async move { sign(&mut stop).await }),
            stopping: false,
        }
    }

    /// Until when the next waits may last.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
    }

    /// Where to write replies, each with its CR LF. They are sent when the client is waited
    /// for: those to a group of pipelined commands go out together (RFC 2920 section 3.2).
    pub(super) fn replies(&mut self) -> &mut Vec<u8> {
        &mut self.replies
    }

    /// Waits for more input, after replies were sent.
    pub(super) async fn fill(&mut self, wait: Wait) -> Result<(), Lost> {
        self.flush().await?;
        self.input.reserve(if wait == Wait::MuchData { LARGE_ROOM } else { ROOM });
        let mut read = std::pin::pin!(self.io.read_buf(&mut self.input));
        let (timer, stop, stopping) = (&mut self.timer, &mut self.stop, &mut self.stopping);
        let deadline = self.deadline;
        poll_fn(|cx| {
            if let Poll::Ready(result) = read.as_mut().poll(cx) {
                return Poll::Ready(match result {
                    Ok(0) | Err(_) => Err(Lost::Gone),
                    Ok(_) => Ok(()),
                });
            }
            *stopping = *stopping || stop.as_mut().poll(cx).is_ready();
            if *stopping && wait == Wait::Command {
                return Poll::Ready(Err(Lost::Stopping));
            }
            expired(timer, deadline, cx).map(|()| Err(Lost::Timeout))
        })
        .await
    }

    /// Sends replies if there are more than a client should be owed.
    pub(super) async fn relieve(&mut self) -> Result<(), Lost> {
        if self.replies.len() > MOST_REPLIES { self.flush().await } else { Ok(()) }
    }

    /// Sends what is to be said.
    pub(super) async fn flush(&mut self) -> Result<(), Lost> {
        if self.replies.is_empty() {
            return Ok(());
        }
        let deadline = self.deadline;
        let (io, replies, timer) = (&mut self.io, &self.replies, &mut self.timer);
        let mut write = std::pin::pin!(async {
            io.write_all(replies).await?;
            io.flush().await
        });
        let result = poll_fn(|cx| {
            if let Poll::Ready(result) = write.as_mut().poll(cx) {
                return Poll::Ready(result.map_err(|_| Lost::Gone));
            }
            expired(timer, deadline, cx).map(|()| Err(Lost::Timeout))
        })
        .await;
        self.replies.clear();
        result
    }

    /// Makes the handshake. What was buffered must be gone.
    pub(super) async fn secure(
        &mut self,
        tls: &ServerTls,
        deadline: Instant,
    ) -> Result<ServerTlsFacts, AcceptFailure> {
        let Stream::Clear(stream) = std::mem::replace(&mut self.io, Stream::Broken) else {
            return Err(AcceptFailure::Closed);
        };
        let accepted = tls.accept(stream, deadline).await?;
        self.io = Stream::Tls(Box::new(accepted.stream));
        Ok(accepted.facts)
    }

    /// Says the last words and closes.
    pub(super) async fn close(mut self) {
        let farewell = async {
            if !self.replies.is_empty() {
                self.io.write_all(&self.replies).await?;
                self.io.flush().await?;
            }
            self.io.shutdown().await
        };
        // The client may have gone already; there is nobody to tell.
        let _ = timeout(FAREWELL, farewell).await;
        // Unread bytes would make the system reset the connection, and our last words be lost.
        let Stream::Clear(mut stream) = self.io else { return };
        let mut rest = [0; 1024];
        let until = Instant::now() + FAREWELL;
        for _ in 0..1024 {
            match timeout_at(until, stream.read(&mut rest)).await {
                Ok(Ok(n)) if n > 0 => {}
                _ => return,
            }
        }
    }
}

/// Ready when the deadline has passed.
fn expired(timer: &mut Pin<Box<Sleep>>, deadline: Instant, cx: &mut TaskContext<'_>) -> Poll<()> {
    while timer.as_mut().poll(cx).is_ready() {
        if Instant::now() >= deadline {
            return Poll::Ready(());
        }
        timer.as_mut().reset(deadline);
    }
    Poll::Pending
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Broken => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut TaskContext<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Broken => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Broken => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Broken => Poll::Ready(Ok(())),
        }
    }
}
