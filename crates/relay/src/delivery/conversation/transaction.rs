//! MAIL, RCPT, DATA and the message: the only code that writes them.

use std::fmt;

use bytes::Bytes;
use tokio::time::{Duration, Instant};
use waxseal_judge::delivery::{Permit, Protection};
use waxseal_model::smtp::Reply;
use waxseal_net::NetError;
use waxseal_store::spool::{BodyKind, Envelope, Notify, Ret};

use super::{Answer, Conversation, Offers, Patience};
use crate::delivery::{
    job::JobRecipient,
    outcome::{Missing, Stage, is_too_many_recipients, of_reply, of_reply_in_clear},
};

/// How long what the host may have said is waited for after it broke off a message.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A message and those it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter<'a> {
    pub(crate) envelope: &'a Envelope,
    pub(crate) recipients: &'a [JobRecipient],
    pub(crate) body: &'a [Bytes],
    pub(crate) size: u64,
}

/// What came of a transaction, by the positions of recipients in the letter.
#[derive(Debug, Default)]
pub(crate) struct Transacted {
    /// Those with an answer.
    pub(crate) answers: Vec<(usize, Answer)>,
    /// Those for whom this transaction had no room, with the reply that said so.
    pub(crate) rest: Vec<(usize, Answer)>,
    /// The host has not said a word but for a farewell: where the connection is not new, it
    /// may just have been closed in idleness.
    pub(crate) unheard: bool,
}

/// True if an address can stand between angle brackets without ending them or the line.
pub(crate) fn is_writable(address: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for c in address.chars() {
        match c {
            c if c.is_control() => return false,
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ' ' | '<' | '>' if !quoted => return false,
            _ => {}
        }
    }
    !quoted
}

impl Letter<'_> {
    /// An extension that the message needs and the host lacks. Nothing is converted: that
    /// would break signatures, and RFC 6152 section 3 forbids to send bytes above 127 to a
    /// host that has not asked for them.
    fn lacks(&self, offers: &Offers, to: &[usize]) -> Option<Missing> {
        if offers.size.flatten().is_some_and(|limit| self.size > limit) {
            return Some(Missing::Size);
        }
        if self.is_utf8(to) && !offers.smtputf8 && self.needs_utf8(to) {
            return Some(Missing::SmtpUtf8);
        }
        let eight_bit = self.envelope.body == BodyKind::EightBitMime && !offers.eight_bit;
        (eight_bit && !self.body.iter().all(|part| part.is_ascii())).then_some(Missing::EightBitMime)
    }

    /// True if the message is said to be internationalised, or its addresses are.
    fn is_utf8(&self, to: &[usize]) -> bool {
        self.envelope.smtputf8 || !self.addresses_are_ascii(to)
    }

    fn addresses_are_ascii(&self, to: &[usize]) -> bool {
        let mut recipients = to.iter().filter_map(|at| self.recipients.get(*at));
        self.envelope.sender.is_ascii() && recipients.all(|recipient| recipient.address.is_ascii())
    }

    /// True if it really is: some clients always ask for SMTPUTF8.
    fn needs_utf8(&self, to: &[usize]) -> bool {
        !self.addresses_are_ascii(to) || !self.header_is_ascii()
    }

    /// Whether all bytes before the first empty line are ASCII.
    fn header_is_ascii(&self) -> bool {
        let mut line_is_empty = true;
        for byte in self.body.iter().flatten() {
            match byte {
                b'\n' if line_is_empty => return true,
                b'\n' => line_is_empty = true,
                b'\r' => {}
                byte if !byte.is_ascii() => return false,
                _ => line_is_empty = false,
            }
        }
        true
    }
}

impl Conversation {
    /// Sends a message to some of its recipients, by their positions in the letter, in one
    /// transaction: up to the final dot by `deadline`. Who has a [`Permit`] asked the decision;
    /// that the channel is what it speaks of is checked once more.
    pub(crate) async fn transact(
        &mut self,
        permit: Permit,
        letter: &Letter<'_>,
        to: &[usize],
        patience: &Patience,
        deadline: Instant,
    ) -> Transacted {
        let mut dialogue = Dialogue {
            pipelined: self.offers.pipelining,
            conversation: self,
            letter,
            to,
            patience,
            accepted: Vec::with_capacity(to.len()),
            heard: false,
            result: Transacted::default(),
        };
        if let Some(missing) = letter.lacks(&dialogue.conversation.offers, to) {
            dialogue.answer_open(&Answer::of_missing(missing));
            return dialogue.result;
        }
        if !dialogue.conversation.is_what(permit) {
            dialogue.conversation.spoilt = true;
            let detail = "the channel is not what the decision allows".to_owned();
            dialogue.answer_open(&Answer::of_loss(Stage::Mail, &NetError::Tls { stage: "MAIL", detail }));
            return dialogue.result;
        }
        dialogue.conversation.session.set_deadline(deadline);
        if let Err(answer) = dialogue.run().await {
            dialogue.conversation.spoilt = true;
            dialogue.result.unheard = !dialogue.heard;
            dialogue.answer_open(&answer);
        }
        dialogue.conversation.messages += 1;
        dialogue.result
    }

    fn is_what(&self, permit: Permit) -> bool {
        match permit.protection() {
            Protection::Clear { .. } => !self.is_tls(),
            Protection::Encrypted | Protection::Authenticated { .. } => self.is_tls(),
        }
    }
}

/// One transaction as it goes on.
struct Dialogue<'a> {
    conversation: &'a mut Conversation,
    letter: &'a Letter<'a>,
    to: &'a [usize],
    patience: &'a Patience,
    pipelined: bool,
    accepted: Vec<usize>,
    /// The host has answered something, or at least not hung up.
    heard: bool,
    result: Transacted,
}

/// The lines that are said.
#[derive(Clone, Copy)]
enum Line {
    Rset,
    Mail,
    Rcpt(usize),
    Data,
}

impl Line {
    fn stage(self) -> Stage {
        match self {
            Self::Rset | Self::Mail => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data => Stage::Data,
        }
    }
}

/// An answer that ends the conversation; it holds for all who have none of their own.
type Step<T> = Result<T, Answer>;

impl Dialogue<'_> {
    async fn run(&mut self) -> Step<()> {
        let reset = std::mem::replace(&mut self.conversation.unfinished, true);
        if self.pipelined {
            self.queue_all(reset)?;
            self.send(Stage::Mail).await?;
        }
        if reset {
            let reply = self.step(Line::Rset).await?;
            if !reply.is_positive() {
                return Err(Answer::of_reply(Stage::Mail, &reply));
            }
        }
        let mail = self.step(Line::Mail).await?;
        let welcome = mail.is_positive();
        if !welcome {
            self.answer_open(&self.come_to(Stage::Mail, &mail));
            self.conversation.unfinished = false;
            if !self.pipelined {
                return Ok(());
            }
        }
        for at in self.to {
            let reply = self.step(Line::Rcpt(*at)).await?;
            if welcome {
                self.take_recipient(*at, &reply);
            }
        }
        if self.accepted.is_empty() && !self.pipelined {
            return Ok(());
        }
        let data = self.step(Line::Data).await?;
        match (data.code == 354, self.accepted.is_empty()) {
            (true, false) => self.message().await,
            (true, true) => self.nothing().await,
            (false, true) => Ok(()),
            (false, false) => {
                self.answer_open(&self.come_to(Stage::Data, &data));
                Ok(())
            }
        }
    }

    /// What a reply comes to on this channel.
    fn come_to(&self, stage: Stage, reply: &Reply) -> Answer {
        let mut answer = Answer::of_reply(stage, reply);
        if !self.conversation.is_tls() {
            answer.outcome = of_reply_in_clear(stage, reply.code);
        }
        answer
    }

    fn take_recipient(&mut self, at: usize, reply: &Reply) {
        if reply.is_positive() {
            return self.accepted.push(at);
        }
        let mut answer = self.come_to(Stage::Rcpt, reply);
        if !self.accepted.is_empty() && is_too_many_recipients(reply.code, reply.enhanced.as_deref()) {
            // Should there be no other transaction, it waits.
            answer.outcome = of_reply(Stage::Rcpt, 452);
            self.result.rest.push((at, answer));
        } else {
            self.result.answers.push((at, answer));
        }
    }

    /// The message, and what the host says to it.
    async fn message(&mut self) -> Step<()> {
        let session = &mut self.conversation.session;
        let sent = session.message(self.letter.body, self.patience.block, Stage::Data.word()).await;
        if let Err(error) = sent {
            self.conversation.spoilt = true;
            return Err(self.broken_off(error).await);
        }
        // Whatever time is left: who goes now does not know whether the message was taken.
        session.set_deadline(Instant::now() + self.patience.end_of_data);
        let reply = session.reply(self.patience.end_of_data, Stage::EndOfData.word()).await;
        let reply = reply.map_err(|error| Answer::of_loss(Stage::EndOfData, &error))?;
        self.conversation.unfinished = false;
        self.conversation.spoilt |= reply.code == 421;
        self.answer_open(&self.come_to(Stage::EndOfData, &reply));
        Ok(())
    }

    /// A message that did not go out to its end was not taken. Why may have been said.
    async fn broken_off(&mut self, error: NetError) -> Answer {
        if matches!(error, NetError::Closed { .. } | NetError::Reset { .. }) {
            let said = self.conversation.session.reply(LAST_WORDS, Stage::EndOfData.word()).await;
            if let Ok(reply) = said
                && reply.code >= 400
            {
                return Answer::of_reply(Stage::EndOfData, &reply);
            }
        }
        Answer::of_loss(Stage::Data, &error)
    }

    /// The host says go on although it took no recipient: a lone dot (RFC 2920 section 3.1).
    async fn nothing(&mut self) -> Step<()> {
        let lost = |error| Answer::of_loss(Stage::Data, &error);
        let session = &mut self.conversation.session;
        session.message(&[], self.patience.block, Stage::Data.word()).await.map_err(lost)?;
        session.reply(self.patience.end_of_data, Stage::EndOfData.word()).await.map_err(lost)?;
        self.conversation.unfinished = false;
        Ok(())
    }

    fn queue_all(&mut self, reset: bool) -> Step<()> {
        if reset {
            self.queue(Line::Rset)?;
        }
        self.queue(Line::Mail)?;
        for at in self.to {
            self.queue(Line::Rcpt(*at))?;
        }
        self.queue(Line::Data)
    }

    fn queue(&mut self, line: Line) -> Step<()> {
        let Conversation { session, offers, .. } = &mut *self.conversation;
        let written = Written { line, letter: self.letter, offers, to: self.to };
        let stage = line.stage();
        session.queue(format_args!("{written}"), stage.word()).map_err(|e| Answer::of_loss(stage, &e))
    }

    async fn send(&mut self, stage: Stage) -> Step<()> {
        let patience = self.patience_at(stage);
        let sent = self.conversation.session.send(patience, stage.word()).await;
        sent.map_err(|error| self.lost(stage, &error))
    }

    fn lost(&mut self, stage: Stage, error: &NetError) -> Answer {
        self.heard |= matches!(error, NetError::Timeout { .. });
        Answer::of_loss(stage, error)
    }

    /// The reply to a line, which is said now unless all were said at once.
    async fn step(&mut self, line: Line) -> Step<Reply> {
        let stage = line.stage();
        if !self.pipelined {
            self.queue(line)?;
            self.send(stage).await?;
        }
        let patience = self.patience_at(stage);
        let reply = self.conversation.session.reply(patience, stage.word()).await;
        let reply = reply.map_err(|error| self.lost(stage, &error))?;
        if reply.code == 421 {
            return Err(Answer::of_reply(stage, &reply));
        }
        self.heard = true;
        Ok(reply)
    }

    fn patience_at(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Rcpt => self.patience.rcpt,
            Stage::Data => self.patience.data,
            Stage::EndOfData => self.patience.end_of_data,
            _ => self.patience.mail,
        }
    }

    /// Gives an answer to all who have none.
    fn answer_open(&mut self, answer: &Answer) {
        let Transacted { answers, rest, .. } = &mut self.result;
        let answered = answers.len();
        for at in self.to {
            let has = |known: &[(usize, Answer)]| known.iter().any(|(other, _)| other == at);
            if !has(answers.get(..answered).unwrap_or_default()) && !has(rest) {
                answers.push((*at, answer.clone()));
            }
        }
    }
}

/// A line as it is written, with the parameters that the host offers.
struct Written<'a> {
    line: Line,
    letter: &'a Letter<'a>,
    offers: &'a Offers,
    to: &'a [usize],
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Line::Rset => f.write_str("RSET"),
            Line::Data => f.write_str("DATA"),
            Line::Mail => self.mail(f),
            Line::Rcpt(at) => match self.letter.recipients.get(at) {
                Some(recipient) => self.recipient(f, recipient),
                None => Err(fmt::Error),
            },
        }
    }
}

impl Written<'_> {
    fn mail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (envelope, offers) = (self.letter.envelope, self.offers);
        write!(f, "MAIL FROM:<{}>", envelope.sender)?;
        if offers.size.is_some() {
            write!(f, " SIZE={}", self.letter.size)?;
        }
        if offers.eight_bit && envelope.body == BodyKind::EightBitMime {
            f.write_str(" BODY=8BITMIME")?;
        }
        if offers.smtputf8 && self.letter.is_utf8(self.to) {
            f.write_str(" SMTPUTF8")?;
        }
        if offers.requiretls && envelope.require_tls {
            f.write_str(" REQUIRETLS")?;
        }
        if offers.dsn {
            match envelope.ret {
                Some(Ret::Full) => f.write_str(" RET=FULL")?,
                Some(Ret::Hdrs) => f.write_str(" RET=HDRS")?,
                None => {}
            }
            if let Some(envid) = envelope.envid.as_deref().filter(|text| is_one_word(text)) {
                write!(f, " ENVID={envid}")?;
            }
        }
        Ok(())
    }

    fn recipient(&self, f: &mut fmt::Formatter<'_>, recipient: &JobRecipient) -> fmt::Result {
        write!(f, "RCPT TO:<{}>", recipient.address)?;
        if self.offers.dsn {
            if let Some(notify) = recipient.notify {
                f.write_str(" NOTIFY=")?;
                write_notify(f, notify)?;
            }
            if let Some(orcpt) = recipient.orcpt.as_deref().filter(|text| is_one_word(text)) {
                write!(f, " ORCPT={orcpt}")?;
            }
        }
        Ok(())
    }
}

fn write_notify(f: &mut fmt::Formatter<'_>, notify: Notify) -> fmt::Result {
    let Notify { success, failure, delay } = notify;
    let words = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
    let mut words = words.into_iter().filter(|(wanted, _)| *wanted).map(|(_, word)| word);
    f.write_str(words.next().unwrap_or("NEVER"))?;
    words.try_for_each(|word| write!(f, ",{word}"))
}

/// What can be a parameter's value; anything else is left out rather than sent.
fn is_one_word(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
