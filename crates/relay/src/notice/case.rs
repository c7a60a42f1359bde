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
    /// The attempt that gave the reason: of what expired the last one before that.
    pub(super) attempt: &'a Attempt,
    /// The reply that gave the reason.
    pub(super) words: &'a str,
    /// Why, if that is known.
    diagnosis: Diagnosis,
    status: String,
}

impl<'a> Case<'a> {
    pub(super) fn of(occasion: Occasion, envelope: &Envelope, told: &'a Told<'a>) -> Self {
        let (attempt, words) = reason(told);
        let mut event = MailEvent {
            source: Source { format: "waxseal".into(), ..Source::default() },
            outcome: match occasion {
                Occasion::Failure => Outcome::Failed,
                Occasion::Delay => Outcome::Deferred,
                Occasion::Relayed => Outcome::Relayed,
            },
            recipient: Some(told.recipient.address.clone()),
            sender: Some(envelope.sender.clone()),
            stage: attempt.reason.as_deref().and_then(stage),
            text: words.to_owned(),
            remote_host: attempt.host.clone(),
            remote_address: attempt.address,
            ..MailEvent::default()
        };
        facts::complete(&mut event);
        let diagnosis = diagnose(&event);
        Self { told, attempt, words, diagnosis, status: status(occasion, told, words) }
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
        self.attempt.host.is_some()
            && (!self.attempt.ours || self.attempt.reason.as_deref().is_none_or(spoken))
    }

    /// The recipient's group in the report.
    pub(super) fn reported(&self, occasion: Occasion, message: &StoredMessage) -> dsn::Recipient<'_> {
        let diagnostic = match (occasion, self.attempt.ours) {
            _ if self.words.is_empty() => None,
            (Occasion::Relayed, true) => None,
            (_, true) => Some(dsn::Diagnostic::Own(self.words)),
            (_, false) => Some(dsn::Diagnostic::Smtp(self.words)),
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
            remote_mta: self.attempt.host.as_deref().filter(|_| self.contacted()),
            diagnostic,
            last_attempt: Some(self.attempt.at),
            will_retry_until: (occasion == Occasion::Delay).then_some(message.expires_at),
        }
    }
}

/// The attempt and the words that say why. Where time was up, that is not the reason: it is
/// what the last attempt met, as the reply quotes it or the recipient remembers it.
fn reason<'a>(told: &'a Told<'a>) -> (&'a Attempt, &'a str) {
    let reply = told.attempt.reply.as_str();
    if !told.expired || !reply.contains(" 5.4.7 ") {
        return (told.attempt, reply);
    }
    if let Some(inner) = inner_reply(reply) {
        let last = told.recipient.last.as_ref().filter(|last| last.reply == inner);
        return (last.unwrap_or(told.attempt), inner);
    }
    match &told.recipient.last {
        Some(last) if !last.reply.is_empty() => (last, last.reply.as_str()),
        _ => (told.attempt, reply),
    }
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
            return Some(rest.trim_end_matches(')'));
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
