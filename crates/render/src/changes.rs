//! What changed since an earlier scan, worse first.

use waxseal_model::{
    Report,
    change::{Change, ChangeKind, Direction},
};

use crate::{
    page::Page,
    style::{Role, Style},
    when,
    words::{self, Quality},
};

/// Column of the text.
const INDENT: usize = 10;

/// The changes of one target under a heading; nothing where there was nothing to compare with.
pub fn changes(report: &Report, style: &Style) -> String {
    let Some(comparison) = &report.comparison else { return String::new() };
    let mut page = Page::new(*style);
    let since = when::moment(comparison.since);
    if comparison.changes.is_empty() {
        page.paragraph(0, Role::Plain, &format!("{}: nothing changed since {since}.", report.target));
        return page.finish();
    }
    page.line(&[(Role::Strong, &format!("{}: changed since {since}", report.target))]);
    for change in &comparison.changes {
        let (role, symbol, word) = look(change.direction, style);
        page.entry(
            &[(role, symbol), (Role::Plain, " "), (role, word)],
            INDENT,
            Role::Plain,
            &sentence(change, style),
        );
    }
    page.finish()
}

fn look(direction: Direction, style: &Style) -> (Role, &'static str, &'static str) {
    let (quality, word) = match direction {
        Direction::Worse => (Quality::Bad, "worse"),
        Direction::Unknown => (Quality::Unknown, "unknown"),
        Direction::Neutral => return (Role::Plain, style.symbol("·", "."), "other"),
        Direction::Better => (Quality::Good, "better"),
    };
    let look = quality.look(word, style);
    (look.role, look.symbol, look.word)
}

/// `new: CRITICAL certificate.expired mx1.example.com:25: The certificate …`.
fn sentence(change: &Change, style: &Style) -> String {
    let Change { kind, check, severity, text, before, after, .. } = change;
    let place = change.place.as_deref().map_or(String::new(), |p| format!("{p}: "));
    let check = check.as_deref().unwrap_or_default();
    let severity = severity.map_or("", |s| words::severity(s, style).word);
    let before = before.as_deref().unwrap_or_default();
    let after = after.as_deref().unwrap_or_default();
    let bracket = |text: &str| if text.is_empty() { String::new() } else { format!(" ({text})") };
    match kind {
        ChangeKind::NewFinding => {
            let before = if before.is_empty() { String::new() } else { format!(" (before, {before})") };
            format!("new: {severity} {check} {place}{text}{before}")
        }
        ChangeKind::WorseFinding | ChangeKind::EasedFinding => {
            format!("{check} {place}{text} (was {before}, is {after})")
        }
        ChangeKind::MendedFinding => format!("mended: {check} {place}{text}{}", bracket(after)),
        ChangeKind::LostFinding => format!("no longer told: {check} {place}{text}{}", bracket(after)),
        ChangeKind::LostCheck => format!("{place}{text}{}", bracket(after)),
        ChangeKind::Policy | ChangeKind::Host if !before.is_empty() && !after.is_empty() => {
            format!("{place}{text}: {before} → {after}")
        }
        ChangeKind::Policy | ChangeKind::Host => {
            format!("{place}{text}{}{}", bracket(before), bracket(after))
        }
        ChangeKind::Letter
        | ChangeKind::Certificate
        | ChangeKind::Version
        | ChangeKind::Suite
        | ChangeKind::Group
        | ChangeKind::SignatureAlgorithm => format!("{place}{text}"),
    }
}
