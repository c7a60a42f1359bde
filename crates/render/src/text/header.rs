//! The top of the page: target and letter, one sentence, the two marks, what holds the
//! letter down.

use waxseal_model::{Report, grade::Cap};

use super::TextOptions;
use crate::{
    guard::harmless,
    page::{Page, width},
    style::Role,
    words::{self, Look},
};

/// Column in which the reasons for the marks begin, less the width of the mark.
const LABELS: usize = 16;
/// Caps that are listed unless all are asked for.
const CAPS: usize = 4;
/// The rules whose caps say why a letter is provisional.
const NOT_TRIED: &str = "policies_not_tried";
const UNKNOWN: &str = "policies_unknown";

pub(super) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    title(page, report);
    page.paragraph(0, Role::Plain, &report.grade.summary);
    let known = report.grade.letter.is_some() || report.endpoints.iter().any(|e| e.evidence.reached());
    if known {
        page.blank();
        marks(page, report);
        caps(page, report, options);
        lift(page, report);
    }
    page.blank();
}

/// What would lift the letter by one. Where nearly everything is missing, the fixes say it.
fn lift(page: &mut Page, report: &Report) {
    let Some(lift) = &report.grade.lift else { return };
    let label = format!("For {}", lift.letter.label());
    page.entry(&[(Role::Plain, &label)], LABELS, Role::Plain, &lift.steps.join("; "));
}

pub(super) fn title(page: &mut Page, report: &Report) {
    let letter = report.grade.letter.map_or("not graded".to_owned(), |letter| {
        let note = if report.grade.provisional { " (provisional)" } else { "" };
        format!("{}{note}", letter.label())
    });
    let target = harmless(&report.target);
    let role = words::letter_role(report.grade.letter);
    let room = page.width().saturating_sub(width(&target) + width(&letter));
    if room >= 2 {
        page.line(&[(Role::Strong, &target), (Role::Plain, &" ".repeat(room)), (role, &letter)]);
    } else {
        let pad = " ".repeat(page.width().saturating_sub(width(&letter)));
        page.line(&[(Role::Strong, &target)]);
        page.line(&[(Role::Plain, &pad), (role, &letter)]);
    }
}

fn marks(page: &mut Page, report: &Report) {
    let grade = &report.grade;
    let encryption = words::encryption(grade.encryption, page.style());
    let authentication = words::authentication(grade.authentication, page.style());
    let column = LABELS + width(&encryption.text()).max(width(&authentication.text())) + 2;
    mark(page, "Encryption", encryption, column, &grade.encryption_why);
    mark(page, "Authentication", authentication, column, &grade.authentication_why);
    let said = grade.caps.iter().any(|cap| cap.rule == NOT_TRIED || cap.rule == UNKNOWN);
    if grade.provisional && !said {
        let why = "published policies (MTA-STS, DANE) are not known";
        page.entry(&[(Role::Plain, "Provisional")], LABELS, Role::Plain, why);
    }
}

fn mark(page: &mut Page, label: &str, look: Look, column: usize, why: &str) {
    let label = format!("{label:LABELS$}");
    page.entry(&[(Role::Plain, &label), (look.role, &look.text())], column, Role::Plain, why);
}

/// What keeps the letter from being better, the tightest first; one rule that holds at
/// several endpoints once.
fn caps(page: &mut Page, report: &Report, options: &TextOptions) {
    let mut caps: Vec<(&Cap, usize)> = Vec::new();
    for cap in &report.grade.caps {
        let same = caps.iter_mut().find(|(c, _)| c.letter == cap.letter && c.rule == cap.rule);
        match same {
            Some((_, more)) if !options.verbose => *more += 1,
            _ => caps.push((cap, 0)),
        }
    }
    caps.sort_by_key(|(c, _)| std::cmp::Reverse(c.letter));
    let shown = if options.verbose { caps.len() } else { CAPS };
    let mut last = None;
    for (cap, more) in caps.iter().take(shown) {
        let label = match last {
            Some(letter) if letter == cap.letter => String::new(),
            _ => format!("At most {}", cap.letter.label()),
        };
        last = Some(cap.letter);
        let more = if *more > 0 { format!("; {more} more likewise") } else { String::new() };
        let rule = if cap.rule.is_empty() { String::new() } else { format!(" [{}]", cap.rule) };
        page.entry(&[(Role::Plain, &label)], LABELS, Role::Plain, &format!("{}{more}{rule}", cap.why));
    }
    let rest = caps.len().saturating_sub(shown);
    if rest > 0 {
        page.paragraph(LABELS, Role::Faint, &format!("and {rest} more limits (--verbose)"));
    }
}
