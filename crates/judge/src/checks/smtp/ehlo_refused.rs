//! Check [`smtp.ehlo_refused`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::{TlsStart, smtp::StarttlsOffer};

check! {
    /// The server refuses EHLO and accepts only HELO.
    ///
    /// # Effect
    /// No extension can be offered, STARTTLS least of all: mail goes in clear.
    /// # Method
    /// EHLO is answered with 5xx; HELO is tried after it.
    /// # Fix
    /// Replace the filter or the very old server in front.
    /// # Sources
    /// RFC 5321 section 3.2 and 4.1.1.1: servers must support EHLO.
    "smtp.ehlo_refused", Conversation, judge
}

fn judge(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    let ehlo = match case.endpoint()?.endpoint.tls {
        TlsStart::Starttls => &smtp.ehlo_plain,
        TlsStart::Implicit => &smtp.ehlo_tls,
    };
    if smtp.starttls_offer.get() != Some(&StarttlsOffer::EhloRefused) && !known(ehlo)?.by_helo {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Critical, format!("{} refuses EHLO", case.host()))
        .detail(
            "Only the old HELO is accepted, so the server can offer neither STARTTLS nor anything else newer \
             than 1995. Every sender delivers in clear or not at all.",
        )
        .fix("ehlo")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).starttls_offer = Observed::seen(StarttlsOffer::EhloRefused),
    undetermined: |e| sample::smtp(e).ehlo_plain = sample::failed(),
}
