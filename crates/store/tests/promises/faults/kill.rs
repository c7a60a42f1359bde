//! `kill -9` in the midst of work.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use waxseal_store::spool::{
    Envelope, Fate, MessageId, NewMessage, Selector, Spool, SpoolError, State, StoredMessage,
    sqlite::SqliteSpool,
};

use super::settings;
use crate::{
    backend::{Place, open, run},
    process::{part, say, start},
    sample::{message, settlement},
};

const KILLS: usize = 24;

/// The body of message `name`: every fifth is large enough for a file.
fn body(name: &str) -> Bytes {
    let large = name.ends_with(['0', '5']);
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(if large { 300_000 } else { 2000 }, b'.');
    bytes.into()
}

/// Takes messages, lets every third fail with a notice and every third be delivered, and
/// says what was answered, until killed.
pub(crate) async fn work(folder: &Path) {
    let spool = Arc::new(open(folder, settings()));
    say("open", std::process::id());
    let workers: Vec<_> = (0..6).map(|worker| tokio::spawn(toil(Arc::clone(&spool), worker))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

async fn toil(spool: Arc<SqliteSpool>, worker: usize) {
    for number in 0.. {
        let name = format!("{}-{worker}-{number}", std::process::id());
        let message = NewMessage { body: vec![body(&name)], ..message(&["bob@recipient.example"]) };
        let id = spool.accept(message).await.unwrap();
        say("taken", format!("{id} {name}"));
        let state = match number % 3 {
            0 => continue,
            1 => State::Delivered,
            _ => State::Failed,
        };
        let mut settled = settlement(id, 1100, vec![(0, Fate::Final(state))]);
        if state == State::Failed {
            settled.notices = vec![notice(id)];
        }
        spool.settle(settled).await.unwrap();
        say(state.word(), id);
    }
}

/// Names the message that it tells of in its ENVID.
fn notice(of: MessageId) -> NewMessage {
    let envelope = Envelope { envid: Some(of.to_string()), ..Envelope::default() };
    NewMessage { envelope, body: vec![body("5")], ..message(&["sender@sender.example"]) }
}

#[test]
fn killed_processes_lose_nothing_that_was_answered() {
    let place = Place::new();
    let mut taken: BTreeMap<MessageId, String> = BTreeMap::new();
    let mut settled: BTreeMap<MessageId, State> = BTreeMap::new();
    for round in 0..KILLS {
        let (mut child, words) = start(&mut part("work", place.folder()));
        let mut left = 1 + round * 17 % 60;
        for (word, rest) in words {
            if left == 0 {
                // SIGKILL; what was said before is still read.
                child.kill().unwrap();
            }
            left = left.wrapping_sub(1);
            let mut rest = rest.split(' ');
            let id = rest.next().unwrap().parse::<MessageId>();
            match (word.as_str(), State::ALL.into_iter().find(|state| state.word() == word)) {
                ("open", _) => {}
                ("taken", _) => {
                    let before = taken.insert(id.unwrap(), rest.next().unwrap().to_owned());
                    assert_eq!(before, None, "an id came again");
                }
                (_, Some(state)) => assert_eq!(settled.insert(id.unwrap(), state), None),
                (other, _) => panic!("{other}?"),
            }
        }
        let status = child.wait().unwrap();
        assert!(!status.success() && status.code().is_none(), "not killed: {status}");
    }
    assert!(taken.len() > KILLS && settled.len() > KILLS, "{} taken, {} settled", taken.len(), settled.len());
    run(compare(&place, taken, settled));
}

async fn compare(place: &Place, taken: BTreeMap<MessageId, String>, settled: BTreeMap<MessageId, State>) {
    let spool = open(place.folder(), settings());
    let everything = Selector { states: State::ALL.to_vec(), ..Selector::default() };
    let all = spool.select(everything, usize::MAX).await.unwrap();
    let all: BTreeMap<MessageId, StoredMessage> =
        all.into_iter().map(|message| (message.id, message)).collect();
    for (id, name) in &taken {
        let found = all.get(id).unwrap_or_else(|| panic!("{id} was answered and is lost"));
        let state = found.recipients[0].state;
        if let Some(expected) = settled.get(id) {
            assert_eq!(state, *expected, "of {id}");
        }
        match spool.body(*id).await {
            Ok(bytes) => assert!(bytes == body(name) && !state.is_final(), "body of {id}"),
            Err(error) => {
                assert!(error == (SpoolError::BodyMissing { id: *id }) && state.is_final(), "{error}")
            }
        }
    }
    // Answered or not: a failure is there with its notice or not at all.
    let told: BTreeSet<String> = all.values().filter_map(|message| message.envelope.envid.clone()).collect();
    let failed = all.values().filter(|message| message.recipients[0].state == State::Failed);
    let failed: BTreeSet<String> = failed.map(|message| message.id.to_string()).collect();
    assert_eq!(told, failed);
    // Files are of messages that wait, and of nothing else.
    let files = fs::read_dir(place.folder().join("bodies")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let large =
        all.values().filter(|message| message.size > 256 << 10 && !message.recipients[0].state.is_final());
    assert_eq!(files, large.map(|message| message.id.to_string()).collect());
}
