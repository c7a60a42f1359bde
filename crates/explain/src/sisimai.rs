//! The same answers in the shape that Sisimai's tables use, to be compared with them.
//!
//! Sisimai names classes by conventions of its own, which tell a reader less than our causes
//! do. All of them are here and none of them reaches a [`Diagnosis`].

use serde::Serialize;
use waxseal_model::{
    Diagnosis,
    mail::{EnhancedStatus, Outcome, Stage},
};

use crate::rules::{self, ProviderKind};

/// One line of `--format sisimai`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The file.
    pub file: String,
    /// The recipient.
    pub recipient: String,
    /// Sisimai's name of the class.
    pub reason: String,
    /// The enhanced status code, or an empty text.
    pub status: String,
    /// The reply code, or an empty text.
    pub reply: String,
}

/// A diagnosis in Sisimai's words.
pub fn row(diagnosis: &Diagnosis) -> Row {
    let event = &diagnosis.event;
    Row {
        file: event.source.file.clone().unwrap_or_default(),
        recipient: event.recipient.clone().unwrap_or_default(),
        reason: reason(diagnosis).to_owned(),
        status: event.status.map(|s| s.to_string()).unwrap_or_default(),
        reply: event.reply.map(|r| r.to_string()).unwrap_or_default(),
    }
}

/// A diagnosis as a line of JSON.
pub fn line(diagnosis: &Diagnosis) -> String {
    serde_json::to_string(&row(diagnosis)).map(|line| line + "\n").unwrap_or_default()
}

fn reason(diagnosis: &Diagnosis) -> &str {
    let rule = rules::rule(&diagnosis.rule);
    let Some(rule) = rule else { return without_words(diagnosis).unwrap_or(&diagnosis.sisimai) };
    let own_words = rule.provider.kind == ProviderKind::Provider;
    let event = &diagnosis.event;
    if event.stage == Some(Stage::Greeting) && event.source.format.starts_with("exim") && !own_words {
        return "blocked";
    }
    let filtered = diagnosis.sisimai == "userunknown" && !own_words && is_filtered(diagnosis);
    if filtered { "filtered" } else { &diagnosis.sisimai }
}

/// An unknown user that a server refuses later than at `RCPT`, and not by a code that says
/// so, is called filtered. Some formats always name an unknown user.
fn is_filtered(diagnosis: &Diagnosis) -> bool {
    let event = &diagnosis.event;
    let reporter = event.reporter.as_deref().unwrap_or_default();
    let prose = event.source.format != "sendmail" && event.stage.is_none() && event.reply.is_none();
    if prose || reporter.ends_with("messagelabs.com") {
        return false;
    }
    let early = matches!(
        event.stage,
        Some(Stage::Connect | Stage::Greeting | Stage::Ehlo | Stage::Starttls | Stage::Mail | Stage::Rcpt)
    );
    let said = event.status.is_some_and(|status| status.subject == 1 && status.detail != 4);
    !early && !said
}

/// The class where no words decided.
fn without_words(diagnosis: &Diagnosis) -> Option<&'static str> {
    let event = &diagnosis.event;
    match event.outcome {
        Outcome::Delivered | Outcome::Relayed | Outcome::Complaint | Outcome::AutoReply => return None,
        _ => {}
    }
    if matches!(event.stage, Some(Stage::Starttls)) || matches!(event.reply, Some(523 | 524 | 538)) {
        return Some("failedstarttls");
    }
    match event.reply {
        Some(521 | 556) => return Some("notaccept"),
        Some(525) => return Some("suspend"),
        _ => {}
    }
    let by_status = event.status.and_then(by_status);
    let syntax = matches!(event.reply, Some(401..=407 | 501..=507)).then_some("syntaxerror");
    let delayed = (event.outcome == Outcome::Deferred).then_some("expired");
    let turned_away = event.stage == Some(Stage::Greeting) && event.source.format.starts_with("exim");
    let greeted = (turned_away || event.stage == Some(Stage::Ehlo)).then_some("blocked");
    let silent = if event.text.is_empty() { "undefined" } else { "onhold" };
    by_status.or_else(|| by_subject(event.status)).or(syntax).or(delayed).or(greeted).or(Some(silent))
}

fn by_subject(status: Option<EnhancedStatus>) -> Option<&'static str> {
    match status?.subject {
        6 => Some("contenterror"),
        7 => Some("securityerror"),
        _ => None,
    }
}

/// The class that goes with an enhanced status code.
fn by_status(status: EnhancedStatus) -> Option<&'static str> {
    Some(match (status.class, status.subject, status.detail) {
        (4, 2, 1) | (4, 7, 1 | 2) => "blocked",
        (4, 4, 1 | 7) => "expired",
        (4, 4, 2 | 4 | 6 | 8) | (5, 4, 0) => "networkerror",
        (4 | 5, 1, 6) | (5, 7, 17 | 18) => "hasmoved",
        (4 | 5, 1, 7 | 8) => "rejected",
        (4 | 5, 2, 2) => "mailboxfull",
        (4 | 5, 2, 3) | (5, 3, 4) | (4 | 5, 7, 16) => "emailtoolarge",
        (4 | 5, 2, 4) | (5, 1, 4) | (5, 2, 0 | 1) => "filtered",
        (4 | 5, 3, 1) | (4, 4, 5) => "systemfull",
        (4 | 5, 3, 2) | (5, 1, 10) | (5, 7, 27) => "notaccept",
        (4 | 5, 1, 9) | (4 | 5, 3, 3 | 5) | (4 | 5, 4, 3) | (4, 5, 3 | 5) | (5, 3, 0) | (5, 5, 4 | 5) => {
            "systemerror"
        }
        (5, 1, 0 | 1 | 3) => "userunknown",
        (5, 1, 2) | (5, 4, 4) => "hostunknown",
        (5, 5, 2 | 6) => "syntaxerror",
        (5, 5, 3) => "ratelimited",
        (4 | 5, 6, _) => "contenterror",
        (4 | 5, 7, 20..=24 | 26) | (5, 7, 29) => "authfailure",
        (4 | 5, 7, 25) => "requireptr",
        (5, 7, 13) => "suspend",
        (5, 7, 28) => "spamdetected",
        (5, 7, 30) => "failedstarttls",
        (5, 7, 0..=15 | 19) | (4, 7, 5..=7 | 12 | 15) => "securityerror",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use waxseal_model::MailEvent;

    use super::*;

    fn reason_of(text: &str, stage: Option<Stage>, outcome: Outcome) -> String {
        let mut event = MailEvent { text: text.into(), stage, outcome, ..MailEvent::default() };
        crate::facts::complete(&mut event);
        row(&crate::diagnose(&event)).reason
    }

    #[test]
    fn an_unknown_user_after_data_is_called_filtered_and_explained_as_what_it_is() {
        let text = "550 Unknown user a@example.com";
        assert_eq!(reason_of(text, Some(Stage::Rcpt), Outcome::Failed), "userunknown");
        assert_eq!(reason_of(text, Some(Stage::EndOfData), Outcome::Failed), "filtered");
        assert_eq!(
            reason_of("550 5.1.1 User unknown", Some(Stage::EndOfData), Outcome::Failed),
            "userunknown"
        );
        let event = MailEvent { text: text.into(), stage: Some(Stage::EndOfData), ..MailEvent::default() };
        assert_eq!(crate::diagnose(&event).cause, "user_unknown");
    }

    #[test]
    fn where_words_say_nothing_the_code_names_the_class() {
        assert_eq!(reason_of("554 5.7.1 Sorry", None, Outcome::Failed), "securityerror");
        assert_eq!(reason_of("504 Sorry", None, Outcome::Failed), "syntaxerror");
        assert_eq!(reason_of("550 Sorry", Some(Stage::Ehlo), Outcome::Failed), "blocked");
        assert_eq!(reason_of("Sorry", None, Outcome::Failed), "onhold");
        assert_eq!(reason_of("", None, Outcome::Failed), "undefined");
        assert_eq!(reason_of("", None, Outcome::Complaint), "feedback");
        assert_eq!(reason_of("", None, Outcome::Deferred), "expired");
    }
}
