//! STARTTLS with a command behind it, and servers that break down.

use std::time::Duration;

use super::{host, lab};
use crate::common::Client;
use tokio::time::timeout;

/// What a hanging server gets.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_command_behind_starttls_is_kept_dropped_answered_or_refused() {
    let lab = lab(&["injection", "injection-in-clear", "injection-refused", "lenient"]).await;
    for (case, reply, within) in [
        ("injection", "220", Some("250 2.0.0 Still here\r\n")),
        ("lenient", "220", None),
        ("injection-in-clear", "220", None),
        ("injection-refused", "554", None),
    ] {
        let mut client = Client::connect(&lab, &host(case), 25).await;
        client.reply().await;
        client.say("EHLO client.test").await;
        client.send(b"STARTTLS\r\nNOOP tag\r\n").await;
        assert_eq!(client.reply().await[..3], *reply, "{case}");
        if case == "injection-in-clear" {
            assert_eq!(client.reply().await, "250 2.0.0 Still here\r\n");
        }
        if reply == "554" {
            assert_eq!(client.reply().await, "", "the end");
            continue;
        }
        let mut client = client.secure(&lab, &host(case)).await.unwrap();
        match within {
            Some(answer) => assert_eq!(client.reply().await, answer, "{case}"),
            None => assert!(timeout(SHORT, client.reply()).await.is_err(), "{case}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_break_down_from_the_second_connection_on() {
    let cases =
        ["421-later", "ehlo-421-later", "starttls-421-later", "starttls-454-later", "greeting-hang-later"];
    let lab = lab(&cases).await;
    for case in cases {
        assert!(Client::starttls(&lab, &host(case)).await.is_ok(), "{case}");
    }
    let connect = async |case: &str| Client::connect(&lab, &host(case), 25).await;
    let mut client = connect("421-later").await;
    assert_eq!((client.reply().await[..3].to_owned(), client.reply().await), ("421".into(), String::new()));
    let mut client = connect("ehlo-421-later").await;
    client.reply().await;
    assert_eq!(client.say("EHLO client.test").await[..3], *"421");
    for (case, code) in [("starttls-421-later", "421"), ("starttls-454-later", "454")] {
        let mut client = connect(case).await;
        client.reply().await;
        client.say("EHLO client.test").await;
        assert_eq!(client.say("STARTTLS").await[..3], *code);
    }
    let mut client = connect("greeting-hang-later").await;
    assert!(timeout(SHORT, client.reply()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_connection_of_a_minute_gets_421() {
    let lab = lab(&["five-a-minute"]).await;
    for number in 1..=7 {
        let reply = Client::connect(&lab, &host("five-a-minute"), 25).await.reply().await;
        assert_eq!(&reply[..3], if number <= 5 { "220" } else { "421" }, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hellos_get_silence_a_reset_or_the_end() {
    let lab = lab(&["hang-at-once", "reset-at-once", "close-later"]).await;
    assert!(timeout(SHORT, Client::starttls(&lab, &host("hang-at-once"))).await.is_err());
    let error = Client::starttls(&lab, &host("reset-at-once")).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(Client::starttls(&lab, &host("close-later")).await.is_ok());
    let error = Client::starttls(&lab, &host("close-later")).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}
