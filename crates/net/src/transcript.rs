//! What was said to a server and by it, line by line.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;
use waxseal_model::smtp::{Speaker, TranscriptLine};
use waxseal_wire::text::neutralise;

/// A transcript keeps so many lines; a last one says that there were more.
const MAX_LINES: usize = 1000;
/// Longer lines are cut. SMTP allows 998 characters (RFC 5321 section 4.5.3.1.6).
const MAX_CHARS: usize = 1000;

/// A handle to the transcript of one endpoint, for one of its connections. Clones write
/// to the same transcript.
///
/// Secrets never enter it: the argument of AUTH and all lines up to the end of the
/// authentication are replaced by `***`.
#[derive(Debug, Clone)]
pub struct Transcript {
    shared: Arc<Mutex<Shared>>,
    started: Instant,
    connection: u32,
    tls: bool,
}

#[derive(Debug, Default)]
struct Shared {
    lines: Vec<TranscriptLine>,
    /// In a transcript of the last lines alone, these instead of `lines`.
    last: Option<LastLines>,
    /// Connections in the middle of an AUTH exchange.
    authenticating: BTreeSet<u32>,
}

/// The last lines as they were, to be made fit for showing when somebody asks: a relay
/// records each transaction, and looks at the record of few.
#[derive(Debug, Default)]
struct LastLines {
    text: String,
    lines: VecDeque<Line>,
    /// Bytes of text to be kept.
    room: usize,
    /// Older lines were left out.
    cut: bool,
}

#[derive(Debug)]
struct Line {
    bytes: usize,
    connection: u32,
    at_us: u64,
    from: Speaker,
    tls: bool,
}

impl LastLines {
    fn push(&mut self, line: Line, text: &str) {
        self.text.push_str(text);
        self.lines.push_back(line);
        if self.text.len() > self.room {
            self.cut = true;
            let mut gone = 0;
            while self.text.len() - gone > self.room / 2
                && let Some(line) = self.lines.pop_front()
            {
                gone += line.bytes;
            }
            self.text.drain(..gone);
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
        self.cut = false;
    }

    fn shown(&self) -> Vec<TranscriptLine> {
        let mut at = 0;
        let mut shown = Vec::with_capacity(self.lines.len() + 1);
        for line in &self.lines {
            let text = self.text.get(at..at + line.bytes).unwrap_or_default();
            at += line.bytes;
            let Line { connection, at_us, from, tls, .. } = *line;
            if self.cut && shown.is_empty() {
                let text = "earlier lines are left out".to_owned();
                shown.push(TranscriptLine { connection, at_us, from: Speaker::Note, tls, text });
            }
            let text = neutralise(text.as_bytes(), MAX_CHARS);
            shown.push(TranscriptLine { connection, at_us, from, tls, text });
        }
        shown
    }
}

impl Transcript {
    /// An empty transcript; times count from `started`. The handle writes as connection 1.
    pub fn new(started: Instant) -> Self {
        Self { shared: Arc::default(), started, connection: 1, tls: false }
    }

    /// An empty transcript that keeps the last lines alone, about `room` bytes of them, and
    /// costs little while nobody asks for them.
    pub fn of_last_lines(started: Instant, room: usize) -> Self {
        let last = Some(LastLines { room, ..LastLines::default() });
        let shared = Shared { last, ..Shared::default() };
        Self { shared: Arc::new(Mutex::new(shared)), ..Self::new(started) }
    }

    /// Forgets all lines; times count from now on as before.
    pub fn clear(&self) {
        let mut shared = self.lock();
        shared.lines.clear();
        if let Some(last) = &mut shared.last {
            last.clear();
        }
    }

    /// A handle for another connection, counted from 1, in clear.
    pub fn for_connection(&self, connection: u32) -> Self {
        Self { connection, tls: false, ..self.clone() }
    }

    /// A handle for the same connection within TLS.
    pub fn within_tls(&self) -> Self {
        Self { tls: true, ..self.clone() }
    }

    /// Notes a line that we send.
    pub fn client(&self, line: &str) {
        let mut shared = self.lock();
        if shared.authenticating.contains(&self.connection) {
            self.push(&mut shared, Speaker::Client, "***");
        } else if let Some(mechanism) = auth_mechanism(line) {
            shared.authenticating.insert(self.connection);
            let text = format!("AUTH {} ***", neutralise(mechanism.as_bytes(), 40));
            self.push(&mut shared, Speaker::Client, &text);
        } else {
            self.push(&mut shared, Speaker::Client, line);
        }
    }

    /// Notes a line that the server sent.
    pub fn server(&self, line: &str) {
        let mut shared = self.lock();
        // 334 asks for the next part of the secret; anything else ends the exchange.
        if !line.starts_with("334") {
            shared.authenticating.remove(&self.connection);
        }
        self.push(&mut shared, Speaker::Server, line);
    }

    /// Notes an event: connected, TLS established, closed, timed out.
    pub fn note(&self, text: &str) {
        self.push(&mut self.lock(), Speaker::Note, text);
    }

    /// All lines so far, over all connections.
    pub fn lines(&self) -> Vec<TranscriptLine> {
        let shared = self.lock();
        shared.last.as_ref().map_or_else(|| shared.lines.clone(), LastLines::shown)
    }

    fn push(&self, shared: &mut Shared, from: Speaker, text: &str) {
        let at_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(last) = &mut shared.last {
            let line = Line { bytes: text.len(), connection: self.connection, at_us, from, tls: self.tls };
            return last.push(line, text);
        }
        let (from, text) = match shared.lines.len() {
            n if n < MAX_LINES => (from, neutralise(text.as_bytes(), MAX_CHARS)),
            MAX_LINES => (Speaker::Note, format!("the transcript ends here, after {MAX_LINES} lines")),
            _ => return,
        };
        shared.lines.push(TranscriptLine { connection: self.connection, at_us, from, tls: self.tls, text });
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The mechanism of an AUTH command; empty where it has none.
fn auth_mechanism(line: &str) -> Option<&str> {
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|verb| verb.eq_ignore_ascii_case("AUTH"))?;
    Some(words.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn texts(transcript: &Transcript) -> Vec<String> {
        transcript.lines().into_iter().map(|line| line.text).collect()
    }

    #[tokio::test]
    async fn secrets_of_an_auth_exchange_are_replaced_until_it_ends() {
        let transcript = Transcript::new(Instant::now());
        let other = transcript.for_connection(2);
        transcript.client("auth PLAIN AHVzZXIAc2VjcmV0");
        transcript.server("535 5.7.8 no");
        transcript.client("AUTH LOGIN");
        transcript.server("334 VXNlcm5hbWU6");
        transcript.client("dXNlcg==");
        other.client("EHLO a.example");
        transcript.server("334 UGFzc3dvcmQ6");
        transcript.client("c2VjcmV0");
        transcript.server("235 2.7.0 ok");
        transcript.client("QUIT");
        assert_eq!(
            texts(&transcript),
            [
                "AUTH PLAIN ***",
                "535 5.7.8 no",
                "AUTH LOGIN ***",
                "334 VXNlcm5hbWU6",
                "***",
                "EHLO a.example",
                "334 UGFzc3dvcmQ6",
                "***",
                "235 2.7.0 ok",
                "QUIT",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn lines_carry_time_connection_speaker_and_tls() {
        let transcript = Transcript::new(Instant::now());
        tokio::time::advance(Duration::from_millis(5)).await;
        transcript.for_connection(3).within_tls().server("220 x");
        let line = transcript.lines().pop().unwrap();
        assert_eq!((line.connection, line.at_us, line.from, line.tls), (3, 5000, Speaker::Server, true));
    }

    #[tokio::test]
    async fn control_characters_become_harmless() {
        let transcript = Transcript::new(Instant::now());
        transcript.server("220 \x1b]0;title\x07\u{202e}evil");
        assert!(texts(&transcript)[0].chars().all(|c| !c.is_control() && c != '\u{202e}'));
    }

    #[tokio::test]
    async fn of_last_lines_the_newest_stay_harmless_and_without_secrets() {
        let transcript = Transcript::of_last_lines(Instant::now(), 200);
        for number in 0..100 {
            transcript.client(&format!("RCPT TO:<{number}@example.com>"));
            transcript.server("250 \x1b[2Jok");
        }
        let lines = texts(&transcript);
        assert_eq!(lines[0], "earlier lines are left out");
        assert_eq!(lines[lines.len() - 2..], ["RCPT TO:<99@example.com>", r"250 \x1b[2Jok"]);
        assert!(lines.iter().map(String::len).sum::<usize>() < 400, "{lines:?}");
        transcript.clear();
        transcript.client("AUTH PLAIN c2VjcmV0");
        transcript.server(&"x".repeat(300));
        assert_eq!(texts(&transcript), Vec::<String>::new(), "a line without room");
        transcript.clear();
        transcript.client("AUTH PLAIN c2VjcmV0");
        assert_eq!(texts(&transcript), ["AUTH PLAIN ***"]);
        assert_eq!(transcript.within_tls().lines(), transcript.lines());
    }

    #[tokio::test]
    async fn a_transcript_is_bounded_and_says_so() {
        let transcript = Transcript::new(Instant::now());
        for _ in 0..MAX_LINES + 50 {
            transcript.server(&"x".repeat(5000));
        }
        let lines = texts(&transcript);
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert!(lines[0].chars().count() <= MAX_CHARS + 1, "{}", lines[0].len());
        assert!(lines[MAX_LINES].contains("ends here"));
    }
}
