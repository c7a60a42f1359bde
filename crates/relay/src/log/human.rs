//! One line for people: `… 4f1c9a to=<bob@partner.example> deferred tls.not_advertised
//! (451 4.7.6 …) mx=mx.partner.example[192.0.2.25] next=09:42`.

use waxseal_store::spool::{Attempt, State};

use super::{
    json::severity_word,
    line::{Line, moment},
};
use crate::event::{Event, TlsSession};

/// Writes an event; false if it is none for people: a TLS session that met its policies.
pub(super) fn write(line: &mut Line, event: &Event<'_>) -> bool {
    if matches!(event, Event::Tls(session) if session.failure.is_none()) {
        return false;
    }
    line.stamp().raw(" ");
    match event {
        Event::Accepted { id, envelope, recipients, size } => {
            line.show(id).raw(" accepted from=<").safe(&envelope.sender).raw("> size=").show(size);
            line.raw(" recipients=").show(recipients);
            let arrival = &envelope.arrival;
            if let Some(client) = arrival.client {
                line.raw(" client=").show(client);
            }
            given(line, " helo=", &arrival.helo);
            given(line, " user=", arrival.user.as_deref().unwrap_or_default());
            given(line, " by=", &arrival.protocol);
            given(line, " trace=", &arrival.trace);
        }
        Event::Refused { client, stage, reply } => {
            line.raw("refused at ").raw(stage);
            if let Some(client) = client {
                line.raw(" client=").show(client);
            }
            line.raw(" (").safe(reply).raw(")");
        }
        Event::Attempted { id, sender, recipient, state, next_at, attempt, age } => {
            line.show(id).raw(" from=<").safe(sender).raw("> to=<").safe(recipient).raw("> ");
            line.raw(word(*state));
            attempted(line, attempt);
            line.raw(" age=").raw(&span(*age));
            if let Some(at) = next_at.filter(|_| *state == State::Queued) {
                let next = next(line.now, at);
                line.raw(" next=").raw(&next);
            }
        }
        Event::Tls(session) => tls(line, session),
        Event::Mended { site, domain, reason, after, recipients } => {
            line.raw("mended site=").safe(site).raw(" domain=").safe(domain).raw(": good again after ");
            line.raw(&span(*after))
                .raw(" of ")
                .safe(reason)
                .raw(", ")
                .show(recipients)
                .raw(" recipients released");
        }
        Event::Watching { site, domain, reason } => {
            line.raw("watching site=").safe(site).raw(" domain=").safe(domain).raw(" for ").safe(reason);
        }
        Event::Note { severity, token, text } => {
            line.raw(severity_word(*severity)).raw(" ").raw(token).raw(": ").safe(text);
        }
    }
    true
}

/// What became of a recipient, in a word.
fn word(state: State) -> &'static str {
    match state {
        State::Queued => "deferred",
        other => other.word(),
    }
}

fn attempted(line: &mut Line, attempt: &Attempt) {
    given(line, " ", attempt.reason.as_deref().unwrap_or_default());
    if attempt.maybe_delivered {
        line.raw(" (may have been delivered)");
    }
    if !attempt.reply.is_empty() {
        line.raw(if attempt.ours { " (ours: " } else { " (" }).safe(&attempt.reply).raw(")");
    }
    if let Some(host) = &attempt.host {
        line.raw(" mx=").safe(host);
        if let Some(address) = attempt.address {
            line.raw("[").show(address).raw("]");
        }
    }
    if !attempt.channel.is_empty() {
        line.raw(" channel=").quoted(&attempt.channel);
    }
    if !attempt.policy.is_empty() && attempt.reason.is_some() {
        line.raw(" policy=").quoted(&attempt.policy);
    }
}

fn tls(line: &mut Line, session: &TlsSession<'_>) {
    line.raw("tls domain=").safe(session.domain).raw(" mx=").safe(session.mx);
    if let Some(address) = session.to {
        line.raw("[").show(address).raw("]");
    }
    let failure = session.failure;
    let failures = [(" dane=", failure.and_then(|f| f.tlsa())), (" mta-sts=", failure.and_then(|f| f.sts()))];
    for (name, failure) in failures {
        given(line, name, failure.map_or("", |f| f.word()));
    }
    if !session.detail.is_empty() {
        line.raw(" (").safe(session.detail).raw(")");
    }
}

fn given(line: &mut Line, name: &str, value: &str) {
    if !value.is_empty() {
        line.raw(name).safe(value);
    }
}

/// `42s`, `12m`, `5h`, `7d`.
fn span(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s}s"),
        s if s < 2 * 3600 => format!("{}m", s / 60),
        s if s < 2 * 86_400 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

/// The time of day, with the day where it is another one.
fn next(now: i64, at: i64) -> String {
    let (now, at) = (moment(now), moment(at));
    let (day, time) = at.split_once('T').unwrap_or((&at, ""));
    let time = time.get(..5).unwrap_or_default();
    if now.starts_with(day) { format!("{time}Z") } else { format!("{day}T{time}Z") }
}
