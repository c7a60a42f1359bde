//! Certificates, drawn from the leaf to the root.

use waxseal_model::Report;

use super::TextOptions;
use crate::{
    audit::chains::{Tree, trees},
    page::Page,
    style::Role,
};

/// Where the text behind a label begins, as seen from the label.
const LABELS: usize = 17;
/// By how much each certificate stands to the right of the one that it signed.
const STEP: usize = 3;
/// Certificates that are moved in; longer chains go straight down.
const DEEPEST: usize = 6;

pub(super) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    for tree in trees(report, options.now) {
        heading(page, report, &tree);
        for (label, text) in &tree.lines {
            page.entry(&[(Role::Plain, &format!("  {label}:"))], 4, Role::Plain, text);
        }
        let last = tree.nodes.len().saturating_sub(1);
        for (depth, node) in tree.nodes.iter().enumerate() {
            let indent = 2 + STEP * depth.min(DEEPEST).saturating_sub(1);
            let branch = match (depth, page.style().unicode) {
                (0, _) => String::new(),
                (_, true) => "└─".to_owned(),
                (_, false) => "`-".to_owned(),
            };
            let lead = format!("{}{branch}", " ".repeat(indent));
            let hang = indent + if depth == 0 { 0 } else { STEP };
            let subject = format!("{} ({})", node.subject, node.place);
            let pieces: &[(Role, &str)] = if depth == 0 { &[] } else { &[(Role::Faint, &lead)] };
            page.entry(pieces, hang, Role::Strong, &subject);
            let rail = match (depth == last, page.style().unicode) {
                (true, _) => "  ",
                (false, true) => "│ ",
                (false, false) => "| ",
            };
            let lead = format!("{}{rail}", " ".repeat(hang));
            let more = node.more.iter().filter(|_| options.verbose);
            for (label, text) in node.lines.iter().chain(more) {
                let column = lead.chars().count() + LABELS;
                let pieces = [(Role::Faint, lead.as_str()), (Role::Plain, label)];
                page.entry(&pieces, column, Role::Plain, text);
            }
        }
        for subject in &tree.extra {
            page.paragraph(2, Role::Notice, &format!("Also sent, needed by no path: {subject}"));
        }
    }
}

fn heading(page: &mut Page, report: &Report, tree: &Tree<'_>) {
    let ids: Vec<Option<&str>> = tree.endpoints.iter().map(|id| Some(id.as_str())).collect();
    page.blank();
    let places = super::group::places(report, &ids, 0);
    page.paragraph(0, Role::Strong, &format!("Certificate: {places}"));
    page.paragraph(2, tree.outcome.0, &format!("{} ({})", tree.outcome.1, tree.handshakes.join("; ")));
}
