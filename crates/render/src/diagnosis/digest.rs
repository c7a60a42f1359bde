//! Many diagnoses, by cause: most frequent first.

use waxseal_model::diagnosis::CauseCount;

use super::said;
use crate::{
    page::Page,
    style::{Role, Style},
};

/// The column in which answers begin.
const COLUMN: usize = 14;

/// Causes with their counts as text. `files` is how many files were read, `silent` in how
/// many of them nothing was found.
pub fn digest(counts: &[CauseCount], files: u64, silent: u64, style: &Style) -> String {
    let mut page = Page::new(*style);
    let events: u64 = counts.iter().map(|c| c.count).sum();
    let sentence = format!(
        "{} in {}, of {}.",
        plural(events, "event"),
        plural(files, "file"),
        plural(counts.len() as u64, "cause")
    );
    page.paragraph(0, Role::Strong, &sentence);
    if silent > 0 {
        page.paragraph(0, Role::Plain, &format!("In {} nothing was found.", plural(silent, "file")));
    }
    for count in counts {
        one(&mut page, count);
    }
    page.finish()
}

fn one(page: &mut Page, count: &CauseCount) {
    let example = &count.example;
    page.blank();
    let head = format!("{:>6}  ", count.count);
    page.entry(&[(Role::Strong, &head), (Role::Strong, &example.cause)], COLUMN, Role::Plain, "");
    page.paragraph(8, Role::Plain, &example.summary);
    let entry = |page: &mut Page, label: &str, text: &str| {
        page.entry(&[(Role::Plain, "        "), (Role::Faint, label)], 8 + COLUMN, Role::Plain, text);
    };
    entry(page, "who acts", said::who(example.who));
    entry(page, "retry", said::retry(example.retry));
    if let Some(fix) = example.fix.first() {
        entry(page, "first fix", &format!("{}: {}", fix.at, fix.text));
        if let Some(paste) = &fix.paste {
            page.verbatim(8 + COLUMN, paste);
        }
    }
    let event = &example.event;
    let place = match (&event.source.file, event.source.line) {
        (Some(file), Some(line)) => format!(" ({file}:{line})"),
        (Some(file), None) => format!(" ({file})"),
        _ => String::new(),
    };
    let words: String = event.text.chars().take(300).collect();
    entry(page, "for example", &format!("{}{place}", if words.is_empty() { "no words" } else { &words }));
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
