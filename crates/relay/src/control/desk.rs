//! Who answers an operator: from the queue alone, or with the help of the running relay.

use std::{future::Future, pin::Pin, sync::Arc};

use waxseal_model::queue::{QueueWatch, QueuedMessage, QueuedRecipient, RelayStatus};
use waxseal_store::spool::{Change, Changed, MessageId, Recipient, Selector, Spool, State, StoredMessage};

use super::protocol::{Answer, Request, Verb};

/// A future of the running relay.
pub type LiveFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What only a running relay can say or do.
pub trait Live: Send + Sync + 'static {
    /// The state as a whole but for the time of the oldest message that waits, and that message.
    fn status(&self) -> (RelayStatus, Option<MessageId>);
    /// The sites that are watched.
    fn watched(&self) -> Vec<QueueWatch>;
    /// The operator has changed these recipients.
    fn changed(&self, recipients: &[Changed], change: Change);
    /// The decision for a domain: as data and in words.
    fn policy<'a>(
        &'a self,
        domain: &'a str,
        sender: &'a str,
    ) -> LiveFuture<'a, Result<(serde_json::Value, String), String>>;
    /// Asks a watched site now.
    fn probe<'a>(&'a self, name: &'a str) -> LiveFuture<'a, Result<String, String>>;
    /// Forgets the MTA-STS policy of a domain.
    fn forget_sts<'a>(&'a self, domain: &'a str) -> LiveFuture<'a, Result<String, String>>;
    /// Reads the configuration anew.
    fn reload(&self) -> LiveFuture<'_, Result<String, String>>;
}

/// Answers requests.
pub struct Desk {
    spool: Arc<dyn Spool>,
    live: Option<Arc<dyn Live>>,
}

impl Desk {
    /// A desk over the queue; without `live`, of a relay that does not run.
    pub fn new(spool: Arc<dyn Spool>, live: Option<Arc<dyn Live>>) -> Self {
        Self { spool, live }
    }

    /// Answers one request at this time (seconds since 1970-01-01 UTC).
    pub async fn answer(&self, request: Request, now: i64) -> Answer {
        let result = match request {
            Request::Status => self.status().await,
            Request::List { selector, limit } => self.list(selector, limit).await,
            Request::Body { message } => self.body(MessageId(message)).await,
            Request::Change { selector, verb, dry_run } => self.change(selector, verb, dry_run, now).await,
            Request::Policy { domain, sender } => match self.live() {
                Ok(live) => {
                    live.policy(&domain, &sender).await.map(|(policy, text)| Answer::Policy { policy, text })
                }
                Err(text) => Err(text),
            },
            Request::Probe { name } => match self.live() {
                Ok(live) => live.probe(&name).await.map(|text| Answer::Done { text }),
                Err(text) => Err(text),
            },
            Request::ForgetSts { domain } => match self.live() {
                Ok(live) => live.forget_sts(&domain).await.map(|text| Answer::Done { text }),
                Err(text) => Err(text),
            },
            Request::Reload => match self.live() {
                Ok(live) => live.reload().await.map(|text| Answer::Done { text }),
                Err(text) => Err(text),
            },
        };
        result.unwrap_or_else(|text| Answer::Refused { text })
    }

    fn live(&self) -> Result<&dyn Live, String> {
        self.live.as_deref().ok_or_else(|| "the relay does not run".to_owned())
    }

    async fn status(&self) -> Result<Answer, String> {
        if let Some(live) = &self.live {
            let (mut status, oldest) = live.status();
            if let Some(id) = oldest {
                // A queue that cannot be read is told of already: as the refusal.
                let message = self.spool.message(id).await.ok().flatten();
                status.oldest_at = message.map(|message| message.received_at);
            }
            return Ok(Answer::Status { status });
        }
        let mut status = RelayStatus { version: env!("CARGO_PKG_VERSION").into(), ..RelayStatus::default() };
        let mut after = None;
        loop {
            let page = self.spool.pending(after, PAGE).await.map_err(|e| e.to_string())?;
            let Some(last) = page.last() else { break };
            after = Some((last.message, last.number));
            for recipient in &page {
                *(if recipient.held { &mut status.held } else { &mut status.queued }) += 1;
            }
        }
        let oldest = self.spool.select(Selector::default(), 1).await.map_err(|e| e.to_string())?;
        status.oldest_at = oldest.first().map(|m| m.received_at);
        Ok(Answer::Status { status })
    }

    async fn list(&self, selector: Selector, limit: usize) -> Result<Answer, String> {
        let limit = limit.clamp(1, MOST);
        let mut found = self.spool.select(selector, limit + 1).await.map_err(|e| e.to_string())?;
        let more = found.len() > limit;
        found.truncate(limit);
        let watched = self.live.as_ref().map(|live| live.watched()).unwrap_or_default();
        Ok(Answer::Messages { messages: found.iter().map(|m| view(m, &watched)).collect(), more })
    }

    async fn body(&self, id: MessageId) -> Result<Answer, String> {
        let body = self.spool.body(id).await.map_err(|e| e.to_string())?;
        let shown = body.get(..LONGEST_BODY.min(body.len())).unwrap_or_default();
        Ok(Answer::Body { text: String::from_utf8_lossy(shown).into_owned() })
    }

    async fn change(
        &self,
        selector: Selector,
        verb: Verb,
        dry_run: bool,
        now: i64,
    ) -> Result<Answer, String> {
        let change = match verb {
            Verb::Retry => Change::Retry { at: now },
            Verb::Hold => Change::Hold,
            Verb::Release => Change::Release { at: now },
            Verb::Cancel => Change::Cancel { at: now },
        };
        let recipients = self.spool.change(selector, change, dry_run).await.map_err(|e| e.to_string())?;
        if let (Some(live), false, false) = (&self.live, dry_run, recipients.is_empty()) {
            live.changed(&recipients, change);
        }
        Ok(Answer::Changed { recipients })
    }
}

/// Recipients read at a time.
const PAGE: usize = 10_000;
/// Messages in one answer.
const MOST: usize = 100_000;
/// Bytes of a body that are shown.
const LONGEST_BODY: usize = 1 << 20;

fn view(message: &StoredMessage, watched: &[QueueWatch]) -> QueuedMessage {
    let envelope = &message.envelope;
    QueuedMessage {
        id: message.id.to_string(),
        sender: envelope.sender.clone(),
        size: message.size,
        received_at: message.received_at,
        expires_at: message.expires_at,
        client: envelope.arrival.client,
        user: envelope.arrival.user.clone(),
        require_tls: envelope.require_tls,
        tls_required_no: envelope.tls_required_no,
        recipients: message.recipients.iter().map(|r| recipient_view(r, watched)).collect(),
    }
}

fn recipient_view(recipient: &Recipient, watched: &[QueueWatch]) -> QueuedRecipient {
    let queued = recipient.state == State::Queued;
    let last = recipient.last.clone().unwrap_or_default();
    let tried = recipient.last.is_some();
    let watch = watched.iter().find(|w| queued && !last.site.is_empty() && w.site == last.site);
    QueuedRecipient {
        number: recipient.number,
        address: recipient.address.clone(),
        state: recipient.state.word().to_owned(),
        next_at: queued.then_some(recipient.next_at),
        attempts: recipient.attempts,
        last_at: tried.then_some(last.at),
        reason: last.reason,
        reply: tried.then_some(last.reply),
        ours: last.ours,
        last_reason: last.met.as_ref().and_then(|met| met.reason.clone()),
        last_reply: last.met.map(|met| met.reply),
        host: last.host,
        host_address: last.address,
        site: last.site,
        channel: last.channel,
        policy: last.policy,
        maybe_delivered: last.maybe_delivered,
        transcript: last.transcript,
        watch: watch.cloned(),
    }
}
