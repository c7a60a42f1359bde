//! Who can connect, with what.

use std::collections::BTreeSet;

use waxseal_model::{
    Report,
    client::{ClientKind, ClientOutcome, ClientView},
};

/// The clients at one or several endpoints where they fare alike.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    /// Ids of the endpoints.
    pub(crate) endpoints: Vec<&'a str>,
    /// Those that do not connect first, then those of which it is not known; mail servers
    /// before clients that submit.
    pub(crate) clients: Vec<&'a ClientView>,
}

/// The clients by endpoint, endpoints that are alike together.
pub(crate) fn tables(report: &Report) -> Vec<Table<'_>> {
    let mut seen = BTreeSet::new();
    let endpoints = report.clients.iter().map(|c| c.endpoint.as_str()).filter(|e| seen.insert(*e));
    let mut tables: Vec<Table<'_>> = Vec::new();
    let known = |id: &&str| report.endpoints.iter().all(|e| e.endpoint.id() != *id || super::has_tls(e));
    for endpoint in endpoints.filter(known) {
        let mut clients: Vec<&ClientView> =
            report.clients.iter().filter(|c| c.endpoint == endpoint).collect();
        clients.sort_by_key(|c| (rank(&c.outcome), c.kind));
        match tables.iter_mut().find(|t| alike(&t.clients, &clients)) {
            Some(table) => table.endpoints.push(endpoint),
            None => tables.push(Table { endpoints: vec![endpoint], clients }),
        }
    }
    tables
}

fn rank(outcome: &ClientOutcome) -> u8 {
    match outcome {
        ClientOutcome::NoConnection { .. } => 0,
        ClientOutcome::Unknown { .. } => 1,
        ClientOutcome::Negotiated { .. } => 2,
    }
}

fn alike(a: &[&ClientView], b: &[&ClientView]) -> bool {
    let key = |c: &&ClientView| (c.client.clone(), c.replayed, c.outcome.clone());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| key(a) == key(b))
}

/// What the kind of client does.
pub(crate) fn kind(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Mta => "mail server",
        ClientKind::Submission => "mail program",
    }
}

/// The group in words: without one there is none, or it is not known.
pub(crate) fn group_word(suite: &str, group: Option<&String>) -> String {
    let ephemeral = !suite.starts_with("TLS_RSA_");
    match group {
        Some(group) => group.clone(),
        None if ephemeral => "not known".to_owned(),
        None => "none".to_owned(),
    }
}

/// Whether the outcome was seen or follows from the lists.
pub(crate) fn basis(view: &ClientView) -> &'static str {
    if view.replayed { "its hello was sent" } else { "worked out from the lists" }
}

/// `12 of 14 connect, 1 does not, 1 is not known.`
pub(crate) fn summary(table: &Table<'_>) -> String {
    let count = |wanted: u8| table.clients.iter().filter(|c| rank(&c.outcome) == wanted).count();
    let (failing, unknown, fine) = (count(0), count(1), count(2));
    let mut parts = vec![format!("{fine} of {} connect", table.clients.len())];
    match failing {
        0 => {}
        1 => parts.push("1 does not".into()),
        n => parts.push(format!("{n} do not")),
    }
    match unknown {
        0 => {}
        1 => parts.push("1 is not known".into()),
        n => parts.push(format!("{n} are not known")),
    }
    format!("{}.", parts.join(", "))
}
