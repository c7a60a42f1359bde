//! Check [`dns.bogus`](CHECK).

use crate::checks::prelude::*;

check! {
    /// DNSSEC validation of the mail names fails.
    ///
    /// # Effect
    /// Senders whose resolver validates get SERVFAIL and keep the mail in their queue until
    /// it expires. Others deliver as if nothing were amiss, so the fault goes unnoticed.
    /// # Method
    /// waxseal validates MX and address answers itself, from the root's trust anchor. The
    /// AD bit of a resolver is not trusted.
    /// # Fix
    /// Sign the zone again or correct the DS record; until then remove the DS record.
    /// # Sources
    /// RFC 4033 section 5; RFC 4035; RFC 7672 section 2.1.2.
    "dns.bogus", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    let answers = std::iter::once(&domain.mx_answer).chain(domain.hosts.iter().flat_map(|h| &h.answers));
    let mut found = Vec::new();
    let mut unknown = None;
    for answer in answers {
        match answer.status {
            DnssecStatus::Bogus => {
                let title =
                    format!("The DNSSEC signatures of {} {} do not verify", answer.name, answer.rtype);
                let draft = case.finding(&CHECK, Severity::Critical, title).detail(format!(
                    "{}. Senders behind a validating resolver get no answer and keep the mail in their queue; \
                     others deliver, so it may go unnoticed.",
                    text::sentence(&answer.reason)
                ));
                found.push(draft.fix("dnssec").build());
            }
            DnssecStatus::Indeterminate => unknown = unknown.or(Some(answer)),
            DnssecStatus::Secure | DnssecStatus::Insecure => {}
        }
    }
    match unknown {
        Some(answer) if found.is_empty() => {
            Err(Why::new(Cause::Resolver, format!("{} {}: {}", answer.name, answer.rtype, answer.reason)))
        }
        _ => Ok(found),
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).mx_answer.status = DnssecStatus::Bogus,
    undetermined: |e| sample::domain(e).mx_answer.status = DnssecStatus::Indeterminate,
}
