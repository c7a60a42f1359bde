//! Some recipients are taken and some are not.

use super::*;

const THREE: [&str; 3] = ["ann@partner.example", "bob@partner.example", "cy@partner.example"];

#[tokio::test]
async fn each_recipient_has_its_own_fate_and_those_put_off_are_tried_at_the_next_host() {
    for pipelining in ["PIPELINING", "X-NONE"] {
        let first = Script::clear()
            .offering(&[pipelining])
            .when("RCPT TO:<ann", Act::Say("450 4.2.0 greylisted"))
            .when("RCPT TO:<cy", Act::Say("550 5.1.1 nobody"));
        let (deliverer, route, servers) = to(vec![first, Script::clear()]).await;
        let report = deliverer.deliver(&route, &job(&THREE)).await;
        assert_eq!(ends(&report), [DELIVERED, DELIVERED, (End::Failed, "reply.rcpt")], "{pipelining}");
        let verdict = |n: usize| &report.verdicts[n].1;
        assert_eq!(verdict(0).host.as_deref(), Some("mx1.partner.example"));
        assert_eq!(verdict(1).host.as_deref(), Some("mx0.partner.example"));
        assert_eq!((verdict(2).reply.as_str(), verdict(2).ours), ("550 5.1.1 nobody", false));
        assert_eq!(report.site, SiteSign::Good);
        assert!(report.transcript.iter().any(|line| line == "S: 550 5.1.1 nobody"), "{report:?}");
        let second = told(&servers[1]);
        assert!(second.contains(&"RCPT TO:<ann@partner.example>".to_owned()));
        assert!(!second.iter().any(|line| line.contains("bob") || line.contains("cy")), "{second:?}");
    }
}

#[tokio::test]
async fn what_all_hosts_put_off_waits_with_the_first_reply() {
    let says = |text| Script::clear().when("RCPT", Act::Say(text));
    let (deliverer, route, servers) = to(vec![says("450 4.2.0 one"), says("451 4.3.0 two")]).await;
    let report = deliverer.deliver(&route, &job(&THREE[..1])).await;
    assert_eq!(ends(&report), [(End::Deferred, "reply.rcpt")]);
    assert_eq!(report.verdicts[0].1.reply, "450 4.2.0 one");
    assert!(servers.iter().all(|server| server.heard()[0].messages == [""]), "lone dots");
}

#[tokio::test]
async fn recipients_without_room_go_into_the_next_transaction_over_the_same_connection() {
    for pipelining in ["PIPELINING", "X-NONE"] {
        // One recipient a transaction; the reply with another code means this mailbox alone.
        let script = Script::clear().offering(&[pipelining]).one_recipient_each();
        let (deliverer, route, servers) = to(vec![script]).await;
        let report = deliverer.deliver(&route, &job(&THREE)).await;
        assert_eq!(ends(&report), [DELIVERED; 3]);
        let heard = servers[0].heard();
        assert_eq!((heard.len(), heard[0].messages.len()), (1, 3), "{pipelining}");
        assert!(report.transcript.is_empty());
    }
}

#[tokio::test]
async fn a_full_mailbox_is_no_full_transaction() {
    let script = Script::clear().when("RCPT TO:<bob", Act::Say("452 4.2.2 mailbox full"));
    let (deliverer, route, servers) = to(vec![script]).await;
    let report = deliverer.deliver(&route, &job(&THREE)).await;
    assert_eq!(ends(&report), [DELIVERED, (End::Deferred, "reply.rcpt"), DELIVERED]);
    assert_eq!(servers[0].heard()[0].messages.len(), 1);
}

#[tokio::test]
async fn more_recipients_than_settings_allow_go_into_several_transactions() {
    let settings = DeliverySettings { recipients_per_message: 2, ..settings() };
    let (deliverer, route, servers) = to_with(settings, vec![Script::clear()]).await;
    let report = deliverer.deliver(&route, &job(&THREE)).await;
    assert_eq!(ends(&report), [DELIVERED; 3]);
    assert_eq!(servers[0].heard()[0].messages.len(), 2);
}

#[tokio::test]
async fn a_server_that_says_go_on_without_recipients_gets_a_lone_dot() {
    let refusing = Script::clear().when("RCPT", Act::Say("550 5.1.1 nobody"));
    let (deliverer, route, servers) = to(vec![refusing]).await;
    for _ in 0..2 {
        let report = deliverer.deliver(&route, &job(&THREE[..2])).await;
        assert_eq!(ends(&report), [(End::Failed, "reply.rcpt"); 2]);
    }
    let heard = servers[0].heard();
    assert_eq!(heard.len(), 1, "the connection is used again");
    assert_eq!(heard[0].messages, ["", ""]);
    assert!(!heard[0].lines().contains(&"RSET".to_owned()), "the dot has ended the transaction");
}

#[tokio::test]
async fn an_unfinished_transaction_is_reset_before_the_next_in_the_same_write() {
    let refusing = Script::clear()
        .when("RCPT TO:<ann", Act::Say("550 5.1.1 nobody"))
        .when("RCPT TO:<bob", Act::Say("250 2.1.5 ok"))
        .when("DATA", Act::Say("503 5.5.1 no valid recipients"));
    let (deliverer, route, servers) = to(vec![refusing]).await;
    let report = deliverer.deliver(&route, &job(&THREE[..1])).await;
    assert_eq!(ends(&report), [(End::Failed, "reply.rcpt")]);
    let report = deliverer.deliver(&route, &job(&THREE[1..2])).await;
    assert_eq!(ends(&report), [(End::Failed, "reply.data")]);
    let heard = servers[0].heard();
    let second = heard[0].reads.last().unwrap();
    let wanted =
        "RSET\r\nMAIL FROM:<alice@relay.example> SIZE=41\r\nRCPT TO:<bob@partner.example>\r\nDATA\r\n";
    assert_eq!(second, wanted);
}

#[tokio::test]
async fn without_pipelining_no_data_is_said_where_nobody_is_taken() {
    let refusing = Script::clear().offering(&[]).when("RCPT", Act::Say("550 5.1.1 nobody"));
    let (deliverer, route, servers) = to(vec![refusing]).await;
    deliverer.deliver(&route, &job(&THREE)).await;
    let report = deliverer.deliver(&route, &job(&THREE[..1])).await;
    assert_eq!(ends(&report), [(End::Failed, "reply.rcpt")]);
    let lines = told(&servers[0]);
    assert!(!lines.contains(&"DATA".to_owned()), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| *line == "RSET").count(), 1);
}

#[tokio::test]
async fn addresses_that_no_command_can_carry_fail_without_a_word() {
    let (deliverer, route, servers) = to(vec![Script::clear()]).await;
    let bad = ["x> NOTIFY=NEVER", "a\r\nb@partner.example", "\"open@partner.example", "bob@partner.example"];
    let report = deliverer.deliver(&route, &job(&bad)).await;
    let refused = (End::Failed, "reply.rcpt");
    assert_eq!(ends(&report), [refused, refused, refused, DELIVERED]);
    assert!(report.verdicts[0].1.reply.starts_with("553 5.1.3"));
    let odd = "\"a> b\\\"\"@partner.example";
    let report = deliverer.deliver(&route, &job(&[odd])).await;
    assert_eq!(ends(&report), [DELIVERED]);
    assert!(told(&servers[0]).contains(&format!("RCPT TO:<{odd}>")));
    let mut job = job(&THREE[..1]);
    Arc::make_mut(&mut job.envelope).sender = "a b@relay.example".to_owned();
    let report = deliverer.deliver(&route, &job).await;
    assert_eq!(ends(&report), [(End::Failed, "reply.mail")]);
}
