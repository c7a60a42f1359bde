//! Files that are damaged, lost, left over, in use or of another version.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use waxseal_store::spool::{
    MessageId, NewMessage, Spool, SpoolError, State,
    sqlite::{SqliteSettings, SqliteSpool},
};

use super::settings;
use crate::{
    backend::{Place, open, run},
    sample::{bytes, message, no_body, settle, states},
};

fn large() -> NewMessage {
    NewMessage { body: vec![vec![b'x'; 300_000].into()], ..message(&["bob@recipient.example"]) }
}

/// All files but the lock and the index of the log, with their bytes. An empty log is as
/// good as none.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if !path.ends_with("queue.lock") && !path.ends_with("queue.db-shm") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found.retain(|path, bytes| !(path.ends_with("queue.db-wal") && bytes.is_empty()));
    found
}

fn refusal(folder: &Path) -> SpoolError {
    SqliteSpool::open(folder, settings()).expect_err("it was opened")
}

/// A queue with messages in it, closed; as if the last process had been killed, unless `in_order`.
async fn filled(folder: &Path, in_order: bool) -> Vec<MessageId> {
    let spool = open(folder, settings());
    let mut ids = Vec::new();
    for _ in 0..50 {
        let message =
            NewMessage { body: vec![vec![b'y'; 3000].into()], ..message(&["bob@recipient.example"]) };
        ids.push(spool.accept(message).await.unwrap());
    }
    ids.push(spool.accept(large()).await.unwrap());
    spool.close().await;
    if !in_order {
        fs::write(folder.join("queue.lock"), "open, process 1\n").unwrap();
    }
    ids
}

#[test]
fn a_damaged_database_is_refused_with_advice_and_not_touched() {
    run(async {
        type Damage = fn(&mut Vec<u8>);
        let cases: [(&str, bool, Damage); 3] = [
            ("pages overwritten", false, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle..middle + 20_000].fill(0xA5);
            }),
            ("cut off", false, |bytes| bytes.truncate(bytes.len() / 2)),
            ("another kind of file", true, |bytes| bytes[..100].fill(b'#')),
        ];
        for (name, in_order, damage) in cases {
            let place = Place::new();
            filled(place.folder(), in_order).await;
            let file = place.folder().join("queue.db");
            let mut bytes = fs::read(&file).unwrap();
            damage(&mut bytes);
            fs::write(&file, bytes).unwrap();
            let before = contents(place.folder());
            let error = refusal(place.folder());
            let SpoolError::Corrupt { detail } = &error else { panic!("{name}: {error:?}") };
            for word in ["queue.db", "sqlite3", "aside", "Nothing was changed"] {
                assert!(detail.contains(word), "{name}: {detail}");
            }
            assert!(contents(place.folder()) == before, "{name}: touched");
            assert!(matches!(refusal(place.folder()), SpoolError::Corrupt { .. }), "{name}, once more");
        }
    });
}

#[test]
fn what_the_advice_says_saves_what_can_be_read() {
    run(async {
        let place = Place::new();
        let ids = filled(place.folder(), false).await;
        let file = place.folder().join("queue.db");
        let mut bytes = fs::read(&file).unwrap();
        let end = bytes.len() - 20_000;
        bytes[end - 8000..end].fill(0xA5);
        fs::write(&file, bytes).unwrap();
        let SpoolError::Corrupt { detail } = refusal(place.folder()) else { panic!("not noticed") };
        if let Err(error) = Command::new("sqlite3").arg("--version").output() {
            eprintln!("SKIPPED: the advice for damaged queues was not tried: sqlite3: {error}");
            return;
        }
        let command = detail.split('`').nth(1).unwrap();
        let output = Command::new("sh").args(["-c", command]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let spool = open(place.folder(), settings());
        let saved = spool.select(waxseal_store::spool::Selector::default(), 1000).await.unwrap();
        assert!(saved.len() > ids.len() / 2, "{} of {}", saved.len(), ids.len());
        let mut whole = 0;
        for message in &saved {
            whole += usize::from(spool.body(message.id).await.is_ok());
        }
        assert!(whole > ids.len() / 3, "{whole} bodies of {}", ids.len());
        spool.accept(large()).await.unwrap();
    });
}

#[test]
fn a_queue_that_was_not_closed_is_looked_through_no_longer_than_allowed() {
    run(async {
        let place = Place::new();
        let ids = filled(place.folder(), false).await;
        let spool = open(place.folder(), SqliteSettings { check: Duration::ZERO, ..settings() });
        assert_eq!(states(&spool, ids[0]).await, [State::Queued]);
    });
}

#[test]
fn a_queue_in_use_is_refused_by_the_name_of_its_lock() {
    run(async {
        let place = Place::new();
        let spool = open(place.folder(), settings());
        let id = spool.accept(large()).await.unwrap();
        let SpoolError::InUse { detail } = refusal(place.folder()) else { panic!("opened twice") };
        assert!(detail.contains("queue.lock"), "{detail}");
        assert_eq!(spool.body(id).await.unwrap(), bytes(&large()), "no orphan was removed");
        spool.close().await;
        assert_eq!(spool.accept(large()).await, Err(SpoolError::Closed));
        assert_eq!(spool.body(id).await, Err(SpoolError::Closed));
        assert_eq!(spool.refusal(), Some(SpoolError::Closed));
        // Closed, though not dropped.
        let second = open(place.folder(), settings());
        assert_eq!(second.body(id).await.unwrap(), bytes(&large()));
    });
}

#[test]
fn a_queue_of_a_newer_version_and_another_database_are_refused() {
    run(async {
        let place = Place::new();
        filled(place.folder(), true).await;
        let file = place.folder().join("queue.db");
        Connection::open(&file).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
        let before = contents(place.folder());
        assert!(matches!(refusal(place.folder()), SpoolError::TooNew { .. }));
        assert!(contents(place.folder()) == before);

        let place = Place::new();
        let file = place.folder().join("queue.db");
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
        assert!(matches!(refusal(place.folder()), SpoolError::Corrupt { .. }));
    });
}

#[test]
fn files_that_belong_to_no_message_go_when_the_queue_is_opened() {
    run(async {
        let place = Place::new();
        let id = *filled(place.folder(), true).await.last().unwrap();
        let bodies = place.folder().join("bodies");
        for name in ["fff", &format!("{id}.new"), "fff.new", "README"] {
            fs::write(bodies.join(name), "left over").unwrap();
        }
        let spool = open(place.folder(), settings());
        let mut names: Vec<_> = fs::read_dir(&bodies)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, [id.to_string(), "README".to_owned()]);
        assert_eq!(spool.body(id).await.unwrap(), bytes(&large()));
        settle(&spool, id, 0, 1100, State::Delivered).await;
        spool.close().await;
        assert!(!bodies.join(id.to_string()).exists());
    });
}

#[test]
fn a_lost_body_is_said_and_its_message_is_not_dropped() {
    run(async {
        let place = Place::new();
        let ids = filled(place.folder(), true).await;
        let (row, file) = (ids[0], *ids.last().unwrap());
        fs::remove_file(place.folder().join("bodies").join(file.to_string())).unwrap();
        let database = Connection::open(place.folder().join("queue.db")).unwrap();
        database.execute("DELETE FROM bodies WHERE message = ?1", [row.0 as i64]).unwrap();
        drop(database);
        let spool = open(place.folder(), settings());
        for id in [row, file] {
            no_body(&spool, id).await;
            assert_eq!(states(&spool, id).await, [State::Queued]);
        }
        assert_eq!(spool.pending(None, 1000).await.unwrap().len(), ids.len());
        settle(&spool, row, 0, 1100, State::Failed).await;
        settle(&spool, file, 0, 1100, State::Failed).await;

        // Cut off by somebody: that is damage, not a shorter message.
        let id = spool.accept(large()).await.unwrap();
        fs::write(place.folder().join("bodies").join(id.to_string()), "short").unwrap();
        let damaged = spool.body(id).await;
        assert!(matches!(damaged, Err(SpoolError::Corrupt { .. })), "{damaged:?}");
    });
}

#[test]
fn the_log_begins_anew_under_load() {
    run(async {
        let place = Place::new();
        let spool = Arc::new(open(place.folder(), settings()));
        let log = place.folder().join("queue.db-wal");
        let written = 160 << 20;
        let workers: Vec<_> = (0..8)
            .map(|_| {
                let spool = Arc::clone(&spool);
                tokio::spawn(async move {
                    for _ in 0..written / 8 / 200_000 {
                        let body = vec![vec![b'x'; 200_000].into()];
                        let message = NewMessage { body, ..message(&["bob@recipient.example"]) };
                        let id = spool.accept(message).await.unwrap();
                        settle(&*spool, id, 0, 1100, State::Delivered).await;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        let size = fs::metadata(&log).unwrap().len();
        assert!(size < 120 << 20, "{} MiB in the log", size >> 20);
        spool.close().await;
        assert_eq!(fs::metadata(&log).map_or(0, |file| file.len()), 0, "replayed at the next start");
    });
}

#[test]
fn free_space_is_looked_at_while_the_queue_is_open() {
    run(async {
        let place = Place::new();
        let spool = open(place.folder(), settings());
        let deadline = Instant::now() + Duration::from_secs(20);
        let first = spool.free_space();
        assert!(first > 0 && first < u64::MAX);
        fs::write(place.folder().join("ballast"), vec![1; 8 << 20]).unwrap();
        while spool.free_space() == first {
            assert!(Instant::now() < deadline, "never looked again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}
