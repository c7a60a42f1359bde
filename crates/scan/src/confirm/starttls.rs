//! Is STARTTLS offered now, on every address, and does it work?

use waxseal_model::Confirmation;

use super::{
    Run,
    faults::{all_well, of_tls},
    notes::Notes,
    servers::{self, ONE, host_of},
    weigh::{Place, Question, State, weigh},
};

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let places = look(run, &found.aims).await;
    let accepts: &[&str] = match run.cause {
        "starttls_missing" => &["starttls_missing", "tls_interception"],
        "tls_interception" => &["tls_interception"],
        _ => &["tls_unavailable", "starttls_missing", "tls_interception", "tls_handshake"],
    };
    let question = Question {
        accepts,
        refuted: "STARTTLS is offered now and works at every address that answered: it was mended meanwhile, or \
                  something on the path of the sender (a firewall, an antivirus program) takes it away there",
        named: run.diagnosis.event.remote_address,
    };
    advise(&places, &mut notes);
    weigh(notes, &places, &question)
}

/// One connection to each, and what is wrong with TLS there.
pub(super) async fn look(run: &Run<'_>, aims: &[servers::Aim]) -> Vec<Place> {
    let seen = servers::look(run, aims, ONE).await;
    seen.iter()
        .map(|seen| Place {
            at: seen.endpoint.id(),
            host: host_of(&seen.endpoint),
            address: Some(seen.endpoint.address),
            state: match of_tls(seen, run.given.now) {
                Ok(faults) if faults.is_empty() => State::Fine(all_well(seen, run.given.now)),
                Ok(faults) => State::Faults(faults),
                Err(why) => State::Unknown(why.text),
            },
        })
        .collect()
}

/// What to change where a place shows why.
fn advise(places: &[Place], notes: &mut Notes) {
    let shows = |cause: &str| {
        places
            .iter()
            .any(|p| matches!(&p.state, State::Faults(faults) if faults.iter().any(|f| f.cause == cause)))
    };
    if shows("tls_interception") {
        notes.fix(
            "firewall in front of the server",
            "Switch off SMTP inspection (Cisco PIX and ASA: ESMTP inspection or fixup), or let it pass STARTTLS.",
            Some("policy-map global_policy\n class inspection_default\n  no inspect esmtp".to_owned()),
        );
    }
    if shows("tls_unavailable") {
        notes.fix(
            "recipient's server",
            "It offers STARTTLS and cannot do it: mostly the certificate or key cannot be read. Its log says which \
             file; Postfix: smtpd_tls_chain_files.",
            None,
        );
    }
}
