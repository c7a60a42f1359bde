//! A command that is sent in one write with STARTTLS, before TLS (CVE-2011-0411).
//!
//! A server that keeps it and runs it within TLS lets an attacker put words into a session
//! that the client takes for protected. Whether it did is found by counting replies: two
//! commands are sent within TLS, the second of them QUIT. Where the reply to QUIT comes one
//! late, the first reply was to the command from outside. No time decides.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use waxseal_model::{Cause, Why, audit::StarttlsInjection, smtp::Reply};
use waxseal_wire::{
    smtp::{Limits, ReplyReader},
    text::neutralise,
    tls::private::{Client, Fault},
};

use super::{Stop, full};
use crate::{
    error::NetError,
    exchange::Ended,
    session::SmtpSession,
    tls::{self, TlsFailureKind},
    transcript::Transcript,
};

/// Characters of a reply that are kept.
const SHOWN: usize = 200;
/// Bytes that a handshake of the private client may take.
const MAX_HANDSHAKE: usize = 256 * 1024;

/// Who makes the handshake.
#[derive(Debug)]
pub enum Through {
    /// The library that delivers mail.
    Library {
        /// For SNI.
        server_name: Option<String>,
    },
    /// The private client, for servers that the library cannot talk to.
    Private(Box<Client>),
}

/// Sends STARTTLS and `NOOP` with `tag` in one write, in a session that has had EHLO and
/// its reply. `name` is what EHLO says. The server must be one with which this handshake
/// succeeds as a rule: only then does its failure say something.
///
/// # Errors
/// The connection broke, or time was up; or the replies cannot be told apart.
pub async fn starttls_injection<S>(
    mut session: SmtpSession<S>,
    name: &str,
    tag: &str,
    through: Through,
) -> Result<StarttlsInjection, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let time = Time { step: session.command_time(), end: session.deadline() };
    let reply = match session.commands(&["STARTTLS", &format!("NOOP {tag}")], "STARTTLS").await {
        Ok(reply) => reply,
        Err(NetError::Closed { received: 0, .. }) => return Ok(StarttlsInjection::Refused { reply: None }),
        Err(error) => return Err(error.why()),
    };
    if reply.code == 421 {
        return Err(Why::new(Cause::RateLimited, format!("STARTTLS was answered \"{}\"", reply.one_line())));
    }
    if reply.code != 220 {
        return Ok(StarttlsInjection::Refused { reply: Some(reply.one_line()) });
    }
    if session.buffered_after_reply() > 0 {
        let bytes = session.early_data(Duration::ZERO).await;
        return Ok(in_clear(&bytes));
    }
    let transcript = session.transcript().clone();
    let stream = session.into_inner();
    match through {
        Through::Library { server_name } => {
            match tls::handshake(stream, server_name.as_deref(), time.soon()).await {
                Ok(connection) => within(connection.stream, transcript, name, time).await,
                Err(failure) => of_library(failure),
            }
        }
        Through::Private(client) => {
            match full::handshake(stream, *client, time.soon(), MAX_HANDSHAKE).await {
                Ok(stream) => within(stream, transcript, name, time).await,
                Err(failure) => of_private(&failure),
            }
        }
    }
}

/// Reads what came in clear after the 220. An alert is no reply: the server took the
/// command for the beginning of TLS, and refused it.
fn in_clear(bytes: &[u8]) -> StarttlsInjection {
    if bytes.first().is_some_and(|kind| (20..=24).contains(kind)) {
        return StarttlsInjection::Refused { reply: None };
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes).trim_ascii_end();
    StarttlsInjection::AnsweredInClear { reply: neutralise(line, SHOWN) }
}

/// A handshake that failed: the command was answered in clear, or taken for TLS.
fn of_library(failure: tls::TlsFailure) -> Result<StarttlsInjection, Why> {
    match &failure.kind {
        TlsFailureKind::NotTls { first } => Ok(in_clear(first)),
        TlsFailureKind::AlertReceived { .. } | TlsFailureKind::Closed { .. } => {
            Ok(StarttlsInjection::Refused { reply: None })
        }
        _ => Err(failure.why()),
    }
}

fn of_private(failure: &full::Failure) -> Result<StarttlsInjection, Why> {
    match &failure.stop {
        Stop::Fault(Fault::NotTls(text)) => Ok(StarttlsInjection::AnsweredInClear { reply: text.clone() }),
        Stop::Fault(Fault::Alert { .. }) | Stop::Ended(Ended::PeerClosed) => {
            Ok(StarttlsInjection::Refused { reply: None })
        }
        _ => Err(failure.why()),
    }
}

/// How long to wait.
#[derive(Debug, Clone, Copy)]
struct Time {
    /// For one step.
    step: Duration,
    /// For all.
    end: Instant,
}

impl Time {
    /// The end of a step that begins now.
    fn soon(self) -> Instant {
        (Instant::now() + self.step).min(self.end)
    }
}

/// Replies within TLS, one at a time, however many are there.
struct Replies<S> {
    stream: S,
    reader: ReplyReader,
    transcript: Transcript,
    time: Time,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Replies<S> {
    async fn say(&mut self, line: &str) -> Result<(), Why> {
        self.transcript.client(line);
        let sent = timeout_at(self.time.soon(), async {
            self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            self.stream.flush().await
        });
        match sent.await {
            Err(_) => Err(Stop::Ended(Ended::Timeout).why(STEP)),
            // What it said before is read next.
            Ok(_) => Ok(()),
        }
    }

    async fn hear(&mut self) -> Result<Reply, Why> {
        let mut buffer = [0; 2048];
        let soon = self.time.soon();
        loop {
            match self.reader.next() {
                Ok(Some(reply)) => {
                    self.transcript.server(&format!("{} {}", reply.code, reply.lines.join(" / ")));
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(error) => return Err(Why::new(Cause::Protocol, error.to_string())),
            }
            match timeout_at(soon, self.stream.read(&mut buffer)).await {
                Err(_) => return Err(Stop::Ended(Ended::Timeout).why(STEP)),
                Ok(Ok(0)) => return Err(Stop::Ended(Ended::PeerClosed).why(STEP)),
                Ok(Ok(count)) => self.reader.push(buffer.get(..count).unwrap_or_default()),
                Ok(Err(error)) => return Err(NetError::from_io(&error, "EHLO", 0, &[]).why()),
            }
        }
    }
}

const STEP: &str = "within TLS, after a command that was sent before it";

/// Counts the replies within TLS.
async fn within<S>(
    stream: S,
    transcript: Transcript,
    name: &str,
    time: Time,
) -> Result<StarttlsInjection, Why>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (reader, transcript) = (ReplyReader::new(Limits::default()), transcript.within_tls());
    let mut replies = Replies { stream, reader, transcript, time };
    replies.say(&format!("EHLO {name}")).await?;
    let mut first = replies.hear().await?;
    if first.code == 220 {
        // Some greet again within TLS.
        first = replies.hear().await?;
    }
    if first.code == 421 {
        return Err(Why::new(Cause::RateLimited, format!("EHLO was answered \"{}\"", first.one_line())));
    }
    replies.say("QUIT").await?;
    let second = replies.hear().await?;
    let outcome = if second.code == 221 {
        Ok(StarttlsInjection::Discarded)
    } else if replies.hear().await?.code == 221 {
        Ok(StarttlsInjection::AnsweredWithinTls { reply: first.one_line() })
    } else {
        Err(Why::new(Cause::Protocol, "the replies within TLS do not fit the commands"))
    };
    let _ = timeout_at(Instant::now() + crate::exchange::LEAVE, replies.stream.shutdown()).await;
    outcome
}
