//! What a server says to a sender and a recipient, without a message: MAIL, RCPT, RSET.
//!
//! Only on request: it asks about other people's mailboxes. One connection, one recipient;
//! with TLS where the server offers it.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_model::{
    Cause, Endpoint, TlsStart, Why,
    smtp::{EhloFacts, Reply, StarttlsOffer},
};
use waxseal_net::{connection::Connection, session::SmtpSession, tls::handshake, transcript::Transcript};
use waxseal_wire::smtp::starttls_offer;

use crate::{
    open::{Line, Opened, helo_name, say_ehlo},
    prober::Prober,
};

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientAnswer {
    /// The reply to MAIL.
    pub mail: Reply,
    /// The reply to RCPT; none where MAIL was refused.
    pub rcpt: Option<Reply>,
    /// It was said within TLS.
    pub within_tls: bool,
}

/// Puts a sender and a recipient to a server. The sender may be empty, as that of bounces
/// is; both are addresses without angle brackets.
///
/// # Errors
/// Why the server did not get as far as the answer to MAIL, or an address that cannot be put
/// into a command.
pub async fn ask_recipient(
    prober: &Prober,
    endpoint: &Endpoint,
    sender: &str,
    recipient: &str,
) -> Result<RecipientAnswer, Why> {
    for address in [sender, recipient] {
        if !address.bytes().all(|b| b.is_ascii_graphic() && !b"<>".contains(&b)) {
            let text = "an address with spaces, brackets or letters beyond ASCII is not put to servers";
            return Err(Why::new(Cause::Unsupported, text));
        }
    }
    let started = Instant::now();
    let deadline = started + prober.options.total_timeout;
    let mut line = Line::new(prober, endpoint, Transcript::new(started), deadline, 0);
    let Opened { stream, permit, transcript } = line.connect().await.map_err(|o| o.why().clone())?;
    let name = helo_name(&prober.options, stream.local_addr());
    let envelope = Envelope { name, sender, recipient };
    let answer = match endpoint.tls {
        TlsStart::Implicit => within_tls(&mut line, stream, transcript, &envelope, true).await,
        TlsStart::Starttls => {
            let session = SmtpSession::new(stream, transcript, line.limits(), deadline);
            in_clear(&mut line, session, &envelope).await
        }
    };
    drop(permit);
    answer
}

struct Envelope<'a> {
    name: String,
    sender: &'a str,
    recipient: &'a str,
}

async fn in_clear(
    line: &mut Line<'_>,
    mut session: SmtpSession<Connection>,
    envelope: &Envelope<'_>,
) -> Result<RecipientAnswer, Why> {
    greeting(&mut session).await?;
    let ehlo = hello(&mut session, &envelope.name).await?;
    if starttls_offer(&ehlo) != StarttlsOffer::Advertised {
        return converse(session, line, envelope, false).await;
    }
    let reply = session.command("STARTTLS", "STARTTLS").await.map_err(|e| e.why())?;
    if reply.code != 220 {
        return converse(session, line, envelope, false).await;
    }
    if session.buffered_after_reply() > 0 {
        return Err(Why::new(Cause::Protocol, "after the 220 to STARTTLS came plaintext before TLS"));
    }
    let transcript = session.transcript().clone();
    within_tls(line, session.into_inner(), transcript, envelope, false).await
}

async fn within_tls(
    line: &mut Line<'_>,
    stream: Connection,
    transcript: Transcript,
    envelope: &Envelope<'_>,
    greets: bool,
) -> Result<RecipientAnswer, Why> {
    let name = line.endpoint.host.as_deref();
    let secured = handshake(stream, name, line.step_deadline()).await.map_err(|failure| failure.why())?;
    let transcript = transcript.within_tls();
    let mut session = SmtpSession::new(secured.stream, transcript, line.limits(), line.deadline);
    if greets {
        greeting(&mut session).await?;
    }
    hello(&mut session, &envelope.name).await?;
    converse(session, line, envelope, true).await
}

async fn greeting<S: AsyncRead + AsyncWrite + Unpin>(session: &mut SmtpSession<S>) -> Result<(), Why> {
    let reply = session.read_reply("greeting").await.map_err(|e| e.why())?;
    if reply.code == 220 {
        return Ok(());
    }
    Err(Why::new(Cause::Declined, format!("the server greets with \"{}\"", reply.one_line())))
}

async fn hello<S: AsyncRead + AsyncWrite + Unpin>(
    session: &mut SmtpSession<S>,
    name: &str,
) -> Result<EhloFacts, Why> {
    let answered = say_ehlo(session, name).await.map_err(|e| e.why())?;
    answered.map_err(|reply| Why::new(Cause::Declined, format!("EHLO was answered \"{}\"", reply.one_line())))
}

/// The envelope, taken back.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut session: SmtpSession<S>,
    line: &Line<'_>,
    envelope: &Envelope<'_>,
    within_tls: bool,
) -> Result<RecipientAnswer, Why> {
    let mail = session.command(&format!("MAIL FROM:<{}>", envelope.sender), "MAIL").await;
    let mail = mail.map_err(|e| e.why())?;
    let mut rcpt = None;
    if mail.is_positive() {
        let answer = session.command(&format!("RCPT TO:<{}>", envelope.recipient), "RCPT").await;
        rcpt = Some(answer.map_err(|e| e.why())?);
        // The envelope is forgotten by QUIT as well; a server that does not answer is left.
        let _ = session.command("RSET", "RSET").await;
    }
    session.quit(line.prober.options.leave()).await;
    Ok(RecipientAnswer { mail, rcpt, within_tls })
}
