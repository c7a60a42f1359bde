//! An SMTP session as a client: one reply at a time, bounded in time and bytes.
//!
//! Probes and deliveries speak through this type, so both see servers alike. It works over
//! anything that carries bytes: a TCP connection in clear, TLS, or a pipe in tests. What it
//! does not do is decide what to say. Several commands in one write, and messages, are in
//! `pipeline`.

mod data;
mod pipeline;

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use waxseal_model::smtp::Reply;
use waxseal_wire::smtp::{Limits, ReplyReader};

use crate::{
    error::{NetError, PARTIAL_BYTES},
    transcript::Transcript,
};

/// Bounds of a session. Within them the session's own deadline holds as well.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// Time for a reply that no command asked for: the greeting. Servers delay it on
    /// purpose (postscreen 6 s, others up to 20 s), RFC 5321 section 4.5.3.2.1 asks
    /// clients for 5 minutes.
    pub greeting: Duration,
    /// Time for the reply to one command, with the sending of it.
    pub command: Duration,
    /// Bounds of one reply.
    pub reply: Limits,
    /// Bytes of early data that are kept (see [`SmtpSession::early_data`]).
    pub early_bytes: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            greeting: Duration::from_secs(30),
            command: Duration::from_secs(15),
            reply: Limits::default(),
            early_bytes: 1024,
        }
    }
}

/// One SMTP conversation over a stream.
#[derive(Debug)]
pub struct SmtpSession<S> {
    stream: S,
    reader: ReplyReader,
    transcript: Transcript,
    limits: SessionLimits,
    deadline: Instant,
    /// Commands that wait to be sent, and how many they are.
    queue: (String, usize),
    /// Replies that are owed to commands that were sent by [`Self::send`].
    outstanding: usize,
    /// What the server said before it was asked, as the answer to what is asked next.
    early: Option<Reply>,
    /// Why sending failed, to be told when nothing more can be read.
    unsent: Option<NetError>,
}

/// What has come in the step at hand.
#[derive(Default)]
struct Progress {
    received: u64,
    partial: Vec<u8>,
}

impl Progress {
    fn note(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        let room = PARTIAL_BYTES.saturating_sub(self.partial.len());
        self.partial.extend(bytes.iter().take(room));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> SmtpSession<S> {
    /// A session over a stream that stands. All steps together must end by `deadline`.
    pub fn new(stream: S, transcript: Transcript, limits: SessionLimits, deadline: Instant) -> Self {
        let reader = ReplyReader::new(limits.reply);
        Self {
            stream,
            reader,
            transcript,
            limits,
            deadline,
            queue: (String::new(), 0),
            outstanding: 0,
            early: None,
            unsent: None,
        }
    }

    /// The handle under which this session is recorded.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Time for the reply to one command.
    pub(crate) fn command_time(&self) -> Duration {
        self.limits.command
    }

    /// The end of all steps.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits for a reply that no command asks for: the greeting.
    ///
    /// # Errors
    /// Time is up, the connection ended, or what came is no reply; the error keeps the
    /// first bytes of it.
    pub async fn read_reply(&mut self, stage: &'static str) -> Result<Reply, NetError> {
        self.reply_within(self.limits.greeting, stage).await
    }

    /// Sends one command and waits for its reply.
    ///
    /// # Errors
    /// As [`Self::read_reply`]; also if `line` contains a control character (nothing is
    /// sent), and if the server had already said something that is no 421.
    pub async fn command(&mut self, line: &str, stage: &'static str) -> Result<Reply, NetError> {
        self.commands(&[line], stage).await
    }

    /// Sends several commands in one write and waits for the reply to the first. The other
    /// replies are the caller's to read.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub async fn commands(&mut self, lines: &[&str], stage: &'static str) -> Result<Reply, NetError> {
        if lines.iter().any(|line| line.chars().any(char::is_control)) {
            return Err(NetError::Command { stage });
        }
        if self.reader.buffered() > 0 {
            return self.unasked(stage);
        }
        let until = (Instant::now() + self.limits.command).min(self.deadline);
        let mut bytes = String::new();
        for line in lines {
            self.transcript.client(line);
            bytes.push_str(line);
            bytes.push_str("\r\n");
        }
        let started = Instant::now();
        let sent = timeout_at(until, async {
            self.stream.write_all(bytes.as_bytes()).await?;
            self.stream.flush().await
        });
        match sent.await {
            Ok(Ok(())) => self.reply_until(until, started, stage).await,
            // The reason may lie in what the server said before it closed: a 421.
            Ok(Err(error)) => {
                let error = NetError::from_io(&error, stage, 0, &[]);
                self.reply_until(until, started, stage).await.map_err(|_| error)
            }
            Err(_) => Err(self.timed_out(started, stage, Progress::default())),
        }
    }

    /// How many bytes came after the last complete reply. After the 220 to STARTTLS there
    /// must be none: whatever is there was not protected by TLS.
    pub fn buffered_after_reply(&self) -> usize {
        self.reader.buffered()
    }

    /// Takes the bytes that came after the last complete reply, and those that come within
    /// `look`; zero takes only what has arrived. At most [`SessionLimits::early_bytes`].
    pub async fn early_data(&mut self, look: Duration) -> Vec<u8> {
        let mut early = self.reader.take_rest();
        let until = (Instant::now() + look).min(self.deadline);
        let mut buffer = [0; 512];
        while early.len() < self.limits.early_bytes {
            match timeout_at(until, self.stream.read(&mut buffer)).await {
                Ok(Ok(n)) if n > 0 => early.extend(buffer.iter().take(n)),
                _ => break,
            }
        }
        early.truncate(self.limits.early_bytes);
        early
    }

    /// What the session goes through.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// The stream, for TLS to take over. Bytes that are still buffered are lost: call
    /// [`Self::early_data`] first.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// Takes leave: QUIT, its reply, and the end of the stream (with TLS, close_notify),
    /// all within `patience`. What goes wrong is of no interest any more.
    pub async fn quit(mut self, patience: Duration) {
        self.deadline = self.deadline.min(Instant::now() + patience);
        let _ = self.command("QUIT", "QUIT").await;
        let _ = timeout_at(self.deadline, self.stream.shutdown()).await;
    }

    async fn reply_within(&mut self, patience: Duration, stage: &'static str) -> Result<Reply, NetError> {
        let started = Instant::now();
        self.reply_until((started + patience).min(self.deadline), started, stage).await
    }

    async fn reply_until(
        &mut self,
        until: Instant,
        started: Instant,
        stage: &'static str,
    ) -> Result<Reply, NetError> {
        let mut progress = Progress::default();
        let mut buffer = [0; 2048];
        loop {
            match self.reader.next() {
                Ok(Some(reply)) => {
                    self.record(&reply);
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(reason) => {
                    let error = NetError::Reply { stage, reason, partial: progress.partial };
                    self.transcript.note(&error.to_string());
                    return Err(error);
                }
            }
            let read = match timeout_at(until, self.stream.read(&mut buffer)).await {
                Err(_) => return Err(self.timed_out(started, stage, progress)),
                Ok(read) => read,
            };
            match read {
                Ok(0) => {
                    let Progress { received, partial } = progress;
                    return Err(self.ended(NetError::Closed { stage, received, partial }));
                }
                Ok(n) => {
                    let bytes = buffer.get(..n).unwrap_or_default();
                    progress.note(bytes);
                    self.reader.push(bytes);
                }
                Err(error) => {
                    let Progress { received, partial } = progress;
                    return Err(self.ended(NetError::from_io(&error, stage, received, &partial)));
                }
            }
        }
    }

    /// The server spoke before it was asked. A 421 may come at any time (RFC 5321 section
    /// 3.8) and answers whatever would have been asked; after anything else, replies and
    /// commands no longer belong together.
    fn unasked(&mut self, stage: &'static str) -> Result<Reply, NetError> {
        let mut said = self.reader.take_rest();
        let mut again = ReplyReader::new(self.limits.reply);
        again.push(&said);
        if let Ok(Some(reply)) = again.next()
            && reply.code == 421
        {
            self.record(&reply);
            return Ok(reply);
        }
        said.truncate(PARTIAL_BYTES);
        Err(self.ended(NetError::Unasked { stage, partial: said }))
    }

    fn timed_out(&self, started: Instant, stage: &'static str, progress: Progress) -> NetError {
        let Progress { received, partial } = progress;
        self.ended(NetError::Timeout { stage, after: started.elapsed(), received, partial })
    }

    fn ended(&self, error: NetError) -> NetError {
        self.transcript.note(&error.to_string());
        error
    }

    fn record(&self, reply: &Reply) {
        let last = reply.lines.len().saturating_sub(1);
        for (number, line) in reply.lines.iter().enumerate() {
            let separator = if number == last { ' ' } else { '-' };
            self.transcript.server(&format!("{}{separator}{line}", reply.code));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::DuplexStream,
        net::{TcpListener, TcpStream},
    };
    use waxseal_model::{Cause, smtp::Speaker};

    use super::*;

    fn session_over<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> SmtpSession<S> {
        let now = Instant::now();
        let limits = SessionLimits::default();
        SmtpSession::new(stream, Transcript::new(now), limits, now + Duration::from_secs(60))
    }

    fn session() -> (SmtpSession<DuplexStream>, DuplexStream) {
        let (ours, server) = tokio::io::duplex(1 << 16);
        (session_over(ours), server)
    }

    #[tokio::test]
    async fn a_reply_split_at_every_byte_is_read_whole() {
        let (mut session, mut server) = session();
        let writer = tokio::spawn(async move {
            for byte in b"220-mx.example teaser\r\n220 mx.example ESMTP\r\n" {
                server.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            server
        });
        let reply = session.read_reply("greeting").await.unwrap();
        assert_eq!((reply.code, reply.lines.len()), (220, 2));
        assert_eq!(session.buffered_after_reply(), 0);
        drop(writer.await.unwrap());
    }

    #[tokio::test]
    async fn a_command_and_its_reply_are_in_the_transcript_in_order() {
        let (mut session, mut server) = session();
        server.write_all(b"250-mx.example\r\n250 STARTTLS\r\n").await.unwrap();
        // Unasked bytes are noticed only once they have been read, so this is an answer.
        let reply = session.command("EHLO client.example", "EHLO").await.unwrap();
        assert_eq!(reply.lines, ["mx.example", "STARTTLS"]);
        let lines: Vec<_> = session.transcript().lines().into_iter().map(|l| (l.from, l.text)).collect();
        assert_eq!(
            lines,
            [
                (Speaker::Client, "EHLO client.example".to_owned()),
                (Speaker::Server, "250-mx.example".to_owned()),
                (Speaker::Server, "250 STARTTLS".to_owned()),
            ]
        );
        let mut sent = [0; 21];
        server.read_exact(&mut sent).await.unwrap();
        assert_eq!(&sent, b"EHLO client.example\r\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_per_second_ends_at_the_stage_limit_and_the_bytes_are_counted() {
        let (mut session, mut server) = session();
        let tarpit = tokio::spawn(async move {
            let drip = b"220-tarpit ".iter().cycle();
            for byte in drip {
                if server.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let started = Instant::now();
        let error = session.read_reply("greeting").await.unwrap_err();
        assert_eq!(started.elapsed().as_secs(), 30);
        let NetError::Timeout { received, partial, .. } = &error else { panic!("{error}") };
        assert!((29..=31).contains(received), "{received}");
        assert!(partial.starts_with(b"220-tarpit"));
        assert!(error.to_string().contains("bytes came"), "{error}");
        tarpit.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_of_the_session_holds_over_that_of_the_stage() {
        let (ours, _server) = tokio::io::duplex(64);
        let started = Instant::now();
        let deadline = started + Duration::from_secs(3);
        let mut session =
            SmtpSession::new(ours, Transcript::new(started), SessionLimits::default(), deadline);
        let error = session.read_reply("greeting").await.unwrap_err();
        assert_eq!(started.elapsed().as_secs(), 3);
        assert!(error.to_string().contains("it sent nothing"), "{error}");
    }

    #[tokio::test]
    async fn an_endless_banner_and_an_endless_line_are_cut_off() {
        for chunk in [&b"220-one more line\r\n"[..], b"220-one more word "] {
            let (mut session, mut server) = session();
            let flood = tokio::spawn(async move { while server.write_all(chunk).await.is_ok() {} });
            let error = session.read_reply("greeting").await.unwrap_err();
            assert_eq!(error.why().cause, Cause::TooLarge, "{error}");
            assert!(error.partial().starts_with(b"220-one more"));
            drop(session);
            flood.await.unwrap();
        }
    }

    #[tokio::test]
    async fn another_protocol_is_an_error_that_keeps_its_first_bytes() {
        let (mut session, mut server) = session();
        server.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").await.unwrap();
        let error = session.read_reply("greeting").await.unwrap_err();
        assert_eq!(error.why().cause, Cause::Protocol);
        assert_eq!(error.partial(), b"SSH-2.0-OpenSSH_9.2p1\r\n");
    }

    #[tokio::test]
    async fn a_close_in_the_middle_of_a_reply_is_told() {
        let (mut session, mut server) = session();
        server.write_all(b"220-half").await.unwrap();
        drop(server);
        let error = session.read_reply("greeting").await.unwrap_err();
        assert!(matches!(&error, NetError::Closed { received: 8, .. }), "{error}");
    }

    #[tokio::test]
    async fn a_reset_is_told_apart_from_a_close() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        server.set_zero_linger().unwrap();
        drop(server);
        let error = session_over(ours).read_reply("greeting").await.unwrap_err();
        assert!(error.is_reset(), "{error}");
    }

    #[tokio::test]
    async fn a_421_sent_before_the_server_closed_is_the_answer_to_the_command() {
        let (mut session, mut server) = session();
        server.write_all(b"421 4.7.0 too many connections\r\n").await.unwrap();
        drop(server);
        let reply = session.command("EHLO client.example", "EHLO").await.unwrap();
        assert_eq!(reply.code, 421);
    }

    #[tokio::test]
    async fn replies_nobody_asked_for_are_not_taken_for_answers_but_a_421_is() {
        let (mut session, mut server) = session();
        server.write_all(b"220 a\r\n250 STARTTLS\r\n").await.unwrap();
        session.read_reply("greeting").await.unwrap();
        let error = session.command("EHLO client.example", "EHLO").await.unwrap_err();
        assert!(
            matches!(&error, NetError::Unasked { partial, .. } if partial == b"250 STARTTLS\r\n"),
            "{error}"
        );

        let (mut session, mut server) = self::session();
        server.write_all(b"220 a\r\n421 going down\r\n").await.unwrap();
        session.read_reply("greeting").await.unwrap();
        assert_eq!(session.command("EHLO client.example", "EHLO").await.unwrap().code, 421);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_after_the_220_to_starttls_are_kept_as_evidence() {
        let (mut session, mut server) = session();
        server.write_all(b"220 ready\r\n250 inje").await.unwrap();
        assert_eq!(session.command("STARTTLS", "STARTTLS").await.unwrap().code, 220);
        assert_eq!(session.buffered_after_reply(), 8);
        server.write_all(b"cted\r\n").await.unwrap();
        assert_eq!(session.early_data(Duration::from_millis(20)).await, b"250 injected\r\n");
        let started = Instant::now();
        assert_eq!(session.early_data(Duration::ZERO).await, b"");
        assert!(started.elapsed() < Duration::from_millis(5));
        server.write_all(&[b'x'; 5000]).await.unwrap();
        assert_eq!(session.early_data(Duration::from_millis(20)).await.len(), 1024);
    }

    #[tokio::test]
    async fn a_command_of_two_lines_is_not_sent() {
        let (mut session, mut server) = session();
        for line in ["EHLO a\r\nMAIL FROM:<>", "EHLO a\nb", "EHLO \0"] {
            let error = session.command(line, "EHLO").await.unwrap_err();
            assert_eq!(error, NetError::Command { stage: "EHLO" });
        }
        drop(session);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn leaving_says_quit_and_does_not_wait_for_ever() {
        let (session, mut server) = session();
        let started = Instant::now();
        session.quit(Duration::from_millis(500)).await;
        assert_eq!(started.elapsed().as_millis(), 500);
        let mut sent = Vec::new();
        server.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent, b"QUIT\r\n");
    }
}
