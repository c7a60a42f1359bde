//! Check [`dns.null_mx`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::evidence::MailRouting;

check! {
    /// The domain declares that it accepts no mail (null MX).
    ///
    /// # Effect
    /// Senders refuse mail to it at once (556 5.1.10). Other servers refuse mail that
    /// claims to come from it (550 5.7.27).
    /// # Method
    /// The only MX record is `0 .`.
    /// # Fix
    /// Nothing, if it is meant so. Otherwise replace it by a real MX record.
    /// # Sources
    /// RFC 7505.
    "dns.null_mx", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let domain = case.domain()?;
    if super::routing(domain)? != MailRouting::NullMx {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Info, format!("{} accepts no mail, and says so (null MX)", domain.name))
        .detail(
            "The only MX record is `0 .`. That is right for a domain without mailboxes; it must then not be \
             used as a sender's address either.",
        )
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::domain(e).routing = MailRouting::NullMx,
    undetermined: |e| sample::domain(e).routing = MailRouting::Unknown,
}
