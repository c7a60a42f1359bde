//! `Do first`: the three fixes that gain most.

use waxseal_model::{Finding, Report, Severity, Target};

use super::group::{self, Group};
use crate::{page::Page, style::Role};

const MOST: usize = 3;
/// Column of the fix beneath its title.
const INDENT: usize = 5;

/// What gains less is no matter of mail between servers (who may send as the domain).
const LEAST_IMPORTANCE: u8 = 10;

/// The groups whose fix matters most, at most three, each fix once. What is only worth
/// knowing is never among them.
pub(crate) fn choose<'a, 'g>(groups: &'g [Group<'a>]) -> Vec<&'g Group<'a>> {
    let mut candidates: Vec<&Group<'_>> = groups.iter().filter(|g| matters(g.head)).collect();
    candidates.sort_by_key(|g| std::cmp::Reverse((g.head.importance, g.head.severity)));
    let mut chosen: Vec<&Group<'_>> = Vec::new();
    for group in candidates {
        if chosen.len() < MOST && !chosen.iter().any(|c| c.same_fix(group)) {
            chosen.push(group);
        }
    }
    chosen
}

fn matters(finding: &Finding) -> bool {
    finding.severity > Severity::Info
        && finding.importance >= LEAST_IMPORTANCE
        && !finding.fix.trim().is_empty()
}

/// The number under which the fix of a group stands in `Do first`, from 1.
pub(crate) fn number(chosen: &[&Group<'_>], group: &Group<'_>) -> Option<usize> {
    chosen.iter().position(|c| c.same_fix(group)).map(|i| i + 1)
}

pub(crate) fn write(page: &mut Page, report: &Report, chosen: &[&Group<'_>]) {
    if chosen.is_empty() {
        return;
    }
    page.heading("Do first");
    for (i, group) in chosen.iter().enumerate() {
        let title = group::title(report, group);
        page.entry(&[(Role::Strong, &format!("  {}.", i + 1))], INDENT, Role::Strong, &title);
        page.advice(INDENT, &group.head.fix);
        test(page, report, INDENT, group);
    }
}

/// The command that tests a group again: its own, or that for the whole target where its
/// endpoints have different ones.
pub(crate) fn retest(report: &Report, group: &Group<'_>) -> Option<String> {
    let retests = group.retests();
    match retests.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        _ => Some(whole_target(report)),
    }
}

pub(crate) fn test(page: &mut Page, report: &Report, indent: usize, group: &Group<'_>) {
    let Some(command) = retest(report, group) else { return };
    page.line(&[(Role::Plain, &" ".repeat(indent)), (Role::Faint, "Test:  "), (Role::Command, &command)]);
}

fn whole_target(report: &Report) -> String {
    let target = &report.target_parsed;
    match report.endpoints.first().map(|e| e.endpoint.port) {
        Some(port) if port != 25 && matches!(target, Target::Domain { .. }) => {
            format!("waxseal check {} --port {port}", target.argument())
        }
        _ => format!("waxseal check {}", target.argument()),
    }
}
