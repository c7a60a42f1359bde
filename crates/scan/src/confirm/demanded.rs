//! The server demands TLS: can it be had there? Then it is the sender's side that went in
//! clear.

use waxseal_model::{Confirmation, Usage, diagnosis::Side};

use super::{
    Run, faults,
    notes::{Notes, list},
    servers::{self, ONE, host_of},
    starttls,
    weigh::{Place, Question, State, weigh},
};

/// What keeps a sender from TLS where the server demands it. A certificate that nobody can
/// verify does not: such senders take any.
const IN_THE_WAY: [&str; 7] = [
    "starttls_missing",
    "tls_interception",
    "tls_unavailable",
    "tls_handshake",
    "tls_version",
    "wrong_encryption_type",
    "wrong_host",
];

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    if matches!(run.diagnosis.side, Side::RecipientServer | Side::SecurityFilter) {
        return recipient_lacks_it(run, notes, &found.aims).await;
    }
    let submission = found.aims.iter().any(|a| a.endpoint.usage == Usage::Submission);
    let seen = servers::look(run, &found.aims, ONE).await;
    let mut offers = Vec::new();
    let mut places = Vec::new();
    for seen in &seen {
        let at = seen.endpoint.id();
        let state = match faults::of_tls(seen, run.given.now) {
            Err(why) => State::Unknown(why.text),
            Ok(found) => {
                let found: Vec<_> = found.into_iter().filter(|f| IN_THE_WAY.contains(&f.cause)).collect();
                if found.is_empty() {
                    offers.push(at.clone());
                    let version = seen.evidence.tls.handshake.get().map_or("TLS", |h| h.version.label());
                    State::Fine(format!("STARTTLS is offered, and {version} comes about"))
                } else {
                    State::Faults(found)
                }
            }
        };
        places.push(Place { at, host: host_of(&seen.endpoint), address: Some(seen.endpoint.address), state });
    }
    if offers.is_empty() || places.iter().any(|p| matches!(p.state, State::Faults(_))) {
        let question = Question { accepts: &[], refuted: "", named: run.diagnosis.event.remote_address };
        return weigh(notes, &places, &question);
    }
    for place in &places {
        match &place.state {
            State::Fine(said) => notes.supports(&place.at, said),
            State::Unknown(why) => notes.failed(&place.at, why),
            State::Faults(_) => {}
        }
    }
    conclude(run, notes, &offers, submission)
}

/// The server can do TLS, so it is the sender who did not.
fn conclude(run: &Run<'_>, mut notes: Notes, offers: &[String], submission: bool) -> Confirmation {
    let offers = list(offers);
    if submission {
        return notes.confirmed(format!(
            "{offers} offers TLS and demands it, so the program that sends left it out: set its encryption to \
             STARTTLS on 587, or to SSL/TLS on 465"
        ));
    }
    notes.fix(
        "sender's server, Postfix",
        "Use TLS wherever it is offered.",
        Some("smtp_tls_security_level = may".to_owned()),
    );
    notes.fix(
        "sender's server, Exim",
        "Leave hosts_avoid_tls of the remote_smtp transport empty; without it Exim uses TLS wherever it is offered.",
        None,
    );
    notes.fix(
        "sender's server, Exchange",
        "Let the send connector use STARTTLS.",
        Some("Set-SendConnector NAME -IgnoreSTARTTLS $false".to_owned()),
    );
    if let Some(domain) = run.subject.recipient_domain.as_deref().filter(|d| !d.is_empty()) {
        notes.next(format!("waxseal logs /var/log/mail.log --to {domain}"));
    }
    notes.confirmed(format!(
        "TLS can be had at {offers} from here, so it is the sender's outbound route that went in clear: its own \
         settings, or a firewall on its path. Which of the two only its log, or this test run on the sending server, \
         can tell"
    ))
}

/// A sender that insists on TLS complains about the recipient's server.
async fn recipient_lacks_it(run: &Run<'_>, notes: Notes, aims: &[servers::Aim]) -> Confirmation {
    let places = starttls::look(run, aims).await;
    let question = Question {
        accepts: &[
            "starttls_missing",
            "tls_interception",
            "tls_unavailable",
            "tls_handshake",
            "tls_version",
            "cert_expired",
            "cert_untrusted",
            "cert_name_mismatch",
        ],
        refuted: "TLS is offered now, with a certificate that verifies, at every address that answered: it was \
                  mended meanwhile, or the path of the sender differs",
        named: run.diagnosis.event.remote_address,
    };
    weigh(notes, &places, &question)
}
