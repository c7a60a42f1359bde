//! Killed under load, over and over.

use std::{collections::HashSet, env, thread, time::Duration};

use waxseal_peers::{Sink, Source, source::Load};

use crate::house::{House, any};

/// How often a test run kills; `WAXSEAL_KILLS` asks for more.
const KILLS: u32 = 20;
/// Sessions of the source.
const SESSIONS: usize = 8;
/// Transactions to one site at a time, as the relay is configured here.
const SITE: u32 = 10;

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        // Knuth's MMIX generator.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn kills() -> u32 {
    env::var("WAXSEAL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS)
}

/// What a loop came to, for the promise.
struct Count {
    acknowledged: HashSet<u64>,
    kills: u32,
}

fn hammer(house: &mut House, size: usize) -> Count {
    let kills = kills();
    let mut dice = Dice(20_261_127);
    house.start();
    let source = Source::start(&Load {
        server: house.address(),
        sessions: SESSIONS,
        size,
        domains: (0..5).map(|n| format!("d{n}.test")).collect(),
        count: 0,
    });
    for _ in 0..kills {
        // At different moments of the life of messages, and never before one was taken.
        let before = source.acknowledged();
        house.until("nothing is acknowledged", || source.acknowledged() > before);
        thread::sleep(Duration::from_millis(dice.below(300)));
        house.kill();
        house.start();
    }
    let sent = source.stop();
    Count { acknowledged: sent.acknowledged, kills }
}

fn promise(house: &House, sink: &Sink, count: &Count) {
    assert!(count.acknowledged.len() > 100, "only {} were acknowledged", count.acknowledged.len());
    house.until("acknowledged messages are missing", || {
        let numbers = sink.numbers();
        count.acknowledged.iter().all(|n| numbers.contains_key(n))
    });
    house.until("the queue does not become empty", || house.queue(&[]).is_empty());
    let numbers = sink.numbers();
    let twice: u32 = numbers.values().map(|n| n - 1).sum();
    // Each kill may hit so many transactions, whose end was not yet on disk.
    let most = count.kills * (SITE + 1) * 2;
    eprintln!(
        "{} kills: {} acknowledged, {} came, {twice} came twice (at most {most} may)",
        count.kills,
        count.acknowledged.len(),
        numbers.len()
    );
    assert!(twice <= most, "{twice} of {} came twice", numbers.len());
}

#[test]
fn no_acknowledged_message_is_lost_by_kills() {
    let sink = Sink::start(any(), None).unwrap();
    let lines = format!("[delivery]\nconnections_per_site = {SITE}\nretry = [\"1s\"]\n");
    let mut house = House::new("crash", &House::to(sink.address(), &lines));
    let count = hammer(&mut house, 3000);
    promise(&house, &sink, &count);
    house.stop();
}

#[test]
fn none_is_lost_where_bodies_are_files_and_deliveries_fail() {
    let sink = Sink::start(any(), None).unwrap();
    sink.conduct().defer_every.store(5, std::sync::atomic::Ordering::Relaxed);
    let lines = format!("[delivery]\nconnections_per_site = {SITE}\nretry = [\"1s\"]\n");
    let mut house = House::new("crash-files", &House::to(sink.address(), &lines));
    let count = hammer(&mut house, 300_000);
    sink.conduct().defer_every.store(0, std::sync::atomic::Ordering::Relaxed);
    promise(&house, &sink, &count);
    house.stop();
}
