//! Attempts against scripted servers: recipients, hosts, extensions, connections used again.

mod extensions;
mod hosts;
mod recipients;
mod reuse;

use waxseal_judge::delivery::OperatorLevel;

use super::*;
use crate::delivery::conversation::testing::{
    Act, Heard, MX, Pki, Script, Server, deliverer, hop, job, recipient, route, settings,
};

/// A deliverer and a route to servers that follow these scripts, in clear, one host each.
async fn to(scripts: Vec<Script>) -> (Deliverer, Route, Vec<Server>) {
    to_with(settings(), scripts).await
}

async fn to_with(settings: DeliverySettings, scripts: Vec<Script>) -> (Deliverer, Route, Vec<Server>) {
    let (deliverer, _) = deliverer(settings, &Pki::new());
    let (mut hops, mut servers) = (Vec::new(), Vec::new());
    for (number, script) in scripts.into_iter().enumerate() {
        let server = Server::start(vec![script]).await;
        hops.push(hop(&format!("mx{number}.partner.example"), server.port, OperatorLevel::May));
        servers.push(server);
    }
    (deliverer, route(hops), servers)
}

/// The ends and reasons of a report, in the order of the recipients.
fn ends(report: &Report) -> Vec<(End, &'static str)> {
    report.verdicts.iter().map(|(_, verdict)| (verdict.end, verdict.reason.unwrap_or_default())).collect()
}

/// What a server was told, without what belongs to the connection.
fn told(server: &Server) -> Vec<String> {
    let lines = server.heard().iter().flat_map(Heard::lines).collect::<Vec<_>>();
    let skipped = ["EHLO", "QUIT", "Received", "Subject"];
    lines.into_iter().filter(|line| !skipped.iter().any(|word| line.starts_with(word))).collect()
}

const DELIVERED: (End, &str) = (End::Delivered, "");
