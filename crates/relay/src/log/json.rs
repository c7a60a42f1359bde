//! One JSON object a line. The names are published in `docs/relay-log.md`: new ones may come,
//! none changes its meaning.

use std::{fmt::Display, net::IpAddr};

use waxseal_judge::delivery::ResultType;
use waxseal_store::spool::{Attempt, Envelope, State};

use super::line::{Line, moment};
use crate::event::{Event, Severity, TlsSession};

/// Writes an event.
pub(super) fn write(line: &mut Line, event: &Event<'_>) {
    line.raw("{\"time\":\"").stamp().raw("\"");
    match event {
        Event::Accepted { id, envelope, recipients, size } => {
            accepted(line, envelope, *id, *recipients, *size);
        }
        Event::Refused { client, stage, reply } => {
            kind(line, "refused");
            address(line, "client", *client);
            text(line, "stage", stage);
            text(line, "reply", reply);
        }
        Event::Attempted { id, sender, recipient, state, next_at, attempt, age } => {
            kind(line, "attempted");
            plain(line, "message", id);
            text(line, "sender", sender);
            text(line, "recipient", recipient);
            text(line, "state", state.word());
            number(line, "age", age);
            if let Some(at) = next_at.filter(|_| *state == State::Queued) {
                text(line, "next_at", &moment(at));
            }
            attempted(line, attempt);
        }
        Event::Tls(session) => tls(line, session),
        Event::Mended { site, domain, reason, after, recipients } => {
            kind(line, "mended");
            text(line, "site", site);
            text(line, "domain", domain);
            text(line, "reason", reason);
            number(line, "after", after);
            number(line, "recipients", recipients);
        }
        Event::Watching { site, domain, reason } => {
            kind(line, "watching");
            text(line, "site", site);
            text(line, "domain", domain);
            text(line, "reason", reason);
        }
        Event::Note { severity, token, text: words } => {
            kind(line, "note");
            text(line, "severity", severity_word(*severity));
            text(line, "token", token);
            text(line, "text", words);
        }
    }
    line.raw("}");
}

/// The word of a severity.
pub(super) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn accepted(line: &mut Line, envelope: &Envelope, id: impl Display, recipients: usize, size: u64) {
    kind(line, "accepted");
    plain(line, "message", id);
    let arrival = &envelope.arrival;
    known(line, "trace", &arrival.trace);
    text(line, "sender", &envelope.sender);
    number(line, "recipients", recipients);
    number(line, "size", size);
    address(line, "client", arrival.client);
    known(line, "helo", &arrival.helo);
    known(line, "user", arrival.user.as_deref().unwrap_or_default());
    known(line, "protocol", &arrival.protocol);
    set(line, "require_tls", envelope.require_tls);
    set(line, "tls_required_no", envelope.tls_required_no);
    set(line, "smtputf8", envelope.smtputf8);
}

fn attempted(line: &mut Line, attempt: &Attempt) {
    known(line, "reason", attempt.reason.as_deref().unwrap_or_default());
    text(line, "reply", &attempt.reply);
    set(line, "ours", attempt.ours);
    if let Some(met) = &attempt.met {
        known(line, "last_reason", met.reason.as_deref().unwrap_or_default());
        text(line, "last_reply", &met.reply);
    }
    known(line, "host", attempt.host.as_deref().unwrap_or_default());
    address(line, "address", attempt.address);
    known(line, "site", &attempt.site);
    known(line, "channel", &attempt.channel);
    known(line, "policy", &attempt.policy);
    set(line, "maybe_delivered", attempt.maybe_delivered);
}

fn tls(line: &mut Line, session: &TlsSession<'_>) {
    kind(line, "tls");
    text(line, "domain", session.domain);
    text(line, "mx", session.mx);
    known(line, "helo", session.helo.unwrap_or_default());
    address(line, "from", session.from);
    address(line, "to", session.to);
    if let Some(policy) = session.sts {
        text(line, "sts", policy.mode.word());
    }
    if !session.tlsa.is_empty() {
        number(line, "tlsa_records", session.tlsa.len());
    }
    if let Some(failure) = session.failure {
        known(line, "tlsa_failure", failure.tlsa().map_or("", ResultType::word));
        known(line, "sts_failure", failure.sts().map_or("", ResultType::word));
    }
    known(line, "detail", session.detail);
    known(line, "channel", session.channel);
}

fn name(line: &mut Line, name: &str) {
    line.raw(",\"").raw(name).raw("\":");
}

fn kind(line: &mut Line, kind: &str) {
    text(line, "event", kind);
}

fn text(line: &mut Line, field: &str, value: &str) {
    name(line, field);
    line.quoted(value);
}

/// A text that stands there only if it is not empty.
fn known(line: &mut Line, field: &str, value: &str) {
    if !value.is_empty() {
        text(line, field, value);
    }
}

fn number(line: &mut Line, field: &str, value: impl Display) {
    name(line, field);
    line.show(value);
}

/// A text that holds nothing to be escaped.
fn plain(line: &mut Line, field: &str, value: impl Display) {
    name(line, field);
    line.raw("\"").show(value).raw("\"");
}

fn address(line: &mut Line, field: &str, value: Option<IpAddr>) {
    if let Some(value) = value {
        plain(line, field, value);
    }
}

/// A mark that stands there only if it is set.
fn set(line: &mut Line, field: &str, value: bool) {
    if value {
        name(line, field);
        line.raw("true");
    }
}
