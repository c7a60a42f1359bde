//! Check [`smtp.starttls_intermittent`](CHECK).

use crate::checks::prelude::*;

check! {
    /// STARTTLS is offered on some connections and not on others.
    ///
    /// # Effect
    /// Part of the mail goes in clear; senders that require TLS deliver only after several
    /// attempts.
    /// # Method
    /// Every connection of the scan looks for STARTTLS in the EHLO answer and counts.
    /// # Fix
    /// Configure all machines behind the address alike.
    /// # Sources
    /// RFC 3207; testssl.sh issue 2090 (a large provider that left it out at random).
    "smtp.starttls_intermittent", Starttls, judge
}

fn judge(case: &Case) -> Outcome {
    let tally = case.smtp()?.starttls_seen;
    if tally.asked == 0 {
        return Err(Why::new(Cause::Prerequisite, "no answer to EHLO was seen"));
    }
    if tally.found == 0 || tally.found >= tally.asked {
        return CLEAR;
    }
    let title = format!("{} offers STARTTLS only sometimes", case.host());
    case.finding(&CHECK, Severity::High, title)
        .detail(format!(
            "It was there in {} of {} connections. Mail that meets the others goes in clear, or waits if the \
             sender requires TLS.",
            tally.found, tally.asked
        ))
        .fix("intermittent")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).starttls_seen.found = 12,
    undetermined: |e| sample::smtp(e).starttls_seen = waxseal_model::smtp::Tally::default(),
}
