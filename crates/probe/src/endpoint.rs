//! Runs the plan against one address: the real handshake, then hand-made hellos, one
//! connection after the other, until all is known or the budget is spent.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use waxseal_model::{
    Cause, Endpoint, EndpointEvidence, Observed, TlsStart, Why,
    certificate::PresentedChain,
    evidence::{Cost, EndpointFacts},
    smtp::{Conversation, EhloFacts, Greeting, WrongMode},
    tls::TlsVersion,
};
use waxseal_net::{
    attempt::{Then, exchange_then},
    connection::Connection,
    error::NetError,
    exchange::{Ended, exchange_flight},
    pacing::Permit,
    session::SmtpSession,
    tls::{CertificateKind, TlsConnection, TlsFailureKind, handshake, handshake_for},
    transcript::Transcript,
};
use waxseal_wire::{
    smtp,
    tls::{
        alert,
        flight::Answer,
        hello::{HelloSpec, client_hello},
        private::Reply,
        ssl2::sslv2_client_hello,
    },
};

use crate::{
    attempt::{Attempt, Attempted, Bounds, in_clear, on_stream},
    chains::{no_readable_chain, present},
    offers,
    open::{Line, Obstacle, Opened, helo_name, millis, say_ehlo},
    plan,
    prober::Prober,
    probes::{Probe, settle},
    question::{Question, Reaction},
    siblings::siblings,
    state::State,
};

/// How often a connection is tried again after an obstacle that may pass.
const TRIES: u32 = 3;
/// After this many answers in a row that never came, the rest is not asked: waiting for them
/// would take minutes, and being waited for annoys servers.
const SILENCES: u32 = 2;
/// In all it may be one more, and another one for so many connections.
const CONNECTIONS_PER_SILENCE: u32 = 30;
/// A server that was seen so often to refuse by closing, without an alert, is believed.
const MUTE_HABIT: u32 = 2;
/// Hellos with fewer suites are not refused for their length.
const LONG_OFFER: usize = 32;
/// On a port that is implicit TLS by definition, a missing greeting is explained sooner.
const IMPLICIT_PORT_PATIENCE: Duration = Duration::from_secs(2);
/// Submissions, implicit TLS (RFC 8314 section 7.3).
const SUBMISSIONS: u16 = 465;

/// Questions one endpoint. `reference_name` is the name that its certificates are to be
/// compared with, and that is sent in SNI.
pub async fn probe_endpoint(
    prober: &Prober,
    endpoint: Endpoint,
    mx_preference: Option<u16>,
    reference_name: Option<String>,
) -> EndpointEvidence {
    let reference_name = prober.options.server_name.clone().or(reference_name);
    let started = Instant::now();
    let transcript = Transcript::new(started);
    let mut endpoint = endpoint;
    let target = std::net::SocketAddr::new(endpoint.address, endpoint.port);
    let destination = prober.egress.destination(target);
    endpoint.connected_to = (destination != target).then_some(destination);
    let deadline = started + prober.options.total_timeout;
    let mut scan = Scan::new(prober, &endpoint, &transcript, deadline, 0, reference_name.clone());
    scan.run().await;
    let turned = scan.should_turn();
    let mut connections = scan.line.connections;
    let mut outcome = scan.finish();
    if turned {
        // The port means nothing by itself and the server speaks TLS at once: test that.
        transcript.note("the server speaks TLS from the first byte: going on with implicit TLS");
        endpoint.tls = TlsStart::Implicit;
        let mut second =
            Scan::new(prober, &endpoint, &transcript, deadline, connections, reference_name.clone());
        second.run().await;
        connections = second.line.connections;
        outcome = second.finish();
    }
    let (smtp, mut state) = outcome;
    if prober.options.audit.as_ref().is_some_and(|audit| audit.siblings) && smtp.connected.is_seen() {
        let (seen, took) = siblings(prober, &endpoint, state.sni.as_deref()).await;
        state.audit().siblings = Observed::seen(seen);
        connections += took;
    }
    let chains = present(&state.chains, &state.accompanying, &prober.roots);
    let chains = if chains.is_empty() { no_chain(&state) } else { Observed::seen(chains) };
    let facts = EndpointFacts {
        mx_preference,
        reference_name,
        smtp,
        tls: state.facts,
        chains,
        dane: Observed::default(),
        transcript: transcript.lines(),
        cost: Cost { connections, milliseconds: u64::from(millis(started.elapsed())) },
    };
    EndpointEvidence { endpoint, evidence: facts }
}

/// One pass over an endpoint with one way of starting TLS.
struct Scan<'a> {
    line: Line<'a>,
    state: State,
    /// Answers that never came, in all and in a row.
    silences: u32,
    silences_in_a_row: u32,
    /// Refusals without an alert that a known good hello confirmed.
    mute_refusals: u32,
    /// It was seen to refuse by an alert, so that a reset is not its way to.
    refuses_by_alert: bool,
    /// Resets that made us slow down, until they turn out to be refusals.
    resets: u32,
    /// Why TLS could not be asked about at all.
    obstacle: Option<Why>,
}

impl<'a> Scan<'a> {
    fn new(
        prober: &'a Prober,
        endpoint: &'a Endpoint,
        transcript: &Transcript,
        deadline: Instant,
        connections: u32,
        sni: Option<String>,
    ) -> Self {
        let line = Line::new(prober, endpoint, transcript.clone(), deadline, connections);
        // An address has no place in SNI (RFC 6066 section 3).
        let sni = sni.filter(|name| name.parse::<std::net::IpAddr>().is_err());
        let state = State { starttls: endpoint.tls == TlsStart::Starttls, ..State::new(sni) };
        Self {
            line,
            state,
            silences: 0,
            silences_in_a_row: 0,
            mute_refusals: 0,
            refuses_by_alert: false,
            resets: 0,
            obstacle: None,
        }
    }

    fn finish(mut self) -> (Conversation, State) {
        let smtp = &mut self.line.smtp;
        if self.line.endpoint.tls == TlsStart::Implicit {
            let why = Why::new(Cause::NotApplicable, "with implicit TLS nothing is said in clear");
            settle_plaintext(smtp, &why);
        }
        let prerequisite = self.obstacle.map(|why| Why::new(Cause::Prerequisite, why.text));
        if let Some(why) = &prerequisite {
            settle_plaintext(smtp, why);
            settle(&mut smtp.greeting, why);
            settle(&mut smtp.ehlo_tls, why);
        }
        let not_needed = Why::new(Cause::NotApplicable, "STARTTLS is offered, so no mail was begun in clear");
        settle(&mut smtp.mail_in_clear, prerequisite.as_ref().unwrap_or(&not_needed));
        (self.line.smtp, self.state)
    }

    /// The server speaks implicit TLS on a port that means nothing by itself, and the user
    /// did not insist on STARTTLS.
    fn should_turn(&self) -> bool {
        self.line.endpoint.tls == TlsStart::Starttls
            && self.line.smtp.wrong_mode == Some(WrongMode::SpeaksImplicitTls)
            && !self.line.prober.options.tls_start_fixed
    }

    async fn run(&mut self) {
        if let Err(why) = self.first_connection().await {
            self.state.nothing_could_be_asked(Cause::Prerequisite, &why.text);
            if self.line.prober.options.audit.is_some() {
                self.state.audit();
            }
            self.obstacle = Some(why);
            return;
        }
        let mut end: Option<Why> = None;
        let plan = match &self.line.prober.options.audit {
            Some(options) => plan::audit(options),
            None => plan::standard(),
        };
        for mut probe in plan {
            if end.is_none() {
                end = self.run_probe(probe.as_mut()).await;
            }
            probe.finish(&mut self.state, end.as_ref());
        }
        self.line.close_ahead().await;
        self.state.retract_unless_tls();
        if self.line.prober.options.audit.is_some() {
            self.state.conclude_audit();
        }
        if self.line.smtp.back_off.is_none() {
            self.line.prober.pacer.success(self.line.endpoint.address);
        }
    }

    /// The real handshake, with EHLO before and after. An error means that TLS cannot be
    /// asked about here at all.
    async fn first_connection(&mut self) -> Result<(), Why> {
        if self.line.endpoint.port == SUBMISSIONS && self.line.endpoint.tls == TlsStart::Starttls {
            self.explain_implicit_port().await?;
        }
        let opened = match self.open_patiently().await {
            Ok(opened) => opened,
            Err(why) => {
                self.look_for_implicit_tls().await;
                return Err(why);
            }
        };
        let deadline = self.line.step_deadline();
        let Opened { stream, permit, transcript } = opened;
        let local = stream.local_addr();
        let result = handshake(stream, self.state.sni.as_deref(), deadline).await;
        match result {
            Ok(connection) => {
                transcript.note(&describe(&connection));
                let TlsConnection { stream, facts, chain, staple, .. } = connection;
                self.state.note_staple(&chain, staple);
                self.state.note_handshake(&facts, chain);
                self.within_tls(
                    SmtpSession::new(stream, transcript.within_tls(), self.line.limits(), self.line.deadline),
                    local,
                )
                .await;
                drop(permit);
                Ok(())
            }
            Err(failure) => {
                transcript.note(&failure.to_string());
                drop(permit);
                self.handshake_failed(failure)
            }
        }
    }

    fn handshake_failed(&mut self, failure: waxseal_net::tls::TlsFailure) -> Result<(), Why> {
        let why = failure.why();
        self.state.server_failed = failure.alert() == Some(alert::INTERNAL_ERROR);
        self.state.speaks_tls |= failure.alert().is_some() || failure.server_hello.is_some();
        self.state.wants_client_certificate |= matches!(failure.kind, TlsFailureKind::ClientCertificate { alert } if is_about_certificates(alert));
        self.state.facts.handshake = Observed::Failed { why: why.clone() };
        match &failure.kind {
            TlsFailureKind::NotTls { first } if self.line.endpoint.tls == TlsStart::Implicit => {
                if first.starts_with(b"220") || first.starts_with(b"421") || first.starts_with(b"554") {
                    self.line.wrong_mode(WrongMode::SpeaksPlaintextFirst);
                } else {
                    self.line.smtp.not_smtp = smtp::identify(first);
                }
                Err(why)
            }
            TlsFailureKind::NotTls { first } => {
                let text = waxseal_wire::text::neutralise(first, 200);
                self.line.smtp.plaintext_after_220 = Observed::seen(Some(text));
                Err(why)
            }
            TlsFailureKind::Timeout { .. } => {
                self.note_silence();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// EHLO within TLS, the greeting before it with implicit TLS, and leave.
    async fn within_tls<S>(&mut self, mut session: SmtpSession<S>, local: Option<std::net::SocketAddr>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let started = Instant::now();
        if self.line.endpoint.tls == TlsStart::Implicit {
            match session.read_reply("greeting").await {
                Ok(reply) => {
                    self.line.smtp.software = smtp::software(&reply.lines);
                    self.line.smtp.not_smtp = smtp::identify(reply.one_line().as_bytes());
                    self.line.smtp.greeting =
                        Observed::seen(Greeting { reply, milliseconds: millis(started.elapsed()) });
                }
                Err(error) => {
                    self.line.smtp.not_smtp = smtp::identify(error.partial());
                    self.line.smtp.greeting = Observed::Failed { why: error.why() };
                    let text = "no EHLO without a greeting";
                    self.line.smtp.ehlo_tls = Observed::not_tried(Cause::Prerequisite, text);
                    return;
                }
            }
        }
        let name = helo_name(&self.line.prober.options, local);
        self.line.smtp.ehlo_tls = match say_ehlo(&mut session, &name).await {
            Ok(Ok(facts)) => self.with_software(facts),
            Ok(Err(reply)) => {
                Observed::failed(Cause::Declined, format!("EHLO was answered \"{}\"", reply.one_line()))
            }
            Err(error) => {
                // In TLS 1.3 the client is done before the server looks at its certificate.
                let asked = self.state.facts.handshake.get().is_some_and(|h| h.client_certificate_requested);
                let refused = matches!(error, NetError::Alert { alert, .. } if is_about_certificates(alert));
                self.state.wants_client_certificate |= asked && refused;
                Observed::Failed { why: error.why() }
            }
        };
        session.quit(self.line.prober.options.leave()).await;
    }

    /// Some servers name their software only in the EHLO reply.
    fn with_software(&mut self, facts: EhloFacts) -> Observed<EhloFacts> {
        if self.line.smtp.software.is_none() {
            self.line.smtp.software = smtp::software(&facts.reply.lines);
        }
        Observed::seen(facts)
    }

    /// Opens a connection; an obstacle that may pass is given time to.
    async fn open_patiently(&mut self) -> Result<Opened, Why> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.line.open().await {
                Ok(opened) => return Ok(opened),
                Err(Obstacle::Lasting(why)) => return Err(last.unwrap_or(why)),
                Err(obstacle @ Obstacle::Passing(_)) => last = Some(obstacle.why().clone()),
            }
        }
        Err(last.unwrap_or_else(|| Why::new(Cause::Internal, "no connection was tried")))
    }

    /// The same, up to where STARTTLS is to be said.
    async fn open_in_clear_patiently(&mut self) -> Result<(SmtpSession<Connection>, String, Permit), Why> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.line.open_in_clear().await {
                Ok(opened) => return Ok(opened),
                Err(Obstacle::Lasting(why)) => return Err(last.unwrap_or(why)),
                Err(obstacle @ Obstacle::Passing(_)) => last = Some(obstacle.why().clone()),
            }
        }
        Err(last.unwrap_or_else(|| Why::new(Cause::Internal, "no connection was tried")))
    }

    /// The reason why nothing more can be asked, if a question could not be put.
    async fn run_probe(&mut self, probe: &mut dyn Probe) -> Option<Why> {
        while let Some(question) = probe.ask(&self.state) {
            let mut question = with_random(question);
            match self.put_whole_or_less(&mut question, probe.name()).await {
                Ok(reaction) => probe.learn(&mut self.state, &question, reaction),
                Err(why) => return Some(why),
            }
        }
        None
    }

    /// Puts a question; where the server turns out to read no hello with that many suites, a
    /// smaller one in its place.
    async fn put_whole_or_less(&mut self, question: &mut Question, name: &str) -> Result<Reaction, Why> {
        loop {
            let reaction = self.put(question, name).await?;
            let Some(spec) = question.spec_mut() else { return Ok(reaction) };
            let most = self.state.largest_offer();
            if !matches!(reaction, Reaction::Unanswered(_)) || spec.suites.len() <= most {
                return Ok(reaction);
            }
            spec.suites.truncate(most);
        }
    }

    /// Puts one question. Some endings are ambiguous: the server may refuse what was
    /// offered, or the form of the hello, or us. They count as a refusal only if a hello
    /// that is known to be good still works; servers that were seen to refuse without an
    /// alert are believed from then on. After a reset the question is put once more, and a
    /// third time to a server that is known to refuse by alerts.
    async fn put(&mut self, question: &Question, name: &str) -> Result<Reaction, Why> {
        let (mut reaction, mut ended) = self.exchange(question, name).await?;
        self.refuses_by_alert |= matches!(reaction, Reaction::Refused { alert: Some(_) });
        let is_habit = ended != Ended::Reset || !self.refuses_by_alert;
        let believed = self.mute_refusals >= MUTE_HABIT && reaction.is_mute() && is_habit;
        if believed || !reaction.is_ambiguous(question) {
            return Ok(reaction);
        }
        if ended == Ended::Reset {
            self.resets += 1;
            self.line.prober.pacer.slow_down(self.line.endpoint.address);
            (reaction, ended) = self.exchange(question, name).await?;
            if !reaction.is_ambiguous(question) {
                return Ok(reaction);
            }
        }
        let unproven = || {
            let text = "the handshake was broken off, and nothing shows that it is this question's fault";
            Reaction::Unanswered(Why::new(Cause::Closed, text))
        };
        let Some(known_good) = self.state.known_good(question) else {
            // Whether a server that only closes speaks TLS at all is settled at the end.
            return Ok(if ended == Ended::Reset { unproven() } else { reaction });
        };
        let (answer, _) = self.exchange(&with_random(known_good), "known good hello").await?;
        if !goes_on(&answer) {
            if self.is_too_long(question).await? {
                return Ok(unproven());
            }
            self.line.unwelcome("TLS handshake", "refused, and then a hello that had worked before too");
            return Ok(unproven());
        }
        if ended == Ended::Reset && self.refuses_by_alert {
            (reaction, _) = self.exchange(question, name).await?;
            if !reaction.is_ambiguous(question) {
                return Ok(reaction);
            }
        }
        if reaction.is_mute() {
            self.mute_refusals += 1;
        }
        // The resets were meant for what was offered, not for us.
        for _ in 0..std::mem::take(&mut self.resets) {
            self.line.prober.pacer.success(self.line.endpoint.address);
        }
        Ok(reaction)
    }

    /// Whether a short hello works where a long one does not: the server has a limit, and from
    /// now on fewer suites are offered.
    async fn is_too_long(&mut self, question: &Question) -> Result<bool, Why> {
        let Some(spec) = question.spec() else { return Ok(false) };
        let Some(short) = self.state.known_good(&Question::Ssl2) else { return Ok(false) };
        if spec.suites.len() < LONG_OFFER {
            return Ok(false);
        }
        let (answer, _) = self.exchange(&with_random(short), "short known good hello").await?;
        Ok(goes_on(&answer) && self.state.offer_fewer_than(spec.suites.len()))
    }

    async fn exchange(&mut self, question: &Question, name: &str) -> Result<(Reaction, Ended), Why> {
        let bearable = SILENCES + 1 + self.line.connections / CONNECTIONS_PER_SILENCE;
        if self.silences_in_a_row >= SILENCES || self.silences >= bearable {
            let count = self.silences;
            let text = format!("the server left {count} handshakes without an answer, so no more were begun");
            return Err(Why::new(Cause::Timeout, text));
        }
        if let Question::Attempt(Attempt::Injection(spec)) = question {
            return self.inject(spec.as_deref(), name).await;
        }
        let opened = self.open_patiently().await?;
        self.line.open_ahead();
        let deadline = self.line.step_deadline();
        let Opened { stream, permit, transcript } = opened;
        let largest = self.line.prober.options.largest_flight;
        let greets = self.line.endpoint.tls == TlsStart::Implicit
            && greets(self.state.facts.handshake.is_seen(), self.line.smtp.greeting.is_seen());
        let bounds = Bounds { deadline, max_bytes: largest, greets };
        let (exchange, reply) = match question {
            Question::Hello(spec) => {
                (exchange_flight(stream, &client_hello(spec), deadline, largest).await, None)
            }
            Question::Then(spec, then) => {
                exchange_then(stream, &client_hello(spec), spec, deadline, largest, *then).await
            }
            Question::Ssl2 => {
                (exchange_flight(stream, &sslv2_client_hello(random()), deadline, largest).await, None)
            }
            Question::Handshake(_) | Question::Attempt(_) => {
                let reaction = match question {
                    Question::Handshake(kind) => self.second_handshake(stream, *kind, deadline).await,
                    Question::Attempt(attempt) => on_stream(stream, attempt, bounds).await,
                    _ => return Err(Why::new(Cause::Internal, "a question was put in the wrong way")),
                };
                drop(permit);
                transcript.note(&format!("{name}: {}", reaction.describe()));
                return Ok((reaction, Ended::Complete));
            }
        };
        drop(permit);
        let silent = matches!(exchange.answer, Answer::Nothing) && exchange.ended == Ended::Timeout;
        let reaction = if silent {
            self.note_silence();
            Reaction::Unanswered(Why::new(Cause::Timeout, "the server left the hello without an answer"))
        } else {
            self.silences_in_a_row = 0;
            if let (Some(spec), Answer::Hello(_) | Answer::HelloRetry { .. }) =
                (question.spec(), &exchange.answer)
            {
                let length = client_hello(spec).len();
                self.state.longest_taken = self.state.longest_taken.max(length);
            }
            let reaction = self.state.as_far_as_proven(Reaction::of(question, exchange.answer));
            with_reply(reaction, reply)
        };
        transcript.note(&format!("{name}: {}", reaction.describe()));
        self.state.speaks_tls |= reaction.proves_tls();
        Ok((reaction, exchange.ended))
    }

    fn note_silence(&mut self) {
        self.silences += 1;
        self.silences_in_a_row += 1;
    }

    /// A command in one write with STARTTLS.
    async fn inject(&mut self, spec: Option<&HelloSpec>, name: &str) -> Result<(Reaction, Ended), Why> {
        let (session, helo, permit) = self.open_in_clear_patiently().await?;
        let transcript = session.transcript().clone();
        let reaction = in_clear(session, &helo, self.state.sni.clone(), spec).await;
        drop(permit);
        transcript.note(&format!("{name}: {}", reaction.describe()));
        Ok((reaction, Ended::Complete))
    }

    /// A real handshake for a certificate of one kind, closed as soon as it is complete.
    async fn second_handshake(
        &mut self,
        stream: Connection,
        kind: CertificateKind,
        deadline: Instant,
    ) -> Reaction {
        match handshake_for(stream, self.state.sni.as_deref(), Some(kind), deadline).await {
            Ok(TlsConnection { mut stream, facts, chain, staple, .. }) => {
                self.state.note_staple(&chain, staple);
                let leave = self.line.prober.options.leave();
                let _ = tokio::time::timeout(leave, stream.shutdown()).await;
                Reaction::Established { handshake: Box::new(facts), chain }
            }
            Err(failure) => Reaction::of_failure(&failure),
        }
    }

    /// On 465 the server waits for TLS: find out at once, instead of waiting for a
    /// greeting that cannot come.
    async fn explain_implicit_port(&mut self) -> Result<(), Why> {
        let Ok(opened) = self.line.connect().await else { return Ok(()) };
        let spec = self.state.hello(TlsVersion::Tls12, offers::MODERN_FIRST.to_vec());
        let Question::Hello(spec) = with_random(Question::Hello(Box::new(spec))) else { return Ok(()) };
        // A server that talks first is given the time to.
        let mut stream = opened.stream;
        let patience = IMPLICIT_PORT_PATIENCE.min(self.line.prober.options.step_timeout);
        let greeted = tokio::time::timeout(patience, stream.read_u8()).await;
        if greeted.is_ok() {
            return Ok(());
        }
        let deadline = self.line.step_deadline();
        let largest = self.line.prober.options.largest_flight;
        let exchange = exchange_flight(stream, &client_hello(&spec), deadline, largest).await;
        drop(opened.permit);
        if speaks_tls(&exchange.answer) {
            self.line.wrong_mode(WrongMode::SpeaksImplicitTls);
            let text = "the server waits for TLS from the first byte (implicit TLS) instead of greeting";
            return Err(Why::new(Cause::Protocol, text));
        }
        Ok(())
    }

    /// No greeting came: perhaps the server waits for TLS. Ports that are STARTTLS by
    /// definition greet late rather than that, and talking before the greeting gets
    /// clients banned there.
    async fn look_for_implicit_tls(&mut self) {
        let smtp = &self.line.smtp;
        let silent =
            smtp.greeting.why().is_some_and(|w| w.cause == Cause::Timeout) && smtp.not_smtp.is_none();
        if !silent || !smtp.connected.is_seen() || matches!(self.line.endpoint.port, 25 | 587 | 2525) {
            return;
        }
        let Ok(opened) = self.line.connect().await else { return };
        let spec = self.state.hello(TlsVersion::Tls12, offers::MODERN_FIRST.to_vec());
        let Question::Hello(spec) = with_random(Question::Hello(Box::new(spec))) else { return };
        let deadline = self.line.step_deadline();
        let largest = self.line.prober.options.largest_flight;
        let exchange = exchange_flight(opened.stream, &client_hello(&spec), deadline, largest).await;
        if speaks_tls(&exchange.answer) {
            self.line.wrong_mode(WrongMode::SpeaksImplicitTls);
        }
    }
}

/// Whether a greeting is to be waited for within implicit TLS: not where none came. Where the
/// TLS library could not make the real handshake, as with old servers, nobody has waited yet.
fn greets(has_handshake: bool, has_greeting: bool) -> bool {
    has_greeting || !has_handshake
}

/// An alert by which servers refuse clients without a certificate (RFC 8446 section 6.2, RFC
/// 5246 section 7.2.2): handshake_failure, those about certificates, access_denied and
/// certificate_required. A server that fails by itself wants none.
fn is_about_certificates(alert: u8) -> bool {
    matches!(alert, 40..=49 | 116)
}

/// The server took the hello.
fn goes_on(reaction: &Reaction) -> bool {
    matches!(reaction, Reaction::Accepted(_) | Reaction::Retry { .. })
}

/// What is said before TLS, where it was not.
fn settle_plaintext(smtp: &mut Conversation, why: &Why) {
    settle(&mut smtp.ehlo_plain, why);
    settle(&mut smtp.starttls_offer, why);
    settle(&mut smtp.starttls_reply, why);
    settle(&mut smtp.plaintext_after_220, why);
}

fn speaks_tls(answer: &Answer) -> bool {
    matches!(answer, Answer::Hello(_) | Answer::HelloRetry { .. } | Answer::Alert { .. } | Answer::TooLarge)
}

fn describe<S>(connection: &TlsConnection<S>) -> String {
    let facts = &connection.facts;
    let group = facts.group.as_ref().map_or_else(String::new, |g| format!(", {}", g.name));
    format!("TLS established: {}, {}{group}", facts.version.label(), facts.suite.name)
}

/// A reply to what followed the hello, if there was one.
fn with_reply(reaction: Reaction, reply: Option<Reply>) -> Reaction {
    match (reaction, reply) {
        (Reaction::Accepted(flight), Some(reply)) => {
            Reaction::Attempted(Box::new(Attempted::Replied { flight, reply }))
        }
        (reaction, _) => reaction,
    }
}

/// Fills in the random bytes of a question.
fn with_random(mut question: Question) -> Question {
    if let Some(spec) = question.spec_mut() {
        spec.random = random();
        // Without one, there are servers that resume whatever session they made last.
        spec.session_id = random::<32>().to_vec();
    }
    if let Question::Then(_, Then::Robot { seed, .. }) = &mut question {
        *seed = random();
    }
    question
}

/// Random bytes. Nothing here is secret: where the system's source fails, zeros serve.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes
}

/// Why there is no readable chain.
fn no_chain(state: &State) -> Observed<Vec<PresentedChain>> {
    match (no_readable_chain(&state.chains), state.facts.handshake.why()) {
        (unreadable @ Observed::Failed { .. }, _) => unreadable,
        (_, Some(why)) => Observed::NotTried { why: why.clone() },
        (nothing, None) => nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_missing_only_where_it_could_have_come() {
        assert!(greets(true, true));
        assert!(!greets(true, false), "another service than mail");
        assert!(greets(false, false), "a server that the TLS library cannot talk to");
    }
}
