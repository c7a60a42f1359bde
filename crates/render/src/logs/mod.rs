//! What `waxseal logs` tells.
//!
//! - [`text`]: for people: how mail went out, what to do first, then the tables.
//! - [`json`] and [`fn@schema`]: for programs, and for a later run to compare with.
//! - [`svg`]: a picture of how mail was protected over time.

mod numbers;
mod overview;
mod schema;
mod svg;
mod tables;

use waxseal_model::LogSummary;

pub use schema::schema;
pub use svg::svg;

use crate::{json::any, page::Page, style::Style};

/// What the page depends on beside the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// Colour, symbols, width.
    pub style: Style,
    /// Lines of each table; 0 is all.
    pub top: usize,
}

/// The summary as a page of text.
pub fn text(summary: &LogSummary, options: &LogOptions) -> String {
    let mut page = Page::new(options.style);
    overview::write(&mut page, summary);
    overview::advice(&mut page, summary);
    tables::clear(&mut page, summary, options.top);
    tables::causes(&mut page, summary, options.top);
    tables::waiting(&mut page, summary, options.top);
    tables::domains(&mut page, summary, options.top);
    tables::sites(&mut page, summary, options.top);
    tables::sources(&mut page, summary, options.top);
    tables::rejections(&mut page, summary, options.top);
    tables::change(&mut page, summary, options.top);
    overview::footer(&mut page, summary);
    page.finish()
}

/// The summary as `--json` prints it, with at most `top` domains and sites; 0 is all.
///
/// # Errors
///
/// Only where the serializer refuses a value, which no value of the model is known to
/// bring about.
pub fn json(summary: &LogSummary, top: usize) -> Result<String, serde_json::Error> {
    if top == 0 || summary.domains.len().max(summary.sites.len()).max(summary.waiting.domains.len()) <= top {
        return any(summary);
    }
    let mut short = summary.clone();
    for domain in short.domains.split_off(top.min(short.domains.len())) {
        short.others.count += 1;
        short.others.delivered.merge(&domain.delivered);
        short.others.undelivered += domain.deferred + domain.failed;
    }
    short.sites.truncate(top);
    short.waiting.domains.truncate(top);
    any(&short)
}
