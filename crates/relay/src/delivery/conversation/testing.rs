//! A scripted SMTP server that keeps every byte it gets, and what deliveries to it need.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, rustls};
use waxseal_judge::delivery::{MxAnswer, Operator, OperatorLevel, Reported, ResultType};
use waxseal_net::egress::{Egress, EgressRules};
use waxseal_store::spool::{Envelope, MessageId};
use waxseal_wire::x509::RootStore;

use super::{DeliverySettings, Patience};
use crate::{
    delivery::{
        attempt::Deliverer,
        job::{Job, JobRecipient},
    },
    event::{Event, Events},
    policy,
    route::{Hop, Route},
};

/// The name of the host that the server plays.
pub(in crate::delivery) const MX: &str = "mx.partner.example";

/// What a server does when a line begins with some words; `connect`, `handshake` and `.` are
/// such words too, and `in TLS ` may stand before others.
#[derive(Debug, Clone)]
pub(in crate::delivery) enum Act {
    /// Says this, line end included or not.
    Say(&'static str),
    /// Says this and closes.
    SayAndClose(&'static str),
    /// Closes.
    Close,
    /// Resets the connection.
    Reset,
    /// Says nothing any more.
    Hang,
    /// A reply without end.
    Endless,
    /// Takes so many bytes of what follows, says this and closes.
    CutOff(usize, &'static str),
}

/// What a server does over one connection.
#[derive(Debug, Clone, Default)]
pub(in crate::delivery) struct Script {
    /// The first whose words a line begins with is done.
    rules: Vec<(&'static str, Act)>,
    offers: Vec<&'static str>,
    offers_in_tls: Option<Vec<&'static str>>,
    one_recipient_each: bool,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Script {
    /// Takes everything, with PIPELINING and the usual extensions; in clear.
    pub(in crate::delivery) fn clear() -> Self {
        Self { offers: vec!["PIPELINING", "SIZE 10000", "8BITMIME", "SMTPUTF8", "DSN"], ..Self::default() }
    }

    /// The same with STARTTLS.
    pub(in crate::delivery) fn tls(certificate: &Certificate) -> Self {
        let mut script = Self { tls: Some(certificate.config()), ..Self::clear() };
        script.offers.push("STARTTLS");
        script
    }

    pub(in crate::delivery) fn when(mut self, words: &'static str, act: Act) -> Self {
        self.rules.push((words, act));
        self
    }

    pub(in crate::delivery) fn offering(mut self, offers: &[&'static str]) -> Self {
        self.offers = offers.to_vec();
        self
    }

    pub(in crate::delivery) fn offering_in_tls(mut self, offers: &[&'static str]) -> Self {
        self.offers_in_tls = Some(offers.to_vec());
        self
    }

    /// Has room for one recipient in a transaction.
    pub(in crate::delivery) fn one_recipient_each(mut self) -> Self {
        self.one_recipient_each = true;
        self
    }

    fn act(&self, line: &str, in_tls: bool) -> Act {
        let within = format!("in TLS {line}");
        let found = self
            .rules
            .iter()
            .find(|(words, _)| line.starts_with(words) || (in_tls && within.starts_with(words)));
        match (found, line) {
            (Some((_, act)), _) => act.clone(),
            (_, "connect") => Act::Say("220 mx ESMTP"),
            (_, "handshake") => Act::Say(""),
            (_, "DATA") => Act::Say("354 go on"),
            (_, ".") => Act::Say("250 2.0.0 kept"),
            (_, "QUIT") => Act::SayAndClose("221 bye"),
            (_, line) if line.starts_with("EHLO") => {
                let offers = self.offers_in_tls.as_ref().filter(|_| in_tls).unwrap_or(&self.offers);
                let offers = offers.iter().filter(|offer| !(in_tls && **offer == "STARTTLS"));
                let lines: String = offers.map(|offer| format!("250-{offer}\r\n")).collect();
                let text = format!("250-helo.partner.example\r\n{lines}250 OK");
                Act::Say(Box::leak(text.into_boxed_str()))
            }
            (_, "STARTTLS") => Act::Say("220 go on"),
            _ => Act::Say("250 2.1.0 ok"),
        }
    }
}

/// What came over one connection.
#[derive(Debug, Clone, Default)]
pub(in crate::delivery) struct Heard {
    /// Bytes in clear, those of handshakes among them.
    pub(in crate::delivery) clear: Vec<u8>,
    /// Bytes in TLS.
    pub(in crate::delivery) tls: Vec<u8>,
    /// What each read gave, in TLS or not.
    pub(in crate::delivery) reads: Vec<String>,
    /// The messages, dots still doubled, without the final one.
    pub(in crate::delivery) messages: Vec<String>,
    /// The TLS session was resumed.
    pub(in crate::delivery) resumed: bool,
}

impl Heard {
    /// True if any word of a message was said in clear.
    pub(in crate::delivery) fn anything_in_clear(&self) -> bool {
        let text = String::from_utf8_lossy(&self.clear).to_uppercase();
        ["MAIL", "RCPT", "DATA", "BDAT", "SECRET"].iter().any(|word| text.contains(word))
    }

    /// Lines said, in TLS or not, handshakes left out.
    pub(in crate::delivery) fn lines(&self) -> Vec<String> {
        let all = [self.clear.as_slice(), self.tls.as_slice()].concat();
        let text = String::from_utf8_lossy(&all).into_owned();
        text.split("\r\n").filter(|line| line.is_ascii() && !line.is_empty()).map(str::to_owned).collect()
    }
}

/// A server; each connection follows the next script, and all further ones the last.
pub(in crate::delivery) struct Server {
    pub(in crate::delivery) port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(in crate::delivery) async fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let all = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                all.lock().unwrap().push(Heard::default());
                let script = scripts.get(number).or(scripts.last()).cloned().unwrap();
                let talk = Talk { script, number, recipients: 0, heard: Arc::clone(&all), in_tls: false };
                tokio::spawn(talk.run(stream));
            }
        });
        Self { port, heard, task }
    }

    pub(in crate::delivery) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until something holds of what was heard.
    pub(in crate::delivery) async fn until(&self, holds: impl Fn(&[Heard]) -> bool) {
        while !holds(&self.heard.lock().unwrap()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

struct Talk {
    script: Script,
    number: usize,
    /// Recipients of the transaction.
    recipients: usize,
    heard: Arc<Mutex<Vec<Heard>>>,
    in_tls: bool,
}

/// Why a conversation in clear is over.
enum Over {
    Closed,
    StartTls,
}

impl Talk {
    async fn run(mut self, mut stream: TcpStream) {
        let mut rest = Vec::new();
        if !self.act("connect", &mut stream, &mut rest).await {
            return self.end(stream).await;
        }
        if let Over::Closed = self.listen(&mut stream, &mut rest).await {
            return self.end(stream).await;
        }
        match self.script.act("handshake", false) {
            Act::Say("") => {}
            Act::Reset => {
                // The ClientHello is kept and left unanswered.
                self.read(&mut stream).await;
                return stream.set_zero_linger().unwrap();
            }
            _ => {
                self.read(&mut stream).await;
                self.act("handshake", &mut stream, &mut rest).await;
                return self.end(stream).await;
            }
        }
        let config = self.script.tls.clone().expect("a script with TLS");
        let Ok(mut stream) = TlsAcceptor::from(config).accept(stream).await else { return };
        let resumed = stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
        self.note(|heard| heard.resumed = resumed);
        self.in_tls = true;
        self.listen(&mut stream, &mut rest).await;
        let _ = stream.shutdown().await;
    }

    async fn end(&self, stream: TcpStream) {
        if self.script.rules.iter().any(|(_, act)| matches!(act, Act::Reset)) {
            stream.set_zero_linger().unwrap();
        }
    }

    fn note(&self, note: impl FnOnce(&mut Heard)) {
        note(&mut self.heard.lock().unwrap()[self.number]);
    }

    /// Reads what comes; empty at the end.
    async fn read<S: AsyncRead + Unpin>(&self, stream: &mut S) -> Vec<u8> {
        let mut buffer = vec![0; 1 << 16];
        let n = stream.read(&mut buffer).await.unwrap_or(0);
        buffer.truncate(n);
        self.note(|heard| {
            let into = if self.in_tls { &mut heard.tls } else { &mut heard.clear };
            into.extend_from_slice(&buffer);
            heard.reads.push(String::from_utf8_lossy(&buffer).into_owned());
        });
        buffer
    }

    /// Answers lines until the end of the stream, or STARTTLS.
    async fn listen<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        rest: &mut Vec<u8>,
    ) -> Over {
        loop {
            let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
                let more = self.read(stream).await;
                if more.is_empty() {
                    return Over::Closed;
                }
                rest.extend(more);
                continue;
            };
            let line: Vec<u8> = rest.drain(..end + 2).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            self.count(&line);
            if !self.act(&line, stream, rest).await {
                return Over::Closed;
            }
            let act = self.script.act(&line, self.in_tls);
            if line == "STARTTLS" && matches!(act, Act::Say(text) if text.starts_with("220")) {
                return Over::StartTls;
            }
            if matches!(act, Act::Say(text) if text.starts_with("354")) && !self.message(stream, rest).await {
                return Over::Closed;
            }
        }
    }

    /// Counts recipients and puts a rule before the others where there is no room for more.
    fn count(&mut self, line: &str) {
        if line.starts_with("MAIL") {
            self.recipients = 0;
        }
        self.recipients += usize::from(line.starts_with("RCPT"));
        if self.script.one_recipient_each {
            let act = if self.recipients > 1 { "452 4.5.3 too many" } else { "250 2.1.5 ok" };
            self.script.rules = vec![("RCPT", Act::Say(act))];
        }
    }

    /// Reads a message and answers its end.
    async fn message<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        rest: &mut Vec<u8>,
    ) -> bool {
        let mut searched = 0;
        loop {
            let found = rest[searched..].windows(5).position(|five| five == b"\r\n.\r\n");
            let found = found.map(|at| searched + at + 2);
            let found = if rest.starts_with(b".\r\n") { Some(0) } else { found };
            if let Some(end) = found {
                let message = String::from_utf8_lossy(&rest[..end]).into_owned();
                rest.drain(..end + 3);
                self.note(|heard| heard.messages.push(message));
                return self.act(".", stream, rest).await;
            }
            searched = rest.len().saturating_sub(4);
            let more = self.read(stream).await;
            if more.is_empty() {
                return false;
            }
            rest.extend(more);
        }
    }

    /// Does what a line calls for; false where the connection ends with it.
    async fn act<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        line: &str,
        stream: &mut S,
        rest: &mut Vec<u8>,
    ) -> bool {
        match self.script.act(line, self.in_tls) {
            Act::Say(text) => {
                let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\r\n" };
                stream.write_all(format!("{text}{end}").as_bytes()).await.is_ok()
            }
            Act::SayAndClose(text) => {
                let _ = stream.write_all(format!("{text}\r\n").as_bytes()).await;
                let _ = stream.shutdown().await;
                false
            }
            Act::Close | Act::Reset => false,
            Act::Hang => {
                while !self.read(stream).await.is_empty() {}
                false
            }
            Act::Endless => {
                while stream.write_all(b"250-and another line\r\n").await.is_ok() {}
                false
            }
            Act::CutOff(bytes, text) => {
                let _ = stream.write_all(b"354 go on\r\n").await;
                while rest.len() < bytes {
                    rest.extend(self.read(stream).await);
                }
                let _ = stream.write_all(format!("{text}\r\n").as_bytes()).await;
                let _ = stream.shutdown().await;
                false
            }
        }
    }
}

/// An authority, and certificates by it.
pub(in crate::delivery) struct Pki {
    issuer: Issuer<'static, KeyPair>,
    root: Vec<u8>,
}

/// A certificate with its key.
pub(in crate::delivery) struct Certificate {
    pub(in crate::delivery) der: Vec<u8>,
    key: KeyPair,
}

impl Pki {
    pub(in crate::delivery) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), root }
    }

    /// An authority that is a server itself: we take what is in the store of roots, the TLS
    /// library wants no authority for a server.
    pub(in crate::delivery) fn serving() -> (Self, Certificate) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![MX.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        (Self { root: der.clone(), ..Self::new() }, Certificate { der, key })
    }

    pub(in crate::delivery) fn roots(&self) -> Arc<RootStore> {
        Arc::new(RootStore::from_ders("test", vec![self.root.clone()]))
    }

    /// A certificate for a name, valid until a year.
    pub(in crate::delivery) fn certificate(&self, name: &str, until: i32) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        Certificate { der: params.signed_by(&key, &self.issuer).unwrap().der().to_vec(), key }
    }
}

impl Certificate {
    fn config(&self) -> Arc<rustls::ServerConfig> {
        let key = rustls::pki_types::PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone().into()], key)
            .unwrap();
        Arc::new(config)
    }
}

/// What was told of TLS sessions: host, failure, channel, detail.
pub(in crate::delivery) type Told = (String, Option<ResultType>, String, String);

#[derive(Default)]
pub(in crate::delivery) struct Ear(Mutex<Vec<Told>>);

impl Events for Ear {
    fn emit(&self, now: i64, event: &Event<'_>) {
        assert!(now > 1_700_000_000);
        let Event::Tls(session) = event else { panic!("{event:?}") };
        let told = (
            session.mx.to_owned(),
            session.failure.and_then(Reported::first),
            session.channel.to_owned(),
            session.detail.to_owned(),
        );
        self.0.lock().unwrap().push(told);
    }
}

impl Ear {
    pub(in crate::delivery) fn told(&self) -> Vec<Told> {
        self.0.lock().unwrap().clone()
    }
}

/// Patience for tests: much of it, since a machine may be slow.
pub(in crate::delivery) fn settings() -> DeliverySettings {
    let minute = Duration::from_secs(60);
    let patience = Patience {
        greeting: minute,
        ehlo: minute,
        starttls: minute,
        mail: minute,
        rcpt: minute,
        data: minute,
        block: minute,
        end_of_data: minute,
        quit: minute,
    };
    DeliverySettings { hostname: "relay.example".to_owned(), patience, ..DeliverySettings::default() }
}

pub(in crate::delivery) fn deliverer(settings: DeliverySettings, pki: &Pki) -> (Deliverer, Arc<Ear>) {
    let ear: Arc<Ear> = Arc::default();
    let egress = Egress::new(EgressRules::default());
    (Deliverer::new(settings, egress, pki.roots(), Arc::clone(&ear) as Arc<dyn Events>), ear)
}

/// A host behind a port of loopback, under a level of the operator.
pub(in crate::delivery) fn hop(name: &str, port: u16, level: OperatorLevel) -> Hop {
    let mut hop = policy::testing::hop(name);
    hop.port = port;
    hop.addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    hop.facts.operator = Operator { level, ..Operator::OPPORTUNISTIC };
    hop
}

pub(in crate::delivery) fn route(hops: Vec<Hop>) -> Route {
    Route {
        domain: "partner.example".to_owned(),
        mx: MxAnswer::Insecure,
        trouble: None,
        hops,
        sts: None,
        site: "mx.partner.example".into(),
        rule: "your rule \"partner.example\"".to_owned(),
        valid_until: std::time::Instant::now() + Duration::from_secs(60),
    }
}

/// A message for these.
pub(in crate::delivery) fn job(recipients: &[&str]) -> Job {
    let body = vec![
        Bytes::from_static(b"Received: here\r\n"),
        Bytes::from_static(b"Subject: SECRET\r\n\r\n.dot\r\n"),
    ];
    Job {
        id: MessageId(7),
        envelope: Arc::new(Envelope { sender: "alice@relay.example".to_owned(), ..Envelope::default() }),
        recipients: (0..).zip(recipients).map(|(number, address)| recipient(number, address)).collect(),
        size: body.iter().map(|part| part.len() as u64).sum(),
        body,
        first: None,
    }
}

pub(in crate::delivery) fn recipient(number: u32, address: &str) -> JobRecipient {
    JobRecipient { number, address: address.to_owned(), notify: None, orcpt: None }
}
