use std::{
    io::{self, Write},
    sync::{Condvar, Mutex, atomic::AtomicU64},
    time::Instant,
};

use serde_json::Value;
use waxseal_judge::delivery::{
    Dane, MxAnswer, Observation, PolicyFacts, Reported, Sts, StsMode, decide, requirement,
};
use waxseal_model::policy::{StsMode as Mode, StsPolicy};
use waxseal_store::spool::{Arrival, Attempt, Envelope, MessageId, Met, State};

use super::*;
use crate::event::{Severity, TlsSession};

const NOW: i64 = 1_795_811_577;

/// Bytes that tests can read.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn envelope() -> Envelope {
    Envelope {
        sender: "alice@example.com".into(),
        require_tls: true,
        tls_required_no: true,
        smtputf8: true,
        arrival: Arrival {
            client: Some([192, 0, 2, 1].into()),
            helo: "client\u{1b}[31m.example".into(),
            user: Some("alice".into()),
            protocol: "ESMTPSA".into(),
            trace: "4f1c9b".into(),
        },
        ..Envelope::default()
    }
}

fn deferred() -> Attempt {
    Attempt {
        at: NOW,
        reason: Some("tls.not_advertised".into()),
        reply: "451 4.7.6 STARTTLS required but not advertised".into(),
        ours: true,
        host: Some("mx.partner.example".into()),
        address: Some([192, 0, 2, 25].into()),
        site: "mx.partner.example".into(),
        channel: String::new(),
        policy: "require (your rule \"partner.example\")".into(),
        maybe_delivered: true,
        transcript: Vec::new(),
        met: Some(Box::new(Met {
            reason: Some("connect.timeout".into()),
            reply: "451 4.4.1 no answer".into(),
            ours: true,
        })),
    }
}

fn delivered() -> Attempt {
    Attempt {
        reply: "250 2.0.0 \"queued\" \\o/".into(),
        host: Some("mx.partner.example".into()),
        channel: "TLSv1.3 TLS_AES_256_GCM_SHA384, authenticated by DANE".into(),
        ..Attempt::default()
    }
}

/// How a session without STARTTLS fails a domain with DANE and MTA-STS.
fn failed() -> Reported {
    let sts = Sts::Policy { mode: StsMode::Enforce, lists_mx: true, refresh_failed: false };
    let facts = PolicyFacts { mx: MxAnswer::Secure, dane: Dane::Usable, sts, ..PolicyFacts::PLAIN };
    decide(&requirement(&facts), &Observation::NoStarttls).report.unwrap()
}

/// One event of each kind, with all that it can hold.
fn every_event(log: &Log) {
    let (envelope, deferred, delivered) = (envelope(), deferred(), delivered());
    let policy = StsPolicy { id: "1".into(), mode: Mode::Enforce, mx: Vec::new(), max_age: 1 };
    let id = MessageId(0x4f1c9a);
    let attempted = |state, attempt, next_at| Event::Attempted {
        id,
        sender: "alice@example.com",
        recipient: "bob@partner.example",
        state,
        next_at,
        attempt,
        age: 7_300,
    };
    let tls = |failure| TlsSession {
        domain: "partner.example",
        sender: "alice@example.com",
        sts: Some(&policy),
        tlsa: &[],
        mx: "mx.partner.example",
        helo: Some("mx"),
        from: Some([192, 0, 2, 9].into()),
        to: Some([192, 0, 2, 25].into()),
        failure,
        detail: "no STARTTLS",
        channel: "",
    };
    let records = ["3 1 1 ab".to_owned()];
    for event in [
        Event::Accepted { id, envelope: &envelope, recipients: 2, size: 4096 },
        Event::Refused {
            client: Some([192, 0, 2, 1].into()),
            stage: "RCPT",
            reply: "550 5.7.1 No relay\r\nfor you",
        },
        attempted(State::Queued, &deferred, Some(NOW + 900)),
        attempted(State::Queued, &deferred, Some(NOW + 90_000)),
        attempted(State::Delivered, &delivered, None),
        Event::Tls(tls(Some(failed()))),
        Event::Tls(TlsSession { tlsa: &records, channel: "TLSv1.3 X", ..tls(None) }),
        Event::Watching {
            site: "mx.partner.example",
            domain: "partner.example",
            reason: "tls.not_advertised",
        },
        Event::Mended {
            site: "mx.partner.example",
            domain: "partner.example",
            reason: "tls.not_advertised",
            after: 720,
            recipients: 14,
        },
        Event::Note {
            severity: Severity::Warning,
            token: "config.reloaded",
            text: "The configuration was read anew.",
        },
    ] {
        log.emit(NOW, &event);
    }
}

fn written(format: Format) -> String {
    let memory = Memory::default();
    let log = Log::to(format, Box::new(memory.clone()), 1 << 20).unwrap();
    every_event(&log);
    assert!(log.flush(Duration::from_secs(60)));
    memory.text()
}

#[test]
fn people_read_one_line_an_event() {
    let expected = "\
2026-11-27T20:32:57Z 4f1c9a accepted from=<alice@example.com> size=4096 recipients=2 client=192.0.2.1 helo=client\\x1b[31m.example user=alice by=ESMTPSA trace=4f1c9b
2026-11-27T20:32:57Z refused at RCPT client=192.0.2.1 (550 5.7.1 No relay\\x0d\\x0afor you)
2026-11-27T20:32:57Z 4f1c9a from=<alice@example.com> to=<bob@partner.example> deferred tls.not_advertised (may have been delivered) (ours: 451 4.7.6 STARTTLS required but not advertised) mx=mx.partner.example[192.0.2.25] policy=\"require (your rule \\\"partner.example\\\")\" age=2h next=20:47Z
2026-11-27T20:32:57Z 4f1c9a from=<alice@example.com> to=<bob@partner.example> deferred tls.not_advertised (may have been delivered) (ours: 451 4.7.6 STARTTLS required but not advertised) mx=mx.partner.example[192.0.2.25] policy=\"require (your rule \\\"partner.example\\\")\" age=2h next=2026-11-28T21:32Z
2026-11-27T20:32:57Z 4f1c9a from=<alice@example.com> to=<bob@partner.example> delivered (250 2.0.0 \"queued\" \\o/) mx=mx.partner.example channel=\"TLSv1.3 TLS_AES_256_GCM_SHA384, authenticated by DANE\" age=2h
2026-11-27T20:32:57Z tls domain=partner.example mx=mx.partner.example[192.0.2.25] dane=starttls-not-supported mta-sts=starttls-not-supported (no STARTTLS)
2026-11-27T20:32:57Z watching site=mx.partner.example domain=partner.example for tls.not_advertised
2026-11-27T20:32:57Z mended site=mx.partner.example domain=partner.example: good again after 12m of tls.not_advertised, 14 recipients released
2026-11-27T20:32:57Z warning config.reloaded: The configuration was read anew.
";
    assert_eq!(written(Format::Human), expected);
}

#[test]
fn programs_read_one_object_a_line_whose_fields_are_documented() {
    let manual = include_str!("../../../../docs/relay-log.md");
    let mut kinds = std::collections::BTreeSet::new();
    for line in written(Format::Json).lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let object = object.as_object().unwrap();
        assert_eq!(object["time"], "2026-11-27T20:32:57Z");
        let kind = object["event"].as_str().unwrap().to_owned();
        let heading = format!("\n## `{kind}`\n");
        let section = manual.split(&heading).nth(1).unwrap_or_else(|| panic!("{kind} is not in the manual"));
        let section = section.split("\n## ").next().unwrap();
        for field in object.keys().filter(|field| !["time", "event"].contains(&field.as_str())) {
            assert!(section.contains(&format!("| `{field}` |")), "{kind}.{field} is not in the manual");
        }
        // What is in the manual is written, too.
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        kinds.extend(rows.filter(|field| object.contains_key(*field)).map(|field| format!("{kind}.{field}")));
    }
    for section in manual.split("\n## `").skip(1) {
        let (kind, rest) = section.split_once('`').unwrap();
        for field in rest.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()) {
            assert!(kinds.contains(&format!("{kind}.{field}")), "{kind}.{field} was never written");
        }
    }
}

/// A pipe that takes nothing until it is told to, and counts.
#[derive(Clone, Default)]
struct Stuck {
    open: Arc<(Mutex<bool>, Condvar)>,
    memory: Memory,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (open, changed) = &*self.open;
        let _open = changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap();
        self.memory.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_slow_pipe_holds_nobody_up_and_what_is_lost_is_counted() {
    let stuck = Stuck::default();
    let log = Log::to(Format::Json, Box::new(stuck.clone()), 20_000).unwrap();
    let note = Event::Note { severity: Severity::Info, token: "x.y", text: "hello" };
    let sent = 10_000;
    for _ in 0..sent {
        log.emit(NOW, &note);
    }
    let dropped = log.dropped();
    assert!(dropped > 0 && dropped < sent, "{dropped}");
    assert!(!log.flush(Duration::from_millis(50)));
    *stuck.open.0.lock().unwrap() = true;
    stuck.open.1.notify_all();
    assert!(log.flush(Duration::from_secs(60)));
    // The next line that gets through says how many are missing.
    log.emit(NOW, &note);
    assert!(log.flush(Duration::from_secs(60)));
    let text = stuck.memory.text();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: u64 = lines
        .iter()
        .filter(|line| line["token"] == "log.dropped")
        .map(|line| line["text"].as_str().unwrap().split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    let through = lines.iter().filter(|line| line["token"] == "x.y").count() as u64;
    assert_eq!((told, through + told), (dropped, sent + 1));
}

/// A disk that is full for a while, in the midst of a line.
#[derive(Clone, Default)]
struct Full {
    room: Arc<AtomicU64>,
    memory: Memory,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use std::sync::atomic::Ordering::Relaxed;
        let room = self.room.load(Relaxed).min(bytes.len() as u64);
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room.fetch_sub(room, Relaxed);
        self.memory.write(&bytes[..usize::try_from(room).unwrap()])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_loses_lines_and_says_so_once_there_is_room() {
    let full = Full::default();
    full.room.store(40, std::sync::atomic::Ordering::Relaxed);
    let log = Log::to(Format::Human, Box::new(full.clone()), 1 << 20).unwrap();
    let note = Event::Note { severity: Severity::Info, token: "x.y", text: "hello" };
    log.emit(NOW, &note);
    log.emit(NOW, &note);
    assert!(log.flush(Duration::from_secs(60)));
    assert_eq!(log.dropped(), 1);
    full.room.store(1 << 20, std::sync::atomic::Ordering::Relaxed);
    log.emit(NOW, &note);
    assert!(log.flush(Duration::from_secs(60)));
    let text = full.memory.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!((lines[0], lines[1]), ("2026-11-27T20:32:57Z info x.y: hello", "202"));
    assert!(lines[2].contains("log.dropped: 1 line dropped"), "{text}");
    assert_eq!(lines[3], lines[0]);
}

#[test]
fn a_file_that_was_moved_away_is_made_anew() {
    let folder = std::env::temp_dir().join(format!("waxseal-log-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (path, old) = (folder.join("relay.log"), folder.join("relay.log.1"));
    let log = Log::open(Format::Human, Target::File(path.clone())).unwrap();
    let note = |text| log.emit(NOW, &Event::Note { severity: Severity::Info, token: "x.y", text });
    note("one");
    assert!(log.flush(Duration::from_secs(60)));
    std::fs::rename(&path, &old).unwrap();
    note("two");
    assert!(log.flush(Duration::from_secs(60)));
    log.reopen();
    note("three");
    let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let until = Instant::now() + Duration::from_secs(60);
    while !read(&path).contains("three") && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(read(&old).contains("one") && read(&old).contains("two"));
    assert!(read(&path).contains("three") && !read(&path).contains("two"), "{}", read(&path));
    drop(log);
    std::fs::remove_dir_all(&folder).unwrap();
    let error = Log::open(Format::Human, Target::File(folder.join("none/relay.log"))).unwrap_err();
    assert!(error.to_string().contains("none/relay.log cannot be opened"), "{error}");
}

/// Not a test of speed (none depends on it), but where the figure comes from:
/// `cargo test -p waxseal-relay --release --lib -- --ignored --nocapture the_price`.
#[test]
#[ignore = "prints a figure"]
fn the_price_of_an_event() {
    let (envelope, attempt) = (envelope(), deferred());
    for format in [Format::Json, Format::Human] {
        let log = Log::to(format, Box::new(io::sink()), 64 << 20).unwrap();
        let accepted = Event::Accepted { id: MessageId(1), envelope: &envelope, recipients: 1, size: 4096 };
        let attempted = Event::Attempted {
            id: MessageId(1),
            sender: "alice@example.com",
            recipient: "bob@partner.example",
            state: State::Queued,
            next_at: Some(NOW + 900),
            attempt: &attempt,
            age: 3,
        };
        let rounds = 200_000;
        let started = Instant::now();
        for _ in 0..rounds {
            log.emit(NOW, &accepted);
            log.emit(NOW, &attempted);
        }
        let each = started.elapsed() / (2 * rounds);
        println!("{format:?}: {each:?} an event, {} dropped", log.dropped());
    }
}
