//! How much sites are asked at a time, and that one does not hold up others.

use std::time::Duration;

use waxseal_store::spool::{Change, State};

use super::fakes::{Behaviour, LIFE, START, World, pass};

#[tokio::test(start_paused = true)]
async fn a_site_begins_with_a_few_connections_and_gets_more() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::Takes, Duration::from_secs(1));
    let handle = world.start().await;
    for _ in 0..1000 {
        world.send(&handle, &["1@a.example"]);
    }
    pass(1).await;
    assert_eq!(world.deliver.most("mx.a.example"), 5);
    pass(15).await;
    let most = world.deliver.most("mx.a.example");
    assert!((12..=20).contains(&most), "{most}");
    pass(100).await;
    assert_eq!(world.deliver.most("mx.a.example"), 20);
    assert_eq!(handle.totals(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn a_site_that_asks_for_less_gets_less() {
    let mut world = World::new();
    world.settings.breaker.failures = 1000;
    world.settings.retry = crate::delivery::retry::Schedule::list(vec![Duration::from_secs(2)]).unwrap();
    world.deliver.set("mx.a.example", Behaviour::Busy, Duration::from_secs(1));
    let handle = world.start().await;
    for _ in 0..50 {
        world.send(&handle, &["1@a.example"]);
    }
    pass(10).await;
    world.deliver.running.lock().unwrap().clear();
    // What is under way then has ended: the count begins anew.
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.sites[0].limit, 1);
    assert!(snapshot.sites[0].attempts <= 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_site_is_left_alone_and_its_mail_waits_in_line() {
    let world = World::new();
    world.deliver.set("mx.dead.example", Behaviour::Dead, Duration::from_secs(1));
    let handle = world.start().await;
    let ids: Vec<_> = (0..500).map(|_| world.send(&handle, &["1@dead.example"])).collect();
    pass(3600).await;
    let attempts = world.deliver.made().len();
    // Five at first, then one each 30 s, 60 s … 600 s; and those again by their own schedule
    // stand in line.
    assert!((9..30).contains(&attempts), "{attempts}");
    let untried = ids.iter().filter(|id| world.spool.recipient(**id, 0).attempts == 0).count();
    assert!(untried > 470);
    let snapshot = handle.snapshot();
    let site = &snapshot.sites[0];
    assert!(site.open && site.queued > 470, "{site:?}");
    assert_eq!(site.trouble.as_deref(), Some("mx.example: 451 4.4.1 no answer"));
    assert_eq!(world.events.heard("note site.left_alone").len(), 1, "told once, not at each attempt");
    world.deliver.set("mx.dead.example", Behaviour::Takes, Duration::from_millis(10));
    pass(700).await;
    let delivered = ids.iter().filter(|id| world.state(**id, 0) == State::Delivered).count();
    assert!(delivered > 470, "{delivered}: as soon as one attempt succeeds, all go");
    assert_eq!(world.events.heard("note site.reachable").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn behind_a_dead_site_delays_are_told_and_messages_expire() {
    let world = World::new();
    world.deliver.set("mx.dead.example", Behaviour::Dead, Duration::from_secs(1));
    let handle = world.start().await;
    let ids: Vec<_> = (0..200).map(|_| world.send(&handle, &["1@dead.example"])).collect();
    pass(6 * 3600).await;
    for id in &ids {
        assert_eq!(world.spool.recipient(*id, 0).delays_told, 1, "{id}");
    }
    pass(LIFE as u64 - 6 * 3600 + 2 * 3600).await;
    for id in &ids {
        let recipient = world.spool.recipient(*id, 0);
        assert_eq!((recipient.state, recipient.delays_told), (State::Expired, 2), "{id}");
        let ended = recipient.final_at.unwrap() - START;
        assert!((LIFE..LIFE + 3700).contains(&ended), "{ended}");
        assert!(recipient.last.unwrap().reply.contains("451 4.4.1"), "the reason is named");
    }
    assert_eq!(handle.totals(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn an_operator_can_have_a_dead_site_tried() {
    let world = World::new();
    world.deliver.set("mx.dead.example", Behaviour::Dead, Duration::from_secs(1));
    let handle = world.start().await;
    let ids: Vec<_> = (0..20).map(|_| world.send(&handle, &["1@dead.example"])).collect();
    pass(10).await;
    assert!(handle.snapshot().sites[0].open);
    world.deliver.set("mx.dead.example", Behaviour::Takes, Duration::from_millis(10));
    let waiting = handle.totals().waiting;
    assert!(waiting > 0);
    assert_eq!(handle.retry_site("mx.dead.example"), waiting);
    pass(2).await;
    assert!(ids.iter().all(|id| world.state(*id, 0) == State::Delivered));
}

#[tokio::test(start_paused = true)]
async fn retrying_a_message_tries_its_site_even_if_it_is_left_alone() {
    let world = World::new();
    world.deliver.set("mx.dead.example", Behaviour::Dead, Duration::from_secs(1));
    let handle = world.start().await;
    let ids: Vec<_> = (0..20).map(|_| world.send(&handle, &["1@dead.example"])).collect();
    pass(10).await;
    let before = world.deliver.made().len();
    world.change(&handle, &ids[19..], Change::Retry { at: world.now() }).await;
    pass(2).await;
    assert_eq!(world.deliver.made().len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn many_dead_sites_do_not_hold_up_the_living() {
    let mut world = World::new();
    world.settings.connections = 40;
    let handle = world.start().await;
    // All connections would be held for minutes.
    for n in 0..200 {
        world.deliver.set(&format!("mx.dead{n}.example"), Behaviour::Dead, Duration::from_secs(300));
    }
    world.send(&handle, &["1@good.example"]);
    pass(1).await;
    for n in 0..200 {
        for _ in 0..10 {
            world.send(&handle, &[&format!("1@dead{n}.example")]);
        }
    }
    pass(1).await;
    let ids: Vec<_> = (0..100).map(|_| world.send(&handle, &["1@good.example"])).collect();
    pass(5).await;
    assert!(ids.iter().all(|id| world.state(*id, 0) == State::Delivered));
    assert!(world.deliver.most("") <= 40);
}

#[tokio::test(start_paused = true)]
async fn sites_share_what_there_is() {
    let mut world = World::new();
    world.settings.connections = 8;
    let handle = world.start().await;
    for n in 0..16 {
        world.deliver.set(&format!("mx.s{n}.example"), Behaviour::Takes, Duration::from_secs(1));
    }
    // One site comes first, with much.
    for _ in 0..400 {
        world.send(&handle, &["1@s0.example"]);
    }
    pass(30).await;
    for n in 1..16 {
        for _ in 0..10 {
            world.send(&handle, &[&format!("1@s{n}.example")]);
        }
    }
    let before = world.deliver.made().len();
    pass(20).await;
    let made = world.deliver.made();
    for n in 1..16 {
        let site = format!("mx.s{n}.example");
        let count = made[before..].iter().filter(|made| made.site == site).count();
        assert!((6..=10).contains(&count), "{site} {count}");
    }
    assert!(world.deliver.most("") <= 8);
}

#[tokio::test(start_paused = true)]
async fn a_slow_lookup_holds_up_its_own_domain_only() {
    let world = World::new();
    world.router.takes.lock().unwrap().insert("slow.example".to_owned(), Duration::from_secs(30));
    let handle = world.start().await;
    let slow: Vec<_> = (0..50).map(|_| world.send(&handle, &["1@slow.example"])).collect();
    let quick = world.send(&handle, &["1@quick.example"]);
    pass(1).await;
    assert_eq!(world.state(quick, 0), State::Delivered);
    assert_eq!(*world.router.asked.lock().unwrap(), 2, "one lookup for a domain at a time");
    pass(400).await;
    assert!(slow.iter().all(|id| world.state(*id, 0) == State::Delivered));
}

#[tokio::test(start_paused = true)]
async fn domains_with_the_same_hosts_share_their_limits() {
    let mut world = World::new();
    world.settings.connections_per_site = 5;
    for n in 0..20 {
        world.router.set(&format!("d{n}.example"), "mx.shared.example");
    }
    world.deliver.set("mx.shared.example", Behaviour::Takes, Duration::from_secs(1));
    let handle = world.start().await;
    for n in 0..20 {
        world.send(&handle, &[&format!("1@d{n}.example")]);
    }
    pass(10).await;
    assert_eq!(world.deliver.most("mx.shared.example"), 5);
    assert_eq!(world.deliver.made().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn mail_follows_a_domain_to_its_new_hosts() {
    let world = World::new();
    let handle = world.start().await;
    world.send(&handle, &["1@a.example"]);
    pass(1).await;
    world.router.set("a.example", "mx.new.example");
    let id = world.send(&handle, &["2@a.example"]);
    pass(1).await;
    assert_eq!(world.state(id, 0), State::Delivered);
    assert_eq!(world.deliver.made()[1].site, "mx.new.example");
    assert_eq!(handle.snapshot().sites.len(), 0, "no site is left with anything");
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_leaves_a_dead_site_takes_its_mail_along() {
    let world = World::new();
    world.deliver.set("mx.a.example", Behaviour::Dead, Duration::from_secs(1));
    let handle = world.start().await;
    let ids: Vec<_> = (0..50).map(|_| world.send(&handle, &["1@a.example"])).collect();
    pass(20).await;
    let tried = world.deliver.made().len();
    world.router.set("a.example", "mx.new.example");
    pass(60).await;
    let delivered = ids.iter().filter(|id| world.state(**id, 0) == State::Delivered).count();
    assert_eq!(delivered, 50 - tried, "all but those that were tried and wait");
}

#[tokio::test(start_paused = true)]
async fn a_backlog_comes_out_at_a_bounded_rate() {
    let mut world = World::new();
    world.settings.release_per_second = 100;
    world.settings.connections_per_site = 1000;
    world.settings.first_connections = 1000;
    world.settings.connections = 4000;
    world.deliver.set("mx.a.example", Behaviour::Takes, Duration::ZERO);
    for _ in 0..1000 {
        world.spool.put(world.message(&["1@a.example"]));
    }
    let _handle = world.start().await;
    pass(5).await;
    let made = world.deliver.made().len();
    assert!((450..=520).contains(&made), "{made}");
    pass(6).await;
    assert_eq!(world.deliver.made().len(), 1000);
}
