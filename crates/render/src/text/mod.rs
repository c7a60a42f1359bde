//! The page that `waxseal check` prints for one target: the sentence first, then what to
//! do, then the evidence, worst first.

pub(crate) mod advice;
mod audit;
pub(crate) mod certificate;
mod chains;
mod clients;
pub(crate) mod endpoints;
mod findings;
pub(crate) mod fixes;
pub(crate) mod footer;
pub(crate) mod group;
mod header;
pub(crate) mod identity;
pub(crate) mod senders;
mod story;
pub(crate) mod undetermined;
mod verdicts;

use waxseal_model::Report;

pub use story::story;

use crate::{page::Page, style::Style};

/// What the page depends on beside the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// Colour, symbols, width.
    pub style: Style,
    /// Every verdict of every check, and no list cut short.
    pub verbose: bool,
    /// Seconds since 1970-01-01 UTC, for the days that certificates have left.
    pub now: i64,
}

/// The report for one target as a page of text. Every line ends with a line feed, and
/// none is wider than the page unless it holds a word or a setting that would be.
pub fn text(report: &Report, options: &TextOptions) -> String {
    let mut page = Page::new(options.style);
    let groups = group::groups(report);
    let first = fixes::choose(&groups);
    header::write(&mut page, report, options);
    advice::write(&mut page, report, !first.is_empty());
    fixes::write(&mut page, report, &first);
    endpoints::write(&mut page, report, options);
    senders::write(&mut page, report, options);
    findings::write(&mut page, report, options, &groups, &first);
    undetermined::write(&mut page, report, options);
    identity::write(&mut page, report, options);
    audit::write(&mut page, report, options);
    if options.verbose {
        verdicts::write(&mut page, report);
    }
    footer::write(&mut page, report, options);
    page.finish()
}

/// `a, b and 3 more`, or all of them with `limit` 0.
pub(crate) fn list<S: AsRef<str>>(items: &[S], limit: usize) -> String {
    let shown = if limit == 0 { items.len() } else { limit };
    let mut out = items.iter().take(shown).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    let rest = items.len().saturating_sub(shown);
    if rest > 0 {
        out.push_str(&format!(" and {rest} more"));
    }
    out
}
