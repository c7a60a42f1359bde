//! One attack after the server's first flight, on a connection that a hello was sent on
//! anyway.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_model::tls::TlsVersion;
use waxseal_wire::tls::{
    flight::{Answer, Parts, ServerFlight},
    hello::HelloSpec,
    private::{
        Entropy, Reply,
        early_ccs::{self, Question},
        robot::{self, Block, Flow},
    },
    suites::{self, KeyExchange},
};

use super::line::Line;
use crate::exchange::{Ended, Exchange, leave};

/// What to do once the server's flight is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Take leave.
    Leave,
    /// If the server chose RSA key exchange: one block of ROBOT.
    Robot {
        /// The kind of block.
        block: Block,
        /// What follows it.
        flow: Flow,
        /// Random bytes that were never used before.
        seed: [u8; 32],
    },
    /// Up to TLS 1.2: ChangeCipherSpec before the keys are agreed.
    EarlyCcs(Question),
}

/// Sends the hello of `spec` and reads the server's flight as
/// [`crate::exchange::exchange_flight`] does. If the flight is one that the attack can be
/// put to, it is, and the reply to it comes back as well; otherwise leave is taken and there
/// is none.
pub async fn exchange_then<S>(
    stream: S,
    hello: &[u8],
    spec: &HelloSpec,
    deadline: Instant,
    max_bytes: usize,
    then: Then,
) -> (Exchange, Option<Reply>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = Line::new(stream, deadline, max_bytes);
    let (Parts { answer, rest, .. }, ended) = line.ask(hello).await;
    let attack = match &answer {
        Answer::Hello(flight) if ended == Ended::Complete => bytes(then, flight, spec.max_version),
        _ => None,
    };
    let reply = match attack {
        Some(bytes) => {
            let reply = line.attack(&bytes, &rest).await;
            line.leave(&[]).await;
            Some(reply)
        }
        None => {
            line.leave(&leave(&answer, ended)).await;
            None
        }
    };
    (Exchange { answer, ended }, reply)
}

/// The bytes of the attack, if it can be put to a server with this flight.
fn bytes(then: Then, flight: &ServerFlight, offered: TlsVersion) -> Option<Vec<u8>> {
    let waits_for_keys =
        flight.done && !flight.resumed && flight.alert.is_none() && flight.version <= TlsVersion::Tls12;
    if !waits_for_keys {
        return None;
    }
    match then {
        Then::Leave => None,
        Then::Robot { block, flow, seed } => {
            let is_rsa = suites::key_exchange(u32::from(flight.suite)) == Some(KeyExchange::Rsa);
            let mut entropy = Entropy::new(seed);
            is_rsa.then(|| robot::attack(flight, offered, block, flow, &mut entropy).ok())?
        }
        Then::EarlyCcs(question) => Some(early_ccs::attack(question, flight.version)),
    }
}
