//! Which size does the server take (SIZE in EHLO, RFC 1870), against the message's own?

use waxseal_model::{Confirmation, EndpointEvidence};

use super::{
    Run,
    faults::{Fault, of_welcome},
    notes::Notes,
    servers::{self, ONE, host_of},
    weigh::{Place, Question, State, weigh},
};

/// Less is no size of a message that would be refused.
const SMALLEST: u64 = 1000;

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let size = run.given.size.or_else(|| size_in(&run.subject.words));
    let seen = servers::look(run, &found.aims, ONE).await;
    let mut limits = Vec::new();
    let places: Vec<Place> = seen
        .iter()
        .map(|seen| {
            let limit = limit(seen);
            if let Ok(Some(limit)) = &limit {
                limits.push(*limit);
            }
            place(seen, limit, size)
        })
        .collect();
    if let (None, Some(least)) = (size, limits.iter().min()) {
        for place in &places {
            match &place.state {
                State::Fine(said) | State::Unknown(said) => notes.aside(&place.at, said),
                State::Faults(_) => {}
            }
        }
        return notes.untested(format!(
            "the text does not say how large the message was; the server takes up to {}, and attachments grow by a \
             third on the way: give its size with --size BYTES",
            megabytes(*least)
        ));
    }
    let question = Question {
        accepts: &["message_too_large"],
        refuted: "by what the server says in EHLO the message is not too large: another server on the way has a \
                  smaller limit, or the recipient's own limit is smaller",
        named: run.diagnosis.event.remote_address,
    };
    weigh(notes, &places, &question)
}

/// The limit; none where the server names none.
///
/// # Errors
/// EHLO was not answered.
fn limit(seen: &EndpointEvidence) -> Result<Option<u64>, String> {
    match of_welcome(seen) {
        Err(why) => return Err(why.text),
        Ok(Some(fault)) => return Err(fault.text),
        Ok(None) => {}
    }
    let smtp = &seen.evidence.smtp;
    let ehlo = smtp.ehlo_tls.get().or(smtp.ehlo_plain.get()).ok_or("EHLO was not answered")?;
    // No number, or zero, is no limit (RFC 1870 section 4).
    let limit = ehlo.keyword("SIZE").and_then(|p| p.first()?.parse().ok()).filter(|n| *n > 0);
    Ok(limit)
}

fn place(seen: &EndpointEvidence, limit: Result<Option<u64>, String>, size: Option<u64>) -> Place {
    let state = match (limit, size) {
        (Err(why), _) => State::Unknown(why),
        (Ok(Some(limit)), Some(size)) if size > limit => {
            let text = format!(
                "the server takes up to {}, and the message has {}",
                megabytes(limit),
                megabytes(size)
            );
            State::Faults(vec![Fault::new("message_too_large", text)])
        }
        (Ok(Some(limit)), _) => State::Fine(format!("the server takes up to {}", megabytes(limit))),
        (Ok(None), _) => State::Fine("the server names no limit in EHLO".to_owned()),
    };
    Place {
        at: seen.endpoint.id(),
        host: host_of(&seen.endpoint),
        address: Some(seen.endpoint.address),
        state,
    }
}

/// The size of the message, where a text names it before a limit: `message size 30000000
/// exceeds size limit 20971520`.
fn size_in(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let at = ["message size ", "size of ", "size="].iter().find_map(|mark| {
        let at = lower.find(mark)?.saturating_add(mark.len());
        lower.get(at..)
    })?;
    let digits: String = at.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|size| *size >= SMALLEST)
}

/// `10.2 MB (10240000 bytes)`, in millions of octets.
fn megabytes(octets: u64) -> String {
    if octets < 100_000 {
        return format!("{octets} bytes");
    }
    let tenths = (octets.saturating_add(50_000)) / 100_000;
    if tenths.is_multiple_of(10) {
        format!("{} MB ({octets} bytes)", tenths / 10)
    } else {
        format!("{}.{} MB ({octets} bytes)", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_the_message_is_told_from_the_limit() {
        let text = "message size 28562394 exceeds size limit 20971520 of server mx.example.com[192.0.2.1]";
        assert_eq!(size_in(text), Some(28_562_394));
        assert_eq!(size_in("552 5.3.4 Message size exceeds fixed limit"), None);
        assert_eq!(size_in("552 message size 12 exceeds"), None);
        assert_eq!(megabytes(10_240_000), "10.2 MB (10240000 bytes)");
        assert_eq!(megabytes(2000), "2000 bytes");
        assert_eq!(megabytes(20_000_000), "20 MB (20000000 bytes)");
    }
}
