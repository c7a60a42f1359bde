//! What is remembered, for how long, and what is asked once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use waxseal_relay::route::Router;

use crate::stage::{Setting, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_is_asked_about_once_however_many_messages_wait() {
    let stage = Stage::new(&["healthy"]).await;
    let router = stage.router(Setting::default()).await;
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let router = router.clone();
            // Spelled in many ways, it is one domain.
            let domain = if number % 2 == 0 { "healthy.lab.test" } else { "Healthy.LAB.test." };
            tokio::spawn(async move { router.route(domain, "x@sender.example").await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().hops.len(), 1);
    }
    assert_eq!(stage.asked("healthy.lab.test MX"), 1);
    assert_eq!(stage.lab.connections("mta-sts.healthy.lab.test"), 1, "one fetch of its policy");
    let before = stage.lab.log().len();
    let (one, two) =
        (router.route("healthy.lab.test", "").await, router.route("healthy.lab.test", "b@c.example").await);
    assert!(Arc::ptr_eq(&one, &two), "no rule is about senders");
    assert_eq!(stage.lab.log().len(), before, "from memory");
    assert_eq!(router.remembered().0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_counts_between_half_a_minute_and_an_hour_and_a_failure_a_minute() {
    let stage = Stage::new(&["healthy", "servfail", "dane-servfail", "sts-max-age-zero"]).await;
    let router = stage.router(Setting::default()).await;
    for (label, least, most) in
        [("healthy", 31, 3600), ("servfail", 25, 61), ("dane-servfail", 25, 61), ("sts-max-age-zero", 25, 31)]
    {
        let route = router.route(&format!("{label}.lab.test"), "").await;
        let left = route.valid_until.saturating_duration_since(Instant::now());
        let range = Duration::from_secs(least)..=Duration::from_secs(most);
        assert!(range.contains(&left), "{label}: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looked_up_anew_it_is_asked_again_and_else_it_is_not() {
    let stage = Stage::new(&["dane-servfail", "sts-404"]).await;
    let router = stage.router(Setting::default()).await;
    let asked = || {
        (
            stage.asked("dane-servfail.lab.test MX"),
            stage.asked("_25._tcp.mx.dane-servfail.lab.test TLSA"),
            stage.asked("_mta-sts.dane-servfail.lab.test TXT"),
        )
    };
    router.route("dane-servfail.lab.test", "").await;
    router.route("dane-servfail.lab.test", "").await;
    let once = asked();
    router.route_anew("dane-servfail.lab.test", "").await;
    let (mx, tlsa, txt) = asked();
    assert!(mx > once.0 && tlsa > once.1 && txt > once.2, "{once:?} {:?}", (mx, tlsa, txt));
    // A policy host that failed a moment ago is left in peace.
    router.route("sts-404.lab.test", "").await;
    router.route_anew("sts-404.lab.test", "").await;
    assert_eq!(stage.lab.connections("mta-sts.sts-404.lab.test"), 1);
}
