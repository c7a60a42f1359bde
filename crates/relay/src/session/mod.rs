//! SMTP as a server: what a client may say, and what it is answered.
//!
//! A message leaves as a [`NewMessage`](waxseal_store::spool::NewMessage) through
//! [`Intake`]; nobody is told `250` before it is on stable storage. Parts:
//!
//! - [`settings`]: what the operator says about sessions.
//! - `clients`: how many sessions, messages and failed logins an address has.
//! - `channel`: the connection, with its deadline.
//! - `held`: how much is coming in at a time.
//! - `conversation`: commands one after the other; `greeting` (EHLO, STARTTLS, XCLIENT),
//!   `login` (AUTH), `envelope` (MAIL, RCPT) and `body` (DATA, BDAT) answer them.
//! - `access`: who may relay. There is one such decision, and its default is no.
//! - `trace`: the lines that a relay writes on top of a message.
//!
//! What a client sends is read by `waxseal_wire::smtp`, which never resynchronises: a bare
//! line feed ends no command, no chunk and no message.

mod access;
mod body;
mod channel;
mod clients;
mod conversation;
mod envelope;
mod greeting;
mod held;
mod login;
pub mod settings;
#[cfg(test)]
mod tests;
mod trace;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::rand;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::watch,
    task::{JoinError, JoinSet},
    time::{Instant, sleep, timeout, timeout_at},
};
use waxseal_net::{listen::Listener, tls::server::ServerTls};
use waxseal_wire::sasl::{Passwords, PasswordsError};

use self::{
    clients::{Clients, Full, Seat},
    conversation::Session,
    login::Logins,
    settings::{Listening, Settings},
};
use crate::{
    event::{Event, Events, Severity},
    intake::Intake,
};

/// Time for a client that is turned away to take our reply.
const TURNED_AWAY: Duration = Duration::from_secs(2);
/// Pause after a connection could not be accepted: file descriptors may come free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What all sessions share.
pub struct Context {
    settings: RwLock<Arc<Settings>>,
    tls: Option<Arc<ServerTls>>,
    intake: Arc<dyn Intake>,
    events: Arc<dyn Events>,
    clients: Arc<Clients>,
    logins: Logins,
    stop: watch::Sender<bool>,
    /// Part of the ids of messages, so that no two are alike.
    counter: AtomicU32,
    /// Bytes of messages that are coming in.
    incoming: Arc<AtomicU64>,
}

impl Context {
    /// Puts together what sessions need. Without `tls` neither STARTTLS nor AUTH is offered.
    pub fn new(
        settings: Settings,
        tls: Option<Arc<ServerTls>>,
        intake: Arc<dyn Intake>,
        events: Arc<dyn Events>,
    ) -> Self {
        Self {
            settings: RwLock::new(Arc::new(settings)),
            tls,
            intake,
            events,
            clients: Arc::default(),
            logins: Logins::new(random()),
            stop: watch::Sender::new(false),
            counter: AtomicU32::new(u32::from_le_bytes(random())),
            incoming: Arc::default(),
        }
    }

    /// Takes other settings for sessions that begin from now on. Certificates are read anew
    /// by [`ServerTls::reload`].
    pub fn reload(&self, settings: Settings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.logins.forget();
    }

    /// No more sessions; those that wait for a command end, those that send a message have
    /// [`stop_grace`](settings::Limits::stop_grace) for it.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Sessions at the moment.
    pub fn sessions(&self) -> usize {
        self.clients.sessions()
    }

    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    fn emit(&self, event: &Event<'_>) {
        self.events.emit(now(), event);
    }

    /// An id for a message: the second and a number.
    fn trace_id(&self) -> String {
        format!("{:x}{:08x}", now(), self.counter.fetch_add(1, Ordering::Relaxed))
    }
}

/// Takes clients on an address until [`Context::stop`], and returns when their sessions have
/// ended.
pub async fn serve(listener: Listener, listening: Listening, context: Arc<Context>) {
    let mut sessions = JoinSet::new();
    let mut stop = context.stop.subscribe();
    loop {
        tokio::select! {
            biased;
            () = sign(&mut stop) => break,
            Some(ended) = sessions.join_next() => note_panic(&context, &ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => admit(&mut sessions, stream, peer, listening, &context),
                Err(error) => pause(&context, &listener, &error).await,
            },
        }
    }
    drop(listener);
    let until = Instant::now() + context.settings().limits.stop_grace;
    while let Ok(Some(ended)) = timeout_at(until, sessions.join_next()).await {
        note_panic(&context, &ended);
    }
    sessions.shutdown().await;
}

/// Waits for the sign to stop. An error means that nobody can give it any more: as good.
async fn sign(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A session of its own, if there is room for one.
fn admit<S>(
    sessions: &mut JoinSet<()>,
    mut stream: S,
    peer: SocketAddr,
    listening: Listening,
    context: &Arc<Context>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let settings = context.settings();
    let own = settings.access.is_uncounted(peer.ip());
    match context.clients.enter(peer.ip(), own, &settings.limits, Instant::now().into_std()) {
        Ok(seat) => {
            let session = Session::new(stream, peer, listening, settings, Arc::clone(context));
            sessions.spawn(seated(seat, session));
        }
        Err(full) => {
            let reply = match full {
                Full::All => "421 4.7.0 Too many connections, try again later",
                Full::Client => "421 4.7.0 Too many connections from your address, try again later",
            };
            context.emit(&Event::Refused { client: Some(peer.ip()), stage: "connect", reply });
            // Within TLS it would take a handshake to say so.
            if listening.kind != settings::Kind::Submissions {
                sessions.spawn(async move {
                    let line = format!("{reply}\r\n");
                    let _ = timeout(TURNED_AWAY, stream.write_all(line.as_bytes())).await;
                });
            }
        }
    }
}

async fn seated<S>(_seat: Seat, session: Session<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    session.run().await;
}

fn note_panic(context: &Context, ended: &Result<(), JoinError>) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        context.emit(&Event::Note {
            severity: Severity::Error,
            token: "session.panicked",
            text: "a session ended by a defect of the relay; its message was not taken",
        });
    }
}

async fn pause(context: &Context, listener: &Listener, error: &io::Error) {
    // A client that has gone again is no news.
    if error.kind() != io::ErrorKind::ConnectionAborted {
        let text = format!("a connection to {} could not be accepted: {error}", listener.address());
        context.emit(&Event::Note { severity: Severity::Warning, token: "session.accept", text: &text });
        sleep(ACCEPT_PAUSE).await;
    }
}

/// Seconds since 1970-01-01 UTC.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Random bytes.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The library's generator does not fail once the system's has answered at the start.
    let _ = rand::fill(&mut bytes);
    bytes
}

/// Why there are no users.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFileError {
    /// The file cannot be read.
    #[error("the file of passwords {path} cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// In the words of the system.
        source: io::Error,
    },
    /// A line in it is wrong.
    #[error("the file of passwords {path}, {source}")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: PasswordsError,
    },
}

/// Reads a file of passwords.
///
/// # Errors
/// Names the file, and the line where one is wrong.
pub fn read_passwords(path: &Path) -> Result<Passwords, PasswordFileError> {
    /// The same for all files of a run: what is made up for unknown users must not change.
    static KEY: LazyLock<[u8; 32]> = LazyLock::new(random);
    let text = std::fs::read_to_string(path)
        .map_err(|source| PasswordFileError::Unreadable { path: path.to_owned(), source })?;
    Passwords::parse(&text, *KEY).map_err(|source| PasswordFileError::Wrong { path: path.to_owned(), source })
}
