//! Who may relay, and XCLIENT.

use super::*;

async fn asks(talk: &mut Talk, recipient: &str) -> String {
    talk.ask("RSET", "250 ").await;
    talk.ask("MAIL FROM:<a@example.net>", "250 ").await;
    talk.send(format!("RCPT TO:<{recipient}>\r\n")).await;
    talk.reply().await
}

#[tokio::test]
async fn strangers_reach_our_domains_and_no_others() {
    let bench = Bench::new(settings());
    let mut talk = bench.connect(SMTP, "198.51.100.1");
    talk.expect("220 ").await;
    talk.ask("EHLO x", "250").await;
    assert!(asks(&mut talk, "b@example.com").await.starts_with("250 "));
    for other in [
        "b@example.org",
        "b@sub.example.com",
        "b%example.org@example.net",
        "@example.com:b@example.org",
        "\"b@example.com\"@example.org",
        "b@[192.0.2.1]",
    ] {
        let reply = asks(&mut talk, other).await;
        assert!(reply.starts_with("550 5.7.1 198.51.100.1 may not send to "), "{other}: {reply}");
        assert!(reply.contains("ask the operator"), "{reply}");
    }
}

#[tokio::test]
async fn submission_is_for_those_who_may_relay() {
    let bench = Bench::new(settings());
    let mut talk = bench.connect(SUBMISSION, "198.51.100.1");
    talk.expect("220 ").await;
    talk.ask("EHLO x", "250").await;
    talk.ask("MAIL FROM:<>", "530 5.7.0 Authentication required").await;
}

fn proxied() -> Settings {
    let mut settings = settings();
    settings.access.xclient = vec!["192.0.2.9".parse().unwrap()];
    settings
}

#[tokio::test]
async fn a_listed_proxy_speaks_for_others_with_their_rights() {
    let bench = Bench::new(proxied());
    let mut talk = bench.connect(SMTP, "192.0.2.9");
    talk.expect("220 ").await;
    let reply = talk.ask("EHLO proxy", "250").await;
    assert!(extensions(&reply).contains(&"XCLIENT NAME ADDR PORT PROTO HELO LOGIN"), "{reply}");
    assert!(asks(&mut talk, "b@example.org").await.starts_with("250 "), "the proxy itself is of our network");
    talk.ask("XCLIENT ADDR=192.0.2.1", "503 5.5.1").await;
    talk.ask("RSET", "250 ").await;
    talk.ask("XCLIENT NAME=far.example.net ADDR=198.51.100.7 PORT=25 PROTO=SMTP HELO=far", "220 ").await;
    talk.ask("MAIL FROM:<>", "503 5.5.1").await;
    let reply = talk.ask("EHLO proxy", "250").await;
    assert!(!reply.contains("XCLIENT"), "{reply}");
    assert!(asks(&mut talk, "b@example.org").await.starts_with("550 5.7.1 198.51.100.7 "));
    assert!(asks(&mut talk, "b@example.com").await.starts_with("250 "));
    talk.ask("DATA", "354 ").await;
    talk.ask("x\r\n.", "250 ").await;
    let message = bench.message();
    assert!(
        text(&message).starts_with(
            "Received: from far (far.example.net [198.51.100.7])\r\n\tby relay.example.com with SMTP id"
        ),
        "{}",
        text(&message)
    );
    assert_eq!(message.envelope.arrival.client, Some("198.51.100.7".parse().unwrap()));
}

#[tokio::test]
async fn what_a_client_says_through_a_proxy_gives_it_no_more_rights() {
    let bench = Bench::new(proxied());
    for first in ["XCLIENT ADDR=198.51.100.7", "XCLIENT ADDR=[UNAVAILABLE]", "XCLIENT ADDR=IPV6:2001:db8::1"]
    {
        let mut talk = bench.connect(SMTP, "192.0.2.9");
        talk.expect("220 ").await;
        talk.ask(first, "220 ").await;
        // From here on a client may be speaking.
        talk.ask("XCLIENT ADDR=192.0.2.1", "550 5.7.0").await;
        talk.ask("EHLO x", "250").await;
        talk.ask("XCLIENT ADDR=192.0.2.9", "550 5.7.0").await;
        talk.ask("XCLIENT LOGIN=bob", "550 5.7.0").await;
        assert!(asks(&mut talk, "b@example.org").await.starts_with("550 5.7.1 "), "{first}");
    }
}

#[tokio::test]
async fn a_login_at_the_proxy_counts_until_the_next_client() {
    let bench = Bench::new(proxied());
    let mut talk = bench.connect(SUBMISSION, "192.0.2.9");
    talk.expect("220 ").await;
    talk.ask("XCLIENT ADDR=192.0.2.9 LOGIN=bob", "220 ").await;
    talk.ask("EHLO x", "250").await;
    assert!(asks(&mut talk, "b@example.org").await.starts_with("250 "));
    talk.ask("DATA", "354 ").await;
    talk.ask("x\r\n.", "250 ").await;
    assert_eq!(bench.message().envelope.arrival.user.as_deref(), Some("bob"));
    assert_eq!(bench.message().envelope.arrival.protocol, "ESMTPA");
    talk.ask("XCLIENT ADDR=198.51.100.7", "220 ").await;
    talk.ask("EHLO x", "250").await;
    talk.ask("MAIL FROM:<>", "530 5.7.0").await;
}
