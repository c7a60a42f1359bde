//! Sessions, counted by policy.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use waxseal_judge::delivery::ResultType;
use waxseal_model::policy::{StsMode, StsPolicy};
use waxseal_store::ledger::Ledger;
use waxseal_wire::text::neutralise;

use super::DAY;
use crate::event::{Event, Events, TlsSession};

/// Characters of a reason that are kept.
const MOST_CHARS: usize = 200;

/// A policy as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Policy {
    /// `tlsa`, `sts` or `no-policy-found`.
    pub(super) kind: String,
    /// Its lines, or the TLSA records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) lines: Vec<String>,
    /// The MX patterns that it allows, or the host that the records are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mx: Vec<String>,
}

/// A failure as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) result: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mx: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) helo: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// Counts TLS sessions into the ledger.
pub struct Counter {
    ledger: Ledger,
    /// The author of our own reports.
    own: String,
}

impl std::fmt::Debug for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counter").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Counter {
    /// A counter. `from` is the address that reports by mail come from: what that sends is
    /// not counted.
    pub fn new(ledger: Ledger, from: impl Into<String>) -> Self {
        Self { ledger, own: from.into() }
    }

    fn count(&self, now: i64, session: &TlsSession<'_>) {
        if session.sender.eq_ignore_ascii_case(&self.own) {
            return;
        }
        let day = now.div_euclid(DAY);
        for (policy, failure) in policies(session) {
            // Texts under fixed names: there is nothing that could fail.
            let Ok(policy) = serde_json::to_string(&policy) else { continue };
            let failure = failure.and_then(|result| serde_json::to_string(&of(session, result)).ok());
            self.ledger.note(day, session.domain, &policy, failure.as_deref(), 1);
        }
    }
}

impl Events for Counter {
    fn emit(&self, now: i64, event: &Event<'_>) {
        if let Event::Tls(session) = event {
            self.count(now, session);
        }
    }
}

/// The policies that were in force for a session, and how it failed each of them. A policy
/// that could not be had is one too: that is what its domain has to hear.
fn policies(session: &TlsSession<'_>) -> Vec<(Policy, Option<ResultType>)> {
    let (by_tlsa, by_sts) = session.failure.map_or((None, None), |failure| (failure.tlsa(), failure.sts()));
    let mut found = Vec::new();
    if !session.tlsa.is_empty() || by_tlsa.is_some() {
        let policy =
            Policy { kind: "tlsa".to_owned(), lines: session.tlsa.to_vec(), mx: vec![session.mx.to_owned()] };
        found.push((policy, by_tlsa));
    }
    let in_force = session.sts.filter(|policy| policy.mode != StsMode::None);
    if in_force.is_some() || by_sts.is_some() {
        let policy = Policy {
            kind: "sts".to_owned(),
            lines: in_force.map(lines).unwrap_or_default(),
            mx: in_force.map(|policy| policy.mx.clone()).unwrap_or_default(),
        };
        found.push((policy, by_sts));
    }
    if found.is_empty() {
        found.push((Policy { kind: "no-policy-found".to_owned(), lines: Vec::new(), mx: Vec::new() }, None));
    }
    found
}

/// The lines of a policy, as RFC 8461 section 3.2 has them.
fn lines(policy: &StsPolicy) -> Vec<String> {
    let mut lines = vec!["version: STSv1".to_owned(), format!("mode: {}", policy.mode.word())];
    lines.extend(policy.mx.iter().map(|mx| format!("mx: {mx}")));
    lines.push(format!("max_age: {}", policy.max_age));
    lines
}

fn of(session: &TlsSession<'_>, result: ResultType) -> Failure {
    let reason = neutralise(session.detail.as_bytes(), MOST_CHARS);
    Failure {
        result: result.word().to_owned(),
        from: session.from,
        mx: Some(session.mx.to_owned()),
        helo: session.helo.map(|helo| neutralise(helo.as_bytes(), MOST_CHARS)),
        to: session.to,
        reason: Some(reason).filter(|reason| !reason.is_empty()),
    }
}
