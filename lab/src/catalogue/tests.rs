//! The catalogue is whole and consistent.

use std::collections::BTreeSet;

use super::*;

#[test]
fn names_are_unique_and_the_demonstration_comes_first() {
    let domains = all();
    let labels: BTreeSet<_> = domains.iter().map(|d| d.label).collect();
    assert_eq!(labels.len(), domains.len());
    assert!(domains.iter().skip_while(|d| d.demo).all(|d| !d.demo));
}

#[test]
fn the_demonstration_has_what_its_page_promises() {
    let demo: Vec<_> = all().iter().filter(|d| d.demo).map(|d| d.label).collect();
    for label in [
        "healthy",
        "plaintext",
        "starttls-stripped",
        "starttls-454",
        "self-signed",
        "expired",
        "wrong-name",
        "missing-intermediate",
        "tls10-only",
        "broken-tlsa",
        "bogus",
        "sts-mismatch",
        "sts-testing",
        "null-mx",
        "tarpit",
        "one-bad-mx",
        "dane-only",
        "dane-bogus",
        "sts-enforce",
        "sts-redirect",
        "sts-cert-name-mismatch",
        "sts-dane-conflict",
    ] {
        assert!(demo.contains(&label), "{label}");
    }
}

#[test]
fn summaries_fit_on_a_line_and_every_domain_says_what_is_right() {
    for domain in all() {
        assert!((10..=90).contains(&domain.summary.chars().count()), "{}: {}", domain.label, domain.summary);
        assert!(!domain.expect.letters.is_empty(), "{}", domain.label);
        assert!(domain.expect.found.iter().all(|id| !domain.expect.may.contains(id)), "{}", domain.label);
    }
}

#[test]
fn a_verdict_is_compared_with_what_was_expected() {
    let expect = Expect { letters: &["D"], found: &["certificate.expired"], may: &["smtp.back_off"] };
    assert!(expect.violations(Some("D"), &["certificate.expired", "smtp.back_off", "tls.info"]).is_empty());
    assert_eq!(
        expect.violations(None, &["dns.bogus"]),
        ["grade - instead of D", "certificate.expired was not found", "dns.bogus was found, wrongly"]
    );
    assert_eq!(expect.to_string(), "grade D; certificate.expired");
    assert_eq!(Expect { letters: &["-"], ..Expect::default() }.to_string(), "no grade");
}
