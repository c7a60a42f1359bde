//! A server that takes numbered messages, counts them, and keeps what came to it in clear.
//!
//! Unlike `smtp-sink` it speaks STARTTLS, which can be switched off and on while it runs, and
//! knows each message by its number: header `X-Number`, or none.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::PeerError;

/// How long a client may be silent.
const IDLE: Duration = Duration::from_secs(30);
/// Bytes in clear that are kept of all connections together.
const MOST_CLEAR: usize = 8 << 20;
/// Longest command line.
const LONGEST: usize = 4096;

/// What the sink does; may be changed while it runs.
#[derive(Debug, Default)]
pub struct Conduct {
    /// STARTTLS is offered, if there is a certificate.
    pub starttls: AtomicBool,
    /// Each so-many-th message is answered with 451 at its end; 0: none.
    pub defer_every: AtomicU64,
    /// Milliseconds before the reply to the end of a message.
    pub delay: AtomicU64,
}

/// What came.
#[derive(Debug, Default)]
struct Seen {
    numbers: HashMap<u64, u32>,
    messages: u64,
    in_tls: u64,
    recipients: u64,
    clear: Vec<u8>,
    texts: Vec<String>,
}

/// A running sink; it takes no more connections once it is dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    conduct: Arc<Conduct>,
    seen: Arc<Mutex<Seen>>,
    over: Arc<AtomicBool>,
}

struct Shared {
    conduct: Arc<Conduct>,
    seen: Arc<Mutex<Seen>>,
    tls: Option<Arc<ServerConfig>>,
    over: Arc<AtomicBool>,
    connections: AtomicU64,
}

impl Sink {
    /// Starts one at this address of loopback; with a certificate and its key (PEM files) it
    /// can speak TLS.
    ///
    /// # Errors
    /// When the address cannot be had, or certificate and key are none.
    pub fn start(address: SocketAddr, certificate: Option<(&Path, &Path)>) -> Result<Self, PeerError> {
        if !address.ip().is_loopback() {
            return Err(PeerError::Failed("servers for tests listen on loopback only".into()));
        }
        let failed = |e: io::Error| PeerError::Failed(format!("cannot listen at {address}: {e}"));
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tls = certificate.map(|(chain, key)| config(chain, key)).transpose()?.map(Arc::new);
        let conduct = Arc::new(Conduct::default());
        conduct.starttls.store(tls.is_some(), Ordering::Relaxed);
        let (seen, over) = (Arc::new(Mutex::default()), Arc::new(AtomicBool::new(false)));
        let shared = Arc::new(Shared {
            conduct: Arc::clone(&conduct),
            seen: Arc::clone(&seen),
            tls,
            over: Arc::clone(&over),
            connections: AtomicU64::new(0),
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                shared.connections.fetch_add(1, Ordering::Relaxed);
                // A client that breaks off is no business of the sink's.
                thread::spawn(move || drop(session(stream, &shared)));
            }
        });
        Ok(Self { address, conduct, seen, over })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does.
    pub fn conduct(&self) -> &Conduct {
        &self.conduct
    }

    /// How often each number came.
    pub fn numbers(&self) -> HashMap<u64, u32> {
        self.lock().numbers.clone()
    }

    /// Messages, messages within TLS, and recipients so far.
    pub fn counts(&self) -> (u64, u64, u64) {
        let seen = self.lock();
        (seen.messages, seen.in_tls, seen.recipients)
    }

    /// All that came in clear, of all connections, as far as it was kept.
    pub fn clear(&self) -> Vec<u8> {
        self.lock().clear.clone()
    }

    /// The first messages that came without a number, whole.
    pub fn texts(&self) -> Vec<String> {
        self.lock().texts.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // The listener wakes up, and ends.
        drop(TcpStream::connect(self.address));
    }
}

fn config(chain: &Path, key: &Path) -> Result<ServerConfig, PeerError> {
    let failed = |what: &dyn std::fmt::Display| PeerError::Failed(format!("the sink's certificate: {what}"));
    let chain = fs::read(chain).map_err(|e| failed(&e))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| failed(&e))?;
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(&e))?
        .with_no_client_auth()
        .with_single_cert(certificates.map_err(|e| failed(&e))?, key)
        .map_err(|e| failed(&e))
}

/// Reads and writes, and what is read is noted if it is in clear.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A stream that notes what comes in clear.
struct Noted {
    stream: TcpStream,
    seen: Arc<Mutex<Seen>>,
    clear: Arc<AtomicBool>,
}

impl Read for Noted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        if self.clear.load(Ordering::Relaxed) {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MOST_CLEAR.saturating_sub(seen.clear.len());
            seen.clear.extend(buffer.iter().take(n.min(room)));
        }
        Ok(n)
    }
}

impl Write for Noted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn session(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let clear = Arc::new(AtomicBool::new(true));
    let noted = Noted { stream, seen: Arc::clone(&shared.seen), clear: Arc::clone(&clear) };
    let mut noted = match talk(noted, shared, false, true)? {
        Some(noted) => noted,
        None => return Ok(()),
    };
    let Some(config) = &shared.tls else { return Ok(()) };
    clear.store(false, Ordering::Relaxed);
    let mut connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut noted)?;
    }
    talk(StreamOwned::new(connection, noted), shared, true, false).map(drop)
}

/// One conversation. Gives the stream back where the client said STARTTLS.
fn talk<S: Stream>(stream: S, shared: &Shared, in_tls: bool, greet: bool) -> io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    if greet {
        say(&mut stream, "220 sink.test ESMTP")?;
    }
    let mut recipients = 0;
    loop {
        let mut line = Vec::new();
        (&mut stream).take(LONGEST as u64).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let verb = String::from_utf8_lossy(&line).trim().to_ascii_uppercase();
        match verb.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" | "HELO" => {
                let offered =
                    shared.tls.is_some() && !in_tls && shared.conduct.starttls.load(Ordering::Relaxed);
                let starttls = if offered { "250-STARTTLS\r\n" } else { "" };
                let reply = format!(
                    "250-sink.test\r\n{starttls}250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 52428800"
                );
                say(&mut stream, &reply)?;
            }
            "STARTTLS" if !in_tls && shared.tls.is_some() => {
                say(&mut stream, "220 2.0.0 go ahead")?;
                return Ok(Some(stream.into_inner()));
            }
            "MAIL" => {
                recipients = 0;
                say(&mut stream, "250 2.1.0 ok")?;
            }
            "RCPT" => {
                recipients += 1;
                say(&mut stream, "250 2.1.5 ok")?;
            }
            "DATA" => {
                say(&mut stream, "354 go ahead")?;
                let text = content(&mut stream)?;
                let delay = shared.conduct.delay.load(Ordering::Relaxed);
                if delay > 0 {
                    thread::sleep(Duration::from_millis(delay));
                }
                let reply = take(&text, recipients, shared, in_tls);
                say(&mut stream, reply)?;
            }
            "RSET" | "NOOP" => say(&mut stream, "250 2.0.0 ok")?,
            "QUIT" => {
                say(&mut stream, "221 2.0.0 bye")?;
                return Ok(None);
            }
            _ => say(&mut stream, "502 5.5.1 not here")?,
        }
    }
}

fn say<S: Stream>(stream: &mut BufReader<S>, text: &str) -> io::Result<()> {
    let out = stream.get_mut();
    out.write_all(format!("{text}\r\n").as_bytes())?;
    out.flush()
}

/// The message, up to the line with a lone dot.
fn content<S: Stream>(stream: &mut BufReader<S>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    loop {
        let before = text.len();
        if stream.read_until(b'\n', &mut text)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if text.get(before..) == Some(b".\r\n")
            && (before == 0 || text.get(before - 2..before) == Some(b"\r\n"))
        {
            text.truncate(before);
            return Ok(text);
        }
    }
}

/// Texts that are kept.
const MOST_TEXTS: usize = 1000;

fn take(text: &[u8], recipients: u64, shared: &Shared, in_tls: bool) -> &'static str {
    let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.messages += 1;
    let every = shared.conduct.defer_every.load(Ordering::Relaxed);
    if every > 0 && seen.messages.is_multiple_of(every) {
        return "451 4.3.0 try again later";
    }
    seen.in_tls += u64::from(in_tls);
    seen.recipients += recipients;
    match number(text) {
        Some(number) => *seen.numbers.entry(number).or_default() += 1,
        None if seen.texts.len() < MOST_TEXTS => seen.texts.push(String::from_utf8_lossy(text).into_owned()),
        None => {}
    }
    "250 2.0.0 taken"
}

/// The number in the header.
fn number(text: &[u8]) -> Option<u64> {
    let head = text.get(..text.len().min(4096))?;
    let head = String::from_utf8_lossy(head);
    head.lines().take_while(|l| !l.is_empty()).find_map(|l| l.strip_prefix("X-Number: ")?.trim().parse().ok())
}
