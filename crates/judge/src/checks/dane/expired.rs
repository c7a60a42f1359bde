//! Check [`dane.expired`](CHECK).

use crate::checks::prelude::*;
use crate::dane::{self, DaneState};

check! {
    /// The certificate has expired, and only DANE still holds it.
    ///
    /// # Effect
    /// By the standard senders that use DANE-EE ignore the dates. Exchange Online refuses all
    /// the same (`5.7.322 certificate-expired`), and senders with MTA-STS do too.
    /// # Method
    /// A matching DANE-EE record, and a certificate whose end has passed.
    /// # Fix
    /// Renew the certificate; with the same key the record stays right.
    /// # Sources
    /// RFC 7672 section 3.1.1; Microsoft's list of non-delivery codes (5.7.322).
    "dane.expired", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    super::secure(case)?;
    let facts = case.facts()?;
    match dane::state(facts, case.now) {
        DaneState::Valid => {}
        DaneState::Unknown(why) => return Err(why),
        _ => return CLEAR,
    }
    let Some(records) = dane::secure_records(facts) else { return CLEAR };
    let chains = known(dane::chains(facts, records))?;
    let ended = chains.iter().filter_map(|c| c.leaf()).find(|leaf| leaf.not_after < case.now);
    let Some(leaf) = ended else { return CLEAR };
    let host = case.host();
    case.finding(
        &CHECK,
        Severity::Medium,
        format!("The certificate of {host} expired on {}; only DANE still holds it", text::date(leaf.not_after)),
    )
    .detail(
        "Senders that use DANE-EE ignore dates by the standard, but Exchange Online refuses expired certificates \
         (5.7.322), and so does every sender that goes by MTA-STS.",
    )
    .fix("certificate")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).not_after = sample::NOW - sample::DAY,
    undetermined: |e| sample::facts(e).chains = sample::failed(),
}
