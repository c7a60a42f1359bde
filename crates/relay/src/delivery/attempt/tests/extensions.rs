//! What a message needs, against what hosts offer.

use bytes::Bytes;
use waxseal_store::spool::{BodyKind, Envelope, Notify, Ret};

use crate::delivery::job::JobRecipient;

use super::*;

fn message(address: &str, change: impl FnOnce(&mut Envelope), body: &'static str) -> Job {
    let mut job = job(&[address]);
    change(Arc::make_mut(&mut job.envelope));
    job.body = vec![Bytes::from_static(body.as_bytes())];
    job.size = body.len() as u64;
    job
}

/// The end at a host that offers these, and the MAIL line.
async fn at(offers: &[&'static str], job: &Job) -> ((End, &'static str), String) {
    let (deliverer, route, servers) = to(vec![Script::clear().offering(offers)]).await;
    let report = deliverer.deliver(&route, job).await;
    let lines = told(&servers[0]);
    let mail = lines.into_iter().find(|line| line.starts_with("MAIL")).unwrap_or_default();
    (ends(&report)[0], mail)
}

#[tokio::test]
async fn eight_bit_messages_go_to_hosts_that_take_them_and_are_never_converted() {
    let eight_bit = |envelope: &mut Envelope| envelope.body = BodyKind::EightBitMime;
    let (bob, from) = ("bob@partner.example", "MAIL FROM:<alice@relay.example>");
    let real = message(bob, eight_bit, "Subject: a\r\n\r\ngr\u{fc}n\r\n");
    assert_eq!(at(&["8BITMIME"], &real).await, (DELIVERED, format!("{from} BODY=8BITMIME")));
    let failed = (End::Failed, "eightbit.unsupported");
    assert_eq!(at(&["PIPELINING"], &real).await, (failed, String::new()));
    let ascii = message(bob, eight_bit, "Subject: a\r\n\r\ngreen\r\n");
    assert_eq!(at(&[], &ascii).await, (DELIVERED, from.to_owned()), "it only was said to be");
    let plain = message(bob, |_| {}, "Subject: a\r\n\r\n");
    assert_eq!(at(&["8BITMIME"], &plain).await, (DELIVERED, from.to_owned()));
}

#[tokio::test]
async fn internationalised_messages_go_to_hosts_that_take_them() {
    let utf8 = |envelope: &mut Envelope| {
        envelope.smtputf8 = true;
        envelope.body = BodyKind::EightBitMime;
    };
    let (bob, from) = ("bob@partner.example", "MAIL FROM:<alice@relay.example>");
    let both = ["SMTPUTF8", "8BITMIME"];
    let failed = (End::Failed, "smtputf8.unsupported");
    let address = message("b\u{f6}b@partner.example", utf8, "Subject: a\r\n\r\n");
    assert_eq!(at(&both, &address).await, (DELIVERED, format!("{from} BODY=8BITMIME SMTPUTF8")));
    assert_eq!(at(&["8BITMIME"], &address).await, (failed, String::new()));
    let header = message(bob, utf8, "Subject: gr\u{fc}n\r\n\r\n");
    assert_eq!(at(&["8BITMIME"], &header).await, (failed, String::new()));
    let body = message(bob, utf8, "Subject: a\r\n\r\ngr\u{fc}n\r\n");
    assert_eq!(at(&["8BITMIME"], &body).await, (DELIVERED, format!("{from} BODY=8BITMIME")), "not needed");
    let unsaid = message("b\u{f6}b@partner.example", |_| {}, "Subject: a\r\n\r\n");
    assert_eq!(at(&both, &unsaid).await, (DELIVERED, format!("{from} SMTPUTF8")));
}

#[tokio::test]
async fn messages_that_are_too_large_go_to_hosts_with_more_room() {
    let message = message("bob@partner.example", |_| {}, "Subject: a\r\n\r\n");
    let from = "MAIL FROM:<alice@relay.example>";
    assert_eq!(at(&["SIZE 13"], &message).await, ((End::Failed, "size.exceeded"), String::new()));
    for offer in ["SIZE 14", "SIZE", "SIZE 0"] {
        assert_eq!(at(&[offer], &message).await, (DELIVERED, format!("{from} SIZE=14")), "{offer}");
    }
    let small = || Script::clear().offering(&["SIZE 1"]);
    let (deliverer, mut route, servers) = to(vec![small(), Script::clear(), small()]).await;
    assert_eq!(ends(&deliverer.deliver(&route, &message).await), [DELIVERED]);
    assert!(servers[0].heard()[0].messages.is_empty());
    route.hops[1].addresses = vec![IpAddr::from([127, 0, 0, 77])];
    let report = deliverer.deliver(&route, &message).await;
    assert_eq!(ends(&report), [(End::Deferred, "connect.failed")], "the one in between may yet take it");
    route.hops.remove(1);
    let report = deliverer.deliver(&route, &message).await;
    assert_eq!(ends(&report), [(End::Failed, "size.exceeded")]);
    assert!(report.verdicts[0].1.reply.starts_with("552 5.3.4 "));
}

#[tokio::test]
async fn wishes_for_notices_are_handed_on_to_hosts_that_fulfil_them() {
    let mut job = message(
        "bob@partner.example",
        |envelope| (envelope.ret, envelope.envid) = (Some(Ret::Hdrs), Some("QQ+2B1".to_owned())),
        "Subject: a\r\n\r\n",
    );
    let notify = |success, failure, delay| Some(Notify { success, failure, delay });
    job.recipients[0].orcpt = Some("rfc822;Bob@old.example".to_owned());
    job.recipients[0].notify = notify(true, false, true);
    job.recipients.push(recipient(1, "cy@partner.example"));
    job.recipients
        .push(JobRecipient { notify: notify(false, false, false), ..recipient(2, "di@partner.example") });
    job.recipients
        .push(JobRecipient { orcpt: Some("rfc822;x y".to_owned()), ..recipient(3, "ed@partner.example") });
    let (deliverer, route, servers) = to(vec![Script::clear().offering(&["DSN"])]).await;
    let report = deliverer.deliver(&route, &job).await;
    assert!(report.verdicts.iter().all(|(_, verdict)| verdict.remote_dsn));
    assert_eq!(
        told(&servers[0])[..5],
        [
            "MAIL FROM:<alice@relay.example> RET=HDRS ENVID=QQ+2B1",
            "RCPT TO:<bob@partner.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob@old.example",
            "RCPT TO:<cy@partner.example>",
            "RCPT TO:<di@partner.example> NOTIFY=NEVER",
            "RCPT TO:<ed@partner.example>",
        ]
    );
    let (deliverer, route, servers) = to(vec![Script::clear().offering(&[])]).await;
    let report = deliverer.deliver(&route, &job).await;
    assert!(report.verdicts.iter().all(|(_, verdict)| !verdict.remote_dsn));
    assert_eq!(told(&servers[0])[..2], ["MAIL FROM:<alice@relay.example>", "RCPT TO:<bob@partner.example>"]);
}

#[tokio::test]
async fn requiretls_is_asked_of_the_host_within_tls_alone() {
    use waxseal_judge::delivery::{Sts, StsMode};
    let pki = Pki::new();
    let good = pki.certificate(MX, 2040);
    let wanted = message("bob@partner.example", |envelope| envelope.require_tls = true, "Subject: a\r\n\r\n");
    for (in_clear, in_tls, end) in [
        (&["STARTTLS"][..], &["REQUIRETLS"][..], DELIVERED),
        (&["STARTTLS", "REQUIRETLS"], &[], (End::Failed, "requiretls.unsupported")),
    ] {
        let script = Script::tls(&good).offering(in_clear).offering_in_tls(in_tls);
        let server = Server::start(vec![script]).await;
        let (deliverer, _) = deliverer(settings(), &pki);
        let mut hop = hop(MX, server.port, OperatorLevel::May);
        hop.facts.sts = Sts::Policy { mode: StsMode::Enforce, lists_mx: true, refresh_failed: false };
        let report = deliverer.deliver(&route(vec![hop]), &wanted).await;
        assert_eq!(ends(&report), [end]);
        let said =
            server.heard()[0].lines().contains(&"MAIL FROM:<alice@relay.example> REQUIRETLS".to_owned());
        assert_eq!(said, end == DELIVERED);
        if end != DELIVERED {
            assert!(report.verdicts[0].1.reply.starts_with("550 5.7.30 "), "{report:?}");
        }
    }
}

#[tokio::test]
async fn a_notice_that_came_with_requiretls_is_not_lost_for_want_of_it() {
    let pki = Pki::new();
    let good = pki.certificate(MX, 2040);
    let notice = |envelope: &mut Envelope| {
        envelope.sender = String::new();
        envelope.require_tls = true;
    };
    let notice = message("bob@partner.example", notice, "Subject: a\r\n\r\n");
    let (waits, may, must) =
        ((End::Deferred, "tls.not_advertised"), OperatorLevel::May, OperatorLevel::Encrypt);
    for (script, level, end, mail) in [
        (Script::clear().offering(&["REQUIRETLS"]), may, DELIVERED, "MAIL FROM:<>"),
        (Script::tls(&good).offering_in_tls(&["PIPELINING"]), may, DELIVERED, "MAIL FROM:<>"),
        (Script::tls(&good).offering_in_tls(&["REQUIRETLS"]), may, DELIVERED, "MAIL FROM:<> REQUIRETLS"),
        // What others demand holds all the same.
        (Script::clear(), must, waits, ""),
    ] {
        let server = Server::start(vec![script]).await;
        let (deliverer, _) = deliverer(settings(), &pki);
        let hop = hop(MX, server.port, level);
        let report = deliverer.deliver(&route(vec![hop]), &notice).await;
        assert_eq!(ends(&report), [end], "{mail}");
        let heard = server.heard();
        let said: Vec<String> = heard.iter().flat_map(|heard| heard.lines()).collect();
        let said = said.into_iter().find(|line| line.starts_with("MAIL")).unwrap_or_default();
        assert_eq!(said, mail);
    }
}
