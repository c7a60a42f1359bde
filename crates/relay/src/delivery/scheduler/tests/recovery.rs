//! Sites that keep mail waiting for want of TLS: watched, mended, released.

use std::time::Duration;

use waxseal_judge::delivery::OperatorLevel;
use waxseal_store::spool::{Change, State};

use super::fakes::{Behaviour, World, pass};

const MOMENT: Duration = Duration::from_millis(10);
const NO_TLS: Behaviour = Behaviour::NoTls("tls.not_advertised");

fn world() -> World {
    let world = World::new();
    *world.router.level.lock().unwrap() = Some(OperatorLevel::Encrypt);
    world.deliver.set("mx.a.example", NO_TLS, MOMENT);
    world
}

#[tokio::test(start_paused = true)]
async fn mail_goes_out_minutes_after_tls_is_back() {
    let world = world();
    let handle = world.start().await;
    let ids: Vec<_> = (0..100).map(|_| world.send(&handle, &["1@a.example"])).collect();
    // The attempts of their own are hours apart by then.
    pass(8 * 3600).await;
    assert_eq!(world.events.heard("watching"), ["watching mx.a.example a.example tls.not_advertised"]);
    let probes = world.deliver.probes.lock().unwrap().len();
    assert!((8 * 12 - 10..8 * 12 + 12).contains(&probes), "one each five minutes: {probes}");
    let watch = &handle.snapshot().watches[0];
    assert_eq!((watch.site.as_deref(), watch.recipients), (Some("mx.a.example"), 100));
    assert_eq!(watch.level.as_deref(), Some("require"));
    assert!(watch.next_in.unwrap() <= 330);
    assert!((0..=331).contains(&(world.now() - watch.probed_at.unwrap())));
    world.deliver.set("mx.a.example", Behaviour::Takes, Duration::from_secs(1));
    world.deliver.running.lock().unwrap().clear();
    pass(345).await;
    assert!(ids.iter().all(|id| world.state(*id, 0) == State::Delivered));
    assert!(world.deliver.most("mx.a.example") <= 20);
    let mended = world.events.heard("mended");
    assert_eq!(mended.len(), 1);
    assert!(
        mended[0].starts_with("mended mx.a.example tls.not_advertised after 2")
            && mended[0].ends_with("for 100")
    );
    assert_eq!(handle.snapshot().watches, []);
}

#[tokio::test(start_paused = true)]
async fn a_mended_site_begins_with_few_connections() {
    let world = world();
    world.deliver.set("mx.a.example", NO_TLS, Duration::from_millis(1));
    let handle = world.start().await;
    for _ in 0..200 {
        world.send(&handle, &["1@a.example"]);
    }
    pass(30).await;
    world.deliver.set("mx.a.example", Behaviour::Takes, Duration::from_secs(1000));
    pass(100).await;
    assert_eq!(handle.snapshot().sites[0].attempts, 5);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_last_recipient() {
    let world = world();
    let handle = world.start().await;
    let id = world.send(&handle, &["1@a.example"]);
    pass(200).await;
    assert_eq!(handle.snapshot().watches.len(), 1);
    world.change(&handle, &[id], Change::Hold).await;
    assert_eq!(handle.snapshot().watches.len(), 0);
    let probes = world.deliver.probes.lock().unwrap().len();
    pass(3600).await;
    assert_eq!(world.deliver.probes.lock().unwrap().len(), probes);
}

#[tokio::test(start_paused = true)]
async fn a_watch_outlasts_attempts_that_fail_likewise() {
    let world = world();
    let handle = world.start().await;
    world.send(&handle, &["1@a.example"]);
    pass(2000).await;
    assert!(world.deliver.made().len() >= 3);
    assert_eq!(world.events.heard("watching").len(), 1);
    let since = handle.snapshot().watches[0].since;
    assert!(since - super::fakes::START < 5, "since the first of them");
}

#[tokio::test(start_paused = true)]
async fn domains_of_one_site_are_probed_as_one() {
    let world = world();
    for n in 0..50 {
        world.router.set(&format!("d{n}.example"), "mx.a.example");
    }
    let handle = world.start().await;
    for n in 0..50 {
        world.send(&handle, &[&format!("1@d{n}.example")]);
    }
    pass(100).await;
    assert_eq!(handle.snapshot().watches.len(), 1);
    assert_eq!(world.deliver.probes.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn policies_of_single_domains_are_watched_by_domain() {
    let world = world();
    world.deliver.set("mx.a.example", Behaviour::NoTls("sts.mx_mismatch"), MOMENT);
    for n in 0..3 {
        world.router.set(&format!("d{n}.example"), "mx.a.example");
    }
    let handle = world.start().await;
    for n in 0..3 {
        world.send(&handle, &[&format!("1@d{n}.example")]);
    }
    pass(10).await;
    assert_eq!(handle.snapshot().watches.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn watches_survive_a_restart() {
    let world = world();
    for n in 0..5 {
        world.router.set(&format!("d{n}.example"), "mx.a.example");
    }
    let handle = world.start().await;
    let ids: Vec<_> = (0..5).map(|n| world.send(&handle, &[&format!("1@d{n}.example")])).collect();
    pass(10).await;
    handle.drain(Duration::from_secs(5)).await;
    pass(10_000).await;
    let probes = world.deliver.probes.lock().unwrap().len();
    // All are due now; let them wait again, far from their next attempts.
    let handle = world.start().await;
    pass(5).await;
    handle.drain(Duration::from_secs(5)).await;
    let handle = world.start().await;
    let watches = handle.snapshot().watches;
    assert_eq!(watches.len(), 5, "by domain, until their site is known");
    pass(70).await;
    let watches = handle.snapshot().watches;
    assert_eq!((watches.len(), watches[0].recipients), (1, 5), "{watches:?}");
    assert!(world.deliver.probes.lock().unwrap().len() > probes);
    world.deliver.set("mx.a.example", Behaviour::Takes, MOMENT);
    pass(120).await;
    assert!(ids.iter().all(|id| world.state(*id, 0) == State::Delivered));
    let mended = world.events.heard("mended");
    assert!(mended[0].ends_with("for 5"), "{mended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_whose_message_is_gone_goes_on_with_another() {
    let world = world();
    let handle = world.start().await;
    let first = world.send(&handle, &["1@a.example"]);
    let second = world.send(&handle, &["2@a.example"]);
    pass(10).await;
    handle.drain(Duration::from_secs(5)).await;
    let handle = world.start().await;
    // Behind the scheduler's back.
    let selector = waxseal_store::spool::Selector { messages: vec![first.0], ..Default::default() };
    use waxseal_store::spool::Spool as _;
    world.spool.change(selector, Change::Cancel { at: world.now() }, false).await.unwrap();
    world.deliver.set("mx.a.example", Behaviour::Takes, MOMENT);
    pass(200).await;
    assert_eq!(world.state(second, 0), State::Delivered);
    assert_eq!(world.state(first, 0), State::Cancelled);
    pass(600).await;
    assert_eq!(handle.snapshot().watches, []);
}

#[tokio::test(start_paused = true)]
async fn probes_are_bounded_and_every_site_gets_its_turn() {
    let mut world = world();
    world.settings.probes = 3;
    *world.deliver.probes_take.lock().unwrap() = Duration::from_secs(10);
    for n in 0..30 {
        world.deliver.set(&format!("mx.s{n}.example"), NO_TLS, MOMENT);
    }
    let handle = world.start().await;
    for n in 0..30 {
        world.send(&handle, &[&format!("1@s{n}.example")]);
    }
    pass(60 + 110 + 10).await;
    assert_eq!(world.deliver.probing.lock().unwrap().1, 3);
    let mut probed: Vec<String> =
        world.deliver.probes.lock().unwrap().iter().map(|(site, _)| site.clone()).collect();
    probed.sort();
    probed.dedup();
    assert_eq!(probed.len(), 30, "each once before any twice");
    drop(handle);
}

#[tokio::test(start_paused = true)]
async fn an_operator_can_have_a_site_probed() {
    let world = world();
    let handle = world.start().await;
    let id = world.send(&handle, &["1@a.example"]);
    pass(5).await;
    let probed = handle.probe_now("a.example").await;
    assert_eq!((probed.len(), probed[0].passed), (1, false));
    assert_eq!(probed[0].reason.as_deref(), Some("tls.not_advertised"));
    world.deliver.set("mx.a.example", Behaviour::Takes, MOMENT);
    let probed = handle.probe_now("mx.a.example").await;
    assert_eq!((probed[0].passed, probed[0].released), (true, 1));
    pass(1).await;
    assert_eq!(world.state(id, 0), State::Delivered);
    // Nothing waits any more: the domain is asked all the same.
    let probed = handle.probe_now("b.example").await;
    assert_eq!((probed[0].site.as_str(), probed[0].passed), ("mx.b.example", true));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_passes_in_vain_is_not_repeated_each_minute() {
    let world = world();
    // The probe passes, but the messages are kept all the same.
    world.deliver.set("mx.a.example", Behaviour::Takes, MOMENT);
    *world.deliver.script.lock().unwrap() = Some(Box::new(|_, _| NO_TLS));
    let handle = world.start().await;
    world.send(&handle, &["1@a.example"]);
    pass(4 * 3600).await;
    let mended = world.events.heard("mended").len();
    assert!((4..=9).contains(&mended), "{mended}");
    drop(handle);
}
