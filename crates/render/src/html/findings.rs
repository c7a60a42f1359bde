//! What was found, what could not be determined, and every verdict.

use maud::{Markup, html};
use waxseal_model::{Confidence, Report, VerdictKind};

use super::{
    HtmlOptions, STYLE, manual,
    parts::{self, Grid},
};
use crate::{
    text::{
        fixes,
        group::{self, Group},
        undetermined::blind,
    },
    words,
};

/// Each finding with its fix and its manual.
pub(super) fn findings(
    report: &Report,
    groups: &[Group<'_>],
    first: &[&Group<'_>],
    options: &HtmlOptions<'_>,
    id: &str,
) -> Markup {
    html! {
        @for (i, group) in groups.iter().enumerate() {
            @let finding = group.head;
            @let title = format!("{id}-f{}", i + 1);
            article.finding aria-labelledby=(title) {
                h4 id=(title) {
                    (parts::look(words::severity(finding.severity, &STYLE))) ": " (group::title(report, group))
                }
                p.faint {
                    code { (finding.check) } (sure(finding.confidence)) ", at "
                    (group::places(report, &group.endpoints(), 0))
                }
                (details(group))
                @if let Some(number) = fixes::number(first, group) {
                    p { span.strong { "Fix: " } a href={ "#" (id) "-first" } { "number " (number) " above" } }
                } @else if !finding.fix.trim().is_empty() {
                    p.strong { "Fix" }
                    (parts::fix(&finding.fix))
                    @if let Some(command) = fixes::retest(report, group) {
                        p { "Then test it:" }
                        pre { code { (command) } }
                    }
                }
                @if let Some(manual) = options.manuals.iter().find(|m| m.id == finding.check) {
                    (manual::details(manual))
                }
            }
        }
    }
}

fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "",
        Confidence::Medium => " (likely)",
        Confidence::Low => " (a guess)",
    }
}

/// The details that the endpoints of a group have, each with its endpoint where there are
/// several.
fn details(group: &Group<'_>) -> Markup {
    html! {
        @if let [(_, detail)] = group.details.as_slice() {
            p { (detail) }
        } @else {
            ul {
                @for (endpoint, detail) in &group.details {
                    li { (endpoint.unwrap_or("the domain")) ": " (detail) }
                }
            }
        }
    }
}

/// Where something could not be determined, and why.
pub(super) fn undetermined(report: &Report) -> Markup {
    html! {
        @for spot in blind(report) {
            h4 { (group::places(report, &spot.places, 0)) }
            ul { @for gap in &spot.gaps { li { (gap.why) ": " code { (gap.checks.join(", ")) } } } }
        }
    }
}

/// Every verdict, those with something in them first; to be opened.
pub(super) fn verdicts(report: &Report, id: &str) -> Markup {
    let titles = ["Check", "Verdict", "Where", "Why"];
    let mut grid = Grid::new(format!("{id}-verdicts-table"), "Every check and its verdict", &titles);
    let mut verdicts: Vec<_> = report.verdicts.iter().collect();
    verdicts.sort_by_key(|v| match v.verdict {
        VerdictKind::Found => 0,
        VerdictKind::Undetermined => 1,
        VerdictKind::Clear => 2,
    });
    for verdict in verdicts {
        grid.row(vec![
            html! { code { (verdict.check) } },
            parts::look(words::verdict(verdict.verdict, &STYLE)),
            html! { (verdict.endpoint.as_deref().unwrap_or("the domain")) },
            html! { (verdict.why) },
        ]);
    }
    html! {
        @if !report.verdicts.is_empty() {
            details { summary { (crate::text::footer::answers(report)) } (grid.markup()) }
        }
    }
}
