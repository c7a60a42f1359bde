//! Check [`dane.mismatch`](CHECK).

use crate::checks::prelude::*;
use crate::dane::{self, DaneState};

check! {
    /// The TLSA records do not match what the server presents.
    ///
    /// # Effect
    /// Senders that use DANE (Exchange Online, Postfix, many providers) do not deliver: the
    /// mail waits in their queues and is returned after some days.
    /// # Method
    /// Every presented chain, RSA and ECDSA, at every address, against the usable records.
    /// DANE-EE compares the server's own certificate and nothing else; DANE-TA a certificate
    /// above it, with signatures, dates and names.
    /// # Fix
    /// Publish the records of the keys in use, or put the old key back.
    /// # Sources
    /// RFC 7672 sections 2.1 and 3; RFC 7671 sections 5, 8 and 9.
    "dane.mismatch", Relay, judge
}

fn judge(case: &Case) -> Outcome {
    let facts = super::secure(case)?;
    let why = match dane::state(case.facts()?, case.now) {
        DaneState::Mismatch(why) => why,
        DaneState::Unknown(why) => return Err(why),
        _ => return CLEAR,
    };
    let host = case.host();
    let records: Vec<String> = facts.tlsa.iter().map(dane::short).collect();
    case.finding(
        &CHECK,
        Severity::Critical,
        format!("The TLSA records of {host} do not match its certificate"),
    )
    .detail(format!(
        "{} holds {}: {}. Senders that use DANE do not deliver, and return the mail after some days.",
        facts.name,
        text::short_list(&records, 3),
        why.trim_end_matches('.')
    ))
    .fix("dane_mismatch")
    .weight(8)
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::dane(e).tlsa[0].data = "11".repeat(32),
    undetermined: |e| sample::facts(e).chains = sample::failed(),
}
