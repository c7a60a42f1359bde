//! What happened, as one stream for logs, metrics and reports.

use std::net::IpAddr;

use serde::Serialize;
use waxseal_judge::delivery::Reported;
use waxseal_model::policy::StsPolicy;
use waxseal_store::spool::{Attempt, Envelope, MessageId, State};

/// Takes events. Must not block for long: it is called between two messages.
pub trait Events: Send + Sync + 'static {
    /// Notes an event that happened now (seconds since 1970-01-01 UTC).
    fn emit(&self, now: i64, event: &Event<'_>);
}

/// Hands each event to several, in their order.
pub struct Everyone(pub Vec<std::sync::Arc<dyn Events>>);

impl Events for Everyone {
    fn emit(&self, now: i64, event: &Event<'_>) {
        self.0.iter().for_each(|events| events.emit(now, event));
    }
}

/// One thing that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A message was taken: `250` is being said.
    Accepted {
        /// Its id.
        id: MessageId,
        /// What was said about it.
        envelope: &'a Envelope,
        /// For how many.
        recipients: usize,
        /// Bytes.
        size: u64,
    },
    /// A client was refused something.
    Refused {
        /// Its address.
        client: Option<IpAddr>,
        /// The command or moment: `RCPT`, `connect`.
        stage: &'static str,
        /// Our reply.
        reply: &'a str,
    },
    /// An attempt for one recipient ended.
    Attempted {
        /// The message.
        id: MessageId,
        /// Its sender.
        sender: &'a str,
        /// The recipient.
        recipient: &'a str,
        /// Where the recipient stands now.
        state: State,
        /// When it is tried next, where that is so.
        next_at: Option<i64>,
        /// The attempt.
        attempt: &'a Attempt,
        /// Seconds since the message came.
        age: i64,
    },
    /// A TLS session with an MX host was tried, for TLS-RPT and metrics. Not of reused
    /// connections.
    Tls(TlsSession<'a>),
    /// A site that kept mail waiting for want of TLS passed a probe.
    Mended {
        /// The site.
        site: &'a str,
        /// The domain that was probed.
        domain: &'a str,
        /// The reason that had kept mail waiting.
        reason: &'a str,
        /// Seconds since it was first seen.
        after: i64,
        /// Recipients that are released.
        recipients: usize,
    },
    /// A site is probed from now on.
    Watching {
        /// The site.
        site: &'a str,
        /// The domain that is probed.
        domain: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// Anything else that an operator has to know, as a sentence, or a danger.
    Note {
        /// How bad.
        severity: Severity,
        /// A token: `spool.poisoned`, `config.reloaded`.
        token: &'static str,
        /// The sentence.
        text: &'a str,
    },
}

/// How bad a note is, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is well.
    Info,
    /// Somebody should look at it.
    Warning,
    /// Mail is not being taken or delivered.
    Error,
}

/// One session with an MX host, as TLS-RPT counts them.
#[derive(Debug, Clone)]
pub struct TlsSession<'a> {
    /// The recipient domain.
    pub domain: &'a str,
    /// The envelope sender of the message that the session was begun for. Sessions for TLS
    /// reports are not reported themselves: that would never end.
    pub sender: &'a str,
    /// The MTA-STS policy in force, if one was.
    pub sts: Option<&'a StsPolicy>,
    /// The TLSA records in force, in presentation form; empty where DANE plays no part.
    pub tlsa: &'a [String],
    /// The MX host.
    pub mx: &'a str,
    /// Its EHLO or HELO name, if it came so far.
    pub helo: Option<&'a str>,
    /// Our address on the connection.
    pub from: Option<IpAddr>,
    /// The host's address.
    pub to: Option<IpAddr>,
    /// What failed, by published policy; none where the session met it.
    pub failure: Option<Reported>,
    /// What was seen, in a few words: an alert, the names of the certificate.
    pub detail: &'a str,
    /// TLS stood; the version and suite in words, empty otherwise.
    pub channel: &'a str,
}
