use std::sync::atomic::{AtomicBool, Ordering};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use waxseal_store::spool::{Envelope, MessageId};

use super::*;

fn gauges() -> Gauges {
    Arc::new(|| {
        let gauge = |state, value| Gauge {
            name: "queue_recipients",
            help: "Recipients in the queue",
            label: Some(("state", state)),
            value,
        };
        let refuses =
            Gauge { name: "spool_refuses", help: "The queue takes nothing", label: None, value: 0.0 };
        vec![gauge("queued", 3.0), gauge("held", 1.0), refuses]
    })
}

fn attempt<'a>(state: State, attempt: &'a Attempt) -> Event<'a> {
    Event::Attempted {
        id: MessageId(1),
        sender: "alice@secret.example",
        recipient: "bob@secret.example",
        state,
        next_at: None,
        attempt,
        age: 20,
    }
}

/// The value of a series.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(name, _)| name == series));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

/// What the events of the test below come to.
const SERIES: &[(&str, f64)] = &[
    ("waxseal_messages_accepted_total", 1.0),
    ("waxseal_recipients_accepted_total", 3.0),
    ("waxseal_bytes_accepted_total", 4096.0),
    ("waxseal_refused_total{stage=\"RCPT\"}", 1.0),
    ("waxseal_attempts_total{end=\"deferred\",reason=\"tls.not_advertised\"}", 1.0),
    ("waxseal_attempts_total{end=\"unknown\",reason=\"unknown.after_dot\"}", 1.0),
    ("waxseal_attempts_total{end=\"failed\",reason=\"other\"}", 1.0),
    ("waxseal_attempts_total{end=\"delivered\",reason=\"none\"}", 4.0),
    ("waxseal_deliveries_total{protection=\"clear\",by=\"none\"}", 1.0),
    ("waxseal_deliveries_total{protection=\"encrypted\",by=\"none\"}", 1.0),
    ("waxseal_deliveries_total{protection=\"authenticated\",by=\"dane\"}", 1.0),
    ("waxseal_deliveries_total{protection=\"authenticated\",by=\"other\"}", 1.0),
    ("waxseal_delivery_age_seconds_bucket{le=\"15.0\"}", 0.0),
    ("waxseal_delivery_age_seconds_bucket{le=\"60.0\"}", 4.0),
    ("waxseal_sites_watched_total{reason=\"tls.refused\"}", 1.0),
    ("waxseal_sites_mended_total{reason=\"tls.refused\"}", 1.0),
    ("waxseal_notes_total{severity=\"error\"}", 1.0),
    ("waxseal_queue_recipients{state=\"queued\"}", 3.0),
    ("waxseal_queue_recipients{state=\"held\"}", 1.0),
    ("waxseal_spool_refuses", 0.0),
];

#[test]
fn events_are_counted_under_words_of_ours() {
    let metrics = Metrics::new(gauges());
    let envelope = Envelope::default();
    metrics.emit(0, &Event::Accepted { id: MessageId(1), envelope: &envelope, recipients: 3, size: 4096 });
    metrics.emit(
        0,
        &Event::Refused { client: None, stage: "RCPT", reply: "550 5.7.1 no relay for evil.example" },
    );
    let told = |reason: Option<&str>, channel: &str| Attempt {
        reason: reason.map(Into::into),
        channel: channel.into(),
        host: Some("mx.secret.example".into()),
        ..Attempt::default()
    };
    let waits = told(Some("tls.not_advertised"), "");
    metrics.emit(0, &attempt(State::Queued, &waits));
    metrics.emit(
        0,
        &attempt(State::Queued, &Attempt { maybe_delivered: true, ..told(Some("unknown.after_dot"), "") }),
    );
    metrics.emit(0, &attempt(State::Failed, &told(Some("something new"), "")));
    for channel in
        ["clear", "TLSv1.3 X", "TLSv1.3 X, authenticated by DANE", "TLSv1.3 X, authenticated by magic"]
    {
        metrics.emit(0, &attempt(State::Delivered, &told(None, channel)));
    }
    metrics.emit(0, &Event::Watching { site: "s.example", domain: "d.example", reason: "tls.refused" });
    metrics.emit(
        0,
        &Event::Mended {
            site: "s.example",
            domain: "d.example",
            reason: "tls.refused",
            after: 90,
            recipients: 2,
        },
    );
    metrics.emit(0, &Event::Note { severity: Severity::Error, token: "spool.poisoned", text: "" });
    let text = metrics.text();
    for (series, expected) in SERIES {
        assert_eq!(value(&text, series), *expected, "{series}");
    }
    assert!(!text.contains("example"), "{text}");
    assert!(text.ends_with("# EOF\n"));
    if cfg!(target_os = "linux") {
        assert!(value(&text, "process_resident_memory_bytes") > 1e6);
        assert!(value(&text, "process_cpu_seconds_total") >= 0.0);
    }
}

#[test]
fn channels_of_conversations_have_labels() {
    // The words of a conversation and of this list are to stay the same ones.
    let words = include_str!("../delivery/conversation/mod.rs");
    for by in ["DANE", "MTA-STS", "a name of your rule", "its certificate", "a key of your rule"] {
        assert!(words.contains(&format!("\"{by}\"")), "{by} is no word of conversations");
        let (protection, label) = protection(&format!("TLSv1.3 X, authenticated by {by}"));
        assert_eq!(protection, "authenticated");
        assert_ne!(label, OTHER, "{by}");
    }
}

async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn metrics_and_health_are_served() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ill = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&ill);
    let health: Health = Arc::new(move || {
        if state.load(Ordering::Relaxed) { Err("the queue takes nothing".to_owned()) } else { Ok(()) }
    });
    let server = tokio::spawn(serve(listener, Arc::new(Metrics::new(gauges())), health));
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = ask(address, &get("/metrics")).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("application/openmetrics-text"),
        "{answer}"
    );
    assert!(answer.contains("waxseal_queue_recipients{state=\"queued\"} 3.0\n"), "{answer}");
    assert!(ask(address, &get("/health")).await.ends_with("\r\n\r\nok\n"));
    ill.store(true, Ordering::Relaxed);
    let answer = ask(address, &get("/health")).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("the queue takes nothing\n"), "{answer}");
    assert!(ask(address, &get("/")).await.starts_with("HTTP/1.1 404 "));
    let post = "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert!(ask(address, post).await.starts_with("HTTP/1.1 405 "));
    assert!(ask(address, "junk\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    server.abort();
}
