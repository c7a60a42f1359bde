//! The message itself: DATA, BDAT, and what is done with it when it is whole.

use std::{collections::HashSet, io::Write as _};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_store::spool::{Arrival, BodyKind, Envelope, NewMessage, NewRecipient, SpoolError};
use waxseal_wire::smtp::{
    Content, ContentError, ContentLimits, DataReader, HeaderFacts, PIECE, Received, header_facts,
};

use super::{
    channel::{Lost, Wait},
    conversation::{Flow, Session},
    envelope::{Transaction, refusal},
    held::Held,
    now,
    trace::{Trace, lines, protocol},
};
use crate::event::Event;

/// From this size on data is read in larger pieces.
const LARGE: u64 = 64 * 1024;

impl<S> Session<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) async fn data(&mut self) -> Result<Flow, Lost> {
        match &self.transaction {
            None => self.refuse("DATA", 503, "5.5.1", "Say MAIL and RCPT first"),
            Some(open) if open.chunks.is_some() => {
                self.refuse("DATA", 503, "5.5.1", "The message has begun by BDAT and goes on by it");
            }
            Some(open) if open.recipients.is_empty() => {
                self.refuse("DATA", 554, "5.5.1", "No valid recipients");
            }
            Some(_) => return self.read_data().await,
        }
        Ok(Flow::On)
    }

    async fn read_data(&mut self) -> Result<Flow, Lost> {
        let Some(transaction) = self.transaction.take() else { return Ok(Flow::On) };
        self.say("354 End data with <CR><LF>.<CR><LF>");
        let mut reader = DataReader::new(Content::new(self.content_limits(), transaction.announced));
        let mut held = self.held();
        let until = Instant::now() + self.settings.limits.message_time;
        let mut came = 0;
        loop {
            let (consumed, ended) = reader.feed(&self.channel.input);
            self.channel.input.advance(consumed);
            if ended {
                break;
            }
            came += consumed as u64;
            if came > self.most_bytes() {
                return Ok(self.refuse_flood("end of DATA"));
            }
            let content = reader.content();
            if !held.grow_to(content.size()) {
                content.fail(ContentError::NoRoom);
            }
            let size = content.size();
            self.wait_for_data(until, size).await?;
        }
        self.take(transaction, reader.finish(), "end of DATA").await
    }

    /// Waits for more of a message that has so many bytes and must be whole by then.
    async fn wait_for_data(&mut self, until: Instant, size: u64) -> Result<(), Lost> {
        let pause = Instant::now() + self.settings.limits.data_timeout;
        self.channel.set_deadline(until.min(pause));
        self.channel.fill(if size > LARGE { Wait::MuchData } else { Wait::Data }).await
    }

    fn content_limits(&self) -> ContentLimits {
        ContentLimits { size: self.settings.limits.message_size, line: self.settings.limits.line }
    }

    fn held(&self) -> Held {
        Held::new(&self.context.incoming, self.settings.limits.memory)
    }

    /// Bytes that are read of a message that is refused already, so that the client hears of
    /// it: a client that looks at the limit of EHLO never comes near.
    fn most_bytes(&self) -> u64 {
        self.settings.limits.message_size.saturating_mul(2).saturating_add(1 << 20)
    }

    fn refuse_flood(&mut self, stage: &'static str) -> Flow {
        let most = self.settings.limits.message_size;
        let text = format_args!("A message may have at most {most} bytes. Closing the connection");
        self.refuse(stage, 552, "5.3.4", text);
        Flow::End
    }

    /// A chunk (RFC 3030 section 2). Its bytes are read even where it is refused: the client
    /// sends them without waiting for a reply.
    pub(super) async fn bdat(&mut self, size: u64, last: bool) -> Result<Flow, Lost> {
        if size > self.most_bytes() {
            return Ok(self.refuse_flood("BDAT"));
        }
        let refused = match &self.transaction {
            None => Some((503, "Say MAIL and RCPT first; after a refused chunk, RSET")),
            Some(open) if open.recipients.is_empty() => Some((554, "No valid recipients")),
            Some(_) => None,
        };
        if let Some((code, text)) = refused {
            self.read_chunk(size, None).await?;
            self.refuse("BDAT", code, "5.5.1", text);
            return Ok(Flow::On);
        }
        let Some(mut transaction) = self.transaction.take() else { return Ok(Flow::On) };
        let (mut content, mut held) = transaction.chunks.take().unwrap_or_else(|| {
            let announced = transaction.announced.or(Some(size));
            (Content::new(self.content_limits(), announced), self.held())
        });
        self.read_chunk(size, Some((&mut content, &mut held))).await?;
        if last {
            return self.take(transaction, content.finish(), "BDAT").await;
        }
        match content.error() {
            Some(error) => {
                let (code, enhanced) = error.codes();
                self.refuse("BDAT", code, enhanced, error);
            }
            None => {
                transaction.chunks = Some((content, held));
                self.transaction = Some(transaction);
                // Writing into memory cannot fail.
                let _ = write!(self.channel.replies(), "250 2.0.0 {size} bytes received\r\n");
            }
        }
        Ok(Flow::On)
    }

    /// Exactly so many bytes, into the message if there is one.
    async fn read_chunk(
        &mut self,
        size: u64,
        mut into: Option<(&mut Content, &mut Held)>,
    ) -> Result<(), Lost> {
        let until = Instant::now() + self.settings.limits.message_time;
        let mut missing = size;
        while missing > 0 {
            if self.channel.input.is_empty() {
                self.wait_for_data(until, size).await?;
            }
            let there = self.channel.input.len();
            let count = usize::try_from(missing).map_or(there, |missing| missing.min(there));
            if let (Some((content, held)), Some(bytes)) = (&mut into, self.channel.input.get(..count)) {
                content.chunk(bytes);
                if !held.grow_to(content.size()) {
                    content.fail(ContentError::NoRoom);
                }
            }
            self.channel.input.advance(count);
            missing -= count as u64;
        }
        Ok(())
    }

    /// The message is whole: it is refused, or kept safe and answered.
    async fn take(
        &mut self,
        transaction: Transaction,
        content: Result<Received, ContentError>,
        stage: &'static str,
    ) -> Result<Flow, Lost> {
        let received = match content {
            Ok(received) => received,
            Err(error) => {
                let (code, enhanced) = error.codes();
                self.refuse(stage, code, enhanced, error);
                return Ok(Flow::On);
            }
        };
        let header = received.parts.first().map_or_else(|| header_facts(b""), |first| header_facts(first));
        if !header.ended && received.parts.len() > 1 {
            self.refuse(stage, 552, "5.3.4", format_args!("The header has more than {PIECE} bytes"));
            return Ok(Flow::On);
        }
        if header.received > self.settings.limits.hops {
            let text = format_args!("A mail loop: {} servers had this message already", header.received);
            self.refuse(stage, 554, "5.4.6", text);
            return Ok(Flow::On);
        }
        let message = self.message(transaction, received, &header);
        self.keep(message, stage).await
    }

    async fn keep(&mut self, message: NewMessage, stage: &'static str) -> Result<Flow, Lost> {
        // The envelope goes along with the message and is wanted for the event.
        let envelope = message.envelope.clone();
        let recipients = message.recipients.len();
        let size = message.body.iter().map(|part| part.len() as u64).sum();
        let context = std::sync::Arc::clone(&self.context);
        match context.intake.take(message).await {
            Ok(id) => {
                context.emit(&Event::Accepted { id, envelope: &envelope, recipients, size });
                // Writing into memory cannot fail.
                let _ = write!(self.channel.replies(), "250 2.0.0 Ok: queued as {id}\r\n");
                self.is_useful();
            }
            Err(SpoolError::Closed) => return Err(Lost::Stopping),
            Err(error) => {
                let (code, enhanced, text) = refusal(&error);
                self.refuse(stage, code, enhanced, text);
            }
        }
        Ok(Flow::On)
    }

    fn message(&self, transaction: Transaction, received: Received, header: &HeaderFacts) -> NewMessage {
        let now = now();
        let standing = self.standing();
        let helo = self.hello.as_ref().map_or("", |hello| &hello.name);
        let helo = self.client.helo.as_deref().unwrap_or(helo);
        let extended = self.hello.as_ref().is_some_and(|hello| hello.extended);
        let extended = self.client.extended.unwrap_or(extended);
        let protocol = protocol(extended, transaction.smtputf8, self.tls.is_some(), standing.user.is_some());
        let trace = self.context.trace_id();
        let recipients = without_duplicates(transaction.recipients);
        let top = lines(
            &Trace {
                hostname: &self.settings.hostname,
                helo,
                name: self.client.name.as_deref(),
                client: standing.address,
                protocol,
                id: &trace,
                tls: self.tls.as_ref(),
                recipient: match recipients.as_slice() {
                    [only] => Some(&only.address),
                    _ => None,
                },
                now,
            },
            header,
            self.listening.kind.is_submission(),
        );
        let mut body = Vec::with_capacity(received.parts.len() + 1);
        body.push(Bytes::from(top));
        body.extend(received.parts);
        let expire = i64::try_from(self.settings.expire.as_secs()).unwrap_or(i64::MAX);
        NewMessage {
            envelope: Envelope {
                sender: transaction.sender,
                envid: transaction.envid,
                ret: transaction.ret,
                body: if received.eight_bit { BodyKind::EightBitMime } else { BodyKind::SevenBit },
                smtputf8: transaction.smtputf8,
                require_tls: transaction.require_tls,
                // The parameter counts more (RFC 8689 section 4.1).
                tls_required_no: header.tls_required_no && !transaction.require_tls,
                arrival: Arrival {
                    client: standing.address,
                    helo: helo.to_owned(),
                    user: standing.user.or(standing.certificate).map(str::to_owned),
                    protocol: protocol.to_owned(),
                    trace,
                },
            },
            recipients,
            body,
            received_at: now,
            expires_at: now.saturating_add(expire),
        }
    }
}

/// A recipient that was named twice gets the message once.
fn without_duplicates(mut recipients: Vec<NewRecipient>) -> Vec<NewRecipient> {
    if recipients.len() > 1 {
        let mut seen = HashSet::with_capacity(recipients.len());
        recipients.retain(|recipient| seen.insert(recipient.address.clone()));
    }
    recipients
}
