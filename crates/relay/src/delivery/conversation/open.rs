//! From nothing to a conversation: connection, greeting, EHLO, STARTTLS, certificate.

use std::net::SocketAddr;

use tokio::time::{Instant, timeout_at};
use waxseal_judge::delivery::{Observation, Permit, Protection};
use waxseal_model::{
    smtp::{EhloFacts, Reply},
    tls::TlsVersion,
};
use waxseal_net::{
    NetError,
    session::{SessionLimits, SmtpSession},
    tls::{
        TlsFailure,
        delivery::{Negotiated, SecondOpinion, Secured},
    },
    transcript::Transcript,
};
use waxseal_wire::smtp::ehlo;

use super::{Conversation, Means, Obstacle, Offers, Stage, Stopped, Stream, TRANSCRIPT_BYTES, Way, now};
use crate::policy::observation::{Inspection, inspect};

/// The alert by which a server refuses our versions (RFC 8446 section 6).
const PROTOCOL_VERSION: u8 = 70;

type Session = SmtpSession<Stream>;

/// What has been learnt on the way, for who is told of an obstacle.
struct Opening<'a> {
    means: &'a Means,
    way: &'a Way<'a>,
    transcript: Transcript,
    local: Option<std::net::IpAddr>,
    helo: Option<String>,
}

impl Means {
    /// Opens a conversation, in TLS where the host offers it, unless the requirement leaves
    /// TLS alone.
    pub(crate) async fn open(&self, way: &Way<'_>) -> Result<Conversation, Stopped> {
        let mut opening = Opening::new(self, way);
        let result = opening.run().await;
        result.map_err(|(stage, obstacle)| opening.stopped(stage, obstacle))
    }

    /// Opens a conversation in clear to a host whose TLS has failed on another connection, as
    /// `observation` has it. Takes the leave for exactly that.
    pub(crate) async fn open_in_clear(
        &self,
        way: &Way<'_>,
        permit: Permit,
        observation: Observation,
    ) -> Result<Conversation, Stopped> {
        let mut opening = Opening::new(self, way);
        let result = match permit.protection() {
            Protection::Clear { new_connection: true } => opening.run_in_clear(observation).await,
            _ => {
                let detail = "clear text is not what the decision allows".to_owned();
                Err((Stage::Ehlo, Obstacle::NoTls(observation, detail)))
            }
        };
        result.map_err(|(stage, obstacle)| opening.stopped(stage, obstacle))
    }
}

type Step<T> = Result<T, (Stage, Obstacle)>;

impl<'a> Opening<'a> {
    fn new(means: &'a Means, way: &'a Way<'a>) -> Self {
        let transcript = Transcript::of_last_lines(Instant::now(), TRANSCRIPT_BYTES);
        Self { means, way, transcript, local: None, helo: None }
    }

    fn stopped(self, stage: Stage, obstacle: Obstacle) -> Stopped {
        let Self { transcript, local, helo, .. } = self;
        Stopped { stage, obstacle, transcript, local, helo }
    }

    async fn run(&mut self) -> Step<Conversation> {
        let mut session = self.greeted().await?;
        let offers = self.hello(&mut session).await?;
        if self.way.requirement.avoids_tls() {
            return Ok(self.conversation(session, offers, Observation::NotTried));
        }
        if !offers.starttls {
            return Ok(self.conversation(session, offers, Observation::NoStarttls));
        }
        self.secure(session).await
    }

    async fn run_in_clear(&mut self, observation: Observation) -> Step<Conversation> {
        self.transcript.note("a new connection, in clear since TLS failed and nothing demands it");
        let mut session = self.greeted().await?;
        let offers = self.hello(&mut session).await?;
        Ok(self.conversation(session, offers, observation))
    }

    /// Connects and reads the greeting.
    async fn greeted(&mut self) -> Step<Session> {
        let Way { hop, address, deadline, .. } = *self.way;
        let peer = SocketAddr::new(address, hop.port);
        self.transcript.note(&format!("connecting to {} {peer}", hop.name));
        let started = Instant::now();
        let connected = match timeout_at(deadline, self.means.egress.connect(peer)).await {
            Ok(connected) => connected,
            Err(_) => Err(NetError::ConnectTimeout { address: peer, after: started.elapsed() }),
        };
        let connected = connected.map_err(|error| {
            self.transcript.note(&error.to_string());
            (Stage::Connect, Obstacle::Lost(error))
        })?;
        self.local = connected.stream.local_addr().map(|address| address.ip());
        let mut session = self.session(Stream::Clear(connected.stream), self.transcript.clone());
        let reply = session.reply(self.means.settings.patience.greeting, Stage::Greeting.word()).await;
        match reply {
            Ok(reply) if reply.is_positive() => Ok(session),
            Ok(reply) => {
                self.leave(session);
                Err((Stage::Greeting, Obstacle::Reply(reply)))
            }
            Err(error) => Err((Stage::Greeting, Obstacle::Lost(error))),
        }
    }

    fn session(&self, stream: Stream, transcript: Transcript) -> Session {
        SmtpSession::new(stream, transcript, SessionLimits::default(), self.way.deadline)
    }

    /// EHLO in clear; HELO where EHLO is refused and nothing demands TLS. Where TLS is
    /// demanded, a host that does not know EHLO offers nothing, and one that turns us away
    /// has said so.
    async fn hello(&mut self, session: &mut Session) -> Step<Offers> {
        let reply = self.say_hello(session, "EHLO").await?;
        if reply.is_positive() {
            // REQUIRETLS counts within TLS alone (RFC 8689 section 3).
            return Ok(Offers { requiretls: false, ..self.learn(ehlo(reply, false)) });
        }
        let unknown_command = matches!(reply.code, 500..=504);
        match reply.code {
            500..=599 if !self.way.requirement.demands_tls() => {
                let reply = self.say_hello(session, "HELO").await?;
                if reply.is_positive() {
                    return Ok(self.learn(ehlo(reply, true)));
                }
                Err((Stage::Ehlo, Obstacle::Reply(reply)))
            }
            _ if unknown_command => Ok(Offers::default()),
            _ => Err((Stage::Ehlo, Obstacle::Reply(reply))),
        }
    }

    async fn say_hello(&self, session: &mut Session, verb: &'static str) -> Step<Reply> {
        let settings = &self.means.settings;
        let line = format!("{verb} {}", settings.hostname);
        let reply = ask(session, &line, settings.patience.ehlo, Stage::Ehlo.word()).await;
        reply.map_err(|error| (Stage::Ehlo, Obstacle::Lost(error)))
    }

    fn learn(&mut self, ehlo: EhloFacts) -> Offers {
        let offers = Offers::of(&ehlo);
        self.helo = ehlo.server_name;
        offers
    }

    /// STARTTLS, handshake, EHLO anew.
    async fn secure(&mut self, mut session: Session) -> Step<Conversation> {
        let patience = &self.means.settings.patience;
        let no_tls = |observation, detail| Err((Stage::Ehlo, Obstacle::NoTls(observation, detail)));
        match ask(&mut session, "STARTTLS", patience.starttls, "STARTTLS").await {
            Ok(reply) if reply.code == 220 => {}
            Ok(reply) => {
                self.leave(session);
                return no_tls(Observation::StarttlsRefused, reply.one_line());
            }
            Err(error) => return no_tls(Observation::HandshakeFailed, error.to_string()),
        }
        // Whoever put it there, TLS has not protected it (CVE-2011-0411).
        if session.buffered_after_reply() > 0 {
            let detail = "clear text follows the 220 to STARTTLS";
            self.transcript.note(detail);
            return no_tls(Observation::HandshakeFailed, detail.to_owned());
        }
        let Stream::Clear(stream) = session.into_inner() else {
            return no_tls(Observation::HandshakeFailed, "TLS within TLS".to_owned());
        };
        let Way { hop, key, deadline, .. } = *self.way;
        let key = format!("{key:016x} {}", hop.name);
        let until = (Instant::now() + patience.starttls).min(deadline);
        let secured = match self.means.tls.handshake(stream, &key, hop.server_name(), until).await {
            Ok(secured) => secured,
            Err(failure) => {
                self.transcript.note(&failure.to_string());
                return no_tls(observed(&failure), failure.to_string());
            }
        };
        self.within_tls(secured).await
    }

    async fn within_tls(
        &mut self,
        secured: Secured<waxseal_net::connection::Connection>,
    ) -> Step<Conversation> {
        let Secured { stream, facts, chain } = secured;
        let channel = words(&facts);
        let resumed = if facts.resumed { ", a resumed session" } else { "" };
        self.transcript.note(&format!("{channel}{resumed}"));
        let transcript = self.transcript.within_tls();
        let mut session = self.session(Stream::Tls(Box::new(stream)), transcript);
        let reply = match self.say_hello(&mut session, "EHLO").await {
            Ok(reply) => reply,
            // In TLS 1.3 a server that is not content with the handshake says so only now.
            Err((_, Obstacle::Lost(error @ (NetError::Alert { .. } | NetError::Tls { .. })))) => {
                let detail = error.to_string();
                return Err((Stage::Ehlo, Obstacle::NoTls(Observation::HandshakeFailed, detail)));
            }
            Err(stopped) => return Err(stopped),
        };
        if !reply.is_positive() {
            return Err((Stage::Ehlo, Obstacle::Reply(reply)));
        }
        let offers = self.learn(ehlo(reply, false));
        let mut inspection = self.inspect(&chain);
        inspection.seen.requiretls = offers.requiretls;
        let observation = Observation::Tls(inspection.seen);
        let mut conversation = self.conversation(session, offers, observation);
        conversation.channel = channel;
        conversation.inspection = Some(Box::new(inspection));
        Ok(conversation)
    }

    /// What the certificate is worth. That it is good by PKIX must be the library's opinion
    /// as well (decision 0005).
    fn inspect(&self, chain: &[Vec<u8>]) -> Inspection {
        let (hop, now) = (self.way.hop, now());
        let mut inspection = inspect(hop, chain, &self.means.roots, now);
        let by_us = inspection.seen.certificate;
        if by_us.trusted
            && by_us.in_date
            && let Err(why) = self.means.opinion.path(chain, now)
        {
            self.transcript.note(&format!("the TLS library does not trust the certificate: {why}"));
            inspection.distrust(format!("by the TLS library: {why}"));
        }
        let certificate = &mut inspection.seen.certificate;
        if certificate.for_mx && !SecondOpinion::is_for(chain, &hop.name) {
            self.transcript.note("the TLS library does not find the host's name in the certificate");
            certificate.for_mx = false;
        }
        // The library has no words for all names below a domain.
        let agrees = |name: &String| name.starts_with('.') || SecondOpinion::is_for(chain, name);
        certificate.for_operator &= hop.operator_names.iter().any(agrees);
        inspection
    }

    fn conversation(&self, session: Session, offers: Offers, observation: Observation) -> Conversation {
        Conversation {
            session,
            offers,
            host: self.way.hop.name.clone(),
            requirement: *self.way.requirement,
            local: self.local,
            helo: self.helo.clone(),
            observation,
            inspection: None,
            channel: String::new(),
            messages: 0,
            opened: Instant::now(),
            unfinished: false,
            spoilt: false,
        }
    }

    fn leave(&self, session: Session) {
        tokio::spawn(session.quit(self.means.settings.patience.quit));
    }
}

/// One command and its reply.
async fn ask(
    session: &mut Session,
    line: &str,
    patience: std::time::Duration,
    stage: &'static str,
) -> Result<Reply, NetError> {
    session.queue(format_args!("{line}"), stage)?;
    session.send(patience, stage).await?;
    session.reply(patience, stage).await
}

/// What a failed handshake is to the decision.
fn observed(failure: &TlsFailure) -> Observation {
    let old = failure.server_hello.is_some_and(|version| version < TlsVersion::Tls12);
    if old || failure.alert() == Some(PROTOCOL_VERSION) {
        Observation::TlsTooOld
    } else {
        Observation::HandshakeFailed
    }
}

/// `TLSv1.3 TLS_AES_256_GCM_SHA384`.
fn words(facts: &Negotiated) -> String {
    let version = match facts.version {
        TlsVersion::Tls12 => "TLSv1.2",
        TlsVersion::Tls13 => "TLSv1.3",
        other => other.label(),
    };
    format!("{version} {}", facts.suite.name)
}
