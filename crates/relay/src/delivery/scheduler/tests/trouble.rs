//! What fails: the disk, the body, our own program, the clock.

use std::time::Duration;

use waxseal_store::spool::{Change, SpoolError, State};

use super::fakes::{Behaviour, LIFE, World, pass};

fn full() -> SpoolError {
    SpoolError::Full { detail: "no space".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_full_spool_delivers_nothing_twice() {
    let world = World::new();
    let handle = world.start().await;
    world.spool.fail_settling(Some(full()));
    let ids: Vec<_> = (0..10).map(|_| world.send(&handle, &["1@a.example"])).collect();
    pass(7200).await;
    assert_eq!(world.deliver.made().len(), 10, "delivered once, and not again while unsettled");
    assert_eq!(handle.totals().busy, 10);
    assert_eq!(world.events.heard("note spool.unsettled").len(), 1);
    world.spool.fail_settling(None);
    pass(31).await;
    assert!(ids.iter().all(|id| world.state(*id, 0) == State::Delivered));
    assert_eq!(world.deliver.made().len(), 10);
    assert_eq!(world.events.heard("note spool.settled").len(), 1);
    assert_eq!(handle.totals(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_noted_is_bounded() {
    let mut world = World::new();
    world.settings.unsettled = 8;
    let handle = world.start().await;
    world.spool.fail_settling(Some(full()));
    for _ in 0..100 {
        world.send(&handle, &["1@a.example"]);
    }
    pass(600).await;
    let made = world.deliver.made().len();
    // Those that were under way when the bound was reached come on top.
    assert!((8..=8 + 20).contains(&made), "{made}");
    world.spool.fail_settling(None);
    pass(60).await;
    assert_eq!(handle.totals(), Default::default());
    assert_eq!(world.deliver.made().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_spool_stops_deliveries() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::Takes, Duration::from_secs(5));
    let handle = world.start().await;
    for _ in 0..20 {
        world.send(&handle, &["1@a.example"]);
    }
    pass(1).await;
    world.spool.fail_settling(Some(SpoolError::Poisoned { detail: "fsync".to_owned() }));
    pass(86_400).await;
    assert_eq!(
        world.deliver.made().len(),
        10,
        "those under way, and what took their places before it was known"
    );
    assert_eq!(world.events.heard("note delivery.stopped").len(), 1);
    let told = world.events.heard("note spool.unsettled");
    assert!(told[0].contains("get it once more after a restart"), "{told:?}");
    assert!(handle.snapshot().stopped.unwrap().contains("fsync"));
}

#[tokio::test(start_paused = true)]
async fn settling_does_not_keep_a_connection() {
    let mut world = World::new();
    world.settings.connections_per_site = 1;
    world.settings.first_connections = 1;
    world.spool.settling_takes(Duration::from_secs(10));
    world.deliver.set("mx.a.example", Behaviour::Takes, Duration::from_secs(1));
    let handle = world.start().await;
    for _ in 0..10 {
        world.send(&handle, &["1@a.example"]);
    }
    pass(11).await;
    assert_eq!(world.deliver.made().len(), 10);
    assert!(world.spool.settlements().len() <= 2);
    pass(10).await;
    assert_eq!(world.spool.settlements().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_its_body_is_held_and_alarmed() {
    let world = World::new();
    let id = world.spool.put(world.message(&["1@a.example", "2@a.example"]));
    world.spool.lose_body(id);
    let handle = world.start().await;
    pass(10).await;
    for number in [0, 1] {
        let recipient = world.spool.recipient(id, number);
        assert_eq!(recipient.state, State::Held);
        assert_eq!(recipient.last.unwrap().reason.as_deref(), Some("held.no_body"));
    }
    assert_eq!(world.events.heard("note held.no_body").len(), 1);
    assert_eq!((handle.totals().held, world.deliver.made().len()), (2, 0));
    world.change(&handle, &[id], Change::Cancel { at: world.now() }).await;
    assert_eq!(handle.totals(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_is_tried_later() {
    let world = World::new();
    let id = world.spool.put(world.message(&["1@a.example"]));
    world.spool.fail_reading(Some(SpoolError::Io { detail: "read".to_owned() }));
    let _handle = world.start().await;
    pass(130).await;
    assert_eq!(world.events.heard("note spool.unreadable").len(), 3);
    world.spool.fail_reading(None);
    pass(61).await;
    assert_eq!(world.state(id, 0), State::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_mistake_of_ours_is_no_reason_to_lose_a_message() {
    for behaviour in [Behaviour::Panics, Behaviour::Silent] {
        let world = World::new();
        world.deliver.set("mx.a.example", behaviour, Duration::from_secs(1));
        let handle = world.start().await;
        let id = world.send(&handle, &["1@a.example"]);
        pass(5).await;
        let recipient = world.spool.recipient(id, 0);
        assert_eq!((recipient.state, recipient.attempts), (State::Queued, 1));
        assert!(recipient.last.unwrap().maybe_delivered);
        world.deliver.set("mx.a.example", Behaviour::Takes, Duration::from_secs(1));
        pass(450).await;
        assert_eq!(world.state(id, 0), State::Delivered);
        assert_eq!(handle.totals(), Default::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_forward_releases_and_expires_nothing_at_once() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, Duration::from_secs(1));
    let handle = world.start().await;
    let ids: Vec<_> = (0..50).map(|_| world.send(&handle, &["1@a.example"])).collect();
    pass(5000).await;
    let before = world.deliver.made().len();
    *world.shift.lock().unwrap() = 10 * LIFE;
    pass(500).await;
    assert_eq!(world.deliver.made().len(), before);
    *world.shift.lock().unwrap() = 0;
    pass(86_400).await;
    assert!(ids.iter().all(|id| world.state(*id, 0) == State::Queued), "the clock was put right in time");
    assert_eq!(world.events.heard("note clock.jumped").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_sleep_of_the_machine_what_is_due_is_tried() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, Duration::from_secs(1));
    let handle = world.start().await;
    let id = world.send(&handle, &["1@a.example"]);
    pass(14_000).await;
    let attempts = || world.deliver.made().iter().filter(|made| made.message == id).count();
    let before = attempts();
    // The next attempt is hours away by the monotonic clock.
    *world.shift.lock().unwrap() = 86_400;
    pass(900).await;
    assert_eq!(attempts(), before + 1);
    assert_eq!(world.events.heard("note clock.jumped: the clock went forward by 86400 s").len(), 1);
    assert_eq!(world.state(id, 0), State::Queued);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_holds_nothing_up() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, Duration::from_secs(1));
    let handle = world.start().await;
    let id = world.send(&handle, &["1@a.example"]);
    pass(10).await;
    *world.shift.lock().unwrap() = -365 * 86_400;
    pass(1300).await;
    assert_eq!(world.deliver.made().len(), 3, "{:?}", world.deliver.times());
    assert!(world.spool.recipient(id, 0).next_at < world.now() + 1700);
    drop(handle);
}

#[tokio::test(start_paused = true)]
async fn a_time_in_the_spool_that_is_far_off_is_not_believed() {
    let world = World::new();
    let mut message = world.message(&["1@a.example"]);
    message.received_at += 3 * 365 * 86_400;
    let id = world.spool.put(message);
    let _handle = world.start().await;
    pass(86_000).await;
    assert_eq!(world.state(id, 0), State::Queued);
    pass(1000).await;
    assert_eq!(world.state(id, 0), State::Delivered);
}
