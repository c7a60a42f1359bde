//! One session: command after command, each answered.

use std::{
    fmt::{self, Write as _},
    io::Write as _,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use bytes::Buf;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_net::tls::server::ServerTlsFacts;
use waxseal_wire::smtp::{Command, CommandError, LineReader, LineStep, command};

use super::{
    Context,
    access::Standing,
    channel::{Channel, Lost, Wait},
    envelope::Transaction,
    settings::{Kind, Listening, Settings},
};
use crate::event::Event;

/// Whether a session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// With the next command.
    On,
    /// It has ended; what was said is sent yet.
    End,
}

/// How a client said hello.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    /// Its name.
    pub(super) name: String,
    /// By EHLO.
    pub(super) extended: bool,
}

/// Who the client is, by a listed proxy's word where there is one.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// Its address, if known.
    pub(super) address: Option<IpAddr>,
    /// Its name in the DNS, by the proxy.
    pub(super) name: Option<String>,
    /// The user that logged in at the proxy.
    pub(super) login: Option<String>,
    /// The name in its hello to the proxy.
    pub(super) helo: Option<String>,
    /// Whether that was EHLO.
    pub(super) extended: Option<bool>,
    /// A proxy told.
    pub(super) by_proxy: bool,
}

impl Client {
    /// One of whom nothing but its address is known.
    pub(super) fn at(address: Option<IpAddr>) -> Self {
        Self { address, name: None, login: None, helo: None, extended: None, by_proxy: false }
    }
}

/// One session.
pub(super) struct Session<S> {
    pub(super) context: Arc<Context>,
    pub(super) settings: Arc<Settings>,
    pub(super) listening: Listening,
    pub(super) channel: Channel<S>,
    /// The other end of the connection: a client, or a proxy.
    pub(super) peer: SocketAddr,
    pub(super) client: Client,
    pub(super) tls: Option<ServerTlsFacts>,
    pub(super) hello: Option<Hello>,
    pub(super) user: Option<String>,
    pub(super) transaction: Option<Transaction>,
    pub(super) failed_logins: u32,
    reader: LineReader,
    pub(super) line: Vec<u8>,
    errors: u32,
    idle_commands: u32,
    began: Instant,
}

impl<S> Session<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn new(
        stream: S,
        peer: SocketAddr,
        listening: Listening,
        settings: Arc<Settings>,
        context: Arc<Context>,
    ) -> Self {
        Self {
            channel: Channel::new(stream, context.stop.subscribe()),
            client: Client::at(Some(peer.ip())),
            context,
            settings,
            listening,
            peer,
            tls: None,
            hello: None,
            user: None,
            transaction: None,
            failed_logins: 0,
            reader: LineReader::default(),
            line: Vec::new(),
            errors: 0,
            idle_commands: 0,
            began: Instant::now(),
        }
    }

    /// Talks until one of both has enough.
    pub(super) async fn run(mut self) {
        match self.talk().await {
            Ok(()) | Err(Lost::Gone) => {}
            Err(Lost::Timeout) => self.refuse("timeout", 421, "4.4.2", "Too slow, closing the connection"),
            Err(Lost::Stopping) => self.say("421 4.3.2 The relay is stopping, try again later"),
        }
        self.channel.close().await;
    }

    async fn talk(&mut self) -> Result<(), Lost> {
        if self.listening.kind == Kind::Submissions && self.secure().await? == Flow::End {
            return Ok(());
        }
        self.greet();
        loop {
            let flow = match self.next_line().await? {
                LineStep::Line => self.obey_line().await?,
                LineStep::TooLong => {
                    self.refuse_command(&CommandError::TooLong);
                    Flow::On
                }
                // Both sides no longer agree where commands begin: see `wire::smtp::lines`.
                LineStep::BareLf | LineStep::More => {
                    let text =
                        "A line ended in a bare line feed (LF); lines end in CR LF. Closing the connection";
                    self.refuse("command", 500, "5.5.2", text);
                    Flow::End
                }
            };
            if flow == Flow::End || self.has_erred_enough() {
                return Ok(());
            }
            self.channel.relieve().await?;
        }
    }

    pub(super) fn greet(&mut self) {
        // Writing into memory cannot fail.
        let _ = write!(self.channel.replies(), "220 {} ESMTP waxseal\r\n", self.settings.hostname);
    }

    /// Waits for a whole line; it is in `self.line`.
    pub(super) async fn next_line(&mut self) -> Result<LineStep, Lost> {
        let mut waiting = false;
        loop {
            let (consumed, step) = self.reader.next(&self.channel.input, &mut self.line);
            self.channel.input.advance(consumed);
            if step != LineStep::More {
                return Ok(step);
            }
            if !waiting {
                let limits = &self.settings.limits;
                let (now, end) = (Instant::now(), self.began + limits.session_time);
                self.channel.set_deadline(end.min(now + limits.command_timeout));
                waiting = true;
            }
            self.channel.fill(Wait::Command).await?;
        }
    }

    async fn obey_line(&mut self) -> Result<Flow, Lost> {
        if Instant::now() >= self.began + self.settings.limits.session_time {
            return Err(Lost::Timeout);
        }
        let line = std::mem::take(&mut self.line);
        let flow = match command(&line) {
            Ok(command) => self.obey(command).await,
            Err(error) => {
                self.refuse_command(&error);
                Ok(if error == CommandError::Http { Flow::End } else { Flow::On })
            }
        };
        self.line = line;
        flow
    }

    async fn obey(&mut self, command: Command<'_>) -> Result<Flow, Lost> {
        match command {
            Command::Mail { sender, parameters } => return self.mail(sender.as_ref(), &parameters),
            Command::Rcpt { recipient, parameters } => self.rcpt(&recipient, &parameters),
            Command::Data => return self.data().await,
            Command::Bdat { size, last } => return self.bdat(size, last).await,
            Command::Auth { mechanism, initial } => return self.auth(mechanism, initial).await,
            Command::StartTls => return self.start_tls().await,
            Command::Ehlo(name) => self.hello(name, true),
            Command::Helo(name) => self.hello(name, false),
            Command::Xclient(attributes) => self.xclient(attributes),
            Command::Rset => {
                self.transaction = None;
                self.idle();
                self.say("250 2.0.0 Ok");
            }
            Command::Noop => {
                self.idle();
                self.say("250 2.0.0 Ok");
            }
            Command::Vrfy => {
                self.idle();
                self.say("252 2.5.2 Addresses are not verified, RCPT tells");
            }
            Command::Help => {
                self.idle();
                self.say("214 2.0.0 Commands of RFC 5321, and the extensions that EHLO lists");
            }
            Command::Quit => {
                self.say("221 2.0.0 Bye");
                return Ok(Flow::End);
            }
        }
        Ok(Flow::On)
    }

    /// A command that does nothing; too many of them are errors.
    pub(super) fn idle(&mut self) {
        self.idle_commands = self.idle_commands.saturating_add(1);
        if self.idle_commands > self.settings.limits.idle_commands {
            self.errors = self.errors.saturating_add(1);
        }
    }

    /// A message was taken, or a user logged in: what was counted before is forgiven.
    pub(super) fn is_useful(&mut self) {
        self.idle_commands = 0;
        self.errors = 0;
    }

    fn has_erred_enough(&mut self) -> bool {
        let enough = self.errors >= self.settings.limits.errors;
        if enough {
            self.refuse("command", 421, "4.7.0", "Too many errors, closing the connection");
        }
        enough
    }

    /// A reply with its codes, without CR LF.
    pub(super) fn say(&mut self, reply: &str) {
        let replies = self.channel.replies();
        replies.extend_from_slice(reply.as_bytes());
        replies.extend_from_slice(b"\r\n");
    }

    /// A reply that refuses; one that is for good counts as an error of the client.
    pub(super) fn refuse(&mut self, stage: &'static str, code: u16, enhanced: &str, text: impl fmt::Display) {
        let mut reply = String::with_capacity(96);
        // Writing into a string cannot fail.
        let _ = write!(reply, "{code} {enhanced} {text}");
        if code >= 500 {
            self.errors = self.errors.saturating_add(1);
        }
        self.context.emit(&Event::Refused { client: self.client.address, stage, reply: &reply });
        self.say(&reply);
    }

    fn refuse_command(&mut self, error: &CommandError) {
        let (code, enhanced) = error.codes();
        let stage = match error {
            CommandError::Sender(_) => "MAIL",
            CommandError::Recipient(_) => "RCPT",
            _ => "command",
        };
        self.refuse(stage, code, enhanced, error);
    }

    /// The address under which the client is counted.
    pub(super) fn known_by(&self) -> IpAddr {
        self.client.address.unwrap_or(self.peer.ip())
    }

    /// What is known of the client for the decision whether it may relay.
    pub(super) fn standing(&self) -> Standing<'_> {
        // A proxy's certificate says nothing of whom it speaks for.
        let certificate = self.tls.as_ref().and_then(|tls| tls.client.as_ref());
        let certificate = certificate.filter(|certificate| certificate.trusted && !self.client.by_proxy);
        Standing {
            address: self.client.address,
            user: self.user.as_deref().or(self.client.login.as_deref()),
            certificate: certificate.map(|certificate| certificate.name.as_str()),
            could_log_in: !self.mechanisms().is_empty(),
            could_start_tls: self.offers_starttls(),
        }
    }
}
