//! The scheduler over the queue that a relay has in earnest, with a crash in between. Time is
//! real here, because the queue has threads of its own; nothing depends on how fast they are.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use waxseal_store::spool::{
    MessageId, Selector, Spool, State, StoredMessage,
    sqlite::{SqliteSettings, SqliteSpool},
};

use super::fakes::{Behaviour, World};
use crate::delivery::{clock::WallClock, retry::Schedule, scheduler::Handle};

const MESSAGES: u64 = 120;

type Taken = Arc<Mutex<HashMap<(MessageId, u32), usize>>>;

fn world(taken: &Taken) -> World {
    let mut world = World::new();
    world.settings.clock = WallClock::default();
    world.settings.retry = Schedule::list(vec![Duration::from_secs(1)]).unwrap();
    // Every third is put off once, one domain refuses.
    let seen: Mutex<HashSet<MessageId>> = Mutex::default();
    *world.deliver.script.lock().unwrap() = Some(Box::new(move |site, job| {
        if site == "mx.refuses.example" {
            Behaviour::Refuses
        } else if job.id.0 % 3 == 0 && seen.lock().unwrap().insert(job.id) {
            Behaviour::PutsOff
        } else {
            Behaviour::Takes
        }
    }));
    let taken = Arc::clone(taken);
    *world.deliver.taken.lock().unwrap() = Some(Box::new(move |id, number| {
        *taken.lock().unwrap().entry((id, number)).or_default() += 1;
    }));
    world
}

async fn accept(world: &World, spool: &dyn Spool, handle: &Handle, number: u64) {
    let domain = if number.is_multiple_of(10) { "refuses.example" } else { "takes.example" };
    let message = world.message(&[&format!("{number}@{domain}"), &format!("x{number}@other.example")]);
    let id = spool.accept(message.clone()).await.unwrap();
    handle.arrived(id, message);
}

async fn all(spool: &SqliteSpool) -> Vec<StoredMessage> {
    let selector = Selector { states: State::ALL.to_vec(), ..Selector::default() };
    spool.select(selector, 10_000).await.unwrap()
}

/// One life: from opening the queue to its end. Half of the messages are sent in each.
fn live(folder: &Path, taken: &Taken, numbers: std::ops::Range<u64>, crash: bool) -> Vec<StoredMessage> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seen = runtime.block_on(async {
        let world = world(taken);
        let spool = Arc::new(SqliteSpool::open(folder, SqliteSettings::default()).unwrap());
        let handle = world.start_over(Arc::clone(&spool) as Arc<dyn Spool>).await;
        for number in numbers {
            accept(&world, &*spool, &handle, number).await;
        }
        if crash {
            return all(&spool).await;
        }
        while handle.totals() != Default::default() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let all = all(&spool).await;
        handle.drain(Duration::from_secs(10)).await;
        spool.close().await;
        all
    });
    // With all that was under way.
    drop(runtime);
    seen
}

#[test]
fn nothing_is_lost_over_a_crash() {
    let folder = std::env::temp_dir().join(format!("waxseal-scheduler-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let taken = Taken::default();
    let before = live(&folder, &taken, 0..MESSAGES / 2, true);
    let settled: HashSet<(MessageId, u32)> = before
        .iter()
        .flat_map(|message| message.recipients.iter().map(|recipient| (message.id, recipient)))
        .filter(|(_, recipient)| recipient.state == State::Delivered)
        .map(|(id, recipient)| (id, recipient.number))
        .collect();
    let after = live(&folder, &taken, MESSAGES / 2..MESSAGES, false);
    std::fs::remove_dir_all(&folder).unwrap();
    let (notices, messages): (Vec<_>, Vec<_>) =
        after.iter().partition(|message| message.envelope.sender.is_empty());
    assert_eq!(messages.len() as u64, MESSAGES);
    assert_eq!(notices.len() as u64, MESSAGES / 10, "each refusal is told once");
    let taken = taken.lock().unwrap();
    for message in &messages {
        for recipient in &message.recipients {
            let key = (message.id, recipient.number);
            let refused = recipient.domain == "refuses.example";
            let expected = if refused { State::Failed } else { State::Delivered };
            assert_eq!(recipient.state, expected, "{key:?}");
            let times = taken.get(&key).copied().unwrap_or(0);
            assert!(times <= 1 || !settled.contains(&key), "{key:?} was settled and delivered again");
            assert_eq!(times >= 1, !refused, "{key:?}");
        }
    }
    assert!(notices.iter().all(|notice| notice.recipients[0].state == State::Delivered));
}
