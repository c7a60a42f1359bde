//! Check [`dns.null_mx_with_others`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::evidence::MailRouting;

check! {
    /// The null MX stands beside other MX records.
    ///
    /// # Effect
    /// The records contradict each other: some senders refuse the mail, others try the
    /// other hosts, others fail on the empty name.
    /// # Method
    /// One MX record is `0 .`, and there are more.
    /// # Fix
    /// Keep the null MX alone, or the real MX records alone.
    /// # Sources
    /// RFC 7505 section 3.
    "dns.null_mx_with_others", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    if super::routing(domain)? != MailRouting::NullMxWithOthers {
        return CLEAR;
    }
    let title = format!("{} publishes the null MX together with other MX records", domain.name);
    case.finding(&CHECK, Severity::High, title)
        .detail(
            "`MX 0 .` says that the domain accepts no mail, the other records say that it does. RFC 7505 \
             forbids the mixture; whether mail arrives depends on the sender's software.",
        )
        .fix("null_mx")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).routing = MailRouting::NullMxWithOthers,
    undetermined: |e| sample::domain(e).routing = MailRouting::Unknown,
}
