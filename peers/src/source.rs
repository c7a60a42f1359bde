//! A client that sends numbered messages over several sessions, and remembers which of them
//! were acknowledged: what `smtp-source` does not.

use std::{
    collections::HashSet,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait where the server is not there: it is being restarted.
const PAUSE: Duration = Duration::from_millis(20);

/// What to send.
#[derive(Debug, Clone)]
pub struct Load {
    /// To whom.
    pub server: SocketAddr,
    /// Sessions at a time.
    pub sessions: usize,
    /// Bytes of a body.
    pub size: usize,
    /// The domains of recipients, in turn.
    pub domains: Vec<String>,
    /// Stop after so many numbers; 0: only when told to.
    pub count: u64,
}

/// What became of a load.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// The numbers that were acknowledged.
    pub acknowledged: HashSet<u64>,
    /// From the end of each acknowledged message to its acknowledgement.
    pub waits: Vec<Duration>,
}

/// A running source.
#[derive(Debug)]
pub struct Source {
    sent_well: Arc<Mutex<Sent>>,
    over: Arc<AtomicBool>,
    sessions: Vec<JoinHandle<()>>,
}

impl Source {
    /// Begins to send. A message that was not acknowledged is not sent again: its number is
    /// just not among the acknowledged.
    pub fn start(load: &Load) -> Self {
        let sent_well = Arc::new(Mutex::new(Sent::default()));
        let (sent, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let body: String = "abcdefghijklmnopqrstuvwxyz0123456789 and once more the same\r\n"
            .chars()
            .cycle()
            .take(load.size)
            .collect();
        let sessions = (0..load.sessions)
            .map(|_| {
                let (load, body) = (load.clone(), body.clone());
                let (sent_well, sent, over) = (Arc::clone(&sent_well), Arc::clone(&sent), Arc::clone(&over));
                thread::spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        match session(&load, &body, &sent_well, &sent, &over) {
                            Ok(()) => return,
                            Err(_) => thread::sleep(PAUSE),
                        }
                    }
                })
            })
            .collect();
        Self { sent_well, over, sessions }
    }

    /// How many were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.sent_well.lock().unwrap_or_else(PoisonError::into_inner).acknowledged.len()
    }

    /// Waits for the end of the load.
    pub fn finish(mut self) -> Sent {
        for session in self.sessions.drain(..) {
            // A session that panicked has sent nothing more, and its numbers are not missed.
            let _ = session.join();
        }
        std::mem::take(&mut *self.sent_well.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the load, and says what became of it.
    pub fn stop(self) -> Sent {
        self.over.store(true, Ordering::Relaxed);
        self.finish()
    }
}

fn session(
    load: &Load,
    body: &str,
    sent_well: &Mutex<Sent>,
    sent: &AtomicU64,
    over: &AtomicBool,
) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&load.server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut client = Client { out: stream.try_clone()?, lines: BufReader::new(stream) };
    client.expect(None, "220")?;
    client.expect(Some("EHLO source.test"), "250")?;
    while !over.load(Ordering::Relaxed) {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        if load.count > 0 && number >= load.count {
            break;
        }
        let at = usize::try_from(number).unwrap_or(0) % load.domains.len().max(1);
        let domain = load.domains.get(at).map_or("example.com", String::as_str);
        client.expect(Some("MAIL FROM:<source@source.test>"), "250")?;
        client.expect(Some(&format!("RCPT TO:<n{number}@{domain}>")), "250")?;
        client.expect(Some("DATA"), "354")?;
        let text =
            format!("From: source@source.test\r\nX-Number: {number}\r\nSubject: {number}\r\n\r\n{body}\r\n.");
        let began = Instant::now();
        client.expect(Some(&text), "250")?;
        let wait = began.elapsed();
        let mut sent_well = sent_well.lock().unwrap_or_else(PoisonError::into_inner);
        sent_well.acknowledged.insert(number);
        sent_well.waits.push(wait);
    }
    client.expect(Some("QUIT"), "221")
}

struct Client {
    out: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Client {
    fn expect(&mut self, command: Option<&str>, code: &str) -> io::Result<()> {
        if let Some(command) = command {
            self.out.write_all(format!("{command}\r\n").as_bytes())?;
        }
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match (line.get(..3), line.get(3..4)) {
                (Some(found), Some("-")) if found == code => {}
                (Some(found), _) if found == code => return Ok(()),
                _ => return Err(io::Error::other(line)),
            }
        }
    }
}
