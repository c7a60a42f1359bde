//! Signed zones checked with the validator of the signing library, through the real
//! server; `unbound` and BIND's tools were used beside it when this was written.

use std::{net::SocketAddr, sync::Arc};

use domain::{
    base::{
        Message, MessageBuilder, Name,
        iana::{Rcode, Rtype},
        message_builder::QuestionBuilder,
    },
    dnssec::validator::{anchor::TrustAnchors, context::ValidationContext, context::ValidationState},
    net::client::{
        dgram_stream,
        protocol::{TcpConnect, UdpConnect},
        request::{ComposeRequest, RequestMessage, SendRequest},
    },
};
use tokio::{
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};

use super::{
    answer::{Transport, answer},
    server::{serve_tcp, serve_udp},
    spec::{Fault, Signing, Trouble, With, ZoneSpec},
    tree::Tree,
};
use crate::log::Log;

fn specs() -> Vec<ZoneSpec> {
    let zone = |apex: &str, signing| ZoneSpec {
        apex: apex.into(),
        records: "@ MX 10 mx\nmx A 127.0.0.1\nalias CNAME mx\nloop CNAME loop\n_25._tcp.mx TLSA 3 1 1 ab12\n\
                  gone CNAME nowhere\ndeep.er A 127.0.0.1"
            .into(),
        signing,
        fault: None,
    };
    let mut list = vec![
        ZoneSpec::signed("", ""),
        ZoneSpec::signed("test", ""),
        zone("nsec.test", Signing::Nsec),
        zone("nsec3.test", Signing::Nsec3),
        zone("plain.test", Signing::Unsigned),
        zone("corrupt.test", Signing::Corrupt),
        zone("expired.test", Signing::Expired),
        zone("wrong-ds.test", Signing::WrongDs),
        zone("missing.test", Signing::Missing),
        zone("ed25519.test", Signing::Ed25519),
        zone("no-tlsa.test", Signing::CorruptOnly(Rtype::TLSA)),
    ];
    let big = (0..40).map(|n| format!("@ TXT \"{n} {}\"\n", "x".repeat(200))).collect::<String>();
    list.push(ZoneSpec::signed("big.test", &big));
    for (apex, trouble, with) in [
        ("servfail.test", Trouble::ServFail, With::All),
        ("silent.test", Trouble::Silence, With::All),
        ("tlsa-servfail.test", Trouble::ServFail, With::Type(Rtype::TLSA)),
        ("tlsa-silent.test", Trouble::Silence, With::Type(Rtype::TLSA)),
        ("label.test", Trouble::ServFail, With::Label("deep")),
    ] {
        list.push(ZoneSpec { fault: Some(Fault { trouble, with }), ..zone(apex, Signing::Nsec) });
    }
    list
}

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

struct Server {
    address: SocketAddr,
    tree: Arc<Tree>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        let tree = Arc::new(Tree::build(&specs(), now()).unwrap());
        let mut tasks = JoinSet::new();
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        tasks.spawn(serve_udp(udp, Arc::clone(&tree), Log::default()));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&tree), Log::default()));
        Self { address, tree, _tasks: tasks }
    }

    /// The answer, and what the validator says of it.
    async fn ask(&self, name: &str, rtype: Rtype) -> (Message<bytes::Bytes>, ValidationState) {
        let (connection, transport) = dgram_stream::Connection::<_, RequestMessage<Vec<u8>>>::new(
            UdpConnect::new(self.address),
            TcpConnect::new(self.address),
        );
        let task = tokio::spawn(transport.run());
        let mut request = RequestMessage::new(query(name, rtype)).unwrap();
        request.set_dnssec_ok(true);
        let mut reply = connection.send_request(request).get_response().await.unwrap();
        let anchors = TrustAnchors::from_u8(self.tree.trust_anchor.as_bytes()).unwrap();
        let validator = ValidationContext::new(anchors, connection);
        let (state, _) = validator.validate_msg(&mut reply).await.unwrap();
        task.abort();
        (reply, state)
    }
}

fn query(name: &str, rtype: Rtype) -> QuestionBuilder<Vec<u8>> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_rd(true);
    builder.header_mut().set_cd(true);
    let mut question = builder.question();
    question.push((Name::vec_from_str(name).unwrap(), rtype)).unwrap();
    question
}

#[tokio::test]
async fn sound_zones_validate_with_nsec_and_nsec3() {
    let server = Server::start().await;
    for zone in ["nsec.test", "nsec3.test"] {
        for (name, rtype, rcode, answers) in [
            (zone.to_owned(), Rtype::MX, Rcode::NOERROR, 2),
            (format!("_25._tcp.mx.{zone}"), Rtype::TLSA, Rcode::NOERROR, 2),
            (format!("alias.{zone}"), Rtype::A, Rcode::NOERROR, 4),
            (format!("MX.{zone}"), Rtype::AAAA, Rcode::NOERROR, 0),
            (format!("_tcp.mx.{zone}"), Rtype::TLSA, Rcode::NOERROR, 0),
            (format!("no.{zone}"), Rtype::A, Rcode::NXDOMAIN, 0),
            (format!("a.b.c.deep.er.{zone}"), Rtype::A, Rcode::NXDOMAIN, 0),
            (format!("gone.{zone}"), Rtype::A, Rcode::NXDOMAIN, 2),
            (zone.to_owned(), Rtype::DS, Rcode::NOERROR, 2),
            (zone.to_owned(), Rtype::DNSKEY, Rcode::NOERROR, 2),
        ] {
            let (reply, state) = server.ask(&name, rtype).await;
            assert_eq!(reply.header().rcode(), rcode, "{name} {rtype}");
            assert_eq!(usize::from(reply.header_counts().ancount()), answers, "{name} {rtype}");
            assert!(matches!(state, ValidationState::Secure), "{name} {rtype}: {state:?}");
        }
    }
    let (reply, state) = server.ask("example.com", Rtype::MX).await;
    assert_eq!(reply.header().rcode(), Rcode::NXDOMAIN);
    assert!(matches!(state, ValidationState::Secure), "{state:?}");
}

#[tokio::test]
async fn an_unsigned_zone_is_insecure_and_damaged_ones_are_bogus() {
    let server = Server::start().await;
    for name in ["plain.test", "no.plain.test", "mx.plain.test"] {
        let (_, state) = server.ask(name, Rtype::A).await;
        assert!(matches!(state, ValidationState::Insecure), "{name}: {state:?}");
    }
    for name in ["corrupt.test", "expired.test", "wrong-ds.test", "missing.test"] {
        let (reply, state) = server.ask(name, Rtype::MX).await;
        assert!(reply.header_counts().ancount() > 0, "{name}");
        assert!(matches!(state, ValidationState::Bogus), "{name}: {state:?}");
    }
}

#[tokio::test]
async fn one_type_alone_can_be_bogus_or_unanswered() {
    let server = Server::start().await;
    for (name, rtype, sound) in [
        ("no-tlsa.test", Rtype::MX, true),
        ("mx.no-tlsa.test", Rtype::A, true),
        ("_25._tcp.mx.no-tlsa.test", Rtype::TLSA, false),
        ("mx.tlsa-servfail.test", Rtype::A, true),
        ("deep.er.tlsa-servfail.test", Rtype::A, true),
    ] {
        let (_, state) = server.ask(name, rtype).await;
        match sound {
            true => assert!(matches!(state, ValidationState::Secure), "{name} {rtype}: {state:?}"),
            false => assert!(matches!(state, ValidationState::Bogus), "{name} {rtype}: {state:?}"),
        }
    }
    let ask = |name: &str, rtype| answer(&server.tree, &query(name, rtype).finish(), Transport::Tcp);
    let rcode = |reply: Vec<u8>| Message::from_octets(reply).unwrap().header().rcode();
    assert_eq!(rcode(ask("_25._tcp.mx.tlsa-servfail.test", Rtype::TLSA).unwrap()), Rcode::SERVFAIL);
    assert!(ask("_25._tcp.mx.tlsa-silent.test", Rtype::TLSA).is_none());
    assert!(ask("mx.tlsa-silent.test", Rtype::A).is_some());
    assert_eq!(rcode(ask("Deep.er.label.test", Rtype::A).unwrap()), Rcode::SERVFAIL);
    assert_eq!(rcode(ask("er.label.test", Rtype::A).unwrap()), Rcode::NOERROR);
}

#[tokio::test]
async fn an_answer_too_long_for_udp_is_truncated_and_whole_over_tcp() {
    let server = Server::start().await;
    let mut request = RequestMessage::new(query("big.test", Rtype::TXT)).unwrap();
    request.set_udp_payload_size(1232);
    request.set_dnssec_ok(true);
    let request = request.to_vec().unwrap();
    let short = answer(&server.tree, &request, Transport::Udp).unwrap();
    assert!(short.len() <= 512);
    let short = Message::from_octets(short).unwrap();
    assert!(short.header().tc() && short.header_counts().ancount() == 0);
    let long = Message::from_octets(answer(&server.tree, &request, Transport::Tcp).unwrap()).unwrap();
    assert!(!long.header().tc());
    assert_eq!(long.header_counts().ancount(), 41);
    let (reply, state) = server.ask("big.test", Rtype::TXT).await;
    assert_eq!(reply.header_counts().ancount(), 41, "the client goes on to TCP");
    assert!(matches!(state, ValidationState::Secure), "{state:?}");
}

#[tokio::test]
async fn without_edns_no_signatures_and_at_most_512_bytes() {
    let tree = Tree::build(&specs(), now()).unwrap();
    let plain = query("nsec.test", Rtype::MX).finish();
    let reply = Message::from_octets(answer(&tree, &plain, Transport::Udp).unwrap()).unwrap();
    assert_eq!(reply.header_counts().ancount(), 1);
    assert_eq!(reply.header_counts().arcount(), 0);
    assert!(reply.header().ra() && reply.header().cd() && !reply.header().ad());
    let big = query("big.test", Rtype::TXT).finish();
    assert!(Message::from_octets(answer(&tree, &big, Transport::Udp).unwrap()).unwrap().header().tc());
}

#[tokio::test]
async fn faults_loops_and_rubbish() {
    let tree = Tree::build(&specs(), now()).unwrap();
    let ask = |name: &str, rtype| answer(&tree, &query(name, rtype).finish(), Transport::Tcp);
    let rcode = |reply: Vec<u8>| Message::from_octets(reply).unwrap().header().rcode();
    assert_eq!(rcode(ask("mx.servfail.test", Rtype::A).unwrap()), Rcode::SERVFAIL);
    assert!(ask("mx.silent.test", Rtype::A).is_none());
    assert!(ask("silent.test", Rtype::DS).is_some(), "the parent answers");
    let looped = Message::from_octets(ask("loop.nsec.test", Rtype::A).unwrap()).unwrap();
    assert_eq!(looped.header_counts().ancount(), 1);
    assert!(answer(&tree, b"", Transport::Udp).is_none());
    assert_eq!(rcode(answer(&tree, &[0; 12], Transport::Udp).unwrap()), Rcode::FORMERR);
    let mut reply = query("nsec.test", Rtype::A).finish();
    reply[2] |= 0x80;
    assert!(answer(&tree, &reply, Transport::Udp).is_none(), "a reply is not answered");
}

proptest::proptest! {
    #[test]
    fn any_bytes_get_a_small_answer_or_none(bytes: Vec<u8>, header: bool) {
        static TREE: std::sync::LazyLock<Tree> = std::sync::LazyLock::new(|| Tree::build(&specs(), now()).unwrap());
        // With a header that asks one question the rest is looked at too.
        let start: &[u8] = if header { &[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] } else { &[] };
        let reply = answer(&TREE, &[start, &bytes].concat(), Transport::Udp);
        proptest::prop_assert!(reply.is_none_or(|r| r.len() <= 4096));
    }
}
