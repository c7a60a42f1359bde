use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;
use waxseal_model::policy::StsMode;

use super::*;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    (folder, file)
}

fn open(file: &Path) -> Ledger {
    Ledger::open(file, LedgerSettings::default()).unwrap()
}

fn policy(domain: &str, last_checked: i64) -> KeptPolicy {
    KeptPolicy {
        domain: domain.to_owned(),
        policy: StsPolicy {
            id: "20260801".to_owned(),
            mode: StsMode::Enforce,
            mx: vec!["*.example.com".to_owned()],
            max_age: 604_800,
        },
        fetched_at: 1000,
        expires_at: 605_800,
        last_checked,
        failure: Some("the policy host does not answer".to_owned()),
    }
}

#[tokio::test]
async fn policies_are_there_after_a_restart() {
    let (_folder, file) = place();
    let ledger = open(&file);
    ledger.put_policy(policy("b.example", 1)).await.unwrap();
    ledger.put_policy(policy("a.example", 2)).await.unwrap();
    let newer = KeptPolicy { failure: None, ..policy("b.example", 3) };
    ledger.put_policy(newer.clone()).await.unwrap();
    drop(ledger);
    let ledger = open(&file);
    assert_eq!(ledger.get_policy("b.example").await.unwrap(), Some(newer.clone()));
    assert_eq!(ledger.get_policy("c.example").await.unwrap(), None);
    let all = ledger.list_policies(None, 10).await.unwrap();
    assert_eq!(all, [policy("a.example", 2), newer.clone()]);
    assert_eq!(ledger.list_policies(Some("a.example".to_owned()), 10).await.unwrap(), [newer]);
    assert!(ledger.remove_policy("a.example").await.unwrap());
    assert!(!ledger.remove_policy("a.example").await.unwrap());
    assert_eq!(ledger.forget_policies(605_800).await.unwrap(), 0);
    assert_eq!(ledger.forget_policies(605_801).await.unwrap(), 1);
    assert!(ledger.list_policies(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn policies_beyond_the_bound_go_longest_unchecked_first() {
    let (_folder, file) = place();
    let settings = LedgerSettings { policies: 2, ..LedgerSettings::default() };
    let ledger = Ledger::open(&file, settings).unwrap();
    for (domain, checked) in [("a.example", 5), ("b.example", 3), ("c.example", 1)] {
        ledger.put_policy(policy(domain, checked)).await.unwrap();
    }
    let left = ledger.list_policies(None, 10).await.unwrap();
    let left: Vec<_> = left.iter().map(|kept| kept.domain.as_str()).collect();
    assert_eq!(left, ["a.example", "c.example"], "the new one stays, the oldest of the others goes");
}

fn tally(domain: &str, failure: Option<&str>, count: u64) -> Tally {
    Tally { domain: domain.to_owned(), policy: "{}".to_owned(), failure: failure.map(str::to_owned), count }
}

#[tokio::test]
async fn sessions_are_summed_up_over_restarts_and_reported_once() {
    let (_folder, file) = place();
    for _ in 0..3 {
        let ledger = open(&file);
        ledger.note(20_000, "a.example", "{}", None, 2);
        ledger.note(20_000, "a.example", "{}", Some("expired"), 1);
        ledger.note(20_000, "b.example", "{}", None, 1);
        ledger.note(20_001, "a.example", "{}", None, 1);
        ledger.close().await.unwrap();
        assert_eq!(ledger.take(20_000).await, Err(LedgerError::Closed));
    }
    let ledger = open(&file);
    ledger.note(20_000, "b.example", "{}", None, 4);
    assert_eq!(ledger.days().await.unwrap(), [20_000, 20_001]);
    let expected =
        [tally("a.example", None, 6), tally("a.example", Some("expired"), 3), tally("b.example", None, 7)];
    assert_eq!(ledger.take(20_000).await.unwrap(), expected);
    assert!(ledger.sent(20_000, "a.example").await.unwrap());
    drop(ledger);

    let ledger = open(&file);
    assert!(!ledger.sent(20_000, "a.example").await.unwrap(), "sent before");
    ledger.note(20_000, "a.example", "{}", None, 9);
    assert_eq!(ledger.take(20_000).await.unwrap(), [tally("b.example", None, 7)]);
    assert_eq!(ledger.forget_days(20_001).await.unwrap(), 1);
    assert_eq!(ledger.days().await.unwrap(), [20_001]);
}

#[tokio::test]
async fn what_was_counted_is_written_after_a_while_without_being_asked() {
    let (folder, file) = place();
    let settings = LedgerSettings { write_after: Duration::from_millis(20), ..LedgerSettings::default() };
    let ledger = Ledger::open(&file, settings).unwrap();
    ledger.note(1, "a.example", "{}", None, 1);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let copy = folder.path().join("copy.db");
    loop {
        // The file and its log as another process would find them after a crash.
        std::fs::copy(&file, &copy).unwrap();
        std::fs::copy(file.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
        if Ledger::open(&copy, settings).unwrap().take(1).await.unwrap() == [tally("a.example", None, 1)] {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "never written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn tallies_are_bounded() {
    let (_folder, file) = place();
    let settings = LedgerSettings { rows_of_a_day: 6, failures_of_a_policy: 3, ..LedgerSettings::default() };
    let ledger = Ledger::open(&file, settings).unwrap();
    for number in 0..5 {
        ledger.note(1, "a.example", "{}", Some(&format!("failure {number}")), 10);
    }
    let kept = ledger.take(1).await.unwrap();
    let sum: u64 = kept.iter().map(|tally| tally.count).sum();
    assert_eq!(sum, 50, "all are counted");
    assert!(kept.contains(&tally("a.example", Some(Tally::OTHERS), 20)), "{kept:?}");
    for number in 0..5 {
        ledger.note(1, &format!("{number}.example"), "{}", None, 1);
    }
    assert_eq!(ledger.take(1).await.unwrap().len(), 6);
    ledger.note(2, "a.example", "{}", None, u64::MAX);
    assert_eq!(ledger.take(2).await.unwrap().first().map(|tally| tally.count), Some(i64::MAX as u64));
    ledger.note(2, "a.example", "{}", None, 5);
    assert_eq!(ledger.take(2).await.unwrap().first().map(|tally| tally.count), Some(i64::MAX as u64));
}

#[tokio::test]
async fn a_second_one_a_damaged_one_and_a_newer_one_are_refused() {
    let (_folder, file) = place();
    let ledger = open(&file);
    let second = Ledger::open(&file, LedgerSettings::default()).err().unwrap();
    assert!(matches!(&second, LedgerError::InUse { detail } if detail.contains("ledger.db")), "{second:?}");
    drop(ledger);

    let connection = Connection::open(&file).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    let newer = Ledger::open(&file, LedgerSettings::default()).err().unwrap();
    assert!(matches!(newer, LedgerError::TooNew { .. }), "{newer:?}");

    let garbage = vec![b'x'; 8192];
    std::fs::write(&file, &garbage).unwrap();
    let damaged = Ledger::open(&file, LedgerSettings::default()).err().unwrap();
    assert!(matches!(damaged, LedgerError::Corrupt { .. }), "{damaged:?}");
    assert_eq!(std::fs::read(&file).unwrap(), garbage, "not touched");
}
