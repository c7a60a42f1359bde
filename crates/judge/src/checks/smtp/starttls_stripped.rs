//! Check [`smtp.starttls_stripped`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::smtp::StarttlsOffer;

check! {
    /// A device on the path overwrites the offer of STARTTLS.
    ///
    /// # Effect
    /// All mail goes in clear although the server could do better. Senders that require TLS
    /// do not deliver.
    /// # Method
    /// The answer to EHLO holds a keyword of the same length made of X (`XXXXXXXA`), the mark
    /// of firewalls with "SMTP inspection".
    /// # Fix
    /// Switch the inspection off, or let it pass TLS (Cisco: `no inspect esmtp`).
    /// # Sources
    /// Cisco ASA, ESMTP inspection (`allow-tls`); RFC 7435 section 1; RFC 8461 section 1.
    "smtp.starttls_stripped", Starttls, judge
}

fn judge(case: &Case) -> Outcome {
    let StarttlsOffer::Mangled { keyword } = known(&case.smtp()?.starttls_offer)? else { return CLEAR };
    let title = format!("Something on the path to {} strips STARTTLS", case.host());
    case.finding(&CHECK, Severity::Critical, title)
        .detail(format!(
            "The answer to EHLO holds \"{keyword}\" where STARTTLS belongs: a firewall or router rewrites SMTP. \
             Mail goes in clear, and senders that insist on TLS do not deliver. If only this test sees it, the \
             device stands on our side of the path."
        ))
        .fix("strip")
        .weight(5)
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).starttls_offer =
        Observed::seen(StarttlsOffer::Mangled { keyword: "XXXXXXXA".into() }),
    undetermined: |e| sample::smtp(e).starttls_offer = sample::failed(),
}
