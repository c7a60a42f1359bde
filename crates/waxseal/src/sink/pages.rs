//! Reports as text: a page for one target, of several a table, stories or pages.

use waxseal_model::Report;
use waxseal_render::{Style, TextOptions, changes, story, summary, summary::totals, text, transcript};

use crate::commands::output_args::OutputArgs;

/// How the text of a run is made.
pub(super) struct Pages<'a> {
    pub(super) output: &'a OutputArgs,
    pub(super) style: Style,
    /// How many targets there are.
    pub(super) of: usize,
    /// Each target in a few lines as it comes, instead of a table at the end.
    pub(super) story: bool,
    pub(super) now: i64,
}

impl Pages<'_> {
    /// What one report adds. `first` is true for the first one; `verdict` is that of the one
    /// sender whose view counts.
    pub(super) fn one(&self, report: &Report, first: bool, verdict: Option<&str>) -> String {
        let mut out = String::new();
        if let Some(verdict) = verdict {
            out.push_str(&line(&format!("{verdict}\n")));
        }
        let options = TextOptions { style: self.style, verbose: self.output.verbose, now: self.now };
        let told = changes(report, &self.style);
        if self.is_story() {
            out.push_str(&line(&format!("{}\n", story(report, &options))));
        } else if self.is_paged() {
            let gap = if first { "" } else { "\n" };
            out.push_str(&line(&format!("{gap}{}", text(report, &options))));
        }
        if !told.is_empty() && (self.is_story() || self.is_paged()) {
            let gap = if self.is_story() { "" } else { "\n" };
            let end = if self.is_story() { "\n" } else { "" };
            out.push_str(&format!("{gap}{told}{end}"));
        }
        if self.output.transcript {
            out.push_str(&line(&transcript(report, &self.style)));
        }
        out
    }

    /// What comes last.
    pub(super) fn end(&self, reports: &[Report]) -> String {
        if self.of < 2 || reports.is_empty() {
            return String::new();
        }
        let gap = if self.output.verbose { "\n" } else { "" };
        if self.story {
            return line(&format!("{gap}{}", totals(reports, &self.style)));
        }
        let mut out = line(&format!("{gap}{}", summary(reports, &self.style)));
        if !self.is_paged() {
            for told in reports.iter().map(|r| changes(r, &self.style)).filter(|told| !told.is_empty()) {
                out.push_str(&format!("\n{told}"));
            }
        }
        out
    }

    fn is_story(&self) -> bool {
        self.story && !self.output.verbose
    }

    fn is_paged(&self) -> bool {
        self.of == 1 || self.output.verbose
    }
}

/// Text that ends with a line feed.
fn line(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
