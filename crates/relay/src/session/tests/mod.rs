//! Sessions over pipes in memory, with an intake that keeps what it is given.

mod access;
mod commands;
mod data;
mod limits;
mod login;
mod smuggling;
mod tls;

use std::{future::Future, pin::Pin, sync::Mutex};

use tokio::{
    io::{AsyncReadExt, DuplexStream},
    task::JoinHandle,
};
use waxseal_store::spool::{MessageId, NewMessage, SpoolError};

use super::{
    settings::{Access, Kind},
    *,
};

/// Keeps messages, unless it is told not to.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) messages: Mutex<Vec<NewMessage>>,
    pub(super) refusal: Mutex<Option<SpoolError>>,
    pub(super) error: Mutex<Option<SpoolError>>,
}

impl Intake for Kept {
    fn take(
        &self,
        message: NewMessage,
    ) -> Pin<Box<dyn Future<Output = Result<MessageId, SpoolError>> + Send + '_>> {
        Box::pin(async move {
            if let Some(error) = self.error.lock().unwrap().clone() {
                return Err(error);
            }
            let mut messages = self.messages.lock().unwrap();
            messages.push(message);
            Ok(MessageId(0x4f1c00 + messages.len() as u64))
        })
    }

    fn refusal(&self) -> Option<SpoolError> {
        self.refusal.lock().unwrap().clone()
    }
}

/// Writes down what happened, in short.
#[derive(Default)]
pub(super) struct Heard(pub(super) Mutex<Vec<String>>);

impl Events for Heard {
    fn emit(&self, _now: i64, event: &Event<'_>) {
        let line = match event {
            Event::Accepted { id, recipients, size, .. } => format!("accepted {id} {recipients} {size}"),
            Event::Refused { client, stage, reply } => format!("refused {client:?} {stage}: {reply}"),
            Event::Note { token, text, .. } => format!("note {token}: {text}"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

/// The other parts of a relay, and sessions with it.
pub(super) struct Bench {
    pub(super) context: Arc<Context>,
    pub(super) kept: Arc<Kept>,
    pub(super) heard: Arc<Heard>,
}

pub(super) const SMTP: Listening = Listening { kind: Kind::Smtp, require_tls: false };
pub(super) const SUBMISSION: Listening = Listening { kind: Kind::Submission, require_tls: false };

/// A relay for 192.0.2.0/24, and for all who write to example.com.
pub(super) fn settings() -> Settings {
    Settings {
        access: Access {
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            recipients: vec!["example.com".parse().unwrap()],
            ..Access::default()
        },
        ..Settings::new("relay.example.com")
    }
}

impl Bench {
    pub(super) fn new(settings: Settings) -> Self {
        Self::with_tls(settings, None)
    }

    pub(super) fn with_tls(settings: Settings, tls: Option<Arc<ServerTls>>) -> Self {
        let (kept, heard) = (Arc::new(Kept::default()), Arc::new(Heard::default()));
        let intake: Arc<Kept> = Arc::clone(&kept);
        let events: Arc<Heard> = Arc::clone(&heard);
        let context = Arc::new(Context::new(settings, tls, intake, events));
        Self { context, kept, heard }
    }

    /// A session with a client at an address, before the greeting.
    pub(super) fn connect(&self, listening: Listening, ip: &str) -> Talk {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let peer = SocketAddr::new(ip.parse().unwrap(), 4711);
        let session = Session::new(theirs, peer, listening, self.context.settings(), self.context.clone());
        Talk { io: ours, buffer: Vec::new(), task: tokio::spawn(session.run()) }
    }

    /// A session with a trusted client, after EHLO.
    pub(super) async fn greeted(&self) -> Talk {
        let mut talk = self.connect(SMTP, "192.0.2.1");
        talk.expect("220 ").await;
        talk.ask("EHLO client.example.net", "250").await;
        talk
    }

    /// The only message that was taken.
    pub(super) fn message(&self) -> NewMessage {
        let messages = self.kept.messages.lock().unwrap();
        let [message] = messages.as_slice() else { panic!("{} messages", messages.len()) };
        message.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.kept.messages.lock().unwrap().len()
    }

    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.0.lock().unwrap().clone()
    }
}

/// The client's side of a session.
pub(super) struct Talk<S = DuplexStream> {
    pub(super) io: S,
    pub(super) buffer: Vec<u8>,
    pub(super) task: JoinHandle<()>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).await.unwrap();
        self.io.flush().await.unwrap();
    }

    /// The next reply with all its lines; empty when the server has closed.
    pub(super) async fn reply(&mut self) -> String {
        let mut found = String::new();
        loop {
            while let Some(end) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8(self.buffer.drain(..end + 2).collect()).unwrap();
                found.push_str(&line);
                if line.as_bytes()[3] == b' ' {
                    return found;
                }
            }
            if self.io.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                assert!(self.buffer.is_empty(), "{:?}", self.buffer);
                return found;
            }
        }
    }

    /// The next reply, which begins as expected.
    pub(super) async fn expect(&mut self, begins: &str) -> String {
        let reply = self.reply().await;
        assert!(reply.starts_with(begins), "{reply:?} does not begin with {begins:?}");
        reply
    }

    /// Sends a line; the reply begins as expected.
    pub(super) async fn ask(&mut self, line: &str, begins: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        let reply = self.reply().await;
        assert!(reply.starts_with(begins), "{line:?}: {reply:?} does not begin with {begins:?}");
        reply
    }

    /// The server has closed, and said nothing more.
    pub(super) async fn ends(mut self) {
        assert_eq!(self.reply().await, "");
        drop(self.io);
        self.task.await.unwrap();
    }
}

/// The extensions in a reply to EHLO, in order.
pub(super) fn extensions(reply: &str) -> Vec<&str> {
    reply.lines().skip(1).map(|line| &line[4..]).collect()
}

/// The whole message as text.
pub(super) fn text(message: &NewMessage) -> String {
    String::from_utf8(message.body.concat()).unwrap()
}
