//! What the audits said, as tables for people; `cargo test` prints them with `--nocapture`.

use waxseal_lab::{AuditExpect, AuditVerdict, LabDomain};

use super::audit::Audited;

/// A line for each case: its cost, how many verdicts of each kind, and whether all is right.
pub(crate) fn cases(domains: &[LabDomain], audited: &[Audited]) -> String {
    let mut page = format!("{:32}{:>12}{:>8}  verdicts\n", "case", "connections", "ms");
    for (domain, audited) in domains.iter().zip(audited) {
        let count = |wanted| audited.verdicts.values().filter(|(verdict, _)| *verdict == wanted).count();
        page.push_str(&format!(
            "{:32}{:>12}{:>8}  {} found, {} clear, {} undetermined\n",
            domain.name,
            audited.connections,
            audited.milliseconds,
            count(AuditVerdict::Found),
            count(AuditVerdict::Clear),
            count(AuditVerdict::Undetermined),
        ));
    }
    page
}

/// A line for each check: at how many cases each verdict was expected, and came.
pub(crate) fn checks(domains: &[LabDomain], audited: &[Audited]) -> String {
    let mut page = format!("{:32}{:>14}{:>14}{:>14}\n", "check", "found", "clear", "undetermined");
    for id in AuditExpect::CHECKS {
        let cell = |ids: fn(&AuditExpect) -> &'static [&'static str], wanted: AuditVerdict| {
            let cases = domains.iter().zip(audited).filter(|(domain, _)| ids(&domain.audit).contains(id));
            let right = cases
                .clone()
                .filter(|(_, a)| a.verdicts.get(*id).is_some_and(|(verdict, _)| *verdict == wanted));
            format!("{} of {}", right.count(), cases.count())
        };
        page.push_str(&format!(
            "{id:32}{:>14}{:>14}{:>14}\n",
            cell(|e| e.found, AuditVerdict::Found),
            cell(|e| e.clear, AuditVerdict::Clear),
            cell(|e| e.undetermined, AuditVerdict::Undetermined),
        ));
    }
    page
}
