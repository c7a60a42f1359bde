//! One attempt: what goes in and what comes out.

use std::{future::Future, net::IpAddr, pin::Pin, sync::Arc};

use bytes::Bytes;
use waxseal_store::spool::{Envelope, MessageId, Notify};

use crate::route::{Route, Wishes};

/// A message for recipients of one domain.
#[derive(Debug, Clone)]
pub struct Job {
    /// The message.
    pub id: MessageId,
    /// What is said about it.
    pub envelope: Arc<Envelope>,
    /// For whom, all of one domain.
    pub recipients: Vec<JobRecipient>,
    /// Its bytes, lines ending in CRLF, not dot-stuffed; parts to be sent one after the other.
    pub body: Vec<Bytes>,
    /// Bytes of all parts.
    pub size: u64,
    /// The MX host and address that may have the message already: tried first (state
    /// UNKNOWN).
    pub first: Option<(String, IpAddr)>,
}

impl Job {
    /// What the message itself asks for.
    pub fn wishes(&self) -> Wishes {
        Wishes::of(&self.envelope)
    }
}

/// A recipient of a job.
#[derive(Debug, Clone)]
pub struct JobRecipient {
    /// Its number within the message.
    pub number: u32,
    /// Without angle brackets.
    pub address: String,
    /// NOTIFY.
    pub notify: Option<Notify>,
    /// ORCPT.
    pub orcpt: Option<String>,
}

/// What an attempt came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// For each recipient of the job, by its number, in the job's order.
    pub verdicts: Vec<(u32, Verdict)>,
    /// What was said in a failed attempt, one line each, bounded.
    pub transcript: Vec<String>,
    /// How the site answered as a whole, for concurrency and breaker.
    pub site: SiteSign,
}

/// What an attempt came to for one recipient.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The end.
    pub end: End,
    /// The reason's token; none for a delivery.
    pub reason: Option<&'static str>,
    /// The reply as it is shown.
    pub reply: String,
    /// The reply is ours, not the other server's.
    pub ours: bool,
    /// The host that answered or was tried last.
    pub host: Option<String>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// The channel in words.
    pub channel: String,
    /// What demanded how much, in words.
    pub policy: String,
    /// The receiving host offers DSN (RFC 3461): it will tell of success itself.
    pub remote_dsn: bool,
}

/// The end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Taken by the host.
    Delivered,
    /// Tried again.
    Deferred,
    /// Given up.
    Failed,
    /// The connection ended between the final dot and its reply.
    Unknown,
}

/// How a site answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteSign {
    /// It takes mail.
    Good,
    /// It asks for less: 421, or a 4xx at the connection or at MAIL.
    Busy,
    /// It cannot be reached.
    Dead,
    /// It keeps mail waiting for want of TLS, by this reason.
    NoTls(&'static str),
    /// Nothing that speaks for or against it: names, a refused recipient.
    Neutral,
}

/// A probe under way. Ok says through which host and how; the error is the reason's token and
/// the reply that a message would have got.
pub type Probing<'a> = Pin<Box<dyn Future<Output = Result<String, (&'static str, String)>> + Send + 'a>>;

/// Makes attempts.
pub trait Deliver: Send + Sync + 'static {
    /// One attempt: hosts in their order, until all recipients have an answer or no host is
    /// left. Ends within a bounded time.
    fn deliver<'a>(
        &'a self,
        route: &'a Route,
        job: &'a Job,
    ) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>>;

    /// Asks the hosts of a route whether they are good enough by now: connection, EHLO,
    /// STARTTLS, certificate, QUIT; no MAIL. Ok says through which host and how; the error
    /// is the reason's token and the reply that a message would have got.
    fn probe<'a>(&'a self, route: &'a Route, wishes: Wishes) -> Probing<'a>;
}
