//! What was said to a server and by it, line by line.

use std::{
    collections::BTreeSet,
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
    /// Connections in the middle of an AUTH exchange.
    authenticating: BTreeSet<u32>,
}

impl Transcript {
    /// An empty transcript; times count from `started`. The handle writes as connection 1.
    pub fn new(started: Instant) -> Self {
        Self { shared: Arc::default(), started, connection: 1, tls: false }
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
        let text = if shared.authenticating.contains(&self.connection) {
            "***".into()
        } else if let Some(mechanism) = auth_mechanism(line) {
            shared.authenticating.insert(self.connection);
            format!("AUTH {} ***", neutralise(mechanism.as_bytes(), 40))
        } else {
            neutralise(line.as_bytes(), MAX_CHARS)
        };
        self.push(&mut shared, Speaker::Client, text);
    }

    /// Notes a line that the server sent.
    pub fn server(&self, line: &str) {
        let mut shared = self.lock();
        // 334 asks for the next part of the secret; anything else ends the exchange.
        if !line.starts_with("334") {
            shared.authenticating.remove(&self.connection);
        }
        self.push(&mut shared, Speaker::Server, neutralise(line.as_bytes(), MAX_CHARS));
    }

    /// Notes an event: connected, TLS established, closed, timed out.
    pub fn note(&self, text: &str) {
        self.push(&mut self.lock(), Speaker::Note, neutralise(text.as_bytes(), MAX_CHARS));
    }

    /// All lines so far, over all connections.
    pub fn lines(&self) -> Vec<TranscriptLine> {
        self.lock().lines.clone()
    }

    fn push(&self, shared: &mut Shared, from: Speaker, text: String) {
        let (from, text) = match shared.lines.len() {
            n if n < MAX_LINES => (from, text),
            MAX_LINES => (Speaker::Note, format!("the transcript ends here, after {MAX_LINES} lines")),
            _ => return,
        };
        let at_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
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
