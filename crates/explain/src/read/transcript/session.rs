//! What happened in a conversation: which command each reply answers, and what became of
//! each recipient.

use std::collections::VecDeque;

use waxseal_model::{
    MailEvent,
    mail::{EnhancedStatus, Outcome, Protection, Source, Stage},
};
use waxseal_wire::text::neutralise;

use super::turn::{Command, Turn};
use crate::read::{problem, words};

/// Recipients of one transcript.
const MOST_RECIPIENTS: usize = 1000;
/// Characters of a reply.
const MOST_TEXT: usize = 4000;
/// Failures that are kept beside those of recipients: the first and the newest ones.
const MOST_FAILURES: usize = 100;
/// Commands that wait for an answer.
const MOST_PENDING: usize = 1000;

/// A whole reply.
#[derive(Debug, Clone, Default)]
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// On one line, the code in front, without enhanced codes that are repeated.
    fn text(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(|line| format!("{} {line}", self.code)).collect();
        words::join(&lines.join("\n").replacen(&format!("{} ", self.code), &format!("{}-", self.code), 1))
    }
}

/// A reply that refused something, or words of the program about what broke.
#[derive(Debug, Clone)]
struct Failure {
    stage: Option<Stage>,
    reply: Option<u16>,
    text: String,
}

/// What became of a recipient so far.
#[derive(Debug, Clone)]
struct Recipient {
    address: String,
    refused: Option<Failure>,
    accepted: bool,
}

/// A conversation as far as it has been read.
#[derive(Debug, Default)]
pub(super) struct Session {
    pending: VecDeque<Stage>,
    reply: Option<Reply>,
    /// The last stage that was reached or asked for.
    at: Option<Stage>,
    greeted: bool,
    /// The program said that the connection stands.
    connected: bool,
    /// Whether any command was seen: some programs write down one side alone.
    commands: bool,
    in_body: bool,
    /// STARTTLS was granted.
    tls: bool,
    /// The handshake came about: the server answered over it.
    encrypted: bool,
    ehlo: Option<Vec<String>>,
    /// A keyword that a firewall has overwritten.
    masked: Option<String>,
    sender: Option<String>,
    asked: VecDeque<usize>,
    recipients: Vec<Recipient>,
    failures: Vec<Failure>,
    finished: Option<Failure>,
    delivered: Option<String>,
    events: Vec<MailEvent>,
}

impl Session {
    /// A line of either side, in order. Notes of the program are not asked for here.
    pub(super) fn hear(&mut self, turn: Turn, marked: bool) {
        match turn {
            Turn::Server { code, more, text } => self.server(code, more, text),
            Turn::Client(command) => {
                if self.in_body && !marked && command != Command::Dot {
                    return;
                }
                self.client(command);
            }
            Turn::Note(_) | Turn::Other => {}
        }
    }

    /// True while the lines are those of the message.
    pub(super) fn in_body(&self) -> bool {
        self.in_body
    }

    /// True where a conversation took place.
    pub(super) fn spoke(&self) -> bool {
        self.greeted || self.commands
    }

    fn server(&mut self, code: u16, more: bool, text: String) {
        let open = self.reply.take_if(|reply| reply.code == code);
        let mut reply = open.unwrap_or_else(|| Reply { code, lines: Vec::new() });
        if reply.lines.len() < 100 {
            reply.lines.push(text);
        }
        if more {
            self.reply = Some(reply);
        } else {
            self.answered(reply);
        }
    }

    fn client(&mut self, command: Command) {
        if let Some(cut) = self.reply.take() {
            self.answered(cut);
        }
        self.commands = true;
        let stage = match command {
            Command::Hello => Stage::Ehlo,
            Command::Starttls => Stage::Starttls,
            Command::Auth => Stage::Auth,
            Command::Mail(sender) => {
                self.end_transaction(None);
                self.sender = Some(sender);
                Stage::Mail
            }
            Command::Rcpt(address) => {
                if self.recipients.len() < MOST_RECIPIENTS {
                    self.asked.push_back(self.recipients.len());
                    self.recipients.push(Recipient { address, refused: None, accepted: false });
                }
                Stage::Rcpt
            }
            Command::Data => Stage::Data,
            Command::Bdat => Stage::EndOfData,
            Command::Dot => {
                self.in_body = false;
                if self.pending.contains(&Stage::EndOfData) { return } else { Stage::EndOfData }
            }
            Command::Rset | Command::Quit | Command::Other => Stage::Quit,
        };
        self.at = Some(stage);
        if self.pending.len() < MOST_PENDING {
            self.pending.push_back(stage);
        }
    }

    /// The stage that a reply answers, by the command before it or, where only the server
    /// was written down, by what it says.
    fn stage_of(&mut self, reply: &Reply) -> Option<Stage> {
        if self.pending.front() == Some(&Stage::Auth) && reply.code == 334 {
            return Some(Stage::Auth);
        }
        if let Some(stage) = self.pending.pop_front() {
            return Some(stage);
        }
        if !self.greeted && !self.commands {
            return Some(Stage::Greeting);
        }
        let first = reply.lines.first().map(|line| line.to_ascii_lowercase()).unwrap_or_default();
        match reply.code {
            // Nobody has asked for anything: another server greets, or the same one again.
            220 if self.commands && first.contains("smtp") => Some(Stage::Greeting),
            220 if self.greeted => Some(Stage::Starttls),
            250 if reply.lines.len() > 2 => Some(Stage::Ehlo),
            334 | 235 | 535 => Some(Stage::Auth),
            354 => Some(Stage::Data),
            221 => Some(Stage::Quit),
            250 if first.contains("queued") => Some(Stage::EndOfData),
            421 => self.at,
            _ => None,
        }
    }

    fn answered(&mut self, reply: Reply) {
        let stage = self.stage_of(&reply);
        if stage.is_some() {
            self.at = stage;
        }
        if reply.code < 400 {
            self.granted(stage, reply);
        } else {
            self.refused(stage, &reply);
        }
    }

    fn granted(&mut self, stage: Option<Stage>, reply: Reply) {
        let forget = |failures: &mut Vec<Failure>, stages: &[Stage]| {
            failures.retain(|failure| failure.stage.is_none_or(|stage| !stages.contains(&stage)));
        };
        // After QUIT a server says good-bye to whom the handshake failed, too.
        self.encrypted |= self.tls && !matches!(stage, Some(Stage::Greeting | Stage::Quit));
        match stage {
            Some(Stage::Greeting) => {
                self.greeted = true;
                (self.tls, self.encrypted) = (false, false);
            }
            Some(Stage::Ehlo) => {
                self.greeted = true;
                forget(&mut self.failures, &[Stage::Ehlo]);
                let masked = reply.lines.iter().find(|line| is_masked(line)).cloned();
                self.masked = self.masked.take().or(masked);
                self.ehlo = Some(reply.lines);
            }
            Some(Stage::Starttls) => self.tls = true,
            Some(Stage::Auth) if reply.code == 235 => forget(&mut self.failures, &[Stage::Auth]),
            Some(Stage::Mail) => forget(&mut self.failures, &[Stage::Mail, Stage::Auth, Stage::Starttls]),
            Some(Stage::Rcpt) => {
                let asked = self.asked.pop_front();
                if let Some(recipient) = asked.and_then(|i| self.recipients.get_mut(i)) {
                    recipient.accepted = true;
                }
            }
            Some(Stage::Data) if reply.code == 354 => {
                self.in_body = true;
                self.at = Some(Stage::EndOfData);
                self.pending.push_front(Stage::EndOfData);
            }
            Some(Stage::EndOfData) => {
                self.in_body = false;
                self.delivered = Some(reply.text());
            }
            _ => {}
        }
    }

    fn refused(&mut self, stage: Option<Stage>, reply: &Reply) {
        self.in_body = false;
        let failure = Failure { stage, reply: Some(reply.code), text: reply.text() };
        match stage {
            Some(Stage::Rcpt) => {
                let asked = self.asked.pop_front();
                match asked.and_then(|i| self.recipients.get_mut(i)) {
                    Some(recipient) => recipient.refused = Some(failure),
                    None => self.fail(failure),
                }
            }
            Some(Stage::Data | Stage::EndOfData) => self.finished = Some(failure),
            Some(Stage::Quit) => {}
            _ => self.fail(failure),
        }
    }

    fn fail(&mut self, failure: Failure) {
        if self.failures.len() >= MOST_FAILURES {
            self.failures.remove(1);
        }
        self.failures.push(failure);
    }

    /// Makes events of what is known about the recipients of the message so far. `broken`:
    /// what the program said about the end of it all.
    fn end_transaction(&mut self, broken: Option<&Failure>) {
        let recipients = std::mem::take(&mut self.recipients);
        let (finished, delivered) = (self.finished.take(), self.delivered.take());
        // What refused the sender refused the message; the answers to RCPT after it are echoes.
        let before = self.failures.iter().rev().find(|failure| !is_echo(failure)).cloned();
        for recipient in &recipients {
            let own = recipient.refused.as_ref().filter(|refused| before.is_none() || !is_echo(refused));
            let failure = match (own, recipient.accepted) {
                (Some(own), _) => Some(own),
                (None, true) if delivered.is_some() => None,
                (None, true) => finished.as_ref().or(before.as_ref()).or(broken),
                (None, false) => before.as_ref().or(recipient.refused.as_ref()).or(broken),
            };
            let event = match (failure, &delivered) {
                (Some(failure), _) => self.event(Some(recipient), failure),
                (None, Some(text)) if recipient.accepted => {
                    let done =
                        Failure { stage: Some(Stage::EndOfData), reply: code_of(text), text: text.clone() };
                    self.event(Some(recipient), &done)
                }
                (None, _) => continue,
            };
            self.events.push(event);
        }
        if !recipients.is_empty() {
            self.failures.clear();
        } else if let Some(finished) = finished {
            self.fail(finished);
        } else if let Some(text) = delivered {
            let done = Failure { stage: Some(Stage::EndOfData), reply: code_of(&text), text };
            let event = self.event(None, &done);
            self.events.push(event);
        }
        self.asked.clear();
    }

    /// The events of the whole conversation. `said`: the trouble that the program itself wrote
    /// about, and how far the session had come by then.
    pub(super) fn finish(mut self, said: Option<(problem::Problem, Option<Stage>)>) -> Vec<MailEvent> {
        if let Some(cut) = self.reply.take() {
            self.answered(cut);
        }
        let broken = said.as_ref().map(|(said, reached)| self.broken(said, *reached));
        self.end_transaction(broken.as_ref());
        let failures = std::mem::take(&mut self.failures);
        let session =
            failures.iter().find(|failure| !is_echo(failure)).or(failures.first()).or(broken.as_ref());
        if let (true, Some(failure)) = (self.events.is_empty(), session) {
            let event = self.event(None, failure);
            self.events.push(event);
        }
        let (offers, remarks) = self.context(said.as_ref().map(|(said, _)| said));
        for event in &mut self.events {
            event.context.extend(offers.iter().cloned());
            // Once the server has answered, what the program says of the end is an echo; what
            // it says of TLS is not.
            let tells = |line: &&String| event.reply.is_none() || is_about_tls(line);
            let new = |line: &&String| !event.text.contains(line.as_str());
            event.context.extend(remarks.iter().filter(tells).filter(new).cloned());
        }
        self.events
    }

    /// A remark of the program: what it says of the connection, and how far the session has
    /// come by then.
    pub(super) fn remark(&mut self, note: &str) -> Option<Stage> {
        self.connected |= note.contains("Connected to") || note.starts_with("CONNECTED(");
        match self.at {
            Some(Stage::Starttls) if self.tls => Some(Stage::Tls),
            None if self.connected && !self.greeted => Some(Stage::Greeting),
            None if !self.greeted => None,
            at => self.pending.front().copied().or(at),
        }
    }

    /// What a program says about the end: a reply that it quotes, or its own words. `reached`:
    /// how far the session had come.
    fn broken(&self, said: &problem::Problem, reached: Option<Stage>) -> Failure {
        let text = words::join(&said.text);
        let reply = words::codes(&text).iter().find_map(|code| code.reply.filter(|reply| *reply >= 400));
        let meant = words::stage(&text, reply.is_some());
        // "Timed out" says nothing about the moment; the conversation does.
        let stage = match (meant, reached) {
            (Some(Stage::Connect | Stage::Dns), Some(reached)) => Some(reached),
            (Some(meant), _) => Some(meant),
            (None, Some(reached)) => Some(reached),
            (None, None) => Some(Stage::Connect),
        };
        // STARTTLS is missing because a firewall took it out: that is the cause, and has to
        // stand where the cause is looked for.
        let text = match &self.masked {
            Some(masked) if stage == Some(Stage::Starttls) && !self.tls => format!("250-{masked} ({text})"),
            _ => text,
        };
        Failure { stage, reply, text }
    }

    fn event(&self, recipient: Option<&Recipient>, failure: &Failure) -> MailEvent {
        let outcome = match failure.reply {
            Some(200..=399) => Outcome::Delivered,
            Some(400..=499) => Outcome::Deferred,
            Some(_) => Outcome::Failed,
            None => Outcome::Unknown,
        };
        let code = words::codes(&failure.text).into_iter().find(|code| code.reply == failure.reply);
        let status: Option<EnhancedStatus> = code.and_then(|code| code.status);
        MailEvent {
            source: Source { format: "transcript".into(), ..Source::default() },
            outcome,
            recipient: recipient.map(|r| neutralise(r.address.as_bytes(), 320)).filter(|r| !r.is_empty()),
            sender: self.sender.as_ref().map(|sender| neutralise(sender.as_bytes(), 320)),
            reply: failure.reply,
            status,
            stage: failure.stage,
            text: neutralise(failure.text.as_bytes(), MOST_TEXT),
            // What kept TLS from coming about was said without it.
            protection: (self.encrypted && failure.stage != Some(Stage::Tls))
                .then_some(Protection::Encrypted),
            ..MailEvent::default()
        }
    }

    /// What the server offers, and what the program said besides.
    fn context(&self, said: Option<&problem::Problem>) -> (Vec<String>, Vec<String>) {
        let mut offers = Vec::new();
        if let Some(masked) = &self.masked {
            offers.push(format!("EHLO answer: 250-{masked}"));
        }
        if let Some(lines) = &self.ehlo {
            // In words that no rule takes for an error.
            let with = if self.offers("STARTTLS") { "with" } else { "without" };
            if !self.tls {
                offers.push(format!("EHLO answer {with} STARTTLS"));
            }
            let auth =
                lines.iter().find(|line| keyword(line) == "AUTH" || keyword(line).starts_with("AUTH="));
            offers.extend(auth.map(|auth| format!("EHLO answer: {auth}")));
        }
        let remarks =
            said.map(|said| [std::slice::from_ref(&said.text), &said.context].concat()).unwrap_or_default();
        let clean = |lines: Vec<String>| {
            lines.iter().take(12).map(|line| neutralise(line.as_bytes(), 1000)).collect::<Vec<_>>()
        };
        (clean(offers), clean(remarks))
    }

    fn offers(&self, wanted: &str) -> bool {
        self.ehlo.iter().flatten().any(|line| keyword(line) == wanted)
    }
}

fn keyword(line: &str) -> String {
    line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase()
}

/// `XXXXXXXA`: what a Cisco firewall leaves of a keyword.
fn is_masked(line: &str) -> bool {
    let word = keyword(line);
    word.len() >= 6 && word.bytes().filter(|b| *b == b'X').count() + 1 >= word.len()
}

fn is_about_tls(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    ["certificate", "verify", "tls", "ssl"].iter().any(|word| lower.contains(word))
}

fn code_of(text: &str) -> Option<u16> {
    text.get(..3).and_then(|code| code.parse().ok())
}

/// A reply that only says that an earlier command was refused.
fn is_echo(failure: &Failure) -> bool {
    let lower = failure.text.to_ascii_lowercase();
    let said = [
        "need rcpt",
        "need mail",
        "valid recipients",
        "valid recipient",
        "no recipients",
        "rcpt first",
        "mail first",
        "rcpt to first",
        "mail from first",
        "need recipient",
        "sender first",
        "recipient first",
        "sender needed",
        "need sender",
        "bad sequence",
        "nested mail",
        "issue rcpt",
        "specify recipient",
        "recipients (rcpt",
        "all recipients were rejected",
    ];
    matches!(failure.reply, Some(500..=503 | 554 | 451)) && said.iter().any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_failures_the_first_and_the_newest_are_kept() {
        let mut session = Session::default();
        for n in 0..10 * MOST_FAILURES {
            session.hear(Turn::Client(Command::Hello), true);
            session.hear(Turn::Server { code: 503, more: false, text: format!("bad sequence {n}") }, true);
            assert!(session.failures.len() <= MOST_FAILURES);
        }
        let texts: Vec<&str> = session.failures.iter().map(|failure| failure.text.as_str()).collect();
        assert_eq!(texts.first(), Some(&"503 bad sequence 0"));
        assert_eq!(texts.last(), Some(&"503 bad sequence 999"));
    }
}
