//! What those need who act on answers, and who live for months.

use super::*;

#[tokio::test]
async fn what_may_be_concluded_is_told_apart_from_what_is_shown() {
    let (server, resolver) = stage(&[
        ("plain.test.", Rtype::DS, Fault::Silent),
        ("nsec3.test.", Rtype::DNSKEY, Fault::Failed(22)),
        ("www.ecdsa.test.", Rtype::MX, Fault::Silent),
    ])
    .await;
    for (owner, rtype, trust) in [
        ("www.ecdsa.test", "A", Trust::Secure),
        ("nothing.ecdsa.test", "A", Trust::Secure),
        ("under.opt.test", "A", Trust::Insecure),
        ("www.expired.test", "A", Trust::Bogus),
        // Proven DS records of unknown kinds: unsigned for us (RFC 4035 section 5.2).
        ("www.ed448.test", "A", Trust::Insecure),
        ("www.digest.test", "A", Trust::Insecure),
        // The proof that the zone is unsigned does not come: nothing is proven.
        ("www.plain.test", "A", Trust::Failed),
        ("www.nsec3.test", "A", Trust::Failed),
        ("www.ecdsa.test", "MX", Trust::Failed),
        // An alias from a signed zone into one that cannot be proven unsigned.
        ("alias.test", "A", Trust::Failed),
        ("bad.test", "A", Trust::Bogus),
        ("self.ecdsa.test", "A", Trust::Failed),
        ("..", "A", Trust::Failed),
    ] {
        let found = resolver.resolve(owner, rtype).await;
        assert_eq!(found.trust, trust, "{owner} {rtype}: {:#?}", found.answer);
        assert_eq!(found.answer, resolver.lookup(owner, rtype).await);
    }
    let (_, anchor) = tree(broken);
    let other = self::resolver(vec![server.address], Some(anchor.replacen('.', "other.", 1)));
    assert_eq!(other.resolve("www.ecdsa.test", "A").await.trust, Trust::Insecure, "no anchor for it");
}

#[tokio::test]
async fn a_server_that_strips_signatures_makes_nothing_unsigned() {
    let (_server, resolver) = stage(&[(".", Rtype::DNSKEY, Fault::Stripped)]).await;
    assert_eq!(resolver.resolve("www.plain.test", "A").await.trust, Trust::Failed);
}

#[tokio::test]
async fn an_answer_counts_for_its_time_to_live_and_a_failure_for_a_minute() {
    let (_server, resolver) = stage(&[("www.ecdsa.test.", Rtype::MX, Fault::Failed(22))]).await;
    let seconds = |found: &Lookup| found.until.saturating_duration_since(Instant::now()).as_secs();
    // The zones of this tree have records for 300 seconds.
    let found = resolver.resolve("www.ecdsa.test", "A").await;
    assert!((250..=300).contains(&seconds(&found)), "{}", seconds(&found));
    let failed = resolver.resolve("www.ecdsa.test", "MX").await;
    assert!((50..=60).contains(&seconds(&failed)), "{}", seconds(&failed));
    let bogus = resolver.resolve("www.expired.test", "A").await;
    assert!((50..=60).contains(&seconds(&bogus)), "{}", seconds(&bogus));
}

#[tokio::test]
async fn what_is_forgotten_is_asked_anew() {
    let (server, resolver) = stage(&[]).await;
    let count = |owner: &str| server.asked().iter().filter(|asked| asked.starts_with(owner)).count();
    for _ in 0..2 {
        resolver.lookup("www.ecdsa.test", "A").await;
        resolver.lookup("www.nsec3.test", "A").await;
    }
    assert_eq!((count("www.ecdsa.test"), count("ecdsa.test"), count("www.nsec3.test")), (1, 2, 1));
    resolver.forget(["ecdsa.test"]);
    for _ in 0..2 {
        resolver.lookup("www.ecdsa.test", "A").await;
        resolver.lookup("www.nsec3.test", "A").await;
    }
    // The answer, the keys and the DS records of the one zone; nothing of the other.
    assert_eq!((count("www.ecdsa.test"), count("ecdsa.test"), count("www.nsec3.test")), (2, 4, 1));
    resolver.forget(["not a name", ""]);
    let (entries, bytes) = resolver.remembered();
    assert!(entries > 5 && bytes > 1000, "{entries} {bytes}");
}

#[tokio::test]
async fn the_self_test_tells_whether_anything_can_be_validated() {
    let (server, resolver) = stage(&[]).await;
    resolver.lookup("www.ecdsa.test", "A").await;
    for _ in 0..2 {
        assert_eq!(resolver.self_test().await, SelfTest::Validates);
    }
    let asked = server.asked();
    let count = |question: &str| asked.iter().filter(|asked| *asked == question).count();
    assert_eq!(
        (count(". SOA"), count(". TLSA"), count("test DS")),
        (2, 2, 1),
        "asked anew, and nothing else"
    );
    for fault in [
        (".", Rtype::DNSKEY, Fault::Stripped),
        (".", Rtype::SOA, Fault::Stripped),
        (".", Rtype::TLSA, Fault::NoDenial),
    ] {
        let (server, resolver) = stage(&[fault]).await;
        let found = resolver.self_test().await;
        let SelfTest::DoesNotValidate(why) = &found else { panic!("{fault:?}: {found:?}") };
        assert!(why.contains(&server.address.to_string()), "{why}");
    }
    for fault in [(".", Rtype::SOA, Fault::Silent), (".", Rtype::SOA, Fault::Failed(22))] {
        let (server, resolver) = stage(&[fault]).await;
        let found = resolver.self_test().await;
        let SelfTest::NoAnswer(why) = &found else { panic!("{fault:?}: {found:?}") };
        assert!(why.contains(&server.address.to_string()), "{why}");
    }
    // Keys that are none of the anchor's.
    let (server, _) = stage(&[]).await;
    let built_in = self::resolver(vec![server.address], None);
    assert!(matches!(built_in.self_test().await, SelfTest::DoesNotValidate(_)));
}

#[tokio::test]
async fn what_does_not_verify_is_asked_for_again_after_a_minute_with_all_that_led_to_it() {
    let (server, resolver) = stage(&[]).await;
    let ask = async || {
        assert_eq!(resolver.lookup("www.expired.test", "A").await.status, Bogus);
        assert_eq!(resolver.lookup("www.ecdsa.test", "A").await.status, Secure);
    };
    let count = |question: &str| server.asked().iter().filter(|asked| *asked == question).count();
    ask().await;
    ask().await;
    let questions = ["www.expired.test A", "expired.test DNSKEY", "expired.test DS", "www.ecdsa.test A"];
    assert_eq!(questions.map(count), [1, 1, 1, 1]);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    ask().await;
    assert_eq!(questions.map(count), [2, 2, 2, 1]);
}
