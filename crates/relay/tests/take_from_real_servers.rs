//! Mail taken from the real Postfix and Exim, within TLS. Where a server is missing, its test
//! says so loudly and is skipped.

#![cfg(test)]

use std::{
    fs,
    future::Future,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use waxseal_net::{
    listen::Listener,
    tls::server::{ServerTls, ServerTlsFiles},
};
use waxseal_peers::{
    Exim, PeerError, Postfix, exim, postfix,
    submit::{Message, submit},
};
use waxseal_relay::{
    event::{Event, Events},
    intake::Intake,
    session::{
        Context, serve,
        settings::{Kind, Listening, Settings},
    },
};
use waxseal_store::spool::{BodyKind, MessageId, NewMessage, SpoolError};

/// Time for a server to hand a message on.
const PATIENCE: Duration = Duration::from_secs(60);

fn started<T>(server: Result<T, PeerError>) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(PeerError::Unavailable(why)) => {
            eprintln!("SKIPPED: {why}; this test has tested nothing");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Keeps what comes, and what was refused.
#[derive(Default)]
struct Kept {
    messages: Mutex<Vec<NewMessage>>,
    refusals: Mutex<Vec<String>>,
}

impl Intake for Kept {
    fn take(
        &self,
        message: NewMessage,
    ) -> Pin<Box<dyn Future<Output = Result<MessageId, SpoolError>> + Send + '_>> {
        let mut messages = self.messages.lock().unwrap();
        messages.push(message);
        let id = MessageId(messages.len() as u64);
        Box::pin(async move { Ok(id) })
    }

    fn refusal(&self) -> Option<SpoolError> {
        None
    }
}

impl Events for Kept {
    fn emit(&self, _now: i64, event: &Event<'_>) {
        if let Event::Refused { stage, reply, .. } = event {
            self.refusals.lock().unwrap().push(format!("{stage}: {reply}"));
        }
    }
}

/// Our server, for clients on this machine and within TLS alone.
fn relay(client: &str) -> (Arc<Kept>, SocketAddr) {
    let made = rcgen::generate_simple_self_signed(vec!["relay.example.com".to_owned()]).unwrap();
    let file = |name: &str, content: String| -> PathBuf {
        let path = std::env::temp_dir().join(format!("waxseal-take-{client}-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        path
    };
    let files = ServerTlsFiles {
        certificate: file("cert.pem", made.cert.pem()),
        key: file("key.pem", made.signing_key.serialize_pem()),
        client_ca: None,
    };
    let tls = ServerTls::load(files.clone()).unwrap();
    fs::remove_file(files.certificate).unwrap();
    fs::remove_file(files.key).unwrap();
    let mut settings = Settings::new("relay.example.com");
    settings.access.networks = vec!["127.0.0.0/8".parse().unwrap()];
    let kept = Arc::new(Kept::default());
    let (intake, events) = (Arc::clone(&kept), Arc::clone(&kept));
    let context = Arc::new(Context::new(settings, Some(Arc::new(tls)), intake, events));
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address();
    tokio::spawn(serve(listener, Listening { kind: Kind::Smtp, require_tls: true }, context));
    (kept, address)
}

const TEXT: &str =
    "From: ann@example.net\nSubject: dots and umlauts\n\n.\n..\n.leading\nGr\u{fc}\u{df}e\nend\n";

/// Hands a message to a server and waits until it has come here.
async fn handed_on(server: SocketAddr, kept: &Kept, log: impl Fn() -> String) -> NewMessage {
    let submitting = tokio::task::spawn_blocking(move || {
        let to = ["bob@example.org", "carol@example.org"];
        // The simplest of clients stuffs no dots.
        let text = TEXT.replace("\n.", "\n..");
        let message = Message { from: "ann@example.net", to: &to, parameters: "BODY=8BITMIME", text: &text };
        submit(server, &[message])
    });
    submitting.await.unwrap().unwrap();
    let began = Instant::now();
    loop {
        if let Some(message) = kept.messages.lock().unwrap().pop() {
            return message;
        }
        let refusals = kept.refusals.lock().unwrap().clone();
        assert!(began.elapsed() < PATIENCE, "nothing came: {refusals:?}\n{}", log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn looks_right(message: &NewMessage) {
    let whole = String::from_utf8(message.body.concat()).unwrap();
    let body = TEXT.split_once("\n\n").unwrap().1.replace('\n', "\r\n");
    assert!(whole.ends_with(&format!("\r\n\r\n{body}")), "{whole}");
    assert!(whole.starts_with("Received: from "), "{whole}");
    assert!(whole.contains(" with ESMTPS id ") && whole.contains("(using TLSv1.3 with cipher "), "{whole}");
    let to: Vec<&str> = message.recipients.iter().map(|r| r.address.as_str()).collect();
    assert_eq!(to, ["bob@example.org", "carol@example.org"]);
    assert_eq!(message.envelope.sender, "ann@example.net");
    assert_eq!(message.envelope.body, BodyKind::EightBitMime);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postfix_hands_mail_on() {
    let (kept, address) = relay("postfix");
    let options = postfix::Options {
        settings: vec![
            format!("relayhost = [127.0.0.1]:{}", address.port()),
            "default_transport = smtp".to_owned(),
            "smtp_tls_security_level = encrypt".to_owned(),
            "smtp_dns_support_level = disabled".to_owned(),
            "smtp_host_lookup = native".to_owned(),
        ],
        ..postfix::Options::default()
    };
    let Some(server) = started(Postfix::start(&options)) else { return };
    let message = handed_on(server.address(), &kept, || server.log()).await;
    looks_right(&message);
    // Postfix says what it was not told, since DSN is offered.
    assert_eq!(message.recipients[0].orcpt.as_deref(), Some("rfc822;bob@example.org"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exim_hands_mail_on_in_chunks() {
    let (kept, address) = relay("exim");
    let options = exim::Options {
        routers: vec![format!(
            "away:\n  driver = manualroute\n  route_list = * 127.0.0.1::{}\n  self = send\n  transport = remote",
            address.port()
        )],
        transports: vec![
            "remote:\n  driver = smtp\n  hosts_require_tls = *\n  hosts_try_chunking = *".to_owned(),
        ],
        settings: vec!["log_selector = +all".to_owned()],
        ..exim::Options::default()
    };
    let Some(server) = started(Exim::start(&options)) else { return };
    let message = handed_on(server.address(), &kept, || server.log()).await;
    looks_right(&message);
    let log = server.log();
    assert!(log.contains(" K "), "by BDAT: {log}");
}
