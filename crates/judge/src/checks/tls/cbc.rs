//! Check [`tls.cbc`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// CBC suites are accepted.
    ///
    /// # Effect
    /// CBC with MAC-then-encrypt had a row of timing attacks (Lucky 13), mended in current
    /// libraries. Older senders need these suites.
    /// # Method
    /// A hello that offers only CBC suites is accepted.
    /// # Fix
    /// Nothing urgent; keep the TLS library current.
    /// # Sources
    /// CVE-2013-0169 (Lucky 13); RFC 7366; RFC 9325 section 4.2.1.
    "tls.cbc", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Cbc)? else { return CLEAR };
    let severity = Severity::Info;
    case.finding(&CHECK, severity, format!("{} accepts CBC suites", case.host()))
        .detail(format!(
            "{}. Current libraries have mended the known attacks, and old senders need them.",
            super::proof(&fact)
        ))
        .fix("cbc")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::Cbc),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Cbc),
}
