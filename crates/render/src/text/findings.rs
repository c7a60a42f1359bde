//! What was found, worst first.

use std::collections::BTreeMap;

use waxseal_model::{Confidence, Report, Severity};

use super::{
    TextOptions, fixes,
    group::{self, Group},
};
use crate::{
    guard::harmless,
    page::{Page, width},
    style::Role,
    when, words,
};

/// Column of the text beneath the line with severity, check and place.
const INDENT: usize = 4;
/// Details of one finding that are listed, if they differ from place to place.
const DETAILS: usize = 3;
/// Addresses at which a finding holds that are listed.
const PLACES: usize = 5;

/// What is only worth knowing takes little room, unless all is asked for.
pub(super) fn write(
    page: &mut Page,
    report: &Report,
    options: &TextOptions,
    groups: &[Group<'_>],
    first: &[&Group<'_>],
) {
    if groups.is_empty() {
        return;
    }
    page.heading("Found, worst first");
    let mut first_info = true;
    let mut fixes_shown: BTreeMap<&str, &str> = BTreeMap::new();
    for group in groups {
        let finding = group.head;
        let brief = finding.severity == Severity::Info && !options.verbose;
        if !brief || first_info {
            page.blank();
        }
        head(page, report, group, if options.verbose { 0 } else { PLACES });
        if brief {
            first_info = false;
            page.paragraph(INDENT, Role::Plain, &sentences(&group::title(report, group), &finding.detail));
            continue;
        }
        page.paragraph(INDENT, Role::Strong, &group::title(report, group));
        details(page, group, options);
        if finding.fix.trim().is_empty() {
            continue;
        }
        if let Some(number) = fixes::number(first, group) {
            page.paragraph(INDENT, Role::Faint, &format!("Fix:   number {number} above"));
        } else if let Some(check) = fixes_shown.get(finding.fix.as_str()) {
            page.paragraph(INDENT, Role::Faint, &format!("Fix:   as for {check} above"));
        } else {
            fix(page, &finding.fix);
            fixes_shown.insert(&finding.fix, &finding.check);
            if finding.severity > Severity::Info {
                fixes::test(page, report, INDENT, group);
            }
        }
    }
}

/// `▲ HIGH  certificate.name_mismatch  mx2.example.com[192.0.2.26]:25`, with the places on
/// lines of their own where one line does not hold them.
fn head(page: &mut Page, report: &Report, group: &Group<'_>, limit: usize) {
    let look = words::severity(group.head.severity, page.style());
    let sure = match group.head.confidence {
        Confidence::High => "",
        Confidence::Medium => " (likely)",
        Confidence::Low => " (a guess)",
    };
    let check = format!("  {}{sure} ", group.head.check);
    let places = group::places(report, &group.endpoints(), limit);
    let head = [(look.role, look.text()), (Role::Plain, check)];
    let head = head.each_ref().map(|(role, text)| (*role, text.as_str()));
    let taken: usize = head.iter().map(|(_, text)| width(&harmless(text))).sum();
    if taken + 1 + width(&harmless(&places)) <= page.width() {
        page.entry(&head, INDENT, Role::Faint, &places);
    } else {
        page.line(&head);
        page.paragraph(INDENT, Role::Faint, &places);
    }
}

/// The details that the endpoints of a group have, each with its endpoint where there are
/// several.
fn details(page: &mut Page, group: &Group<'_>, options: &TextOptions) {
    if let [(_, detail)] = group.details.as_slice() {
        page.paragraph(INDENT, Role::Plain, detail);
        return;
    }
    let shown = if options.verbose { group.details.len() } else { DETAILS };
    for (endpoint, detail) in group.details.iter().take(shown) {
        page.paragraph(INDENT, Role::Plain, &format!("{}: {detail}", endpoint.unwrap_or("the domain")));
    }
    let rest = group.details.len().saturating_sub(shown);
    if rest > 0 {
        page.paragraph(
            INDENT,
            Role::Faint,
            &format!("and {} (--verbose)", when::count(rest, "other detail")),
        );
    }
}

/// Title and detail as running text.
fn sentences(title: &str, detail: &str) -> String {
    let stop = if title.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{title}{stop} {}", detail.trim_start())
}

/// The fix, behind its label if it is one line of prose, else beneath it.
fn fix(page: &mut Page, text: &str) {
    let pad = " ".repeat(INDENT);
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with(' ') {
        page.line(&[(Role::Plain, &pad), (Role::Faint, "Fix:")]);
        page.advice(INDENT, text);
    } else {
        page.entry(&[(Role::Plain, &pad), (Role::Faint, "Fix:")], INDENT + 7, Role::Plain, first);
        page.advice(INDENT + 7, text.split_once('\n').map_or("", |(_, rest)| rest));
    }
}
