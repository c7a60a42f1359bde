//! What became of one recipient, and why.

use waxseal_explain::{Diagnosis, MailEvent, diagnose, facts};
use waxseal_judge::delivery::{Failure, Level};
use waxseal_model::mail::{EnhancedStatus, Outcome, Source, Stage};
use waxseal_store::spool::{Attempt, Envelope, StoredMessage};
use waxseal_wire::dsn;

use crate::delivery::{
    notices::{Occasion, Told},
    outcome::Missing,
    reason,
};

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
        let met = Met::of(told);
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

/// What the last attempt met. Where time was up, that is what the reply quotes or the
/// recipient remembers: that the clock ran out is no reason.
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
    fn of(told: &'a Told<'a>) -> Self {
        let attempt = told.attempt;
        let whole =
            Self { attempt, words: &attempt.reply, ours: attempt.ours, reason: attempt.reason.as_deref() };
        if whole.reason != Some(reason::EXPIRED) {
            return whole;
        }
        let last = told.recipient.last.as_ref().filter(|last| !last.reply.is_empty());
        let of_last = |last: &'a Attempt| Self {
            attempt: if attempt.host.is_some() { attempt } else { last },
            words: &last.reply,
            ours: last.ours,
            reason: last.reason.as_deref(),
        };
        match (inner_reply(&attempt.reply), last) {
            // Nothing was tried any more: the reason is what was met before that.
            (Some(inner), Some(last)) if inner == last.reply || inner.contains(" not tried: ") => {
                of_last(last)
            }
            (Some(inner), _) => {
                let own = own_reason(inner);
                Self { attempt, words: inner, ours: own.is_some(), reason: own }
            }
            (None, Some(last)) => of_last(last),
            (None, None) => whole,
        }
    }
}

/// The token of one of our own replies; none for the words of another server.
fn own_reason(reply: &str) -> Option<&'static str> {
    let own = |failure: &Failure| {
        reply.starts_with(&failure.reply().to_string())
            || reply.starts_with(&failure.final_reply().to_string())
    };
    // The longest: one reply may begin as another does.
    let failure = Failure::ALL.into_iter().filter(own).max_by_key(|failure| failure.reply().text.len());
    let missing = [
        (Missing::Size, reason::SIZE_EXCEEDED),
        (Missing::EightBitMime, reason::EIGHTBIT_UNSUPPORTED),
        (Missing::SmtpUtf8, reason::SMTPUTF8_UNSUPPORTED),
    ];
    let missing =
        missing.into_iter().find(|(missing, _)| reply.starts_with(missing.reply())).map(|(_, token)| token);
    // What the network library says (`waxseal_net::NetError`).
    let network = [("451 4.4.1 ", reason::CONNECT_FAILED), ("451 4.4.2 ", reason::LOST_GREETING)];
    let network = network.into_iter().find(|(code, _)| reply.starts_with(code)).map(|(_, token)| token);
    failure.map(|failure| reason::of_failure(failure, Level::Encrypt)).or(missing).or(network)
}

/// The reply that another one quotes: what begins with a code and stands behind the first
/// word.
fn inner_reply(reply: &str) -> Option<&str> {
    let mut from = 1;
    while let Some(at) = reply.get(from..)?.find([' ', '(', ':']).map(|at| from + at + 1) {
        let rest = reply.get(at..)?;
        let code =
            rest.get(..3).is_some_and(|c| c.starts_with(['4', '5']) && c.bytes().all(|b| b.is_ascii_digit()));
        if code && rest.get(3..).is_some_and(|r| r.starts_with([' ', '-'])) {
            let bracketed = reply.get(..at).is_some_and(|before| before.ends_with('('));
            return Some(rest.strip_suffix(')').filter(|_| bracketed).unwrap_or(rest));
        }
        from = at;
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quoted_reply_is_found() {
        for (reply, inner) in [
            (
                "554 5.4.7 exceeded max time without delivery: 451 4.7.6 STARTTLS required",
                Some("451 4.7.6 STARTTLS required"),
            ),
            (
                "554 5.4.7 exceeded max time without delivery (450 4.2.0 greylisted)",
                Some("450 4.2.0 greylisted"),
            ),
            ("554 5.4.7 exceeded max time without delivery", None),
            ("554 5.4.7 given up after 600 minutes", Some("600 minutes")),
            ("", None),
            ("é 45", None),
        ] {
            let expected = inner.filter(|inner| inner.starts_with(['4', '5']));
            assert_eq!(inner_reply(reply), expected, "{reply}");
        }
    }
}
