//! How a client's handshake with an endpoint ends.

use waxseal_model::{
    Cause, EndpointEvidence, Evidence,
    audit::ReplayAnswer,
    client::{ClientKind, ClientOutcome, ClientView},
    tls::TlsVersion,
};
use waxseal_wire::tls::{
    alert::alert_name,
    suites::{self, KeyExchange},
};

use super::{
    group,
    offer::{self, Offer},
    profile::Client,
    server::Server,
    suite::{self, Stop},
};
use crate::state;

/// Every client at every endpoint that an audit looked at, as far as it has business there.
pub fn views(evidence: &Evidence) -> Vec<ClientView> {
    let mut views = Vec::new();
    for endpoint in &evidence.endpoints {
        let Some(server) = Server::of(endpoint) else { continue };
        let clients = super::all().iter().filter(|c| applies(c.kind, endpoint.endpoint.port));
        views.extend(clients.map(|client| view(client, endpoint, &server)));
    }
    views
}

/// Whether clients of a kind have business at a port, by the rules of mail: mail servers at
/// 25, people at 465, 587 and 2525, both at any other.
pub fn applies(kind: ClientKind, port: u16) -> bool {
    match port {
        25 => kind == ClientKind::Mta,
        465 | 587 | 2525 => kind == ClientKind::Submission,
        _ => true,
    }
}

fn view(client: &Client, endpoint: &EndpointEvidence, server: &Server<'_>) -> ClientView {
    let (outcome, replayed) = match replay(client, server) {
        Some(outcome) => (outcome, true),
        None => (predicted(client, endpoint, server), false),
    };
    ClientView {
        client: client.id.clone(),
        name: client.name.clone(),
        kind: client.kind,
        endpoint: endpoint.endpoint.id(),
        replayed,
        outcome,
    }
}

/// The outcome by the lists.
pub(super) fn predicted(client: &Client, endpoint: &EndpointEvidence, server: &Server<'_>) -> ClientOutcome {
    outcome(negotiate(client, endpoint, server))
}

/// What came back to the client's own hello; none where it was not sent.
fn replay(client: &Client, server: &Server<'_>) -> Option<ClientOutcome> {
    let replay = server.audit.replays.iter().find(|r| r.client == client.id)?;
    Some(match replay.answer.get()? {
        ReplayAnswer::Refused { .. } if server.demands_certificate() => outcome(Err(no_certificate())),
        ReplayAnswer::Refused { alert } => {
            let how = alert.map_or_else(
                || "closed without an alert".to_owned(),
                |a| format!("alert {a} {}", alert_name(a)),
            );
            ClientOutcome::NoConnection { why: format!("the server refuses its hello: {how}") }
        }
        ReplayAnswer::Chosen { version, suite, group } => outcome(
            accepted(client, server, *version, offer::suite(suite))
                .map(|()| (*version, suite.clone(), group.clone())),
        ),
    })
}

type Negotiated = (TlsVersion, String, Option<String>);

fn outcome(result: Result<Negotiated, Stop>) -> ClientOutcome {
    match result {
        Ok((version, suite, group)) => ClientOutcome::Negotiated { version, suite, group },
        Err(Stop::None(why)) => ClientOutcome::NoConnection { why },
        Err(Stop::Unknown(why)) => ClientOutcome::Unknown { why },
    }
}

fn negotiate(client: &Client, endpoint: &EndpointEvidence, server: &Server<'_>) -> Result<Negotiated, Stop> {
    if let Err(why) = state::tls_could_be_tried(endpoint) {
        let no_tls = matches!(why.cause, Cause::Prerequisite | Cause::Declined);
        return Err(if no_tls { Stop::None(why.text) } else { Stop::Unknown(why.text) });
    }
    let offer = Offer::of(client);
    let introduced = introduction(client, endpoint, server, &offer);
    if let Err(refused @ Stop::None(_)) = introduced {
        return Err(refused);
    }
    let version = version(&offer, server)?;
    let suite = suite::negotiate(&offer, server, version)?;
    accepted(client, server, version, Some(suite))?;
    // What is not known of the name matters only where the rest would do.
    introduced?;
    let group = group::agreed(&offer, server, version, suite);
    Ok((version, suites::suite(u32::from(suite)).name, group))
}

/// What a server may refuse before it looks at versions and suites.
fn introduction(
    client: &Client,
    endpoint: &EndpointEvidence,
    server: &Server<'_>,
    offer: &Offer,
) -> Result<(), Stop> {
    let names = if endpoint.endpoint.host.is_none() { Some(false) } else { client.hello.sni };
    match (names, server.needs_name()) {
        (Some(true), _) | (_, Ok(false)) => {}
        (Some(false), Ok(true)) => {
            return Err(Stop::None("it does not name the server (SNI), and the server demands that".into()));
        }
        (None, Ok(true)) => {
            return Err(Stop::Unknown("whether it names the server (SNI) is not known".into()));
        }
        (_, Err(why)) => {
            return Err(Stop::Unknown(format!(
                "whether the server demands a name (SNI) is not known: {why}"
            )));
        }
    }
    let limit = server.audit.hello_limit.and_then(|limit| limit.suites).map(usize::from);
    match limit {
        Some(limit) if offer.suites.len() > limit => Err(Stop::None(format!(
            "its hello has {} suites, and the server answers none with more than {limit}",
            offer.suites.len()
        ))),
        _ => Ok(()),
    }
}

/// The newest version that both know.
fn version(offer: &Offer, server: &Server<'_>) -> Result<TlsVersion, Stop> {
    let mut offered = offer.versions.clone();
    offered.sort_unstable();
    for version in offered.iter().rev().copied() {
        match server.accepts(version) {
            Ok(true) => return Ok(version),
            Ok(false) => {}
            Err(why) => {
                let label = version.label();
                return Err(Stop::Unknown(format!("whether the server takes {label} is not known: {why}")));
            }
        }
    }
    let (Some(oldest), Some(newest)) = (offered.first(), offered.last()) else {
        return Err(Stop::Unknown("its versions are not known".into()));
    };
    let of_server: Vec<TlsVersion> =
        TlsVersion::ALL.into_iter().filter(|v| server.accepts(*v) == Ok(true)).collect();
    Err(Stop::None(match (of_server.first(), of_server.last()) {
        (Some(first), _) if first > newest => {
            format!("{} is its newest, the server wants {}", newest.label(), first.label())
        }
        (_, Some(last)) if last < oldest => {
            format!("{} is its oldest, the server has {} at most", oldest.label(), last.label())
        }
        (Some(_), Some(_)) => "no common version".into(),
        _ => "the server takes no version of TLS".into(),
    }))
}

/// What ends a handshake that both sides agreed on: the server's demand, or the client's own
/// limits.
fn accepted(
    client: &Client,
    server: &Server<'_>,
    version: TlsVersion,
    suite: Option<u16>,
) -> Result<(), Stop> {
    if server.demands_certificate() {
        return Err(no_certificate());
    }
    // Up to TLS 1.2 a hello does not tell where it ends.
    let oldest = client.limits.oldest_version.max(client.hello.versions.iter().copied().min());
    if let Some(oldest) = oldest.filter(|oldest| version < *oldest) {
        let (oldest, chosen) = (oldest.label(), version.label());
        return Err(Stop::None(format!("it gives up below {oldest}, and the server chooses {chosen}")));
    }
    let is_dhe = version < TlsVersion::Tls13
        && suite.is_some_and(|c| suites::key_exchange(u32::from(c)) == Some(KeyExchange::Dhe));
    match (client.limits.dh_bits, server.dh_bits()) {
        (Some(least), Some(bits)) if is_dhe && bits < least => Err(Stop::None(format!(
            "the server chooses Diffie-Hellman with a prime of {bits} bits, it takes {least} at least"
        ))),
        _ => Ok(()),
    }
}

fn no_certificate() -> Stop {
    Stop::None("the server demands a certificate from its clients".into())
}
