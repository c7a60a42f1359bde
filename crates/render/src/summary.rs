//! Several targets, one line each, worst first.

use std::collections::{BTreeMap, BTreeSet};

use waxseal_model::{Letter, Report, Severity};

use crate::{
    page::Page,
    style::{Role, Style},
    table::{Row, Table},
    text::group,
    when, words,
};

/// The letter, the target, and the worst that was found there. Targets without a letter
/// come between those that are broken (D to X) and those that are sound (C and better).
pub fn summary(reports: &[Report], style: &Style) -> String {
    let mut page = Page::new(*style);
    let sorted = worst_first(reports);
    let titles = vec!["grade", "target", "the worst of it"];
    let mut table = Table { titles, wraps: vec![false, true, true], ..Table::default() };
    for report in &sorted {
        let role = words::letter_role(report.grade.letter);
        let letter = report.grade.letter.map_or("?", Letter::label);
        table.rows.push(Row::Cells(vec![
            (role, letter.to_owned()),
            (Role::Strong, report.target.clone()),
            outcome(report, style),
        ]));
    }
    table.write(&mut page);
    page.blank();
    write_totals(&mut page, reports);
    page.finish()
}

/// How many targets got which letter, and what that cost.
pub fn totals(reports: &[Report], style: &Style) -> String {
    let mut page = Page::new(*style);
    write_totals(&mut page, reports);
    page.finish()
}

fn write_totals(page: &mut Page, reports: &[Report]) {
    page.paragraph(0, Role::Plain, &count(reports));
    if reports.iter().any(|r| r.grade.provisional) {
        let note = "Some letters are provisional: not all published policies (MTA-STS, DANE) are known.";
        page.paragraph(0, Role::Faint, note);
    }
}

/// The targets with the worst in front.
pub(crate) fn worst_first(reports: &[Report]) -> Vec<&Report> {
    let mut sorted: Vec<&Report> = reports.iter().collect();
    sorted.sort_by_key(|r| std::cmp::Reverse(rank(r)));
    sorted
}

/// The order of targets: higher is worse.
fn rank(report: &Report) -> (u8, Option<Severity>) {
    let letter = match report.grade.letter {
        Some(Letter::APlus) => 0,
        Some(Letter::A) => 1,
        Some(Letter::B) => 2,
        Some(Letter::C) => 3,
        None => 4,
        Some(Letter::D) => 5,
        Some(Letter::E) => 6,
        Some(Letter::F) => 7,
        Some(Letter::X) => 8,
    };
    (letter, report.findings.iter().map(|f| f.severity).max())
}

fn outcome(report: &Report, style: &Style) -> (Role, String) {
    let worst = report.findings.iter().filter(|f| f.severity > Severity::Info);
    match worst.max_by_key(|f| (f.severity, f.importance)) {
        Some(finding) => {
            let look = words::severity(finding.severity, style);
            (look.role, format!("{} {}", look.text(), without_host(report, &finding.title)))
        }
        None if report.grade.letter.is_some() => {
            let grade = &report.grade;
            let authentication = grade.authentication_why.split(';').next().unwrap_or_default();
            (Role::Plain, format!("{}; {authentication}", grade.encryption_why))
        }
        None => {
            let summary = &report.grade.summary;
            let rest = summary.strip_prefix(report.target.as_str()).unwrap_or(summary);
            (Role::Plain, rest.trim_start().to_owned())
        }
    }
}

/// A title without the name of the server, where the target has but one: the line says
/// already what it is about.
fn without_host(report: &Report, title: &str) -> String {
    let hosts: BTreeSet<String> = report.endpoints.iter().map(|e| group::host(&e.endpoint)).collect();
    let (Some(host), 1) = (hosts.first(), hosts.len()) else { return title.to_owned() };
    let title = title.replace(&format!(" of {host}"), "");
    title.strip_prefix(host.as_str()).map_or_else(|| title.clone(), |rest| rest.trim_start().to_owned())
}

/// `15 targets: 1 X, 2 F, 12 C. 180 connections.`
fn count(reports: &[Report]) -> String {
    let mut letters: BTreeMap<Letter, u32> = BTreeMap::new();
    let mut ungraded = 0u32;
    for report in reports {
        match report.grade.letter {
            Some(letter) => *letters.entry(letter).or_default() += 1,
            None => ungraded += 1,
        }
    }
    let mut parts: Vec<String> = letters.iter().rev().map(|(l, n)| format!("{n} {}", l.label())).collect();
    if ungraded > 0 {
        parts.push(format!("{ungraded} not graded"));
    }
    let connections: u64 = reports.iter().map(|r| u64::from(r.cost.connections)).sum();
    format!(
        "{}: {}. {}.",
        when::count(reports.len(), "target"),
        parts.join(", "),
        when::count(connections, "connection")
    )
}
