//! Comparisons of the healthy sample with changed copies of it.

use proptest::prelude::*;
use waxseal_model::{
    Cause, Evidence, Observed,
    change::{Change, ChangeKind, Direction},
    evidence::MailRouting,
    policy::StsMode,
    tls::TlsVersion,
};

use super::*;
use crate::{
    fixtures::{self, DAY, NOW},
    judge, profile,
};

fn report(evidence: &Evidence) -> Report {
    let j = judge(evidence, profile("mail").unwrap(), evidence.started_at);
    Report::new(evidence.clone(), j.grade, j.verdicts, j.findings, j.senders, j.clients)
}

/// The sample, and what changes when it is changed.
fn after(change: impl FnOnce(&mut Evidence)) -> Comparison {
    between(|_| {}, change)
}

fn between(before: impl FnOnce(&mut Evidence), after: impl FnOnce(&mut Evidence)) -> Comparison {
    let (mut old, mut new) = (fixtures::healthy(), fixtures::healthy());
    before(&mut old);
    after(&mut new);
    compare(&report(&old), &report(&new))
}

fn kinds(comparison: &Comparison) -> Vec<(Direction, ChangeKind)> {
    comparison.changes.iter().map(|c| (c.direction, c.kind)).collect()
}

fn of(comparison: &Comparison, kind: ChangeKind) -> Vec<&Change> {
    comparison.changes.iter().filter(|c| c.kind == kind).collect()
}

#[test]
fn the_same_scan_again_has_no_changes() {
    let again = after(|e| e.started_at += DAY);
    assert_eq!(again.changes, []);
    assert_eq!(again.since, NOW);
}

#[test]
fn another_address_of_the_same_host_is_no_change() {
    let moved = after(|e| e.endpoints[0].endpoint.address = "198.51.101.99".parse().unwrap());
    assert_eq!(moved.changes, []);
}

#[test]
fn a_new_fault_is_worse_and_its_mending_better() {
    let old_tls = |e: &mut Evidence| fixtures::version(e, TlsVersion::Tls10, true);
    let worse = after(old_tls);
    let found = of(&worse, ChangeKind::NewFinding);
    assert_eq!(found[0].check.as_deref(), Some("tls.tls10"));
    assert_eq!(found[0].place.as_deref(), Some("mx1.example.com:25"));
    assert!(kinds(&worse).contains(&(Direction::Worse, ChangeKind::Version)), "{worse:#?}");
    let better = between(old_tls, |_| {});
    assert_eq!(of(&better, ChangeKind::MendedFinding)[0].check.as_deref(), Some("tls.tls10"));
    assert!(better.changes.iter().all(|c| c.direction == Direction::Better), "{better:#?}");
}

#[test]
fn a_finding_that_cannot_be_looked_for_is_lost_and_not_mended() {
    let old_tls = |e: &mut Evidence| fixtures::version(e, TlsVersion::Tls10, true);
    let lost = between(old_tls, |e| {
        fixtures::tls(e).versions.insert(TlsVersion::Tls10, fixtures::failed());
    });
    let finding = of(&lost, ChangeKind::LostFinding)[0];
    assert_eq!(finding.direction, Direction::Unknown);
    assert!(finding.after.as_deref().is_some_and(|why| why.contains("no answer")), "{finding:?}");
    assert!(of(&lost, ChangeKind::MendedFinding).is_empty());
    assert!(of(&lost, ChangeKind::Version).is_empty());
}

#[test]
fn a_server_that_is_out_of_reach_takes_its_clear_checks_along_in_one_line() {
    let silent = after(|e| {
        let facts = &mut e.endpoints[0].evidence;
        facts.smtp = waxseal_model::smtp::Conversation {
            connected: fixtures::failed(),
            ..waxseal_model::smtp::Conversation::default()
        };
        facts.tls = waxseal_model::tls::TlsEvidence::default();
        facts.chains = Observed::default();
        facts.dane = Observed::default();
    });
    let lost: Vec<_> = of(&silent, ChangeKind::LostCheck).into_iter().filter(|c| c.place.is_some()).collect();
    assert!(lost.len() < 4, "{lost:#?}");
    assert_eq!(kinds(&silent)[0], (Direction::Unknown, ChangeKind::Letter), "{silent:#?}");
    assert!(of(&silent, ChangeKind::NewFinding).is_empty());
}

#[test]
fn more_days_or_fewer_are_the_same_finding() {
    let expired =
        |days: i64| move |e: &mut Evidence| fixtures::own_certificate(e).not_after = NOW - days * DAY;
    let same = between(expired(2), expired(3));
    assert!(of(&same, ChangeKind::NewFinding).is_empty(), "{same:#?}");
    assert!(of(&same, ChangeKind::MendedFinding).is_empty());
}

#[test]
fn a_certificate_that_comes_closer_to_its_end_is_a_worse_finding() {
    let left = |days: i64| move |e: &mut Evidence| fixtures::own_certificate(e).not_after = NOW + days * DAY;
    let worse = between(left(17), left(10));
    let change = of(&worse, ChangeKind::WorseFinding)[0];
    assert_eq!((change.before.as_deref(), change.after.as_deref()), (Some("medium"), Some("high")));
    assert!(worse.is_new("certificate.expires_soon", Some("mx1.example.com:25"), &change.text));
    assert!(!worse.is_new("certificate.expires_soon", None, &change.text));
    assert_eq!(of(&between(left(10), left(17)), ChangeKind::EasedFinding).len(), 1);
}

#[test]
fn another_certificate_is_told_by_its_fingerprint_and_end() {
    let renewed = after(|e| {
        let certificate = fixtures::own_certificate(e);
        certificate.sha256 = "ff".repeat(32);
        certificate.not_after += 60 * DAY;
    });
    let change = of(&renewed, ChangeKind::Certificate)[0];
    assert_eq!(change.direction, Direction::Neutral);
    assert!(change.text.contains("for the same key"), "{}", change.text);
    assert!(change.after.as_deref().is_some_and(|a| a.contains(&"ff".repeat(32))));
    let partly = after(|e| e.endpoints[0].evidence.chains = fixtures::failed());
    assert!(of(&partly, ChangeKind::Certificate).is_empty());
}

#[test]
fn lists_are_compared_only_as_far_as_they_are_complete() {
    let more = |e: &mut Evidence| {
        let tls = fixtures::tls(e);
        tls.suites.get_mut(&TlsVersion::Tls12).unwrap().push("TLS_RSA_WITH_AES_128_CBC_SHA".into());
        tls.groups.push("secp521r1".into());
    };
    let incomplete = |e: &mut Evidence| {
        let lists = &mut fixtures::tls(e).audit.as_mut().unwrap().suite_lists;
        lists.insert(TlsVersion::Tls12, Observed::not_tried(Cause::Budget, "no connection was left"));
    };
    let added = after(more);
    assert_eq!(of(&added, ChangeKind::Suite)[0].after.as_deref(), Some("TLS_RSA_WITH_AES_128_CBC_SHA"));
    assert_eq!(of(&added, ChangeKind::Group)[0].after.as_deref(), Some("secp521r1"));
    let removed = between(more, |_| {});
    assert_eq!(of(&removed, ChangeKind::Suite)[0].before.as_deref(), Some("TLS_RSA_WITH_AES_128_CBC_SHA"));
    assert!(of(&between(more, incomplete), ChangeKind::Suite).is_empty());
    assert!(of(&between(incomplete, more), ChangeKind::Suite).is_empty());
}

#[test]
fn a_check_after_an_audit_mends_nothing_that_it_does_not_ask() {
    let vulnerable = |e: &mut Evidence| {
        let audit = fixtures::tls(e).audit.as_mut().unwrap();
        audit.heartbleed = Observed::seen(waxseal_model::audit::Heartbleed::Answered { beyond: 1 });
    };
    let checked = |e: &mut Evidence| {
        let tls = fixtures::tls(e);
        tls.audit = None;
        tls.suites.clear();
        tls.signature_algorithms.clear();
    };
    let comparison = between(vulnerable, checked);
    assert!(of(&comparison, ChangeKind::MendedFinding).is_empty(), "{comparison:#?}");
    assert!(of(&comparison, ChangeKind::Suite).is_empty());
}

#[test]
fn policies_weaken_strengthen_vanish_or_cannot_be_told() {
    let mode = |mode| {
        move |e: &mut Evidence| {
            if let Observed::Seen { value: Some(policy) } = &mut e.domain.as_mut().unwrap().policies.sts {
                policy.mode = mode;
            }
        }
    };
    let weaker = after(mode(StsMode::Testing));
    assert!(weaker.changes.iter().any(|c| c.text == "MTA-STS went from enforce to testing"));
    assert_eq!(of(&weaker, ChangeKind::Policy)[0].direction, Direction::Worse);
    let stronger = between(mode(StsMode::Testing), |_| {});
    assert_eq!(of(&stronger, ChangeKind::Policy)[0].direction, Direction::Better);
    let gone = after(|e| e.endpoints[0].evidence.dane = Observed::seen(None));
    assert_eq!(of(&gone, ChangeKind::Policy)[0].direction, Direction::Worse);
    let untold = after(|e| e.endpoints[0].evidence.dane = fixtures::failed());
    assert_eq!(of(&untold, ChangeKind::Policy)[0].direction, Direction::Unknown);
    let reports = after(|e| {
        let record = waxseal_model::policy::TlsRptRecord { rua: vec!["mailto:new@example.com".into()] };
        e.domain.as_mut().unwrap().policies.tlsrpt = Observed::seen(Some(record));
    });
    assert_eq!(of(&reports, ChangeKind::Policy)[0].direction, Direction::Neutral);
}

#[test]
fn a_host_that_left_takes_its_findings_along() {
    let two = |e: &mut Evidence| {
        let mut second = e.endpoints[0].clone();
        second.endpoint.host = Some("mx2.example.com".into());
        second.evidence.tls.versions.insert(TlsVersion::Tls10, Observed::seen(true));
        e.endpoints.push(second);
        let hosts = &mut e.domain.as_mut().unwrap().hosts;
        let mut host = hosts[0].clone();
        host.name = "mx2.example.com".into();
        hosts.push(host);
    };
    let gone = between(two, |_| {});
    let mended = of(&gone, ChangeKind::MendedFinding);
    assert!(mended.iter().any(|c| c.check.as_deref() == Some("tls.tls10")), "{gone:#?}");
    assert_eq!(of(&gone, ChangeKind::Host)[0].text, "No longer mail hosts: 10 mx2.example.com");
    let unknown = between(two, |e| e.domain.as_mut().unwrap().routing = MailRouting::Unknown);
    assert!(of(&unknown, ChangeKind::Host).is_empty());
    assert!(of(&unknown, ChangeKind::LostFinding).iter().any(|c| c.check.as_deref() == Some("tls.tls10")));
}

#[test]
fn the_letter_comes_first_and_worse_before_better() {
    let worse = after(|e| {
        fixtures::version(e, TlsVersion::Tls10, true);
        fixtures::own_certificate(e).not_after = NOW - DAY;
        e.endpoints[0].evidence.dane = Observed::seen(None);
        e.domain.as_mut().unwrap().policies.sts = Observed::seen(None);
    });
    assert_eq!(worse.changes[0].kind, ChangeKind::Letter, "{worse:#?}");
    assert!(worse.changes.is_sorted_by_key(|c| c.direction));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// Whatever two scans found: no change is told where they are the same, and what is new in
    /// one direction is mended or lost in the other.
    #[test]
    fn comparing_is_symmetric(old in 0u8..64, new in 0u8..64) {
        let apply = |bits: u8| {
            let mut e = fixtures::healthy();
            for (bit, version) in [(0, TlsVersion::Ssl3), (1, TlsVersion::Tls10), (2, TlsVersion::Tls11)] {
                fixtures::version(&mut e, version, bits & (1 << bit) != 0);
            }
            if bits & 8 != 0 {
                fixtures::own_certificate(&mut e).not_after = NOW - DAY;
            }
            if bits & 16 != 0 {
                e.domain.as_mut().unwrap().policies.tlsrpt = Observed::seen(None);
            }
            if bits & 32 != 0 {
                e.endpoints[0].evidence.dane = fixtures::failed();
            }
            report(&e)
        };
        let (before, after) = (apply(old), apply(new));
        let (there, back) = (compare(&before, &after), compare(&after, &before));
        if old == new {
            prop_assert_eq!(&there.changes, &[]);
        }
        let came = of(&there, ChangeKind::NewFinding).len();
        let went = of(&back, ChangeKind::MendedFinding).len() + of(&back, ChangeKind::LostFinding).len();
        prop_assert_eq!(came, went);
    }
}
