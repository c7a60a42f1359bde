//! A command behind STARTTLS, on servers that do with it what servers do.

use rustls::version::{TLS12, TLS13};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream},
    time::Instant,
};
use waxseal_model::{Cause, Why, audit::StarttlsInjection, tls::TlsVersion};

use super::{at_once, client, rustls::acceptor, soon};
use crate::{
    attempt::injection::{Through, starttls_injection},
    session::{SessionLimits, SmtpSession},
    transcript::Transcript,
};

/// What a server does with what stands behind STARTTLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    Drops,
    Keeps,
    /// Keeps it, and greets again within TLS.
    DropsAndGreets,
    AnswersInClear,
    AnswersInClearLater,
    Refuses,
    TooMany,
    Closes,
    Hangs,
    /// It takes the command for the beginning of TLS, and waits for the rest.
    HangsInTls,
    SendsAlert,
}

async fn serve(stream: DuplexStream, habit: Habit) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    assert_eq!(line, "STARTTLS\r\n");
    let kept = stream.buffer().to_vec();
    assert_eq!(kept, b"NOOP wx81\r\n", "both come in one write");
    stream.consume(kept.len());
    let say = match habit {
        Habit::AnswersInClear => &b"220 ready\r\n250 2.0.0 OK\r\n"[..],
        Habit::Refuses => b"554 5.5.0 SMTP synchronization error\r\n",
        Habit::TooMany => b"421 4.7.0 later\r\n",
        Habit::Closes | Habit::Hangs => b"",
        Habit::SendsAlert => b"220 ready\r\n\x15\x03\x01\x00\x02\x02\x0a",
        _ => b"220 ready\r\n",
    };
    stream.write_all(say).await.unwrap();
    match habit {
        Habit::Hangs | Habit::HangsInTls => tokio::time::sleep(std::time::Duration::from_secs(600)).await,
        Habit::AnswersInClearLater => {
            tokio::task::yield_now().await;
            stream.write_all(b"250 2.0.0 OK\r\n").await.unwrap();
            let _ = stream.read_line(&mut line).await;
        }
        Habit::Drops | Habit::Keeps | Habit::DropsAndGreets => {
            let version = if habit == Habit::Drops { &TLS13 } else { &TLS12 };
            within(stream.into_inner(), version, habit).await;
        }
        _ => {}
    }
}

async fn within(stream: DuplexStream, version: &'static rustls::SupportedProtocolVersion, habit: Habit) {
    let mut stream = BufReader::new(acceptor(version).accept(stream).await.unwrap());
    if habit == Habit::DropsAndGreets {
        stream.write_all(b"220 mx.example\r\n").await.unwrap();
    }
    if habit == Habit::Keeps {
        stream.write_all(b"250 2.0.0 OK\r\n").await.unwrap();
    }
    stream.flush().await.unwrap();
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|count| count > 0) {
        let reply = match line.as_str() {
            "EHLO a.example\r\n" => "250-mx.example\r\n250 SIZE\r\n",
            "QUIT\r\n" => "221 bye\r\n",
            other => panic!("{other}"),
        };
        stream.write_all(reply.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        line.clear();
    }
}

async fn ask(habit: Habit, through: Through, deadline: Instant) -> Result<StarttlsInjection, Why> {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let server = tokio::spawn(serve(theirs, habit));
    let session = SmtpSession::new(ours, Transcript::new(Instant::now()), SessionLimits::default(), deadline);
    let found = starttls_injection(session, "a.example", "wx81", through).await;
    server.abort();
    found
}

fn library() -> Through {
    Through::Library { server_name: Some("mx.example".into()) }
}

fn private() -> Through {
    Through::Private(Box::new(client(TlsVersion::Tls13)))
}

#[tokio::test]
async fn replies_are_counted_within_tls() {
    for through in [library, private] {
        assert_eq!(ask(Habit::Drops, through(), soon()).await, Ok(StarttlsInjection::Discarded));
        assert_eq!(ask(Habit::DropsAndGreets, through(), soon()).await, Ok(StarttlsInjection::Discarded));
        let kept = StarttlsInjection::AnsweredWithinTls { reply: "250 2.0.0 OK".into() };
        assert_eq!(ask(Habit::Keeps, through(), soon()).await, Ok(kept));
    }
}

#[tokio::test]
async fn answers_in_clear_and_refusals_are_told_apart() {
    for through in [library, private] {
        let clear = StarttlsInjection::AnsweredInClear { reply: "250 2.0.0 OK".into() };
        assert_eq!(ask(Habit::AnswersInClear, through(), soon()).await, Ok(clear.clone()));
        assert_eq!(ask(Habit::AnswersInClearLater, through(), soon()).await, Ok(clear));
        let reply = Some("554 5.5.0 SMTP synchronization error".to_owned());
        assert_eq!(ask(Habit::Refuses, through(), soon()).await, Ok(StarttlsInjection::Refused { reply }));
        let closed = StarttlsInjection::Refused { reply: None };
        assert_eq!(ask(Habit::Closes, through(), soon()).await, Ok(closed.clone()));
        assert_eq!(ask(Habit::SendsAlert, through(), soon()).await, Ok(closed));
    }
}

#[tokio::test(start_paused = true)]
async fn one_step_does_not_take_the_time_of_all() {
    for through in [library, private] {
        let started = Instant::now();
        let later = started + std::time::Duration::from_secs(500);
        let why = ask(Habit::HangsInTls, through(), later).await.unwrap_err();
        assert_eq!((why.cause, started.elapsed().as_secs()), (Cause::Timeout, 15));
    }
}

#[tokio::test]
async fn silence_and_a_421_are_no_answers() {
    assert_eq!(ask(Habit::Hangs, library(), at_once()).await.unwrap_err().cause, Cause::Timeout);
    assert_eq!(ask(Habit::TooMany, library(), soon()).await.unwrap_err().cause, Cause::RateLimited);
}
