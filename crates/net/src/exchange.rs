//! A hand-made hello and what the server answers in clear.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};
use waxseal_wire::tls::{
    alert::{close_alert, close_alert_in},
    flight::{Answer, FlightReader, FlightState, Limits, Parts},
};

/// Taking leave of a server must not cost more than this.
pub(crate) const LEAVE: Duration = Duration::from_millis(100);

/// How reading the answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All that can be read in clear has come, or more than the limit.
    Complete,
    /// The server closed the connection.
    PeerClosed,
    /// The connection was reset, or broke in another way.
    Reset,
    /// Time was up.
    Timeout,
}

/// The answer to a hello.
#[derive(Debug)]
pub struct Exchange {
    /// What came.
    pub answer: Answer,
    /// How it ended. An answer can be of use however that was: an alert before a reset.
    pub ended: Ended,
}

/// Sends a ClientHello and reads the server's first flight until it is complete, the
/// connection ends, `deadline` passes or more than `max_bytes` have come. Then takes leave
/// with an alert, so that the server's log gives a reason, and ends the stream.
pub async fn exchange_flight<S>(mut stream: S, hello: &[u8], deadline: Instant, max_bytes: usize) -> Exchange
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (Parts { answer, .. }, ended) = ask(&mut stream, hello, deadline, max_bytes).await;
    take_leave(&mut stream, &leave(&answer, ended)).await;
    Exchange { answer, ended }
}

/// Sends a hello and reads the answer, without taking leave.
pub(crate) async fn ask<S>(
    stream: &mut S,
    hello: &[u8],
    deadline: Instant,
    max_bytes: usize,
) -> (Parts, Ended)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = FlightReader::new(Limits { total_bytes: max_bytes });
    let sent = timeout_at(deadline, async {
        stream.write_all(hello).await?;
        stream.flush().await
    });
    // A server that closes early may have sent its alert before: read it all the same. A
    // reset is reported only once, so where writing met it, reading sees an end.
    let ended = match sent.await {
        Err(_) => Ended::Timeout,
        Ok(sent) => match (read_flight(stream, &mut reader, deadline).await, sent) {
            (Ended::PeerClosed, Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => Ended::Reset,
            (ended, _) => ended,
        },
    };
    (reader.into_parts(), ended)
}

/// Says the last words and ends the stream, within [`LEAVE`].
pub(crate) async fn take_leave<S: AsyncWrite + Unpin>(stream: &mut S, words: &[u8]) {
    let _ = timeout(LEAVE, async {
        stream.write_all(words).await?;
        stream.shutdown().await
    })
    .await;
}

async fn read_flight<S: AsyncRead + Unpin>(
    stream: &mut S,
    reader: &mut FlightReader,
    deadline: Instant,
) -> Ended {
    let mut buffer = [0; 4096];
    loop {
        match timeout_at(deadline, stream.read(&mut buffer)).await {
            Err(_) => return Ended::Timeout,
            Ok(Ok(0)) => return Ended::PeerClosed,
            Ok(Ok(n)) => reader.push(buffer.get(..n).unwrap_or_default()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ended::PeerClosed,
            Ok(Err(_)) => return Ended::Reset,
        }
        if reader.state() == FlightState::Done {
            return Ended::Complete;
        }
    }
}

/// What to say before closing. Who has sent a fatal alert, speaks no TLS or is gone is
/// told nothing.
pub(crate) fn leave(answer: &Answer, ended: Ended) -> Vec<u8> {
    match (answer, ended) {
        (_, Ended::PeerClosed | Ended::Reset) => Vec::new(),
        (Answer::Hello(flight), _) => close_alert_in(flight.version),
        (Answer::HelloRetry { version, .. }, _) => close_alert_in(*version),
        (Answer::Nothing, _) => close_alert(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::DuplexStream,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    const HELLO: &[u8] = b"any bytes will do: the scripted server does not read them";
    const PROTOCOL_VERSION: [u8; 7] = [0x15, 3, 1, 0, 2, 2, 70];

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    fn pair() -> (DuplexStream, DuplexStream) {
        tokio::io::duplex(1 << 16)
    }

    #[tokio::test]
    async fn an_alert_in_pieces_is_a_complete_answer_and_is_not_answered() {
        let (ours, mut server) = pair();
        let task = tokio::spawn(exchange_flight(ours, HELLO, soon(), 1 << 16));
        for byte in PROTOCOL_VERSION {
            server.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let exchange = task.await.unwrap();
        assert_eq!(exchange.answer, Answer::Alert { level: 2, description: 70 });
        assert_eq!(exchange.ended, Ended::Complete);
        let mut got = Vec::new();
        server.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, HELLO);
    }

    #[tokio::test]
    async fn a_server_that_closes_at_once_has_answered_nothing() {
        let (ours, server) = pair();
        drop(server);
        let exchange = exchange_flight(ours, HELLO, soon(), 1 << 16).await;
        assert_eq!((exchange.answer, exchange.ended), (Answer::Nothing, Ended::PeerClosed));
    }

    #[tokio::test]
    async fn a_reset_is_told_apart_from_an_orderly_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        server.set_zero_linger().unwrap();
        drop(server);
        let exchange = exchange_flight(ours, HELLO, soon(), 1 << 16).await;
        assert_eq!((exchange.answer, exchange.ended), (Answer::Nothing, Ended::Reset));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_costs_the_deadline_and_is_told_goodbye() {
        let (ours, mut server) = pair();
        let started = Instant::now();
        let exchange = exchange_flight(ours, HELLO, started + Duration::from_secs(7), 1 << 16).await;
        assert_eq!((exchange.answer, exchange.ended), (Answer::Nothing, Ended::Timeout));
        assert_eq!(started.elapsed().as_secs(), 7);
        let mut got = Vec::new();
        server.read_to_end(&mut got).await.unwrap();
        assert_eq!(&got[HELLO.len()..], close_alert());
    }

    #[tokio::test]
    async fn plaintext_is_named_as_such() {
        let (ours, mut server) = pair();
        server.write_all(b"220 mx.example ESMTP\r\n").await.unwrap();
        drop(server);
        let exchange = exchange_flight(ours, HELLO, soon(), 1 << 16).await;
        assert!(matches!(&exchange.answer, Answer::NotTls(text) if text.contains("220 mx.example")));
    }

    #[tokio::test]
    async fn a_server_that_sends_for_ever_is_cut_at_the_limit() {
        let (ours, mut server) = pair();
        // ServerHello messages of 16 KiB announced and never finished.
        let record: Vec<u8> =
            [0x16, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff].into_iter().chain([0; 0x4000 - 4]).collect();
        let flood = tokio::spawn(async move { while server.write_all(&record).await.is_ok() {} });
        let exchange = exchange_flight(ours, HELLO, soon(), 100_000).await;
        assert_eq!(exchange.ended, Ended::Complete);
        assert!(!matches!(exchange.answer, Answer::Hello(_) | Answer::Nothing));
        flood.await.unwrap();
    }
}
