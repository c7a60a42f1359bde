//! Disks that fill up, flushes that fail, and that flushes are made at all.

use std::{fs, path::Path, sync::Arc};

use waxseal_store::spool::{
    Change, MessageId, NewMessage, Selector, Spool, SpoolError, State,
    sqlite::{SqliteSettings, SqliteSpool},
};

use super::settings;
use crate::{
    backend::{Place, open},
    process::{Flushes, flushes, flushes_fail, part, part_in_small_file_system, play, say},
    sample::{bytes, delivered, message, settle, settlement, states},
};

fn of_size(size: usize) -> NewMessage {
    NewMessage { body: vec![vec![b'x'; size].into()], ..message(&["bob@recipient.example"]) }
}

fn poisoned<T: std::fmt::Debug>(result: Result<T, SpoolError>) {
    assert!(matches!(result, Err(SpoolError::Poisoned { .. })), "{result:?}");
}

#[test]
fn a_failed_flush_poisons_until_the_queue_is_opened_anew() {
    let Some(library) = Flushes::compile() else { return };
    let place = Place::new();
    let said = play(library.watch(&mut part("poison", place.folder())));
    assert_eq!(said.len(), 5, "{said:?}");
}

/// By the size of bodies and which flushes fail: of the log at a commit, of a body file, of
/// its folder, of the database at a checkpoint, all.
pub(crate) async fn poison(folder: &Path) {
    for (size, end) in
        [(10, "-wal"), (300_000, ".new"), (300_000, "/bodies"), (200_000, "/queue.db"), (10, "")]
    {
        let folder = folder.join(format!("{size}{}", end.trim_start_matches('/')));
        let spool = Arc::new(open(&folder, settings()));
        let first = spool.accept(of_size(size)).await.unwrap();
        flushes_fail(Some(end));
        let accepting: Vec<_> = (0..20)
            .map(|_| {
                let spool = Arc::clone(&spool);
                tokio::spawn(accept_until_poisoned(spool, size))
            })
            .collect();
        let mut taken = vec![first];
        for accepted in accepting {
            taken.extend(accepted.await.unwrap());
        }
        flushes_fail(None);
        // A commit that was not flushed was never answered; a checkpoint has nobody waiting.
        assert_eq!(taken.len() == 1, end != "/queue.db", "{} taken, {end}", taken.len());
        // The disk is well again, but what it holds is not known.
        refuses_everything(&spool, first).await;
        drop(spool);
        let spool = open(&folder, settings());
        assert_eq!(spool.refusal(), None);
        for id in taken {
            assert!(spool.body(id).await.unwrap() == bytes(&of_size(size)));
        }
        let again = spool.accept(of_size(size)).await.unwrap();
        settle(&spool, first, 0, 1100, State::Delivered).await;
        drop(spool);
        let spool = open(&folder, settings());
        assert_eq!(states(&spool, first).await, [State::Delivered]);
        assert_eq!(states(&spool, again).await, [State::Queued]);
        say("poisoned", end);
    }
}

/// The ids that were given before.
async fn accept_until_poisoned(spool: Arc<SqliteSpool>, size: usize) -> Vec<MessageId> {
    let mut taken = Vec::new();
    loop {
        match spool.accept(of_size(size)).await {
            Ok(id) => taken.push(id),
            Err(SpoolError::Poisoned { .. }) => return taken,
            Err(error) => panic!("{error}"),
        }
        assert!(taken.len() < 500, "never poisoned");
    }
}

async fn refuses_everything(spool: &SqliteSpool, id: MessageId) {
    assert!(matches!(spool.refusal(), Some(SpoolError::Poisoned { .. })), "{:?}", spool.refusal());
    poisoned(spool.accept(of_size(10)).await);
    poisoned(spool.settle(settlement(id, 1100, vec![(0, delivered())])).await);
    poisoned(spool.pending(None, 10).await);
    poisoned(spool.message(id).await);
    poisoned(spool.body(id).await);
    poisoned(spool.select(Selector::default(), 10).await);
    poisoned(spool.change(Selector::default(), Change::Hold, true).await);
    poisoned(spool.change(Selector::default(), Change::Hold, false).await);
    poisoned(spool.purge(0, 0).await);
}

#[test]
fn every_group_is_flushed_before_it_is_answered() {
    let Some(library) = Flushes::compile() else { return };
    let place = Place::new();
    play(library.watch(&mut part("count", place.folder())));
    assert!(library.count() > 0);
}

pub(crate) async fn count(folder: &Path) {
    let spool = Arc::new(open(folder, settings()));
    // One after the other: each has a flush of its own.
    for _ in 0..100 {
        let (before, groups) = (flushes(), spool.figures().groups);
        let id = spool.accept(of_size(1000)).await.unwrap();
        let (taken, then) = (flushes(), spool.figures().groups);
        assert!(taken > before && then == groups + 1, "{before} {taken}, {groups} {then}");
        settle(&*spool, id, 0, 1100, State::Delivered).await;
        assert!(flushes() > taken);
    }
    // A file, its folder, the database.
    let before = flushes();
    spool.accept(of_size(300_000)).await.unwrap();
    assert!(flushes() >= before + 3, "{before} {}", flushes());

    // In company: as many flushes as groups, and fewer than operations.
    let (before, figures) = (flushes(), spool.figures());
    let working: Vec<_> = (0..50)
        .map(|_| {
            let spool = Arc::clone(&spool);
            tokio::spawn(async move {
                for _ in 0..20 {
                    let id = spool.accept(of_size(1000)).await.unwrap();
                    settle(&*spool, id, 0, 1100, State::Delivered).await;
                }
            })
        })
        .collect();
    for work in working {
        work.await.unwrap();
    }
    let groups = spool.figures().groups - figures.groups;
    assert_eq!(spool.figures().operations - figures.operations, 2000);
    assert!(flushes() - before >= groups, "{} flushes, {groups} groups", flushes() - before);
    assert!(groups < 1000, "{groups} groups of 2000 operations");
    say("groups", groups);
}

#[test]
fn a_full_disk_refuses_whole_messages_and_loses_none() {
    let place = Place::new();
    let Some(mut part) = part_in_small_file_system("fill", place.folder(), 16 << 20) else { return };
    let said = play(&mut part);
    assert_eq!(said.len(), 2, "{said:?}");
}

/// Once with bodies in the database and once with bodies in files.
pub(crate) async fn fill(folder: &Path) {
    for inline in [SqliteSettings::default().inline, 0] {
        let place = folder.join(inline.to_string());
        let ballast = folder.join("ballast");
        fs::write(&ballast, vec![0; 4 << 20]).unwrap();
        let settings = SqliteSettings { inline, ..settings() };
        let spool = open(&place, settings.clone());
        let mut taken = Vec::new();
        let refused = loop {
            match spool.accept(of_size(60_000)).await {
                Ok(id) => taken.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, SpoolError::Full { .. }), "{refused:?}");
        assert!(taken.len() > 20, "{}", taken.len());
        assert_eq!(spool.refusal(), None, "not poisoned");
        // What is settled is settled, what is refused is as it was.
        let mut waiting = Vec::new();
        for id in taken {
            match spool.settle(settlement(id, 1100, vec![(0, delivered())])).await {
                Ok(ids) => assert_eq!((ids, states(&spool, id).await), (Vec::new(), vec![State::Delivered])),
                Err(SpoolError::Full { .. }) => waiting.push(id),
                Err(error) => panic!("{error}"),
            }
            if waiting.len() > 10 {
                break;
            }
        }
        // A restart does not need room.
        drop(spool);
        let spool = open(&place, settings.clone());
        for id in &waiting {
            assert_eq!(states(&spool, *id).await, [State::Queued]);
            assert_eq!(spool.body(*id).await.unwrap(), bytes(&of_size(60_000)));
        }
        fs::remove_file(&ballast).unwrap();
        let again = spool.accept(of_size(60_000)).await.unwrap();
        for id in &waiting {
            settle(&spool, *id, 0, 1200, State::Delivered).await;
        }
        drop(spool);
        let spool = open(&place, settings);
        assert_eq!(states(&spool, again).await, [State::Queued]);
        for id in &waiting {
            assert_eq!(states(&spool, *id).await, [State::Delivered]);
        }
        say("full", inline);
        drop(spool);
        fs::remove_dir_all(&place).unwrap();
    }
}
