//! What the lists of an audit say about clients, beside what real servers on loopback answer
//! to the clients' own hellos: both must agree for every client. Where a server cannot be
//! started, its test says so loudly and is skipped.

#![allow(
    clippy::print_stderr,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use waxseal_judge::clients;
use waxseal_model::{
    Cause, Endpoint, EndpointEvidence, Evidence, TlsStart, Usage, Why,
    client::{ClientOutcome, ClientView},
    evidence::Cost,
};
use waxseal_net::{
    egress::{Egress, EgressRules},
    pacing::Pacer,
};
use waxseal_peers::{
    Exim, PeerError, Postfix, TlsServer,
    certificate::{self, Key},
};
use waxseal_probe::{
    ProbeOptions, Prober,
    options::{AUDIT_BUDGET, AuditOptions},
    probe_endpoint, replay,
    replay::ClientHello,
};

/// TLS servers that are no mail servers never greet: each audit waits once for so long.
const STEP: Duration = Duration::from_secs(8);

/// The server, or a loud word about why there is none.
fn started<T>(server: Result<T, PeerError>) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(PeerError::Unavailable(why)) => {
            eprintln!("SKIPPED: {why}; this test has tested nothing");
            None
        }
        Err(PeerError::Failed(why)) => panic!("{why}"),
    }
}

fn openssl(key: Key, arguments: &[&str]) -> Option<TlsServer> {
    let options = certificate::Options { key, ..certificate::Options::default() };
    started(TlsServer::openssl(&options, arguments))
}

fn prober() -> Prober {
    Prober {
        egress: Egress::new(EgressRules::default()),
        pacer: Pacer::default(),
        roots: Err(Why::new(Cause::NotApplicable, "paths are not the matter here")),
        options: ProbeOptions {
            step_timeout: STEP,
            total_timeout: STEP * 30,
            budget: AUDIT_BUDGET * 2,
            tls_start_fixed: true,
            audit: Some(AuditOptions::default()),
            ..ProbeOptions::default()
        },
    }
}

/// The outcomes by client.
type Outcomes = BTreeMap<String, ClientOutcome>;

fn outcomes(views: Vec<ClientView>) -> Outcomes {
    views.into_iter().map(|v| (v.client, v.outcome)).collect()
}

/// Audits a server, and sends it the hello of every client that is known in full. Returns the
/// outcomes by the lists, and those by the answers.
async fn both(address: SocketAddr, tls: TlsStart) -> (Outcomes, Outcomes) {
    let prober = prober();
    let endpoint = Endpoint {
        host: Some("mx.example.com".into()),
        address: address.ip(),
        port: address.port(),
        tls,
        usage: Usage::Relay,
        connected_to: None,
    };
    let probed = probe_endpoint(&prober, endpoint.clone(), None, endpoint.host.clone()).await;
    let hellos: Vec<ClientHello> = clients::all()
        .iter()
        .filter_map(|c| {
            let spec = clients::hello(c, endpoint.host.as_deref()).ok()?;
            Some(ClientHello { client: c.id.clone(), spec })
        })
        .collect();
    assert!(hellos.len() > 35, "{}", hellos.len());
    let mut evidence = evidence(probed);
    let predicted = outcomes(clients::views(&evidence));
    let replays = replay(&prober, &endpoint, &hellos, 0).await;
    assert!(replays.connections as usize >= hellos.len());
    let audit = evidence.endpoints[0].evidence.tls.audit.as_mut().unwrap();
    audit.replays = replays.answers;
    let views = clients::views(&evidence);
    assert!(views.iter().filter(|v| v.replayed).count() == hellos.len(), "{:?}", audit_of(&evidence));
    (predicted, outcomes(views.into_iter().filter(|v| v.replayed).collect()))
}

fn audit_of(evidence: &Evidence) -> &[waxseal_model::audit::Replay] {
    evidence.endpoints[0].evidence.tls.audit.as_deref().map(|a| a.replays.as_slice()).unwrap_or_default()
}

fn evidence(endpoint: EndpointEvidence) -> Evidence {
    let target =
        waxseal_model::Target::Address { address: endpoint.endpoint.address, port: endpoint.endpoint.port };
    Evidence {
        schema_version: waxseal_model::SCHEMA_VERSION,
        waxseal_version: "0".into(),
        target,
        started_at: 0,
        domain: None,
        host_addresses: Vec::new(),
        endpoints: vec![endpoint],
        no_endpoint: None,
        cost: Cost::default(),
    }
}

/// Whether the two say the same. The lists may leave the group open. A client's own limits
/// show in both; what the server refuses is told in other words.
fn agree(predicted: &ClientOutcome, replayed: &ClientOutcome) -> bool {
    match (predicted, replayed) {
        (
            ClientOutcome::Negotiated { version, suite, group },
            ClientOutcome::Negotiated { version: v, suite: s, group: g },
        ) => version == v && suite == s && (group.is_none() || group == g),
        (ClientOutcome::NoConnection { .. }, ClientOutcome::NoConnection { .. }) => true,
        _ => false,
    }
}

/// Demands that all agree, and that so many clients at least come to a connection and fail.
/// What the lists cannot tell must be one of the reasons in `open`.
async fn demand(address: SocketAddr, tls: TlsStart, [connected, refused]: [usize; 2], open: &[&str]) {
    let (predicted, replayed) = both(address, tls).await;
    let mut wrong = Vec::new();
    for (client, by_answer) in &replayed {
        let by_lists = &predicted[client];
        let explained = |why: &String| open.iter().any(|reason| why.starts_with(reason));
        if matches!(by_lists, ClientOutcome::Unknown { why } if explained(why)) {
            continue;
        }
        if !agree(by_lists, by_answer) {
            wrong.push(format!("{client}: lists say {by_lists:?}\n    answer says {by_answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let count = |f: fn(&ClientOutcome) -> bool| replayed.values().filter(|o| f(o)).count();
    let (got, lost) = (
        count(|o| matches!(o, ClientOutcome::Negotiated { .. })),
        count(|o| matches!(o, ClientOutcome::NoConnection { .. })),
    );
    eprintln!("{got} connections, {lost} refusals");
    assert!(got >= connected && lost >= refused, "{got} connections, {lost} refusals: {replayed:#?}");
}

#[tokio::test]
async fn openssl_with_the_clients_order() {
    let Some(server) = openssl(Key::Rsa, &[]) else { return };
    demand(server.address(), TlsStart::Implicit, [35, 0], &[]).await;
}

#[tokio::test]
async fn openssl_with_its_own_order_and_chacha_for_those_who_ask() {
    let suites = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:AES256-GCM-SHA384:@SECLEVEL=0";
    let arguments = ["-serverpref", "-prioritize_chacha", "-cipher", suites];
    let Some(server) = openssl(Key::Rsa, &arguments) else { return };
    demand(server.address(), TlsStart::Implicit, [30, 0], &[]).await;
}

#[tokio::test]
async fn openssl_with_an_ecdsa_certificate_and_one_curve() {
    let Some(server) = openssl(Key::Ecdsa, &["-curves", "P-384:P-256", "-serverpref"]) else { return };
    demand(server.address(), TlsStart::Implicit, [30, 0], &[]).await;
}

#[tokio::test]
async fn openssl_with_tls13_alone_and_a_group_that_needs_a_second_hello() {
    let Some(server) = openssl(Key::Rsa, &["-tls1_3", "-curves", "P-384"]) else { return };
    // Whether a name is demanded is asked up to TLS 1.2 alone.
    let open = ["whether the server demands a name (SNI) is not known"];
    demand(server.address(), TlsStart::Implicit, [30, 3], &open).await;
}

#[tokio::test]
async fn openssl_with_rsa_key_exchange_alone() {
    let Some(server) = openssl(Key::Rsa, &["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"]) else { return };
    demand(server.address(), TlsStart::Implicit, [20, 2], &[]).await;
}

#[tokio::test]
async fn openssl_with_finite_field_diffie_hellman_alone() {
    let suites = "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-SHA:@SECLEVEL=0";
    let Some(server) = openssl(Key::Rsa, &["-tls1_2", "-cipher", suites]) else { return };
    demand(server.address(), TlsStart::Implicit, [15, 5], &[]).await;
}

#[tokio::test]
async fn openssl_with_one_signature_algorithm() {
    let Some(server) = openssl(Key::Rsa, &["-tls1_2", "-sigalgs", "RSA-PSS+SHA512"]) else { return };
    // Clients without PSS: OpenSSL refuses them, GnuTLS would take RSA key exchange.
    let open = ["no signature algorithm is common; without a signature"];
    demand(server.address(), TlsStart::Implicit, [20, 3], &open).await;
}

#[tokio::test]
async fn openssl_with_tls10_alone() {
    let Some(server) = openssl(Key::Rsa, &["-tls1", "-cipher", "ALL:@SECLEVEL=0"]) else { return };
    demand(server.address(), TlsStart::Implicit, [5, 10], &[]).await;
}

#[tokio::test]
async fn postfix_as_it_comes() {
    let Some(server) = started(Postfix::start(&waxseal_peers::postfix::Options::default())) else { return };
    demand(server.address(), TlsStart::Starttls, [35, 0], &[]).await;
}

#[tokio::test]
async fn exim_with_gnutls() {
    let Some(server) = started(Exim::start(&waxseal_peers::exim::Options::default())) else { return };
    demand(server.address(), TlsStart::Starttls, [35, 0], &[]).await;
}
