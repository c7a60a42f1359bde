//! Is an extension of SMTP offered, within TLS where TLS can be had?

use waxseal_model::{Confirmation, EndpointEvidence};

use super::{
    Run,
    faults::{Fault, of_welcome},
    notes::Notes,
    servers::{self, ONE, host_of},
    weigh::{Place, Question, State, weigh},
};

/// Extensions that texts complain of.
const KNOWN: [&str; 13] = [
    "SMTPUTF8",
    "REQUIRETLS",
    "8BITMIME",
    "BINARYMIME",
    "CHUNKING",
    "PIPELINING",
    "DSN",
    "BURL",
    "DELIVERBY",
    "FUTURERELEASE",
    "MT-PRIORITY",
    "ETRN",
    "SIZE",
];

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(keyword) = keyword(run.cause, &run.subject.words) else {
        return notes.untested("the text does not name an extension of SMTP that could be looked for: the sending program's own transcript \
             (its debug output) shows which command was refused");
    };
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let seen = servers::look(run, &found.aims, ONE).await;
    let places: Vec<Place> = seen.iter().map(|seen| place(seen, keyword)).collect();
    let refuted = format!("{keyword} is offered now at every address that answered");
    let question = Question {
        accepts: &["command_rejected"],
        refuted: &refuted,
        named: run.diagnosis.event.remote_address,
    };
    weigh(notes, &places, &question)
}

/// The extension in question.
fn keyword(cause: &str, text: &str) -> Option<&'static str> {
    match cause {
        "smtputf8_required" => Some("SMTPUTF8"),
        _ => {
            let text = text.to_ascii_uppercase();
            KNOWN.into_iter().find(|keyword| text.contains(keyword))
        }
    }
}

fn place(seen: &EndpointEvidence, keyword: &str) -> Place {
    let smtp = &seen.evidence.smtp;
    let state = match (of_welcome(seen), smtp.ehlo_tls.get().or(smtp.ehlo_plain.get())) {
        (Err(why), _) => State::Unknown(why.text),
        (Ok(Some(fault)), None) => State::Unknown(fault.text),
        (Ok(_), None) => State::Unknown("EHLO was not answered".to_owned()),
        (Ok(_), Some(ehlo)) if ehlo.keyword(keyword).is_some() => {
            State::Fine(format!("{keyword} is offered"))
        }
        (Ok(_), Some(ehlo)) => {
            let within = if smtp.ehlo_tls.is_seen() { " within TLS" } else { "" };
            let offered: Vec<&str> = ehlo.keywords.iter().map(|k| k.name.as_str()).collect();
            let text = format!("{keyword} is not offered{within} (offered: {})", offered.join(" "));
            State::Faults(vec![Fault::new("command_rejected", text)])
        }
    };
    Place {
        at: seen.endpoint.id(),
        host: host_of(&seen.endpoint),
        address: Some(seen.endpoint.address),
        state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_is_that_of_the_cause_or_of_the_text() {
        assert_eq!(keyword("smtputf8_required", ""), Some("SMTPUTF8"));
        assert_eq!(keyword("command_rejected", "555 5.5.4 unsupported: BODY=8bitmime"), Some("8BITMIME"));
        assert_eq!(keyword("command_rejected", "555 no"), None);
    }
}
