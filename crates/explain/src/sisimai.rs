//! The same answers in the shape that Sisimai's tables use, to be compared with them.

use serde::Serialize;
use waxseal_model::Diagnosis;

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
        reason: diagnosis.sisimai.clone(),
        status: event.status.map(|s| s.to_string()).unwrap_or_default(),
        reply: event.reply.map(|r| r.to_string()).unwrap_or_default(),
    }
}

/// A diagnosis as a line of JSON.
pub fn line(diagnosis: &Diagnosis) -> String {
    serde_json::to_string(&row(diagnosis)).map(|line| line + "\n").unwrap_or_default()
}
