//! Check [`tls.null`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// Suites without encryption are accepted.
    ///
    /// # Effect
    /// The mail is signed and readable: anyone on the path reads it.
    /// # Method
    /// A hello that offers only NULL suites is accepted.
    /// # Fix
    /// Exclude eNULL.
    /// # Sources
    /// RFC 9325 section 4.1.
    "tls.null", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(fact) = super::accepted(case, SuiteClass::Null)? else { return CLEAR };
    let severity = Severity::High;
    case.finding(&CHECK, severity, format!("{} accepts suites without encryption", case.host()))
        .detail(format!(
            "{}. A sender that negotiates one sends readable mail and believes it encrypted.",
            super::proof(&fact)
        ))
        .fix("ciphers")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::Null),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Null),
}
