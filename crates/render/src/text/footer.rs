//! The last lines: how much was asked, what it cost, what to type next.

use std::collections::BTreeSet;

use waxseal_model::{Report, VerdictKind};

use super::TextOptions;
use crate::{
    page::{Page, width},
    style::Role,
    when,
};

pub(crate) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    page.blank();
    let answers = answers(report);
    let cost = cost(report);
    if width(&answers) + 2 + width(&cost) <= page.width() && !answers.is_empty() {
        page.line(&[(Role::Plain, &answers), (Role::Plain, "  "), (Role::Plain, &cost)]);
    } else {
        if !answers.is_empty() {
            page.paragraph(0, Role::Plain, &answers);
        }
        page.paragraph(0, Role::Plain, &cost);
    }
    let mut more: Vec<String> = Vec::new();
    if report.endpoints.iter().any(|e| !e.evidence.transcript.is_empty()) {
        more.push("--transcript".into());
    }
    if !options.verbose && !report.verdicts.is_empty() {
        more.push("--verbose".into());
    }
    more.push("--json".into());
    if let Some(worst) = report.findings.iter().rev().max_by_key(|f| f.severity) {
        more.push(format!("waxseal checks {}", worst.check));
    }
    page.paragraph(0, Role::Faint, &format!("More: {}", more.join(", ")));
}

/// `31 checks: 27 clear, 3 found, 1 undetermined.` Where several places were judged, the
/// figures are answers: one for each check and place.
pub(crate) fn answers(report: &Report) -> String {
    let verdicts = &report.verdicts;
    if verdicts.is_empty() {
        return String::new();
    }
    let count = |kind| verdicts.iter().filter(|v| v.verdict == kind).count();
    let checks: BTreeSet<&str> = verdicts.iter().map(|v| v.check.as_str()).collect();
    let whole = if checks.len() == verdicts.len() {
        when::count(checks.len(), "check")
    } else {
        format!("{} gave {} answers", when::count(checks.len(), "check"), verdicts.len())
    };
    format!(
        "{whole}: {} clear, {} found, {} undetermined.",
        count(VerdictKind::Clear),
        count(VerdictKind::Found),
        count(VerdictKind::Undetermined)
    )
}

pub(crate) fn cost(report: &Report) -> String {
    let cost = report.cost;
    format!("{} in {}.", when::count(cost.connections, "connection"), when::seconds(cost.milliseconds))
}
