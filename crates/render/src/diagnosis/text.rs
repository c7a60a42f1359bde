//! A diagnosis for people: what happened, who acts, whether to retry, what to change.

use waxseal_model::{
    Diagnosis,
    diagnosis::{EvidenceKind, Explanation, Fix},
    mail::Outcome,
};

use super::{reports, said};
use crate::{
    page::{Page, width},
    style::{Role, Style},
    when,
};

/// The column in which answers begin.
pub(super) const COLUMN: usize = 14;
/// Below this the runner-up is shown beside the verdict.
const UNSURE: f64 = 0.5;
/// Evidence that is quoted, at most.
const MOST_QUOTES: usize = 4;
/// Longest quotation, in columns.
const LONGEST_QUOTE: usize = 90;
/// Lines of the server's words that are shown, at most, in characters.
const LONGEST_WORDS: usize = 400;

/// Explanations as text, one diagnosis after the other.
pub fn text(explanations: &[Explanation], style: &Style) -> String {
    let mut page = Page::new(*style);
    let many = explanations.iter().map(|e| e.diagnoses.len()).sum::<usize>() > 1;
    for explanation in explanations {
        reports::write(&mut page, explanation);
        for diagnosis in &explanation.diagnoses {
            page.blank();
            if many {
                title(&mut page, explanation, diagnosis);
            }
            body(&mut page, diagnosis);
        }
        notes(&mut page, explanation);
    }
    page.finish()
}

/// One diagnosis as text, without a title.
pub fn one(diagnosis: &Diagnosis, style: &Style) -> String {
    let mut page = Page::new(*style);
    body(&mut page, diagnosis);
    page.finish()
}

/// Whom it is about, where there are several.
fn title(page: &mut Page, explanation: &Explanation, diagnosis: &Diagnosis) {
    let event = &diagnosis.event;
    let whom = event.recipient.as_deref().or(event.remote_host.as_deref()).unwrap_or("no recipient named");
    let line = event.source.line.map(|line| format!(":{line}")).unwrap_or_default();
    let place = explanation.file.as_ref().map(|file| format!("  {file}{line}")).unwrap_or_default();
    page.line(&[(Role::Strong, whom), (Role::Faint, &place)]);
}

fn notes(page: &mut Page, explanation: &Explanation) {
    if explanation.notes.is_empty() {
        return;
    }
    page.blank();
    for note in &explanation.notes {
        let place = explanation.file.as_ref().map(|file| format!("{file}: ")).unwrap_or_default();
        page.paragraph(0, Role::Faint, &format!("{place}{note}"));
    }
}

pub(super) fn body(page: &mut Page, diagnosis: &Diagnosis) {
    verdict(page, diagnosis);
    fixes(page, diagnosis);
    next(page, diagnosis);
}

/// What happened, who acts and how sure that is, without what to do about it.
pub(super) fn verdict(page: &mut Page, diagnosis: &Diagnosis) {
    let unsure = diagnosis.confidence < UNSURE;
    if unsure {
        page.paragraph(0, Role::Strong, "Not sure. The likeliest answer:");
    }
    page.paragraph(0, if unsure { Role::Plain } else { Role::Strong }, &diagnosis.summary);
    if let Some(meaning) = &diagnosis.meaning
        && meaning != &diagnosis.summary
    {
        page.paragraph(0, Role::Plain, meaning);
    }
    if let Some(other) = diagnosis.runner_up.as_ref().filter(|_| unsure) {
        page.paragraph(0, Role::Plain, &format!("Or: {} ({:.0} %)", other.summary, other.confidence * 100.0));
    }
    page.blank();
    label(page, "Who acts", said::who(diagnosis.who));
    label(page, "Retry", &retry(diagnosis));
    label(page, "Scope", said::scope(diagnosis.scope));
    label(page, "Sure", &sure(diagnosis));
    said_by(page, diagnosis);
}

pub(super) fn label(page: &mut Page, name: &str, text: &str) {
    page.entry(&[(Role::Faint, name)], COLUMN, Role::Plain, text);
}

/// Formats in which nothing tells of a queue: what was pasted may come from a program that
/// tries once.
const WITHOUT_QUEUE: [&str; 4] = ["", "reply", "client", "transcript"];

/// Whether a retry helps; of a message that is still in a queue, that it happens by itself.
fn retry(diagnosis: &Diagnosis) -> String {
    let base = said::retry(diagnosis.retry);
    let queued = !WITHOUT_QUEUE.contains(&diagnosis.event.source.format.as_str());
    match diagnosis.event.outcome {
        Outcome::Deferred if queued => {
            format!("{base} (this message is still queued and will be tried again)")
        }
        _ => base.to_owned(),
    }
}

/// How sure, and from what.
fn sure(diagnosis: &Diagnosis) -> String {
    let percent = format!("{:.0} %", diagnosis.confidence * 100.0);
    let quote = |text: &str| {
        let short: String = text.chars().take(LONGEST_QUOTE).collect();
        if short.len() < text.len() { format!("\"{short}…\"") } else { format!("\"{short}\"") }
    };
    let pieces: Vec<String> = diagnosis
        .evidence
        .iter()
        .take(MOST_QUOTES)
        .map(|piece| match piece.kind {
            EvidenceKind::Words | EvidenceKind::Context => quote(&piece.text),
            EvidenceKind::ReplyCode | EvidenceKind::Status => piece.text.clone(),
            EvidenceKind::Stage => format!("the answer to {}", piece.text),
            EvidenceKind::Provider => format!("{}'s words", piece.text),
        })
        .collect();
    match pieces.split_last() {
        None => percent,
        Some((last, [])) => format!("{percent}, from {last}"),
        Some((last, first)) => format!("{percent}, from {} and {last}", first.join(", ")),
    }
}

/// Facts of the event that the summary does not tell.
fn said_by(page: &mut Page, diagnosis: &Diagnosis) {
    let event = &diagnosis.event;
    let host = match (&event.remote_host, event.remote_address) {
        (Some(host), Some(address)) => format!("{host} [{address}]"),
        (Some(host), None) => host.clone(),
        (None, Some(address)) => format!("[{address}]"),
        (None, None) => String::new(),
    };
    let stage = event.stage.map(|stage| format!("at {}", stage.label())).unwrap_or_default();
    let facts: Vec<&str> = [host.as_str(), stage.as_str()].into_iter().filter(|f| !f.is_empty()).collect();
    if !facts.is_empty() {
        label(page, "Said by", &facts.join(", "));
    }
    if !event.text.is_empty() && event.source.format != "reply" {
        let words: String = event.text.chars().take(LONGEST_WORDS).collect();
        label(page, "Words", &words);
    }
    if let Some(time) = event.time {
        label(page, "When", &when::moment(time));
    }
}

fn fixes(page: &mut Page, diagnosis: &Diagnosis) {
    if diagnosis.fix.is_empty() {
        return;
    }
    page.heading(format!("Fix {}", said::place(diagnosis.side)).trim_end());
    for fix in &diagnosis.fix {
        one_fix(page, fix);
    }
}

pub(super) fn one_fix(page: &mut Page, fix: &Fix) {
    let label = format!("  {}", fix.at);
    if width(&label) < COLUMN {
        page.entry(&[(Role::Plain, &label)], COLUMN, Role::Plain, &fix.text);
    } else {
        page.line(&[(Role::Plain, &label)]);
        page.paragraph(COLUMN, Role::Plain, &fix.text);
    }
    if let Some(paste) = &fix.paste {
        page.verbatim(COLUMN, paste);
    }
}

fn next(page: &mut Page, diagnosis: &Diagnosis) {
    if diagnosis.next.is_empty() {
        return;
    }
    page.heading("Prove it");
    for command in &diagnosis.next {
        page.verbatim(2, command);
    }
}
