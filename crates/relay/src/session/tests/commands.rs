//! Commands, their order and their parameters.

use waxseal_store::spool::{BodyKind, NewRecipient, Notify, Ret};

use super::*;

#[tokio::test]
async fn only_what_is_given_is_offered() {
    let bench = Bench::new(settings());
    let mut talk = bench.connect(SMTP, "198.51.100.1");
    assert_eq!(talk.reply().await, "220 relay.example.com ESMTP waxseal\r\n");
    let reply = talk.ask("EHLO client.example.net", "250-relay.example.com\r\n").await;
    assert_eq!(
        extensions(&reply),
        ["PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES"]
    );
    talk.ask("STARTTLS", "502 5.5.1").await;
    talk.ask("AUTH PLAIN", "503 5.5.1").await;
    talk.ask("XCLIENT ADDR=192.0.2.1", "550 5.7.0").await;
    talk.ask("HELO client.example.net", "250 relay.example.com\r\n").await;
    talk.ask("QUIT", "221 2.0.0").await;
    talk.ends().await;
}

#[tokio::test]
async fn a_message_with_all_parameters_is_kept_with_all_of_them() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    talk.ask(
        "MAIL FROM:<ann@example.net> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2B1 AUTH=<>",
        "250 2.1.0",
    )
    .await;
    talk.ask("RCPT TO:<bob@Example.ORG> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob@example.org", "250 2.1.5")
        .await;
    talk.ask("RCPT TO:<пример@bücher.example> NOTIFY=NEVER", "250 2.1.5").await;
    talk.ask("RCPT TO:<bob@Example.ORG>", "250 2.1.5").await;
    talk.ask("DATA", "354 ").await;
    talk.ask("Subject: h\u{e4}\r\n\r\n..text\r\n.", "250 2.0.0 Ok: queued as 4f1c01\r\n").await;
    let message = bench.message();
    let envelope = &message.envelope;
    assert_eq!((envelope.sender.as_str(), envelope.ret), ("ann@example.net", Some(Ret::Hdrs)));
    assert_eq!(envelope.envid.as_deref(), Some("a+2B1"));
    assert_eq!((envelope.body, envelope.smtputf8), (BodyKind::EightBitMime, true));
    let never = Notify { success: false, failure: false, delay: false };
    assert_eq!(
        message.recipients,
        [
            NewRecipient {
                address: "bob@Example.ORG".into(),
                domain: "example.org".into(),
                notify: Some(Notify { success: true, delay: true, ..never }),
                orcpt: Some("rfc822;bob@example.org".into()),
            },
            NewRecipient {
                address: "пример@bücher.example".into(),
                domain: "xn--bcher-kva.example".into(),
                notify: Some(never),
                orcpt: None,
            },
        ],
        "who is named twice gets it once"
    );
    let arrival = &envelope.arrival;
    assert_eq!((arrival.helo.as_str(), arrival.protocol.as_str()), ("client.example.net", "UTF8SMTP"));
    assert_eq!(arrival.client, Some("192.0.2.1".parse().unwrap()));
    assert_eq!(message.expires_at - message.received_at, 7 * 86_400);
    let text = text(&message);
    assert!(text.starts_with("Received: from client.example.net ([192.0.2.1])\r\n"), "{text}");
    assert!(text.contains(&format!("id {};", arrival.trace)), "several recipients are not named: {text}");
    assert!(text.ends_with("\r\nSubject: h\u{e4}\r\n\r\n.text\r\n"), "{text}");
    assert_eq!(bench.heard(), [format!("accepted 4f1c01 2 {}", text.len())]);
}

#[tokio::test]
async fn commands_out_of_order_are_told_what_comes_first() {
    let bench = Bench::new(settings());
    let mut talk = bench.connect(SMTP, "192.0.2.1");
    talk.expect("220 ").await;
    talk.ask("MAIL FROM:<a@example.net>", "503 5.5.1").await;
    talk.ask("HELO client", "250 ").await;
    talk.ask("RCPT TO:<b@example.org>", "503 5.5.1").await;
    talk.ask("DATA", "503 5.5.1").await;
    talk.ask("MAIL FROM:<>", "250 2.1.0").await;
    talk.ask("MAIL FROM:<>", "503 5.5.1").await;
    talk.ask("DATA", "554 5.5.1").await;
    talk.ask("RCPT TO:<b@example.org>", "250 2.1.5").await;
    talk.ask("RSET", "250 2.0.0").await;
    talk.ask("DATA", "503 5.5.1").await;
    talk.ask("VRFY b", "252 2.5.2").await;
    talk.ask("HELP", "214 2.0.0").await;
    talk.ask("NOOP x", "250 2.0.0").await;
    // EHLO ends a transaction as well.
    talk.ask("MAIL FROM:<>", "250 2.1.0").await;
    talk.ask("EHLO client", "250").await;
    talk.ask("RCPT TO:<b@example.org>", "503 5.5.1").await;
    assert_eq!(bench.count(), 0);
}

#[tokio::test]
async fn each_mistake_has_its_reply() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    for (line, reply) in [
        ("XYZZY", "500 5.5.1 unknown command"),
        ("EXPN list", "502 5.5.1"),
        ("MAIL FROM:a@example.net", "501 5.1.7"),
        ("MAIL FROM:<a@example.net> FOO=1", "555 5.5.4 parameter FOO is not known"),
        ("MAIL FROM:<a@example.net> BODY=9BIT", "501 5.5.4"),
        ("MAIL FROM:<a@example.net> SIZE=52428801", "552 5.3.4"),
        ("MAIL FROM:<a@example.net> REQUIRETLS", "530 5.7.10"),
        ("MAIL FROM:<ä@example.net>", "553 5.6.7"),
        ("BDAT x", "501 5.5.4"),
        ("NOOP \u{1}", "500 5.5.2"),
    ] {
        talk.ask(line, reply).await;
    }
    talk.ask("MAIL FROM:<a@example.net>", "250 ").await;
    for (line, reply) in [
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:<b@-!->", "501 5.1.3"),
        ("RCPT TO:<ä@example.com>", "553 5.6.7"),
        ("RCPT TO:<b@example.com> SIZE=1", "555 5.5.4"),
    ] {
        talk.ask(line, reply).await;
    }
    assert!(bench.heard().iter().all(|line| line.starts_with("refused Some(192.0.2.1)")));
}

#[tokio::test]
async fn a_pipelined_group_is_answered_at_once() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    talk.send("MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<nonsense>\r\nDATA\r\n").await;
    // All four replies came with one write: they are there after one read.
    talk.buffer.reserve(4096);
    let count = talk.io.read_buf(&mut talk.buffer).await.unwrap();
    let replies = String::from_utf8(talk.buffer[..count].to_vec()).unwrap();
    let codes: Vec<_> = replies.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "501", "354"]);
    talk.buffer.clear();
    talk.send("x\r\n.\r\nMAIL FROM:<a@example.net>\r\nQUIT\r\n").await;
    talk.expect("250 2.0.0").await;
    talk.expect("250 2.1.0").await;
    talk.expect("221 ").await;
    talk.ends().await;
    assert_eq!(bench.count(), 1);
}

#[tokio::test]
async fn postmaster_without_a_domain_is_that_of_this_host() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    talk.ask("MAIL FROM:<>", "250 ").await;
    talk.ask("RCPT TO:<Postmaster>", "250 ").await;
    talk.ask("DATA", "354 ").await;
    talk.ask("x\r\n.", "250 ").await;
    assert_eq!(bench.message().recipients[0].address, "postmaster@relay.example.com");
    let mut stranger = bench.connect(SMTP, "198.51.100.1");
    stranger.expect("220 ").await;
    stranger.ask("EHLO x", "250").await;
    stranger.ask("MAIL FROM:<>", "250 ").await;
    stranger.ask("RCPT TO:<postmaster>", "550 5.7.1").await;
}

#[tokio::test]
async fn submission_completes_a_message_and_smtp_leaves_it_as_it_is() {
    for (listening, complete) in [(SMTP, false), (SUBMISSION, true)] {
        let bench = Bench::new(settings());
        let mut talk = bench.connect(listening, "192.0.2.1");
        talk.expect("220 ").await;
        talk.ask("EHLO client", "250").await;
        talk.ask("MAIL FROM:<a@example.net>", "250 ").await;
        talk.ask("RCPT TO:<b@example.org>", "250 ").await;
        talk.ask("DATA", "354 ").await;
        talk.ask("Subject: x\r\n\r\nbody\r\n.", "250 ").await;
        let text = text(&bench.message());
        assert_eq!(text.contains("\r\nDate: "), complete, "{text}");
        assert_eq!(text.contains("\r\nMessage-ID: <"), complete, "{text}");
        assert!(text.contains("\r\n\tfor <b@example.org>;"), "{text}");
    }
}
