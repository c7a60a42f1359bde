//! The resolver against a stand-in server with zones signed here: everything on loopback,
//! nothing that has to be installed.

mod attacks;
mod forgery;
mod lasting;
mod server;
mod tree;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::base::iana::Rtype;
use domain::crypto::sign::GenerateParams;
use domain::dnssec::validator::anchor::TrustAnchors as LibraryAnchors;
use domain::dnssec::validator::context::{ValidationContext, ValidationState};
use domain::net::client::dgram_stream;
use domain::net::client::protocol::{TcpConnect, UdpConnect};
use domain::net::client::request::RequestMessage;
use proptest::prelude::*;
use waxseal_model::dns::{DnsAnswer, DnsOutcome, DnssecStatus, RecordData};

use super::*;
use server::{Fault, TestServer};
use tree::{How, TestZone, delegation, signed, unsigned};

const LEAF: &str = "www A 192.0.2.1\nmail MX 10 mx\nmx AAAA 2001:db8::25\nalias CNAME www\n\
    dangling CNAME nothing.ecdsa.test.\nnull MX 0 .\na.b A 192.0.2.3\n*.w TXT \"any\"\n\
    _25._tcp.mx TLSA 3 1 1 ABCDEF\nself CNAME self\none CNAME two\ntwo CNAME one\ntext TXT \"two \" \"parts\\027[0m\"\n\
    caa CAA 0 issue \"ca.test\"\nsrv SRV 1 2 3 mx";

/// The tree: every zone below `test.` and the root, and the root's anchor.
fn tree(change: impl Fn(&mut TestZone)) -> (Vec<TestZone>, String) {
    let how = How::default();
    let aliases: String = (0..20).map(|i| format!("long{i} CNAME long{}\n", i + 1)).collect();
    let large: String = (0..40).map(|_| format!("\"{}\" ", "x".repeat(100))).collect();
    let mut zones = vec![
        signed("ecdsa.test.", LEAF, &how),
        signed("nsec3.test.", LEAF, &How { nsec3: Some((1, false)), ..how.clone() }),
        signed("ed25519.test.", LEAF, &How { algorithm: GenerateParams::Ed25519, ..how.clone() }),
        signed("p384.test.", LEAF, &How { algorithm: GenerateParams::EcdsaP384Sha384, ..how.clone() }),
        signed("expired.test.", LEAF, &How { validity: (-7200, -3600), ..how.clone() }),
        signed("future.test.", LEAF, &How { validity: (3600, 7200), ..how.clone() }),
        signed("iterations.test.", LEAF, &How { nsec3: Some((101, false)), ..how.clone() }),
        signed("mismatch.test.", LEAF, &how),
        signed("ed448.test.", LEAF, &how),
        signed("digest.test.", LEAF, &how),
        unsigned("plain.test.", LEAF),
        unsigned("under.opt.test.", LEAF),
        unsigned("keyless.test.", LEAF),
        signed("many.test.", &format!("{aliases}\nlarge TXT {large}"), &how),
    ];
    for zone in &mut zones {
        change(zone);
    }
    let opt_out = How { nsec3: Some((0, true)), ..how.clone() };
    zones.push(signed("opt.test.", &delegation(&zones[11]), &opt_out));
    let mut test: String = zones.iter().filter(|zone| zone.apex.label_count() == 3).map(delegation).collect();
    test.push_str("alias CNAME www.plain.test.\nbad CNAME www.expired.test.\n");
    let test = signed("test.", &test, &how);
    let root = signed(".", &delegation(&test), &how);
    let anchor = root.ds.clone();
    zones.extend([test, root]);
    (zones, anchor)
}

/// The parent's view of the zones that are broken in it.
fn broken(zone: &mut TestZone) {
    let words: Vec<String> = zone.ds.split_whitespace().map(str::to_owned).collect();
    let mut ds = |tag: &str, algorithm: &str, digest_type: &str, digest: &str| {
        zone.ds = format!("{}. 300 IN DS {tag} {algorithm} {digest_type} {digest}\n", zone.apex);
    };
    match zone.apex.to_string().as_str() {
        "mismatch.test" => ds(&words[4], "13", "2", &"00".repeat(32)),
        "ed448.test" => ds(&words[4], "16", "2", &words[7]),
        "digest.test" => ds(&words[4], "13", "3", &words[7]),
        "keyless.test" => ds("12345", "13", "2", &"00".repeat(32)),
        _ => {}
    }
}

async fn stage(faults: &[(&str, Rtype, Fault)]) -> (TestServer, Resolver) {
    let (zones, anchor) = tree(broken);
    let server = TestServer::start(zones, faults).await;
    let resolver = resolver(vec![server.address], Some(anchor));
    (server, resolver)
}

fn resolver(servers: Vec<SocketAddr>, trust_anchor: Option<String>) -> Resolver {
    Resolver::new(ResolverConfig { servers, trust_anchor, timeout: Duration::from_secs(2) }).unwrap()
}

#[track_caller]
fn expect(answer: &DnsAnswer, outcome: DnsOutcome, status: DnssecStatus, reason: &str) {
    let right = answer.outcome == outcome && answer.status == status && answer.reason.contains(reason);
    assert!(right, "{answer:#?}\nexpected {outcome:?} {} saying {reason:?}", status.word());
}

use DnsOutcome::{NoData, NxDomain, Records, ServerError, Timeout, Unusable};
use DnssecStatus::{Bogus, Indeterminate, Insecure, Secure};

#[tokio::test]
async fn secure_zones_of_every_algorithm_answer_and_deny() {
    let (_server, resolver) = stage(&[]).await;
    for zone in ["ecdsa", "nsec3", "ed25519", "p384"] {
        let says = format!("zone {zone}.test");
        for (owner, rtype, outcome) in [
            ("www", "A", Records),
            ("_25._tcp.mx", "TLSA", Records),
            ("alias", "A", Records),
            ("www", "MX", NoData),
            ("b", "A", NoData),
            ("nothing", "A", NxDomain),
            ("x.y.z", "AAAA", NxDomain),
            ("any.thing.w", "TXT", Records),
            ("www", "DS", NoData),
        ] {
            let answer = resolver.lookup(&format!("{owner}.{zone}.test"), rtype).await;
            expect(&answer, outcome, Secure, &says);
        }
    }
    expect(&resolver.lookup(".", "NS").await, Records, Secure, "root zone");
    expect(&resolver.lookup("p384.test", "DS").await, Records, Secure, "zone test");
}

#[tokio::test]
async fn broken_zones_are_bogus_and_say_why() {
    let (_server, resolver) = stage(&[
        ("www.ecdsa.test.", Rtype::A, Fault::Stripped),
        ("mail.ecdsa.test.", Rtype::MX, Fault::Stripped),
        ("a.b.ecdsa.test.", Rtype::A, Fault::Added),
        ("www.nsec3.test.", Rtype::A, Fault::Denied),
        ("www.ed25519.test.", Rtype::A, Fault::Denied),
        ("nothing.ecdsa.test.", Rtype::A, Fault::NoDenial),
        ("nothing.nsec3.test.", Rtype::A, Fault::NoDenial),
        ("any.w.nsec3.test.", Rtype::TXT, Fault::NoDenial),
        ("any.w.ecdsa.test.", Rtype::TXT, Fault::NoDenial),
        ("p384.test.", Rtype::DS, Fault::NoDenial),
        ("plain.test.", Rtype::DS, Fault::NoDenial),
    ])
    .await;
    for (owner, rtype, outcome, says) in [
        ("www.ecdsa.test", "A", Records, "signature over www.ecdsa.test A is missing"),
        ("a.b.ecdsa.test", "A", Records, "over a.b.ecdsa.test A does not verify under its key"),
        ("mail.ecdsa.test", "MX", Records, "signature over mail.ecdsa.test MX is missing"),
        ("www.nsec3.test", "A", NxDomain, "does not prove that www.nsec3.test does not exist"),
        ("www.ed25519.test", "A", NxDomain, "does not prove that www.ed25519.test does not exist"),
        ("nothing.ecdsa.test", "A", NxDomain, "does not prove that nothing.ecdsa.test does not exist"),
        ("nothing.nsec3.test", "A", NxDomain, "does not prove"),
        ("any.w.nsec3.test", "TXT", Records, "wildcard of zone nsec3.test, without proof"),
        ("any.w.ecdsa.test", "TXT", Records, "wildcard of zone ecdsa.test, without proof"),
        ("www.plain.test", "A", Records, "does not prove that plain.test has no DS record"),
        ("www.expired.test", "A", Records, "zone expired.test over expired.test DNSKEY expired on 20"),
        ("www.future.test", "A", Records, "is valid only from 20"),
        (
            "www.mismatch.test",
            "A",
            Records,
            "no DNSKEY of zone mismatch.test matches the DS records in its parent test",
        ),
        ("www.keyless.test", "A", Records, "zone keyless.test has no DNSKEY record"),
        ("bad.test", "A", Records, "zone expired.test"),
    ] {
        expect(&resolver.lookup(owner, rtype).await, outcome, Bogus, says);
    }
}

#[tokio::test]
async fn unsigned_delegations_are_insecure_and_say_who_proves_it() {
    let (_server, resolver) = stage(&[]).await;
    for (owner, rtype, outcome, says) in [
        ("www.plain.test", "A", Records, "zone plain.test has no DS record, as its parent test proves"),
        ("nothing.plain.test", "A", NxDomain, "plain.test"),
        ("www.plain.test", "MX", NoData, "plain.test"),
        ("alias.test", "A", Records, "plain.test"),
        ("www.under.opt.test", "A", Records, "opt-out"),
        ("nothing.opt.test", "A", NxDomain, "opt-out"),
        ("nothing.iterations.test", "A", NxDomain, "101 NSEC3 iterations"),
    ] {
        expect(&resolver.lookup(owner, rtype).await, outcome, Insecure, says);
    }
    expect(&resolver.lookup("www.iterations.test", "A").await, Records, Secure, "");
}

#[tokio::test]
async fn what_cannot_be_checked_is_indeterminate_never_insecure() {
    let (server, resolver) = stage(&[]).await;
    for (owner, rtype, outcome, says) in [
        ("www.ed448.test", "A", Records, "zone ed448.test is signed only with algorithm 16 (ED448)"),
        ("nothing.ed448.test", "A", NxDomain, "16 (ED448)"),
        ("www.digest.test", "A", Records, "zone digest.test is signed only with digest type 3"),
    ] {
        expect(&resolver.lookup(owner, rtype).await, outcome, Indeterminate, says);
    }
    let (_, anchor) = tree(broken);
    let other = self::resolver(vec![server.address], Some(anchor.replacen('.', "other.", 1)));
    expect(&other.lookup("www.ecdsa.test", "A").await, Records, Indeterminate, "no trust anchor covers");
    let built_in = self::resolver(vec![server.address], None);
    expect(
        &built_in.lookup("www.ecdsa.test", "A").await,
        Records,
        Bogus,
        "no DNSKEY of . matches the trust anchor",
    );
}

#[tokio::test]
async fn a_server_that_knows_no_dnssec_is_named_instead_of_the_zone() {
    let (server, resolver) = stage(&[(".", Rtype::DNSKEY, Fault::Stripped)]).await;
    let says = format!("the DNS server {} passes on no DNSSEC signatures", server.address);
    expect(&resolver.lookup("www.ecdsa.test", "A").await, Records, Indeterminate, &says);
}

#[tokio::test]
async fn a_wrong_code_is_put_right_by_the_proof_or_bogus() {
    let (_server, resolver) = stage(&[
        ("www.ecdsa.test.", Rtype::MX, Fault::OtherCode),
        ("www.nsec3.test.", Rtype::MX, Fault::OtherCode),
        ("nothing.ecdsa.test.", Rtype::A, Fault::OtherCode),
        ("nothing.nsec3.test.", Rtype::A, Fault::OtherCode),
    ])
    .await;
    for zone in ["ecdsa.test", "nsec3.test"] {
        expect(&resolver.lookup(&format!("www.{zone}"), "MX").await, NoData, Secure, "proven by zone");
        expect(&resolver.lookup(&format!("nothing.{zone}"), "A").await, NoData, Bogus, "does not prove");
    }
}

/// Hundreds of forged answers, anywhere in the chain: none may pass as secure.
#[tokio::test]
async fn no_forgery_is_secure() {
    let (zones, anchor) = tree(broken);
    let server = TestServer::start(zones, &[]).await;
    let mut bogus = 0;
    for (owner, rtype) in [
        ("www.ecdsa.test", "A"),
        ("_25._tcp.mx.nsec3.test", "TLSA"),
        ("nothing.ecdsa.test", "A"),
        ("nothing.nsec3.test", "A"),
        ("www.ed25519.test", "MX"),
        ("www.nsec3.test", "MX"),
        ("any.w.ecdsa.test", "TXT"),
        ("alias.ecdsa.test", "A"),
        ("dangling.ecdsa.test", "A"),
        ("www.plain.test", "A"),
    ] {
        let honest = resolver(vec![server.address], Some(anchor.clone())).lookup(owner, rtype).await;
        for seed in 0..80 {
            server.attack(forgery::Attack::new(seed));
            let forged = resolver(vec![server.address], Some(anchor.clone())).lookup(owner, rtype).await;
            let same = forged.outcome == honest.outcome && content(&forged) == content(&honest);
            assert!(forged.status != Secure || same, "seed {seed}: {forged:#?} instead of {honest:#?}");
            // Where the chain proves a signed zone, nothing may make it unsigned.
            assert!(honest.status == Insecure || forged.status != Insecure, "seed {seed}: {forged:#?}");
            bogus += usize::from(forged.status == Bogus);
        }
    }
    assert!(bogus > 200, "only {bogus} of 800 forgeries were noticed: the attack is too weak");
}

fn content(answer: &DnsAnswer) -> Vec<String> {
    let mut records: Vec<String> =
        answer.records.iter().map(|record| format!("{} {:?}", record.name, record.data)).collect();
    records.sort_unstable();
    records
}

/// The library has a validator too. It is the second opinion, except for the algorithms
/// that it takes for unsigned.
#[tokio::test]
async fn verdicts_are_those_of_the_library_except_for_p384_and_ed25519() {
    let (zones, anchor) = tree(broken);
    let server = TestServer::start(zones, &[("www.ecdsa.test.", Rtype::A, Fault::Stripped)]).await;
    let resolver = resolver(vec![server.address], Some(anchor.clone()));
    let (connection, transport) = dgram_stream::Connection::<_, RequestMessage<Vec<u8>>>::new(
        UdpConnect::new(server.address),
        TcpConnect::new(server.address),
    );
    tokio::spawn(transport.run());
    let anchors = LibraryAnchors::from_u8(anchor.as_bytes()).unwrap();
    let library = ValidationContext::new(anchors, connection);
    let mut compared = 0;
    for zone in [
        "ecdsa",
        "nsec3",
        "expired",
        "future",
        "mismatch",
        "plain",
        "keyless",
        "iterations",
        "p384",
        "ed25519",
    ] {
        for (owner, rtype) in [
            ("www", Rtype::A),
            ("www", Rtype::MX),
            ("nothing", Rtype::A),
            ("any.w", Rtype::TXT),
            ("a.b", Rtype::A),
        ] {
            let text = format!("{owner}.{zone}.test.");
            let wait = Duration::from_secs(2);
            let octets = transport::exchange(server.address, &tree::name(&text), rtype, wait).await.unwrap();
            let mut message = domain::base::Message::from_octets(octets).unwrap();
            let (state, _) = library.validate_msg::<_, Vec<u8>>(&mut message).await.unwrap();
            let theirs = match state {
                ValidationState::Secure => Secure,
                ValidationState::Insecure => Insecure,
                ValidationState::Bogus => Bogus,
                ValidationState::Indeterminate => Indeterminate,
            };
            let ours = resolver.lookup(&text, &rtype.to_string()).await;
            if matches!(zone, "p384" | "ed25519") {
                assert_eq!((ours.status, theirs), (Secure, Insecure), "{text} {rtype}");
            } else {
                assert_eq!(ours.status, theirs, "{text} {rtype}: {}", ours.reason);
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 50);
}

#[tokio::test]
async fn aliases_are_followed_and_their_loops_named() {
    let (_server, resolver) = stage(&[("two.nsec3.test.", Rtype::A, Fault::Failed(0))]).await;
    let answer = resolver.lookup("alias.ecdsa.test.", "A").await;
    let reason = "signed by zone ecdsa.test; the signatures verify from the trust anchor down";
    expect(&answer, Records, Secure, reason);
    assert_eq!(answer.reason, reason);
    assert_eq!(answer.canonical_name.as_deref(), Some("www.ecdsa.test"));
    assert_eq!(answer.records.len(), 2);
    for (owner, says) in [
        ("self.ecdsa.test", "self.ecdsa.test is an alias (CNAME) of itself"),
        ("one.ecdsa.test", "one.ecdsa.test -> two.ecdsa.test -> one.ecdsa.test"),
        ("two.nsec3.test", "two.nsec3.test -> one.nsec3.test -> two.nsec3.test"),
        ("long0.many.test", "more than 11 aliases"),
    ] {
        expect(&resolver.lookup(owner, "A").await, Unusable, Indeterminate, says);
    }
    let dangling = resolver.lookup("dangling.ecdsa.test", "A").await;
    expect(&dangling, NxDomain, Secure, "signed by zone ecdsa.test, absence proven by zone ecdsa.test;");
    assert_eq!(dangling.canonical_name.as_deref(), Some("nothing.ecdsa.test"));
    expect(&resolver.lookup("alias.ecdsa.test", "CNAME").await, Records, Secure, "");
}

#[tokio::test]
async fn records_are_stated_in_the_words_of_the_model() {
    let (_server, resolver) = stage(&[]).await;
    let resolver = &resolver;
    let first = async |owner: &str, rtype: &str| {
        resolver.lookup(&format!("{owner}.ecdsa.test"), rtype).await.records.remove(0).data
    };
    let exchange = |exchange: &str, preference| RecordData::Mx { preference, exchange: exchange.into() };
    assert_eq!(first("mail", "MX").await, exchange("mx.ecdsa.test", 10));
    assert_eq!(first("null", "MX").await, exchange("", 0));
    assert_eq!(first("text", "TXT").await, RecordData::Txt { text: "two parts\\x1b[0m".into() });
    let tlsa = RecordData::Tlsa { usage: 3, selector: 1, matching_type: 1, data: "abcdef".into() };
    assert_eq!(first("_25._tcp.mx", "TLSA").await, tlsa);
    let caa = RecordData::Caa { flags: 0, tag: "issue".into(), value: "ca.test".into() };
    assert_eq!(first("caa", "CAA").await, caa);
    let RecordData::Other { rtype, data } = first("srv", "SRV").await else {
        panic!("SRV is no type of its own")
    };
    assert_eq!((rtype.as_str(), data.starts_with("1 2 3 mx.ecdsa.test")), ("SRV", true), "{data}");
    assert!(matches!(first("srv", "TYPE33").await, RecordData::Other { .. }));
}

#[tokio::test]
async fn a_large_answer_comes_over_tcp() {
    let (server, resolver) = stage(&[]).await;
    let answer = resolver.lookup("large.many.test", "TXT").await;
    expect(&answer, Records, Secure, "");
    assert!(matches!(&answer.records[0].data, RecordData::Txt { text } if text.len() == 4000));
    let questions = server.asked().iter().filter(|asked| *asked == "large.many.test TXT").count();
    assert_eq!(questions, 2, "once over UDP and once over TCP");
}

#[tokio::test]
async fn no_question_is_put_twice_even_at_the_same_time() {
    let (server, resolver) = stage(&[]).await;
    let resolver = Arc::new(resolver);
    let questions = [("www.ecdsa.test", "A"), ("WWW.ecdsa.test.", "a"), ("alias.ecdsa.test", "A")];
    let tasks = questions.map(|(owner, rtype)| {
        let resolver = Arc::clone(&resolver);
        tokio::spawn(async move { resolver.lookup(owner, rtype).await })
    });
    for task in tasks {
        assert_eq!(task.await.unwrap().status, Secure);
    }
    resolver.lookup("mail.ecdsa.test", "MX").await;
    let mut asked = server.asked();
    asked.sort_unstable();
    let all = asked.len();
    asked.dedup();
    assert_eq!(asked.len(), all, "{asked:?}");
    assert_eq!(all, 8, "three answers, three key sets, two DS: {asked:?}");
}

#[tokio::test]
async fn bad_servers_give_one_sentence_in_bounded_time() {
    let (server, resolver) = stage(&[
        ("silent.test.", Rtype::A, Fault::Silent),
        ("garbage.test.", Rtype::A, Fault::Garbage),
        ("id.test.", Rtype::A, Fault::WrongId),
        ("www.ecdsa.test.", Rtype::A, Fault::Cut),
        ("other.test.", Rtype::A, Fault::OtherName),
        ("validates.test.", Rtype::A, Fault::Failed(7)),
        ("failed.test.", Rtype::A, Fault::Failed(22)),
        ("tcp.test.", Rtype::A, Fault::TcpSilent),
        ("nsec3.test.", Rtype::DNSKEY, Fault::Silent),
    ])
    .await;
    let address = server.address.to_string();
    let begun = std::time::Instant::now();
    for (owner, outcome, says) in [
        ("silent.test", Timeout, "the name servers of silent.test may be slow or down"),
        ("garbage.test", Timeout, address.as_str()),
        ("id.test", Timeout, "did not answer in time"),
        ("tcp.test", Timeout, address.as_str()),
        ("www.ecdsa.test", Unusable, "cannot be read: the message is malformed"),
        ("other.test", Unusable, "the answer is not about other.test but about elsewhere.test"),
        ("validates.test", ServerError, "SERVFAIL"),
        ("validates.test", ServerError, "validates itself and keeps the data back"),
        ("failed.test", ServerError, "see\\x1b[31m above"),
        ("www.nsec3.test", Records, "DNSKEY records of nsec3.test, needed for validation, did not come"),
    ] {
        expect(&resolver.lookup(owner, "A").await, outcome, Indeterminate, says);
    }
    let bound = Duration::from_secs(30);
    assert!(begun.elapsed() < bound, "ten lookups of at most two seconds took {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_dead_server_is_passed_over_and_named_if_it_is_the_only_one() {
    let (zones, anchor) = tree(broken);
    let server = TestServer::start(zones, &[]).await;
    let free = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let dead = free.local_addr().unwrap();
    drop(free);
    let both = resolver(vec![dead, server.address], Some(anchor));
    expect(&both.lookup("www.ecdsa.test", "A").await, Records, Secure, "");
    let alone = resolver(vec![dead], None);
    let answer = alone.lookup("www.ecdsa.test", "A").await;
    expect(&answer, Timeout, Indeterminate, &format!("{dead} refused: no DNS server listens there"));
    assert!(answer.reason.contains("not with the domain"), "{}", answer.reason);
    assert!(!answer.is_conclusive());
    let mute = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let nobody = resolver(vec![mute.local_addr().unwrap()], None);
    expect(&nobody.lookup("www.ecdsa.test", "A").await, Timeout, Indeterminate, "not with the domain");
}

#[tokio::test]
async fn a_hundred_denials_take_a_hundred_questions_and_the_chain_once() {
    let (server, resolver) = stage(&[]).await;
    for i in 0..100 {
        expect(&resolver.lookup(&format!("x{i}.nsec3.test"), "A").await, NxDomain, Secure, "nsec3.test");
    }
    // Some go over UDP and TCP: the stand-in sends every denial record that it has.
    let questions: std::collections::BTreeSet<String> = server.asked().into_iter().collect();
    assert_eq!(questions.len(), 105, "besides them three key sets and two DS");
}

#[tokio::test]
async fn absurd_questions_are_answered_without_the_network() {
    let resolver = resolver(vec![(Ipv4Addr::LOCALHOST, 1).into()], None);
    let long = format!("{}.test", "a".repeat(64));
    for (owner, rtype, says) in [
        ("", "A", "is not a domain name"),
        ("a..test", "A", "is not a domain name"),
        (long.as_str(), "A", "is not a domain name"),
        ("b\u{e9}.test", "A", "is not a domain name"),
        ("test", "NONSENSE", "\"NONSENSE\" is not a DNS record type"),
        ("test", "ANY", "is not a type of records that can be looked up"),
        ("test", "OPT", "is not a type of records that can be looked up"),
        ("test", "RRSIG", "is not a type of records that can be looked up"),
        ("test\u{1b}[31m", "A", "test\\x1b[31m"),
    ] {
        expect(&resolver.lookup(owner, rtype).await, Unusable, Indeterminate, says);
    }
}

#[test]
fn reverse_names_are_those_of_the_rfcs() {
    assert_eq!(reverse_name("192.0.2.5".parse().unwrap()), "5.2.0.192.in-addr.arpa");
    assert_eq!(
        reverse_name("4321:0:1:2:3:4:567:89ab".parse().unwrap()),
        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa"
    );
}

proptest! {
    #[test]
    fn any_octets_are_read_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = records_from_message(&octets);
    }

    /// A header that promises records makes the parser go further.
    #[test]
    fn any_sections_are_read_without_panic(
        counts in [0u8..4, 0..4, 0..4, 0..4],
        octets in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let [qd, an, ns, ar] = counts;
        let message = [&[0, 1, 0x80, 0, 0, qd, 0, an, 0, ns, 0, ar][..], &octets].concat();
        let _ = records_from_message(&message);
    }

    #[test]
    fn any_anchor_text_is_read_without_panic(text in "[ -~\n\t]{0,200}") {
        let _ = TrustAnchors::parse(&text);
    }
}
