//! What Prometheus and load balancers read.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use waxseal_peers::{
    Sink,
    submit::{Message, submit},
};

use crate::house::{House, any, free};

/// The answer to a GET: its first line, and what follows the header.
fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (header, body) = answer.split_once("\r\n\r\n").unwrap();
    (header.lines().next().unwrap().to_owned(), body.to_owned())
}

/// The value of a series, whose name and labels are given.
fn value(body: &str, series: &str) -> Option<f64> {
    let line =
        body.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn metrics_count_what_was_delivered_and_what_waits_and_health_says_200() {
    let sink = Sink::start(any(), None).unwrap();
    let metrics = free();
    let lines = format!(
        "[[policy.rule]]\ndomain = \"partner.test\"\ntls = \"require\"\n\
         [delivery]\nretry = [\"6h\"]\n[metrics]\nlisten = \"{metrics}\"\n"
    );
    let mut house = House::new("metrics", &House::to(sink.address(), &lines));
    house.start();
    house.until("metrics are not served", || TcpStream::connect(metrics).is_ok());
    assert_eq!(get(metrics, "/health").0, "HTTP/1.1 200 OK");
    assert_eq!(get(metrics, "/other").0, "HTTP/1.1 404 Not Found");
    let waiting = "waxseal_queue_recipients{state=\"waiting\"}";
    assert_eq!(value(&get(metrics, "/metrics").1, waiting), Some(0.0));

    for to in [&["bob@good.test", "carol@good.test"][..], &["dave@partner.test"]] {
        let text = "Subject: one\n\nbody\n";
        submit(house.address(), &[Message { from: "alice@example.com", to, parameters: "", text }]).unwrap();
    }
    house.until("it does not wait", || house.queue(&["--reason", "tls"]).len() == 1);
    house.until("it is not delivered", || sink.counts().2 == 2);
    house.until("it is not counted", || value(&get(metrics, "/metrics").1, waiting) == Some(1.0));
    let (first, body) = get(metrics, "/metrics");
    assert_eq!(first, "HTTP/1.1 200 OK");
    for (series, number) in [
        ("waxseal_messages_accepted_total", 2.0),
        ("waxseal_recipients_accepted_total", 3.0),
        ("waxseal_deliveries_total{protection=\"clear\",by=\"none\"}", 2.0),
        ("waxseal_attempts_total{end=\"delivered\",reason=\"none\"}", 2.0),
        ("waxseal_attempts_total{end=\"deferred\",reason=\"tls.not_advertised\"}", 1.0),
        ("waxseal_refusing", 0.0),
    ] {
        assert_eq!(value(&body, series), Some(number), "{series}: {body}");
    }
    house.stop();
}
