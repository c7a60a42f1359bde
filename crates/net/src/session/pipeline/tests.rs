//! Pipelining and messages, against a server that is a pipe or a socket.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{session::SessionLimits, transcript::Transcript};

const SOON: Duration = Duration::from_secs(5);

fn over<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> SmtpSession<S> {
    let now = Instant::now();
    let transcript = Transcript::of_last_lines(now, 4096);
    SmtpSession::new(stream, transcript, SessionLimits::default(), now + Duration::from_secs(60))
}

fn session(room: usize) -> (SmtpSession<DuplexStream>, DuplexStream) {
    let (ours, server) = tokio::io::duplex(room);
    (over(ours), server)
}

async fn codes<S: AsyncRead + AsyncWrite + Unpin>(session: &mut SmtpSession<S>) -> Vec<u16> {
    let mut codes = Vec::new();
    while session.outstanding() > 0 {
        codes.push(session.reply(SOON, "RCPT").await.unwrap().code);
    }
    codes
}

#[tokio::test]
async fn commands_go_out_in_one_write_and_replies_come_one_by_one() {
    let (mut session, mut server) = session(1 << 16);
    session.queue(format_args!("MAIL FROM:<{}>", "a@example"), "MAIL").unwrap();
    session.queue(format_args!("RCPT TO:<b@example>"), "RCPT").unwrap();
    session.queue(format_args!("DATA"), "DATA").unwrap();
    assert_eq!(session.outstanding(), 0);
    session.send(SOON, "MAIL").await.unwrap();
    assert_eq!(session.outstanding(), 3);
    let mut sent = [0; 200];
    let n = server.read(&mut sent).await.unwrap();
    assert_eq!(&sent[..n], b"MAIL FROM:<a@example>\r\nRCPT TO:<b@example>\r\nDATA\r\n");
    server.write_all(b"250 2.1.0 ok\r\n550 5.1.1 no\r\n354 go\r\n").await.unwrap();
    assert_eq!(codes(&mut session).await, [250, 550, 354]);
    session.message(&[Bytes::from_static(b".a\r\n")], SOON, "end of data").await.unwrap();
    assert_eq!(session.outstanding(), 1);
    let n = server.read(&mut sent).await.unwrap();
    assert_eq!(&sent[..3], b"..a");
    assert!(sent[..n].starts_with(b"..a\r\n.\r\n") || n < 8);
    let lines: Vec<_> = session.transcript().lines().into_iter().map(|line| line.text).collect();
    assert_eq!(lines[0], "MAIL FROM:<a@example>");
    assert_eq!(lines[3..], ["250 2.1.0 ok", "550 5.1.1 no", "354 go", "the message and its final dot"]);
}

#[tokio::test]
async fn a_command_of_two_lines_is_not_queued() {
    let (mut session, mut server) = session(1 << 10);
    for address in ["a\r\nRCPT TO:<x>", "a\nb", "a\0", "a\u{85}b"] {
        let error = session.queue(format_args!("RCPT TO:<{address}>"), "RCPT").unwrap_err();
        assert_eq!(error, NetError::Command { stage: "RCPT" });
    }
    session.queue(format_args!("RSET"), "RSET").unwrap();
    session.send(SOON, "RSET").await.unwrap();
    drop(session);
    let mut sent = Vec::new();
    server.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"RSET\r\n");
}

#[tokio::test]
async fn neither_side_waits_for_the_other_when_both_have_much_to_say() {
    // The pipe holds less than the commands and less than the replies, and the server
    // answers each command before it reads the next.
    let (mut session, server) = session(64);
    let (mut reads, mut writes) = tokio::io::split(server);
    let answering = tokio::spawn(async move {
        let mut lines = 0;
        let mut buffer = [0; 40];
        while lines < 500 {
            let n = reads.read(&mut buffer).await.unwrap();
            for _ in buffer[..n].iter().filter(|byte| **byte == b'\n') {
                lines += 1;
                writes.write_all(b"250 2.1.5 a rather long reply to it\r\n").await.unwrap();
            }
        }
    });
    for number in 0..500 {
        session.queue(format_args!("RCPT TO:<{number}@example.com>"), "RCPT").unwrap();
    }
    session.send(SOON, "RCPT").await.unwrap();
    assert_eq!(codes(&mut session).await.len(), 500);
    answering.await.unwrap();
}

#[tokio::test]
async fn what_the_server_said_before_it_closed_is_read_before_the_end_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut session = over(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
    let (mut server, _) = listener.accept().await.unwrap();
    session.queue(format_args!("MAIL FROM:<>"), "MAIL").unwrap();
    session.queue(format_args!("RCPT TO:<a@example>"), "RCPT").unwrap();
    session.send(SOON, "MAIL").await.unwrap();
    server.read_exact(&mut [0; 14]).await.unwrap();
    server.write_all(b"250 ok\r\n").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(session.reply(SOON, "MAIL").await.unwrap().code, 250);
    let error = session.reply(SOON, "RCPT").await.unwrap_err();
    assert!(matches!(error, NetError::Closed { stage: "RCPT", .. }), "{error}");
}

#[tokio::test]
async fn a_421_said_in_idleness_answers_the_first_command_and_other_words_are_an_error() {
    for (said, code) in [(&b"421 4.4.2 timeout\r\n"[..], Some(421)), (b"250 what\r\n", None)] {
        let (mut session, mut server) = session(1 << 10);
        assert!(session.is_quiet());
        server.write_all(said).await.unwrap();
        assert!(!session.is_quiet());
        session.queue(format_args!("MAIL FROM:<>"), "MAIL").unwrap();
        session.queue(format_args!("RCPT TO:<a@example>"), "RCPT").unwrap();
        let sent = session.send(SOON, "MAIL").await;
        match code {
            Some(code) => assert_eq!(session.reply(SOON, "MAIL").await.unwrap().code, code),
            None => assert!(matches!(sent, Err(NetError::Unasked { .. })), "{sent:?}"),
        }
    }
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_not_quiet() {
    let (mut session, server) = session(1 << 10);
    assert!(session.is_quiet());
    drop(server);
    assert!(!session.is_quiet());
    let (mut session, _server) = self::session(1 << 10);
    session.queue(format_args!("NOOP"), "NOOP").unwrap();
    session.send(SOON, "NOOP").await.unwrap();
    assert!(!session.is_quiet(), "a reply is owed");
}

#[tokio::test]
async fn a_message_that_was_cut_short_is_told_apart_and_the_reason_can_be_read() {
    let (mut session, mut server) = session(1 << 10);
    server.write_all(b"552 5.3.4 too much\r\n").await.unwrap();
    let refusing = tokio::spawn(async move {
        server.read_exact(&mut [0; 100]).await.unwrap();
        drop(server);
    });
    let body = [Bytes::from(vec![b'x'; 1 << 20])];
    let error = session.message(&body, SOON, "DATA").await.unwrap_err();
    assert!(matches!(error, NetError::Closed { stage: "DATA", .. }), "{error}");
    refusing.await.unwrap();
    assert_eq!(session.reply(SOON, "DATA").await.unwrap().code, 552);
    let error = session.reply(SOON, "DATA").await.unwrap_err();
    assert!(matches!(error, NetError::Closed { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_reading_costs_one_patience_or_what_is_left_of_the_deadline() {
    for (deadline, wanted) in [(600, 180), (60, 60)] {
        let (mut session, _server) = session(1 << 10);
        let started = Instant::now();
        session.set_deadline(started + Duration::from_secs(deadline));
        let body = [Bytes::from(vec![b'x'; 4096])];
        let error = session.message(&body, Duration::from_secs(180), "DATA").await.unwrap_err();
        assert!(matches!(error, NetError::Timeout { .. }), "{error}");
        assert_eq!(started.elapsed().as_secs(), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn commands_that_nobody_reads_time_out() {
    let (mut session, _server) = session(16);
    session.queue(format_args!("RCPT TO:<a@example.com>"), "RCPT").unwrap();
    let started = Instant::now();
    let error = session.send(Duration::from_secs(7), "RCPT").await.unwrap_err();
    assert!(matches!(error, NetError::Timeout { stage: "RCPT", .. }), "{error}");
    assert_eq!(started.elapsed().as_secs(), 7);
}
