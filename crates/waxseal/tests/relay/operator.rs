//! The commands for the queue, while the relay runs and while it does not.

use waxseal_peers::{
    Sink,
    submit::{Message, submit},
};

use crate::house::{House, any, free};

/// Nothing listens at the next hop: all mail waits.
fn waiting(name: &str) -> House {
    let mut house = House::new(name, &House::to(free(), "[delivery]\nretry = [\"6h\"]\n"));
    house.start();
    let message = |to: &'static [&'static str]| Message {
        from: "alice@example.com",
        to,
        parameters: "",
        text: "Subject: one\n\nbody\n",
    };
    let messages = [message(&["bob@a.test"]), message(&["carol@b.test", "dave@a.test"])];
    submit(house.address(), &messages).unwrap();
    house.until("they were not tried", || house.queue(&["--reason", "connect"]).len() == 2);
    house
}

#[test]
fn the_queue_is_listed_shown_explained_and_changed() {
    let mut house = waiting("operator");
    assert_eq!(house.queue(&["--domain", "b.test"]).len(), 1);
    assert_eq!(house.queue(&["--domain", "c.test"]).len(), 0);
    assert_eq!(house.queue(&["--sender", "@example.com"]).len(), 2);
    assert_eq!(house.queue(&["--older-than", "1h"]).len(), 0);
    let id = house.queue(&["--domain", "b.test"])[0]["id"].as_str().unwrap().to_owned();

    let shown = house.told(&["queue", "show", &id, "--transcript"]);
    assert!(shown.contains("carol@b.test") && shown.contains("next try in"), "{shown}");
    assert!(house.told(&["queue", "show", &id, "--body"]).contains("Subject: one"));
    let explained = house.told(&["queue", "explain", &id]);
    assert!(explained.contains("Who acts"), "{explained}");

    let dry = house.told(&["queue", "hold", "--domain", "a.test", "--dry-run"]);
    assert!(dry.contains("2 recipients would be held"), "{dry}");
    assert!(!house.told(&["queue", "list"]).contains("held"));
    assert!(house.told(&["queue", "hold", "--domain", "a.test"]).contains("2 recipients held"));
    assert!(house.told(&["status"]).contains("2 held"));
    assert!(house.told(&["queue", "release", "--domain", "a.test"]).contains("2 recipients released"));

    let whole = house.command(&["queue", "cancel"]);
    assert_eq!(whole.status.code(), Some(2), "the whole queue needs --all");
    assert!(house.told(&["queue", "cancel", &id]).contains("2 recipients cancelled"));
    assert_eq!(house.queue(&[]).len(), 1);
    assert_eq!(house.queue(&["--all"]).len(), 2);
    let unknown = house.command(&["queue", "show", "ffffffff"]);
    assert_eq!(unknown.status.code(), Some(2));

    // The same without a relay.
    house.stop();
    assert_eq!(house.queue(&[]).len(), 1);
    assert_eq!(house.command(&["status"]).status.code(), Some(1));
    assert!(house.told(&["queue", "hold", "--all"]).contains("1 recipient held"));
    house.start();
    house.until("it is not held", || house.told(&["status"]).contains("1 held"));
    house.stop();
}

#[test]
fn what_is_retried_goes_out_at_once() {
    let mut house = waiting("retry");
    let text = std::fs::read_to_string(house.config()).unwrap();
    let sink = Sink::start(any(), None).unwrap();
    let hop = text.lines().find(|l| l.starts_with("next_hop")).unwrap();
    let other = format!("next_hop = \"[127.0.0.1]:{}\"", sink.address().port());
    std::fs::write(house.config(), text.replace(hop, &other)).unwrap();
    assert!(house.told(&["reload"]).contains("read"));
    assert!(house.told(&["queue", "retry", "--all"]).contains("3 recipients tried now"));
    house.until("they are not delivered", || sink.counts().2 == 3);
    house.until("the queue is not empty", || house.queue(&[]).is_empty());
    house.stop();
}

#[test]
fn a_mistake_in_the_configuration_is_one_line_and_stops_nothing_that_runs() {
    let mut house = House::new("mistake", &House::to(free(), "[delivery]\nexpire = \"soon\"\n"));
    house.launch();
    assert_eq!(house.ended(), Some(2));
    let output = house.output();
    assert!(
        output.contains("relay.toml:") && output.contains("expire") || output.contains("'soon'"),
        "{output}"
    );
    let checked = house.command(&["check-config"]);
    assert_eq!(checked.status.code(), Some(2));
    assert_eq!(String::from_utf8(checked.stderr).unwrap().trim().lines().count(), 1);

    let mut house = waiting("bad-reload");
    let text = std::fs::read_to_string(house.config()).unwrap();
    std::fs::write(house.config(), format!("{text}nonsense\n")).unwrap();
    let refused = house.command(&["reload"]);
    assert_eq!(refused.status.code(), Some(2));
    std::fs::write(house.config(), text).unwrap();
    assert_eq!(house.queue(&[]).len(), 2);
    house.stop();
}

#[test]
fn a_start_that_fails_delivers_nothing() {
    let sink = waxseal_peers::Sink::start(any(), None).unwrap();
    let mut house = waiting("taken");
    let text = std::fs::read_to_string(house.config()).unwrap();
    house.stop();
    let taken = std::net::TcpListener::bind(house.address()).unwrap();
    let hop = text.lines().find(|l| l.starts_with("next_hop")).unwrap();
    let other = format!("next_hop = \"[127.0.0.1]:{}\"", sink.address().port());
    std::fs::write(house.config(), text.replace(hop, &other)).unwrap();
    // Due at once, were the relay to run.
    house.told(&["queue", "retry", "--all"]);
    house.launch();
    assert_eq!(house.ended(), Some(4));
    assert!(house.output().contains("another program does already"), "{}", house.output());
    assert_eq!(sink.counts().0, 0, "it delivered before it knew that it can start");
    drop(taken);
    house.start();
    house.until("they are not delivered", || sink.counts().2 == 3);
    house.stop();
}

#[test]
fn it_is_no_open_relay() {
    use std::io::{BufRead, BufReader, Write};
    let mut house = House::new("closed", &House::to(free(), "[access]\nnetworks = [\"192.0.2.0/24\"]\n"));
    house.start();
    let stream = std::net::TcpStream::connect(house.address()).unwrap();
    let mut out = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut reply = |command: &str| {
        if !command.is_empty() {
            out.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        }
        loop {
            let line = lines.next().unwrap().unwrap();
            if line.as_bytes()[3] == b' ' {
                return line;
            }
        }
    };
    assert!(reply("").starts_with("220 "));
    assert!(reply("EHLO client.test").starts_with("250 "));
    reply("MAIL FROM:<alice@example.com>");
    let refused = reply("RCPT TO:<bob@example.org>");
    assert!(refused.starts_with("550 5.7.1"), "{refused}");
    house.stop();
}
