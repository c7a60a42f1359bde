use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use mail_parser::{MessageParser, MimeHeaders};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
    time::Instant,
};
use waxseal_explain::{Given, read};
use waxseal_judge::delivery::{
    Certificate, Dane, MxAnswer, Observation, PolicyFacts, Reported, Sts, StsMode, TlsSeen, Tlsa, decide,
    requirement,
};
use waxseal_model::{
    Cause, Why,
    policy::{StsMode as Mode, StsPolicy},
};
use waxseal_net::{
    egress::{Egress, EgressRules},
    tls::server::{ServerTls, ServerTlsFiles},
};
use waxseal_store::{
    ledger::{Ledger, LedgerSettings},
    spool::{MessageId, NewMessage, SpoolError},
};
use waxseal_wire::{dkim::DkimSigner, x509::RootStore};

use super::*;
use crate::{
    delivery::clock::WallClock,
    event::{Event, Events, TlsSession},
    intake::Intake,
};

/// 2026-11-27, noon UTC.
const NOON: i64 = 1_795_780_800;

/// A folder of its own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("waxseal-report-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.0.join("ledger.db"), LedgerSettings::default()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sts(mode: Mode) -> StsPolicy {
    StsPolicy {
        id: "1".into(),
        mode,
        mx: vec!["*.partner.example".into(), "mx.other.example".into()],
        max_age: 86_400,
    }
}

/// How an observation fails a domain with DANE and MTA-STS in force.
fn failure(observation: Observation) -> Option<Reported> {
    let sts = Sts::Policy { mode: StsMode::Enforce, lists_mx: true, refresh_failed: false };
    let facts = PolicyFacts { mx: MxAnswer::Secure, dane: Dane::Usable, sts, ..PolicyFacts::PLAIN };
    decide(&requirement(&facts), &observation).report
}

fn session<'a>(tlsa: &'a [String], sts: Option<&'a StsPolicy>, failure: Option<Reported>) -> TlsSession<'a> {
    TlsSession {
        domain: "partner.example",
        sender: "alice@example.com",
        sts,
        tlsa,
        mx: "mx.partner.example",
        helo: Some("mx"),
        from: Some([192, 0, 2, 1].into()),
        to: Some([192, 0, 2, 25].into()),
        failure,
        detail: if failure.is_some() { "no STARTTLS" } else { "" },
        channel: "",
    }
}

/// A day's worth of sessions of every kind.
fn day_of_sessions(counter: &Counter) {
    let (tlsa, enforce, off) = (["3 1 1 ab".to_owned()], sts(Mode::Enforce), sts(Mode::None));
    let none = failure(Observation::NoStarttls);
    let certificate = Certificate { for_mx: false, ..Certificate::VALID };
    let seen = TlsSeen { certificate, tlsa: Tlsa::Ee, fingerprint: false, requiretls: false };
    let name = failure(Observation::Tls(seen));
    let tell = |session| counter.emit(NOON, &Event::Tls(session));
    (0..3).for_each(|_| tell(session(&tlsa, Some(&enforce), None)));
    (0..2).for_each(|_| tell(session(&tlsa, Some(&enforce), none)));
    tell(session(&tlsa, Some(&enforce), name));
    tell(TlsSession { domain: "plain.example", ..session(&[], Some(&off), None) });
    // The sessions of our own reports.
    tell(TlsSession { sender: "TLSRPT@relay.example.com", ..session(&tlsa, Some(&enforce), none) });
}

fn settings() -> ReportSettings {
    ReportSettings::new(
        "relay.example.com",
        "Example Inc.",
        "postmaster@example.com",
        "tlsrpt@relay.example.com",
    )
}

/// The names of RFC 8460 section 4.4, each with its kind; nothing else.
fn schema() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let moment =
        json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"});
    let count = json!({"type": "integer", "minimum": 0});
    let address = json!({"type": "string", "pattern": "^[0-9a-f.:]+$"});
    let failure = json!({
        "type": "object", "additionalProperties": false, "required": ["result-type", "failed-session-count"],
        "properties": {
            "result-type": {"enum": [
                "starttls-not-supported", "certificate-host-mismatch", "certificate-expired",
                "certificate-not-trusted", "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required",
                "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid",
            ]},
            "sending-mta-ip": address, "receiving-mx-hostname": text, "receiving-mx-helo": text,
            "receiving-ip": address, "failed-session-count": count, "additional-information": text,
            "failure-reason-code": text,
        },
    });
    let policy = json!({
        "type": "object", "additionalProperties": false, "required": ["policy", "summary"],
        "properties": {
            "policy": {
                "type": "object", "additionalProperties": false, "required": ["policy-type", "policy-domain"],
                "properties": {
                    "policy-type": {"enum": ["tlsa", "sts", "no-policy-found"]},
                    "policy-string": {"type": "array", "items": text},
                    "policy-domain": text,
                    "mx-host": {"type": "array", "items": text},
                },
            },
            "summary": {
                "type": "object", "additionalProperties": false,
                "required": ["total-successful-session-count", "total-failure-session-count"],
                "properties": {"total-successful-session-count": count, "total-failure-session-count": count},
            },
            "failure-details": {"type": "array", "items": failure},
        },
    });
    json!({
        "type": "object", "additionalProperties": false,
        "required": ["organization-name", "date-range", "contact-info", "report-id", "policies"],
        "properties": {
            "organization-name": text, "contact-info": text, "report-id": text,
            "date-range": {
                "type": "object", "additionalProperties": false, "required": ["start-datetime", "end-datetime"],
                "properties": {"start-datetime": moment, "end-datetime": moment},
            },
            "policies": {"type": "array", "minItems": 1, "items": policy},
        },
    })
}

#[tokio::test]
async fn sessions_become_a_report_by_both_policies() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    day_of_sessions(&Counter::new(ledger.clone(), "tlsrpt@relay.example.com"));
    let day = NOON.div_euclid(DAY);
    assert_eq!(ledger.days().await.unwrap(), [day]);
    let reports = gather::reports(&settings(), day, &ledger.take(day).await.unwrap());
    let domains: Vec<&str> = reports.iter().map(|(domain, _)| domain.as_str()).collect();
    assert_eq!(domains, ["partner.example", "plain.example"]);
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (_, report) in &reports {
        let json = waxseal_wire::tlsrpt::report::to_json(report);
        let value: Value = serde_json::from_str(&json).unwrap();
        let wrong: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{wrong:?}\n{json}");
        // Our own reader of reports understands it as it was meant.
        assert_eq!(&read(json.as_bytes(), &Given::default()).tls_reports, std::slice::from_ref(report));
    }
    let partner = &reports[0].1;
    assert_eq!(partner.report_id.as_deref(), Some("2026-11-27.partner.example@relay.example.com"));
    assert_eq!((partner.start, partner.end), (Some(1_795_737_600), Some(1_795_823_999)));
    let [sts, tlsa] = partner.policies.as_slice() else { panic!("{partner:?}") };
    assert_eq!((sts.kind.as_str(), sts.successful, sts.failed), ("sts", 3, 3));
    assert_eq!(
        sts.lines,
        [
            "version: STSv1",
            "mode: enforce",
            "mx: *.partner.example",
            "mx: mx.other.example",
            "max_age: 86400"
        ]
    );
    assert_eq!(sts.mx_hosts, ["*.partner.example", "mx.other.example"]);
    assert_eq!((tlsa.kind.as_str(), tlsa.successful, tlsa.failed), ("tlsa", 4, 2));
    assert_eq!(
        (tlsa.lines.as_slice(), tlsa.mx_hosts.as_slice()),
        (&["3 1 1 ab".to_owned()][..], &["mx.partner.example".to_owned()][..])
    );
    let failures: Vec<(&str, u64)> = sts.failures.iter().map(|f| (f.result.as_str(), f.sessions)).collect();
    assert_eq!(failures, [("certificate-host-mismatch", 1), ("starttls-not-supported", 2)]);
    let failed = &tlsa.failures[0];
    assert_eq!((failed.result.as_str(), failed.sessions), ("starttls-not-supported", 2));
    assert_eq!(failed.receiving_host.as_deref(), Some("mx.partner.example"));
    assert_eq!(failed.receiving_address, Some(IpAddr::from([192, 0, 2, 25])));
    assert_eq!(
        (failed.sending_address, failed.reason.as_deref()),
        (Some([192, 0, 2, 1].into()), Some("no STARTTLS"))
    );
    let plain = &reports[1].1.policies;
    assert_eq!((plain.len(), plain[0].kind.as_str(), plain[0].successful), (1, "no-policy-found", 1));
}

/// Names that a test knows.
#[derive(Default)]
struct Names {
    texts: BTreeMap<String, Result<Vec<String>, String>>,
    addresses: Vec<IpAddr>,
}

impl Lookup for Names {
    fn texts<'a>(&'a self, name: &'a str) -> LookupFuture<'a, String> {
        Box::pin(async move { self.texts.get(name).cloned().unwrap_or_else(|| Ok(Vec::new())) })
    }

    fn addresses<'a>(&'a self, _: &'a str) -> LookupFuture<'a, IpAddr> {
        Box::pin(async move { Ok(self.addresses.clone()) })
    }
}

fn names(rua: &str) -> Names {
    let record = vec![format!("v=TLSRPTv1; rua={rua}")];
    let texts = BTreeMap::from([("_smtp._tls.partner.example".to_owned(), Ok(record))]);
    Names { texts, addresses: vec!["127.0.0.1".parse().unwrap()] }
}

/// Takes messages and notes, and keeps them.
#[derive(Default)]
struct Kept {
    messages: Mutex<Vec<NewMessage>>,
    notes: Mutex<Vec<String>>,
}

impl Intake for Kept {
    fn take(
        &self,
        message: NewMessage,
    ) -> Pin<Box<dyn Future<Output = Result<MessageId, SpoolError>> + Send + '_>> {
        self.messages.lock().unwrap().push(message);
        Box::pin(async { Ok(MessageId(1)) })
    }

    fn refusal(&self) -> Option<SpoolError> {
        None
    }
}

impl Events for Kept {
    fn emit(&self, _: i64, event: &Event<'_>) {
        if let Event::Note { token, text, .. } = event {
            self.notes.lock().unwrap().push(format!("{token}: {text}"));
        }
    }
}

/// A reporter with what surrounds it.
struct Set {
    kept: Arc<Kept>,
    clock: Arc<AtomicI64>,
    reporter: Reporter,
}

impl Set {
    fn new(ledger: &Ledger, names: Names, settings: ReportSettings) -> Self {
        Self::with(
            ledger,
            names,
            settings,
            Egress::new(EgressRules::default()),
            Err(Why::new(Cause::Internal, "no roots")),
        )
    }

    fn with(
        ledger: &Ledger,
        names: Names,
        settings: ReportSettings,
        egress: Egress,
        roots: Result<RootStore, Why>,
    ) -> Self {
        let kept: Arc<Kept> = Arc::default();
        let clock = Arc::new(AtomicI64::new(NOON + DAY));
        let read = Arc::clone(&clock);
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
        let means = ReportMeans {
            ledger: ledger.clone(),
            lookup: Arc::new(names),
            intake: Arc::clone(&kept) as Arc<dyn Intake>,
            egress,
            roots: Arc::new(roots),
            signer: Some(Arc::new(
                DkimSigner::from_pem("relay.example.com", "tlsrpt", key.as_bytes()).unwrap(),
            )),
            events: Arc::clone(&kept) as Arc<dyn Events>,
            clock: WallClock::new(move || read.load(Ordering::Relaxed)),
        };
        Self { kept, clock, reporter: Reporter::new(settings, means) }
    }

    async fn send(&self) -> usize {
        let mut posts = JoinSet::new();
        let left = self.reporter.send_past_days(&mut posts).await;
        posts.join_all().await;
        left
    }

    fn messages(&self) -> usize {
        self.kept.messages.lock().unwrap().len()
    }
}

/// What a receiver demands of a report by mail.
fn looks_right(bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let unfolded = text.replace("\r\n ", " ");
    assert!(
        unfolded
            .starts_with("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=relay.example.com;"),
        "{text}"
    );
    assert!(unfolded.contains("tls-report-domain: tls-report-submitter: tls-required;"), "{text}");
    assert!(!unfolded.contains("; l="), "{text}");
    let people = unfolded.replace("\r\n", " ");
    assert!(
        people.contains(
            "Sessions by your MTA-STS policy: 3 met it, 3 did not; by the TLSA records of mx.partner.example: 4 met \
             them, 2 did not."
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "TLS-Report-Domain: partner.example\r\nTLS-Report-Submitter: example.com\r\nTLS-Required: No\r\n"
        ),
        "{text}"
    );
    let parsed = MessageParser::default().parse(bytes).unwrap();
    assert_eq!(
        parsed.subject(),
        Some(
            "Report Domain: partner.example Submitter: example.com Report-ID: <2026-11-27.partner.example@relay.example.com>"
        )
    );
    assert_eq!(
        parsed.parts[2].attachment_name(),
        Some("example.com!partner.example!1795737600!1795823999!001.json.gz")
    );
    // Read as a receiver reads it, gzip and all.
    let reading = read(bytes, &Given::default());
    assert_eq!(reading.tls_reports.len(), 1, "{:?}", reading.notes);
    assert_eq!((reading.tls_reports[0].successful(), reading.tls_reports[0].failed()), (7, 5));
}

#[tokio::test]
async fn a_report_goes_out_by_mail_once() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    day_of_sessions(&Counter::new(ledger.clone(), "tlsrpt@relay.example.com"));
    let set = Set::new(
        &ledger,
        names("mailto:reports%2Btls@bücher.example,mailto:r@b.example".replace('ü', "%C3%BC").as_str()),
        settings(),
    );
    // The day is not over.
    set.clock.store(NOON, Ordering::Relaxed);
    assert_eq!((set.send().await, set.messages()), (0, 0));
    set.clock.store(NOON + DAY, Ordering::Relaxed);
    assert_eq!((set.send().await, set.messages()), (0, 1), "{:?}", set.kept.notes.lock().unwrap());
    assert_eq!((set.send().await, set.messages()), (0, 1));
    let message = set.kept.messages.lock().unwrap()[0].clone();
    assert_eq!(message.envelope.sender, "tlsrpt@relay.example.com");
    assert!(message.envelope.tls_required_no && !message.envelope.require_tls);
    assert_eq!(
        (message.recipients[0].address.as_str(), message.recipients[0].domain.as_str()),
        ("r@b.example", "b.example")
    );
    assert_eq!(message.expires_at - message.received_at, 2 * DAY);
    looks_right(&message.body.concat());
    // What was sent is sent after a restart, too.
    drop(set);
    ledger.close().await.unwrap();
    drop(ledger);
    let ledger = folder.ledger();
    let set = Set::new(&ledger, names("mailto:r@b.example"), settings());
    assert_eq!((set.send().await, set.messages()), (0, 0));
}

#[tokio::test]
async fn who_wants_no_report_gets_none_and_who_cannot_be_asked_is_asked_again() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    day_of_sessions(&Counter::new(ledger.clone(), "tlsrpt@relay.example.com"));
    let failing = BTreeMap::from([("_smtp._tls.partner.example".to_owned(), Err("timeout".to_owned()))]);
    let set = Set::new(&ledger, Names { texts: failing, addresses: Vec::new() }, settings());
    assert_eq!(set.send().await, 1);
    assert!(
        set.kept.notes.lock().unwrap()[0]
            .starts_with("tlsrpt.waits: the TLS report to partner.example has to wait")
    );
    // plain.example has no record: its tallies are gone, the other's are there.
    let day = NOON.div_euclid(DAY);
    let left = ledger.take(day).await.unwrap();
    assert!(!left.is_empty() && left.iter().all(|tally| tally.domain == "partner.example"));
    set.clock.store(NOON + 5 * DAY, Ordering::Relaxed);
    assert_eq!(set.send().await, 0);
    assert_eq!(ledger.days().await.unwrap(), Vec::<i64>::new(), "too old to be of interest");
    assert_eq!(set.messages(), 0);
}

/// An HTTPS server that gives its answers in turn, and keeps what was posted.
struct Web {
    egress: Egress,
    roots: RootStore,
    posted: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Web {
    async fn new(folder: &Folder, answers: Vec<&'static str>) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["reports.partner.example".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let (chain, secret) = (folder.0.join("chain.pem"), folder.0.join("key.pem"));
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&secret, key.serialize_pem()).unwrap();
        let tls =
            ServerTls::load(ServerTlsFiles { certificate: chain, key: secret, client_ca: None }).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let posted: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = Arc::clone(&posted);
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = listener.accept().await.unwrap();
                let deadline = Instant::now() + Duration::from_secs(60);
                let Ok(mut accepted) = tls.accept(stream, deadline).await else { continue };
                let mut request = Vec::new();
                let mut chunk = [0; 4096];
                while !is_whole(&request) {
                    match accepted.stream.read(&mut chunk).await {
                        Ok(n @ 1..) => request.extend_from_slice(&chunk[..n]),
                        _ => break,
                    }
                }
                kept.lock().unwrap().push(request);
                let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
                let _ = accepted.stream.write_all(answer.as_bytes()).await;
                let _ = accepted.stream.shutdown().await;
            }
        });
        let rules = EgressRules { port_map: BTreeMap::from([(443, port)]), ..EgressRules::default() };
        let roots = RootStore::from_ders("test", vec![certificate.der().to_vec()]);
        Self { egress: Egress::new(rules), roots, posted }
    }
}

/// True if a request has come with all that its head announces.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some(head) = request.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let length =
        text.split("content-length: ").nth(1).and_then(|l| l.split("\r\n").next()?.parse::<usize>().ok());
    request.len() >= head + 4 + length.unwrap_or(0)
}

#[tokio::test]
async fn a_report_is_posted_again_where_it_was_not_taken() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    day_of_sessions(&Counter::new(ledger.clone(), "tlsrpt@relay.example.com"));
    let web = Web::new(&folder, vec!["503 Busy", "201 Created"]).await;
    let retries = ReportSettings { retries: vec![Duration::from_millis(1); 3], ..settings() };
    let names = names("https://reports.partner.example/tlsrpt");
    let set = Set::with(&ledger, names, retries, web.egress, Ok(web.roots));
    assert_eq!(set.send().await, 0);
    let posted = web.posted.lock().unwrap().clone();
    assert_eq!(posted.len(), 2, "{:?}", set.kept.notes.lock().unwrap());
    let head = String::from_utf8_lossy(&posted[1]).to_lowercase();
    assert!(head.starts_with("post /tlsrpt http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/tlsrpt+gzip\r\n"), "{head}");
    let body = posted[1].windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let reading = read(&posted[1][body..], &Given::default());
    assert_eq!(reading.tls_reports.len(), 1, "{:?}", reading.notes);
    assert_eq!(*set.kept.notes.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_report_that_nobody_takes_is_given_up_and_told_of() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    day_of_sessions(&Counter::new(ledger.clone(), "tlsrpt@relay.example.com"));
    let web = Web::new(&folder, vec!["404 Not Found"; 2]).await;
    let retries = ReportSettings { retries: vec![Duration::from_millis(1)], ..settings() };
    let set =
        Set::with(&ledger, names("https://reports.partner.example/"), retries, web.egress, Ok(web.roots));
    assert_eq!(set.send().await, 0);
    assert_eq!(web.posted.lock().unwrap().len(), 2);
    let notes = set.kept.notes.lock().unwrap().clone();
    assert_eq!(
        notes,
        [
            "tlsrpt.failed: the TLS report to partner.example could not be sent: https://reports.partner.example: the answer was 404"
        ]
    );
    // Nobody to trust: nothing is sent to whomever.
    let folder = Folder::new();
    let ledger = folder.ledger();
    day_of_sessions(&Counter::new(ledger.clone(), "tlsrpt@relay.example.com"));
    let web = Web::new(&folder, vec!["200 OK"]).await;
    let none = ReportSettings { retries: Vec::new(), ..settings() };
    let nobody = Err(Why::new(Cause::Internal, "no roots"));
    let set = Set::with(&ledger, names("https://reports.partner.example/"), none, web.egress, nobody);
    set.send().await;
    assert!(web.posted.lock().unwrap().iter().all(Vec::is_empty));
    assert!(
        set.kept.notes.lock().unwrap()[0].contains("could not be verified"),
        "{:?}",
        set.kept.notes.lock().unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn reports_go_out_after_midnight_and_not_all_at_once() {
    let folder = Folder::new();
    let ledger = folder.ledger();
    day_of_sessions(&Counter::new(ledger.clone(), "tlsrpt@relay.example.com"));
    let set = Set::new(&ledger, names("mailto:r@b.example"), settings());
    let (clock, begin) = (Arc::clone(&set.clock), Instant::now());
    // A quarter of an hour before midnight.
    let start = (NOON.div_euclid(DAY) + 1) * DAY - 900;
    clock.store(start, Ordering::Relaxed);
    let run = tokio::spawn(set.reporter.clone().run());
    let mut sent_at = None;
    for _ in 0..4 * 60 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        clock.store(start + i64::try_from(begin.elapsed().as_secs()).unwrap(), Ordering::Relaxed);
        // The ledger has a thread of its own.
        std::thread::sleep(Duration::from_millis(2));
        tokio::task::yield_now().await;
        if sent_at.is_none() && set.messages() > 0 {
            sent_at = Some(clock.load(Ordering::Relaxed) - (start + 900));
        }
    }
    run.abort();
    let sent_at = sent_at.expect("a report was sent");
    assert!((60..3 * 3600).contains(&sent_at), "{sent_at} seconds after midnight");
    assert_eq!(set.messages(), 1);
}

#[test]
fn the_submitter_is_the_domain_of_the_contact() {
    assert_eq!(settings().submitter(), "example.com");
    let phone = ReportSettings { contact: "+49 30 123".into(), ..settings() };
    assert_eq!(phone.submitter(), "relay.example.com");
}
