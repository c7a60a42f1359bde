//! Deliveries to the real Postfix, Exim and OpenSMTPD. Where a server is missing, its test
//! says so loudly and is skipped.

#![cfg(test)]

use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use waxseal_judge::delivery::{MxAnswer, Operator, OperatorLevel, PolicyFacts};
use waxseal_net::egress::{Egress, EgressRules};
use waxseal_peers::{Exim, PeerError, Postfix, exim, postfix};
use waxseal_relay::{
    delivery::{
        attempt::Deliverer,
        conversation::DeliverySettings,
        job::{Deliver, End, Job, JobRecipient, Report, SiteSign},
    },
    event::{Event, Events},
    route::{Hop, Route, Wishes},
};
use waxseal_store::spool::{BodyKind, Envelope, MessageId, Notify, Ret};
use waxseal_wire::x509::RootStore;

/// The name in the certificates that the servers are given.
const MX: &str = "mx.example.com";

fn started<T>(server: Result<T, PeerError>) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(PeerError::Unavailable(why)) => {
            eprintln!("SKIPPED: {why}; this test has tested nothing");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

struct Nobody;

impl Events for Nobody {
    fn emit(&self, _now: i64, _event: &Event<'_>) {}
}

fn deliverer(ca: &Path) -> Deliverer {
    let roots = RootStore::from_pem("the server's authority", &fs::read(ca).unwrap()).unwrap();
    let settings =
        DeliverySettings { hostname: "relay.example.com".to_owned(), ..DeliverySettings::default() };
    Deliverer::new(settings, Egress::new(EgressRules::default()), Arc::new(roots), Arc::new(Nobody))
}

fn route(address: SocketAddr, level: OperatorLevel) -> Route {
    let operator = Operator { level, override_published: false, clear_after_failure: false };
    let hop = Hop {
        name: MX.to_owned(),
        preference: 10,
        port: address.port(),
        addresses: vec![address.ip()],
        trouble: None,
        facts: PolicyFacts { operator, ..PolicyFacts::PLAIN },
        tlsa: Vec::new(),
        dane_names: vec![MX.to_owned()],
        operator_names: vec![MX.to_owned()],
        fingerprints: Vec::new(),
        rule: "your rule \"example.com\"".into(),
        honours_tls_required_no: true,
    };
    Route {
        domain: "example.com".to_owned(),
        mx: MxAnswer::Insecure,
        trouble: None,
        hops: vec![hop],
        sts: None,
        site: MX.into(),
        rule: "your rule \"example.com\"".to_owned(),
        valid_until: std::time::Instant::now() + Duration::from_secs(600),
    }
}

fn job(recipients: &[&str]) -> Job {
    let body = vec![
        Bytes::from_static(b"Received: from here\r\n"),
        Bytes::from_static("Subject: a trial\r\n\r\n.\r\n..gr\u{fc}n\r\nno end".as_bytes()),
    ];
    let envelope = Envelope {
        sender: "alice@example.com".to_owned(),
        envid: Some("trial".to_owned()),
        ret: Some(Ret::Hdrs),
        body: BodyKind::EightBitMime,
        ..Envelope::default()
    };
    let notify = Some(Notify { success: false, failure: true, delay: true });
    let recipient = |(number, address): (u32, &&str)| JobRecipient {
        number,
        address: (*address).to_owned(),
        notify,
        orcpt: Some(format!("rfc822;{address}")),
    };
    Job {
        id: MessageId(1),
        envelope: Arc::new(envelope),
        recipients: (0..).zip(recipients).map(recipient).collect(),
        size: body.iter().map(|part| part.len() as u64).sum(),
        body,
        first: None,
    }
}

fn ends(report: &Report) -> Vec<(End, &'static str)> {
    report.verdicts.iter().map(|(_, verdict)| (verdict.end, verdict.reason.unwrap_or_default())).collect()
}

const TAKEN: (End, &str) = (End::Delivered, "");

#[tokio::test(flavor = "multi_thread")]
async fn postfix_takes_messages_over_one_connection_and_refuses_recipients_one_by_one() {
    let options = postfix::Options {
        settings: vec![
            "smtpd_recipient_restrictions = check_recipient_access \
             inline:{ {no@example.com = 550 5.1.1 nobody}, {later@example.com = 450 4.2.0 greylisted} }, \
             permit_mynetworks, reject"
                .to_owned(),
            "smtpd_recipient_limit = 4".to_owned(),
            "smtpd_tls_loglevel = 1".to_owned(),
        ],
        ..postfix::Options::default()
    };
    let Some(server) = started(Postfix::start(&options)) else { return };
    let deliverer = deliverer(&server.certificate().ca);
    let route = route(server.address(), OperatorLevel::Verify);
    let passed = deliverer.probe(&route, Wishes::default()).await.unwrap();
    assert!(passed.contains("TLSv1.3") && passed.ends_with("authenticated by its certificate"), "{passed}");
    let report = deliverer.deliver(&route, &job(&["a@example.com"])).await;
    assert_eq!(ends(&report), [TAKEN], "{report:?}");
    let verdict = &report.verdicts[0].1;
    assert!(verdict.reply.starts_with("250 2.0.0 Ok: queued as"), "{}", verdict.reply);
    assert!(verdict.remote_dsn && verdict.channel.starts_with("TLSv1.3 TLS_"));
    let some = ["no@example.com", "b@example.com", "later@example.com"];
    let report = deliverer.deliver(&route, &job(&some)).await;
    let wanted = [(End::Failed, "reply.rcpt"), TAKEN, (End::Deferred, "reply.rcpt")];
    assert_eq!(ends(&report), wanted, "{report:?}");
    // Postfix has no room for more than four: 452 4.5.3.
    let many: Vec<String> = (0..10).map(|number| format!("c{number}@example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let report = deliverer.deliver(&route, &job(&many)).await;
    assert_eq!(ends(&report), [TAKEN; 10], "{report:?}");
    // Nobody is taken; the next transaction begins with RSET.
    let report = deliverer.deliver(&route, &job(&some[..1])).await;
    assert_eq!(ends(&report), [(End::Failed, "reply.rcpt")]);
    let report = deliverer.deliver(&route, &job(&["d@example.com"])).await;
    assert_eq!((ends(&report), report.site), (vec![TAKEN], SiteSign::Good), "{report:?}");
    deliverer.close();
    assert_eq!(server.connections(), 2, "the probe's and one for all messages:\n{}", server.log());
    assert!(server.log().contains("quit=1"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_without_tls_gets_nothing_where_tls_is_demanded() {
    let options = postfix::Options {
        settings: vec!["smtpd_tls_security_level = none".to_owned()],
        ..postfix::Options::default()
    };
    let Some(server) = started(Postfix::start(&options)) else { return };
    let deliverer = deliverer(&server.certificate().ca);
    let report =
        deliverer.deliver(&route(server.address(), OperatorLevel::Encrypt), &job(&["a@example.com"])).await;
    assert_eq!(ends(&report), [(End::Deferred, "tls.not_advertised")], "{report:?}");
    assert_eq!(report.verdicts[0].1.reply, "451 4.7.6 STARTTLS required but not advertised");
    let report =
        deliverer.deliver(&route(server.address(), OperatorLevel::May), &job(&["a@example.com"])).await;
    assert_eq!((ends(&report), report.verdicts[0].1.channel.as_str()), (vec![TAKEN], "clear"));
    deliverer.close();
    server.connections();
    assert_eq!(server.log().matches("mail=1").count(), 1, "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_takes_messages_over_one_connection() {
    let Some(server) = started(Exim::start(&exim::Options::default())) else { return };
    let deliverer = deliverer(&server.certificate().ca);
    let route = route(server.address(), OperatorLevel::Verify);
    for _ in 0..3 {
        let report = deliverer.deliver(&route, &job(&["a@example.com", "b@example.com"])).await;
        assert_eq!(ends(&report), [TAKEN; 2], "{report:?}\n{}", server.log());
        assert!(report.verdicts[0].1.channel.ends_with("authenticated by its certificate"));
    }
    assert_eq!(deliverer.idle_connections(), 1);
    deliverer.close();
}
