//! Other ports of mail on the same address: whether they show the same certificate, and
//! whether SSLv2 is spoken there. At most two connections to each.

use std::time::Duration;

use tokio::{
    io::AsyncWriteExt,
    time::{Instant, timeout},
};
use waxseal_model::{
    Cause, Endpoint, Observed, TlsStart, Usage,
    audit::{Sibling, SiblingCertificate},
    smtp::Conversation,
};
use waxseal_net::{
    exchange::exchange_flight,
    tls::{TlsConnection, handshake},
    transcript::Transcript,
};
use waxseal_wire::{
    tls::{flight::Answer, ssl2::sslv2_client_hello},
    x509,
};

use crate::{
    endpoint::random,
    open::{Line, Obstacle, Opened},
    options::ProbeOptions,
    prober::Prober,
};

/// Ports of mail between servers and of submission, and how TLS starts there.
const PORTS: [(u16, TlsStart, Usage); 3] = [
    (25, TlsStart::Starttls, Usage::Relay),
    (465, TlsStart::Implicit, Usage::Submission),
    (587, TlsStart::Starttls, Usage::Submission),
];
/// A port that does not answer by then is filtered.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks at the other ports. Returns what was seen and how many connections it took.
pub(crate) async fn siblings(prober: &Prober, endpoint: &Endpoint, sni: Option<&str>) -> (Vec<Sibling>, u32) {
    let step = prober.options.step_timeout.min(PATIENCE);
    let options = ProbeOptions { step_timeout: step, ..prober.options.clone() };
    let prober = Prober { options, ..prober.clone() };
    let mut seen = Vec::new();
    let mut connections = 0;
    for (port, tls, usage) in PORTS.into_iter().filter(|(port, ..)| *port != endpoint.port) {
        let other = Endpoint { port, tls, usage, connected_to: None, ..endpoint.clone() };
        let started = Instant::now();
        let mut line =
            Line::new(&prober, &other, Transcript::new(started), started + prober.options.total_timeout, 0);
        let certificate = certificate(&mut line, sni).await;
        let ssl2 = match &certificate {
            Observed::Seen { value: None } => Observed::not_tried(Cause::NotApplicable, "the port is closed"),
            Observed::NotTried { why } | Observed::Failed { why } if line.smtp == Conversation::default() => {
                Observed::NotTried { why: why.clone() }
            }
            _ => ssl2(&mut line).await,
        };
        connections += line.connections;
        seen.push(Sibling { port, tls, certificate, ssl2 });
    }
    (seen, connections)
}

async fn certificate(line: &mut Line<'_>, sni: Option<&str>) -> Observed<Option<SiblingCertificate>> {
    let Opened { stream, permit, .. } = match line.open().await {
        Ok(opened) => opened,
        Err(obstacle) if obstacle.why().cause == Cause::Refused => return Observed::seen(None),
        Err(obstacle) => return Observed::Failed { why: obstacle.why().clone() },
    };
    let result = handshake(stream, sni, line.step_deadline()).await;
    drop(permit);
    let chain = match result {
        Ok(TlsConnection { mut stream, chain, .. }) => {
            let _ = timeout(line.prober.options.leave(), stream.shutdown()).await;
            chain
        }
        Err(failure) if failure.chain.is_empty() => return Observed::Failed { why: failure.why() },
        Err(failure) => failure.chain,
    };
    match chain.first().map(|leaf| x509::facts(leaf)) {
        None => Observed::seen(None),
        Some(Err(error)) => {
            Observed::failed(Cause::Protocol, format!("the certificate cannot be read: {error}"))
        }
        Some(Ok(facts)) => Observed::seen(Some(SiblingCertificate {
            leaf_sha256: facts.sha256,
            spki_sha256: facts.spki_sha256,
            is_rsa: facts.key.algorithm == "RSA",
        })),
    }
}

async fn ssl2(line: &mut Line<'_>) -> Observed<bool> {
    let opened: Result<Opened, Obstacle> = line.open().await;
    let Opened { stream, permit, .. } = match opened {
        Ok(opened) => opened,
        Err(obstacle) => return Observed::Failed { why: obstacle.why().clone() },
    };
    let hello = sslv2_client_hello(random());
    let exchange =
        exchange_flight(stream, &hello, line.step_deadline(), line.prober.options.largest_flight).await;
    drop(permit);
    match exchange.answer {
        Answer::Ssl2(_) => Observed::seen(true),
        Answer::Alert { .. } | Answer::Ssl2Error(_) => Observed::seen(false),
        // A close without a word is how most servers refuse a hello of this form.
        Answer::Nothing if exchange.ended == waxseal_net::exchange::Ended::PeerClosed => {
            Observed::seen(false)
        }
        Answer::Nothing => Observed::failed(Cause::Timeout, "the SSLv2 hello was left without an answer"),
        _ => Observed::failed(Cause::Protocol, "the answer to the SSLv2 hello makes no sense"),
    }
}
