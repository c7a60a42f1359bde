//! The page for one target.

use unicode_width::UnicodeWidthStr;
use waxseal_render::{Style, TextOptions, text};

use crate::samples;

fn options() -> TextOptions {
    TextOptions { style: Style::plain(), verbose: false, now: samples::NOW }
}

#[test]
fn every_sample_looks_as_recorded() {
    for (name, report) in samples::all() {
        insta::assert_snapshot!(name, text(&report, &options()));
    }
}

#[test]
fn the_same_finding_at_several_hosts_is_one_block() {
    let page = text(&samples::old_tls_long_names(), &options());
    assert_eq!(page.matches("HIGH  tls.old_version  all 3 addresses").count(), 1, "{page}");
    assert!(page.contains("(likewise 2 other hosts)"), "{page}");
}

#[test]
fn findings_of_one_check_with_other_fixes_stay_apart() {
    let mut report = samples::old_tls_long_names();
    report.findings[1].fix = "Replace it.".into();
    report.findings[2].detail = "Something else was seen.".into();
    let page = text(&report, &options());
    assert_eq!(page.matches("HIGH  tls.old_version").count(), 2, "{page}");
    assert!(page.contains("Something else was seen."), "{page}");
}

#[test]
fn at_most_three_fixes_come_first_and_none_for_what_is_worth_knowing() {
    let mut report = samples::self_signed();
    let mut fourth = report.findings[2].clone();
    (fourth.check, fourth.fix) = ("tls.other".into(), "Another fix.".into());
    report.findings.push(fourth);
    let page = text(&report, &options());
    assert!(page.contains("\n  3. ") && !page.contains("\n  4. "), "{page}");
    assert!(page.contains("Fix:   Another fix."), "{page}");
    for finding in &mut report.findings {
        finding.severity = waxseal_model::Severity::Info;
    }
    assert!(!text(&report, &options()).contains("Do first"));
}

#[test]
fn a_certificate_is_called_valid_only_if_its_name_was_compared() {
    let mut report = samples::healthy();
    report.verdicts.retain(|v| !v.check.starts_with("certificate.name"));
    let page = text(&report, &options());
    assert!(!page.contains("valid, 61") && page.contains("name not"), "{page}");
}

#[test]
fn days_left_are_counted_from_now() {
    let report = samples::healthy();
    let at = |days: i64| text(&report, &TextOptions { now: samples::NOW + days * 86_400, ..options() });
    assert!(at(60).contains("valid, 1 day "), "{}", at(60));
    assert!(at(63).contains("EXPIRED 2 days ago"), "{}", at(63));
    assert!(at(-30).contains("NOT YET VALID"), "{}", at(-30));
}

#[test]
fn samples_fit_eighty_columns_but_for_settings() {
    for (name, report) in samples::all() {
        let page = text(&report, &options());
        for line in page.lines() {
            let kept_whole =
                line.contains(" = /") || line.contains("waxseal check") || !line.trim().contains(' ');
            assert!(line.width() <= 80 || kept_whole, "{name}: {} columns: {line}", line.width());
            assert_eq!(line, line.trim_end(), "{name}: spaces at the end");
        }
    }
}
