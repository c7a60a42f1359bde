//! What makes a report a failure: the user's limits, and what follows from them.

use crate::{
    evidence::MailRouting,
    finding::{Finding, Severity},
    grade::Letter,
    report::Report,
};

/// When a report is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// The least severity that counts.
    pub fail_on: Severity,
    /// The worst letter that passes.
    pub min_grade: Option<Letter>,
    /// What cannot be determined passes.
    pub inconclusive_is_fine: bool,
    /// Only findings count that are new, or worse, since the scan that the report was
    /// compared with.
    pub only_new: bool,
}

/// How a report stands. The order carries meaning: of several reports the last one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing at or above the threshold.
    Passes,
    /// It could not be determined.
    Undetermined,
    /// Findings at or above the threshold, or a letter below the least.
    Fails,
}

impl Threshold {
    /// True if a finding of a report is at or above the threshold.
    pub fn counts(&self, report: &Report, finding: &Finding) -> bool {
        finding.severity >= self.fail_on && (!self.only_new || report.is_new(finding))
    }

    /// True if the letter is worse than the least.
    pub fn grade_fails(&self, report: &Report) -> bool {
        // Letters are ordered best first.
        report.grade.letter.zip(self.min_grade).is_some_and(|(letter, least)| letter > least)
    }

    /// True if a report has no letter and that is a failure of its own. A report without a
    /// letter tested nothing that could be graded; a domain that declares to accept no mail
    /// needs no letter.
    pub fn is_undetermined(&self, report: &Report) -> bool {
        let accepts_no_mail = report.domain.as_ref().is_some_and(|d| d.routing == MailRouting::NullMx);
        report.grade.letter.is_none() && !accepts_no_mail && !self.inconclusive_is_fine
    }

    /// How a report stands. Without a letter it does not fail, whatever was found on the way.
    pub fn standing(&self, report: &Report) -> Standing {
        if self.is_undetermined(report) {
            Standing::Undetermined
        } else if report.grade.letter.is_none() {
            Standing::Passes
        } else if self.grade_fails(report) || report.findings.iter().any(|f| self.counts(report, f)) {
            Standing::Fails
        } else {
            Standing::Passes
        }
    }
}
