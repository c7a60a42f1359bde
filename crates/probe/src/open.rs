//! One connection, from TCP to the point where TLS begins. What is learned on the way
//! goes into the conversation's facts; every connection counts for the tally of STARTTLS
//! and for the signs that we are unwelcome.

use std::{net::SocketAddr, time::Duration};

use tokio::time::Instant;
use waxseal_model::{
    Cause, Endpoint, Observed, TlsStart, Why,
    smtp::{BackOff, Conversation, EhloFacts, Greeting, Reply, StarttlsOffer, WrongMode},
};
use waxseal_net::{
    connection::Connection,
    error::NetError,
    pacing::Permit,
    session::{SessionLimits, SmtpSession},
    transcript::Transcript,
};
use waxseal_wire::smtp;

use crate::{ahead::Ahead, options::ProbeOptions, prober::Prober};

/// The longest wait for a greeting within TLS.
const GREETING_WITHIN_TLS: Duration = Duration::from_secs(10);

/// A stream on which the next byte is TLS.
pub(crate) struct Opened {
    /// The stream.
    pub(crate) stream: Connection,
    /// Held as long as the connection lasts.
    pub(crate) permit: Permit,
    /// For notes on this connection.
    pub(crate) transcript: Transcript,
}

/// Why a connection did not get as far as TLS.
#[derive(Debug, Clone)]
pub(crate) enum Obstacle {
    /// It may pass: the server asked us to slow down, or broke off.
    Passing(Why),
    /// It will not pass by asking again.
    Lasting(Why),
}

impl Obstacle {
    /// The reason.
    pub(crate) fn why(&self) -> &Why {
        match self {
            Self::Passing(why) | Self::Lasting(why) => why,
        }
    }
}

/// The connections to one endpoint.
pub(crate) struct Line<'a> {
    pub(crate) prober: &'a Prober,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) smtp: Conversation,
    pub(crate) transcript: Transcript,
    pub(crate) deadline: Instant,
    pub(crate) connections: u32,
    /// Connections that are being opened for questions to come.
    ahead: Ahead,
}

impl<'a> Line<'a> {
    /// A line on which `connections` were made already.
    pub(crate) fn new(
        prober: &'a Prober,
        endpoint: &'a Endpoint,
        transcript: Transcript,
        deadline: Instant,
        connections: u32,
    ) -> Self {
        let smtp = Conversation::default();
        Self { prober, endpoint, smtp, transcript, deadline, connections, ahead: Ahead::default() }
    }

    fn options(&self) -> &ProbeOptions {
        &self.prober.options
    }

    /// The end of a step that begins now.
    pub(crate) fn step_deadline(&self) -> Instant {
        (Instant::now() + self.options().step_timeout).min(self.deadline)
    }

    fn time_is_over(&self) -> Why {
        let text = format!("the {} s for one endpoint are over", self.options().total_timeout.as_secs());
        Why::new(Cause::Budget, text)
    }

    /// Limits of an SMTP session here.
    pub(crate) fn limits(&self) -> SessionLimits {
        let step = self.options().step_timeout;
        // After a handshake there is less reason to delay a greeting, and a TLS service
        // that is not SMTP never greets.
        let greeting = match self.endpoint.tls {
            TlsStart::Starttls => step,
            TlsStart::Implicit => step.min(GREETING_WITHIN_TLS),
        };
        SessionLimits { greeting, command: step, ..SessionLimits::default() }
    }

    /// Begins to open connections for the questions to come, as many as may be open at a time
    /// beside the one in use.
    pub(crate) fn open_ahead(&mut self) {
        let Some(audit) = &self.options().audit else { return };
        let wanted = usize::from(audit.parallel.saturating_sub(1));
        while self.ahead.len() < wanted && self.connections < self.options().budget {
            self.connections += 1;
            let transcript = self.transcript.for_connection(self.connections);
            let (step, deadline) = (self.step_deadline(), self.deadline);
            self.ahead.begin(self.prober, self.endpoint, transcript, self.limits(), step.min(deadline));
        }
    }

    /// Takes leave of connections that were opened and are not needed.
    pub(crate) async fn close_ahead(&mut self) {
        let leave = self.options().leave();
        self.ahead.close(leave).await;
    }

    /// One TCP connection, within the budget.
    pub(crate) async fn connect(&mut self) -> Result<Opened, Obstacle> {
        let budget = self.options().budget;
        if self.connections >= budget {
            let text = format!("the budget of {budget} connections for one endpoint is spent");
            return Err(Obstacle::Lasting(Why::new(Cause::Budget, text)));
        }
        if Instant::now() >= self.deadline {
            return Err(Obstacle::Lasting(self.time_is_over()));
        }
        let address = self.endpoint.address;
        let permit = self.prober.pacer.permit(address).await.map_err(|e| Obstacle::Lasting(e.why()))?;
        self.connections += 1;
        let transcript = self.transcript.for_connection(self.connections);
        let target = SocketAddr::new(address, self.endpoint.port);
        match self.prober.egress.connect(target).await {
            Ok(connected) => {
                transcript.note(&format!("connected to {}", connected.peer));
                if !self.smtp.connected.is_seen() {
                    self.smtp.connected = Observed::seen(millis(connected.took));
                }
                Ok(Opened { stream: connected.stream, permit, transcript })
            }
            Err(error) => {
                transcript.note(&error.to_string());
                if !self.smtp.connected.is_seen() {
                    self.smtp.connected = Observed::Failed { why: error.why() };
                    return Err(Obstacle::Lasting(error.why()));
                }
                // It worked before: a limit on connections, most likely.
                self.unwelcome("connect", &error.to_string());
                Err(Obstacle::Passing(error.why()))
            }
        }
    }

    /// A connection up to the point where the next byte is TLS.
    pub(crate) async fn open(&mut self) -> Result<Opened, Obstacle> {
        if let Some(opened) = self.ahead.take().await {
            self.smtp.starttls_seen.asked += 1;
            self.smtp.starttls_seen.found += 1;
            return Ok(opened);
        }
        let opened = self.connect().await?;
        match self.endpoint.tls {
            TlsStart::Implicit => Ok(opened),
            TlsStart::Starttls => self.starttls(opened).await,
        }
    }

    /// A connection on which EHLO was answered with STARTTLS, and nothing more was said; with
    /// the name that EHLO gave.
    pub(crate) async fn open_in_clear(
        &mut self,
    ) -> Result<(SmtpSession<Connection>, String, Permit), Obstacle> {
        let Opened { stream, permit, transcript } = self.connect().await?;
        let name = helo_name(self.options(), stream.local_addr());
        let session = self.hello_in_clear(stream, &transcript).await?;
        Ok((session, name, permit))
    }

    async fn starttls(&mut self, opened: Opened) -> Result<Opened, Obstacle> {
        let Opened { stream, permit, transcript } = opened;
        let session = self.hello_in_clear(stream, &transcript).await?;
        self.command_starttls(session, permit, transcript).await
    }

    /// Greeting and EHLO, which must offer STARTTLS.
    async fn hello_in_clear(
        &mut self,
        stream: Connection,
        transcript: &Transcript,
    ) -> Result<SmtpSession<Connection>, Obstacle> {
        let local = stream.local_addr();
        let mut session = SmtpSession::new(stream, transcript.clone(), self.limits(), self.deadline);
        self.greeting(&mut session).await?;
        let ehlo = self.ehlo(&mut session, local).await?;
        let offer = smtp::starttls_offer(&ehlo);
        self.smtp.starttls_seen.asked += 1;
        if !self.smtp.ehlo_plain.is_seen() {
            self.smtp.ehlo_plain = Observed::seen(ehlo);
        }
        if offer != StarttlsOffer::Advertised {
            return Err(self.no_starttls(session, offer).await);
        }
        self.smtp.starttls_seen.found += 1;
        self.smtp.starttls_offer = Observed::seen(StarttlsOffer::Advertised);
        Ok(session)
    }

    async fn command_starttls(
        &mut self,
        mut session: SmtpSession<Connection>,
        permit: Permit,
        transcript: Transcript,
    ) -> Result<Opened, Obstacle> {
        let reply = match session.command("STARTTLS", "STARTTLS").await {
            Ok(reply) => reply,
            Err(error) => {
                note_once(&mut self.smtp.starttls_reply, || Observed::Failed { why: error.why() });
                return Err(self.failed("STARTTLS", &error));
            }
        };
        let code = reply.code;
        let line = reply.one_line();
        if code == 220 || !self.smtp.starttls_reply.is_seen() {
            self.smtp.starttls_reply = Observed::seen(reply);
        }
        if code != 220 {
            let why = Why::new(Cause::Declined, format!("STARTTLS was answered \"{line}\""));
            session.quit(self.options().leave()).await;
            if !(400..500).contains(&code) {
                return Err(Obstacle::Lasting(why));
            }
            if self.smtp.starttls_reply.get().is_some_and(|r| r.code == 220) {
                // It worked before: a limit on TLS sessions, not a server without TLS.
                self.unwelcome("STARTTLS", &line);
            } else {
                self.prober.pacer.slow_down(self.endpoint.address);
            }
            return Err(Obstacle::Passing(why));
        }
        self.early_data(&mut session).await?;
        Ok(Opened { stream: session.into_inner(), permit, transcript })
    }

    async fn greeting(&mut self, session: &mut SmtpSession<Connection>) -> Result<(), Obstacle> {
        let started = Instant::now();
        match session.read_reply("greeting").await {
            Ok(reply) if reply.code == 220 => {
                if !self.smtp.greeting.is_seen() {
                    self.smtp.software = smtp::software(&reply.lines);
                    self.smtp.not_smtp = smtp::identify(reply.one_line().as_bytes());
                    self.smtp.greeting =
                        Observed::seen(Greeting { reply, milliseconds: millis(started.elapsed()) });
                }
                match &self.smtp.not_smtp {
                    Some(what) => {
                        Err(Obstacle::Lasting(Why::new(Cause::Protocol, format!("this is {what}"))))
                    }
                    None => Ok(()),
                }
            }
            Ok(reply) => {
                let line = reply.one_line();
                let why = Why::new(Cause::Declined, format!("the server greets with \"{line}\""));
                let passing = (400..500).contains(&reply.code);
                note_once(&mut self.smtp.greeting, || Observed::Failed { why: why.clone() });
                if passing {
                    self.unwelcome("greeting", &line);
                    return Err(Obstacle::Passing(why));
                }
                Err(Obstacle::Lasting(why))
            }
            Err(error) => {
                note_once(&mut self.smtp.greeting, || Observed::Failed { why: error.why() });
                if !self.smtp.greeting.is_seen() {
                    self.smtp.not_smtp = smtp::identify(error.partial());
                }
                Err(self.failed("greeting", &error))
            }
        }
    }

    /// EHLO in clear, HELO where EHLO is refused.
    async fn ehlo(
        &mut self,
        session: &mut SmtpSession<Connection>,
        local: Option<SocketAddr>,
    ) -> Result<EhloFacts, Obstacle> {
        let name = helo_name(self.options(), local);
        match say_ehlo(session, &name).await {
            Ok(Ok(facts)) => Ok(facts),
            Ok(Err(reply)) => {
                let line = reply.one_line();
                let why = Why::new(Cause::Declined, format!("EHLO was answered \"{line}\""));
                note_once(&mut self.smtp.ehlo_plain, || Observed::Failed { why: why.clone() });
                if (400..500).contains(&reply.code) {
                    self.unwelcome("EHLO", &line);
                    return Err(Obstacle::Passing(why));
                }
                Err(Obstacle::Lasting(why))
            }
            Err(error) => {
                note_once(&mut self.smtp.ehlo_plain, || Observed::Failed { why: error.why() });
                Err(self.failed("EHLO", &error))
            }
        }
    }

    /// STARTTLS is not offered on this connection.
    async fn no_starttls(&mut self, mut session: SmtpSession<Connection>, offer: StarttlsOffer) -> Obstacle {
        let text = match &offer {
            StarttlsOffer::Mangled { keyword } => {
                format!("STARTTLS is not offered: in its place stands {keyword}")
            }
            StarttlsOffer::EhloRefused => "STARTTLS is not offered: EHLO itself is refused".to_owned(),
            StarttlsOffer::Absent | StarttlsOffer::Advertised => {
                "the server does not offer STARTTLS".to_owned()
            }
        };
        if !self.smtp.starttls_offer.is_seen() {
            self.smtp.starttls_offer = Observed::seen(offer);
        }
        if !self.smtp.mail_in_clear.is_seen() && self.smtp.starttls_seen.found == 0 {
            // Nothing is sent: a sender address alone shows whether mail in clear is taken.
            self.smtp.mail_in_clear = match session.command("MAIL FROM:<>", "MAIL").await {
                Ok(reply) => Observed::seen(reply),
                Err(error) => Observed::Failed { why: error.why() },
            };
        }
        session.quit(self.options().leave()).await;
        Obstacle::Passing(Why::new(Cause::Prerequisite, text))
    }

    /// After the 220 nothing may come before the handshake (CVE-2011-0411 seen from the
    /// other side).
    async fn early_data(&mut self, session: &mut SmtpSession<Connection>) -> Result<(), Obstacle> {
        if session.buffered_after_reply() == 0 {
            note_once(&mut self.smtp.plaintext_after_220, || Observed::seen(None));
            return Ok(());
        }
        let bytes = session.early_data(Duration::ZERO).await;
        let text = waxseal_wire::text::neutralise(&bytes, 200);
        session.transcript().note(&format!("in clear after the 220, before TLS: {text}"));
        let why = format!("after the 220 to STARTTLS came plaintext before TLS: \"{text}\"");
        self.smtp.plaintext_after_220 = Observed::seen(Some(text));
        Err(Obstacle::Lasting(Why::new(Cause::Protocol, why)))
    }

    /// A step failed: whether asking again may help.
    fn failed(&mut self, stage: &str, error: &NetError) -> Obstacle {
        match error.cause() {
            // It was cut short by us, whatever the server was about to say.
            Cause::Timeout if Instant::now() >= self.deadline => Obstacle::Lasting(self.time_is_over()),
            Cause::Closed => {
                self.unwelcome(stage, &error.to_string());
                Obstacle::Passing(error.why())
            }
            _ => Obstacle::Lasting(error.why()),
        }
    }

    /// Notes a sign that we are unwelcome, and slows down.
    pub(crate) fn unwelcome(&mut self, stage: &str, what: &str) {
        self.prober.pacer.slow_down(self.endpoint.address);
        if self.smtp.back_off.is_none() {
            self.smtp.back_off = Some(BackOff {
                what: what.to_owned(),
                stage: stage.to_owned(),
                after_connections: self.connections.saturating_sub(1),
            });
        }
    }

    /// Notes that the server speaks the other way of starting TLS.
    pub(crate) fn wrong_mode(&mut self, mode: WrongMode) {
        self.smtp.wrong_mode = Some(mode);
    }
}

/// EHLO, then HELO where the server does not know EHLO; the reply where both are refused.
pub(crate) async fn say_ehlo<S>(
    session: &mut SmtpSession<S>,
    name: &str,
) -> Result<Result<EhloFacts, Reply>, NetError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let reply = session.command(&format!("EHLO {name}"), "EHLO").await?;
    if reply.is_positive() {
        return Ok(Ok(smtp::ehlo(reply, false)));
    }
    if !(500..600).contains(&reply.code) {
        return Ok(Err(reply));
    }
    let second = session.command(&format!("HELO {name}"), "HELO").await?;
    if second.is_positive() { Ok(Ok(smtp::ehlo(second, true))) } else { Ok(Err(second)) }
}

/// The name for EHLO: the one that was set, or the address literal of our side (RFC 5321
/// section 4.1.3), which needs no name that we may not have.
pub(crate) fn helo_name(options: &ProbeOptions, local: Option<SocketAddr>) -> String {
    match (&options.helo, local.map(|a| a.ip())) {
        (Some(name), _) => name.clone(),
        (None, Some(std::net::IpAddr::V4(ip))) => format!("[{ip}]"),
        (None, Some(std::net::IpAddr::V6(ip))) => match ip.to_ipv4_mapped() {
            Some(v4) => format!("[{v4}]"),
            None => format!("[IPv6:{ip}]"),
        },
        (None, None) => "[127.0.0.1]".to_owned(),
    }
}

/// Milliseconds, capped.
pub(crate) fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Keeps what was seen first: a later failure does not undo it.
fn note_once<T>(fact: &mut Observed<T>, make: impl FnOnce() -> Observed<T>) {
    if !fact.is_seen() {
        *fact = make();
    }
}
