//! Conversations with the lab's mail servers, in clear and within TLS.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy.toml allows these in tests, but does not know the helpers of one"
)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    net::SocketAddr,
};

use common::{
    Client,
    names::{ask, records},
};
use domain::base::iana::Rtype;
use rustls::{CertificateError, ProtocolVersion};
use tokio::{io::AsyncReadExt, net::TcpStream};
use waxseal_lab::{Lab, LabError, LabOptions};

async fn lab() -> Lab {
    let others = ["dane-", "sts-", "tlsrpt-", "spf-", "dkim-", "dmarc-", "caa-"];
    common::lab(|label| !others.iter().any(|kind| label.starts_with(kind))).await
}

#[tokio::test]
async fn several_labs_run_at_once_and_free_their_ports() {
    let (one, two) = (lab().await, lab().await);
    assert_ne!(one.dns(), two.dns());
    let place = |lab: &Lab| (lab.address("mx.healthy.lab.test").unwrap(), lab.port_map()[&25]);
    assert_ne!(place(&one), place(&two));
    let address = place(&one);
    assert!(TcpStream::connect(address).await.is_ok());
    one.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    assert!(TcpStream::connect(place(&two)).await.is_ok());
}

#[tokio::test]
async fn a_lab_may_be_of_a_few_domains_only() {
    let lab = Lab::start(LabOptions::only(["healthy", "plaintext", "mx-ula"])).await.unwrap();
    let names: Vec<_> = lab.domains().iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["healthy.lab.test", "plaintext.lab.test", "mx-ula.lab.test"]);
    Client::starttls(&lab, "mx.healthy.lab.test").await.unwrap();
}

#[tokio::test]
async fn real_ports_are_the_ports_themselves() {
    let address = "127.77.255.53".parse().unwrap();
    let mut options = LabOptions::only(["healthy", "submission"]);
    options.real_ports = Some(address);
    let lab = match Lab::start(options).await {
        Ok(lab) => lab,
        Err(LabError::RealPort { source, .. })
            if [ErrorKind::PermissionDenied, ErrorKind::AddrInUse].contains(&source.kind()) =>
        {
            eprintln!("SKIPPED: real ports cannot be had here: {source}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(lab.dns(), SocketAddr::new(address, 53));
    assert_eq!(lab.port_map(), BTreeMap::from([25, 443, 465, 587].map(|port| (port, port))));
    let client = TcpStream::connect((lab.address("mx.healthy.lab.test").unwrap(), 25)).await.unwrap();
    assert!(Client::new(client).reply().await.starts_with("220 mx.healthy.lab.test"));
    let (reply, _) = ask(&lab, "healthy.lab.test", Rtype::MX).await;
    assert_eq!(records(&reply).len(), 1);
}

#[tokio::test]
async fn the_demonstration_is_a_part_of_the_whole() {
    let demo = Lab::start(LabOptions::demo()).await.unwrap();
    let whole = LabOptions::default().domains();
    assert!(demo.domains().iter().all(|d| d.demo));
    assert_eq!(demo.domains(), &whole[..demo.domains().len()], "the demonstration comes first");
    assert_eq!(demo.domains(), LabOptions::demo().domains());
    assert_eq!(demo.domains().len(), whole.iter().filter(|d| d.demo).count());
    assert!(demo.address("mx.submission.lab.test").is_none());
}

#[tokio::test]
async fn a_message_is_taken_in_clear_and_commands_have_their_order() {
    let lab = lab().await;
    let mut client = Client::connect(&lab, "mx.plaintext.lab.test", 25).await;
    assert!(client.reply().await.starts_with("220 mx.plaintext.lab.test ESMTP"));
    for (command, code) in [
        ("MAIL FROM:<a@client.test>", "503"),
        ("HELO client.test", "250"),
        ("RCPT TO:<b@plaintext.lab.test>", "503"),
        ("MAIL FROM:<a@client.test>", "250"),
        ("DATA", "503"),
        ("RCPT TO:<b@plaintext.lab.test>", "250"),
        ("DATA", "354"),
        ("Subject: x\r\n\r\n..\r\n.", "250"),
        ("RCPT TO:<b@plaintext.lab.test>", "503"),
        ("STARTTLS", "502"),
        ("RSET", "250"),
        ("NOOP", "250"),
        ("XYZZY", "500"),
        ("QUIT", "221"),
    ] {
        let reply = client.say(command).await;
        assert!(reply.starts_with(code), "{command}: {reply}");
    }
    assert_eq!(client.reply().await, "", "closed");
    assert_eq!(lab.connections("mx.plaintext.lab.test"), 1);
    assert_eq!(lab.connections("mx.healthy.lab.test"), 0);
    assert!(lab.log().iter().any(|l| l.host == "mx.plaintext.lab.test" && l.text == "XYZZY"));
}

#[tokio::test]
async fn starttls_forgets_what_was_said_before_and_is_not_offered_again() {
    let lab = lab().await;
    let host = "mx.healthy.lab.test";
    let mut client = Client::connect(&lab, host, 25).await;
    client.reply().await;
    assert!(client.say("EHLO client.test").await.contains("STARTTLS"));
    client.say("MAIL FROM:<a@client.test>").await;
    // The NOOP behind STARTTLS came in clear and must not be answered within TLS.
    client.send(b"STARTTLS\r\nNOOP\r\n").await;
    assert!(client.reply().await.starts_with("220"));
    assert!(client.rest().is_empty());
    let mut client = client.secure(&lab, host).await.unwrap();
    assert!(client.say("RCPT TO:<b@healthy.lab.test>").await.starts_with("503"));
    assert!(!client.say("EHLO client.test").await.contains("STARTTLS"));
    assert!(client.say("STARTTLS").await.starts_with("503"));
    assert!(client.say("QUIT").await.starts_with("221"));
    let session = client.stream.get_ref().1;
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(session.negotiated_key_exchange_group().unwrap().name(), rustls::NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn certificates_are_good_or_bad_in_the_way_that_they_say() {
    let lab = lab().await;
    for domain in [
        "healthy",
        "ecdsa",
        "rsa",
        "tls12-only",
        "tls13-only",
        "client-certificate",
        "expires-soon",
        "wildcard",
    ] {
        let host = format!("mx.{domain}.lab.test");
        Client::starttls(&lab, &host).await.unwrap_or_else(|e| panic!("{domain}: {e}"));
    }
    // Out of order, a path can still be built.
    Client::starttls(&lab, "mx.chain-order.lab.test").await.unwrap();
    for (domain, is_right) in [
        (
            "expired",
            (|e| matches!(e, CertificateError::ExpiredContext { .. })) as fn(&CertificateError) -> bool,
        ),
        ("not-yet-valid", |e| matches!(e, CertificateError::NotValidYetContext { .. })),
        ("wrong-name", |e| matches!(e, CertificateError::NotValidForNameContext { .. })),
        ("self-signed", |e| matches!(e, CertificateError::UnknownIssuer)),
        ("missing-intermediate", |e| matches!(e, CertificateError::UnknownIssuer)),
        ("x509-v1", |e| format!("{e:?}").contains("UnsupportedCertVersion")),
    ] {
        let Err(error) = Client::starttls(&lab, &format!("mx.{domain}.lab.test")).await else {
            panic!("{domain} was trusted");
        };
        match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(reason)) if is_right(reason) => {}
            other => panic!("{domain}: {other:?}"),
        }
    }
    for domain in ["tls-alert", "tls-reset", "tls10-only", "huge-certificate", "weak-key"] {
        assert!(Client::starttls(&lab, &format!("mx.{domain}.lab.test")).await.is_err(), "{domain}");
    }
}

#[tokio::test]
async fn starttls_goes_wrong_as_described() {
    let lab = lab().await;
    let mut client = Client::connect(&lab, "mx.starttls-stripped.lab.test", 25).await;
    client.reply().await;
    let ehlo = client.say("EHLO client.test").await;
    assert!(ehlo.contains("250-XXXXXXXA\r\n") && !ehlo.contains("STARTTLS"), "{ehlo}");
    assert!(client.say("STARTTLS").await.starts_with("500"));

    let mut client = Client::connect(&lab, "mx.starttls-454.lab.test", 25).await;
    client.reply().await;
    assert!(client.say("EHLO client.test").await.contains("STARTTLS"));
    assert!(client.say("STARTTLS").await.starts_with("454 4.7.0"));
    assert!(client.say("NOOP").await.starts_with("250"), "the conversation goes on in clear");

    let mut offers = BTreeSet::new();
    for n in 1..=4 {
        let mut client = Client::connect(&lab, "mx.starttls-sometimes.lab.test", 25).await;
        client.reply().await;
        offers.insert((n % 2, client.say("EHLO client.test").await.contains("STARTTLS")));
    }
    assert_eq!(offers, BTreeSet::from([(0, false), (1, true)]));

    let mut client = Client::connect(&lab, "mx.plaintext-after-220.lab.test", 25).await;
    client.reply().await;
    client.say("EHLO client.test").await;
    assert!(client.say("STARTTLS").await.starts_with("220"));
    assert!(client.reply().await.starts_with("250-"), "plaintext came with the 220");

    let mut client = Client::connect(&lab, "mx.helo-only.lab.test", 25).await;
    client.reply().await;
    assert!(client.say("EHLO client.test").await.starts_with("502"));
    assert!(client.say("HELO client.test").await.starts_with("250"));
}

#[tokio::test]
async fn submission_offers_auth_within_tls_only() {
    let lab = lab().await;
    let host = "mx.submission.lab.test";
    let mut client = Client::connect(&lab, host, 587).await;
    client.reply().await;
    assert!(!client.say("EHLO client.test").await.contains("AUTH"));
    assert!(client.say("MAIL FROM:<a@client.test>").await.starts_with("530"));
    assert!(client.say("AUTH PLAIN AGEAYg==").await.starts_with("502"));
    let client = Client::connect(&lab, host, 465).await;
    let mut client = client.secure(&lab, host).await.unwrap();
    assert!(client.reply().await.starts_with("220"));
    assert!(client.say("EHLO client.test").await.contains("AUTH PLAIN LOGIN"));
    assert!(client.say("AUTH PLAIN AGEAYg==").await.starts_with("535"));
    assert!(client.say("AUTH LOGIN").await.starts_with("334"));
    assert!(client.say("YQ==").await.starts_with("535"));
    let mut client = Client::connect(&lab, "mx.auth-in-clear.lab.test", 587).await;
    client.reply().await;
    assert!(client.say("EHLO client.test").await.contains("AUTH PLAIN LOGIN"));
    assert_eq!(lab.connections(host), 2);
}

#[tokio::test]
async fn greetings_come_late_in_pieces_refused_or_hardly() {
    let lab = lab().await;
    let greeting = async |domain: &str| {
        let mut client = Client::connect(&lab, &format!("mx.{domain}.lab.test"), 25).await;
        client.reply().await
    };
    assert!(greeting("late-greeting").await.starts_with("220 "));
    assert_eq!(greeting("split-greeting").await.lines().count(), 3);
    assert!(greeting("greeting-421").await.starts_with("421 4.3.2"));
    assert!(greeting("greeting-554").await.starts_with("554 5.7.1"));
    for (domain, start) in [("imap", "* OK"), ("ssh", "SSH-2.0-"), ("http", "HTTP/1.1 400")] {
        let mut client = Client::connect(&lab, &format!("mx.{domain}.lab.test"), 25).await;
        assert!(client.line().await.unwrap().starts_with(start), "{domain}");
    }
    let mut client = Client::connect(&lab, "mx.tarpit.lab.test", 25).await;
    let mut some = [0; 40];
    assert!(client.stream.read(&mut some).await.unwrap() < some.len(), "no whole line at once");
    for (domain, reply) in [("ehlo-421", "421"), ("ehlo-drop", "")] {
        let mut client = Client::connect(&lab, &format!("mx.{domain}.lab.test"), 25).await;
        client.reply().await;
        assert!(client.say("EHLO client.test").await.starts_with(reply), "{domain}");
        assert_eq!(client.reply().await, "", "{domain} closed");
    }
}

#[tokio::test]
async fn floods_do_not_end_and_a_closed_port_is_closed() {
    let lab = lab().await;
    for domain in ["endless-greeting", "endless-bytes"] {
        let mut client = Client::connect(&lab, &format!("mx.{domain}.lab.test"), 25).await;
        let mut bytes = vec![0; 4 << 20];
        client.stream.read_exact(&mut bytes).await.unwrap();
        assert!(!bytes.starts_with(b"220 ") && !bytes.windows(5).any(|w| w == b"\n220 "), "{domain}");
    }
    let closed = (lab.address("mx.closed-port.lab.test").unwrap(), lab.port_map()[&25]);
    assert!(TcpStream::connect(closed).await.is_err());
}

#[tokio::test]
async fn every_fourth_connection_is_turned_away() {
    let lab = lab().await;
    let mut codes = Vec::new();
    for _ in 0..8 {
        let mut client = Client::connect(&lab, "mx.rate-limit.lab.test", 25).await;
        codes.push(client.reply().await[..3].to_owned());
    }
    assert_eq!(codes, ["220", "220", "220", "421", "220", "220", "220", "421"]);
    assert_eq!(lab.connections("mx.rate-limit.lab.test"), 8);
}

#[tokio::test]
async fn the_policy_host_serves_the_policy_and_nothing_else() {
    let lab = lab().await;
    let host = "mta-sts.healthy.lab.test";
    for (path, status, body) in [
        ("/.well-known/mta-sts.txt", "200", "mode: enforce\r\nmx: mx.healthy.lab.test\r\n"),
        ("/", "404", "only"),
    ] {
        let client = Client::connect(&lab, host, 443).await;
        let mut client = client.secure(&lab, host).await.unwrap();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await;
        let mut reply = String::new();
        client.stream.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
        assert!(reply.contains(body), "{reply}");
    }
}

#[tokio::test]
async fn ipv6_is_served_where_there_is_any() {
    let lab = lab().await;
    let Some(domain) = lab.domains().iter().find(|d| d.name == "ipv6.lab.test") else {
        eprintln!("SKIPPED: this machine has no ::1");
        return;
    };
    assert!(lab.address("mx.ipv6.lab.test").unwrap().is_ipv6());
    Client::starttls(&lab, &format!("mx.{}", domain.name)).await.unwrap();
}
