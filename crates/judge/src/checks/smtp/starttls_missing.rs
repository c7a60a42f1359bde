//! Check [`smtp.starttls_missing`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::smtp::StarttlsOffer;

check! {
    /// The server does not offer STARTTLS: mail goes in clear.
    ///
    /// # Effect
    /// Anyone on the path reads and changes the mail. Senders that require TLS do not
    /// deliver ("451 4.7.6 STARTTLS required but not advertised", "550 5.7.10").
    /// # Method
    /// The answer to EHLO holds no STARTTLS keyword.
    /// # Fix
    /// Give the server a certificate and switch TLS on for everybody.
    /// # Sources
    /// RFC 3207 section 4; RFC 7435 (opportunistic security).
    "smtp.starttls_missing", Starttls, judge
}

fn judge(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    if *known(&smtp.starttls_offer)? != StarttlsOffer::Absent {
        return CLEAR;
    }
    // Where other connections met it, `smtp.starttls_intermittent` tells.
    if smtp.starttls_seen.found > 0 {
        return CLEAR;
    }
    let accepted = match smtp.mail_in_clear.get() {
        Some(reply) if reply.is_positive() => " It accepts mail in clear.",
        Some(_) => " It did not accept our MAIL FROM in clear either.",
        None => "",
    };
    let who = case.by_usage(
        "Senders that insist on TLS refuse to deliver here; all others send in clear, readable for anyone on \
         the path.",
        "Mail programs that insist on TLS cannot send; others send mail and password in clear.",
    );
    let title = format!("{} offers no TLS: mail goes there in clear", case.host());
    case.finding(&CHECK, Severity::Critical, title)
        .detail(format!("The answer to EHLO holds no STARTTLS.{accepted} {who}"))
        .fix("starttls")
        .weight(5)
        .found()
}

fixtures! {
    clear: |_| {},
    found: sample::plaintext_only,
    undetermined: |e| sample::smtp(e).starttls_offer = sample::failed(),
}
