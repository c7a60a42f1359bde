//! The cases are whole and consistent.

use std::collections::BTreeSet;

use super::*;

#[test]
fn labels_are_unique_also_among_all_domains() {
    let domains: Vec<_> = list().into_iter().chain(super::super::all()).collect();
    let labels: BTreeSet<_> = domains.iter().map(|d| d.label).collect();
    assert_eq!(labels.len(), domains.len());
}

#[test]
fn every_check_has_a_case_for_each_verdict() {
    let cases = list();
    for id in AuditExpect::CHECKS {
        let named =
            |of: fn(&AuditExpect) -> &'static [&'static str]| cases.iter().any(|d| of(&d.audit).contains(id));
        assert!(named(|e| e.found), "{id} is found nowhere");
        assert!(named(|e| e.clear), "{id} is clear nowhere");
        assert!(named(|e| e.undetermined), "{id} is undetermined nowhere");
    }
}

#[test]
fn expectations_name_known_checks_once_and_summaries_fit_on_a_line() {
    for domain in list() {
        let AuditExpect { found, may, clear, undetermined } = domain.audit;
        let all: Vec<_> = [found, clear, undetermined].concat();
        let once: BTreeSet<_> = all.iter().collect();
        assert_eq!(once.len(), all.len(), "{}", domain.label);
        assert!(all.iter().chain(may).all(|id| AuditExpect::CHECKS.contains(id)), "{}", domain.label);
        assert!((10..=90).contains(&domain.summary.chars().count()), "{}", domain.summary);
        assert!(!domain.demo);
    }
}

#[test]
fn an_audit_is_compared_with_what_was_expected() {
    use AuditVerdict::{Clear, Found, Undetermined};
    let expect = AuditExpect::found(&["tls.rc4"]).and_clear(&["tls.robot"]);
    let right = [("tls.rc4", Found), ("tls.robot", Clear), ("tls.alpaca", Found), ("tls.null", Undetermined)];
    assert!(expect.violations(&right).is_empty());
    assert_eq!(
        expect.violations(&[("tls.robot", Undetermined), ("tls.null", Found)]),
        [
            "tls.rc4 has no verdict instead of found",
            "tls.robot is undetermined instead of clear",
            "tls.null was found, wrongly"
        ]
    );
    assert_eq!(expect.to_string(), "found: tls.rc4; clear: tls.robot");
}
