//! The usual ways of a message: delivered, deferred, failed, expired, told.

use std::time::Duration;

use waxseal_store::spool::{Change, Notify, State};

use super::fakes::{Behaviour, LIFE, START, World, pass};
use crate::delivery::retry::Schedule;

const MOMENT: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn a_message_is_delivered_from_memory_at_once() {
    let world = World::new();
    let handle = world.start().await;
    let id = world.send(&handle, &["bob@a.example"]);
    pass(1).await;
    assert_eq!(world.state(id, 0), State::Delivered);
    let made = world.deliver.made();
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].at, made[0].body), (0, 21));
    assert_eq!(world.spool.reads(), (0, 0), "nothing is read of a message that is in memory");
    assert_eq!(world.events.heard("attempted"), ["attempted 1 bob@a.example delivered 250 2.0.0 ok"]);
    assert_eq!(handle.totals(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn recipients_of_one_domain_go_together_up_to_a_number() {
    let mut world = World::new();
    world.settings.recipients_per_message = 2;
    let handle = world.start().await;
    let id = world.send(&handle, &["1@a.example", "2@b.example", "3@a.example", "4@a.example"]);
    pass(1).await;
    let mut groups: Vec<Vec<u32>> = world.deliver.made().into_iter().map(|made| made.numbers).collect();
    groups.sort();
    assert_eq!(groups, [vec![0, 2], vec![1], vec![3]]);
    assert!((0..4).all(|number| world.state(id, number) == State::Delivered));
}

#[tokio::test(start_paused = true)]
async fn a_deferred_message_is_tried_by_the_schedule_and_read_from_the_spool() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, MOMENT);
    let handle = world.start().await;
    let id = world.send(&handle, &["bob@a.example"]);
    pass(8000).await;
    let times = world.deliver.times();
    let waits: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits.len(), 4, "{times:?}");
    for (wait, middle) in waits.iter().zip([400u64, 800, 1600, 3200]) {
        assert!(wait.abs_diff(middle) <= 32, "{wait} {middle}");
    }
    let recipient = world.spool.recipient(id, 0);
    assert_eq!((recipient.attempts, recipient.state), (5, State::Queued));
    let last = recipient.last.unwrap();
    assert_eq!(last.reason.as_deref(), Some("reply.rcpt"));
    assert_eq!((last.site.as_str(), last.transcript.len()), ("mx.a.example", 1));
    assert_eq!(world.spool.reads(), (4, 4));
    world.deliver.set("mx.a.example", Behaviour::Takes, MOMENT);
    pass(7000).await;
    assert_eq!(world.state(id, 0), State::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_the_sender_in_the_same_settlement() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::Refuses, MOMENT);
    let handle = world.start().await;
    let id = world.send(&handle, &["bob@a.example"]);
    pass(1).await;
    assert_eq!(world.state(id, 0), State::Failed);
    let settlements = world.spool.settlements();
    let notice = &settlements[0].notices[0];
    assert_eq!(&notice.body[0][..], br#"Failure of 1 to ["bob@a.example"], 21 bytes"#);
    // The notice was delivered in turn.
    let made = world.deliver.made();
    assert_eq!(made.last().unwrap().domain, "sender.example");
    assert_eq!(handle.totals(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_fails_is_not_told_of() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::Refuses, MOMENT);
    world.deliver.set("mx.sender.example", Behaviour::Refuses, MOMENT);
    let handle = world.start().await;
    world.send(&handle, &["bob@a.example"]);
    pass(10).await;
    assert_eq!(world.spool.all().len(), 2);
    assert!(world.spool.all().iter().all(|message| message.recipients[0].state == State::Failed));
}

#[tokio::test(start_paused = true)]
async fn success_is_told_where_it_was_asked_for() {
    let world = World::new();
    let handle = world.start().await;
    let mut message = world.message(&["bob@a.example", "carol@a.example"]);
    message.recipients[1].notify = Some(Notify { success: true, failure: false, delay: false });
    world.send_message(&handle, message);
    pass(1).await;
    let settlements = world.spool.settlements();
    assert_eq!(settlements[0].notices.len(), 1);
    assert_eq!(&settlements[0].notices[0].body[0][..], br#"Relayed of 1 to ["carol@a.example"], 21 bytes"#);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_in_time_expires_with_its_last_reason() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, MOMENT);
    let handle = world.start().await;
    let id = world.send(&handle, &["bob@a.example"]);
    pass(LIFE as u64 - 60).await;
    assert_eq!(world.state(id, 0), State::Queued);
    pass(120).await;
    let recipient = world.spool.recipient(id, 0);
    assert_eq!(recipient.state, State::Expired);
    let last = recipient.last.unwrap();
    assert_eq!(last.reply, "554 5.4.7 exceeded max time without delivery; last: 451 4.2.0 later");
    assert_eq!(last.reason.as_deref(), Some("expired"));
    let expired = world.spool.settlements().into_iter().find(|s| s.at >= START + LIFE).unwrap();
    assert!(expired.notices[0].body[0].starts_with(b"Failure"));
    // The last attempt was made when the time was up.
    let last_try = world.deliver.made().into_iter().rfind(|made| made.message == id).unwrap();
    assert!((LIFE..LIFE + 5).contains(&(last_try.at as i64)), "{}", last_try.at);
}

#[tokio::test(start_paused = true)]
async fn delays_are_told_at_the_configured_times_and_once() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, MOMENT);
    let handle = world.start().await;
    let id = world.send(&handle, &["bob@a.example"]);
    pass(2 * 86_400).await;
    let delays: Vec<i64> = world
        .spool
        .settlements()
        .iter()
        .filter(|settlement| settlement.notices.iter().any(|notice| notice.body[0].starts_with(b"Delay")))
        .map(|settlement| (settlement.at - START) / 3600)
        .collect();
    // Attempts are made at 0.1, 0.3, 0.8, 1.7, 3.4, 7 and 14, 28 hours.
    assert_eq!(delays.len(), 2, "{delays:?}");
    assert!((4..8).contains(&delays[0]) && (24..30).contains(&delays[1]), "{delays:?}");
    assert_eq!(world.spool.recipient(id, 0).delays_told, 2);
}

#[tokio::test(start_paused = true)]
async fn delays_are_not_told_to_those_who_do_not_want_it() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, MOMENT);
    let handle = world.start().await;
    let mut message = world.message(&["bob@a.example"]);
    message.recipients[0].notify = Some(Notify { success: false, failure: true, delay: false });
    let id = world.send_message(&handle, message);
    pass(2 * 86_400).await;
    assert_eq!(world.spool.recipient(id, 0).delays_told, 0);
    assert_eq!(world.spool.all().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_delivered_waits_and_goes_to_the_same_host_first() {
    let mut world = World::new();
    world.settings.retry = Schedule::list(vec![Duration::from_secs(10)]).unwrap();
    world.deliver.set("mx.a.example", Behaviour::Vanishes, MOMENT);
    let handle = world.start().await;
    let id = world.send(&handle, &["bob@a.example"]);
    pass(1).await;
    let recipient = world.spool.recipient(id, 0);
    assert_eq!((recipient.state, recipient.attempts), (State::Queued, 1));
    assert!(recipient.last.unwrap().maybe_delivered);
    assert!(recipient.next_at >= START + 300);
    world.deliver.set("mx.a.example", Behaviour::Takes, MOMENT);
    pass(298).await;
    assert_eq!(world.deliver.made().len(), 1);
    pass(10).await;
    let made = world.deliver.made();
    assert_eq!(made[0].first, None);
    assert_eq!(made[1].first.as_ref().unwrap().0, "mx.example");
    assert_eq!(world.state(id, 0), State::Delivered);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_budget_bodies_are_read_from_the_spool() {
    let mut world = World::new();
    world.settings.body_memory = 1500;
    world.settings.connections_per_site = 1;
    let handle = world.start().await;
    for _ in 0..3 {
        world.send(&handle, &["bob@a.example"]);
    }
    pass(5).await;
    assert_eq!(world.deliver.made().iter().filter(|made| made.body == 21).count(), 3);
    assert_eq!(world.spool.reads(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_taken_up_where_it_was_left() {
    let world = World::new();
    let now = world.now();
    let due = world.spool.put(world.message(&["1@a.example", "2@a.example"]));
    let mut later = world.message(&["3@b.example"]);
    later.received_at = now + 500;
    let later = world.spool.put(later);
    let _handle = world.start().await;
    pass(1).await;
    assert_eq!(world.state(due, 1), State::Delivered);
    assert_eq!(world.state(later, 0), State::Queued);
    assert_eq!(world.deliver.made()[0].numbers, [0, 1]);
    pass(500).await;
    assert_eq!(world.state(later, 0), State::Delivered);
}

#[tokio::test(start_paused = true)]
async fn an_operator_holds_releases_retries_and_cancels() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, MOMENT);
    let handle = world.start().await;
    let a = world.send(&handle, &["1@a.example", "2@a.example"]);
    let b = world.send(&handle, &["3@a.example"]);
    let c = world.send(&handle, &["4@a.example"]);
    pass(10).await;
    world.change(&handle, &[a], Change::Hold).await;
    world.change(&handle, &[b], Change::Cancel { at: world.now() }).await;
    assert_eq!((handle.totals().held, handle.totals().waiting), (2, 1));
    world.change(&handle, &[c], Change::Retry { at: world.now() }).await;
    pass(5).await;
    assert_eq!(world.deliver.made().len(), 4);
    world.deliver.set("mx.a.example", Behaviour::Takes, MOMENT);
    pass(5000).await;
    assert_eq!(
        (world.state(a, 0), world.state(b, 0), world.state(c, 0)),
        (State::Held, State::Cancelled, State::Delivered)
    );
    world.change(&handle, &[a], Change::Release { at: world.now() + 100 }).await;
    pass(90).await;
    assert_eq!(world.state(a, 0), State::Queued);
    pass(20).await;
    assert_eq!((world.state(a, 0), world.state(a, 1)), (State::Delivered, State::Delivered));
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_says_during_an_attempt_holds_after_it() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, Duration::from_secs(30));
    let handle = world.start().await;
    let held = world.send(&handle, &["1@a.example"]);
    let cancelled = world.send(&handle, &["2@a.example"]);
    let retried = world.send(&handle, &["3@a.example"]);
    pass(10).await;
    world.change(&handle, &[held], Change::Hold).await;
    world.change(&handle, &[cancelled], Change::Cancel { at: world.now() }).await;
    world.change(&handle, &[retried], Change::Retry { at: world.now() }).await;
    pass(25).await;
    let totals = handle.totals();
    assert_eq!((totals.held, totals.busy, totals.waiting), (1, 1, 0), "{totals:?}");
    pass(40_000).await;
    let of = |id| world.deliver.made().iter().filter(|made| made.message == id).count();
    assert_eq!((of(held), of(cancelled)), (1, 1));
    assert_eq!((world.state(held, 0), world.state(cancelled, 0)), (State::Held, State::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_what_is_under_way_and_begins_nothing() {
    let mut world = World::new();
    world.settings.first_connections = 1;
    world.deliver.set("mx.a.example", Behaviour::Takes, Duration::from_secs(20));
    let handle = world.start().await;
    let first = world.send(&handle, &["1@a.example"]);
    let second = world.send(&handle, &["2@a.example"]);
    pass(5).await;
    let drained = handle.drain(Duration::from_secs(60)).await;
    assert_eq!(drained, Default::default());
    assert_eq!(world.elapsed(), 20, "no longer than needed");
    assert_eq!((world.state(first, 0), world.state(second, 0)), (State::Delivered, State::Queued));
    world.send(&handle, &["3@b.example"]);
    pass(100).await;
    assert_eq!(world.deliver.made().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn draining_does_not_wait_for_ever() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::Takes, Duration::from_secs(500));
    let handle = world.start().await;
    world.send(&handle, &["1@a.example"]);
    pass(5).await;
    let drained = handle.drain(Duration::from_secs(60)).await;
    assert_eq!((drained.attempts, drained.unsettled), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_tells_where_everything_is() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::PutsOff, MOMENT);
    world.deliver.set("mx.b.example", Behaviour::Takes, Duration::from_secs(100));
    let handle = world.start().await;
    let a = world.send(&handle, &["1@a.example", "2@a.example"]);
    world.send(&handle, &["3@b.example"]);
    let held = world.send(&handle, &["4@a.example"]);
    pass(5).await;
    world.change(&handle, &[held], Change::Hold).await;
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.attempts, 1);
    let domain = &snapshot.domains[0];
    assert_eq!((domain.domain.as_str(), domain.site.as_deref()), ("a.example", Some("mx.a.example")));
    assert_eq!((domain.recipients.waiting, domain.recipients.held, domain.oldest), (2, 1, a.0));
    assert_eq!(domain.reasons, [("reply.rcpt".to_owned(), 3)]);
    assert!((360..=432).contains(&domain.next_in.unwrap()), "{domain:?}");
    let site = snapshot.sites.iter().find(|site| site.site == "mx.b.example").unwrap();
    assert_eq!((site.attempts, site.limit, site.open), (1, 5, false));
}
