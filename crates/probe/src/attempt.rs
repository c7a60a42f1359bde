//! Questions that go on where a hello ends: sessions of the private client, and attacks in a
//! form that does no harm.

use tokio::time::Instant;
use waxseal_model::{
    Why,
    audit::{Renegotiation, StarttlsInjection},
    tls::TlsVersion,
};
use waxseal_net::{
    attempt::{
        self, Failure, PrivateStream,
        heartbleed::{self, Speaks, When},
        injection::{self, Through},
        renegotiate::{self, Binding},
        resume::{self, Resumed},
    },
    connection::Connection,
    session::SmtpSession,
};
use waxseal_wire::tls::{
    flight::ServerFlight,
    hello::HelloSpec,
    private::{Client, Established, Reply, Resumption},
};

use crate::{endpoint::random, question::Reaction};

/// What to do on one connection.
#[derive(Debug, Clone)]
pub enum Attempt {
    /// A complete handshake by the private client.
    Session {
        /// Its hello.
        spec: Box<HelloSpec>,
        /// What follows.
        then: InSession,
    },
    /// A session again.
    Resume {
        /// The hello of the session.
        spec: Box<HelloSpec>,
        /// The session.
        resumption: Box<Resumption>,
    },
    /// A heartbeat that claims one byte too much.
    Heartbleed {
        /// The hello.
        spec: Box<HelloSpec>,
        /// When it is sent.
        when: When,
    },
    /// A command in one write with STARTTLS; the handshake by the private client with this
    /// hello, or by the TLS library.
    Injection(Option<Box<HelloSpec>>),
}

/// What to do in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InSession {
    /// Wait for tickets, which TLS 1.3 sends after the handshake, and leave.
    Tickets,
    /// Ask for another handshake.
    Renegotiate(Binding),
}

/// What an attempt led to.
#[derive(Debug, Clone)]
pub enum Attempted {
    /// The server's flight, and its reply to what followed the hello.
    Replied {
        /// As with an ordinary hello.
        flight: Box<ServerFlight>,
        /// The first record after the attack.
        reply: Reply,
    },
    /// A session came about.
    Session {
        /// What was negotiated.
        established: Box<Established>,
        /// Whether it could be renegotiated, if that was asked.
        renegotiation: Option<Result<Renegotiation, Why>>,
    },
    /// The server's answer to the offer of a session.
    Resumed(Resumed),
    /// Its answer to a heartbeat.
    Heartbleed(heartbleed::Outcome),
    /// What became of the command.
    Injected(StarttlsInjection),
}

impl Attempted {
    /// A phrase for transcripts.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Replied { reply, .. } => format!("answered: {reply}"),
            Self::Session { established, renegotiation } => {
                let version = established.flight.version.label();
                match renegotiation {
                    None => format!("session in {version}"),
                    Some(Ok(answer)) => format!("session in {version}, renegotiation: {answer:?}"),
                    Some(Err(why)) => format!("session in {version}, renegotiation: {why}"),
                }
            }
            Self::Resumed(resumed) if resumed.abbreviated => "session resumed".to_owned(),
            Self::Resumed(_) => "session begun anew".to_owned(),
            Self::Heartbleed(answer) => format!("{answer:?}"),
            Self::Injected(answer) => format!("{answer:?}"),
        }
    }
}

/// Bounds of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) deadline: Instant,
    pub(crate) max_bytes: usize,
    /// The server greets within TLS, as it does where TLS starts from the first byte, if it
    /// speaks SMTP at all.
    pub(crate) greets: bool,
}

/// Carries out an attempt on a stream on which the next byte is TLS.
pub(crate) async fn on_stream(stream: Connection, attempt: &Attempt, bounds: Bounds) -> Reaction {
    let Bounds { deadline, max_bytes, greets, .. } = bounds;
    match attempt {
        Attempt::Session { spec, then } => {
            let client = Client::new((**spec).clone(), random());
            match attempt::handshake(stream, client, deadline, max_bytes).await {
                Ok(session) => in_session(session, spec, *then, bounds).await,
                Err(failure) => of_failure(&failure),
            }
        }
        Attempt::Resume { spec, resumption } => {
            let client = Client::resuming((**spec).clone(), (**resumption).clone(), random());
            match resume::resume(stream, client, deadline, max_bytes).await {
                Ok(resumed) => attempted(Attempted::Resumed(resumed)),
                Err(failure) => of_failure(&failure),
            }
        }
        Attempt::Heartbleed { spec, when } => {
            let client = Client::new((**spec).clone(), random());
            let speaks = if greets { Speaks::First } else { Speaks::WhenAsked };
            match heartbleed::heartbleed(stream, client, *when, speaks, deadline, max_bytes).await {
                Ok(answer) => attempted(Attempted::Heartbleed(answer)),
                Err(why) => Reaction::Unanswered(why),
            }
        }
        // It begins before TLS, in `in_clear`.
        Attempt::Injection(_) => Reaction::Unanswered(Why::new(
            waxseal_model::Cause::NotApplicable,
            "with implicit TLS there is no command to send along with STARTTLS",
        )),
    }
}

/// Sends a command along with STARTTLS in a session in clear that has had EHLO.
pub(crate) async fn in_clear(
    session: SmtpSession<Connection>,
    name: &str,
    server_name: Option<String>,
    spec: Option<&HelloSpec>,
) -> Reaction {
    let tag: [u8; 8] = random();
    let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    let through = match spec {
        Some(spec) => Through::Private(Box::new(Client::new(spec.clone(), random()))),
        None => Through::Library { server_name },
    };
    match injection::starttls_injection(session, name, &tag, through).await {
        Ok(answer) => attempted(Attempted::Injected(answer)),
        Err(why) => Reaction::Unanswered(why),
    }
}

async fn in_session(
    mut session: PrivateStream<Connection>,
    spec: &HelloSpec,
    then: InSession,
    bounds: Bounds,
) -> Reaction {
    let established = session.established().clone();
    if bounds.greets
        && let Err(why) = session.greeting(bounds.deadline).await
    {
        // A client certificate that is missing shows here in TLS 1.3.
        return Reaction::Unanswered(why);
    }
    match then {
        InSession::Tickets if established.flight.version >= TlsVersion::Tls13 => {
            let tickets = session.tickets(bounds.deadline).await;
            let established = Box::new(Established { tickets, ..established });
            attempted(Attempted::Session { established, renegotiation: None })
        }
        InSession::Tickets => {
            session.leave().await;
            attempted(Attempted::Session { established: Box::new(established), renegotiation: None })
        }
        InSession::Renegotiate(binding) => {
            let spec = HelloSpec { random: random(), ..spec.clone() };
            let answer = renegotiate::renegotiate(session, &spec, binding, bounds.deadline).await;
            let established = Box::new(established);
            attempted(Attempted::Session { established, renegotiation: Some(answer) })
        }
    }
}

fn attempted(outcome: Attempted) -> Reaction {
    Reaction::Attempted(Box::new(outcome))
}

fn of_failure(failure: &Failure) -> Reaction {
    match failure.alert() {
        Some(alert) if !failure.wants_certificate() => Reaction::Refused { alert: Some(alert) },
        _ => Reaction::Unanswered(failure.why()),
    }
}
