//! A stream with a deadline and a bound on what is read from it.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use waxseal_wire::tls::{
    flight::{Answer, Parts},
    private::{RecordReader, Reply},
};

use crate::exchange::{Ended, ask, take_leave};

/// Whether a flight broke off because the connection ended, or time was up.
pub(super) fn broke_off(answer: &Answer, ended: Ended) -> bool {
    let unfinished = match answer {
        Answer::Nothing | Answer::Malformed(_) => true,
        Answer::Hello(flight) => !flight.done && flight.alert.is_none(),
        _ => false,
    };
    unfinished && ended != Ended::Complete
}

/// The stream and its bounds.
#[derive(Debug)]
pub(super) struct Line<S> {
    stream: S,
    deadline: Instant,
    /// Bytes that may still be read.
    room: usize,
    /// A write met a reset, which is reported only once.
    reset: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(super) fn new(stream: S, deadline: Instant, room: usize) -> Self {
        Self { stream, deadline, room, reset: false }
    }

    /// Sends a hello and reads the server's flight.
    pub(super) async fn ask(&mut self, hello: &[u8]) -> (Parts, Ended) {
        ask(&mut self.stream, hello, self.deadline, self.room).await
    }

    /// Sends bytes. A server that is gone may have said why before: that is read next, so
    /// only a timeout is an error here.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let sent = timeout_at(self.deadline, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        });
        match sent.await {
            Err(_) => Err(Ended::Timeout),
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                self.reset |= error.kind() == io::ErrorKind::ConnectionReset;
                Ok(())
            }
        }
    }

    /// Some bytes, at least one.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, Ended> {
        let mut buffer = [0; 4096];
        let read = timeout_at(self.deadline, self.stream.read(&mut buffer)).await;
        let count = match read {
            Err(_) => return Err(Ended::Timeout),
            Ok(Ok(0)) if self.reset => return Err(Ended::Reset),
            Ok(Ok(0)) => return Err(Ended::PeerClosed),
            Ok(Ok(count)) => count,
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(Ended::PeerClosed),
            Ok(Err(_)) => return Err(Ended::Reset),
        };
        self.room = self.room.checked_sub(count).ok_or(Ended::Complete)?;
        Ok(buffer.iter().take(count).copied().collect())
    }

    /// Sends an attack, and reads the first record of the answer; `rest` has come before.
    pub(super) async fn attack(&mut self, bytes: &[u8], rest: &[u8]) -> Reply {
        let mut records = RecordReader::default();
        records.push(rest);
        if self.send(bytes).await.is_err() {
            return Reply::Timeout;
        }
        loop {
            if let Some(reply) = Reply::read(&mut records) {
                return reply;
            }
            match self.receive().await {
                Ok(bytes) => records.push(&bytes),
                Err(Ended::PeerClosed) => return Reply::Closed,
                Err(Ended::Reset) => return Reply::Reset,
                Err(Ended::Timeout) => return Reply::Timeout,
                Err(Ended::Complete) => return Reply::NotTls,
            }
        }
    }

    /// Says the last words and ends the stream.
    pub(super) async fn leave(&mut self, words: &[u8]) {
        take_leave(&mut self.stream, words).await;
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }
}
