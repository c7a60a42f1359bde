//! Check [`tls.dhe`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// Finite-field Diffie-Hellman is accepted in TLS 1.2.
    ///
    /// # Effect
    /// Little, with a group of 2048 bits or more. RFC 10015 withdraws it because clients
    /// cannot choose the group.
    /// # Method
    /// A hello that offers only DHE suites is accepted.
    /// # Fix
    /// Offer ECDHE only, once the log shows that nobody needs DHE.
    /// # Sources
    /// RFC 10015; RFC 9325 section 4.4.
    "tls.dhe", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Dhe)? else { return CLEAR };
    case.finding(&CHECK, Severity::Info, format!("{} accepts DHE key exchange", case.host()))
        .detail(format!(
            "{}. RFC 10015 (2026) withdraws it for TLS 1.2 in favour of ECDHE; with a large group it is not \
             dangerous.",
            super::proof(&fact)
        ))
        .fix("key_exchange")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::Dhe),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Dhe),
}
