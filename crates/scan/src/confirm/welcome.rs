//! Does the server greet, and answer EHLO? What it says later takes a delivery attempt.

use waxseal_model::{Confirmation, TlsStart, mail::Stage};

use super::{
    Run,
    faults::of_welcome,
    notes::Notes,
    recipient,
    servers::{self, ONE, host_of},
    starttls,
    weigh::{Place, Question, State, weigh},
};

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let stage = run.diagnosis.event.stage;
    if run.given.recipient_test.is_some()
        && run.subject.recipient.is_some()
        && matches!(stage, Some(Stage::Mail | Stage::Rcpt))
    {
        return recipient::confirm(run, notes).await;
    }
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    if run.cause == "connection_lost" && matches!(stage, Some(Stage::Starttls | Stage::Tls)) {
        return at_tls(run, notes, &found.aims).await;
    }
    let seen = servers::look(run, &found.aims, ONE).await;
    let places: Vec<Place> = seen
        .iter()
        .map(|seen| Place {
            at: seen.endpoint.id(),
            host: host_of(&seen.endpoint),
            address: Some(seen.endpoint.address),
            state: match of_welcome(seen) {
                Ok(Some(fault)) => State::Faults(vec![fault]),
                Ok(None) => State::Fine("it greets, and answers EHLO".to_owned()),
                Err(why) => State::Unknown(why.text),
            },
        })
        .collect();
    let fine = places.iter().any(|p| matches!(p.state, State::Fine(_)));
    let faulty = places.iter().any(|p| matches!(p.state, State::Faults(_)));
    let implicit = seen.iter().find(|s| s.endpoint.tls == TlsStart::Implicit);
    match implicit {
        Some(seen) if fine && !faulty && stage == Some(Stage::Greeting) => {
            note(&mut notes, &places);
            let port = seen.endpoint.port;
            return notes.rather(
                "wrong_encryption_type",
                format!(
                    "port {port} begins with TLS at once, so that a sender who waits for a greeting in clear waits in \
                     vain: set SSL/TLS (Postfix: smtp_tls_wrappermode = yes), or use STARTTLS on 587"
                ),
            );
        }
        _ => {}
    }
    if fine && !faulty && !shows_early(run) {
        return later(run, notes, &places);
    }
    let question = Question {
        accepts: accepts(run.cause),
        refuted: "the server greets and answers EHLO now at every address that answered: what kept it from it is over, \
                  so send the message again",
        named: run.diagnosis.event.remote_address,
    };
    weigh(notes, &places, &question)
}

fn accepts(cause: &str) -> &'static [&'static str] {
    match cause {
        "connection_lost" => &["connection_lost", "remote_not_accepting", "connect_failed"],
        "connect_failed" | "connection_refused" | "port_blocked" => {
            &["connect_failed", "connection_lost", "connection_refused"]
        }
        "wrong_host" => &["wrong_host"],
        "too_many_connections" => &["remote_not_accepting"],
        // Every attempt failed: whatever still keeps the server from answering confirms it.
        "expired" | "delayed" => {
            &["connect_failed", "connection_refused", "connection_lost", "remote_not_accepting", "wrong_host"]
        }
        _ => &["remote_not_accepting", "connection_lost", "connect_failed", "connection_refused"],
    }
}

/// True if a server that greets and answers EHLO does not show the fault: it came by then,
/// and does not depend on how much is sent.
fn shows_early(run: &Run<'_>) -> bool {
    match run.cause {
        // A server may refuse the sender's address and not ours.
        "too_many_connections" | "expired" | "delayed" | "policy_rejected" => false,
        "wrong_host" => true,
        "connect_failed" | "connection_refused" | "port_blocked" => true,
        _ => run.diagnosis.event.stage.is_some_and(|s| s <= Stage::Ehlo),
    }
}

/// The connection broke during the handshake.
async fn at_tls(run: &Run<'_>, notes: Notes, aims: &[servers::Aim]) -> Confirmation {
    let places = starttls::look(run, aims).await;
    let question = Question {
        accepts: &["connection_lost", "tls_handshake", "tls_unavailable", "tls_version"],
        refuted: "a handshake comes about now at every address that answered",
        named: run.diagnosis.event.remote_address,
    };
    weigh(notes, &places, &question)
}

/// The server answers as it should as far as anybody may go without a message.
fn later(run: &Run<'_>, mut notes: Notes, places: &[Place]) -> Confirmation {
    note(&mut notes, places);
    let stage = run.diagnosis.event.stage;
    match run.cause {
        "too_many_connections" => notes.untested(
            "it depends on how many connections come from the sender's address at a time, and the server takes one \
             from here: lower the number (Postfix: smtp_destination_concurrency_limit)",
        ),
        "expired" | "delayed" => notes.untested(
            "the server can be reached and answers EHLO now, and why earlier attempts failed stands in earlier lines of \
             the log: give those, or send the message again",
        ),
        _ => {
            if stage.is_none_or(|s| s <= Stage::Rcpt) {
                notes.next("waxseal diagnose TEXT --rcpt");
            }
            let when = match stage {
                Some(stage) => format!("the refusal came at {}", stage.label()),
                None => "the text does not say at which step the refusal came".to_owned(),
            };
            notes.untested(format!(
                "{when}, and only a delivery attempt gets beyond EHLO; until there the server answers as it should"
            ))
        }
    }
}

fn note(notes: &mut Notes, places: &[Place]) {
    for place in places {
        match &place.state {
            State::Fine(said) => notes.aside(&place.at, said),
            State::Unknown(why) => notes.failed(&place.at, why),
            State::Faults(_) => {}
        }
    }
}
