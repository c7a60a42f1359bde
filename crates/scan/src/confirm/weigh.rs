//! From what every place showed to the verdict.
//!
//! One place where the cause shows is enough to confirm it: senders meet any of them. To
//! refute it all must have answered; of a host with several addresses one will do, since
//! from here often only one family of addresses can be reached. A place that the text names
//! decides by itself.

use std::net::IpAddr;

use waxseal_model::Confirmation;

use super::{
    faults::Fault,
    notes::{Notes, list},
};

/// What one place showed.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its name in observations.
    pub(super) at: String,
    /// By which places of one host belong together.
    pub(super) host: String,
    /// Its address, where it has one.
    pub(super) address: Option<IpAddr>,
    pub(super) state: State,
}

/// What a place showed.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// These faults.
    Faults(Vec<Fault>),
    /// None: what is well, in one sentence.
    Fine(String),
    /// Nothing: why.
    Unknown(String),
}

/// What is asked of the places.
pub(super) struct Question<'a> {
    /// The causes whose faults confirm the one in question.
    pub(super) accepts: &'a [&'a str],
    /// What refutes it where nothing else is wrong, as the rest of "Refuted: ".
    pub(super) refuted: &'a str,
    /// The address that the text names.
    pub(super) named: Option<IpAddr>,
}

/// Notes what the places showed, and draws the conclusion.
pub(super) fn weigh(mut notes: Notes, places: &[Place], question: &Question<'_>) -> Confirmation {
    let accepted = |fault: &Fault| question.accepts.contains(&fault.cause);
    for place in places {
        match &place.state {
            State::Faults(faults) => {
                let text: Vec<&str> = faults.iter().map(|f| f.text.as_str()).collect();
                if faults.iter().any(accepted) {
                    notes.supports(&place.at, text.join("; "));
                } else {
                    notes.contradicts(&place.at, text.join("; "));
                }
            }
            State::Fine(text) => notes.contradicts(&place.at, text),
            State::Unknown(why) => notes.failed(&place.at, why),
        }
    }
    if let Some((_, text)) = common(places, accepted) {
        return notes.confirmed(with_the_others(text, places, accepted));
    }
    let open = unanswered(places, question.named);
    let Some(first) = open.first() else {
        return match common(places, |_| true) {
            Some((cause, text)) => notes.rather(cause, text),
            None => notes.refuted(question.refuted),
        };
    };
    let why = match &first.state {
        State::Unknown(why) => why.as_str(),
        _ => "no answer came",
    };
    let answered = places.iter().any(|p| !matches!(p.state, State::Unknown(_)));
    let others = if answered { "; the servers that answered do not show it" } else { "" };
    let more = open.len().saturating_sub(1);
    let more = if more == 0 { String::new() } else { format!(" (and likewise at {more} more)") };
    notes.untested(format!("{}{more}{others}", at(why, &first.at)))
}

/// A reason with its place, unless it names that itself.
fn at(why: &str, place: &str) -> String {
    let address = place.split(['[', ']']).find(|part| part.parse::<IpAddr>().is_ok());
    let names_it = why.contains(place) || address.is_some_and(|a| why.contains(a));
    if names_it { why.to_owned() } else { format!("at {place} {why}") }
}

/// The fault that most places show, with its cause: `at A and B the server offers no
/// STARTTLS`.
fn common(places: &[Place], counts: impl Fn(&Fault) -> bool) -> Option<(&'static str, String)> {
    let mut found: Vec<(&Fault, Vec<&str>)> = Vec::new();
    for place in places {
        let State::Faults(faults) = &place.state else { continue };
        for fault in faults.iter().filter(|f| counts(f)) {
            match found.iter_mut().find(|(known, _)| *known == fault) {
                Some((_, at)) => at.push(&place.at),
                None => found.push((fault, vec![&place.at])),
            }
        }
    }
    let most = found.iter().map(|(_, at)| at.len()).max()?;
    let (fault, at) = found.into_iter().find(|(_, at)| at.len() == most)?;
    Some((fault.cause, format!("at {} {}", list(&at), fault.text)))
}

/// Adds where it is otherwise.
fn with_the_others(text: String, places: &[Place], counts: impl Fn(&Fault) -> bool) -> String {
    let otherwise: Vec<&str> = places
        .iter()
        .filter(|p| match &p.state {
            State::Faults(faults) => !faults.iter().any(&counts),
            State::Fine(_) => true,
            State::Unknown(_) => false,
        })
        .map(|p| p.at.as_str())
        .collect();
    match otherwise.as_slice() {
        [] => text,
        [_] => format!("{text}; not so at {}", list(&otherwise)),
        _ => format!("{text}; not so at the other {} addresses", otherwise.len()),
    }
}

/// The places that would have to answer before the cause is refuted.
fn unanswered(places: &[Place], named: Option<IpAddr>) -> Vec<&Place> {
    let is_open = |place: &&Place| matches!(place.state, State::Unknown(_));
    let is_named = |place: &&Place| named.is_some() && place.address == named;
    if let Some(place) = places.iter().find(is_named) {
        return Some(place).filter(is_open).into_iter().collect();
    }
    let answered = |host: &str| places.iter().any(|p| p.host == host && !is_open(&p));
    places.iter().filter(is_open).filter(|p| !answered(&p.host)).collect()
}

#[cfg(test)]
mod tests {
    use waxseal_model::confirmation::Ending;

    use super::*;

    fn place(at: &str, host: &str, state: State) -> Place {
        let address = at.split(['[', ']']).find_map(|p| p.parse().ok());
        Place { at: at.into(), host: host.into(), address, state }
    }

    fn missing() -> State {
        State::Faults(vec![Fault::new("starttls_missing", "the server offers no STARTTLS")])
    }

    fn told(places: &[Place], named: Option<&str>) -> Confirmation {
        let question = Question {
            accepts: &["starttls_missing"],
            refuted: "it is offered now",
            named: named.and_then(|n| n.parse().ok()),
        };
        weigh(Notes::default(), places, &question)
    }

    #[test]
    fn one_place_that_shows_it_is_enough_and_the_others_are_named() {
        let places = [
            place("a[192.0.2.1]:25", "a", State::Fine("fine".into())),
            place("b[192.0.2.2]:25", "b", missing()),
            place("c[192.0.2.3]:25", "c", missing()),
        ];
        assert_eq!(
            told(&places, None).says(),
            "Confirmed: at b[192.0.2.2]:25 and c[192.0.2.3]:25 the server offers no STARTTLS; not so at \
             a[192.0.2.1]:25."
        );
    }

    #[test]
    fn another_fault_in_its_place_is_named() {
        let expired = State::Faults(vec![Fault::new("cert_expired", "the certificate expired")]);
        let told = told(&[place("a[192.0.2.1]:25", "a", expired)], None);
        assert_eq!(told.says(), "Refuted: rather at a[192.0.2.1]:25 the certificate expired.");
        assert_eq!(told.rather.unwrap().cause, "cert_expired");
    }

    #[test]
    fn a_host_that_did_not_answer_at_all_leaves_it_open() {
        let fine = || State::Fine("fine".into());
        let silent = || State::Unknown("no answer".into());
        let one_family = [place("a[192.0.2.1]:25", "a", fine()), place("a[2001:db8::1]:25", "a", silent())];
        assert_eq!(told(&one_family, None).says(), "Refuted: it is offered now.");
        let whole_host = [place("a[192.0.2.1]:25", "a", fine()), place("b[192.0.2.2]:25", "b", silent())];
        let open = told(&whole_host, None);
        assert_eq!(open.verdict, Ending::Untested);
        assert!(
            open.says().contains("at b[192.0.2.2]:25 no answer; the servers that answered do not show it")
        );
        assert_eq!(told(&whole_host, Some("192.0.2.1")).verdict, Ending::Refuted);
        assert_eq!(told(&whole_host, Some("192.0.2.2")).verdict, Ending::Untested);
    }

    #[test]
    fn a_reason_that_names_its_place_is_not_given_another() {
        assert_eq!(at("192.0.2.1:25 did not answer", "a[192.0.2.1]:25"), "192.0.2.1:25 did not answer");
        assert_eq!(at("it said 421", "a[192.0.2.1]:25"), "at a[192.0.2.1]:25 it said 421");
    }
}
