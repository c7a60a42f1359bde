//! The other side is mended, and the mail goes out by itself.

use std::sync::atomic::Ordering;

use waxseal_peers::{
    Sink, certificate,
    server::Folder,
    submit::{Message, submit},
};

use crate::house::{House, any};

const LINES: &str = "[policy]\ndefault = \"require\"\n\
    [delivery]\nretry = [\"6h\"]\nwatch = [\"1s\", \"2s\"]\n";

fn message(to: &'static [&'static str]) -> Message<'static> {
    Message { from: "alice@example.com", to, parameters: "", text: "Subject: one\n\nSECRET-BODY\n" }
}

#[test]
fn mail_waits_for_starttls_and_is_delivered_when_it_is_back() {
    let folder = Folder::new("mended").unwrap();
    let issued = certificate::issue(folder.path(), &certificate::Options::default()).unwrap();
    let sink = Sink::start(any(), Some((&issued.chain, &issued.key))).unwrap();
    sink.conduct().starttls.store(false, Ordering::Relaxed);
    let mut house = House::new("watch", &House::to(sink.address(), LINES));
    house.start();
    submit(house.address(), &[message(&["bob@partner.test", "carol@partner.test"])]).unwrap();
    house.until("it does not wait for TLS", || house.queue(&["--reason", "tls.not_advertised"]).len() == 1);
    let waiting = house.queue(&["--reason", "tls.not_advertised"]).remove(0);
    assert_eq!(waiting["recipients"][0]["reply"], "451 4.7.6 STARTTLS required but not advertised");
    house.until("it is not watched", || house.told(&["status"]).contains("Watched until they are mended"));

    // Not even a restart makes it forget.
    house.kill();
    house.start();
    house.until("it is not watched again", || house.told(&["status"]).contains("partner.test"));
    assert_eq!(sink.counts().0, 0);
    let clear = String::from_utf8_lossy(&sink.clear()).into_owned();
    for word in ["MAIL", "RCPT", "DATA", "SECRET-BODY", "partner.test"] {
        assert!(!clear.contains(word), "{word} went out in clear: {clear}");
    }

    sink.conduct().starttls.store(true, Ordering::Relaxed);
    house.until("it is not delivered", || sink.counts().1 == 1);
    house.until("the queue is not empty", || house.queue(&[]).is_empty());
    assert_eq!(sink.counts(), (1, 1, 2));
    // Logs are written a little later than what they tell of.
    house.until("nothing tells that it is mended", || house.events().contains("\"event\":\"mended\""));
    house.stop();
}

#[test]
fn time_runs_out_and_the_sender_is_told_why() {
    let sink = Sink::start(any(), None).unwrap();
    let notices = Sink::start(any(), None).unwrap();
    let lines = format!(
        "[[route]]\ndomain = \"example.com\"\nnext_hop = \"[{}]:{}\"\n\
         [policy]\ndefault = \"opportunistic\"\n[[policy.rule]]\ndomain = \"partner.test\"\ntls = \"require\"\n\
         [delivery]\nretry = [\"1s\"]\nexpire = \"60s\"\n",
        notices.address().ip(),
        notices.address().port()
    );
    let mut house = House::new("expiry", &House::to(sink.address(), &lines));
    house.start();
    submit(house.address(), &[message(&["bob@partner.test"])]).unwrap();
    house.until("it does not wait", || house.queue(&["--reason", "tls"]).len() == 1);
    // The clock that counts is the one on the wall: a minute has to pass.
    let began = std::time::Instant::now();
    while notices.texts().is_empty() {
        assert!(began.elapsed().as_secs() < 180, "no notice came: {}", house.output());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let notice = notices.texts().remove(0);
    for word in [
        "multipart/report",
        "Action: failed",
        "bob@partner.test",
        "Status: 5.4.7",
        "554 5.4.7 exceeded max time without delivery",
        "451 4.7.6 STARTTLS required but not advertised",
    ] {
        assert!(notice.contains(word), "{word} is missing:\n{notice}");
    }
    house.until("the queue is not empty", || house.queue(&[]).is_empty());
    assert_eq!(sink.counts().0, 0);
    let kept = house.queue(&["--all", "--domain", "partner.test"]).remove(0);
    let recipient = &kept["recipients"][0];
    assert_eq!((&recipient["state"], &recipient["reason"]), (&"expired".into(), &"expired".into()));
    assert_eq!(recipient["last_reason"], "tls.not_advertised");
    assert_eq!(recipient["last_reply"], "451 4.7.6 STARTTLS required but not advertised");
    let listed = house.told(&["queue", "list", "--all", "--domain", "partner.test"]);
    let listed = listed.split_whitespace().collect::<Vec<_>>().join(" ");
    let both =
        "554 5.4.7 exceeded max time without delivery; last: 451 4.7.6 STARTTLS required but not advertised";
    assert!(listed.contains(both), "{listed}");
    house.stop();
}
