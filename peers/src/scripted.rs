//! A server in clear whose replies a test chooses, like `smtp-sink` with words of one's own.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::PeerError;

/// How long a client may be silent.
const IDLE: Duration = Duration::from_secs(20);
/// Most lines taken on one connection.
const MOST_LINES: usize = 100_000;

/// What it does at one moment of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Act {
    /// What a sound server answers.
    #[default]
    Sound,
    /// This reply, its lines parted by `\n`.
    Say(&'static str),
    /// This reply, then the end of the connection.
    SayAndClose(&'static str),
    /// The end of the connection without a word.
    Close,
    /// Nothing at all: the client waits.
    Silence,
}

/// What it does at each moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Script {
    /// At the connection.
    pub greeting: Act,
    /// At `EHLO`.
    pub ehlo: Act,
    /// At `AUTH`.
    pub auth: Act,
    /// At `MAIL FROM`.
    pub mail: Act,
    /// At `RCPT TO`.
    pub rcpt: Act,
    /// At `DATA`.
    pub data: Act,
    /// While the message comes: it is not read.
    pub message: Act,
    /// At the end of the message.
    pub end_of_data: Act,
}

/// A running one; it takes no more connections once it is dropped.
#[derive(Debug)]
pub struct Scripted {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Scripted {
    /// Starts one at this address of loopback.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn start(address: SocketAddr, script: Script) -> Result<Self, PeerError> {
        if !address.ip().is_loopback() {
            return Err(PeerError::Failed("servers for tests listen on loopback only".into()));
        }
        let failed = |e: std::io::Error| PeerError::Failed(format!("cannot listen at {address}: {e}"));
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                thread::spawn(move || serve(stream, &script));
            }
        });
        Ok(Self { address, over })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

/// Serves one connection until either side has enough of it.
fn serve(stream: TcpStream, script: &Script) -> Option<()> {
    stream.set_read_timeout(Some(IDLE)).ok()?;
    stream.set_write_timeout(Some(IDLE)).ok()?;
    let mut out = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).split(b'\n').take(MOST_LINES);
    act(&mut out, script.greeting, "220 mx.example.com ESMTP")?;
    while let Some(Ok(line)) = lines.next() {
        let verb: String = line.iter().take(4).map(|b| char::from(b.to_ascii_uppercase())).collect();
        match verb.as_str() {
            "EHLO" | "HELO" => act(&mut out, script.ehlo, "250-mx.example.com\n250 8BITMIME")?,
            "AUTH" => act(&mut out, script.auth, "503 5.5.1 AUTH not available")?,
            "MAIL" => act(&mut out, script.mail, "250 2.1.0 Ok")?,
            "RCPT" => act(&mut out, script.rcpt, "250 2.1.5 Ok")?,
            "DATA" => {
                act(&mut out, script.data, "354 End data with <CR><LF>.<CR><LF>")?;
                if matches!(script.data, Act::Say(_)) {
                    continue;
                }
                if script.message != Act::Sound {
                    act(&mut out, script.message, "")?;
                }
                lines.by_ref().map_while(Result::ok).find(|line| line.trim_ascii_end() == b".")?;
                act(&mut out, script.end_of_data, "250 2.0.0 Ok: queued as 1")?;
            }
            "QUIT" => {
                act(&mut out, Act::SayAndClose("221 2.0.0 Bye"), "")?;
            }
            "RSET" | "NOOP" => act(&mut out, Act::Sound, "250 2.0.0 Ok")?,
            _ => act(&mut out, Act::Sound, "502 5.5.2 Error: command not recognized")?,
        }
    }
    Some(())
}

/// Does this, or says what a sound server says; none once the connection is to end.
fn act(out: &mut TcpStream, act: Act, sound: &str) -> Option<()> {
    let mut say = |reply: &str| out.write_all(format!("{}\r\n", reply.replace('\n', "\r\n")).as_bytes()).ok();
    match act {
        Act::Sound => say(sound),
        Act::Say(reply) => say(reply),
        Act::SayAndClose(reply) => say(reply).and(None),
        Act::Close => None,
        Act::Silence => {
            thread::sleep(IDLE);
            None
        }
    }
}
