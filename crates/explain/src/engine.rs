//! Ranks the rules that fit an event.

use waxseal_model::{
    Diagnosis, MailEvent,
    diagnosis::{Retry, Scope, Side, Who},
};

/// The verdict on an event. There always is one: where nothing is known its cause is
/// `unspecified`, with a low confidence.
pub fn diagnose(event: &MailEvent) -> Diagnosis {
    Diagnosis {
        cause: "unspecified".into(),
        family: "info".into(),
        summary: String::new(),
        meaning: None,
        side: Side::Nobody,
        who: Who::Nobody,
        retry: Retry::AfterFix,
        scope: Scope::Message,
        confidence: 0.0,
        evidence: Vec::new(),
        fix: Vec::new(),
        next: Vec::new(),
        runner_up: None,
        rule: String::new(),
        source: String::new(),
        provider: None,
        sisimai: "undefined".into(),
        event: event.clone(),
    }
}
