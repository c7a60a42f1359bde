//! Policies that change between two checks, and what a domain publishes in detail.

use std::collections::BTreeMap;

use waxseal_model::policy::{EarlierPolicy, StsMode};

use super::*;

/// The policy that a report saw, as a later check is given it.
fn seen(report: &Report) -> EarlierPolicy {
    let policies = &report.domain.as_ref().unwrap().policies;
    EarlierPolicy {
        seen_at: report.started_at,
        policy: policies.sts.get().unwrap().clone().unwrap(),
        sha256: policies.sts_discovery.fetch.get().unwrap().sha256.clone().unwrap(),
    }
}

fn after(domain: &str, earlier: EarlierPolicy) -> ScanOptions {
    ScanOptions { earlier: BTreeMap::from([(domain.to_owned(), earlier)]), ..ScanOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_changed_without_a_new_id_is_found_by_a_second_check() {
    let name = "sts-stale-id.lab.test";
    let lab = Lab::start(LabOptions::only(["sts-stale-id"])).await.unwrap();
    let first = report(&scanner(&lab, ScanOptions::default()), name).await;
    assert!(!found(&first).contains(&"sts.stale_id"));
    let second = report(&scanner(&lab, after(name, seen(&first))), name).await;
    assert!(found(&second).contains(&"sts.stale_id"), "{:?}", found(&second));
    let third = report(&scanner(&lab, after(name, seen(&second))), name).await;
    assert!(!found(&third).contains(&"sts.stale_id"), "the file is the same as before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_vanished_while_senders_keep_it_is_found() {
    let lab = Lab::start(LabOptions::only(["sts-enforce", "dane-only"])).await.unwrap();
    let first = report(&scanner(&lab, ScanOptions::default()), "sts-enforce.lab.test").await;
    let gone = "dane-only.lab.test";
    let second = report(&scanner(&lab, after(gone, seen(&first))), gone).await;
    assert!(found(&second).contains(&"sts.removed"), "{:?}", found(&second));
    let mut expired = seen(&first);
    expired.seen_at -= i64::from(expired.policy.max_age) + 1;
    let third = report(&scanner(&lab, after(gone, expired)), gone).await;
    assert!(!found(&third).contains(&"sts.removed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_evidence_holds_the_whole_way_to_a_policy() {
    let lab = Lab::start(LabOptions::only(["healthy"])).await.unwrap();
    let report = report(&scanner(&lab, ScanOptions::default()), "healthy.lab.test").await;
    let policies = &report.domain.as_ref().unwrap().policies;
    let policy = policies.sts.get().unwrap().as_ref().unwrap();
    assert_eq!(
        (policy.mode, policy.mx.as_slice()),
        (StsMode::Enforce, &["mx.healthy.lab.test".to_owned()][..])
    );
    assert_eq!(policies.sts_discovery.record_id.as_deref(), Some(policy.id.as_str()));
    let fetch = policies.sts_discovery.fetch.get().unwrap();
    assert_eq!(fetch.url, "https://mta-sts.healthy.lab.test/.well-known/mta-sts.txt");
    assert_eq!(fetch.status, Some(200));
    assert!(fetch.body.as_ref().unwrap().contains("mode: enforce"));
    assert!(fetch.chain.as_ref().unwrap().leaf().is_some());
    let dane = report.endpoints[0].evidence.dane.get().unwrap().as_ref().unwrap();
    assert_eq!(dane.base, "mx.healthy.lab.test");
    assert_eq!(dane.reference_names, ["mx.healthy.lab.test", "healthy.lab.test"]);
    assert_eq!(dane.matches, Some(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_an_alias_the_certificates_for_the_base_domain_count() {
    let lab = Lab::start(LabOptions::only(["dane-cname-host"])).await.unwrap();
    let report = report(&scanner(&lab, ScanOptions::default()), "dane-cname-host.lab.test").await;
    let dane = report.endpoints[0].evidence.dane.get().unwrap().as_ref().unwrap();
    assert_eq!(dane.base, "mx.dane-cname-host-hosts.lab.test");
    let chains = dane.chains.as_ref().unwrap().get().unwrap();
    assert!(chains.iter().all(|c| c.sni.as_deref() == Some("mx.dane-cname-host-hosts.lab.test")));
    assert_eq!(report.grade.letter.map(|l| l.label()), Some("A"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_by_itself_has_its_tlsa_records_looked_up() {
    let lab = Lab::start(LabOptions::only(["dane-only", "broken-tlsa"])).await.unwrap();
    let scanner = scanner(&lab, ScanOptions::default());
    let sound = report(&scanner, "mx.dane-only.lab.test:25").await;
    assert!(!found(&sound).contains(&"dane.mismatch"));
    assert!(sound.endpoints[0].evidence.dane.get().unwrap().is_some());
    let broken = report(&scanner, "mx.broken-tlsa.lab.test:25").await;
    assert!(found(&broken).contains(&"dane.mismatch"), "{:?}", found(&broken));
}
