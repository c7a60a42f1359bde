//! What is done where DNSSEC cannot be relied on.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::net::UdpSocket;
use waxseal_judge::delivery::{Dane, Failure, Level, MxAnswer};
use waxseal_relay::{
    config::sections::Dnssec,
    policy::dnssec::DnssecState,
    route::{Router, Wishes},
};

use crate::stage::{Setting, Stage};

/// A name server that asks another one, and not for signatures: as those of many providers.
async fn stripping(upstream: SocketAddr) -> SocketAddr {
    sometimes_stripping(upstream, Arc::new(AtomicBool::new(true))).await
}

/// The same, as long as it is told to.
async fn sometimes_stripping(upstream: SocketAddr, strips: Arc<AtomicBool>) -> SocketAddr {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let mut query = buffer[..length].to_vec();
            // The flags of EDNS stand before the length of its data, at the very end.
            let flags = query.len() - 4;
            if strips.load(Ordering::Relaxed) {
                query[flags] &= 0x7f;
            }
            let own = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            own.connect(upstream).await.unwrap();
            own.send(&query).await.unwrap();
            let socket = Arc::clone(&socket);
            tokio::spawn(async move {
                let mut answer = vec![0; 4096];
                let length = own.recv(&mut answer).await.unwrap();
                socket.send_to(&answer[..length], client).await.unwrap();
            });
        }
    });
    address
}

const RULES: &str = "[[policy.rule]]\ndomain = \"dane-only.lab.test\"\nsender = \"@strict.example\"\ntls = \"dane\"\n\
    [[policy.rule]]\ndomain = \"dane-only.lab.test\"\nsender = \"@strictest.example\"\ntls = \"dane-only\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_strips_signatures_turns_dane_off_loudly_and_meets_no_demand_for_it() {
    let stage = Stage::new(&["dane-only", "sts-enforce", "bogus"]).await;
    let server = stripping(stage.lab.dns()).await;
    let setting = Setting { rules: RULES, server: Some(server), ..Setting::default() };
    let router = stage.router(setting).await;
    assert!(matches!(router.dnssec(), DnssecState::Broken(_)), "{:?}", router.dnssec());
    let notes = stage.notes.all();
    let told = notes.iter().find(|note| note.starts_with("dns.dnssec: ")).unwrap();
    assert!(told.contains("DANE is NOT used") && told.contains(&server.to_string()), "{told}");
    let route = router.route("dane-only.lab.test", "x@other.example").await;
    assert_eq!((route.mx, route.hops[0].facts.dane), (MxAnswer::Insecure, Dane::NotAsked));
    assert_eq!(route.hops[0].requirement(Wishes::default()).level(), Level::None);
    for sender in ["x@strict.example", "x@strictest.example"] {
        let route = router.route("dane-only.lab.test", sender).await;
        let hop = &route.hops[0];
        assert_eq!(hop.requirement(Wishes::default()).refusal(), Some(Failure::TlsaLookup), "{sender}");
        assert!(hop.trouble.as_deref().unwrap().contains(&server.to_string()), "{:?}", hop.trouble);
    }
    // MTA-STS does without DNSSEC.
    let sts = router.route("sts-enforce.lab.test", "").await;
    assert_eq!(sts.hops[0].requirement(Wishes::default()).level(), Level::MtaSts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_worked_once_is_not_given_up_to_whoever_makes_it_fail() {
    let stage = Stage::new(&["dane-only", "unsigned"]).await;
    let strips = Arc::new(AtomicBool::new(true));
    let server = sometimes_stripping(stage.lab.dns(), Arc::clone(&strips)).await;
    let router = stage.router(Setting { server: Some(server), ..Setting::default() }).await;
    let level = async || {
        let route = router.route("dane-only.lab.test", "").await;
        route.hops.first().map(|hop| hop.requirement(Wishes::default()).level())
    };
    assert_eq!(level().await, Some(Level::None));
    strips.store(false, Ordering::Relaxed);
    router.test_dnssec().await;
    assert_eq!(router.dnssec(), DnssecState::Works);
    assert_eq!(level().await, Some(Level::Dane), "what was concluded without it is thought over");
    strips.store(true, Ordering::Relaxed);
    router.test_dnssec().await;
    assert_eq!(router.dnssec(), DnssecState::Works);
    let told = stage.notes.all().pop().unwrap();
    assert!(told.contains("worked and does not any more"), "{told}");
    let route = router.route("unsigned.lab.test", "").await;
    assert_eq!(route.mx, MxAnswer::Failed, "its being unsigned is not proven");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turned_off_by_the_operator_it_keeps_rules_for_dane_waiting() {
    let stage = Stage::new(&["dane-only"]).await;
    let router = stage.router(Setting { rules: RULES, dnssec: Dnssec::Off, ..Setting::default() }).await;
    assert_eq!(router.dnssec(), DnssecState::Off);
    let route = router.route("dane-only.lab.test", "").await;
    assert_eq!(route.hops[0].facts.dane, Dane::NotAsked);
    assert_eq!(stage.asked("TLSA"), 0, "nobody was asked");
    let strict = router.route("dane-only.lab.test", "x@strict.example").await;
    assert_eq!(strict.hops[0].requirement(Wishes::default()).refusal(), Some(Failure::TlsaLookup));
    assert!(strict.hops[0].trouble.as_deref().unwrap().contains("turned off"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_answer_nothing_is_concluded() {
    let stage = Stage::new(&["dane-only"]).await;
    let mute = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let setting = Setting { server: Some(mute.local_addr().unwrap()), ..Setting::default() };
    let router = stage.router(setting).await;
    assert!(matches!(router.dnssec(), DnssecState::Unknown(_)), "{:?}", router.dnssec());
    let route = router.route("dane-only.lab.test", "").await;
    assert_eq!(route.mx, MxAnswer::Failed, "neither unsigned nor without TLSA records");
    assert!(stage.notes.all().iter().any(|note| note.contains("not known yet")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_validates_is_told_once() {
    let stage = Stage::new(&["dane-only"]).await;
    let router = stage.router(Setting::default()).await;
    assert_eq!(router.dnssec(), DnssecState::Works);
    assert_eq!(stage.notes.all(), ["dns.dnssec: DNSSEC works: DANE is used"]);
}
