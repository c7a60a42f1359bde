//! Hellos of real clients, put to a server as they are: what it chooses then needs no
//! conclusion from lists.

use tokio::time::Instant;
use waxseal_model::{
    Cause, Endpoint, Observed, Why,
    audit::{Replay, ReplayAnswer},
    tls::TlsVersion,
};
use waxseal_net::{
    exchange::{Ended, exchange_flight},
    transcript::Transcript,
};
use waxseal_wire::tls::{
    flight::{Answer, KeyExchange, ServerFlight},
    groups,
    hello::{HelloSpec, KeyShare, client_hello},
    suites,
};

use crate::{
    endpoint::random,
    open::{Line, Obstacle, Opened},
    prober::Prober,
    question::{Question, Reaction},
    shares,
};

/// A server that leaves so many hellos without an answer is not asked further.
const SILENCES: u32 = 2;
/// Tries to get a connection for one hello.
const TRIES: u32 = 2;

/// A client's hello.
#[derive(Debug, Clone)]
pub struct ClientHello {
    /// Id of the client.
    pub client: String,
    /// What it sends. Key shares name their groups, their values are made here; so are the
    /// random bytes.
    pub spec: HelloSpec,
}

/// What came of it.
#[derive(Debug)]
pub struct Replays {
    /// One for each client, in the order given.
    pub answers: Vec<Replay>,
    /// Connections that it took.
    pub connections: u32,
}

/// Puts each hello on a connection of its own. `spent` connections of the endpoint's budget
/// are gone already.
pub async fn replay(prober: &Prober, endpoint: &Endpoint, hellos: &[ClientHello], spent: u32) -> Replays {
    let started = Instant::now();
    let deadline = started + prober.options.total_timeout;
    let mut line = Line::new(prober, endpoint, Transcript::new(started), deadline, spent);
    let mut answers = Vec::with_capacity(hellos.len());
    let mut silences = 0;
    let mut end: Option<Why> = None;
    for hello in hellos {
        let answer = match &end {
            Some(why) => Observed::NotTried { why: why.clone() },
            None => match one(&mut line, &hello.spec).await {
                Ok(reaction) => answer(reaction),
                Err(Obstacle::Passing(why)) => Observed::Failed { why },
                Err(Obstacle::Lasting(why)) => {
                    end = Some(why.clone());
                    Observed::NotTried { why }
                }
            },
        };
        silences += u32::from(matches!(&answer, Observed::Failed { why } if why.cause == Cause::Timeout));
        if silences >= SILENCES && end.is_none() {
            let text = "the server left hellos without an answer, so no more were sent";
            end = Some(Why::new(Cause::Timeout, text));
        }
        answers.push(Replay { client: hello.client.clone(), answer });
    }
    Replays { answers, connections: line.connections.saturating_sub(spent) }
}

async fn one(line: &mut Line<'_>, spec: &HelloSpec) -> Result<Reaction, Obstacle> {
    let Some(question) = complete(spec) else {
        let text = "a key share that the client sends cannot be made here";
        return Err(Obstacle::Passing(Why::new(Cause::Unsupported, text)));
    };
    let Opened { stream, permit, transcript } = open(line).await?;
    let Some(hello) = question.spec().map(client_hello) else {
        return Err(Obstacle::Passing(Why::new(Cause::Internal, "there is no hello to send")));
    };
    let largest = line.prober.options.largest_flight;
    let exchange = exchange_flight(stream, &hello, line.step_deadline(), largest).await;
    drop(permit);
    let reaction = match (&exchange.answer, exchange.ended) {
        (Answer::Nothing, Ended::Timeout) => {
            Reaction::Unanswered(Why::new(Cause::Timeout, "the server left the hello without an answer"))
        }
        (Answer::Nothing, Ended::Reset) => {
            line.unwelcome("TLS handshake", "reset");
            Reaction::Unanswered(Why::new(Cause::Closed, "the connection was reset after the hello"))
        }
        _ => Reaction::of(&question, exchange.answer),
    };
    transcript.note(&format!("replayed hello: {}", reaction.describe()));
    Ok(reaction)
}

/// A connection, tried again where the obstacle may pass.
async fn open(line: &mut Line<'_>) -> Result<Opened, Obstacle> {
    let mut last = None;
    for _ in 0..TRIES {
        match line.open().await {
            Ok(opened) => return Ok(opened),
            Err(lasting @ Obstacle::Lasting(_)) => return Err(last.unwrap_or(lasting)),
            Err(passing) => last = Some(passing),
        }
    }
    let none = || Obstacle::Passing(Why::new(Cause::Internal, "no connection was tried"));
    Err(last.unwrap_or_else(none))
}

/// The hello with what differs each time; none if a share cannot be made.
fn complete(spec: &HelloSpec) -> Option<Question> {
    let mut spec = spec.clone();
    spec.random = random();
    spec.session_id = random::<32>().to_vec();
    if let KeyShare::Given(named) = &spec.key_share {
        let wanted: Vec<u16> = named.iter().map(|(group, _)| *group).collect();
        let made = shares::public_values(&wanted);
        if made.len() != wanted.len() {
            return None;
        }
        spec.key_share = KeyShare::Given(made);
    }
    Some(Question::Hello(Box::new(spec)))
}

fn answer(reaction: Reaction) -> Observed<ReplayAnswer> {
    match reaction {
        Reaction::Accepted(flight) => Observed::seen(ReplayAnswer::Chosen {
            version: flight.version,
            suite: suites::suite(u32::from(flight.suite)).name,
            group: group(&flight).map(|code| groups::named(code).name),
        }),
        Reaction::Retry { group, suite } => Observed::seen(ReplayAnswer::Chosen {
            version: TlsVersion::Tls13,
            suite: suites::suite(u32::from(suite)).name,
            group: group.map(|code| groups::named(code).name),
        }),
        Reaction::Refused { alert } => Observed::seen(ReplayAnswer::Refused { alert }),
        Reaction::Unanswered(why) => Observed::Failed { why },
        Reaction::OtherVersion(version) => Observed::failed(
            Cause::Protocol,
            format!("the server chose {} without being offered it", version.label()),
        ),
        Reaction::Ssl2 { .. } | Reaction::Established { .. } | Reaction::Attempted(_) => {
            Observed::failed(Cause::Protocol, "the server answers a hello of TLS in SSLv2")
        }
    }
}

/// The group of the key exchange, where there is one.
fn group(flight: &ServerFlight) -> Option<u16> {
    match &flight.key_exchange {
        Some(KeyExchange::Ecdhe { group, .. }) => Some(*group),
        Some(_) => None,
        None => flight.key_share_group(),
    }
}
