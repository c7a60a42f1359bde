//! What every check must keep to: a manual with all headings, and the three verdicts.

use waxseal_model::{Evidence, Finding, Severity, VerdictKind};

use super::*;
use crate::{Judgement, fixtures, judge, profile, profile_names};

fn judged(change: fn(&mut Evidence)) -> Judgement {
    let mut evidence = fixtures::healthy();
    change(&mut evidence);
    judge(&evidence, profile("mail").unwrap(), fixtures::NOW)
}

/// The judgement of evidence by the default rules.
pub(crate) fn judged_evidence(evidence: &Evidence) -> Judgement {
    judge(evidence, profile("mail").unwrap(), fixtures::NOW)
}

/// What a check finds in the healthy sample after a change.
pub(crate) fn findings(check: &str, change: fn(&mut Evidence)) -> Vec<Finding> {
    judged(change).findings.into_iter().filter(|f| f.check == check).collect()
}

fn verdict(judgement: &Judgement, check: &Check) -> VerdictKind {
    let entry = judgement.verdicts.iter().find(|v| v.check == check.id);
    entry.unwrap_or_else(|| panic!("{} gave no verdict", check.id)).verdict
}

#[test]
fn every_check_is_clear_found_and_undetermined_on_its_fixtures() {
    for check in ALL {
        let judgement = judged(check.fixtures.clear);
        assert_eq!(verdict(&judgement, check), VerdictKind::Clear, "{}", check.id);
        let judgement = judged(check.fixtures.found);
        assert_eq!(verdict(&judgement, check), VerdictKind::Found, "{}", check.id);
        let judgement = judged(check.fixtures.undetermined);
        assert_eq!(verdict(&judgement, check), VerdictKind::Undetermined, "{}", check.id);
        let entry = judgement.verdicts.iter().find(|v| v.check == check.id).unwrap();
        assert!(!entry.why.is_empty(), "{} does not say why it is undetermined", check.id);
    }
}

#[test]
fn a_healthy_domain_has_only_clear_verdicts() {
    let judgement = judged(|_| {});
    let unclear: Vec<_> = judgement.verdicts.iter().filter(|v| v.verdict != VerdictKind::Clear).collect();
    assert!(unclear.is_empty(), "{unclear:?}");
    assert_eq!(judgement.verdicts.len(), ALL.len());
}

#[test]
fn every_finding_says_what_why_and_how_to_mend_and_test_it() {
    for check in ALL {
        for finding in judged(check.fixtures.found).findings.iter().filter(|f| f.check == check.id) {
            assert!(!finding.title.contains('\n') && !finding.title.ends_with('.'), "{}", finding.title);
            assert!(finding.title.chars().count() <= 100, "too long: {}", finding.title);
            assert!(
                finding.detail.len() > 20 && finding.detail.ends_with('.'),
                "{}: {}",
                check.id,
                finding.detail
            );
            assert!(finding.detail.starts_with(|c: char| !c.is_whitespace()), "{}", finding.detail);
            assert!(!finding.detail.contains(".."), "{}: {}", check.id, finding.detail);
            assert!(finding.severity == Severity::Info || !finding.fix.is_empty(), "{} has no fix", check.id);
            let by_audit = finding.retest.starts_with("waxseal audit ");
            assert!(by_audit || finding.retest.starts_with("waxseal check "), "{}", finding.retest);
            assert!(by_audit || check.scope != crate::Scope::Audit, "{}: {}", check.id, finding.retest);
            assert_eq!(finding.endpoint.is_none(), check.scope == crate::Scope::Domain, "{}", check.id);
        }
    }
}

#[test]
fn every_manual_has_all_headings_in_order() {
    for check in ALL {
        let manual = check.manual();
        let mut rest = manual.as_str();
        for heading in ["# Effect\n", "# Method\n", "# Fix\n", "# Sources\n"] {
            let (_, after) =
                rest.split_once(heading).unwrap_or_else(|| panic!("{}: no {heading} in\n{manual}", check.id));
            assert!(
                after.starts_with(|c: char| c.is_alphanumeric() || c == '`'),
                "{}: {heading} is empty",
                check.id
            );
            rest = after;
        }
        assert!(
            manual.lines().next().unwrap().ends_with(['.', ')']),
            "{}: the title is one sentence",
            check.id
        );
        assert!(!manual.lines().any(|l| l.starts_with(' ')), "{manual}");
    }
}

#[test]
fn ids_are_unique_and_name_their_theme_and_file() {
    let mut ids: Vec<&str> = ALL.iter().map(|c| c.id).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for id in ids {
        let (theme, name) = id.split_once('.').unwrap();
        let path = format!("{}/src/checks/{theme}/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&path).exists(), "{path}");
    }
}

#[test]
fn every_vulnerability_that_an_audit_is_to_find_has_its_check() {
    let tls = [
        "heartbleed",
        "ccs_injection",
        "robot",
        "insecure_renegotiation",
        "client_renegotiation",
        "crime",
        "poodle",
        "fallback_scsv",
        "sweet32",
        "freak",
        "logjam",
        "drown",
        "beast",
        "lucky13",
        "rc4",
        "null",
        "anonymous",
        "export",
        "ticketbleed",
        "raccoon",
        "alpaca",
        "opossum",
        "sslv2",
        "sslv3",
        "tls10",
        "tls11",
        "forward_secrecy",
        "post_quantum",
        "early_data",
        "downgrade_sentinel",
        "session_resumption",
        "ticket_lifetime",
        "extended_master_secret",
        "encrypt_then_mac",
        "intolerance",
        "client_certificate",
        "sni_required",
    ];
    let others = ["smtp.starttls_injection", "smtp.starttls_buffering", "certificate.without_sni"];
    for id in tls.iter().map(|name| format!("tls.{name}")).chain(others.map(str::to_owned)) {
        assert!(ALL.iter().any(|c| c.id == id), "{id}");
    }
}

#[test]
fn a_server_that_was_not_reached_gives_no_clear_verdict_about_itself() {
    let judgement = judged(fixtures::unreachable);
    for v in judgement.verdicts.iter().filter(|v| v.endpoint.is_some() && v.check != "dane.tlsa") {
        assert_eq!(v.verdict, VerdictKind::Undetermined, "{}", v.check);
    }
}

#[test]
fn without_starttls_no_tls_or_certificate_verdict_is_given() {
    let judgement = judged(fixtures::plaintext_only);
    for v in &judgement.verdicts {
        if v.check.starts_with("tls.") || v.check.starts_with("certificate.") {
            assert_eq!(v.verdict, VerdictKind::Undetermined, "{}", v.check);
            assert_eq!(v.why, "the server does not offer STARTTLS");
        }
    }
}

#[test]
fn what_only_an_audit_asks_gives_no_verdict_after_a_check() {
    let judgement = judged(|e| fixtures::tls(e).audit = None);
    for check in ALL.iter().filter(|c| c.scope == crate::Scope::Audit) {
        assert!(judgement.verdicts.iter().all(|v| v.check != check.id), "{}", check.id);
    }
    let open: Vec<_> = judgement.verdicts.iter().filter(|v| v.verdict != VerdictKind::Clear).collect();
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn implicit_tls_is_asked_nothing_about_starttls() {
    let mut evidence = fixtures::healthy();
    evidence.endpoints[0].endpoint.tls = waxseal_model::TlsStart::Implicit;
    evidence.endpoints[0].endpoint.port = 465;
    let judgement = judge(&evidence, profile("mail").unwrap(), fixtures::NOW);
    assert!(judgement.verdicts.iter().all(|v| !v.check.contains("starttls")));
}

#[test]
fn profiles_change_severities_and_not_verdicts() {
    let mut evidence = fixtures::healthy();
    fixtures::version(&mut evidence, waxseal_model::tls::TlsVersion::Tls10, true);
    let mut severities = Vec::new();
    for name in profile_names() {
        let judgement = judge(&evidence, profile(name).unwrap(), fixtures::NOW);
        severities.extend(judgement.findings.iter().filter(|f| f.check == "tls.tls10").map(|f| f.severity));
    }
    assert_eq!(severities, [Severity::Low, Severity::High, Severity::High]);
}
