//! MTA-STS policies: kept over restarts, fetched anew in time, never lost before their end.

use std::time::Duration;

use waxseal_judge::delivery::{Sts, StsMode};
use waxseal_model::policy::{StsMode as Mode, StsPolicy};
use waxseal_relay::policy::sts::StsClient;
use waxseal_store::ledger::KeptPolicy;

use crate::stage::Stage;

const DAY: i64 = 86_400;
const WEEK: u32 = 604_800;

/// A policy as an earlier run left it.
fn kept(domain: &str, id: &str, fetched_at: i64) -> KeptPolicy {
    let policy =
        StsPolicy { id: id.into(), mode: Mode::Enforce, mx: vec![format!("mx.{domain}")], max_age: WEEK };
    KeptPolicy {
        domain: domain.into(),
        fetched_at,
        expires_at: fetched_at + i64::from(WEEK),
        last_checked: fetched_at,
        failure: None,
        policy,
    }
}

fn client(stage: &Stage) -> StsClient {
    stage.sts(stage.resolver(None))
}

/// Waits for what goes on in the background.
async fn until(what: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if what().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_outlives_the_process_its_record_and_its_host() {
    let first = Stage::new(&["sts-enforce"]).await;
    let state = client(&first).state("sts-enforce.lab.test", false).await;
    assert_eq!(state.policy().unwrap().mode, Mode::Enforce);
    let enforced = Sts::Policy { mode: StsMode::Enforce, lists_mx: true, refresh_failed: false };
    assert_eq!(state.of_host("mx.sts-enforce.lab.test"), enforced);
    first.ledger.close().await.unwrap();
    // A restart, and a world in which the domain announces nothing any more.
    let mut second = Stage::new(&["unsigned"]).await;
    second.ledger = first.folder.ledger();
    let restarted = client(&second);
    let state = restarted.state("sts-enforce.lab.test", false).await;
    assert_eq!((state.record.as_deref(), state.failure.as_deref()), (None, None));
    assert_eq!(state.of_host("mx.sts-enforce.lab.test"), enforced);
    assert!(matches!(state.of_host("mx.evil.test"), Sts::Policy { lists_mx: false, .. }));
    // Until its time is over.
    second.pass(i64::from(WEEK) - 60);
    assert!(restarted.state("sts-enforce.lab.test", true).await.policy().is_some());
    second.pass(120);
    assert!(restarted.state("sts-enforce.lab.test", true).await.policy().is_none());
    assert_eq!(restarted.state("sts-enforce.lab.test", false).await.of_host("mx"), Sts::None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_id_brings_the_new_policy_and_a_failing_host_keeps_the_old_one() {
    let stage = Stage::new(&["sts-testing", "sts-404", "sts-servfail", "sts-none"]).await;
    let now = stage.now();
    for label in ["sts-testing", "sts-404", "sts-servfail", "sts-none"] {
        stage.ledger.put_policy(kept(&format!("{label}.lab.test"), "old", now - DAY)).await.unwrap();
    }
    let client = client(&stage);
    let state = client.state("sts-testing.lab.test", false).await;
    assert_eq!(state.policy().unwrap().mode, Mode::Testing, "the record has another id");
    assert_ne!(state.policy().unwrap().id, "old");
    let stored = stage.ledger.get_policy("sts-testing.lab.test").await.unwrap().unwrap();
    assert_eq!((stored.policy.mode, stored.fetched_at), (Mode::Testing, now));
    let failed = client.state("sts-404.lab.test", false).await;
    assert!(failed.failure.as_deref().unwrap().contains("404"), "{failed:?}");
    assert_eq!(
        failed.of_host("mx.sts-404.lab.test"),
        Sts::Policy { mode: StsMode::Enforce, lists_mx: true, refresh_failed: true }
    );
    let stored = stage.ledger.get_policy("sts-404.lab.test").await.unwrap().unwrap();
    assert_eq!(stored.expires_at, now - DAY + i64::from(WEEK), "a failure prolongs nothing");
    assert!(stored.failure.is_some());
    // A record that cannot be looked up says nothing against what is kept.
    let unknown = client.state("sts-servfail.lab.test", false).await;
    assert_eq!(
        unknown.of_host("mx.sts-servfail.lab.test"),
        Sts::Policy { mode: StsMode::Enforce, lists_mx: true, refresh_failed: false }
    );
    // Mode none ends a policy, by the domain's own word.
    let none = client.state("sts-none.lab.test", false).await;
    assert_eq!((none.of_host("mx.sts-none.lab.test"), none.policy()), (Sts::None, None));
    assert_eq!(none.kept.unwrap().policy.mode, Mode::None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_half_over_is_fetched_anew_in_the_background() {
    let stage = Stage::new(&["sts-enforce", "sts-404", "sts-wildcard"]).await;
    let id = client(&stage).state("sts-enforce.lab.test", false).await.record.unwrap();
    let now = stage.now();
    let fetched_at = now - 4 * DAY;
    let domain = "sts-enforce.lab.test";
    stage.ledger.put_policy(kept(domain, &id, fetched_at)).await.unwrap();
    stage.ledger.put_policy(kept("sts-404.lab.test", &id, fetched_at)).await.unwrap();
    stage.ledger.put_policy(kept("sts-wildcard.lab.test", &id, now - DAY)).await.unwrap();
    stage.ledger.put_policy(kept("gone.lab.test", &id, fetched_at)).await.unwrap();
    stage.ledger.put_policy(kept("long-over.lab.test", &id, now - 60 * DAY)).await.unwrap();
    let client = client(&stage);
    client.refresh().await;
    let get = async |domain: &str| stage.ledger.get_policy(domain).await.unwrap();
    assert_eq!(get(domain).await.unwrap().fetched_at, now);
    let failed = get("sts-404.lab.test").await.unwrap();
    assert_eq!((failed.fetched_at, failed.last_checked), (fetched_at, now));
    assert!(failed.failure.unwrap().contains("404"));
    assert_eq!(get("sts-wildcard.lab.test").await.unwrap().fetched_at, now - DAY, "not yet");
    assert_eq!(get("gone.lab.test").await.unwrap().fetched_at, fetched_at, "its record is gone");
    assert_eq!(get("long-over.lab.test").await, None);
    // The next round leaves a host in peace that has just failed.
    let visits = || stage.lab.connections("mta-sts.sts-404.lab.test");
    let before = visits();
    client.refresh().await;
    assert_eq!(visits(), before);
    stage.pass(3700);
    client.refresh().await;
    assert_eq!(visits(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_to_a_domain_whose_policy_is_half_over_does_not_wait_for_the_new_one() {
    let stage = Stage::new(&["sts-enforce"]).await;
    let id = client(&stage).state("sts-enforce.lab.test", false).await.record.unwrap();
    let fetched_at = stage.now() - 4 * DAY;
    stage.ledger.put_policy(kept("sts-enforce.lab.test", &id, fetched_at)).await.unwrap();
    let client = client(&stage);
    let state = client.state("sts-enforce.lab.test", false).await;
    assert_eq!(state.kept.unwrap().fetched_at, fetched_at);
    until(async || {
        let stored = stage.ledger.get_policy("sts-enforce.lab.test").await.unwrap().unwrap();
        stored.fetched_at == stage.now()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_neither_loses_a_policy_nor_keeps_it_for_ever() {
    let stage = Stage::new(&["sts-enforce", "unsigned"]).await;
    let client = client(&stage);
    let domain = "sts-enforce.lab.test";
    // Fetched while the clock was ten years ahead.
    stage.pass(3650 * DAY);
    client.state(domain, false).await;
    stage.pass(-3650 * DAY);
    assert!(client.state(domain, false).await.policy().is_some(), "it counts at once");
    until(async || {
        let stored = stage.ledger.get_policy(domain).await.unwrap().unwrap();
        stored.fetched_at == stage.now()
    })
    .await;
    // A clock ahead by two weeks, for domains without a record by now: over, but not forgotten.
    stage.ledger.put_policy(kept("unsigned.lab.test", "1", stage.now())).await.unwrap();
    stage.pass(14 * DAY);
    assert!(client.state("unsigned.lab.test", false).await.policy().is_none());
    client.refresh().await;
    stage.pass(-14 * DAY);
    assert!(client.state("unsigned.lab.test", false).await.policy().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_says_nothing_holds_nobody_up_for_long() {
    let stage = Stage::new(&["sts-silent"]).await;
    let client = client(&stage);
    let begun = std::time::Instant::now();
    let state = client.state("sts-silent.lab.test", false).await;
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    assert!(state.failure.unwrap().contains("within 10 seconds"));
    assert_eq!(state.kept, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_listed_and_purged() {
    let stage = Stage::new(&["sts-enforce", "sts-wildcard"]).await;
    let client = client(&stage);
    for domain in ["sts-enforce.lab.test", "sts-wildcard.lab.test"] {
        client.state(domain, false).await;
    }
    let listed = client.list(None, 10).await.unwrap();
    let domains: Vec<&str> = listed.iter().map(|kept| kept.domain.as_str()).collect();
    assert_eq!(domains, ["sts-enforce.lab.test", "sts-wildcard.lab.test"]);
    assert!(client.purge("sts-enforce.lab.test").await.unwrap());
    assert!(!client.purge("sts-enforce.lab.test").await.unwrap());
    assert_eq!(client.list(None, 10).await.unwrap().len(), 1);
    let visits = stage.lab.connections("mta-sts.sts-enforce.lab.test");
    assert!(client.state("sts-enforce.lab.test", false).await.policy().is_some());
    assert_eq!(stage.lab.connections("mta-sts.sts-enforce.lab.test"), visits + 1, "fetched anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_fails_is_told_of_and_policies_count_all_the_same() {
    let stage = Stage::new(&["sts-enforce"]).await;
    stage.ledger.close().await.unwrap();
    let client = client(&stage);
    for _ in 0..3 {
        let state = client.state("sts-enforce.lab.test", true).await;
        assert_eq!(state.policy().unwrap().mode, Mode::Enforce);
    }
    assert_eq!(stage.lab.connections("mta-sts.sts-enforce.lab.test"), 1, "it is remembered in memory");
    let notes = stage.notes.all();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("sts.ledger: "), "{notes:?}");
}
