//! What became of one recipient, and why.

use waxseal_explain::{Diagnosis, MailEvent, diagnose, facts};
use waxseal_model::mail::{EnhancedStatus, Outcome, Source, Stage};
use waxseal_store::spool::{Attempt, Envelope, StoredMessage};
use waxseal_wire::dsn;

use crate::delivery::notices::{Occasion, Told};

/// Below this a diagnosis is not told to a person.
const SURE: f64 = 0.5;

/// One recipient of a notice.
pub(super) struct Case<'a> {
    pub(super) told: &'a Told<'a>,
    /// What the last attempt met.
    pub(super) met: Met<'a>,
    /// Why, if that is known.
    diagnosis: Diagnosis,
    status: String,
}

impl<'a> Case<'a> {
    pub(super) fn of(occasion: Occasion, envelope: &Envelope, told: &'a Told<'a>) -> Self {
        let met = Met::of(told.attempt);
        let mut event = MailEvent {
            source: Source { format: "waxseal".into(), ..Source::default() },
            outcome: match occasion {
                Occasion::Failure => Outcome::Failed,
                Occasion::Delay => Outcome::Deferred,
                Occasion::Relayed => Outcome::Relayed,
            },
            recipient: Some(told.recipient.address.clone()),
            sender: Some(envelope.sender.clone()),
            stage: met.reason.and_then(stage),
            text: met.words.to_owned(),
            remote_host: met.attempt.host.clone(),
            remote_address: met.attempt.address,
            ..MailEvent::default()
        };
        facts::complete(&mut event);
        let diagnosis = diagnose(&event);
        Self { told, diagnosis, status: status(occasion, told, met.words), met }
    }

    /// Why, if that is known well enough to be told.
    pub(super) fn known(&self) -> Option<&Diagnosis> {
        Some(&self.diagnosis).filter(|d| d.confidence >= SURE && d.cause != "unspecified")
    }

    /// A host was talked to: what it said, or did not say, is the reason.
    pub(super) fn contacted(&self) -> bool {
        let spoken = |token: &str| {
            let kinds = ["tls.", "fp.", "reply.", "lost.", "unknown."];
            kinds.iter().any(|kind| token.starts_with(kind))
                || matches!(
                    token,
                    "dane.mismatch"
                        | "sts.webpki"
                        | "requiretls.unsupported"
                        | "smtputf8.unsupported"
                        | "eightbit.unsupported"
                        | "size.exceeded"
                )
        };
        self.met.attempt.host.is_some() && (!self.met.ours || self.met.reason.is_none_or(spoken))
    }

    /// The recipient's group in the report.
    pub(super) fn reported(&self, occasion: Occasion, message: &StoredMessage) -> dsn::Recipient<'_> {
        let diagnostic = match (occasion, self.met.ours) {
            _ if self.met.words.is_empty() => None,
            (Occasion::Relayed, true) => None,
            (_, true) => Some(dsn::Diagnostic::Own(self.met.words)),
            (_, false) => Some(dsn::Diagnostic::Smtp(self.met.words)),
        };
        dsn::Recipient {
            address: &self.told.recipient.address,
            orcpt: self.told.recipient.orcpt.as_deref(),
            action: match occasion {
                Occasion::Failure => dsn::Action::Failed,
                Occasion::Delay => dsn::Action::Delayed,
                Occasion::Relayed => dsn::Action::Relayed,
            },
            status: &self.status,
            remote_mta: self.met.attempt.host.as_deref().filter(|_| self.contacted()),
            diagnostic,
            last_attempt: Some(self.met.attempt.at),
            will_retry_until: (occasion == Occasion::Delay).then_some(message.expires_at),
        }
    }
}

/// What the last real attempt met: where time was up, that the clock ran out is no reason.
pub(super) struct Met<'a> {
    /// The attempt, for host, address and policy.
    pub(super) attempt: &'a Attempt,
    /// The reply.
    pub(super) words: &'a str,
    /// It is ours, not the other server's.
    pub(super) ours: bool,
    /// The reason's token.
    pub(super) reason: Option<&'a str>,
}

impl<'a> Met<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        match attempt.met.as_deref() {
            Some(met) => Self { attempt, words: &met.reply, ours: met.ours, reason: met.reason.as_deref() },
            None => {
                Self { attempt, words: &attempt.reply, ours: attempt.ours, reason: attempt.reason.as_deref() }
            }
        }
    }
}

/// The status code that the report states (RFC 3463): that of the reply, in the class that
/// fits what was done.
fn status(occasion: Occasion, told: &Told<'_>, words: &str) -> String {
    let class = match occasion {
        Occasion::Failure => 5,
        Occasion::Delay => 4,
        Occasion::Relayed => 2,
    };
    if told.expired && occasion == Occasion::Failure {
        return "5.4.7".to_owned();
    }
    let second = words.split([' ', '-']).nth(1).unwrap_or_default();
    match EnhancedStatus::parse(second) {
        Some(status) if class != 2 || status.class == 2 => EnhancedStatus { class, ..status }.to_string(),
        _ => format!("{class}.0.0"),
    }
}

/// The moment that a reason speaks of.
fn stage(token: &str) -> Option<Stage> {
    Some(match token {
        "reply.greeting" | "lost.greeting" => Stage::Greeting,
        "reply.ehlo" | "lost.ehlo" => Stage::Ehlo,
        "reply.mail" | "lost.mail" => Stage::Mail,
        "reply.rcpt" | "lost.rcpt" => Stage::Rcpt,
        "reply.data" | "lost.data" => Stage::Data,
        "reply.end_of_data" | "unknown.after_dot" => Stage::EndOfData,
        "tls.not_advertised" | "tls.refused" => Stage::Starttls,
        "connect.failed" | "connect.timeout" => Stage::Connect,
        "mx.bogus" | "address.lookup" | "dane.lookup" | "domain.null_mx" | "domain.not_found" => Stage::Dns,
        token
            if token.starts_with("tls.")
                || matches!(token, "fp.mismatch" | "dane.mismatch" | "sts.webpki") =>
        {
            Stage::Tls
        }
        _ => return None,
    })
}
