//! Check [`dane.records`](CHECK).

use crate::checks::prelude::*;
use crate::dane;
use waxseal_model::policy::TlsaFacts;

check! {
    /// TLSA records of an unfavourable kind, or very many of them.
    ///
    /// # Effect
    /// `2 1 1` and `2 0 1` break when the CA changes its intermediate, whole certificates
    /// (matching type 0) make large answers, and not every sender knows SHA-512. Long lists
    /// make some senders fail.
    /// # Method
    /// Usage, selector and matching type of each secure record, and their number.
    /// # Fix
    /// Records `3 1 1`, one for each key in use and the next one.
    /// # Sources
    /// RFC 7672 section 3.1; RFC 7671 section 5.1; RFC 6698 section 2.1.3.
    "dane.records", Relay, judge
}

/// More records than this made senders fail (measured on Exchange Online in 2024, ISI).
const MANY: usize = 12;

fn judge(case: &Case) -> Outcome {
    let facts = super::secure(case)?;
    let usable: Vec<&TlsaFacts> = facts.tlsa.iter().filter(|t| t.unusable.is_none()).collect();
    let mut remarks = Vec::new();
    for t in &usable {
        if t.matching_type == 0 {
            remarks.push(format!("{} holds a whole certificate or key instead of a digest", dane::short(t)));
        } else if t.usage == 2 {
            remarks.push(format!("{} breaks when the CA changes that certificate", dane::short(t)));
        } else if t.selector == 0 {
            remarks.push(format!("{} breaks with every renewal of the certificate", dane::short(t)));
        }
    }
    if !usable.is_empty() && usable.iter().all(|t| t.matching_type == 2) {
        remarks.push("all are SHA-512, which senders need not know".into());
    }
    if facts.tlsa.len() > MANY {
        remarks.push(format!("{} records are more than some senders can take", facts.tlsa.len()));
    }
    if remarks.is_empty() {
        return CLEAR;
    }
    let host = case.host();
    case.finding(&CHECK, Severity::Low, format!("The TLSA records of {host} are not of the kind that lasts"))
        .detail(format!(
            "{}. Records 3 1 1 last as long as the key.",
            text::sentence(&text::short_list(&remarks, 3))
        ))
        .fix("dane_records")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::dane(e).tlsa[0].selector = 0,
    undetermined: |e| sample::facts(e).dane = sample::failed(),
}
