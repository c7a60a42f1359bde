//! Does the server greet, and answer EHLO? What it says later takes a delivery attempt.

use waxseal_model::{Confirmation, mail::Stage};

use super::{
    Run,
    faults::of_welcome,
    notes::Notes,
    recipient,
    servers::{self, ONE, host_of},
    weigh::{Place, Question, State, weigh},
};

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let places: Vec<Place> = servers::look(run, &found.aims, ONE)
        .await
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
    if fine && !faulty && is_later(run) {
        return later(run, notes, &places).await;
    }
    let question = Question {
        accepts: accepts(run.cause),
        refuted: "the server greets and answers now at every address that answered: what kept it from it is over, so \
                  send the message again",
        named: run.diagnosis.event.remote_address,
    };
    weigh(notes, &places, &question)
}

fn accepts(cause: &str) -> &'static [&'static str] {
    match cause {
        "connection_lost" => &["connection_lost", "remote_not_accepting"],
        "wrong_host" => &["wrong_host"],
        "too_many_connections" => &["remote_not_accepting"],
        // Every attempt failed: whatever still keeps the server from answering confirms it.
        "expired" | "delayed" => {
            &["connect_failed", "connection_refused", "connection_lost", "remote_not_accepting", "wrong_host"]
        }
        _ => &["remote_not_accepting", "connection_lost", "connect_failed", "connection_refused"],
    }
}

/// True if the failure came after EHLO, or depends on how much is sent.
fn is_later(run: &Run<'_>) -> bool {
    let stage = run.diagnosis.event.stage;
    run.cause == "too_many_connections" || stage.is_some_and(|s| s >= Stage::Auth && s != Stage::Quit)
}

async fn later(run: &Run<'_>, mut notes: Notes, places: &[Place]) -> Confirmation {
    if run.cause == "too_many_connections" {
        note(&mut notes, places);
        return notes.untested(
            "it depends on how many connections come from the sender's address at a time, and the server takes one \
             from here: lower the number (Postfix: smtp_destination_concurrency_limit)",
        );
    }
    let stage = run.diagnosis.event.stage.map_or("a later step", Stage::label);
    let reaches_stage = run.diagnosis.event.stage.is_some_and(|s| s <= Stage::Rcpt);
    if run.given.recipient_test.is_some() && reaches_stage {
        return recipient::confirm(run, notes).await;
    }
    note(&mut notes, places);
    if reaches_stage {
        notes.next("waxseal diagnose TEXT --rcpt");
    }
    notes.untested(format!(
        "the refusal came at {stage}, and only a delivery attempt gets that far; until there the server answers as it \
         should"
    ))
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
