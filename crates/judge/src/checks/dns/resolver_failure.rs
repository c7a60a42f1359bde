//! Check [`dns.resolver_failure`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::evidence::MailRouting;

check! {
    /// The name servers answer some questions about the mail names and fail at others.
    ///
    /// # Effect
    /// Senders treat a failed lookup as temporary and wait; DANE senders do not deliver at
    /// all while it lasts.
    /// # Method
    /// A query for MX, A or AAAA ends with an error or without an answer, while another
    /// about the same names is answered. If all fail, the fault may be on our side and the
    /// verdict is undetermined.
    /// # Fix
    /// Ask each of the zone's name servers directly for the name and type that fail.
    /// # Sources
    /// RFC 5321 section 5.1; RFC 7672 section 2.1; RFC 4074 (AAAA misbehaviour).
    "dns.resolver_failure", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    let answers: Vec<_> =
        std::iter::once(&domain.mx_answer).chain(domain.hosts.iter().flat_map(|h| &h.answers)).collect();
    let is_failure = |o: DnsOutcome| matches!(o, DnsOutcome::ServerError | DnsOutcome::Timeout);
    let failures: Vec<_> =
        answers.iter().filter(|a| is_failure(a.outcome) && a.status != DnssecStatus::Bogus).collect();
    if domain.routing == MailRouting::Unknown && domain.mx_answer.status != DnssecStatus::Bogus {
        super::routing(domain)?;
    }
    let Some(first) = failures.first() else { return CLEAR };
    if failures.len() == answers.len() {
        return Err(Why::new(Cause::Resolver, format!("{} {}: {}", first.name, first.rtype, first.reason)));
    }
    let names: Vec<String> = failures.iter().map(|a| format!("{} {}", a.name, a.rtype)).collect();
    case.finding(
        &CHECK,
        Severity::Medium,
        format!("The name servers fail at {}", text::short_list(&names, 3)),
    )
    .confidence(Confidence::Medium)
    .detail(format!(
        "{}. Other questions about the same names were answered. Senders take a failed lookup as temporary \
             and wait; senders that use DANE must not deliver while it lasts.",
        text::sentence(&first.reason)
    ))
    .fix_text(format!(
        "Ask each name server of the zone directly, and mend the one that fails:\ndig @NAMESERVER {} {}",
        first.name, first.rtype
    ))
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::mx(e).answers[1].outcome = DnsOutcome::ServerError,
    undetermined: |e| sample::domain(e).routing = MailRouting::Unknown,
}
