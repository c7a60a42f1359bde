//! A small SMTP server that takes any message and throws it away, and its deviations.

use std::io::Result;

use tokio::net::TcpStream;

use super::{
    Site,
    breakdown::{Breakdown, How, Stage},
    greeting::{Greeting, greet},
    lines::{Lines, Stream},
    tls::{Engine, Tls},
};
use crate::handmade::break_down;

/// Commands taken on one connection.
const MAX_COMMANDS: usize = 1000;
/// Lines of a message taken.
const MAX_MESSAGE_LINES: usize = 200_000;

/// An SMTP server; the default is a sound one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Smtp {
    pub(crate) greeting: Greeting,
    pub(crate) ehlo: Ehlo,
    pub(crate) starttls: StartTls,
    pub(crate) auth: Auth,
    pub(crate) requiretls: RequireTls,
    /// Every so many connections one is refused with 421.
    pub(crate) busy_every: Option<u32>,
    /// More connections than this in a minute are refused with 421.
    pub(crate) per_minute: Option<usize>,
    pub(crate) pipelined: Pipelined,
    /// What every recipient gets, instead of 250.
    pub(crate) recipient: Option<&'static str>,
    /// An extension that is not offered.
    pub(crate) without: Option<&'static str>,
    pub(crate) breakdown: Option<Breakdown>,
    pub(crate) tls: Tls,
}

/// What EHLO gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Ehlo {
    /// The list of extensions.
    #[default]
    Accepted,
    /// 421 and the end.
    Busy,
    /// The end without a word.
    Dropped,
    /// 502; only HELO is known.
    Unknown,
}

/// What STARTTLS gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum StartTls {
    /// It is offered and works.
    #[default]
    Works,
    /// It is not offered.
    Absent,
    /// A device on the path has overwritten the keyword, and would the command.
    Overwritten,
    /// It is offered and answered with this.
    Refused(&'static str),
    /// It is offered on every second connection only.
    Sometimes,
    /// It works, but more plaintext comes in one piece with the 220 (CVE-2011-0411 the
    /// other way round: an attacker's reply injected before TLS).
    Injecting(&'static str),
}

/// What becomes of commands that come in one piece with STARTTLS, so before TLS
/// (CVE-2011-0411).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Pipelined {
    /// They are dropped, as RFC 3207 section 4.2 demands.
    #[default]
    Dropped,
    /// They are executed within TLS.
    Kept,
    /// They are answered in clear, in one piece with the 220.
    AnsweredInClear,
    /// STARTTLS gets 554, and the connection ends.
    Refused,
}

/// Whether and where AUTH is offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Not at all: a server for incoming mail.
    #[default]
    Nowhere,
    /// Within TLS, and needed to send: a submission server.
    WithinTls,
    /// Everywhere, so passwords can be sent in clear.
    Everywhere,
}

/// Where REQUIRETLS (RFC 8689) is offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum RequireTls {
    /// Not at all.
    #[default]
    Nowhere,
    /// Within TLS, as section 2 of the RFC has it.
    WithinTls,
    /// Before TLS only, where it means nothing.
    BeforeTls,
}

/// Serves one connection that begins in clear.
pub(crate) async fn serve_clear(tcp: TcpStream, smtp: &Smtp, engine: &Engine, site: &Site) -> Result<()> {
    let mut lines = Lines::new(tcp);
    if site.crowded || smtp.busy_every.is_some_and(|n| site.number.is_multiple_of(n)) {
        return lines.send(b"421 4.7.0 Too many connections, try again later\r\n").await;
    }
    if let Some(how) = site.breaks(Stage::Greeting) {
        if let How::Reply(reply) | How::Refusal(reply) = how {
            lines.send(format!("{reply}\r\n").as_bytes()).await?;
        }
        return break_down(lines.into_stream(), how).await;
    }
    if !greet(&mut lines, smtp.greeting, site).await? {
        lines.close().await;
        return Ok(());
    }
    let mut talk = Talk::new(lines, smtp, site, false);
    match talk.run().await? {
        End::Closed => {
            talk.lines.close().await;
            Ok(())
        }
        End::Broken(how) => break_down(talk.lines.into_stream(), how).await,
        End::StartTls => {
            let kept = match smtp.pipelined {
                Pipelined::Kept => talk.lines.take_rest(),
                _ => Vec::new(),
            };
            let Some(secured) = engine.accept(talk.lines.into_stream(), site).await? else { return Ok(()) };
            within_tls(Lines::with_rest(secured, kept), smtp, site).await
        }
    }
}

/// Serves one connection with TLS from the first byte.
pub(crate) async fn serve_implicit(tcp: TcpStream, smtp: &Smtp, engine: &Engine, site: &Site) -> Result<()> {
    let Some(secured) = engine.accept(tcp, site).await? else { return Ok(()) };
    let mut lines = Lines::new(secured);
    if !greet(&mut lines, smtp.greeting, site).await? {
        lines.close().await;
        return Ok(());
    }
    within_tls(lines, smtp, site).await
}

/// The conversation within TLS.
async fn within_tls<S: Stream>(lines: Lines<S>, smtp: &Smtp, site: &Site) -> Result<()> {
    let mut talk = Talk::new(lines, smtp, site, true);
    if let End::Broken(How::Hang) = talk.run().await? {
        while talk.lines.next().await?.is_some() {}
    }
    talk.lines.close().await;
    Ok(())
}

/// Why a conversation ended.
enum End {
    Closed,
    StartTls,
    Broken(How),
}

/// What to do after a command.
enum Next {
    Go(String),
    Stop(String),
    StartTls(String),
    Vanish,
}

/// A conversation; a new one begins, with nothing remembered, after STARTTLS.
struct Talk<'a, S> {
    lines: Lines<S>,
    smtp: &'a Smtp,
    site: &'a Site,
    tls: bool,
    greeted: bool,
    sender: bool,
    recipients: usize,
}

impl<'a, S: Stream> Talk<'a, S> {
    fn new(lines: Lines<S>, smtp: &'a Smtp, site: &'a Site, tls: bool) -> Self {
        Self { lines, smtp, site, tls, greeted: false, sender: false, recipients: 0 }
    }

    async fn run(&mut self) -> Result<End> {
        for _ in 0..MAX_COMMANDS {
            let Some(line) = self.lines.next().await? else { return Ok(End::Closed) };
            self.site.note(format!("{}{line}", if self.tls { "(TLS) " } else { "" }));
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            if let Some(how) = self.stage(&verb).and_then(|stage| self.site.breaks(stage)) {
                match how {
                    How::Reply(reply) => self.lines.send(format!("{reply}\r\n").as_bytes()).await?,
                    How::Refusal(reply) => {
                        self.lines.send(format!("{reply}\r\n").as_bytes()).await?;
                        continue;
                    }
                    How::Hang | How::Reset | How::Close => {}
                }
                return Ok(End::Broken(how));
            }
            let next = match verb.as_str() {
                "DATA" if self.recipients > 0 => self.data().await?,
                "AUTH" => self.auth(rest).await?,
                verb => self.answer(verb, rest),
            };
            match next {
                Next::Go(reply) => self.lines.send(reply.as_bytes()).await?,
                Next::StartTls(reply) => {
                    self.lines.send(reply.as_bytes()).await?;
                    return Ok(End::StartTls);
                }
                Next::Stop(reply) => {
                    self.lines.send(reply.as_bytes()).await?;
                    return Ok(End::Closed);
                }
                Next::Vanish => return Ok(End::Closed),
            }
        }
        self.lines.send(b"421 4.7.0 Too many commands\r\n").await?;
        Ok(End::Closed)
    }

    /// The stage at which a server may break down with this command.
    fn stage(&self, verb: &str) -> Option<Stage> {
        match verb {
            _ if self.tls => Some(Stage::WithinTls),
            "EHLO" => Some(Stage::Ehlo),
            "STARTTLS" => Some(Stage::StartTls),
            _ => None,
        }
    }

    fn answer(&mut self, verb: &str, rest: &str) -> Next {
        let go = |reply: &str| Next::Go(format!("{reply}\r\n"));
        match verb {
            "EHLO" => self.ehlo(rest),
            "HELO" if rest.is_empty() => go("501 5.5.4 HELO needs a name"),
            "HELO" => {
                self.reset(true);
                go(&format!("250 {}", self.site.host))
            }
            "STARTTLS" => self.starttls(rest),
            "MAIL" if !self.greeted => go("503 5.5.1 Say EHLO first"),
            "MAIL" if self.smtp.auth == Auth::WithinTls => go("530 5.7.0 Authentication required"),
            "MAIL" if !rest.to_ascii_uppercase().starts_with("FROM:") => go("501 5.5.4 MAIL FROM:<address>"),
            "MAIL" => {
                self.sender = true;
                go("250 2.1.0 Sender accepted")
            }
            "RCPT" if !self.sender => go("503 5.5.1 Say MAIL first"),
            "RCPT" if !rest.to_ascii_uppercase().starts_with("TO:") => go("501 5.5.4 RCPT TO:<address>"),
            "RCPT" if let Some(reply) = self.smtp.recipient => go(reply),
            "RCPT" => {
                self.recipients = self.recipients.saturating_add(1);
                go("250 2.1.5 Recipient accepted")
            }
            "DATA" => go("503 5.5.1 Say RCPT first"),
            "RSET" => {
                self.reset(self.greeted);
                go("250 2.0.0 Forgotten")
            }
            "NOOP" => go("250 2.0.0 Still here"),
            "VRFY" => go("252 2.0.0 Send some mail, it will be thrown away"),
            "QUIT" => Next::Stop(format!("221 2.0.0 {} closes\r\n", self.site.host)),
            _ => go("500 5.5.2 Not understood"),
        }
    }

    fn reset(&mut self, greeted: bool) {
        (self.greeted, self.sender, self.recipients) = (greeted, false, 0);
    }

    fn ehlo(&mut self, rest: &str) -> Next {
        match self.smtp.ehlo {
            Ehlo::Busy => return Next::Stop("421 4.3.2 The system is busy\r\n".into()),
            Ehlo::Dropped => return Next::Vanish,
            Ehlo::Unknown => return Next::Go("502 5.5.1 EHLO is not implemented\r\n".into()),
            Ehlo::Accepted if rest.is_empty() => return Next::Go("501 5.5.4 EHLO needs a name\r\n".into()),
            Ehlo::Accepted => {}
        }
        self.reset(true);
        let mut keywords = vec!["PIPELINING", "SIZE 10240000"];
        if !self.tls {
            match self.smtp.starttls {
                StartTls::Works | StartTls::Refused(_) | StartTls::Injecting(_) => keywords.push("STARTTLS"),
                StartTls::Sometimes if self.offered_this_time() => keywords.push("STARTTLS"),
                StartTls::Overwritten => keywords.push("XXXXXXXA"),
                StartTls::Absent | StartTls::Sometimes => {}
            }
        }
        if self.offers_auth() {
            keywords.push("AUTH PLAIN LOGIN");
        }
        let offered = match self.smtp.requiretls {
            RequireTls::Nowhere => false,
            RequireTls::WithinTls => self.tls,
            RequireTls::BeforeTls => !self.tls,
        };
        if offered {
            keywords.push("REQUIRETLS");
        }
        keywords.extend(["ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"]);
        keywords.retain(|keyword| Some(*keyword) != self.smtp.without);
        let last = keywords.len();
        let mut reply = format!("250-{} greets {rest}\r\n", self.site.host);
        for (n, keyword) in keywords.into_iter().enumerate() {
            let separator = if n + 1 == last { ' ' } else { '-' };
            reply.push_str(&format!("250{separator}{keyword}\r\n"));
        }
        Next::Go(reply)
    }

    fn offers_auth(&self) -> bool {
        match self.smtp.auth {
            Auth::Nowhere => false,
            Auth::WithinTls => self.tls,
            Auth::Everywhere => true,
        }
    }

    fn offered_this_time(&self) -> bool {
        self.site.number % 2 == 1
    }

    fn starttls(&mut self, rest: &str) -> Next {
        let go = |reply: &str| Next::Go(format!("{reply}\r\n"));
        if self.tls {
            return go("503 5.5.1 TLS is on already");
        }
        if !rest.is_empty() {
            return go("501 5.5.4 STARTTLS takes no parameter");
        }
        match self.smtp.starttls {
            StartTls::Works => self.begin(),
            StartTls::Sometimes if self.offered_this_time() => self.begin(),
            StartTls::Injecting(more) => Next::StartTls(format!("220 2.0.0 Begin\r\n{more}\r\n")),
            StartTls::Refused(reply) => go(reply),
            StartTls::Absent | StartTls::Sometimes => go("502 5.5.1 STARTTLS is not implemented"),
            // The device overwrites the command as well, so the server sees rubbish.
            StartTls::Overwritten => go("500 5.5.2 Not understood"),
        }
    }

    /// Goes on to TLS, with what came too early.
    fn begin(&mut self) -> Next {
        let mut reply = "220 2.0.0 Begin\r\n".to_owned();
        match self.smtp.pipelined {
            Pipelined::Dropped | Pipelined::Kept => {}
            Pipelined::Refused => {
                if self.lines.waiting().is_some() {
                    return Next::Stop("554 5.5.0 Nothing may follow STARTTLS before TLS\r\n".into());
                }
            }
            Pipelined::AnsweredInClear => {
                while let Some(line) = self.lines.waiting() {
                    let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
                    match self.answer(&verb.to_ascii_uppercase(), rest) {
                        Next::Go(more) | Next::Stop(more) | Next::StartTls(more) => reply.push_str(&more),
                        Next::Vanish => {}
                    }
                }
            }
        }
        Next::StartTls(reply)
    }

    async fn data(&mut self) -> Result<Next> {
        self.lines.send(b"354 End with a dot on a line of its own\r\n").await?;
        for _ in 0..MAX_MESSAGE_LINES {
            match self.lines.next().await? {
                None => return Ok(Next::Vanish),
                Some(line) if line == "." => {
                    self.reset(true);
                    return Ok(Next::Go("250 2.0.0 Accepted and thrown away\r\n".into()));
                }
                Some(_) => {}
            }
        }
        Ok(Next::Stop("552 5.3.4 Too large\r\n".into()))
    }

    /// Nobody has an account here: every password is wrong.
    async fn auth(&mut self, rest: &str) -> Result<Next> {
        if !self.offers_auth() {
            return Ok(Next::Go("502 5.5.1 AUTH is not offered\r\n".into()));
        }
        if !rest.trim().contains(' ') {
            self.lines.send(b"334 \r\n").await?;
            if self.lines.next().await?.is_none() {
                return Ok(Next::Vanish);
            }
        }
        Ok(Next::Go("535 5.7.8 No such account\r\n".into()))
    }
}
