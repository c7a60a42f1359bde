//! The stream within a session of the private client.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::{Instant, timeout_at},
};
use waxseal_model::{Cause, Why};
use waxseal_wire::tls::{
    alert::CLOSE_NOTIFY,
    private::{Established, Fault, Message, Session, Ticket, kind},
};

use super::Stop;
use crate::exchange::Ended;

/// The end of a greeting or a reply.
const LINE_END: u8 = b'\n';
/// A greeting of more bytes has no end.
const LONGEST_GREETING: usize = 1 << 16;
/// Content is sent in pieces of at most so many bytes.
const PIECE: usize = 1 << 14;

/// Application data in and out, as [`crate::session::SmtpSession`] takes it. Shutting it
/// down sends close_notify.
#[derive(Debug)]
pub struct PrivateStream<S> {
    stream: S,
    session: Session,
    /// Application data that nobody has read yet.
    incoming: Vec<u8>,
    /// Records that are not sent yet.
    outgoing: Vec<u8>,
    /// close_notify is on its way.
    leaving: bool,
    /// The peer has said close_notify.
    over: bool,
}

impl<S> PrivateStream<S> {
    pub(super) fn new(stream: S, session: Session) -> Self {
        let (incoming, outgoing) = (Vec::new(), Vec::new());
        Self { stream, session, incoming, outgoing, leaving: false, over: false }
    }

    /// What was negotiated, with the tickets that have come so far: those of TLS 1.3 come
    /// with the first bytes that are read.
    pub fn established(&self) -> &Established {
        self.session.established()
    }

    /// Takes in one message; true if it was of use to a reader of application data.
    fn take_in(&mut self, message: Message) -> io::Result<bool> {
        match (message.kind, message.payload.as_slice()) {
            (kind::APPLICATION_DATA, payload) => {
                self.incoming.extend_from_slice(payload);
                Ok(!payload.is_empty())
            }
            (kind::ALERT, &[_, CLOSE_NOTIFY]) => {
                self.over = true;
                Ok(true)
            }
            (kind::ALERT, &[level, description]) if level > 1 => {
                Err(failed(Fault::Alert { level, description }))
            }
            // Warnings, heartbeats, and handshakes that the peer would like.
            _ => Ok(false),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> PrivateStream<S> {
    /// Sends content of any type, each in records of its own, all in one write.
    pub(super) async fn send(&mut self, contents: &[(u8, &[u8])], deadline: Instant) -> Result<(), Stop> {
        let mut bytes = std::mem::take(&mut self.outgoing);
        for (kind, content) in contents {
            bytes.extend(self.session.seal(*kind, content)?);
        }
        let sent = timeout_at(deadline, async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        });
        match sent.await {
            Err(_) => Err(Ended::Timeout.into()),
            // Where writing fails, what the server said before is of interest.
            Ok(_) => Ok(()),
        }
    }

    /// The next message of any type, after application data that was not read yet.
    pub(super) async fn message(&mut self, deadline: Instant) -> Result<Message, Stop> {
        if !self.incoming.is_empty() {
            let payload = std::mem::take(&mut self.incoming);
            return Ok(Message { kind: kind::APPLICATION_DATA, payload });
        }
        let mut buffer = [0; 4096];
        loop {
            if let Some(message) = self.session.next_message()? {
                return Ok(message);
            }
            match timeout_at(deadline, self.stream.read(&mut buffer)).await {
                Err(_) => return Err(Ended::Timeout.into()),
                Ok(Ok(0)) => return Err(Ended::PeerClosed.into()),
                Ok(Ok(count)) => self.session.push(buffer.get(..count).unwrap_or_default()),
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(Ended::PeerClosed.into());
                }
                Ok(Err(_)) => return Err(Ended::Reset.into()),
            }
        }
    }

    /// Reads up to the end of the greeting, with which a server begins where TLS started from
    /// the first byte.
    ///
    /// # Errors
    /// An alert, the end of the connection or of time, or a greeting without an end.
    pub async fn greeting(&mut self, deadline: Instant) -> Result<(), Why> {
        let mut text = Vec::new();
        loop {
            let message = self.message(deadline).await.map_err(|stop| stop.why("before its greeting"))?;
            match (message.kind, message.payload.as_slice()) {
                (kind::APPLICATION_DATA, payload) => text.extend_from_slice(payload),
                (kind::ALERT, &[level, description]) => {
                    return Err(Fault::Alert { level, description }.why());
                }
                _ => {}
            }
            // The last line has a space after its code (RFC 5321 section 4.2.1).
            let last = text.split_inclusive(|byte| *byte == LINE_END).next_back().unwrap_or_default();
            if last.ends_with(&[LINE_END]) && last.get(3) != Some(&b'-') {
                return Ok(());
            }
            if text.len() > LONGEST_GREETING {
                return Err(Why::new(Cause::TooLarge, "the server's greeting has no end"));
            }
        }
    }

    /// Says QUIT and collects the tickets that came up to its reply, or to the end of the
    /// connection: TLS 1.3 sends them after the handshake.
    pub async fn tickets(mut self, deadline: Instant) -> Vec<Ticket> {
        let quit: [(u8, &[u8]); 1] = [(kind::APPLICATION_DATA, b"QUIT\r\n")];
        if self.send(&quit, deadline).await.is_ok() {
            while let Ok(message) = self.message(deadline).await {
                if message.kind != kind::HANDSHAKE && !message.payload.is_empty() {
                    break;
                }
            }
        }
        let tickets = self.established().tickets.clone();
        self.leave().await;
        tickets
    }

    /// Says goodbye and ends the stream, briefly.
    pub async fn leave(mut self) {
        let soon = Instant::now() + crate::exchange::LEAVE;
        let _ = timeout_at(soon, self.shutdown()).await;
    }

    /// Sends what is waiting to be sent.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.outgoing))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.drain(..count);
        }
        Poll::Ready(Ok(()))
    }
}

fn failed(fault: Fault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for PrivateStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.incoming.is_empty() {
                let count = this.incoming.len().min(buf.remaining());
                buf.put_slice(this.incoming.get(..count).unwrap_or_default());
                this.incoming.drain(..count);
                return Poll::Ready(Ok(()));
            }
            if this.over {
                return Poll::Ready(Ok(()));
            }
            if let Some(message) = this.session.next_message().map_err(failed)? {
                this.take_in(message)?;
                let answer = this.session.take_output();
                this.outgoing.extend(answer);
                continue;
            }
            let mut bytes = [0; 4096];
            let mut raw = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut raw))?;
            if raw.filled().is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            this.session.push(raw.filled());
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PrivateStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(cx))?;
        let piece = buf.get(..PIECE).unwrap_or(buf);
        if piece.is_empty() {
            return Poll::Ready(Ok(0));
        }
        this.outgoing = this.session.seal(kind::APPLICATION_DATA, piece).map_err(failed)?;
        // The rest goes with the next write, or with a flush.
        if let Poll::Ready(Err(error)) = this.poll_outgoing(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.leaving {
            this.leaving = true;
            let goodbye = this.session.seal(kind::ALERT, &[1, CLOSE_NOTIFY]).map_err(failed)?;
            this.outgoing.extend(goodbye);
        }
        ready!(this.poll_outgoing(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}
