//! Several commands in one write and their replies one by one (RFC 2920), and messages.

use std::{
    fmt::{self, Write},
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, timeout_at},
};
use waxseal_model::smtp::Reply;
use waxseal_wire::smtp::ReplyReader;

use super::{
    Progress, SmtpSession,
    data::{Stuffed, Window},
};
use crate::error::NetError;

/// While we write, no more than this is read ahead: a server that answers more before it
/// has read our commands waits.
const AHEAD: usize = 64 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> SmtpSession<S> {
    /// From now on all steps together must end by `deadline`: set anew for each transaction.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Puts a command, without its line end, into the next [`Self::send`].
    ///
    /// # Errors
    /// It contains a control character: nothing is put in.
    pub fn queue(&mut self, line: fmt::Arguments<'_>, stage: &'static str) -> Result<(), NetError> {
        let (queue, commands) = &mut self.queue;
        let start = queue.len();
        let whole = queue.write_fmt(line).is_ok();
        let written = queue.get(start..).unwrap_or_default();
        if !whole || written.chars().any(char::is_control) {
            queue.truncate(start);
            return Err(NetError::Command { stage });
        }
        self.transcript.client(written);
        queue.push_str("\r\n");
        *commands += 1;
        Ok(())
    }

    /// Sends all queued commands in one write, within `patience`. Replies that come
    /// meanwhile are kept, so that neither side waits for the other (RFC 2920 section 3.1).
    ///
    /// That the connection has ended is told by [`Self::reply`], after what the server had
    /// said before.
    ///
    /// # Errors
    /// Time is up, or the server had already said something that is no 421.
    pub async fn send(&mut self, patience: Duration, stage: &'static str) -> Result<(), NetError> {
        if self.outstanding == 0 && self.reader.buffered() > 0 {
            self.early = Some(self.unasked(stage)?);
        }
        let (mut queue, commands) = std::mem::take(&mut self.queue);
        self.outstanding += commands;
        let started = Instant::now();
        let until = (started + patience).min(self.deadline);
        let sent = async {
            let mut window = Window::new(std::iter::once(queue.as_bytes()));
            while !window.is_empty() {
                let written = self.write_some(&window, until).await?;
                window.advance(written);
            }
            self.flush(until).await
        };
        let sent = sent.await;
        queue.clear();
        self.queue = (queue, 0);
        match sent {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(self.timed_out(started, stage, Progress::default()))
            }
            Err(error) => {
                self.unsent = Some(NetError::from_io(&error, stage, 0, &[]));
                Ok(())
            }
        }
    }

    /// Waits at most `patience` for the next reply.
    ///
    /// # Errors
    /// As [`SmtpSession::read_reply`].
    pub async fn reply(&mut self, patience: Duration, stage: &'static str) -> Result<Reply, NetError> {
        self.outstanding = self.outstanding.saturating_sub(1);
        if let Some(reply) = self.early.take() {
            return Ok(reply);
        }
        let started = Instant::now();
        let read = self.reply_until((started + patience).min(self.deadline), started, stage).await;
        match (read, self.unsent.take()) {
            (Err(NetError::Closed { .. } | NetError::Reset { .. }), Some(unsent)) => Err(unsent),
            (read, unsent) => {
                self.unsent = unsent;
                read
            }
        }
    }

    /// Sends a message after the 354 to DATA: its parts one after the other, with dots
    /// doubled (RFC 5321 section 4.5.2), the line end that it may lack, and the final dot.
    /// Every write has `patience`. The reply is the caller's to read.
    ///
    /// # Errors
    /// The final dot has **not** gone out, so nobody can take the message for complete. What
    /// the server may have said before can be read by [`Self::reply`].
    pub async fn message(
        &mut self,
        parts: &[Bytes],
        patience: Duration,
        stage: &'static str,
    ) -> Result<(), NetError> {
        self.outstanding += 1;
        let started = Instant::now();
        let mut window = Window::new(Stuffed::new(parts));
        while !window.is_empty() {
            let until = self.step_until(patience);
            match self.write_some(&window, until).await {
                Ok(written) => window.advance(written),
                Err(error) => return Err(self.broke_off(&error, started, stage)),
            }
        }
        let until = self.step_until(patience);
        self.flush(until).await.map_err(|error| self.broke_off(&error, started, stage))?;
        self.transcript.note("the message and its final dot");
        Ok(())
    }

    /// How many replies are owed to commands that were sent.
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// True if the server has said nothing since its last reply and the connection stands,
    /// as far as that is known without waiting: whether an idle connection can be used again.
    pub fn is_quiet(&mut self) -> bool {
        if self.outstanding > 0 || self.reader.buffered() > 0 || self.unsent.is_some() {
            return false;
        }
        let mut context = Context::from_waker(Waker::noop());
        read_ahead(&mut self.stream, &mut self.reader, &mut context).is_pending()
    }

    fn step_until(&self, patience: Duration) -> Instant {
        (Instant::now() + patience).min(self.deadline)
    }

    fn broke_off(&self, error: &io::Error, started: Instant, stage: &'static str) -> NetError {
        match error.kind() {
            io::ErrorKind::TimedOut => self.timed_out(started, stage, Progress::default()),
            _ => self.ended(NetError::from_io(error, stage, 0, &[])),
        }
    }

    async fn write_some<'a, I>(&mut self, window: &Window<'a, I>, until: Instant) -> io::Result<usize>
    where
        I: Iterator<Item = &'a [u8]>,
    {
        let Self { stream, reader, .. } = self;
        let step = poll_fn(|cx| {
            loop {
                match window.with(|slices| Pin::new(&mut *stream).poll_write_vectored(cx, slices)) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(result) => return Poll::Ready(result),
                    Poll::Pending => ready!(read_ahead(stream, reader, cx))?,
                }
            }
        });
        timeout_at(until, step).await?
    }

    async fn flush(&mut self, until: Instant) -> io::Result<()> {
        let Self { stream, reader, .. } = self;
        let step = poll_fn(|cx| {
            loop {
                match Pin::new(&mut *stream).poll_flush(cx) {
                    Poll::Ready(result) => return Poll::Ready(result),
                    Poll::Pending => ready!(read_ahead(stream, reader, cx))?,
                }
            }
        });
        timeout_at(until, step).await?
    }
}

/// Reads what has come, if anything has; an end of the stream is an error. Pending where
/// nothing has come, or where enough was read ahead.
fn read_ahead<S: AsyncRead + Unpin>(
    stream: &mut S,
    reader: &mut ReplyReader,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    if reader.buffered() >= AHEAD {
        return Poll::Pending;
    }
    let mut bytes = [0; 2048];
    let mut buffer = ReadBuf::new(&mut bytes);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    if buffer.filled().is_empty() {
        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
    }
    reader.push(buffer.filled());
    Poll::Ready(Ok(()))
}

#[cfg(test)]
mod tests;
