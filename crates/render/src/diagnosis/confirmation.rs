//! A diagnosis and what its tests said: the explanation, each answer, the verdict, the fix.

use serde::Serialize;
use waxseal_model::{
    Confirmation, Diagnosis,
    confirmation::{Bearing, Ending, Tested},
};

use super::{said, text};
use crate::{
    page::{Page, width},
    style::{Role, Style},
};

/// Names of places that are longer get a line of their own.
const LONGEST_PLACE: usize = 34;
/// What was said of a place begins here at the latest.
const COLUMN: usize = 38;

/// A diagnosis and its confirmation as text.
pub fn confirmation(diagnosis: &Diagnosis, confirmation: &Confirmation, style: &Style) -> String {
    let mut page = Page::new(*style);
    text::verdict(&mut page, diagnosis);
    tested(&mut page, confirmation);
    page.blank();
    page.paragraph(0, Role::Strong, &confirmation.says());
    fixes(&mut page, diagnosis, confirmation);
    next(&mut page, diagnosis, confirmation);
    page.finish()
}

fn tested(page: &mut Page, confirmation: &Confirmation) {
    if confirmation.observations.is_empty() {
        return;
    }
    page.heading("Tested");
    let places = confirmation.observations.iter().map(|o| width(&o.what));
    let column = places.filter(|w| *w <= LONGEST_PLACE).max().map_or(COLUMN, |longest| longest + 4);
    for observation in &confirmation.observations {
        one(page, observation, column);
    }
}

fn one(page: &mut Page, observation: &Tested, column: usize) {
    let place = format!("  {}", observation.what);
    let (role, said) = match observation.bearing {
        Bearing::Supports | Bearing::Contradicts => (Role::Plain, observation.said.clone()),
        Bearing::Aside => (Role::Faint, observation.said.clone()),
        Bearing::Failed => (Role::Notice, format!("no answer that counts: {}", observation.said)),
    };
    if width(&observation.what) <= LONGEST_PLACE && column <= page.width() / 2 {
        page.entry(&[(Role::Plain, &place)], column, role, &said);
    } else {
        page.line(&[(Role::Plain, &place)]);
        page.paragraph(6, role, &said);
    }
}

/// What follows from the tests first; the diagnosis' own advice where it still holds.
fn fixes(page: &mut Page, diagnosis: &Diagnosis, confirmation: &Confirmation) {
    let holds = match (confirmation.verdict, &confirmation.rather) {
        (Ending::Confirmed | Ending::Untested, _) => true,
        (Ending::Refuted, _) => false,
    };
    let own = diagnosis.fix.iter().filter(|fix| holds && !confirmation.fix.contains(fix));
    let all: Vec<_> = confirmation.fix.iter().chain(own).collect();
    if all.is_empty() {
        return;
    }
    let place = if holds { said::place(diagnosis.side) } else { "" };
    page.heading(format!("Fix {place}").trim_end());
    for fix in all {
        text::one_fix(page, fix);
    }
}

/// Commands that go on; not the one that was just given.
fn next(page: &mut Page, diagnosis: &Diagnosis, confirmation: &Confirmation) {
    let of_diagnosis = diagnosis.next.iter().filter(|command| !command.starts_with("waxseal diagnose"));
    let mut commands: Vec<&String> = confirmation.next.iter().collect();
    if confirmation.verdict != Ending::Refuted {
        for command in of_diagnosis {
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
    }
    if commands.is_empty() {
        return;
    }
    page.heading("Next");
    for command in commands {
        page.verbatim(2, command);
    }
}

/// A diagnosis with its confirmation as `--json` prints it.
#[derive(Serialize)]
struct Flat<'a> {
    schema_version: u32,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
    confirmation: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    says: String,
    #[serde(flatten)]
    confirmation: &'a Confirmation,
}

/// Diagnoses with their confirmations as JSON: an object for one, otherwise an array.
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn confirmations_json(pairs: &[(Diagnosis, Confirmation)]) -> Result<String, serde_json::Error> {
    let flat =
        |(diagnosis, confirmation): &'_ (Diagnosis, Confirmation)| -> serde_json::Result<serde_json::Value> {
            let told = Told { says: confirmation.says(), confirmation };
            let schema_version = waxseal_model::SCHEMA_VERSION;
            serde_json::to_value(Flat { schema_version, diagnosis, confirmation: told })
        };
    let all = pairs.iter().map(flat).collect::<Result<Vec<_>, _>>()?;
    crate::json::one_or_many(&all)
}

#[cfg(test)]
mod tests {
    use waxseal_model::{
        MailEvent,
        confirmation::Rather,
        diagnosis::{Fix, Retry, Scope, Side, Who},
    };

    use super::*;

    fn diagnosis() -> Diagnosis {
        Diagnosis {
            cause: "starttls_missing".into(),
            family: "tls".into(),
            summary: "The recipient's server did not offer TLS.".into(),
            meaning: None,
            side: Side::RecipientServer,
            who: Who::RecipientServer,
            retry: Retry::Later,
            scope: Scope::RecipientDomain,
            confidence: 0.96,
            evidence: Vec::new(),
            fix: vec![Fix { at: "Postfix".into(), text: "Switch it on.".into(), paste: None }],
            next: vec!["waxseal diagnose 'x'".into(), "waxseal check example.com".into()],
            runner_up: None,
            rule: "texts.starttls".into(),
            source: "a source".into(),
            provider: None,
            sisimai: "failedstarttls".into(),
            event: MailEvent::default(),
        }
    }

    fn told(verdict: Ending, rather: Option<Rather>) -> Confirmation {
        let place =
            |what: &str, said: &str, bearing| Tested { what: what.into(), said: said.into(), bearing };
        Confirmation {
            verdict,
            because: "at mx.example.com[192.0.2.25]:25 the server offers no STARTTLS".into(),
            rather,
            observations: vec![
                place("MX of example.com", "mx.example.com", Bearing::Aside),
                place("mx.example.com[192.0.2.25]:25", "the server offers no STARTTLS", Bearing::Supports),
                place("mx.example.com[2001:db8::25]:25", "there is no route to it", Bearing::Failed),
                place(
                    "a-rather-long-name-of-a-host.example.com[2001:db8:1:2:3:4:5:6]:25",
                    "it offers STARTTLS and TLS 1.3 comes about with a certificate that is valid for 61 days",
                    Bearing::Contradicts,
                ),
            ],
            fix: Vec::new(),
            next: Vec::new(),
            connections: 2,
        }
    }

    #[test]
    fn the_page_has_explanation_tests_verdict_and_fix_in_this_order() {
        let page = confirmation(&diagnosis(), &told(Ending::Confirmed, None), &Style::plain());
        let order = [
            "The recipient's server",
            "\nTested\n",
            "\nConfirmed: at mx",
            "\nFix at the recipient",
            "\nNext\n",
        ];
        let places: Vec<Option<usize>> = order.iter().map(|part| page.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{page}");
        assert!(page.contains("no answer that counts: there is no route"), "{page}");
        assert!(!page.contains("waxseal diagnose") && page.contains("waxseal check example.com"), "{page}");
        assert!(page.lines().all(|line| width(line) <= 80), "{page}");
    }

    #[test]
    fn advice_for_what_was_refuted_is_left_out() {
        let rather = Some(Rather { cause: "cert_expired".into(), summary: "It expired.".into() });
        for (rather, begins) in [(rather, "Refuted: rather at mx"), (None, "Refuted: at mx")] {
            let page = confirmation(&diagnosis(), &told(Ending::Refuted, rather), &Style::plain());
            assert!(page.contains(begins) && !page.contains("Switch it on"), "{page}");
        }
        let page = confirmation(&diagnosis(), &told(Ending::Untested, None), &Style::plain());
        assert!(
            page.contains("Could not be tested because at mx") && page.contains("Switch it on"),
            "{page}"
        );
    }

    #[test]
    fn json_has_the_members_of_a_diagnosis_and_the_confirmation() {
        let pair = (diagnosis(), told(Ending::Confirmed, None));
        let json: serde_json::Value =
            serde_json::from_str(&confirmations_json(std::slice::from_ref(&pair)).unwrap()).unwrap();
        assert_eq!(json["cause"], "starttls_missing");
        assert_eq!(json["confirmation"]["verdict"], "confirmed");
        assert_eq!(json["confirmation"]["observations"][1]["bearing"], "supports");
        assert!(json["confirmation"]["says"].as_str().unwrap().starts_with("Confirmed: "));
        let two = confirmations_json(&[pair.clone(), pair]).unwrap();
        assert!(two.starts_with('['), "{two}");
    }
}
